from collections.abc import Iterator

import numpy as np
import pytest

from tests.makers import make_index
from vidkit.detections import Detections
from vidkit.errors import ChoiceError, DetectorError, FormatError, FrameError
from vidkit.harness.run import (
    Timing,
    begin,
    blank_frames,
    collect,
    deal,
    differences,
    finished,
    remove,
    run_videos,
    shard_path,
)
from vidkit.predictions.table import RunInfo

INDEX = make_index(videos=4, frames=6)
RUN = RunInfo("counting", {"length": 3}, {"device": "cpu"}, "stream")


class Counting:
    """Says the frame's own number; crashes in its `crash`-th video."""

    name = "counting"

    def __init__(self, crash: int = -1) -> None:
        self.videos, self.crash = 0, crash

    def detect(self, frames) -> Iterator[Detections]:
        self.videos += 1
        for number, _ in enumerate(frames):
            if self.videos == self.crash and number == 2:
                raise RuntimeError("out of luck")
            yield Detections(np.zeros((1, 4)), np.array([float(number)]), np.array([0]))

    def synchronize(self) -> None:
        pass

    def measurements(self) -> dict[str, float]:
        return {"forward_seconds": float(self.videos), "peak_device_bytes": 5.0 + self.videos}


def go(parts, detector=None, videos=range(4)):
    return dict(run_videos(detector or Counting(), INDEX, blank_frames, videos, parts))


def test_a_run_becomes_predictions_in_the_order_of_the_index(tmp_path):
    predictions = collect(go(tmp_path, videos=[2, 0, 3, 1]), RUN, INDEX)
    assert predictions.score.tolist() == list(range(6)) * 4
    assert predictions.index_fingerprint == INDEX.fingerprint
    assert predictions.run.detector == "counting"


def test_measurements_are_added_up_without_warm_up_and_peaks_kept(tmp_path):
    measured = collect(go(tmp_path), RUN, INDEX).run.measured
    assert measured["forward_seconds"] == 3
    assert measured["peak_device_bytes"] == 9
    assert measured["peak_memory_bytes"] > 1e6


def test_what_was_done_before_a_crash_is_kept_and_finished_to_the_same(tmp_path):
    whole = collect(go(tmp_path / "whole"), RUN, INDEX)
    with pytest.raises(DetectorError, match="'counting', video 'video_0002', frame 2: RuntimeError: out of luck"):
        go(tmp_path / "parts", Counting(crash=3))
    done = finished(tmp_path / "parts", INDEX)
    assert sorted(done) == [0, 1]
    done |= go(tmp_path / "parts", videos=[2, 3])
    assert collect(done, RUN, INDEX).fingerprint == whole.fingerprint
    assert sorted(finished(tmp_path / "parts", INDEX)) == [0, 1, 2, 3]


def test_a_damaged_shard_is_run_again(tmp_path, caplog):
    go(tmp_path)
    path = shard_path(tmp_path, 1)
    path.write_bytes(path.read_bytes()[:-5])
    assert sorted(finished(tmp_path, INDEX)) == [0, 2, 3]
    assert "000001.shard: not a whole shard" in caplog.text


def test_a_shard_of_another_video_is_run_again(tmp_path, caplog):
    go(tmp_path)
    longer = make_index(videos=4, frames=7)
    assert finished(tmp_path, longer) == {}
    assert "holds 6 frames, the video has 7" in caplog.text


def test_a_run_begins_once_and_goes_on(tmp_path):
    begin(tmp_path / "parts", RUN, INDEX)
    begin(tmp_path / "parts", RUN, INDEX)


@pytest.mark.parametrize(
    ("run", "index", "message"),
    [
        (RunInfo("other", {"length": 3}, {"device": "cpu"}, "stream"), INDEX, "detector was 'counting', is 'other'"),
        (RunInfo("counting", {"length": 4}, {"device": "cpu"}, "stream"), INDEX, "options.length was 3, is 4"),
        (RunInfo("counting", {"length": 3}, {"device": "cuda"}, "stream"), INDEX, "environment.device was 'cpu'"),
        (RunInfo("counting", {"length": 3}, {"device": "cpu"}, "offline"), INDEX, "scenario was 'stream'"),
        (RUN, make_index(seed=1), "index_fingerprint was"),
    ],
)
def test_shards_of_different_runs_are_not_mixed(tmp_path, run, index, message):
    begin(tmp_path, RUN, INDEX)
    with pytest.raises(ChoiceError, match=message):
        begin(tmp_path, run, index)


def test_a_limited_run_goes_on_as_a_whole_one(tmp_path):
    begin(tmp_path, RunInfo("counting", {"length": 3}, {"device": "cpu"}, "stream", limited=True), INDEX)
    begin(tmp_path, RUN, INDEX)


@pytest.mark.parametrize("content", ["", "[]", "[1, 2]", "{", "\0"])
def test_a_damaged_beginning_is_named(tmp_path, content):
    (tmp_path / "run.json").write_text(content)
    with pytest.raises((FormatError, ChoiceError), match=r"(?i)begin again with --restart"):
        begin(tmp_path, RUN, INDEX)


def test_removing_a_run_leaves_what_is_not_its_own(tmp_path):
    parts = tmp_path / "parts"
    begin(parts, RUN, INDEX)
    go(parts)
    (parts / "notes.txt").write_text("mine")
    remove(parts)
    assert [path.name for path in parts.iterdir()] == ["notes.txt"]
    (parts / "notes.txt").unlink()
    begin(parts, RUN, INDEX)
    remove(parts)
    assert not parts.exists()
    remove(parts)


def test_differences_are_said_in_words():
    assert differences({"a": 1, "b": {"c": 2}}, {"a": 1, "b": {"c": 2}}) == []
    assert differences({"a": 1, "b": {"c": 2}}, {"b": {"c": 3}}) == ["a was 1, is None", "b.c was 2, is 3"]


def test_the_clock_is_the_given_one(tmp_path):
    ticks = iter(range(100_000))
    timing = Timing(clock=lambda: float(next(ticks)))
    (run,) = dict(run_videos(Counting(), INDEX, blank_frames, [0], tmp_path, timing)).values()
    assert run.compute_seconds.tolist() == [2.0] * 5 + [4.0]


def test_blank_frames_need_a_size():
    from dataclasses import replace

    with pytest.raises(FrameError, match="video_0000: the index doesn't tell its size"):
        next(blank_frames(replace(INDEX, video_size=INDEX.video_size * 0), 0))


@pytest.mark.parametrize("processes", [1, 2, 3, 7])
def test_videos_are_dealt_by_length_each_once(processes):
    from dataclasses import replace

    starts = np.array([0, 1, 9, 12, 24])
    index = replace(INDEX, frame_start=starts, frame_number=np.arange(24, dtype=np.int32))
    shares = deal(range(4), index, processes)
    assert sorted(video for share in shares for video in share) == [0, 1, 2, 3]
    loads = [sum(len(index.frames_of(video)) for video in share) for share in shares]
    assert max(loads) == {1: 24, 2: 12, 3: 12, 7: 12}[processes]
