"""`vidkit plot pr` and `vidkit plot errors`: figures that are drawn from predictions."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import pytest
from vidkit_cli.console import report_errors
from vidkit_cli.main import vidkit

from tests.makers import make_index, make_predictions
from vidkit.data.index_file import write_index
from vidkit.predictions.predictions_file import write_predictions
from vidkit.predictions.table import RunInfo

INDEX = make_index(videos=4)
FIGURES = ["pr", "errors"]


def put(folder: Path, name: str, seed: int, limited: bool = False) -> None:
    made = replace(make_predictions(INDEX, seed, jitter=1), run=RunInfo(limited=limited))
    (folder / "runs" / name).mkdir(parents=True)
    write_predictions(folder / "runs" / name / "predictions.h5", made)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "vidkit-data").mkdir()
    write_index(tmp_path / "vidkit-data" / "vid_val.h5", INDEX)
    put(tmp_path, "one", 0)
    put(tmp_path, "two", 1)
    return tmp_path


def plot(*args: str) -> int:
    return report_errors(vidkit, ["plot", *args])


@pytest.mark.parametrize("figure", FIGURES)
@pytest.mark.parametrize("runs", [["one"], ["one", "runs/two/predictions.h5"]])
def test_one_or_several_runs_are_drawn(
    here: Path, capsys: pytest.CaptureFixture[str], figure: str, runs: list[str]
) -> None:
    assert plot(figure, *runs) == 0
    assert capsys.readouterr().out.split() == [f"runs/{figure}.png", f"runs/{figure}.csv"]
    with (here / "runs" / f"{figure}.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert list(dict.fromkeys(row["run"] for row in rows)) == ["one", "two"][: len(runs)]
    assert list(dict.fromkeys(row["group"] for row in rows))[:2] == ["all", "motion: slow"]


@pytest.mark.parametrize("figure", FIGURES)
def test_json_has_files_and_numbers(here: Path, capsys: pytest.CaptureFixture[str], figure: str) -> None:
    assert plot(figure, "one", "two", "--by", "none", "-o", "a.svg", "-o", "a.pdf", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["format"], found["files"]) == (f"vidkit-plot-{figure}", ["a.svg", "a.pdf", "a.csv"])
    assert {row["group"] for row in found["points" if figure == "pr" else "costs"]} == {"all"}


@pytest.mark.parametrize("figure", FIGURES)
@pytest.mark.parametrize(
    ("args", "code", "message"),
    [
        ([], 2, "Missing argument"),
        (["on"], 1, "on: no such run (did you mean 'one'?); runs with predictions in runs: one, two"),
        (["vidkit-data"], 1, "vidkit-data: no predictions.h5 in it"),
        (["one", "--by", "moton"], 1, "moton"),
        (["one", "--protocol", "fgf"], 1, "fgfa"),
        (["one", "-o", "a.gif"], 1, "can't draw .gif"),
        (["one", "--width", "0"], 2, "--width"),
        (["one", "--bins", "motion"], 2, "NAME=EDGES"),
    ],
)
def test_bad_input_is_told(
    here: Path, capsys: pytest.CaptureFixture[str], figure: str, args: list[str], code: int, message: str
) -> None:
    assert plot(figure, *args) == code
    assert message in capsys.readouterr().err
    assert not list((here / "runs").glob("*.png"))


@pytest.mark.parametrize("figure", FIGURES)
def test_limited_runs_and_runs_of_other_data_are_refused(
    here: Path, capsys: pytest.CaptureFixture[str], figure: str
) -> None:
    put(here, "smoke", 2, limited=True)
    assert plot(figure, "one", "smoke") == 1
    assert "no score: smoke; draw them with --limited" in capsys.readouterr().err
    assert plot(figure, "one", "smoke", "--limited") == 0
    other = make_index(7)
    write_index(here / "vidkit-data" / "other.h5", other)
    write_predictions(here / "theirs.h5", make_predictions(other, jitter=1))
    assert plot(figure, "one", "theirs.h5") == 1
    assert "unlike data can't be compared" in capsys.readouterr().err


def test_classes_of_pr(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert plot("pr", "one", "--class", "class1", "--by", "none", "--json") == 0
    assert {row["class"] for row in json.loads(capsys.readouterr().out)["points"]} == {"class1"}
    assert plot("pr", "one", "--class", "clas1") == 1
    assert "--class clas1: no class of the index (did you mean 'class1'?)" in capsys.readouterr().err


def test_thresholds_of_errors(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert plot("errors", "one", "--background", "0.7") == 2
    assert "wanted an IoU of at most 0.5" in capsys.readouterr().err
    assert plot("errors", "one", "--foreground", "0.7", "--background", "0.3") == 0
