import math
from dataclasses import replace

import numpy as np
import pytest

from tests.evaluation import oracles_video
from tests.evaluation.cases import case
from tests.makers import make_index, make_predictions
from vidkit.data.index import Index
from vidkit.errors import AnnotationError
from vidkit.evaluation.stability import RECALLS, Stability, stability
from vidkit.predictions.table import Predictions


def test_errors_equal_their_loop() -> None:
    for seed in range(80):
        index, predictions = case(seed) if seed % 2 else moving(seed)
        report = stability(index, predictions)
        for found, wanted in zip(report.at, oracles_video.stability(index, predictions, RECALLS), strict=True):
            errors = found.threshold, found.fragment, found.centre, found.scale_ratio
            assert errors == pytest.approx(wanted or [math.nan] * 4, abs=1e-9, nan_ok=True), (seed, found.recall)


def moving(seed: int) -> tuple[Index, Predictions]:
    index = make_index(seed, videos=2, frames=10, tracks=3)
    return index, make_predictions(index, seed)


def one_track(frames: int, gap: int = 0) -> Index:
    """One object that stands still; with a `gap` it is annotated in every (gap + 1)th frame only."""
    index = make_index(videos=1, frames=frames, tracks=0)
    there = np.arange(frames) % (gap + 1) == 0
    n = int(there.sum())
    return replace(
        index,
        instance_start=np.concatenate([[0], np.cumsum(there)]),
        box=np.tile(np.array([100.0, 100.0, 150.0, 200.0]), (n, 1)),
        class_id=np.zeros(n, np.int16),
        track_id=np.zeros(n, np.int32),
        occluded=np.zeros(n, bool),
        generated=np.zeros(n, bool),
    )


def detected(index: Index, boxes: dict[int, tuple[float, float, float, float]]) -> Predictions:
    n = index.n_frames
    return Predictions(
        detection_start=np.searchsorted(sorted(boxes), np.arange(n + 1)).astype(np.int64),
        box=np.array([boxes[f] for f in sorted(boxes)], np.float64).reshape(-1, 4),
        score=np.full(len(boxes), 0.5),
        class_id=np.zeros(len(boxes), np.int16),
    )


def at_full_reach(index: Index, predictions: Predictions) -> Stability:
    return stability(index, predictions, recalls=(0.1,)).at[0]  # one score: all detections


def test_a_box_that_is_always_wrong_by_the_same_is_stable() -> None:
    index = one_track(5)
    found = at_full_reach(index, detected(index, dict.fromkeys(range(5), (105.0, 95.0, 160.0, 210.0))))
    assert found.total == pytest.approx(0, abs=1e-12) and found.tracks == 1


def test_found_in_every_second_frame_is_as_fragmented_as_can_be() -> None:
    index = one_track(6)
    assert at_full_reach(index, detected(index, dict.fromkeys((0, 2, 4), (100.0, 100.0, 150.0, 200.0)))).fragment == 1
    once = at_full_reach(index, detected(index, dict.fromkeys((3, 4, 5), (100.0, 100.0, 150.0, 200.0))))
    assert once.fragment == pytest.approx(1 / 5)


def test_a_centre_that_trembles_by_a_tenth_of_the_width() -> None:
    index = one_track(2)
    found = at_full_reach(index, detected(index, {0: (105.0, 100.0, 155.0, 200.0), 1: (95.0, 100.0, 145.0, 200.0)}))
    assert found.centre == pytest.approx(0.1) and found.scale_ratio == pytest.approx(0)


def test_a_box_that_breathes_has_a_scale_error_and_no_ratio_error() -> None:
    index = one_track(2)
    found = at_full_reach(index, detected(index, {0: (100.0, 100.0, 150.0, 200.0), 1: (95.0, 90.0, 155.0, 210.0)}))
    assert found.scale_ratio == pytest.approx(0.1) and found.centre == pytest.approx(0)


def test_frames_without_annotation_are_passed_over() -> None:
    index = one_track(9, gap=1)
    assert at_full_reach(index, detected(index, dict.fromkeys(range(0, 9, 2), (100.0, 100.0, 150.0, 200.0)))).total == 0


def test_tracks_of_one_frame_and_tracks_found_once_have_nothing_to_measure() -> None:
    index = one_track(1)
    found = at_full_reach(index, detected(index, {0: (100.0, 100.0, 150.0, 200.0)}))
    assert math.isnan(found.fragment) and math.isnan(found.centre) and found.tracks == 0
    index = one_track(3)
    found = at_full_reach(index, detected(index, {0: (100.0, 100.0, 150.0, 200.0)}))
    assert found.fragment == 0.5 and math.isnan(found.centre)


def test_recalls_that_are_not_reached_have_no_errors_and_leave_the_mean() -> None:
    index = one_track(4)
    report = stability(index, detected(index, dict.fromkeys((0, 2), (100.0, 100.0, 150.0, 200.0))))
    assert report.reached == 0.5
    assert [math.isnan(one.total) for one in report.at] == [False] * 5 + [True] * 5
    assert report.mean.fragment == 1 and report.mean.total == 1
    assert report.to_frame().shape == (10, 7) and report.to_json()["mean"]["total"] == 1


def test_without_predictions_or_objects_there_are_no_errors() -> None:
    index = make_index()
    for one, predictions in (
        (one_track(3), detected(one_track(3), {})),
        (make_index(tracks=0), make_predictions(index)),
    ):
        report = stability(one, replace(predictions, index_fingerprint=""))
        assert all(math.isnan(stable.total) for stable in (report.mean, *report.at))


def test_track_ids_are_needed() -> None:
    index = make_index()
    with pytest.raises(AnnotationError, match="have no track id, so stability can't be told"):
        stability(replace(index, track_id=np.full(index.n_instances, -1, np.int32)), make_predictions(index))


@pytest.mark.parametrize("recalls", [(), (0.0,), (1.1,), (math.nan,)])
def test_recalls_that_mean_nothing_are_refused(recalls: tuple[float, ...]) -> None:
    index = make_index()
    with pytest.raises(ValueError, match="recalls above 0 and up to 1"):
        stability(index, make_predictions(index), recalls=recalls)
