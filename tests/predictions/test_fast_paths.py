import dataclasses

import numpy as np
import pytest

from tests.makers import make_index, make_predictions
from tests.predictions import oracles
from vidkit.predictions import binding
from vidkit.predictions.nearest_truth import best_overlap
from vidkit.predictions.videos import rows_of_frames


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("block", [1, 7, 1 << 18])
def test_duplicates_equal_the_loop(seed: int, block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binding, "_BLOCK", block)
    rng = np.random.default_rng(seed)
    n = [0, 1, 2, 60, 200, 200, 500, 1000][seed]
    row = np.sort(rng.integers(-1, 9, n))
    box = rng.integers(-1, 2, (n, 4)).astype([np.float32, np.float64][seed % 2])
    box[rng.random((n, 4)) < 0.02] = -0.0
    score = rng.integers(0, 2, n).astype(np.float32) / 2
    class_id = rng.integers(0, 2, n).astype(np.int16)
    assert binding.duplicates(row, box, score, class_id).tolist() == oracles.duplicates(row, box, score, class_id)


def test_nan_is_no_duplicate_of_nan() -> None:
    box = np.full((2, 4), np.nan)
    assert not len(binding.duplicates(np.zeros(2, int), box, np.zeros(2), np.zeros(2, np.int16)))


@pytest.mark.parametrize("ranks", [True, False])
@pytest.mark.parametrize("videos", [0, 1, 4])
def test_rows_of_frames_equal_the_loop(videos: int, ranks: bool) -> None:
    made = make_index(videos=videos)
    rng = np.random.default_rng(videos)
    number = np.concatenate([np.sort(rng.choice(40, 12, replace=False)) + 3 for _ in range(videos)] or [np.zeros(0)])
    index = dataclasses.replace(made, frame_number=number.astype(np.int32))
    video, wanted = rng.integers(-1, videos + 2, 300), rng.integers(-2, 50, 300)
    fast = rows_of_frames(index, video, wanted, ranks)
    assert fast.tolist() == oracles.rows_of_frames(index, video.tolist(), wanted.tolist(), ranks)


def test_the_best_overlap_equals_the_loop() -> None:
    index = make_index()
    predictions = make_predictions(index)
    row = predictions.detection_frame.astype(np.int64).copy()
    row[::7] = -1
    class_id, box = predictions.class_id.copy(), predictions.box.astype(np.float64)
    class_id[::5] = -1
    box[3], box[8, 0], box[11] = np.nan, np.inf, [30, 20, 10, 5]
    found = best_overlap(row, box, class_id, index)
    np.testing.assert_allclose(found, oracles.best_overlap(row, box, class_id, index), rtol=0, atol=1e-12)
    assert (found > 0.5).any()
    assert not len(best_overlap(row[:0], box[:0], class_id[:0], index))
