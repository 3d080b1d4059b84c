import math
from dataclasses import replace

import numpy as np
import pytest

from tests.evaluation import oracles_video
from tests.evaluation.cases import case
from tests.evaluation.drawn_videos import drawn_videos
from tests.evaluation.oracles_intervals import amount_interval, share_interval
from tests.makers import make_index, make_predictions
from vidkit.data.index import Index
from vidkit.errors import AnnotationError
from vidkit.evaluation.bootstrap import Drawings
from vidkit.evaluation.matching import match
from vidkit.evaluation.protocols import FGFA
from vidkit.evaluation.result import Bootstrap
from vidkit.evaluation.stability import ERRORS, RECALLS, Stability, drawn_errors, stability, tracked_boxes
from vidkit.evaluation.tracks import tracks_of
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


def test_errors_in_drawings_are_those_of_the_drawn_videos() -> None:
    for seed in range(12):
        index = make_index(seed, videos=4, frames=10, tracks=3)
        predictions = make_predictions(index, seed)
        drawn = Drawings.of(4, Bootstrap(5, seed)).counts
        found = drawn_errors(tracked_boxes(match(index, predictions, FGFA), tracks_of(index, "")), RECALLS, drawn)
        for b in range(drawn.shape[1]):
            at = stability(*drawn_videos(index, predictions, drawn[:, b])).at
            wanted = [[getattr(one, error) for one in at] for error in ERRORS]
            np.testing.assert_allclose(found[:, :, b], wanted, atol=1e-7, err_msg=f"{seed} {b}")


def test_intervals_of_errors_are_those_of_the_formulas() -> None:
    index = make_index(3, videos=7, frames=10, tracks=3)
    predictions = make_predictions(index)
    report = stability(index, predictions, ci=20, seed=1)
    each = [
        stability(*drawn_videos(index, predictions, counts)) for counts in Drawings.of(7, Bootstrap(20, 1)).counts.T
    ]
    for found, rows in [(report.mean, [one.mean for one in each]), (report.at[2], [one.at[2] for one in each])]:
        for error, formula in (("fragment", share_interval), ("centre", amount_interval), ("total", amount_interval)):
            values = [getattr(row, error) for row in rows]
            wanted = formula(getattr(found, error), values[:20], values[20:], 7)
            assert found.intervals[error] == pytest.approx(wanted, rel=1e-6)
    assert report.to_frame().loc[2, "total_low"] < report.at[2].total < report.to_frame().loc[2, "total_high"]
    few = stability(*drawn_videos(index, predictions, np.array([1, 1, 1, 0, 0, 0, 0])), ci=20)
    assert set(few.mean.intervals.values()) == {None} and set(few.mean.notes.values()) == {"3 videos: too few to tell"}
    assert set(report.at[-1].notes.values()) == {""} and math.isnan(report.at[-1].total), (
        "what isn't reached needs no reason"
    )
