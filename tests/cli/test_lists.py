import json
from pathlib import Path

import pytest
from vidkit_cli.console import report_errors
from vidkit_cli.main import vidkit

from tests.data.ilsvrc_trees import make_tree


def test_lists_are_written_and_can_be_prepared_from(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_tree(tmp_path, videos=2, frames=30, split="train")
    out = tmp_path / "lists"
    assert report_errors(vidkit, ["lists", str(tmp_path), "--out", str(out), "--json"]) == 0
    lines = {Path(item["path"]).name: item["lines"] for item in json.loads(capsys.readouterr().out)["lists"]}
    assert lines["VID_train_15frames.txt"] == 30
    given = ["prepare", "--vid-root", str(tmp_path), "--out", str(tmp_path / "o"), "--json"]
    for name, frames in (("15frames", 30), ("videos", 60), ("frames", 60), ("every_frame", 60)):
        assert report_errors(vidkit, [*given, "--list", str(out / f"VID_train_{name}.txt")]) == 0
        assert json.loads(capsys.readouterr().out)["indices"][0]["frames"] == frames


def test_a_table_tells_what_was_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_tree(tmp_path, videos=1, frames=3)
    assert report_errors(vidkit, ["lists", str(tmp_path), "--out", str(tmp_path / "l"), "--frames", "2"]) == 0
    assert "VID_val_2frames.txt" in capsys.readouterr().out
    assert (tmp_path / "l/VID_val_2frames.txt").read_text().split() == [
        *("val/ILSVRC2015_val_00000000", "1", "0", "3"),
        *("val/ILSVRC2015_val_00000000", "1", "2", "3"),
    ]


def test_a_folder_without_a_tree_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert report_errors(vidkit, ["lists", str(tmp_path)]) == 1
    assert "no ILSVRC VID tree" in capsys.readouterr().err
