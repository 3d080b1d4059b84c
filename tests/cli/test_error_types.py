import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from vidkit_cli.console import report_errors
from vidkit_cli.main import vidkit

from tests.makers import make_index, make_predictions
from vidkit.data.index_file import write_index
from vidkit.evaluation.errors_by_type import ERROR_TYPES, decompose
from vidkit.predictions.predictions_file import write_predictions
from vidkit.predictions.table import RunInfo


def run(*args: object) -> int:
    return report_errors(vidkit, ["errors", *map(str, args)])


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with one index and one run, where the defaults point."""
    monkeypatch.chdir(tmp_path)
    index = make_index(videos=4)
    write_index(tmp_path / "vidkit-data/vid_val.h5", index)
    write_predictions(tmp_path / "runs/mine/predictions.h5", make_predictions(index, jitter=4))
    return tmp_path


def test_a_run_is_split_without_any_option(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("runs/mine") == 0
    out = capsys.readouterr().out
    index = make_index(videos=4)
    report = decompose(index, make_predictions(index, jitter=4), by="motion")
    rows = [line.split() for line in out.splitlines()]
    costs = next(row for row in rows if row[:1] == ["all"])
    assert costs[1:] == [f"{100 * v:.2f}" for v in (report.overall.mean_ap, *report.overall.delta.values())]
    fast = next(row for row in rows if row[:2] == ["motion:", "fast"])
    assert fast[2] == f"{100 * report.group('motion', 'fast').mean_ap:.2f}"
    counts = [row for row in rows if row[:1] == ["all"]][1]
    assert counts[1:] == [str(index.n_instances), *(str(int(report.overall.count[k].sum())) for k in ERROR_TYPES)]
    assert "background IoU 0.1; unmatched detections in groups: rule fgfa" in out


def test_json_and_csv_tell_all_of_it(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("runs/mine", "--by", "motion x area,class", "--protocol", "voc", "-o", "e.csv", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["format"] == "vidkit-errors" and told["protocol"] == "voc" and told["limited"] is False
    assert told["files"] == ["e.csv"] and len(told["groups"]) == 16 + 1
    assert set(told["delta_ap"]) > set(ERROR_TYPES) == set(told["count"])
    table = pd.read_csv("e.csv", keep_default_na=True)
    assert set(table["type"]) == set(told["delta_ap"]) and len(table) == 18 * 4 * 8


def test_other_thresholds_and_rules(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("runs/mine", "--by", "none", "--foreground", 0.75, "--background", 0.2, "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["foreground"], told["background"], told["groups"]) == (0.75, 0.2, [])
    assert run("runs/mine", "--fp-rule", "all", "--bins", "motion=0.5", "--json") == 0
    assert [group["name"] for group in json.loads(capsys.readouterr().out)["groups"]] == ["all", ">=0.5", "<0.5"]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--background", "0.6"], 2, "--background 0.6"),
        (["--background", "nan"], 2, "--background nan"),
        (["--background", "0.3", "--foreground", "0.2"], 2, "at most 0.2"),
        (["--foreground", "1.5"], 2, "--foreground"),
        (["--protocol", "fgffa"], 1, "did you mean 'fgfa'"),
        (["--by", "motoin"], 1, "did you mean 'motion'"),
        (["--bins", "area=1"], 1, "nothing is broken down by that"),
    ],
)
def test_wrong_options_are_told(
    place: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, said: str
) -> None:
    assert run("runs/mine", *arguments) == code
    assert said in capsys.readouterr().err


def test_no_predictions_no_tracks_and_a_part_of_the_data(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    index = make_index(videos=4)
    untracked = replace(index, track_id=np.full(index.n_instances, -1, np.int32))
    write_index(place / "plain.h5", untracked)
    silent = replace(
        make_predictions(untracked),
        detection_start=np.zeros(index.n_frames + 1, np.int64),
        box=np.zeros((0, 4), np.float32),
        score=np.zeros(0, np.float32),
        class_id=np.zeros(0, np.int16),
        run=RunInfo(limited=True),
    )
    write_predictions(place / "silent.h5", silent)
    assert run("silent.h5", "--index", "plain.h5") == 0
    said = capsys.readouterr()
    assert "no groups by motion" in said.err and "limited run" in said.err
    assert f" {index.n_instances}\n" in said.out  # all is missed


def test_what_is_not_there_or_no_prediction_file_is_told(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (place / "junk").write_bytes(b"\0\1\2 no predictions")
    assert run("nowhere.h5") == 1
    assert run("runs") == 1
    assert "no predictions.h5" in capsys.readouterr().err
    assert run("junk", "--json") == 1
    assert json.loads(capsys.readouterr().out)["error"]["message"]
