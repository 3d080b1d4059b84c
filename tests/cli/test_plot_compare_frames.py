"""`vidkit plot compare-frames` as it is called."""

import csv
import json
from pathlib import Path

import pytest
from vidkit_cli.console import BAD_INPUT, BAD_USAGE, DONE, report_errors
from vidkit_cli.main import vidkit

from tests.cli.made_runs import NAMES, make_place, make_runs


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a made-up tree, an index and runs over it."""
    root = tmp_path_factory.mktemp("compare_frames")
    make_runs(root, make_place(root))
    return root


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def plot(place: Path, *args: str) -> int:
    where = ["--data-dir", str(place / "vidkit-data"), "--runs-dir", str(place / "runs")]
    return report_errors(vidkit, ["plot", "compare-frames", *where, *args])


def test_the_frames_that_differ_most_are_drawn_with_their_table(
    place: Path, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    args = ["one", "two", "-o", "a.png", "-o", "a.svg", "--count", "2", "--json"]
    assert plot(place, *args) == DONE
    answer = json.loads(capsys.readouterr().out)
    assert (answer["format"], answer["runs"]) == ("vidkit-plot-compare-frames", ["one", "two"])
    assert answer["files"] == ["a.png", "a.svg", "a.csv"]
    with (here / "a.csv").open() as file:
        table = list(csv.DictReader(file))
    assert [line["verdict"] for line in table] == [mark["verdict"] for mark in answer["marks"]]
    assert {line["video"] for line in table} == set(NAMES)
    first = (here / "a.svg").read_bytes()
    assert plot(place, *args) == DONE
    assert (here / "a.svg").read_bytes() == first


def test_named_frames_are_drawn_in_their_order(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    args = ["one", "two", "--video", NAMES[0], "--frame", "7", "--frame", "3", "-o", "a.pdf", "--json"]
    assert plot(place, *args) == DONE
    marks = json.loads(capsys.readouterr().out)["marks"]
    assert list(dict.fromkeys(mark["frame"] for mark in marks)) == [7, 3]


def test_only_videos_that_both_runs_reached_are_chosen_from(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert plot(place, "one", "limited", "-o", "a.png", "--json") == DONE
    assert {mark["video"] for mark in json.loads(capsys.readouterr().out)["marks"]} == {NAMES[0]}


@pytest.mark.parametrize(
    ("args", "code", "message"),
    [
        (["one"], BAD_INPUT, "1 runs; name the two to compare. There are limited, one, other, two"),
        (["one", "one"], BAD_INPUT, "1 runs"),
        (["one", "xyz"], BAD_INPUT, "no such run"),
        (["one", "other"], BAD_INPUT, "made for the index"),
        (["one", "two", "--frame", "3"], BAD_USAGE, "of which video"),
        (["one", "two", "--video", "synth_val_0000001"], BAD_INPUT, "did you mean"),
        (["one", "two", "--video", NAMES[0], "--frame", "99"], BAD_INPUT, "the nearest is 19"),
        (["one", "limited", "--video", NAMES[1]], BAD_INPUT, "not run by limited"),
        (["one", "two", "--score", "2"], BAD_INPUT, "name --frame"),
        (["one", "two", "--frames-root", "nowhere"], BAD_USAGE, "does not exist"),
        (["one", "two", "-o", "a.gif"], BAD_INPUT, "wanted png, svg, pdf"),
    ],
)
def test_errors_leave_no_file(
    place: Path, here: Path, capsys: pytest.CaptureFixture[str], args: list[str], code: int, message: str
) -> None:
    assert plot(place, *(["-o", "a.png"] if "-o" not in args else []), *args) == code
    assert message in capsys.readouterr().err
    assert list(here.iterdir()) == []
