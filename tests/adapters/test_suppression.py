import numpy as np
import pytest

from tests.adapters import oracles
from vidkit.adapters.suppression import suppressed


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("n", [0, 1, 2, 40])
def test_it_equals_the_loop(seed, n):
    rng = np.random.default_rng(seed)
    corner = rng.integers(0, 20, (n, 2))
    boxes = np.concatenate([corner, corner + rng.integers(0, 15, (n, 2))], axis=1).astype(np.float32)  # some are empty
    scores = np.round(rng.random(n), 1).astype(np.float32)  # some are tied
    labels = rng.integers(0, 3, n)
    for threshold in (0.0, 0.3, 0.7, 1.0):
        for limit in (1, 5, 300):
            found = suppressed(boxes, scores, labels, threshold, limit)
            assert found.tolist() == oracles.suppressed(boxes, scores, labels, threshold, limit)
