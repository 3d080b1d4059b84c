import csv
import json

import pytest
from vidkit_cli.console import report_errors
from vidkit_cli.main import vidkit

from tests.makers import make_index
from vidkit.data.index_file import write_index


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_index(tmp_path / "vidkit-data" / "made_val.h5", make_index(videos=3, frames=6))
    return tmp_path


def sweep(*args: str) -> int:
    return report_errors(vidkit, ["sweep", *args, "--blank-frames"])


def test_each_combination_is_a_run_and_a_row(here, capsys):
    assert sweep("frame-copy", "--option", "length=2..6:2", "--option", "key_id=0,1", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert [(row["length"], row["key_id"], row["look_ahead"]) for row in told["runs"]] == [
        (length, key, int(key)) for length in ("2", "4", "6") for key in ("0", "1")
    ]
    with (here / "runs" / "sweep-frame-copy.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["length"] for row in rows] == ["2", "2", "4", "4", "6", "6"]
    assert all((here / row["output"]).is_file() for row in rows)


def test_typed_again_it_leaves_what_is_finished(here):
    assert sweep("frame-copy", "--option", "length=2,3") == 0
    before = {path: path.stat().st_mtime_ns for path in here.rglob("predictions.h5")}
    assert sweep("frame-copy", "--option", "length=2..4") == 0
    after = {path: path.stat().st_mtime_ns for path in here.rglob("predictions.h5")}
    assert len(before) == 2 and len(after) == 3
    assert before.items() <= after.items()


def test_scored_runs_have_their_mean_ap(here, capsys):
    assert sweep("frame-copy", "--option", "length=2,3") == 0
    assert report_errors(vidkit, ["eval", "runs/frame-copy_length=3/predictions.h5", "--by", "none"]) == 0
    capsys.readouterr()
    assert sweep("frame-copy", "--option", "length=2,3", "--json") == 0
    first, second = json.loads(capsys.readouterr().out)["runs"]
    assert first["mean_ap"] is None
    assert 0 <= second["mean_ap"] <= 1


def test_without_options_it_is_one_run(here, capsys):
    assert sweep("oracle-jitter") == 0
    assert "frames_per_second" in capsys.readouterr().out


def test_wrong_options_are_told(here, capsys):
    assert sweep("frame-copy", "--option", "length") == 1
    assert sweep("frame-copy", "--option", "length=5..1") == 1
    assert "a range goes up" in capsys.readouterr().err
