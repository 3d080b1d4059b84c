import json
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from vidkit_cli.console import report_errors
from vidkit_cli.main import vidkit

from tests.makers import make_index, make_predictions
from vidkit.data.index_file import write_index
from vidkit.evaluation.curves import calibration, curves_frame, precision_recall, video_scores
from vidkit.predictions.predictions_file import write_predictions

TABLES = {"curves.csv", "histogram.csv", "videos.csv", "calibration.csv"}


def run(*args: object) -> int:
    return report_errors(vidkit, ["curves", *map(str, args)])


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with one index and one run, where the defaults point."""
    monkeypatch.chdir(tmp_path)
    index = make_index(videos=4)
    write_index(tmp_path / "vidkit-data/vid_val.h5", index)
    write_predictions(tmp_path / "runs/mine/predictions.h5", make_predictions(index))
    return tmp_path


def test_tables_lie_beside_the_predictions_and_worst_videos_are_printed(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("runs/mine", "--points", 0) == 0
    out = capsys.readouterr().out
    assert {file.name for file in (place / "runs/mine").iterdir()} == TABLES | {"predictions.h5"}
    index = make_index(videos=4)
    predictions = make_predictions(index)
    table = pd.read_csv(place / "runs/mine/curves.csv", keep_default_na=False)
    wanted = curves_frame(precision_recall(index, predictions, by="motion"))
    pd.testing.assert_frame_equal(table, wanted, check_dtype=False)
    worst = video_scores(index, predictions, lowest_score=0.0)[0]
    assert out.splitlines()[2].split()[0] == worst.video
    assert f"expected calibration error {calibration(index, predictions).expected_error:.4f}" in out


def test_json_and_options(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("runs/mine", "--score", 0.4, "--score-bins", 4, "--by", "none", "--points", 3, "-o", "t", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert set(told["files"]) == {f"t/{name}" for name in TABLES}
    assert len(told["calibration"]["bins"]) == len(told["histogram"]) == 4 and told["lowest_score"] == 0.4
    index = make_index(videos=4)
    assert told["calibration"]["detections"] == int((make_predictions(index).score >= 0.4).sum())
    table = pd.read_csv("t/curves.csv")
    assert table.groupby("class").size().max() <= 4 and table["by"].isna().all()


def test_predictions_elsewhere_get_a_folder_in_runs(place: Path) -> None:
    write_predictions(place / "other.h5", make_predictions(make_index(videos=4)))
    assert run("other.h5") == 0
    assert {file.name for file in (place / "runs/other").iterdir()} == TABLES


def test_scores_that_are_no_probabilities_have_all_but_a_calibration(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    predictions = make_predictions(make_index(videos=4))
    write_predictions(place / "logits.h5", replace(predictions, score=predictions.score * 9))
    assert run("logits.h5") == 0
    said = capsys.readouterr()
    assert "no calibration:" in said.err and "calibration error" not in said.out
    assert not (place / "runs/logits/calibration.csv").exists()
    assert run("logits.h5", "--json") == 0
    assert json.loads(capsys.readouterr().out)["calibration"] is None


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(["--points", "-1"], 2), (["--score", "nan"], 2), (["--score-bins", "0"], 2), (["--protocol", "x"], 1),
     (["--by", "x"], 1)],
)  # fmt: skip
def test_wrong_options_are_told_and_write_nothing(place: Path, arguments: list[str], code: int) -> None:
    assert run("runs/mine", *arguments) == code
    assert [file.name for file in (place / "runs/mine").iterdir()] == ["predictions.h5"]
