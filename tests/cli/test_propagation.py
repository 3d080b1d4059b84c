import dataclasses
import json
from pathlib import Path

import pytest
from vidkit_cli.console import report_errors
from vidkit_cli.main import vidkit

from tests.keyframes.test_costs import timed
from vidkit.predictions.predictions_file import write_predictions


def run(*args: object) -> int:
    return report_errors(vidkit, ["propagation", *map(str, args)])


def test_table_2_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--length", 10) == 0
    out = capsys.readouterr().out
    found = [line.split()[:3] for line in out.splitlines() if line[:1].isdigit() and "." in line.split()[1]]
    assert [row[1] for row in found[:6]] == ["5.5", "4.7", "4.1", "3.7", "3.5", "3.5"]
    assert "The optimum (l - 1) / 2 (Eq. 5) is 4.5: 3.5 frames." in out
    assert "0.197" in out and "0.179" in out and "0.183" in out


def test_json_tells_all_of_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--length", 7, "--weight", 0.6, "--gate", 0.5, "--offsets", 3, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["optimum"] == {"exact": 3.0, "key_ids": [3], "mean_distance": (6 + 6 + 7) / 7}
    assert [row["key_id"] for row in found["keyframe_ids"]] == list(range(7))
    (shares,) = found["contributions"]
    assert shares["shares"] == pytest.approx([0.6, 0.4 * 0.8, 0.4 * 0.8 * 0.2])
    assert found["cost"]["unit"] == "GFLOP" and found["measured"] == []


def test_costs_can_be_given(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--gflop", "feature=100", "--gflop", "flow=10", "--json") == 0
    cost = json.loads(capsys.readouterr().out)["cost"]
    assert cost["approximate_ratio"] == pytest.approx(0.2)
    assert cost["stages"]["task"] == 4.8 and "feature, flow given by --gflop" in cost["source"]


def test_predicted_stands_beside_measured(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    times = {"feature": 0.18, "flow": 0.02, "task": 0.02}
    (tmp_path / "times.json").write_text(
        json.dumps({"format": "vidkit-stage-times", "version": 1, "source": "a test", "seconds": times})
    )
    write_predictions(tmp_path / "base.h5", timed("per-frame", 0.2))
    write_predictions(tmp_path / "run.h5", timed("dff", 0.06, {"length": 10}))
    args = ("--times", tmp_path / "times.json", "--per-frame", tmp_path / "base.h5", "--run", tmp_path / "run.h5")
    assert run(*args) == 0
    (line,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("dff")]
    predicted = (9 * 0.02 + 10 * 0.02 + 0.18) / (10 * 0.2)
    assert line.split() == ["dff", "10", "60", "0.300", f"{predicted:.3f}", f"{0.3 - predicted:+.3f}"]
    assert run(*args, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["measured"][0]["ratio"] == pytest.approx(0.3)
    assert found["cost"]["unit"] == "seconds" and found["cost"]["source"].endswith("times.json: a test")


@pytest.mark.parametrize(
    "args",
    [
        ["some.h5"],
        ["--length", "0"],
        ["--length", "1001"],
        ["--weight", "1.5"],
        ["--gate", "-0.1"],
        ["--gate", "nan"],
        ["--weight", "nan"],
        ["--gflop", "flow"],
        ["--gflop", "flow=x"],
        ["--gflop", "flow=nan"],
        ["--gflop", "feature=0"],
        ["--gflop", "other=1"],
        ["--gflop", "flow=1", "--times", "x.json"],
        ["--run", "x.h5"],
        ["--per-frame", "x.h5"],
    ],
)
def test_bad_usage_is_told(args: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(*args) == 2
    assert "Error" in capsys.readouterr().err


def test_bad_input_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--times", tmp_path / "missing.json") == 1
    assert "wanted a JSON file of stage times" in capsys.readouterr().err
    write_predictions(tmp_path / "base.h5", timed("per-frame", 0.2))
    other = timed("dff", 0.1, device="cuda")
    write_predictions(tmp_path / "run.h5", dataclasses.replace(other))
    assert run("--per-frame", tmp_path / "base.h5", "--run", tmp_path / "run.h5") == 1
    assert "device is cuda in one and cpu in the other" in capsys.readouterr().err
