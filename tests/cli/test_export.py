import json
from pathlib import Path

import pytest
from vidkit_cli.console import BAD_INPUT, BAD_USAGE, DONE, report_errors
from vidkit_cli.main import vidkit

from tests.makers import make_index
from vidkit.data.index_file import write_index


def test_it_tells_what_was_written_what_is_lost_and_the_way_back(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    index = make_index()
    write_index(tmp_path / "i.h5", index)
    place = str(tmp_path / "i.h5")
    assert report_errors(vidkit, ["export", place, "--to", "yolo", "-o", str(tmp_path / "yolo")]) == DONE
    streams = capsys.readouterr()
    assert streams.out.splitlines()[1].split()[:3] == ["val", "3", "36"]
    assert f"val: yolo has no place for: {index.n_instances:,} boxes' tracks" in streams.err
    assert f"val: an index again: vidkit prepare {tmp_path}/yolo --from yolo" in streams.err
    assert report_errors(vidkit, ["export", place, "--to", "mot", "-o", str(tmp_path / "mot"), "--json"]) == DONE
    told = json.loads(capsys.readouterr().out)
    assert (told["format"], told["form"], told["splits"][0]["boxes"]) == ("vidkit-export", "mot", index.n_instances)
    assert (
        report_errors(vidkit, ["export", place, "--to", "mot", "-o", str(tmp_path / "mot")]) == DONE
    )  # the same again
    (tmp_path / "mot" / "notes.txt").touch()
    capsys.readouterr()
    assert report_errors(vidkit, ["export", place, "--to", "mot", "-o", str(tmp_path / "mot")]) == BAD_INPUT
    assert "exists already" in capsys.readouterr().err
    assert report_errors(vidkit, ["export", place, "--to", "voc", "-o", "x"]) == BAD_USAGE
