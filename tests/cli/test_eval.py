import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from vidkit_cli.console import report_errors
from vidkit_cli.main import vidkit

from tests.makers import make_index, make_predictions
from vidkit.data.index_file import write_index
from vidkit.errors import ChoiceError
from vidkit.evaluation.result import read_result, with_stated_speed
from vidkit.predictions.predictions_file import write_predictions
from vidkit.predictions.table import RunInfo


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    index = make_index(videos=4)
    write_index(tmp_path / "vidkit-data" / "vid_val.h5", index)
    write_predictions(tmp_path / "runs" / "mine" / "predictions.h5", make_predictions(index))
    return tmp_path


def run(*args: str) -> int:
    return report_errors(vidkit, args)


def test_bare_eval_scores_by_motion_under_the_two_headline_protocols(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("eval", "runs/mine/predictions.h5") == 0
    said = capsys.readouterr()
    for wanted in (
        "fgfa",
        "voc",
        "motion: fast",
        "vidkit-data/vid_val.h5",
        "unmatched detections in groups: rule fgfa",
    ):
        assert wanted in said.out
    assert "result.json" in said.err
    assert json.loads((place / "runs/mine/result.json").read_text())["protocol"] == "fgfa"
    assert json.loads((place / "runs/mine/result-voc.json").read_text())["protocol"] == "voc"
    assert (place / "runs/mine/result.csv").read_text().startswith("protocol,by,name,class,ap,n_gt")
    assert "| motion: slow |" in (place / "runs/mine/result.md").read_text()


def test_json_is_one_object_with_the_content_of_result_json(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("eval", "runs/mine/predictions.h5", "--json") == 0
    printed = json.loads(capsys.readouterr().out)
    stored = json.loads((place / "runs/mine/result.json").read_text())
    assert {key: printed[key] for key in stored} == stored
    assert printed["index"] == "vidkit-data/vid_val.h5"
    assert [other["protocol"] for other in printed["others"]] == ["voc"]


def _results(place: Path, keep: float, **changed: object) -> Path:
    """The objects of the first frames as COCO results, scores falling."""
    index = make_index(videos=4)
    rows = [
        {
            "image_id": int(index.instance_frame[i]) + 1,
            "category_id": int(index.class_id[i]) + 1,
            "bbox": [float(b[0]), float(b[1]), float(b[2] - b[0] - 1), float(b[3] - b[1] - 1)],
            "score": 0.9 - i / 1000,
        }
        | changed
        for i, b in enumerate(index.box)
        if index.instance_frame[i] < keep * index.n_frames
    ]
    (place / "p.json").write_text(json.dumps(rows))
    return place / "p.json"


def test_what_was_covered_left_out_and_overlaps_is_said(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    index = make_index(videos=4)
    rows = json.loads(_results(place, 0.5).read_text())
    rows.append(rows[0] | {"image_id": 999})
    (place / "p.json").write_text(json.dumps(rows))
    assert run("eval", "p.json", "--invalid", "drop") == 0
    said = capsys.readouterr().out
    reading = json.loads((place / "runs" / "p" / "result.json").read_text())["reading"]
    covered = len({row["image_id"] for row in rows}) - 1
    assert (reading["frames_covered"], reading["detections_in_file"]) == (covered, len(rows))
    assert (reading["detections_taken"], reading["left_out"]) == (len(rows) - 1, {"frame not in the index": 1})
    assert reading["overlapping"] == pytest.approx((len(rows) - 1) / len(rows))
    assert "id 1 is the first frame of the index" in reading["frames"]
    for line in (
        f"frames: {covered} of {index.n_frames} covered; id 1 is the first frame",
        f"detections: {len(rows) - 1} of {len(rows)} taken; left out: 1 frame not in the index",
        "of the detections overlap an object of their class by half",
    ):
        assert line in said
        assert line in (place / "runs" / "p" / "result.md").read_text()


@pytest.mark.parametrize("content", ["[]", '[{"image_id": 1, "category_id": 77, "bbox": [1, 2, 3, 4], "score": 0.5}]'])
def test_nothing_that_fits_is_no_score(place: Path, capsys: pytest.CaptureFixture[str], content: str) -> None:
    (place / "p.json").write_text(content)
    assert run("eval", "p.json", "--invalid", "drop") == 1
    assert "there is nothing to score" in capsys.readouterr().err
    assert not (place / "runs" / "p").exists()


def test_results_of_a_file_outside_the_runs_folder_go_to_a_folder_of_its_name(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (place / "runs/mine/predictions.h5").rename(place / "theirs.h5")
    assert run("eval", "theirs.h5") == 0
    assert (place / "runs/theirs/result.json").is_file()
    assert run("eval", "theirs.h5", "-o", "elsewhere") == 0
    assert (place / "elsewhere/result.json").is_file()


def test_a_run_folder_stands_for_its_predictions(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("eval", "runs/mine") == 0
    assert (place / "runs/mine/result.json").is_file()
    assert run("eval", "vidkit-data") == 1
    assert "no predictions.h5 in it" in capsys.readouterr().err


def test_every_protocol_has_a_row_and_says_what_differs(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("eval", "runs/mine/predictions.h5", "--protocol", "all") == 0
    out = capsys.readouterr().out
    for name in ("fgfa", "voc", "ilsvrc", "mega", "coco"):
        assert any(line.startswith(name) for line in out.splitlines())
    assert "no second choice where the best is taken" in out


def test_a_speed_is_stated_of_predictions_that_were_not_timed(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("eval", "mine", "--fps", "12.3", "--device", "Titan X") == 0
    assert "12.3 frames per second on Titan X: stated, not measured here" in capsys.readouterr().out
    stored = read_result(place / "runs/mine/result.json")
    assert (stored.run["frames_per_second"], stored.run["scenario"]) == (12.3, "stated")
    assert stored.run["environment"]["device"] == "Titan X"
    assert with_stated_speed(stored, 5.0, "a phone").run["frames_per_second"] == 5
    timed = replace(stored, run={**stored.run, "scenario": "stream"})
    with pytest.raises(ChoiceError, match="tell their own times"):
        with_stated_speed(timed, 5.0, "a phone")
    for given in ((0.0, "x"), (math.inf, "x"), (1.0, " ")):
        with pytest.raises(ValueError, match="wanted a number above 0, and a device"):
            with_stated_speed(stored, *given)


@pytest.mark.parametrize(
    "arguments", [["--fps", "3"], ["--device", "x"], ["--fps", "0", "--device", "x"], ["--fps", "inf", "--device", "x"]]
)
def test_a_speed_goes_with_a_device(place: Path, capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    assert run("eval", "mine", *arguments) == 2
    assert "--fps" in capsys.readouterr().err
    assert run("eval", "mine", "runs/mine", "--fps", "3", "--device", "x") in (1, 2)


def test_groups_bins_rule_and_intervals_follow_the_options(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--by", "motion x area,class", "--bins", "motion=0.5,0.6,0.8", "--fp-rule", "all", "--ci", "10"]
    assert run("eval", "runs/mine/predictions.h5", "--protocol", "mega,coco", *arguments, "--json") == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["rules"]["fp_rule"] == "all"
    assert ">=0.8/small" in {group["name"] for group in printed["groups"]}
    assert printed["bootstrap"]["replicates"] == 10
    assert set(printed["others"][0]["stats"]) >= {"AP", "AP50", "AP75", "AR100"}


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--bins", "motion"], 2, "wanted NAME=EDGES"),
        (["--bins", "motion=0.9,0.7"], 2, "rising"),
        (["--protocol", "coko"], 1, "did you mean 'coco'"),
        (["--by", "speed"], 1, "no attribute 'speed'"),
        (["--ci", "-1"], 2, "--ci"),
        (["--fp-rule", "some"], 2, "some"),
    ],
)
def test_wrong_options_are_told(
    place: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, said: str
) -> None:
    assert run("eval", "runs/mine/predictions.h5", *arguments) == code
    assert said in capsys.readouterr().err
    assert not (place / "runs/mine/result.json").exists()


def test_an_index_without_motion_gives_no_groups_and_says_so(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    index = make_index(videos=4)
    index = replace(index, track_id=np.full(index.n_instances, -1, np.int32))
    write_index(place / "plain.h5", index)
    write_predictions(place / "p.h5", make_predictions(index))
    assert run("eval", "p.h5", "--index", "plain.h5") == 0
    assert "no groups by motion" in capsys.readouterr().err
    assert run("eval", "p.h5", "--index", "plain.h5", "--by", "motion") == 1
    assert "have no track id" in capsys.readouterr().err


def test_a_limited_run_can_not_be_mistaken_for_a_score(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    predictions = replace(make_predictions(make_index(videos=4)), run=RunInfo("x", limited=True))
    write_predictions(place / "runs/mine/predictions.h5", predictions)
    assert run("eval", "runs/mine/predictions.h5") == 0
    assert "LIMITED RUN" in capsys.readouterr().out


def test_predictions_of_another_index_list_the_candidates(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_predictions(place / "p.h5", make_predictions(make_index(seed=9)))
    assert run("eval", "p.h5") == 1
    assert "vid_val.h5" in capsys.readouterr().err


def test_results_of_an_earlier_evaluation_do_not_stay_behind(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (place / "runs/mine/result-notes.json").write_text("{}")
    assert run("eval", "runs/mine/predictions.h5") == 0
    assert "removed" not in capsys.readouterr().err
    assert run("eval", "runs/mine/predictions.h5", "--protocol", "voc") == 0
    assert "removed runs/mine/result-voc.json" in capsys.readouterr().err
    assert sorted(file.name for file in (place / "runs/mine").glob("result*.json")) == [
        "result-notes.json",
        "result.json",
    ]


def test_another_file_of_the_same_name_does_not_take_its_place(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for folder in ("first", "second"):
        (place / folder).mkdir()
        (place / folder / "theirs.h5").write_bytes((place / "runs/mine/predictions.h5").read_bytes())
    assert run("eval", "first/theirs.h5") == 0
    assert run("eval", "first/theirs.h5") == 0
    before = (place / "runs/theirs/result.json").read_bytes()
    for _ in range(2):
        assert run("eval", "second/theirs.h5") == 0
        assert "written to runs/second-theirs" in capsys.readouterr().err
    assert (place / "runs/theirs/result.json").read_bytes() == before
    assert sorted(path.name for path in (place / "runs").iterdir()) == ["mine", "second-theirs", "theirs"]


def test_results_alone_lead_to_the_predictions_that_they_were_made_of(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for folder in ("first", "second"):
        (place / folder).mkdir()
        (place / folder / "results.h5").write_bytes((place / "runs/mine/predictions.h5").read_bytes())
        assert run("eval", f"{folder}/results.h5") == 0
    assert run("compare", "runs/results", "second-results", "--ci", "0") == 0
    (place / "second/results.h5").unlink()
    assert run("compare", "runs/results", "runs/second-results") == 1
    assert "second/results.h5, which isn't there any more" in capsys.readouterr().err


def test_several_runs_are_scored_on_one_index(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (place / "other").mkdir()
    (place / "other/theirs.h5").write_bytes((place / "runs/mine/predictions.h5").read_bytes())
    assert run("eval", "mine", "--json") == 0
    alone = json.loads(capsys.readouterr().out)
    assert run("eval", "mine", "other/theirs.h5", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["format"], list(found["runs"])) == ("vidkit-results", ["mine", "theirs"])
    assert found["runs"]["mine"] == alone
    assert (place / "runs/theirs/result.json").is_file()
    assert run("eval", "mine", "other/theirs.h5", "-o", "there") == 2


def test_a_table_of_attributes_gives_groups_and_a_bad_one_an_error(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = make_index(videos=4).video_name
    (place / "weather.csv").write_text(f"video,weather\n{names[0]},fog\n{names[2]},sun\n")
    for command in ("eval", "errors", "curves"):
        assert run(command, "runs/mine", "--attributes", "weather.csv", "--by", "weather") == 0, capsys.readouterr().err
        assert "fog" in capsys.readouterr().out or command == "curves"
    groups = json.loads((place / "runs/mine/result.json").read_text())["groups"]
    assert [group["name"] for group in groups] == ["fog", "none", "sun"]
    (place / "weather.csv").write_text("video,weather\nnowhere,fog\n")
    assert run("eval", "runs/mine", "--attributes", "weather.csv", "--by", "weather") == 1
    assert "weather.csv: line 2: no video 'nowhere'" in capsys.readouterr().err
