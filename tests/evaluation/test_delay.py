import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import numpy as np
import pytest

from tests.evaluation import oracles_video
from tests.evaluation.cases import case
from tests.evaluation.drawn_videos import drawn_videos
from tests.evaluation.oracles_intervals import share_interval
from tests.makers import make_index, make_predictions
from vidkit.data.index import Index
from vidkit.errors import AnnotationError
from vidkit.evaluation.bootstrap import Drawings
from vidkit.evaluation.delay import RATES, DelayReport, average_delay, drawn_delays
from vidkit.evaluation.matching import match
from vidkit.evaluation.protocols import FGFA
from vidkit.evaluation.result import Bootstrap
from vidkit.evaluation.tracks import found_scores, tracks_of
from vidkit.predictions.table import Predictions


@pytest.mark.parametrize("per", ["object", "frame"])
@pytest.mark.parametrize("window", [30, 2])
def test_delays_equal_their_loop(window: int, per: str) -> None:
    for seed in range(60):
        index, predictions = case(seed) if seed % 2 else moving(seed)
        if seed % 3 == 0:  # numbers that are left out are frames, too
            numbers = np.cumsum(np.random.default_rng(seed).integers(1, 4, index.n_frames))
            index = replace(index, frame_number=numbers.astype(np.int32))
            predictions = replace(predictions, index_fingerprint="")
        wanted, rows = oracles_video.delay(index, predictions, RATES, window, per == "frame")
        found = average_delay(index, predictions, window=window, per=per)  # type: ignore[arg-type]  # it's a literal
        assert found.average_delay == pytest.approx(wanted, abs=1e-12, nan_ok=True), seed
        for delay, row in zip(found.at, rows, strict=True):
            for name, value in row.items():
                assert getattr(delay, name) == pytest.approx(value, abs=1e-12, nan_ok=True), (seed, delay.rate, name)


def test_frames_that_nobody_annotated_are_no_frames_for_false_alarms() -> None:
    index, predictions = one_track(), seen([(1, 0.4), (3, 0.9)], false=(0.8, 0.7, 0.6))
    more = replace(
        index,
        frame_start=np.array([0, 16]),
        frame_number=np.arange(16, dtype=np.int32),
        instance_start=np.append(index.instance_start, np.full(10, index.n_instances)),
        annotated=np.arange(16) < 6,
    )
    longer = replace(predictions, detection_start=np.append(predictions.detection_start, np.full(10, 5)))
    for rates in ((0.1,), (0.2, 0.6)):
        assert average_delay(more, longer, rates=rates, per="frame") == average_delay(
            index, predictions, rates=rates, per="frame"
        )


def moving(seed: int) -> tuple[Index, Predictions]:
    index = make_index(seed, videos=2, frames=10, tracks=3)
    return index, make_predictions(index, seed)


def seen(found: list[tuple[int, float]], false: Sequence[float] = (), frames: int = 6) -> Predictions:
    """Detections, as frame and score, of the one object of `one_track`, and false alarms in the last frame."""
    rows = [(f, s, (10.0, 10.0, 60.0, 60.0)) for f, s in found]
    rows += [(frames - 1, s, (200.0, 200.0, 240.0, 240.0)) for s in false]
    return Predictions(
        detection_start=np.searchsorted([f for f, _, _ in rows], np.arange(frames + 1)).astype(np.int64),
        box=np.array([b for _, _, b in rows], np.float64).reshape(-1, 4),
        score=np.array([s for _, s, _ in rows], np.float64),
        class_id=np.zeros(len(rows), np.int16),
    )


def one_track(frames: int = 6, first: int = 1) -> Index:
    index = make_index(videos=1, frames=frames, tracks=0)
    n = frames - first
    return replace(
        index,
        instance_start=np.maximum(np.arange(frames + 1) - first, 0),
        box=np.tile(np.array([10.0, 10.0, 60.0, 60.0]), (n, 1)),
        class_id=np.zeros(n, np.int16),
        track_id=np.zeros(n, np.int32),
        occluded=np.zeros(n, bool),
        generated=np.zeros(n, bool),
    )


