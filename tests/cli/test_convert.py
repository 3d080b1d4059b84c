import json
import subprocess
import sys
from pathlib import Path

import pytest
from vidkit_cli.console import report_errors
from vidkit_cli.main import vidkit

from tests.makers import make_index, make_predictions
from vidkit.data.index_file import write_index
from vidkit.predictions import write
from vidkit.predictions.predictions_file import read_predictions, write_predictions


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with vidkit-data/made_val.h5 and predictions of it: p.h5, and p.txt in FGFA's text."""
    monkeypatch.chdir(tmp_path)
    index = make_index()
    write_index(Path("vidkit-data/made_val.h5"), index)
    write_predictions(Path("p.h5"), make_predictions(index))
    write(Path("p.txt"), make_predictions(index), index, "fgfa", full_precision=True)
    return tmp_path


def run(*args: str) -> int:
    return report_errors(vidkit, ["convert", *args])


def test_without_output_there_is_the_report_only(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = sorted(place.rglob("*"))
    assert run("p.txt") == 0
    text = capsys.readouterr().out
    for line in ("format", "boxes", "scale", "classes", "scores", "a frame", "invalid", "made_val.h5"):
        assert line in text
    assert sorted(place.rglob("*")) == before
    assert run("p.txt", "--report", "-o", "q") == 2


def test_json_is_one_object(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("p.txt", "--json", "--to", "csv", "-o", "p.csv") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["report"]["format"]["value"].startswith("fgfa,")
    assert told["report"]["n_detections"] == 103
    assert told["written"] == {"file": "p.csv", "format": "csv"}
    assert run("missing", "--json") == 1
    assert "error" in json.loads(capsys.readouterr().out)


def test_it_writes_what_is_asked_for(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wanted = read_predictions(Path("p.h5")).fingerprint
    assert run("p.txt", "-o", "out/q.h5") == 0
    assert read_predictions(Path("out/q.h5")).fingerprint == wanted
    assert run("out/q.h5", "--to", "npz", "-o", "q.npz") == 0
    assert run("q.npz", "--to", "vidkit", "-o", "r.h5") == 0
    assert read_predictions(Path("r.h5")).fingerprint == wanted
    assert "103 detections" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("args", "why"),
    [
        (["p.h5", "--to", "csv"], "--to needs -o"),
        (["p.h5", "-o", "q.json"], "--to"),
        (["p.h5", "--boxes", "round", "-o", "q.h5"], "round"),
    ],
)
def test_wrong_usage_exits_with_2(place: Path, capsys: pytest.CaptureFixture[str], args: list[str], why: str) -> None:
    assert run(*args) == 2
    assert why in capsys.readouterr().err


@pytest.mark.parametrize(
    ("args", "why"),
    [
        (["bad.txt"], "1 x unknown class"),
        (["evil.pkl"], "refused: the pickle calls for 'posix.system'"),
        (["p.h5", "--to", "cocoo", "-o", "q"], "did you mean 'coco'"),
        (["p.txt", "--format", "mega"], "--format mega"),
    ],
)
def test_bad_input_exits_with_1_and_one_line(
    place: Path, capsys: pytest.CaptureFixture[str], args: list[str], why: str
) -> None:
    Path("bad.txt").write_text("1 9 0.5 1 2 3 4\n")
    Path("evil.pkl").write_bytes(b"\x80\x02cposix\nsystem\nX\x04\x00\x00\x00true\x85R.")
    assert run(*args) == 1
    error = capsys.readouterr().err
    assert why in error
    assert error.count("\n") == 1
    assert "Traceback" not in error


def test_each_option_reaches_the_reader(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--boxes", "xywh", "--scale", "pixels", "--classes-from", "1", "--invalid", "drop", "--format", "fgfa"]
    assert run("p.txt", "--json", "--partial", "--reordered", "--any-index", *options) == 0
    report = json.loads(capsys.readouterr().out)["report"]
    assert [report[name]["how"] for name in ("format", "boxes", "scale", "classes")] == ["given"] * 4
    assert report["invalid_rule"] == "drop"


def test_help_imports_nothing_heavy(place: Path) -> None:
    code = (
        "import sys; from vidkit_cli.console import report_errors; from vidkit_cli.main import vidkit; "
        "report_errors(vidkit, ['convert', '--help']); "
        "sys.exit(bool({'numpy', 'pandas', 'torch', 'h5py'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "Examples:" in done.stdout
