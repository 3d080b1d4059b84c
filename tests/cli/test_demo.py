import csv
import json
import shlex
from pathlib import Path

import pytest
from vidkit_cli import demo
from vidkit_cli.console import report_errors
from vidkit_cli.main import vidkit
from vidkit_cli.reproduce.plan import Grid, all_runs


@pytest.fixture
def small(monkeypatch):
    """The demo with a few videos and two runs."""
    monkeypatch.setattr(demo, "STAND_IN_VIDEOS", 2)
    monkeypatch.setattr(demo, "FRAMES", (4,))
    monkeypatch.setattr(demo, "STAND_INS", {name: demo.STAND_INS[name] for name in ("per-frame", "copy-l10")})


def test_it_ends_with_a_table_and_a_figure_and_works_twice(small, tmp_path, monkeypatch, capfd):
    folder = tmp_path / "with a space"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("VIDKIT_RUNS", str(tmp_path / "elsewhere"))  # the demo keeps to its folder
    assert report_errors(vidkit, ["demo", "--stand-ins"]) == 0
    out = capfd.readouterr().out
    assert "$ vidkit prepare --vid-root synth" in out
    assert "frame-copy" in out
    assert "stand-ins that look at the ground truth" in out
    with (folder / "demo" / "table.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [(row["run"], row["l"], row["look-ahead"]) for row in rows] == [
        ("per-frame", "–", "0"),
        ("copy-l10", "10", "5"),
    ]
    assert all(float(row["frames/s"]) > 0 and float(row["mAP"].split()[0]) > 0 for row in rows)
    monkeypatch.setattr(demo, "STAND_INS", {"copy-l10": demo.STAND_INS["copy-l10"]})
    assert report_errors(vidkit, ["demo", "--stand-ins", "--json"]) == 0
    told = json.loads(capfd.readouterr().out)
    assert told["format"] == "vidkit-demo"
    assert {file for files in told["files"].values() for file in files if not (folder / file).is_file()} == set()
    assert sorted(path.name for path in tmp_path.rglob("*") if path.parent in (tmp_path, folder)) == [
        "demo",
        "with a space",
    ]


def test_a_command_that_fails_stops_it_with_its_exit_code(small, tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo" / "synth").mkdir()
    (tmp_path / "demo" / "synth" / "notes.txt").write_text("not a synthetic set")
    assert report_errors(vidkit, ["demo", "--stand-ins"]) == 1
    assert "the command failed with exit code 1: vidkit synth synth" in capfd.readouterr().err
    assert (tmp_path / "demo" / "synth" / "notes.txt").is_file()


def test_networks_run_per_frame_dff_and_impression_at_several_lengths():
    made = demo.with_networks(Path("a place"))
    (reproduce,) = (shlex.split(line) for line in made.commands if line.startswith("reproduce"))
    assert reproduce[-2:] == ["--checkpoints", str(Path("a place").absolute())]
    assert [name.split("-l")[0] for name in made.runs] == ["per-frame", *["dff"] * 3, *["impression"] * 3]
    planned = {run.name for run in all_runs(("table1", "figure5", "figure8"), Grid(lengths=demo.LENGTHS))}
    assert set(made.runs) <= planned


@pytest.mark.parametrize("torch", [True, False])
def test_where_networks_are_missing_it_says_why_and_takes_stand_ins(torch, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(demo, "find_spec", lambda name: name if torch or name != "torch" else None)
    monkeypatch.setattr(demo, "shipped_checkpoints", lambda: tmp_path)
    monkeypatch.setattr(demo, "with_stand_ins", lambda: demo.Demo(["nonsense"], {}, [], ""))
    monkeypatch.setattr(demo, "_type", stop)
    assert report_errors(vidkit, ["demo", "--out", str(tmp_path / "out")]) == 7
    said = capsys.readouterr().err
    assert ("without the checkpoints per-frame, dff, impression" if torch else "torch isn't installed") in said
    assert "stand-ins that look at the ground truth take the place" in said


def stop(*_args: object, **_options: object) -> None:
    raise demo.click.exceptions.Exit(7)


def test_stand_ins_take_no_checkpoints(tmp_path, capsys):
    assert report_errors(vidkit, ["demo", "--stand-ins", "--checkpoints", str(tmp_path)]) == 2
    assert "give one of them" in capsys.readouterr().err