def test_a_threshold_that_allows_few_false_alarms_delays() -> None:
    # appears in frame 1; found with 0.3 in frame 2, with 0.8 in frame 4; a false alarm of 0.5, for 5 boxes: rate 0.2
    report = average_delay(one_track(), seen([(2, 0.3), (4, 0.8)], [0.5]), rates=(0.1, 0.2))
    assert [(d.threshold, d.average, d.false_alarms) for d in report.at] == [(0.8, 3.0, 0), (0.3, 1.0, 1)]
    assert report.average_delay == pytest.approx(1 / ((1 / 4 + 1 / 2) / 2) - 1)
    assert report.to_frame()["rate"].tolist() == [0.1, 0.2]
    assert report.to_json()["at"][0]["average"] == 3.0


def test_an_object_that_is_never_found_is_delayed_by_all_its_frames() -> None:
    (delay,) = average_delay(one_track(), seen([], [0.5]), rates=(1.0,)).at
    assert (delay.never_found, delay.objects, delay.average) == (1, 1, 5.0)
    assert math.isnan(delay.mean_of_found)
    (delay,) = average_delay(one_track(), seen([], [0.5]), rates=(1.0,), window=3).at
    assert delay.average == 3.0


def test_an_object_that_is_found_at_once_has_no_delay_even_in_one_frame() -> None:
    assert average_delay(one_track(2), seen([(1, 0.1)], frames=2)).average_delay == 0.0
    assert average_delay(one_track(2), seen([], frames=2)).average_delay == pytest.approx(1.0)


def test_a_best_score_that_is_a_false_alarm_finds_nothing_at_rate_0() -> None:
    (delay,) = average_delay(one_track(), seen([(1, 0.5)], [0.9]), rates=(0.0,)).at
    assert (delay.threshold, delay.false_alarms, delay.never_found) == (math.inf, 0, 1)


def test_without_objects_there_is_no_delay() -> None:
    index = make_index(tracks=0)
    report = average_delay(index, make_predictions(index))
    assert math.isnan(report.average_delay) and report.at[0].objects == 0


def test_track_ids_are_needed() -> None:
    index = make_index()
    with pytest.raises(AnnotationError, match="have no track id, so delays can't be told"):
        average_delay(replace(index, track_id=np.full(index.n_instances, -1, np.int32)), make_predictions(index))


@pytest.mark.parametrize("given", [{"rates": ()}, {"rates": (-0.1,)}, {"rates": (math.nan,)}, {"window": 0}])
def test_rates_and_windows_that_mean_nothing_are_refused(given: dict[str, object]) -> None:
    index = make_index()
    with pytest.raises(ValueError, match="rates of 0 or more"):
        average_delay(index, make_predictions(index), **given)  # type: ignore[arg-type]  # that is the test


@pytest.mark.parametrize("per", ["object", "frame"])
def test_delays_in_drawings_are_those_of_the_drawn_videos(per: Literal["object", "frame"]) -> None:
    for seed in range(12):
        index = make_index(seed, videos=4, frames=10, tracks=3)
        predictions, window = make_predictions(index, seed), 30 if seed % 2 else 3
        matches, tracks = match(index, predictions, FGFA), tracks_of(index, "")
        report = average_delay(index, predictions, window=window, per=per)
        drawn = Drawings.of(4, Bootstrap(5, seed)).counts
        found = drawn_delays(matches, tracks, found_scores(matches), report, drawn)
        for b in range(drawn.shape[1]):
            alone = average_delay(*drawn_videos(index, predictions, drawn[:, b]), window=window, per=per)
            wanted = [delay.average for delay in alone.at]
            np.testing.assert_allclose(found[:, b], wanted, atol=1e-12, err_msg=f"{seed} {b}")


def test_the_interval_of_a_delay_is_that_of_its_share_in_the_window() -> None:
    index = make_index(3, videos=7, frames=10, tracks=3)
    predictions = make_predictions(index)
    report = average_delay(index, predictions, ci=20, seed=1)
    drawn = Drawings.of(7, Bootstrap(20, 1)).counts
    each = [average_delay(*drawn_videos(index, predictions, counts)) for counts in drawn.T]
    for found, values in [
        (report, [one.average_delay for one in each]),
        *((report.at[r], [one.at[r].average for one in each]) for r in range(len(RATES))),
    ]:
        value = found.average_delay if isinstance(found, DelayReport) else found.average
        low, high = share_interval(value / 30, [v / 30 for v in values[:20]], [v / 30 for v in values[20:]], 7)
        assert found.interval == pytest.approx((30 * low, 30 * high))
    few = average_delay(*drawn_videos(index, predictions, np.array([1, 1, 1, 0, 0, 0, 0])), ci=20)
    assert few.interval is None and few.note == few.at[0].note == "3 videos: too few to tell"
    assert average_delay(index, predictions).note == ""
