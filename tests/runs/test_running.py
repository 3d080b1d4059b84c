from pathlib import Path

import pytest

from tests.makers import make_index
from vidkit.data.index_file import write_index
from vidkit.errors import ArgumentError, ChoiceError, DetectorError
from vidkit.predictions.predictions_file import read_predictions
from vidkit.runs.running import RunSettings, benchmark, option_texts


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    write_index(tmp_path / "vidkit-data/vid_val.h5", make_index())
    return tmp_path


def test_from_python_it_is_one_call(place: Path) -> None:
    told: list[str] = []
    run = benchmark("oracle-jitter", options={"seed": 3}, blank_frames=True, score_every=1, tell=told.append)
    assert run.output == Path("runs/oracle-jitter_seed=3/predictions.h5")
    assert run.predictions is not None and run.index_file == Path("vidkit-data/vid_val.h5")
    assert read_predictions(run.output).fingerprint == run.predictions.fingerprint
    assert sum(line.startswith("PARTIAL: mAP") for line in told) == make_index().n_videos - 1
    again = benchmark("oracle-jitter", make_index(), options=["seed=3"], blank_frames=True, resume=True)
    assert again.predictions is not None and again.predictions.fingerprint == run.predictions.fingerprint


def test_a_run_shows_itself(place: Path) -> None:
    run = benchmark("oracle-jitter", blank_frames=True)
    shown = repr(run)
    assert "oracle-jitter" in shown and len(shown.splitlines()) <= 10
    assert run._repr_html_().startswith("<table")


def test_a_wrong_detector_is_told_before_any_question_of_index(tmp_path: Path) -> None:
    with pytest.raises(DetectorError, match="did you mean 'oracle-jitter'"):
        benchmark("oracle-jiter", data_dir=tmp_path / "nowhere")
    with pytest.raises(DetectorError, match="no option 'sed'"):
        benchmark("oracle-jitter", options={"sed": 3}, data_dir=tmp_path / "nowhere")
    with pytest.raises(ChoiceError, match="no index there"):
        benchmark("oracle-jitter", data_dir=tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"resume": True, "restart": True}, "give one of them"),
        ({"limit": 0}, "limit 0: wanted 1 or more"),
        ({"warm_up": -1}, "warm_up -1"),
        ({"timeout": float("nan")}, "timeout nan"),
        ({"scenario": "live"}, "wanted stream or offline"),
    ],
)
def test_arguments_are_checked_as_the_command_checks_them(place: Path, settings: dict, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        benchmark("oracle-jitter", blank_frames=True, **settings)
    assert not (place / "runs").exists()


def test_unknown_settings_are_refused() -> None:
    with pytest.raises(TypeError, match="limitt"):
        RunSettings(limitt=3)  # type: ignore[call-arg]


def test_options_are_written_as_they_are_typed() -> None:
    assert option_texts({"length": 5, "key_id": None, "gate": 0.5}) == ["length=5", "key_id=none", "gate=0.5"]
    assert option_texts(("a=1",)) == ["a=1"]
