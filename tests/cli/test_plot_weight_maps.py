"""The figures of recorded weight maps: `vidkit plot weights` and `contribution`; and `gate`, `propagation`."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from vidkit_cli.console import report_errors
from vidkit_cli.main import vidkit

from tests.keyframes.test_weight_maps import make_maps
from tests.makers import make_index, make_predictions
from vidkit.data.index import FOLDER, FrameFiles, Index
from vidkit.data.index_file import write_index
from vidkit.evaluation.evaluate import evaluate
from vidkit.evaluation.result import write_result
from vidkit.keyframes.weight_maps_file import write_weight_maps
from vidkit.predictions.predictions_file import write_predictions
from vidkit.predictions.table import RunInfo
from vidkit.segments import key_of_frames


def index_with_frames(folder: Path) -> Index:
    index = make_index(videos=2, frames=10)
    for name in index.video_name:
        (folder / name).mkdir(parents=True)
        for number in range(10):
            Image.fromarray(np.full((240, 320, 3), 90, np.uint8)).save(folder / name / f"{number:06d}.PNG")
    n = index.n_videos
    files = FrameFiles(str(folder), (FOLDER,) * n, index.video_name, ("{:06d}.PNG",) * n)
    return replace(index, files=files)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    index = index_with_frames(tmp_path / "frames")
    write_index("vidkit-data/made_val.h5", index)
    for name, gate in (("impression", 1.0), ("none", 0.0)):
        run = RunInfo("impression", {"gate": gate, "length": 5, "key_id": None})
        maps = replace(make_maps(), index_fingerprint=index.fingerprint, run=run)
        write_weight_maps(f"runs/{name}/predictions.weights.h5", maps)
    return tmp_path


def plot(*args: str) -> int:
    return report_errors(vidkit, ["plot", *args])


def test_weights_draws_pictures_and_the_distribution(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert plot("weights", "impression", "-o", "w.png", "-o", "w.svg") == 0
    out = capsys.readouterr().out
    assert out.split()[-3:] == ["w.png", "w.svg", "w.csv"]
    assert "cells" in out and "objects" in out
    with (here / "w.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["panel"] for row in rows].count("keyframe") == 2
    assert plot("weights", "impression", "--no-pictures", "--sort", "map", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["format"] == "vidkit-plot-weights"
    assert [each["over"] for each in told["distributions"]] == ["cells", "whole maps", "objects"]
    assert told["distributions"][0]["number"] == 10  # the maps of the two keyframes that were fused


def test_contribution_draws_all_that_recorded(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert plot("contribution", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert [(row["gate"], row["offset"]) for row in told["rows"]] == [(0.0, 0), (0.0, 1), (1.0, 0), (1.0, 1)]
    assert (here / "runs" / "contribution.png").is_file()
    assert plot("contribution", "impression", "--offsets", "1") == 0
    assert "runs/contribution.csv" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["weights"], "several runs have weight maps: impression, none; name one"),
        (
            ["weights", "imprssion"],
            "imprssion: no such run (did you mean 'impression'?); runs with weight maps in runs: impression",
        ),
        (["weights", "frames"], "frames: no weight maps in it; run it with --record-weights"),
        (["weights", "impression", "-o", "w.gif"], "can't draw .gif"),
        (["weights", "impression", "--index", "other.h5"], "its weight maps are of the index"),
        (["contribution", "--runs-dir", "nowhere"], "nowhere: no weight maps there"),
        (["gate"], "no result there"),
    ],
)
def test_bad_input_is_told(here: Path, capsys: pytest.CaptureFixture[str], args: list[str], message: str) -> None:
    write_index("other.h5", make_index(seed=3))
    assert plot(*args) == 1
    assert message in capsys.readouterr().err
    assert not list(here.rglob("*.csv"))


def test_limited_runs_are_refused_unless_wanted(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    maps = make_maps()
    write_weight_maps("runs/smoke/predictions.weights.h5", replace(maps, run=RunInfo("i", {"gate": 1.0}, limited=True)))
    assert plot("contribution", "smoke") == 1
    assert "limited to a part of the data" in capsys.readouterr().err
    assert plot("contribution", "smoke", "--limited") == 0
    assert plot("contribution") == 0  # without smoke, which is of other data


def test_lost_frames_are_told(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for file in (here / "frames").rglob("*.PNG"):
        file.unlink()
    assert plot("weights", "impression") == 1
    assert "FrameError" in capsys.readouterr().err
    assert plot("weights", "impression", "--no-pictures") == 0


def put_run(index: Index, name: str, gate: float, key_id: int | None = None) -> None:
    """A run with predictions that tell their keyframes, and its result."""
    key_of = np.concatenate([key_of_frames(10, 5, key_id)] * index.n_videos)
    distance = (key_of - np.tile(np.arange(10), index.n_videos)).astype(np.int32)
    run = RunInfo("impression", {"gate": gate, "length": 5, "key_id": key_id}, {"device": "cpu"}, "stream")
    made = make_predictions(index, seed=int(10 * gate) + (key_id or 0))
    predictions = replace(made, key_distance=distance, is_key=distance == 0, run=run)
    write_predictions(f"runs/{name}/predictions.h5", predictions)
    write_result(Path(f"runs/{name}/result.json"), evaluate(index, predictions, by=(), ci=5))


def test_gate_draws_the_runs_of_a_sweep(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    index = make_index(videos=8, frames=10)
    for gate in (0.0, 0.5, 1.0):
        put_run(index, f"sweep_gate={gate}", gate)
    assert plot("gate", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert [point["gate"] for point in told["points"]] == [0.0, 0.5, 1.0]
    assert all(0 <= point["low"] <= point["high"] <= 1 for point in told["points"])
    assert plot("gate", "sweep_gate=0.5", "-o", "g.pdf") == 0
    assert capsys.readouterr().out.split() == ["g.pdf", "g.csv"]


def test_propagation_draws_distances_and_keyframe_ids(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    index = index_with_frames(here / "again")
    for key_id in (0, None):
        put_run(index, f"key_id={key_id}", 1.0, key_id)
    assert plot("propagation", "key_id=0", "key_id=None", "--ci", "5", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["length"] == 5
    distances = {row["run"]: row["at"] for row in told["rows"] if row["panel"] == "distance"}
    assert distances == {"key_id=0": 4, "key_id=None": 2}  # the largest of each
    scored = [(row["at"], row["run"]) for row in told["rows"] if row["panel"] == "keyframe id" and row["run"]]
    assert scored == [(0, "key_id=0"), (2, "key_id=None")]
    assert plot("propagation", "key_id=0", "--by", "motion", "-o", "p.svg") == 0
    assert capsys.readouterr().out.split() == ["p.svg", "p.csv"]
