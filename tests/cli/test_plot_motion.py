import json
from dataclasses import replace
from pathlib import Path

import pytest
from vidkit_cli.console import report_errors
from vidkit_cli.main import vidkit

from tests.makers import make_index, make_predictions
from vidkit.evaluation.evaluate import evaluate
from vidkit.evaluation.result import write_result

INDEX = make_index()


def put(folder: Path, name: str, seed: int, **run: object) -> None:
    result = evaluate(INDEX, make_predictions(INDEX, seed), by=["motion", "motion x area"], ci=10)
    write_result(folder / "runs" / name / "result.json", replace(result, run=run))


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    put(tmp_path, "one", 0)
    put(tmp_path, "two", 1)
    return tmp_path


def plot(*args: str) -> int:
    return report_errors(vidkit, ["plot", "motion", *args])


def test_bare_it_draws_all_that_is_there(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert plot() == 0
    assert capsys.readouterr().out.split() == ["runs/motion.png", "runs/motion.csv"]
    assert (here / "runs/motion.png").stat().st_size > 1000


def test_a_cross_of_attributes_and_json(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert plot("two", "--by", "motion x area", "--width", "7", "-o", "m.svg", "-o", "m.pdf", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["format"], found["files"]) == ("vidkit-plot-motion", ["m.svg", "m.pdf", "m.csv"])
    assert found["groups"][0]["group"] == "all"
    assert {row["run"] for row in found["groups"]} == {"two"}


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--by", "motoin"], "did you mean 'motion'?"),
        (["on"], "on: no such run"),
        (["--protocol", "coco"], "no result under the protocol 'coco'; there are fgfa"),
        (["-o", "m.gif"], "can't draw .gif"),
        (["--runs-dir", "nowhere"], "nowhere: no result there"),
    ],
)
def test_bad_input_is_told(here: Path, capsys: pytest.CaptureFixture[str], args: list[str], message: str) -> None:
    assert plot(*args) == 1
    assert message in capsys.readouterr().err
    assert not list(here.rglob("*.png"))


def test_limited_runs_are_left_out_or_refused_unless_told(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    put(here, "smoke", 2, limited=True)
    assert plot("--json") == 0
    captured = capsys.readouterr()
    assert "left out: smoke: limited" in captured.err
    assert {row["run"] for row in json.loads(captured.out)["groups"]} == {"one", "two"}
    assert plot("smoke") == 1
    assert plot("smoke", "--limited") == 0


def test_a_damaged_result_is_named(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "runs/one/result.json").write_text('{"format": "vidkit-result", "version": 1, "groups": 3}')
    assert plot() == 1
    assert "runs/one/result.json: damaged" in capsys.readouterr().err
