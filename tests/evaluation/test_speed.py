import math
from dataclasses import replace

import numpy as np
import pytest

from tests.evaluation import oracles_intervals
from tests.makers import make_index, make_predictions
from vidkit.data.index import Index
from vidkit.evaluation.bootstrap import draws
from vidkit.evaluation.evaluate import evaluate
from vidkit.evaluation.result import Bootstrap
from vidkit.evaluation.speed import speed_interval
from vidkit.predictions.table import FrameTimes


def times_of(index: Index, seed: int = 0, warm_up: int = 1) -> FrameTimes:
    """Times that differ from video to video; the first ones warm up, the last frames of the last weren't run."""
    rng = np.random.default_rng(seed)
    by_video = rng.uniform(0.01, 0.1, index.n_videos)
    seconds = by_video[index.frame_video] * rng.uniform(0.9, 1.1, index.n_frames)
    seconds[-2:] = np.nan
    return FrameTimes(
        seconds, np.zeros_like(seconds), np.zeros(index.n_frames, np.int32), np.asarray(index.frame_video < warm_up)
    )


def naive_interval(index: Index, times: FrameTimes, bootstrap: Bootstrap) -> tuple[float, float]:
    """The interval, one replicate, one video, one frame after the other."""
    of_video: dict[int, list[float]] = {}
    for frame in range(index.n_frames):
        if not times.warm_up[frame] and not np.isnan(times.compute_seconds[frame]):
            of_video.setdefault(int(index.frame_video[frame]), []).append(float(times.compute_seconds[frame]))
    videos = list(of_video.values())
    logs = []
    for counts in [np.ones(len(videos)), *draws(len(videos), bootstrap).T, *(1 - np.eye(len(videos)))]:
        drawn = [seconds for seconds, n in zip(videos, counts, strict=True) for _ in range(int(n))]
        logs.append(math.log(sum(map(len, drawn)) / sum(map(sum, drawn))))
    b = bootstrap.replicates
    low, high, _ = oracles_intervals.difference_interval(logs[0], logs[1 : 1 + b], logs[1 + b :], len(videos))
    return math.exp(low), math.exp(high)


@pytest.mark.parametrize("seed", range(5))
def test_the_interval_of_the_speed_equals_the_plain_loop(seed: int) -> None:
    index = make_index(seed, videos=7)
    times, bootstrap = times_of(index, seed), Bootstrap(50, seed)
    found, note = speed_interval(index, times, bootstrap)
    assert note == "" and found == pytest.approx(naive_interval(index, times, bootstrap))
    assert found is not None
    assert found[0] < found[1]


def test_videos_that_are_equally_fast_tell_nothing_of_others() -> None:
    index = make_index(videos=8)
    seconds = np.full(index.n_frames, 0.02)
    times = replace(times_of(index), compute_seconds=seconds)
    assert speed_interval(index, times, Bootstrap(20, 0)) == (None, "all videos alike")


@pytest.mark.parametrize("warm_up", [1, 2, 5, 6])
def test_fewer_timed_videos_than_an_interval_needs_have_none(warm_up: int) -> None:
    index = make_index(videos=6)
    found, note = speed_interval(index, times_of(index, warm_up=warm_up), Bootstrap(20, 0))
    assert (found is None) == note.endswith("too few to tell") == (warm_up > 1)


def test_times_of_zero_have_no_interval() -> None:
    index = make_index(videos=3)
    times = replace(times_of(index), compute_seconds=np.zeros(index.n_frames))
    assert speed_interval(index, times, Bootstrap(20, 0))[0] is None


def test_a_result_with_intervals_has_that_of_its_speed() -> None:
    index = make_index(videos=7)
    timed = replace(make_predictions(index), times=times_of(index))
    run = evaluate(index, timed, ci=30, seed=3).run
    assert run["frames_per_second_interval"] == list(speed_interval(index, times_of(index), Bootstrap(30, 3))[0] or ())
    assert "frames_per_second_interval" not in evaluate(index, timed).run
    assert "frames_per_second_interval" not in evaluate(index, make_predictions(index), ci=30).run
