import math
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from tests.evaluation import oracles_video
from tests.makers import make_index, make_predictions
from vidkit.data.index import Index
from vidkit.errors import PredictionError
from vidkit.evaluation.evaluate import evaluate
from vidkit.evaluation.streaming import Take, default_take, stream
from vidkit.predictions.table import NO_KEY, FrameTimes, Predictions, RunInfo

RATE = 32.0  # frames a second; with times in 1/1024 s no number is rounded


def timed(index: Index, seconds: object, look_ahead: object = 0, seed: int = 0) -> Predictions:
    shape = (index.n_frames,)
    return replace(
        make_predictions(index, seed),
        times=FrameTimes(
            compute_seconds=np.broadcast_to(np.asarray(seconds, np.float64), shape).copy(),
            decode_seconds=np.zeros(shape),
            look_ahead=np.broadcast_to(np.asarray(look_ahead, np.int32), shape).copy(),
            warm_up=np.zeros(shape, bool),
        ),
    )


@pytest.mark.parametrize("take", ["newest", "every"])
def test_sources_equal_a_clock_that_ticks(take: Take) -> None:
    for seed in range(60):
        rng = np.random.default_rng(seed)
        index = make_index(seed, videos=int(rng.integers(1, 4)), frames=int(rng.integers(1, 15)))
        ticks = rng.integers(0, [1, 20, 40, 100, 300][seed % 5], index.n_frames)
        ahead = rng.integers(0, 1 + seed % 3 * 2, index.n_frames)
        found = stream(index, timed(index, ticks / 1024, ahead), RATE, take)
        for video in range(index.n_videos):
            rows = np.array(index.frames_of(video))
            wanted, taken = oracles_video.stream(
                [Fraction(int(t), 1024) for t in ticks[rows]], ahead[rows].tolist(), Fraction(32), take
            )
            assert found.source[rows].tolist() == [w if w < 0 else rows[0] + w for w in wanted], seed
            assert np.flatnonzero(found.taken[rows]).tolist() == taken, seed


def test_frames_get_the_detections_of_their_source() -> None:
    index = make_index(1)
    predictions = timed(index, 0.05)
    found = stream(index, predictions, 30.0)
    for frame, source in enumerate(found.source.tolist()):
        here = found.predictions.of_frame(frame)
        if source < 0:
            assert len(here) == 0
            continue
        there = predictions.of_frame(source)
        np.testing.assert_array_equal(here.boxes, there.boxes)
        np.testing.assert_array_equal(here.scores, there.scores)
        np.testing.assert_array_equal(here.class_ids, there.class_ids)
    assert found.predictions.times is None and found.predictions.key_distance is None


@pytest.mark.parametrize("take", ["newest", "every"])
def test_a_detector_that_needs_no_time_scores_as_offline(take: Take) -> None:
    index = make_index(3)
    predictions = timed(index, 0.0)
    found = stream(index, predictions, 30.0, take)
    assert found.source.tolist() == list(range(index.n_frames)) and found.age == 0 and found.unanswered == 0
    assert evaluate(index, found.predictions).mean_ap == evaluate(index, predictions).mean_ap


def test_half_a_frame_of_time_is_a_frame_of_age_and_one_and_a_half_skip() -> None:
    index = make_index(videos=1, frames=7)
    assert stream(index, timed(index, 0.5 / RATE), RATE).source.tolist() == [-1, 0, 1, 2, 3, 4, 5]
    # 0 until 1.5; 1 until 3; 3 until 4.5; 4 until 6; 6 too late
    newest = stream(index, timed(index, 1.5 / RATE), RATE)
    assert newest.source.tolist() == [-1, -1, 0, 1, 1, 3, 4]
    assert newest.skipped == 2 and newest.unanswered == 2 and newest.age == pytest.approx((2 + 2 + 3 + 2 + 2) / 5)
    # every frame: 1.5, 3, 4.5, 6
    every = stream(index, timed(index, 1.5 / RATE), RATE, "every")
    assert every.source.tolist() == [-1, -1, 0, 1, 1, 2, 3] and every.skipped == 0


