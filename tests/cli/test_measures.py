import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from vidkit_cli.console import report_errors
from vidkit_cli.main import vidkit

from tests.makers import make_index, make_predictions
from vidkit.data.index_file import write_index
from vidkit.evaluation.delay import average_delay
from vidkit.evaluation.evaluate import evaluate
from vidkit.evaluation.stability import stability
from vidkit.evaluation.streaming import stream
from vidkit.predictions.predictions_file import write_predictions
from vidkit.predictions.table import FrameTimes, Predictions, RunInfo


def run(*args: object) -> int:
    return report_errors(vidkit, ["measures", *map(str, args)])


def timed(predictions: Predictions, seconds: float = 0.05, keys: bool = True) -> Predictions:
    f = predictions.n_frames
    times = FrameTimes(np.full(f, seconds), np.zeros(f), np.zeros(f, np.int32), np.zeros(f, bool))
    distance = -(np.arange(f, dtype=np.int32) % 4) if keys else None
    return replace(predictions, times=times, key_distance=distance, run=RunInfo("some", scenario="stream"))


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with one index and two runs: one that tells times and keyframes, one that doesn't."""
    monkeypatch.chdir(tmp_path)
    index = make_index(videos=4)
    write_index(tmp_path / "vidkit-data/vid_val.h5", index)
    write_predictions(tmp_path / "runs/timed/predictions.h5", timed(make_predictions(index)))
    write_predictions(tmp_path / "runs/plain/predictions.h5", make_predictions(index))
    return tmp_path


