import numpy as np
import pytest

from tests.harness.fakes import FakeClock, Timed, decoded
from tests.makers import make_index, make_predictions
from vidkit.harness.run import Timing, collect, run_videos
from vidkit.harness.timing import summary
from vidkit.predictions.table import RunInfo

INDEX = make_index(videos=4, frames=20)


def measure(tmp_path, scenario="stream", warm_up=1, videos=range(4), **costs):
    clock = FakeClock()
    timing = Timing(scenario, warm_up, clock=clock)
    detector = Timed(clock, **costs)
    runs = dict(run_videos(detector, INDEX, lambda i, v: decoded(i, v, clock, 0.5), videos, tmp_path, timing))
    return collect(runs, RunInfo(detector.name, scenario=scenario), INDEX)


def test_throughput_is_frames_by_total_seconds(tmp_path):
    found = summary(measure(tmp_path, seconds=0.01, key_seconds=0.1, length=10))
    assert found["frames_timed"] == 60
    assert found["frames_per_second"] == pytest.approx(10 / (0.1 + 10 * 0.01))
    assert found["decode_seconds"] == pytest.approx(0.5)


def test_key_and_other_frames_are_timed_apart(tmp_path):
    found = summary(measure(tmp_path, seconds=0.01, key_seconds=0.1, length=10))["seconds"]
    assert (found["key"]["frames"], found["other"]["frames"]) == (6, 54)
    assert (found["key"]["p50"], found["key"]["p99"]) == pytest.approx((0.11, 0.11))
    assert (found["other"]["p50"], found["other"]["p99"]) == pytest.approx((0.01, 0.01))
    assert "new key" not in found


def test_with_a_central_key_the_first_answer_waits_for_it(tmp_path):
    found = summary(measure(tmp_path, seconds=0.01, key_seconds=0.1, length=10, key_id=5))
    assert found["seconds"]["key"]["mean"] == pytest.approx(0.01)
    assert found["seconds"]["new key"]["mean"] == pytest.approx(0.11)
    assert found["seconds"]["new key"]["frames"] == 6
    assert found["look_ahead"] == {"max": 5, "mean": 1.5}


def test_quantiles(tmp_path):
    predictions = measure(tmp_path, seconds=0.01)
    each = predictions.times.compute_seconds
    each[~predictions.times.warm_up] = np.arange(60) + 1.0
    found = summary(predictions)["seconds"]["all"]
    assert (found["p50"], found["p90"], found["mean"]) == pytest.approx((30.5, 54.1, 30.5))


def test_warm_up_videos_are_left_out(tmp_path):
    predictions = measure(tmp_path, warm_up=2)
    assert predictions.times.warm_up.tolist() == [True] * 40 + [False] * 40
    assert summary(predictions)["frames_timed"] == 40


@pytest.mark.parametrize("videos", [1, 2])
def test_where_all_videos_would_be_warm_up_the_first_is_run_twice(tmp_path, videos):
    predictions = measure(tmp_path, warm_up=2, videos=range(videos))
    assert summary(predictions)["frames_timed"] == 20 * videos


def test_offline_times_whole_videos(tmp_path):
    found = summary(measure(tmp_path, scenario="offline", seconds=0.01, key_seconds=0.1, length=10))
    assert found["frames_per_second"] == pytest.approx(50)
    assert list(found["seconds"]) == ["all"]
    assert found["seconds"]["all"]["p50"] is None


def test_videos_that_were_not_run_have_no_times(tmp_path):
    predictions = measure(tmp_path, warm_up=0, videos=[0, 1])
    assert np.isnan(predictions.times.compute_seconds[40:]).all()
    assert summary(predictions)["frames_timed"] == 40


def test_nothing_timed(tmp_path):
    found = summary(measure(tmp_path, videos=[]))
    assert found["frames_per_second"] is None
    assert found["look_ahead"]["max"] is None


def test_predictions_of_others_have_no_times():
    assert summary(make_predictions(INDEX)) == {}


def test_frames_that_are_all_key_are_not_told_apart(tmp_path):
    assert list(summary(measure(tmp_path, length=1, videos=[0, 1]))["seconds"]) == ["all"]
