"""`vidkit render` as it is called."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from vidkit_cli.console import BAD_INPUT, BAD_USAGE, DONE, report_errors
from vidkit_cli.main import vidkit

from tests.cli.made_runs import FRAMES, NAMES, make_place, make_run, make_runs
from vidkit.data.index_file import read_index, write_index
from vidkit.evaluation.curves import video_scores


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a made-up tree, an index and runs over it."""
    root = tmp_path_factory.mktemp("render")
    make_runs(root, make_place(root))
    return root


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def render(place: Path, *args: str) -> int:
    where = ["--data-dir", str(place / "vidkit-data"), "--runs-dir", str(place / "runs")]
    return report_errors(vidkit, ["render", *where, *args])


def frames_in(film: str) -> list[tuple[int, int]]:
    """The sizes of the frames of a film."""
    av = pytest.importorskip("av")
    with av.open(film) as container:
        return [(frame.width, frame.height) for frame in container.decode(video=0)]


def test_a_film_has_every_frame_with_a_panel_a_run(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("av")
    assert render(place, "one", "two", "--zoom", "2") == DONE
    found = capsys.readouterr().out
    assert found.splitlines()[-1] == f"{NAMES[0]}.mp4"
    assert "one" in found
    sizes = frames_in(f"{NAMES[0]}.mp4")
    assert len(sizes) == FRAMES
    assert sizes[0][0] == 2 * (2 * 96) + 4
    assert render(place, "one", "two", "--zoom", "2", "--columns", "1", "--frames", "..0", "-o", "a.mp4") == DONE
    assert frames_in("a.mp4")[0][0] == 2 * 96


def test_several_videos_follow_each_other(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    args = ["--video", NAMES[1], "--video", NAMES[0], "--frames", "2..4", "--zoom", "1", "--json", "-o", "a.webp"]
    assert render(place, "one", *args) == DONE
    answer = json.loads(capsys.readouterr().out)
    assert (answer["videos"], answer["frames"], answer["file"]) == ([NAMES[1], NAMES[0]], 6, "a.webp")
    with Image.open("a.webp") as film:
        assert film.n_frames == 6  # type: ignore[attr-defined]


def test_videos_of_several_sizes_share_a_canvas(place: Path, tmp_path: Path) -> None:
    pytest.importorskip("av")
    small = place / "tree" / "Data" / "VID" / "val" / "small"
    small.mkdir(exist_ok=True)
    for number in range(FRAMES):
        Image.fromarray(np.zeros((40, 120, 3), np.uint8)).save(small / f"{number:06d}.JPEG")
    index = read_index(place / "vidkit-data" / "vid_val.h5")
    assert index.files is not None
    files = vars(index.files) | {"source": (index.files.source[0], "Data/VID/val/small")}
    size = np.array([[96, 80], [120, 40]], np.int32)
    columns = {name: getattr(index, name) for name in index.__dataclass_fields__}
    changed = type(index)(**columns | {"video_size": size, "files": type(index.files)(**files)})
    write_index(tmp_path / "two.h5", changed)
    args = ["--index", "two.h5", "--video", NAMES[0], "--video", NAMES[1], "--zoom", "1", "-o", "a.mp4"]
    assert render(place, *args) == DONE
    assert set(frames_in("a.mp4")) == {(120, 80)}


def test_the_counts_are_those_of_the_evaluation(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    index = read_index(place / "vidkit-data" / "vid_val.h5")
    args = ["--video", NAMES[1], "--score", "0.5", "--zoom", "1", "-o", "a.webp", "--json"]
    assert render(place, "one", "two", *args) == DONE
    counts = json.loads(capsys.readouterr().out)["runs"]
    for seed, (name, found) in enumerate(zip(("one", "two"), counts, strict=True)):
        scores = video_scores(index, make_run(index, seed), lowest_score=0.5)
        wanted = next(score for score in scores if score.video == NAMES[1])
        assert found == {"run": name, "true": wanted.true, "false": wanted.false, "missed": wanted.missed}


def test_without_runs_the_film_shows_the_ground_truth(place: Path) -> None:
    assert render(place, "--zoom", "1", "-o", "a.webp") == DONE
    with Image.open("a.webp") as film:
        assert film.size == (96, 80)


def test_without_pyav_it_says_what_to_do(
    place: Path, here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    assert render(place, "one") == BAD_INPUT
    assert "pip install 'vidkit-vod[video]'; or name the file .webp" in capsys.readouterr().err
    assert list(here.iterdir()) == []


@pytest.mark.parametrize(
    ("args", "code", "message"),
    [
        (["xyz"], BAD_INPUT, "no such run; runs with predictions"),
        (["one", "--video", "synth_val_0000001"], BAD_INPUT, "did you mean 'synth_val_0000000"),
        (["one", "other"], BAD_INPUT, "made for the index"),
        (["limited", "--video", NAMES[1]], BAD_INPUT, "not run by limited"),
        (["one", "--frames-root", "nowhere"], BAD_USAGE, "does not exist"),
        (["one", "-o", "a.png"], BAD_USAGE, "pictures are `vidkit view`'s"),
        (["one", "--frames", "30.."], BAD_INPUT, "numbered 0 … 19"),
        (["one", "--fps", "0"], BAD_USAGE, "--fps"),
        (["one", "--index", "missing.h5"], BAD_INPUT, "missing.h5"),
    ],
)
def test_errors_leave_no_file(
    place: Path, here: Path, capsys: pytest.CaptureFixture[str], args: list[str], code: int, message: str
) -> None:
    assert render(place, "-o", "a.webp", *args) == code
    assert message in capsys.readouterr().err
    assert list(here.iterdir()) == []


def test_two_runs_of_one_name_are_told_apart(place: Path, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    copy = here / "copies" / "one" / "predictions.h5"
    copy.parent.mkdir(parents=True)
    copy.write_bytes((place / "runs" / "two" / "predictions.h5").read_bytes())
    assert (
        render(place, "one", "copies/one", "one", "--frames", "1..2", "--zoom", "1", "-o", "a.webp", "--json") == DONE
    )
    assert [run["run"] for run in json.loads(capsys.readouterr().out)["runs"]] == ["one", "copies/one"]