def test_all_that_the_predictions_allow_is_measured(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    index = make_index(videos=4)
    predictions = timed(make_predictions(index))
    assert run("runs/timed", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["left_out"] == {} and told["format"] == "vidkit-measures"
    assert told["delay"]["average_delay"] == pytest.approx(average_delay(index, predictions).average_delay)
    assert told["stability"]["mean"]["total"] == pytest.approx(stability(index, predictions).mean.total)
    assert {row["distance"] for row in told["distance"]["at"]} == {0, 1, 2, 3}
    streamed = stream(index, predictions, 30.0)
    (whole,) = [group for group in told["streaming"]["groups"] if not group["by"]]
    assert whole["streaming_mean_ap"] == evaluate(index, streamed.predictions).mean_ap
    assert whole["offline_mean_ap"] == evaluate(index, predictions).mean_ap
    assert told["streaming"]["take"] == "every"


def test_tables_are_printed(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("runs/timed") == 0
    out = capsys.readouterr().out
    for said in ("average delay (AD):", "stability errors along tracks", "from the keyframe", "at 30 frames a second"):
        assert said in " ".join(out.split())
    assert "a free detector takes every frame" in out


def test_what_is_not_told_is_left_out_with_the_reason(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("runs/plain") == 0
    said = capsys.readouterr()
    assert "average delay" in said.out and "frames a second" not in said.out
    assert "no distance: the predictions don't tell their keyframes" in said.err
    assert "no streaming: the predictions tell no times" in said.err
    assert run("runs/plain", "--streaming") == 1
    assert "PredictionError: the predictions tell no times" in capsys.readouterr().err
    assert run("runs/plain", "--stability", "--json") == 0
    assert set(json.loads(capsys.readouterr().out)) >= {"stability", "left_out"}


def test_options_reach_the_measures(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("runs/timed", "--delay", "--rate", 0.5, "--per", "frame", "--window", 5, "--json") == 0
    delay = json.loads(capsys.readouterr().out)["delay"]
    assert (delay["per"], delay["window"], [row["rate"] for row in delay["at"]]) == ("frame", 5, [0.5])
    assert run("runs/timed", "--streaming", "--fps", 10, "--take", "newest", "--json") == 0
    streaming = json.loads(capsys.readouterr().out)["streaming"]
    assert (streaming["fps"], streaming["take"]) == (10, "newest")
    assert "delay" not in streaming


def test_without_track_ids_only_what_needs_none_is_left(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    index = make_index(videos=4)
    index = replace(index, track_id=np.full(index.n_instances, -1, np.int32))
    write_index(place / "plain.h5", index)
    write_predictions(place / "p.h5", timed(make_predictions(index)))
    assert run("p.h5", "--index", "plain.h5", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert set(told["left_out"]) == {"delay", "stability"} and "track id" in told["left_out"]["delay"]
    assert [group["by"] for group in told["streaming"]["groups"]] == [""]
    assert run("p.h5", "--index", "plain.h5", "--delay") == 1
    write_predictions(place / "q.h5", make_predictions(index))
    assert run("q.h5", "--index", "plain.h5") == 1
    assert "nothing can be measured" in capsys.readouterr().err


def test_faults_of_predictions_are_no_reason_to_leave_out(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    index = make_index(videos=4)
    predictions = make_predictions(index)
    score = predictions.score.copy()
    score[3] = math.nan
    write_predictions(place / "nan.h5", replace(predictions, score=score))
    assert run("nan.h5") == 1
    assert "nothing can be measured" not in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [["--fps", "0"], ["--fps", "nan"], ["--fps", "inf"], ["--rate", "-1"], ["--rate", "nan"], ["--window", "0"],
     ["--take", "some"], ["--per", "video"]],
)  # fmt: skip
def test_wrong_options_are_told(place: Path, capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    assert run("runs/timed", *arguments) == 2
    assert arguments[0] in capsys.readouterr().err


def test_a_schedule_stands_in_for_keyframes_that_are_not_told(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("timed", "--distance", "--json") == 0
    told = json.loads(capsys.readouterr().out)["distance"]
    assert (told["keyframes"], told["mean_distance_to_key"]) == ("told by the predictions", 1.5)
    assert run("plain", "--distance", "--schedule", "l=4, k=0", "--json") == 0
    scheduled = json.loads(capsys.readouterr().out)["distance"]
    assert scheduled["keyframes"] == "schedule" and scheduled["at"] == told["at"]
    assert run("plain", "--distance") == 1
    assert "as in --schedule l=10,k=5" in capsys.readouterr().err


def test_every_measure_has_intervals_where_they_are_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    index = make_index(videos=9)
    write_index(tmp_path / "vidkit-data/vid_val.h5", index)
    write_predictions(tmp_path / "runs/timed/predictions.h5", timed(make_predictions(index, jitter=1.0)))
    assert run("timed", "--ci", 20, "--json") == 0
    told = json.loads(capsys.readouterr().out)
    stable, streamed = told["stability"]["mean"], told["streaming"]["groups"][0]
    for low, high, value in [
        (*told["delay"]["interval"], told["delay"]["average_delay"]),
        (*stable["intervals"]["total"], stable["total"]),
        (*streamed["streaming_interval"], streamed["streaming_mean_ap"]),
        *((*row["interval"], row["mean_ap"]) for row in told["distance"]["at"] if row["motion"] == "all"),
    ]:
        assert low < high and value > 0
    assert streamed["difference_interval"][0] <= streamed["difference_interval"][1]
    assert run("timed", "--ci", 20) == 0
    assert capsys.readouterr().out.count("[") > 20


def test_videos_that_are_too_few_for_intervals_are_said(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("timed", "--ci", 20, "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["delay"]["interval"] is None and told["delay"]["note"] == "4 videos: too few to tell"
    assert {row["interval"] for row in told["distance"]["at"]} == {None}
    assert run("timed", "--ci", 20) == 0
    out = capsys.readouterr().out
    assert "[" not in out and out.count("(4 videos)") > 20
    assert out.count("(n videos): too few to tell how sure the number is; an interval needs 5") == 4


@pytest.mark.parametrize("schedule", ["10", "l=0", "l=1001", "l=5,k=5", "l=-3", "l=10;k=5", "k=5"])
def test_bad_schedules_are_told(place: Path, schedule: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("plain", "--distance", "--schedule", schedule) == 2
    assert "--schedule" in capsys.readouterr().err


def test_a_schedule_for_another_measure_is_refused(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("timed", "--delay", "--schedule", "l=5") == 2
    assert "--schedule is for --distance" in capsys.readouterr().err
