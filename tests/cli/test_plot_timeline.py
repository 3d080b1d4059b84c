"""`vidkit plot timeline` as it is called."""

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
    root = tmp_path_factory.mktemp("timeline")
    make_runs(root, make_place(root))
    return root


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def plot(place: Path, *args: str) -> int:
    where = ["--data-dir", str(place / "vidkit-data"), "--runs-dir", str(place / "runs")]
    return report_errors(vidkit, ["plot", "timeline", *where, *args])


def test_a_track_is_chosen_said_and_drawn_with_its_table(
    place: Path, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert plot(place, "one", "two", "-o", "a.png", "-o", "a.pdf", "--json") == DONE
    found = capsys.readouterr()
    answer = json.loads(found.out)
    assert f"track {answer['track']} of {answer['video']}: the runs differ on it most" in found.err
    assert answer["files"] == ["a.png", "a.pdf", "a.csv"]
    with (here / "a.csv").open() as file:
        table = list(csv.DictReader(file))
    assert len(table) == 40
    assert [line["state"] for line in table] == [row["state"] for row in answer["frames"]]
    assert {line["keyframe"] for line in table} == {"0", "1"}


def test_a_named_track_is_drawn(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert plot(place, "one", "-o", "a.png", "--json") == DONE
    found = json.loads(capsys.readouterr().out)
    named = ["--video", found["video"], "--track", str(found["track"])]
    assert plot(place, "one", *named, "-o", "b.png", "--json") == DONE
    assert json.loads(capsys.readouterr().out)["frames"] == found["frames"]


@pytest.mark.parametrize(
    ("args", "code", "message"),
    [
        (["xyz"], BAD_INPUT, "no such run"),
        (["one", "other"], BAD_INPUT, "made for the index"),
        (["one", "--track", "1"], BAD_USAGE, "of which video"),
        (["one", "--video", NAMES[0], "--track", "99"], BAD_INPUT, "no track 99; its tracks are"),
        (["one", "--video", "nothing"], BAD_INPUT, "no video called 'nothing'"),
        (["limited", "--video", NAMES[1]], BAD_INPUT, "not run by limited"),
        (["one", "--protocol", "fgfx"], BAD_INPUT, "did you mean 'fgfa'"),
        (["one", "-o", "a.gif"], BAD_INPUT, "wanted png, svg, pdf"),
    ],
)
def test_errors_leave_no_file(
    place: Path, here: Path, capsys: pytest.CaptureFixture[str], args: list[str], code: int, message: str
) -> None:
    assert plot(place, *(["-o", "a.png"] if "-o" not in args else []), *args) == code
    assert message in capsys.readouterr().err
    assert list(here.iterdir()) == []


def test_without_runs_it_says_how_to_make_some(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert report_errors(vidkit, ["plot", "timeline", "--runs-dir", "none"]) == BAD_INPUT
    assert "no predictions there; `vidkit benchmark` makes some" in capsys.readouterr().err
