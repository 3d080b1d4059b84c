"""`vidkit view` as it is called."""

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

from tests.cli.made_runs import make_place, make_run, make_runs
from tests.makers import make_index
from vidkit.data.index_file import read_index, write_index
from vidkit.evaluation.curves import video_scores


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a made-up tree and an index of other boxes over its frames."""
    root = tmp_path_factory.mktemp("view")
    make_place(root)
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
    assert view(place, "--frame", "9", "--frame", "2", "--zoom", "1", "-o", "a.png") == DONE
    assert view(place, "--frame", "9", "--zoom", "1", "-o", "nine.png") == DONE
    with Image.open("a.png") as sheet, Image.open("nine.png") as nine:
        assert np.array_equal(np.asarray(sheet)[:80, :96], np.asarray(nine))


def test_a_film_has_every_frame(place: Path, here: Path) -> None:
    av = pytest.importorskip("av")
    assert view(place, "-o", "a.mp4", "--by", "class") == DONE
    with av.open("a.mp4") as container:
        assert sum(1 for _ in container.decode(video=0)) == 20
    assert view(place, "-o", "a.webp", "--zoom", "1") == DONE
    with Image.open("a.webp") as film:
        assert film.n_frames == 20  # type: ignore[attr-defined]


@pytest.fixture
def both(place: Path, here: Path) -> Path:
    """A data folder with two indices of split "val", only one of them with frames, one of "train", and a broken one."""
    folder = here / "both"
    index = read_index(place / "vidkit-data" / "vid_val.h5")
    write_index(folder / "val.h5", index)
    write_index(folder / "a_train.h5", replace(index, split="train", video_name=("one", "two")))
    write_index(folder / "a_val.h5", make_index())
    (folder / "broken.h5").write_text("no index")
    return folder


def test_the_index_with_the_video_is_taken_among_several(both: Path, capsys: pytest.CaptureFixture[str]) -> None:
    args = ["view", "--data-dir", str(both), "-o", "a.png", "--frame", "1", "--json", "--video"]
    assert report_errors(vidkit, [*args, "synth_val_00000001"]) == DONE
    found = capsys.readouterr()
    assert (json.loads(found.out)["index"], found.err) == (str(both / "val.h5"), "")
    assert report_errors(vidkit, [*args[:-2], *args[-1:], "synth_val_0000001"]) == BAD_INPUT
    assert "in any of the 3 indices" in (message := capsys.readouterr().err)
    assert "did you mean 'synth_val_0000" in message


def test_among_several_the_val_index_is_taken_and_named(both: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (both / "a_val.h5").unlink()
    assert report_errors(vidkit, ["view", "--data-dir", str(both), "--frame", "1", "--json"]) == DONE
    found = capsys.readouterr()
    assert json.loads(found.out)["index"] == str(both / "val.h5")
    assert f"index: {both / 'val.h5'}; there are others: {both / 'a_train.h5'}" in found.err


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
        (["--frames-root", "nowhere"], BAD_USAGE, "does not exist"),
        (["-o", "a.avi"], BAD_USAGE, ".mp4 or .webp"),
        (["-o", "a"], BAD_USAGE, ".mp4 or .webp"),
        (["--zoom", "0"], BAD_USAGE, "--zoom"),
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


def test_frames_from_a_to_b_stand_on_a_sheet(place: Path, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for span, n in (("3..5", 3), ("18..", 2), ("..0", 1)):
        assert view(place, "--frames", span, "--zoom", "1", "--json", "-o", "a.png") == DONE
        assert json.loads(capsys.readouterr().out)["frames"] == n


@pytest.fixture(scope="module")
def runs(place: Path) -> Path:
    """A folder of runs over the index."""
    return make_runs(place, read_index(place / "vidkit-data" / "vid_val.h5"))


def test_each_run_has_a_panel(place: Path, runs: Path, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    args = ["--runs-dir", str(runs), "--frame", "3", "--zoom", "3", "-o", "a.png", "--json"]
    assert view(place, *args, "--run", "one") == DONE
    with Image.open("a.png") as one:
        width = one.width
    assert view(place, *args, "--run", "one", "--run", "two") == DONE
    with Image.open("a.png") as both:
        assert both.width > width
    answers = [json.loads("{" + text) for text in capsys.readouterr().out.removeprefix("{").split("\n{")]
    assert [[run["run"] for run in answer["runs"]] for answer in answers] == [["one"], ["one", "two"]]


def test_the_counts_are_those_of_the_evaluation(
    place: Path, runs: Path, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    index = read_index(place / "vidkit-data" / "vid_val.h5")
    wanted = {v.video: v for v in video_scores(index, make_run(index, 1), "voc", 0.5)}["synth_val_00000001"]
    args = ["--runs-dir", str(runs), "--run", "two", "--video", "synth_val_00000001", "--protocol", "voc"]
    assert view(place, *args, "--score", "0.5", "-o", "a.webp", "--zoom", "1", "--json") == DONE
    counts = json.loads(capsys.readouterr().out)["runs"]
    assert counts == [{"run": "two", "true": wanted.true, "false": wanted.false, "missed": wanted.missed}]


@pytest.mark.parametrize(
    ("args", "code", "message"),
    [
        (["--run", "three"], BAD_INPUT, "no such run"),
        (["--run", "onr"], BAD_INPUT, "did you mean 'one'"),
        (["--run", "unfinished"], BAD_INPUT, "no finished run; runs with predictions"),
        (["--run", "other"], BAD_INPUT, "none of these fit"),
        (["--run", "one", "--run", "other"], BAD_INPUT, "made for the index"),
        (["--run", "limited", "--video", "synth_val_00000001"], BAD_INPUT, "not run by limited"),
        (["--run", "one", "--protocol", "vov"], BAD_INPUT, "did you mean 'voc'"),
        (["--run", "one", "--score", "nan"], BAD_USAGE, "nan is no score"),
        (["--frames", "5..2"], BAD_USAGE, "comes after the last"),
        (["--frames", "5"], BAD_USAGE, "as in 10..40"),
        (["--frames", ".."], BAD_USAGE, "as in 10..40"),
        (["--frames", "40..50"], BAD_INPUT, "no frame in 40..50; its 20 frames are numbered 0 … 19"),
        (["--frames", "1..2", "--frame", "1"], BAD_USAGE, "give one of them"),
    ],
)
def test_runs_and_spans_that_do_not_fit(
    place: Path,
    runs: Path,
    here: Path,
    capsys: pytest.CaptureFixture[str],
    args: list[str],
    code: int,
    message: str,
) -> None:
    assert view(place, "--runs-dir", str(runs), *args) == code
    assert message in capsys.readouterr().err
    assert list(here.iterdir()) == []


def test_moved_frames_are_found_below_another_root(place: Path, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "moved").symlink_to(place / "tree")
    assert view(place, "--frames-root", "moved", "--frame", "3", "-o", "a.png") == DONE
