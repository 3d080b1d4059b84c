import numpy as np
import pytest

from tests.makers import make_index, make_predictions
from vidkit.detections import Detections
from vidkit.predictions.table import NO_KEY, Predictions, from_frames


def test_of_frame_gives_back_what_from_frames_took() -> None:
    made = make_predictions(make_index())
    again = from_frames([made.of_frame(f) for f in range(made.n_frames)], made.index_fingerprint)
    assert again.fingerprint == made.fingerprint
    assert again.is_key is None


def test_no_frames_and_no_detections() -> None:
    assert from_frames([]).n_frames == 0
    empty = from_frames([Detections.none(), Detections.none()])
    assert (empty.n_frames, empty.n_detections) == (2, 0)


def test_keys_are_kept_as_far_as_known() -> None:
    key = Detections(np.zeros((0, 4)), np.zeros(0), np.zeros(0, int), is_key=True, key_distance=0)
    made = from_frames([key, Detections.none()])
    assert made.is_key is not None
    assert made.key_distance is not None
    assert made.is_key.tolist() == [True, False]
    assert made.key_distance.tolist() == [0, NO_KEY]


def test_contradictions_are_refused() -> None:
    with pytest.raises(ValueError, match=r"wanted \(N, 4\)"):
        Detections(np.zeros((1, 4)), np.zeros(2), np.zeros(2, int))
    with pytest.raises(ValueError, match="must rise"):
        Predictions(np.array([0, 2, 1]), np.zeros((1, 4)), np.zeros(1), np.zeros(1, np.int16))
