"""Scores of a network while it trains are those of its checkpoint, run and evaluated by themselves."""

import json
from pathlib import Path

import pytest
from vidkit_cli.console import report_errors
from vidkit_cli.main import vidkit

from impnet_model.api import load_detector
from impnet_model.training.config import SMALL, with_settings
from impnet_model.training.train import TrainingPlan, train
from tests.impnet_model.films import make_films
from tests.impnet_model.makers import SMALL as BUILD
from vidkit.data.frames import frames_of
from vidkit.data.index import Index
from vidkit.data.index_file import write_index
from vidkit.errors import ChoiceError
from vidkit.evaluation.evaluate import evaluate
from vidkit.predictions.table import from_frames

QUICK = with_settings(
    SMALL,
    {"iterations": 5, "batch": 2, "workers": 0, "log_every": 10, "warmup": 1, "length": 4, "validate_every": 2},
)


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> tuple[Index, Index]:
    folder = tmp_path_factory.mktemp("films")
    return make_films(folder / "train"), make_films(folder / "val", [4, 3])


def test_the_log_has_a_score_every_so_often_and_the_last_is_that_of_the_model(
    films: tuple[Index, Index], tmp_path: Path
) -> None:
    index, val = films
    plan = TrainingPlan("impression", BUILD, QUICK, [index], validation=val)
    told = [step for step in train(plan, tmp_path / "run") if step.validation is not None]
    assert [step.iteration for step in told] == [2, 4, 5]
    lines = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    assert [line["validation"] for line in lines] == [step.validation for step in told]
    assert not (tmp_path / "run" / "validation.pt").exists()
    detector = load_detector(tmp_path / "run" / "model.pt")
    answers = [answer for video in range(val.n_videos) for answer in detector.detect(frames_of(val, video))]
    result = evaluate(val, from_frames(answers), by="motion")
    assert told[-1].validation is not None
    assert told[-1].validation["mAP"] == result.mean_ap
    assert told[-1].validation["slow"] in (result.group("motion", "slow").mean_ap, None)


def test_scoring_changes_nothing_that_is_learned(films: tuple[Index, Index], tmp_path: Path) -> None:
    index, val = films
    unscored = with_settings(QUICK, {"validate_every": None})
    for name, config in (("with", QUICK), ("without", unscored)):
        plan = TrainingPlan("per-frame", BUILD, config, [index], validation=val)
        last = [*train(plan, tmp_path / name)][-1]
        assert (last.validation is None) == (name == "without")
    losses = [json.loads((tmp_path / name / "log.jsonl").read_text().splitlines()[-1]) for name in ("with", "without")]
    assert "validation" not in losses[1]
    from tests.impnet_model.training.test_train import equal

    assert equal(tmp_path / "with" / "model.pt", tmp_path / "without" / "model.pt")


def test_scores_without_an_index_for_them_are_refused(films: tuple[Index, Index]) -> None:
    with pytest.raises(ChoiceError, match="validate_every wants an index to score the network on"):
        TrainingPlan("per-frame", BUILD, QUICK, [films[0]])


def test_the_command_takes_the_index_and_shows_the_score(
    films: tuple[Index, Index], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, index in zip(("train", "val"), films, strict=True):
        write_index(tmp_path / f"{name}.h5", index)
    settings = (
        *("build=tiny", "channels=16", "widths=[8, 8, 8, 8]", "shorter=40", "longer=80", "batch=2", "workers=0"),
        *("flow_widths=[4, 4, 6, 6, 8, 8]", "iterations=2", "validate_every=2"),
    )
    asked = [part for setting in settings for part in ("--set", setting)]
    files = ["--index", str(tmp_path / "train.h5"), "--val-index", str(tmp_path / "val.h5")]
    assert report_errors(vidkit, ["train", "per-frame", *files, "--out", str(tmp_path / "run"), *asked, "--json"]) == 0
    said = capsys.readouterr()
    assert "  val mAP " in said.err
    assert set(json.loads(said.out)["last"]["validation"]) >= {"mAP", "slow"}
