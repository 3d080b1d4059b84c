"""`vidkit view` as it is called."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from vidkit_cli.console import BAD_INPUT, BAD_USAGE, DONE, report_errors
from vidkit_cli.main import vidkit

from tests.makers import make_index
from vidkit.data.hdf5 import read_index, write_index
from vidkit.data.index import FrameFiles
from vidkit.synth import Settings, make_dataset

SETTINGS = Settings(width=96, height=80, frames=20)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a made-up tree and an index of other boxes over its frames."""
    root = tmp_path_factory.mktemp("view")
    list(make_dataset(root / "tree", SETTINGS, train=0, val=2))
    names = ("synth_val_00000000", "synth_val_00000001")
    files = FrameFiles(
        str(root / "tree"), ("folder",) * 2, tuple(f"Data/VID/val/{n}" for n in names), ("{:06d}.JPEG",) * 2
    )
    index = make_index(videos=2, frames=20)
    size = np.array([[96, 80]] * 2, np.int32)
    write_index(root / "vidkit-data" / "vid_val.h5", replace(index, video_name=names, video_size=size, files=files))
    return root


@pytest.fixture
def here(place: Path, tmp_path: Path) -> Iterator[Path]:
    """An empty current folder beside the data."""
    before = Path.cwd()
    os.chdir(tmp_path)
    yield tmp_path
    os.chdir(before)


def view(place: Path, *args: str) -> int:
    return report_errors(vidkit, ["view", "--data-dir", str(place / "vidkit-data"), *args])


def test_bare_it_makes_a_sheet_of_the_first_video(place: Path, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert view(place) == DONE
    assert capsys.readouterr().out == "synth_val_00000000.png\n"
    with Image.open(here / "synth_val_00000000.png") as sheet:
        assert sheet.size == (4 * 360 + 3 * 4, 3 * 300 + 2 * 4)


def test_one_frame_is_drawn_legibly(place: Path, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert view(place, "--video", "synth_val_00000001", "--frame", "7", "--json") == DONE
    answer = json.loads(capsys.readouterr().out)
    assert (answer["video"], answer["frames"]) == ("synth_val_00000001", 1)
    assert answer["file"] == "synth_val_00000001_000007.png"
    with Image.open(here / answer["file"]) as picture:
        assert picture.size == (96 * 6, 80 * 6)


def test_several_frames_stand_on_a_sheet_in_the_order_given(place: Path, here: Path) -> None:
    assert view(place, "--frame", "9", "--frame", "2", "--scale", "1", "-o", "a.png") == DONE
    assert view(place, "--frame", "9", "--scale", "1", "-o", "nine.png") == DONE
    with Image.open("a.png") as sheet, Image.open("nine.png") as nine:
        assert np.array_equal(np.asarray(sheet)[:80, :96], np.asarray(nine))


def test_a_film_has_every_frame(place: Path, here: Path) -> None:
    av = pytest.importorskip("av")
    assert view(place, "-o", "a.mp4", "--by", "class") == DONE
    with av.open("a.mp4") as container:
        assert sum(1 for _ in container.decode(video=0)) == 20
    assert view(place, "-o", "a.webp", "--scale", "1") == DONE
    with Image.open("a.webp") as film:
        assert film.n_frames == 20  # type: ignore[attr-defined]


def test_the_index_with_the_video_is_taken_among_several(
    place: Path, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    both = here / "both"
    both.mkdir()
    (both / "val.h5").write_bytes((place / "vidkit-data" / "vid_val.h5").read_bytes())
    (both / "broken.h5").write_text("no index")
    write_index(both / "other.h5", make_index())
    args = ["view", "--data-dir", str(both), "-o", "a.png"]
    assert report_errors(vidkit, [*args, "--video", "synth_val_00000001", "--frame", "1"]) == DONE
    assert report_errors(vidkit, args) == BAD_INPUT
    assert "several of these fit" in capsys.readouterr().err
    assert report_errors(vidkit, [*args, "--video", "synth_val_0000001"]) == BAD_INPUT
    assert "in any of the 2 indices" in (message := capsys.readouterr().err)
    assert "did you mean 'synth_val_0000" in message


def test_the_folders_of_a_name_may_be_left_out(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    index = replace(make_index(), video_name=("a/one", "b/one", "a/two"))
    write_index(here / "data" / "a.h5", index)
    args = ["view", "--data-dir", "data", "--video"]
    assert report_errors(vidkit, [*args, "two"]) == BAD_INPUT  # found, but this index has no frames
    assert "where its frames are" in capsys.readouterr().err
    assert report_errors(vidkit, [*args, "one"]) == BAD_INPUT
    assert "several videos called 'one'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("args", "code", "message"),
    [
        (["--video", "synth_val_0000001"], BAD_INPUT, "did you mean 'synth_val_0000000"),
        (["--frame", "20"], BAD_INPUT, "numbered 0 … 19, the nearest is 19"),
        (["--frames-root", "nowhere"], BAD_INPUT, "was the data moved"),
        (["-o", "a.avi"], BAD_USAGE, ".mp4 or .webp"),
        (["-o", "a"], BAD_USAGE, ".mp4 or .webp"),
        (["--scale", "0"], BAD_USAGE, "--scale"),
        (["missing.h5"], BAD_INPUT, "missing.h5"),
    ],
)
def test_errors_say_what_there_is(
    place: Path, here: Path, capsys: pytest.CaptureFixture[str], args: list[str], code: int, message: str
) -> None:
    assert view(place, *args) == code
    assert message in capsys.readouterr().err
    assert list(here.iterdir()) == []


def test_an_index_without_frames_says_so(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_index(here / "data" / "a.h5", make_index())
    assert report_errors(vidkit, ["view", "--data-dir", "data"]) == BAD_INPUT
    assert "doesn't tell where its frames are" in capsys.readouterr().err


def test_a_name_from_an_index_leads_to_no_other_folder(place: Path, here: Path) -> None:
    index = read_index(place / "vidkit-data" / "vid_val.h5")
    write_index(here / "data" / "a.h5", replace(index, video_name=("../../\t a", "b")))
    assert report_errors(vidkit, ["view", "--data-dir", "data", "--frame", "0"]) == DONE
    assert (here / ".._..___a_000000.png").exists()


def test_moved_frames_are_found_below_another_root(place: Path, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "moved").symlink_to(place / "tree")
    assert view(place, "--frames-root", "moved", "--frame", "3", "-o", "a.png") == DONE
