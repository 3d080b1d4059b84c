from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.harness.fakes import FakeClock, Timed, decoded
from tests.makers import make_index, make_predictions
from vidkit.detections import Detections
from vidkit.errors import FormatError
from vidkit.harness.shards import read_shard, write_shard
from vidkit.harness.stopwatch import VideoRun, time_video


def some_run() -> VideoRun:
    index = make_index()
    table = make_predictions(index)
    answers = tuple(table.of_frame(frame) for frame in index.frames_of(1))
    n = len(answers)
    return VideoRun(answers, np.arange(n) / 7, np.arange(n) / 3, np.arange(n, dtype=np.int32), {"x_seconds": 0.1}, True)


def test_a_shard_holds_everything(tmp_path):
    run = some_run()
    write_shard(tmp_path / "a.shard", run)
    back = read_shard(tmp_path / "a.shard")
    for a, b in zip(run.answers, back.answers, strict=True):
        assert np.array_equal(a.boxes, b.boxes) and np.array_equal(a.scores, b.scores)
        assert np.array_equal(a.class_ids, b.class_ids)
        assert (a.is_key, a.key_distance) == (b.is_key, b.key_distance)
    for column in ("compute_seconds", "decode_seconds", "look_ahead"):
        assert np.array_equal(getattr(run, column), getattr(back, column))
    assert (back.measured, back.warm_up) == (run.measured, run.warm_up)


def test_keyframes_come_back(tmp_path):
    index, clock = make_index(), FakeClock()
    run = time_video(Timed(clock, length=5, key_id=2), decoded(index, 0, clock), index, 0, clock=clock)
    write_shard(tmp_path / "a.shard", run)
    back = read_shard(tmp_path / "a.shard").answers
    assert [a.key_distance for a in back] == [2, 1, 0, -1, -2, 2, 1, 0, -1, -2, 1, 0]
    assert [a.is_key for a in back] == [a.key_distance == 0 for a in back]


@pytest.mark.parametrize("answers", [(), (Detections.none(),)])
def test_a_video_of_nothing(tmp_path, answers):
    zeros = np.zeros(len(answers))
    write_shard(tmp_path / "a.shard", VideoRun(answers, zeros, zeros, zeros.astype(np.int32)))
    assert len(read_shard(tmp_path / "a.shard").answers) == len(answers)


def test_a_damaged_shard_is_known_by_its_hash(tmp_path):
    path = tmp_path / "a.shard"
    write_shard(path, some_run())
    whole = path.read_bytes()
    for damaged in (b"", whole[:-1], whole[:100], whole[:200] + bytes([whole[200] ^ 1]) + whole[201:], b"\n"):
        path.write_bytes(damaged)
        with pytest.raises(FormatError, match="not a whole shard"):
            read_shard(path)


def test_a_missing_shard(tmp_path):
    with pytest.raises(FormatError, match="can't be read"):
        read_shard(tmp_path / "a.shard")


def test_a_shard_of_another_run_is_refused(tmp_path: Path) -> None:
    write_shard(tmp_path / "a.shard", some_run(), "one")
    assert len(read_shard(tmp_path / "a.shard", "one").answers) == len(some_run().answers)
    with pytest.raises(FormatError, match="of another run, stamped 'one'; wanted 'two'"):
        read_shard(tmp_path / "a.shard", "two")


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"compute_seconds": np.zeros(1)}, "compute_seconds: float64"),
        ({"decode_seconds": np.full(len(some_run().answers), -1.0)}, "wanted 12 numbers from 0"),
        ({"measured": {"peak": "much"}}, "measured: wanted names with numbers"),
    ],
)
def test_a_shard_that_makes_no_sense_is_refused(tmp_path: Path, changed: dict[str, Any], said: str) -> None:
    write_shard(tmp_path / "a.shard", replace(some_run(), **changed))
    with pytest.raises(FormatError, match=rf"a\.shard: .*{said}"):
        read_shard(tmp_path / "a.shard")