@pytest.mark.parametrize("take", ["newest", "every"])
@pytest.mark.parametrize("rate", [24.0, 25.0, 29.97, 30.0, 30000 / 1001, 49.0, 60.0])
def test_whole_frames_of_time_are_whole_frames_of_age(rate: float, take: Take) -> None:
    index = make_index(videos=1, frames=300)
    one = stream(index, timed(index, 1 / rate), rate, take)
    assert one.source.tolist() == [*range(-1, 299)]
    three = stream(index, timed(index, 3 / rate), rate, take)
    if take == "newest":  # 0 is there at 3, 3 at 6, 6 at 9 …
        assert three.source.tolist() == [-1 if t < 3 else t - 3 - t % 3 for t in range(300)]
    else:
        assert three.source.tolist() == [t // 3 - 1 for t in range(300)]


def test_thirds_and_sevenths_of_a_frame_add_up_to_frames() -> None:
    index = make_index(videos=1, frames=299)
    for part in (3, 7, 13):
        seconds = np.full(index.n_frames, (1 + 1 / part) / 30)  # a frame behind after `part` frames, exactly
        wanted, _ = oracles_video.stream([Fraction(part + 1, part * 30)] * 299, [0] * 299, Fraction(30), "every")
        assert stream(index, timed(index, seconds), 30.0, "every").source.tolist() == wanted


def test_looking_ahead_is_waiting() -> None:
    index = make_index(videos=1, frames=6)
    found = stream(index, timed(index, 0.0, 2), RATE)
    assert found.take == "every" and found.source.tolist() == [-1, -1, 0, 1, 2, 5]  # the last ones wait for no more


def test_each_video_starts_a_new_clock() -> None:
    index = make_index(videos=3, frames=1)
    found = stream(index, timed(index, 0.001), 30.0)
    assert found.source.tolist() == [-1, -1, -1] and math.isnan(found.age)
    assert found.predictions.n_detections == 0


def test_predictions_that_tell_keyframes_take_every_frame() -> None:
    index = make_index()
    predictions = timed(index, 0.01)
    assert default_take(predictions) == "newest"
    assert default_take(replace(predictions, key_distance=np.zeros(index.n_frames, np.int32))) == "every"
    assert default_take(replace(predictions, key_distance=np.full(index.n_frames, NO_KEY, np.int32))) == "newest"
    assert default_take(make_predictions(index)) == "newest"


def test_an_index_without_frames_streams_nothing() -> None:
    index = make_index(videos=1, frames=0)
    empty = Predictions(np.zeros(1, np.int64), np.zeros((0, 4)), np.zeros(0), np.zeros(0, np.int16))
    none = np.zeros(0)
    times = FrameTimes(none, none, none.astype(np.int32), none.astype(bool))
    assert stream(index, replace(empty, times=times), 30.0).predictions.n_frames == 0


def test_what_cannot_be_streamed_is_told() -> None:
    index = make_index()
    with pytest.raises(PredictionError, match="tell no times"):
        stream(index, make_predictions(index), 30.0)
    with pytest.raises(PredictionError, match="scenario offline"):
        stream(index, replace(timed(index, 0.1), run=RunInfo(scenario="offline")), 30.0)
    seconds = np.full(index.n_frames, 0.1)
    seconds[3:5] = math.nan, -1
    with pytest.raises(PredictionError, match="2 of 36 frames have no compute time"):
        stream(index, timed(index, seconds), 30.0)
    with pytest.raises(PredictionError, match="36 frames of the index"):
        stream(make_index(1), timed(index, 0.1), 30.0)


@pytest.mark.parametrize("rate", [0, -1, math.inf, math.nan])
def test_frame_rates_that_mean_nothing_are_refused(rate: float) -> None:
    index = make_index()
    with pytest.raises(ValueError, match="a finite number above 0"):
        stream(index, timed(index, 0.1), rate)
