import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from vidkit_cli.console import report_errors
from vidkit_cli.main import vidkit

from tests.makers import make_index, make_predictions
from vidkit.data.index_file import read_index, write_index
from vidkit.evaluation.compare import compare
from vidkit.predictions.predictions_file import read_predictions, write_predictions


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with an index, a good run, and one that found nothing."""
    monkeypatch.chdir(tmp_path)
    put_runs(tmp_path, videos=12)
    return tmp_path


def put_runs(tmp_path: Path, videos: int) -> None:
    index = make_index(videos=videos)
    write_index(tmp_path / "vidkit-data" / "val.h5", index)
    good = make_predictions(index, jitter=1)
    write_predictions(tmp_path / "runs" / "good" / "predictions.h5", good)
    none = np.zeros(index.n_frames + 1, np.int64)
    nothing = dataclasses.replace(
        good, detection_start=none, box=np.zeros((0, 4)), score=np.zeros(0), class_id=np.zeros(0, np.int16)
    )
    write_predictions(tmp_path / "runs" / "nothing" / "predictions.h5", nothing)


def run(*args: str) -> int:
    return report_errors(vidkit, args)


def test_a_table_of_differences(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("compare", "runs/nothing", "runs/good", "--ci", "20", "--classes") == 0
    out = capsys.readouterr().out
    assert "motion: all" not in out
    for said in ("motion: fast", "B - A", "95 % interval", "speak most for B", "rule fgfa", "seed 0"):
        assert said in out


def test_worse_fails_only_when_asked(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("compare", "runs/good", "runs/nothing", "--ci", "20") == 0
    assert run("compare", "runs/good", "runs/nothing", "--ci", "20", "--fail-if-worse") == 3
    assert "worse than A" in capsys.readouterr().err
    assert run("compare", "runs/nothing", "runs/good", "--ci", "20", "--fail-if-worse") == 0


def test_few_videos_have_no_verdict(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    put_runs(place, videos=3)
    assert run("compare", "runs/good", "runs/nothing", "--ci", "20", "--fail-if-worse") == 0
    told = capsys.readouterr()
    assert "3 videos: too few to tell" in told.out and "can't judge (3 videos: too few to tell)" in told.err
    assert run("compare", "runs/good", "runs/nothing", "--ci", "20", "--json") == 0
    overall = json.loads(capsys.readouterr().out)["differences"][0]
    assert overall["p_better"] is None and overall["note"] == "3 videos: too few to tell"


def test_a_group_without_ground_truth_has_dashes(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("compare", "good", "nothing", "--ci", "10", "--by", "area", "--bins", "area=1,2") == 0
    out = capsys.readouterr().out
    assert "nan" not in out and " – " in out


def test_json_to_stdout_and_to_a_file(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("compare", "runs/good", "runs/nothing", "--ci", "20", "--json", "-o", "c.json") == 0
    said = json.loads(capsys.readouterr().out)
    stored = json.loads((place / "c.json").read_text())
    assert said["worse"] is True
    assert said["differences"] == stored["differences"]


def test_unlike_protocols_are_refused(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("eval", "runs/good/predictions.h5", "--protocol", "fgfa") == 0
    assert run("eval", "runs/nothing/predictions.h5", "--protocol", "mega") == 0
    capsys.readouterr()
    assert run("compare", "runs/good/result.json", "runs/nothing/result.json") == 1
    assert "unlike protocols" in capsys.readouterr().err
    assert run("compare", "runs/good/result.json", "runs/nothing", "--protocol", "voc") == 1
    assert run("compare", "runs/good/result.json", "runs/nothing", "--ci", "5") == 0
    Path("runs/good/predictions.h5").write_bytes(Path("runs/nothing/predictions.h5").read_bytes())
    capsys.readouterr()
    assert run("compare", "runs/good/result.json", "runs/nothing", "--ci", "5") == 1
    assert "other predictions" in capsys.readouterr().err


def test_unlike_data_are_refused(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = make_index(seed=9, videos=4)
    write_predictions(place / "other.h5", make_predictions(other))
    assert run("compare", "runs/good", "other.h5") == 1
    assert "unlike data" in capsys.readouterr().err


def test_a_folder_without_predictions_is_told(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("compare", "runs", "runs/good") == 1
    assert "no predictions.h5" in capsys.readouterr().err


def test_bins_and_the_rule_for_unmatched_detections(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--by", "area", "--bins", "area=10,20,400", "--fp-rule", "all", "--ci", "5", "--json"]
    assert run("compare", "runs/nothing", "runs/good", *options) == 0
    told = json.loads(capsys.readouterr().out)
    names = {each["name"] for each in told["differences"] if each["by"] == "area"}
    assert any("400" in name for name in names) and told["rules"]["fp_rule"] == "all"
    index = read_index(place / "vidkit-data" / "val.h5")
    good, nothing = (read_predictions(place / "runs" / name / "predictions.h5") for name in ("good", "nothing"))
    result = compare(index, nothing, good, by="area", bins={"area": (10, 20, 400)}, fp_rule="all", ci=5)
    assert told["differences"] == result.to_json()["differences"]
    assert run("compare", "runs/nothing", "runs/good", "--bins", "area=2,1") == 2
    assert "rising numbers" in capsys.readouterr().err


def test_reading_options_are_for_what_leaves_things_open(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Inclusive corners, said to be so, are the same boxes; of a file of vidkit's own the options say nothing."""
    assert run("convert", "runs/good/predictions.h5", "--to", "npz", "-o", "good.npz") == 0
    with np.load(place / "good.npz", allow_pickle=False) as file:
        content = dict(file)
    (key,) = (name for name, value in content.items() if value.ndim == 2 and value.shape[1] == 4)
    content[key] = content[key] - np.array([0, 0, 1, 1])
    np.savez(place / "inclusive.npz", **content)
    capsys.readouterr()
    options = ["--boxes", "inclusive", "--scale", "pixels", "--ci", "0", "--json"]
    assert run("compare", "runs/good", "inclusive.npz", *options) == 0
    told = json.loads(capsys.readouterr().out)
    assert {each["delta"] for each in told["differences"]} <= {0.0, None}
    assert run("compare", "runs/good", "inclusive.npz", "--boxes", "exclusive", "--ci", "0", "--json") == 0
    smaller = json.loads(capsys.readouterr().out)
    assert smaller["a"] == told["a"]
    assert smaller["b"]["predictions_fingerprint"] != told["b"]["predictions_fingerprint"]


def test_many_runs_are_compared_in_pairs(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    index = read_index(place / "vidkit-data/val.h5")
    write_predictions(place / "runs/middling/predictions.h5", make_predictions(index, seed=1, jitter=1))
    assert run("compare", "nothing", "good", "middling", "--ci", "50", "--by", "motion") == 0
    out = capsys.readouterr().out
    for said in ("middling - good", "P (Holm)", "motion: fast", "rule fgfa", "row - column"):
        assert said in out
    assert run("compare", "nothing", "good", "middling", "--ci", "50", "--json", "-o", "many.json") == 0
    told, stored = json.loads(capsys.readouterr().out), json.loads((place / "many.json").read_text())
    assert told == stored | {"index": "vidkit-data/val.h5"} and told["format"] == "vidkit-comparisons"
    assert f"{told['groups'][0]['best']} is " in out


@pytest.mark.parametrize("option", ["--fail-if-worse", "--classes"])
def test_what_is_for_two_runs_is_refused_for_more(place: Path, option: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("compare", "good", "nothing", "runs/good", option) == 2
    assert f"{option} is for two runs, not 3" in capsys.readouterr().err
    assert run("compare", "good") == 2
