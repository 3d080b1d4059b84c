"""`vidkit detect`: what is printed, written and drawn, for any detector, one film or several."""

import json
from pathlib import Path

import numpy as np
import pytest
from vidkit_cli.console import BAD_INPUT, BAD_USAGE, DONE, report_errors
from vidkit_cli.main import vidkit

from impnet_model.methods import methods_with
from impnet_model.weights.checkpoints import Checkpoint, save
from tests.impnet_model.makers import SMALL, make_network, make_video
from vidkit.classes import ObjectClass
from vidkit.data.footage import frames_of
from vidkit.data.index_file import read_index
from vidkit.pictures.films import write_movie
from vidkit.predictions.predictions_file import read_predictions

pytest.importorskip("av")
HERE = "tests.cli.test_detect"


def corner(image: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A detector on one image: a box in its corner."""
    return np.array([[1.0, 2, 9, 8]]), np.array([0.75]), np.array([1])


@pytest.fixture
def movie(tmp_path: Path) -> Path:
    write_movie(tmp_path / "clip.mp4", make_video(7, 38, 54), fps=12.5)
    return tmp_path / "clip.mp4"


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("weights")
    classes = tuple(ObjectClass(f"thing{i}", f"n{i}") for i in range(3))
    for method in ("impression", "fgfa"):
        save(Checkpoint(make_network(method), method, SMALL, classes, {}), folder / f"{method}.pt")
    return folder


@pytest.mark.parametrize("method", methods_with("detector"))
def test_each_method_detects(method: str, checkpoints: Path, movie: Path, capsys: pytest.CaptureFixture[str]) -> None:
    weights = checkpoints / f"{'fgfa' if 'fgfa' in method else 'impression'}.pt"
    args = ["detect", method, str(movie), "--checkpoint", str(weights), "--least-score", "0", "--json", "--limit", "5"]
    assert report_errors(vidkit, args) == DONE
    told = json.loads(capsys.readouterr().out)
    assert told["classes"] == ["thing0", "thing1", "thing2"]
    (found,) = told["films"]
    assert (found["width"], found["height"], found["frames_per_second"], len(found["frames"])) == (54, 38, 12.5, 5)
    assert any(each["boxes"] for each in found["frames"])


def test_boxes_are_printed_line_by_line(movie: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert report_errors(vidkit, ["detect", f"{HERE}:corner", str(movie), "--limit", "2"]) == DONE
    streams = capsys.readouterr()
    line = "clip\t{}\tclass 1\t0.750\t1.0\t2.0\t9.0\t8.0"
    assert streams.out.splitlines() == [line.format(0), line.format(1)]
    assert "2 frames in" in streams.err
    assert report_errors(vidkit, ["detect", f"{HERE}:corner", str(movie), "--quiet"]) == DONE
    assert capsys.readouterr().out == ""
    assert report_errors(vidkit, ["detect", f"{HERE}:corner", str(movie), "--least-score", "0.8"]) == DONE
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("name", ["found.h5", "found.csv", "found.json", "found.txt"])
def test_what_was_found_is_saved(name: str, movie: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    saved = tmp_path / name
    args = ["detect", f"{HERE}:corner", str(movie), "--quiet", "--save", str(saved)]
    assert report_errors(vidkit, args) == DONE
    assert "7 detections" in capsys.readouterr().err
    assert saved.stat().st_size > 0
    if name == "found.h5":
        index, predictions = read_index(tmp_path / "found.index.h5"), read_predictions(saved)
        assert predictions.index_fingerprint == index.fingerprint
        assert (index.video_name, predictions.n_frames, predictions.n_detections) == (("clip",), 7, 7)
        assert [each.name for each in index.classes] == ["class 0", "class 1"]


def test_a_film_with_boxes_has_the_rate_of_the_film(movie: Path, tmp_path: Path) -> None:
    import av

    args = ["detect", f"{HERE}:corner", str(movie), "--quiet", "-o", str(tmp_path / "boxes.mp4")]
    assert report_errors(vidkit, args) == DONE
    assert len([*frames_of(tmp_path / "boxes.mp4")]) == 7
    with av.open(str(tmp_path / "boxes.mp4")) as container:
        assert float(container.streams.video[0].average_rate or 0) == pytest.approx(12.5)


def test_several_films(movie: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_movie(tmp_path / "films" / "other.mp4", make_video(3, 21, 33))
    sources = [str(movie), str(tmp_path / "films")]
    boxes, saved = tmp_path / "boxes", tmp_path / "all.h5"
    args = ["detect", f"{HERE}:corner", *sources, "-o", str(boxes), "--save", str(saved)]
    assert report_errors(vidkit, args) == DONE
    assert {line.split("\t")[0] for line in capsys.readouterr().out.splitlines()} == {"clip", "other"}
    assert sorted(each.name for each in boxes.iterdir()) == ["clip.mp4", "other.mp4"]
    index = read_index(tmp_path / "all.index.h5")
    assert index.video_size.tolist() == [[54, 38], [34, 22]]  # a film of H.264 has even sides
    assert report_errors(vidkit, [*args[:-4], "-o", "one.mp4"]) == BAD_USAGE
    assert "wanted the name of a folder" in capsys.readouterr().err


def test_shipped_weights(movie: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wrapped = ["keyframes", str(movie), "--option", "detector=per-frame", "--checkpoint", "shipped", "--json"]
    assert report_errors(vidkit, ["detect", *wrapped, "--limit", "3"]) == DONE
    told = json.loads(capsys.readouterr().out)
    assert (told["detector"], len(told["films"][0]["frames"])) == ("per-frame+interpolate", 3)
    assert report_errors(vidkit, ["detect", f"{HERE}:corner", str(movie), "--checkpoint", "shipped"]) == BAD_INPUT
    assert "no weights of it come with vidkit" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("args", "code", "said"),
    [
        (["per-frame", "nowhere.mp4", "--checkpoint", "shipped"], BAD_INPUT, "no such file"),
        (["per-frame", "camera:/nowhere/video9", "--checkpoint", "shipped"], BAD_INPUT, "FrameError"),
        (["per-frames", "clip.mp4"], BAD_INPUT, "did you mean 'per-frame'"),
        (["oracle-jitter", "clip.mp4"], BAD_INPUT, "looks at the ground truth"),
        (["per-frame", "clip.mp4", "--checkpoint", "nowhere.pt"], BAD_USAGE, "no such file; wanted a file or shipped"),
        (["per-frame", "clip.mp4", "--save", "found.xml"], BAD_USAGE, "wanted a name that ends in"),
        (["per-frame"], BAD_USAGE, "Missing argument"),
    ],
)
def test_what_is_wrong_is_said(args: list[str], code: int, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert report_errors(vidkit, ["detect", *args]) == code
    assert said in capsys.readouterr().err
