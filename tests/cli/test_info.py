import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from vidkit_cli.console import BAD_INPUT, DONE, report_errors
from vidkit_cli.main import vidkit

from tests.makers import make_index
from vidkit.data.index import FOLDER, FrameFiles
from vidkit.data.index_file import write_index


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    files = FrameFiles(str(tmp_path), (FOLDER,) * 3, ("here", "gone", "here"), ("{:06d}.JPEG",) * 3)
    (tmp_path / "here").mkdir()
    write_index(tmp_path / "data" / "vid_val.h5", dataclasses.replace(make_index(), files=files))
    return tmp_path / "data"


def told(capsys: pytest.CaptureFixture[str], *args: str | Path) -> dict[str, object]:
    assert report_errors(vidkit, ["info", *map(str, args), "--json"]) == DONE
    value = json.loads(capsys.readouterr().out)
    assert isinstance(value, dict)
    return value


def test_the_table_tells_what_is_in_the_index(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    index = make_index()
    assert report_errors(vidkit, ["info", str(folder / "vid_val.h5")]) == DONE
    text = capsys.readouterr().out
    for words in ("made, val", index.fingerprint, "36 (13 without boxes)", "320×240 (3)", "slow (motion)"):
        assert words in text
    assert "3 × folder; 2 of 3 found, missing: video_0001" in text
    assert all(f"{c.name}" in text for c in index.classes)


def test_json_tells_the_same(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    index, value = make_index(), told(capsys, folder / "vid_val.h5")
    assert (value["format"], value["version"]) == ("vidkit-info", 1)
    assert (value["videos"], value["frames"], value["boxes"]) == (3, 36, index.n_instances)
    groups = value["groups"]
    assert isinstance(groups, dict)
    assert set(groups) == {"slow (motion)", "medium (motion)", "fast (motion)"}
    assert sum(groups.values()) == index.n_instances
    classes = value["classes"]
    assert isinstance(classes, list)
    assert [c["boxes"] for c in classes] == np.bincount(index.class_id).tolist()


def test_bare_it_takes_the_only_index(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert told(capsys, "--data-dir", folder)["file"] == str(folder / "vid_val.h5")
    monkeypatch.setenv("VIDKIT_DATA", str(folder))
    assert told(capsys)["file"] == str(folder / "vid_val.h5")
    write_index(folder / "vid_train.h5", make_index(seed=1))
    assert report_errors(vidkit, ["info"]) == BAD_INPUT
    error = capsys.readouterr().err
    assert "vid_train.h5" in error
    assert "vid_val.h5" in error


def test_an_empty_place_says_how_to_fill_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert report_errors(vidkit, ["info", "--data-dir", str(tmp_path)]) == BAD_INPUT
    assert "vidkit prepare" in capsys.readouterr().err


def test_without_tracks_there_are_no_motion_groups(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    index = make_index()
    write_index(tmp_path / "i.h5", dataclasses.replace(index, track_id=np.full_like(index.track_id, -1)))
    value = told(capsys, tmp_path / "i.h5")
    assert (value["groups"], value["tracks"], value["boxes_without_track"]) == ({}, 0, index.n_instances)


def test_an_empty_index_has_a_table_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_index(tmp_path / "i.h5", make_index(videos=0))
    assert report_errors(vidkit, ["info", str(tmp_path / "i.h5")]) == DONE
    assert "frames of a video  –" in capsys.readouterr().out
    assert told(capsys, tmp_path / "i.h5")["frames"] == 0
