import numpy as np
import pytest

from vidkit.evaluation.running_sums import BLOCK, RunningSums


@pytest.mark.parametrize("rows", [0, 1, 5, BLOCK, 2 * BLOCK + 7])
def test_running_sums_are_those_of_the_loop(rows: int) -> None:
    rng = np.random.default_rng(rows)
    video, value = rng.integers(0, 4, rows), rng.integers(0, 3, rows).astype(float)
    drawn = rng.integers(0, 3, (4, 6)).astype(float)
    drawn[:, 0] = 0
    sums = RunningSums(video, value, drawn)
    wanted = np.zeros((rows + 1, 6))
    for row in range(rows):
        wanted[row + 1] = wanted[row] + value[row] * drawn[video[row]]
    places = rng.integers(0, rows + 1, (3, 6))
    places[:2] = [[0], [rows]]
    np.testing.assert_array_equal(sums.first(places), np.take_along_axis(wanted, places, axis=0))
    limits = np.concatenate([rng.uniform(0, wanted.max() + 1, (4, 6)), wanted[[0, -1]]])
    for limit, found in zip(limits, sums.reaching(limits), strict=True):
        for b in range(6):
            above = [row for row in range(rows) if wanted[row + 1, b] > limit[b]]
            assert found[b] == (above[0] if above else rows)
