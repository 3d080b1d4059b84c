import json
from pathlib import Path

import pytest
from vidkit_cli.console import BAD_INPUT, DONE, report_errors
from vidkit_cli.main import vidkit

from impnet_model.data.video import frames_of
from impnet_model.methods import methods_with
from impnet_model.weights.checkpoints import Checkpoint, save
from tests.impnet_model.makers import SMALL, make_network, make_video
from vidkit.classes import ObjectClass
from vidkit.pictures.films import write_movie

pytest.importorskip("av")


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    path = tmp_path / "impression.pt"
    classes = tuple(ObjectClass(f"thing{i}", f"n{i}") for i in range(3))
    save(Checkpoint(make_network(), "impression", SMALL, classes, {}), path)
    return path


@pytest.fixture
def movie(tmp_path: Path) -> Path:
    write_movie(tmp_path / "clip.mp4", make_video(7, 38, 54))
    return tmp_path / "clip.mp4"


@pytest.mark.parametrize("method", methods_with("streams"))
def test_each_method_streams(method: str, checkpoint: Path, movie: Path, capsys: pytest.CaptureFixture[str]) -> None:
    args = ["stream", str(checkpoint), "--source", str(movie), "--method", method, "--length", "3", "--json"]
    assert report_errors(vidkit, [*args, "--least-score", "0"]) == DONE
    told = json.loads(capsys.readouterr().out)
    assert len(told["frames"]) == 7
    assert told["frames"][0]["is_key"]
    if method in ("impression", "dff"):
        assert [each["is_key"] for each in told["frames"]] == [i % 3 == 0 for i in range(7)]
    assert any(each["boxes"] for each in told["frames"])


def test_detections_are_printed_line_by_line(checkpoint: Path, movie: Path, capsys: pytest.CaptureFixture[str]) -> None:
    args = ["stream", str(checkpoint), "--source", str(movie), "--least-score", "0.2", "--limit", "2"]
    assert report_errors(vidkit, args) == DONE
    streams = capsys.readouterr()
    rows = [line.split("\t") for line in streams.out.splitlines()]
    assert rows
    assert all(len(row) == 7 and row[0] in "01" and row[1].startswith("thing") for row in rows)
    assert "2 frames in" in streams.err


def test_a_film_with_the_boxes(
    checkpoint: Path, movie: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    args = ["stream", str(checkpoint), "--source", str(movie), "--render", str(tmp_path / "boxes.mp4")]
    assert report_errors(vidkit, args) == DONE
    assert len(list(frames_of(tmp_path / "boxes.mp4"))) == 7


def test_a_source_that_is_not_there(checkpoint: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for source in ("nowhere.mp4", "camera:/nowhere/video9"):
        assert report_errors(vidkit, ["stream", str(checkpoint), "--source", source]) == BAD_INPUT
        assert "FrameError" in capsys.readouterr().err


def test_what_is_no_checkpoint(movie: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert report_errors(vidkit, ["stream", str(movie), "--source", str(movie)]) == BAD_INPUT
    assert "FormatError" in capsys.readouterr().err
