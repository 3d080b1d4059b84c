import json
from dataclasses import replace
from pathlib import Path

import pytest
from vidkit_cli.console import BAD_INPUT, BAD_USAGE, DONE, report_errors
from vidkit_cli.main import vidkit

from tests.makers import make_index
from vidkit.data.index_file import read_index, write_index


def test_two_indices_become_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    a, b, c = (str(tmp_path / f"{name}.h5") for name in "abc")
    write_index(a, make_index(0))
    write_index(b, replace(make_index(1), split="train"))
    assert report_errors(vidkit, ["join", a, b, "-o", c]) == BAD_INPUT
    assert "two videos are called 'video_0000'" in capsys.readouterr().err
    assert report_errors(vidkit, ["join", a, b, "-o", c, "--prefix", "--name", "both", "--split", "all"]) == DONE
    assert capsys.readouterr().out.splitlines()[1].split()[:4] == ["both", "all", "6", "72"]
    assert read_index(c).n_videos == 6
    assert report_errors(vidkit, ["join", a, b, "-o", c, "--prefix", "--json"]) == DONE
    assert json.loads(capsys.readouterr().out)["split"] == "val+train"
    assert report_errors(vidkit, ["join", a, "-o", c]) == BAD_USAGE
