from __future__ import annotations

import csv
import json

import pytest
from vidkit_cli import demo
from vidkit_cli.console import report_errors
from vidkit_cli.main import vidkit


@pytest.fixture
def small(monkeypatch):
    """The demo with a few videos and two runs."""
    monkeypatch.setattr(demo, "VIDEOS", 2)
    monkeypatch.setattr(demo, "FRAMES", (4,))
    monkeypatch.setattr(demo, "RUNS", {name: demo.RUNS[name] for name in ("per-frame", "copy-l10")})


def test_it_ends_with_a_table_and_a_figure_and_works_twice(small, tmp_path, monkeypatch, capfd):
    folder = tmp_path / "with a space"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("VIDKIT_RUNS", str(tmp_path / "elsewhere"))  # the demo keeps to its folder
    assert report_errors(vidkit, ["demo"]) == 0
    out = capfd.readouterr().out
    assert "$ vidkit prepare --vid-root synth" in out
    assert "frame-copy" in out
    with (folder / "demo" / "table.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [(row["run"], row["l"], row["look-ahead"]) for row in rows] == [
        ("per-frame", "–", "0"),
        ("copy-l10", "10", "5"),
    ]
    assert all(float(row["frames/s"]) > 0 and float(row["mAP"].split()[0]) > 0 for row in rows)
    monkeypatch.setattr(demo, "RUNS", {"copy-l10": demo.RUNS["copy-l10"]})
    assert report_errors(vidkit, ["demo", "--json"]) == 0
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
    assert report_errors(vidkit, ["demo"]) == 1
    assert "the command failed with exit code 1: vidkit synth synth" in capfd.readouterr().err
    assert (tmp_path / "demo" / "synth" / "notes.txt").is_file()
