import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import vidkit
from tests.makers import make_index, make_predictions
from vidkit.errors import ChoiceError, FormatError
from vidkit.evaluation.evaluate import evaluate
from vidkit.evaluation.intervals import DOUBTFUL
from vidkit.evaluation.protocols import PROTOCOLS, differences, protocol_named
from vidkit.evaluation.result import EvalResult, read_result, write_result
from vidkit.pages.result_tables import (
    groups_table,
    markdown_report,
    notes,
    percent,
    protocols_table,
    to_markdown,
    write_tables,
)
from vidkit.predictions.table import FrameTimes, RunInfo


@pytest.fixture
def result() -> EvalResult:
    index = make_index(videos=5)
    return evaluate(index, make_predictions(index), "fgfa", by=["motion", "area"], ci=20, seed=3)


def test_result_json_has_what_the_contract_names(result: EvalResult, tmp_path: Path) -> None:
    write_result(tmp_path / "result.json", result)
    content = json.loads((tmp_path / "result.json").read_text())
    assert content["protocol"] == "fgfa"
    assert content["rules"]["fp_rule"] == "fgfa"
    assert content["mean_ap"] == result.mean_ap
    assert [(g["by"], g["name"]) for g in content["groups"]][:4] == [
        ("motion", "all"),
        ("motion", "slow"),
        ("motion", "medium"),
        ("motion", "fast"),
    ]
    fast = content["groups"][3]
    assert fast["n_gt"] == int(result.group("motion", "fast").n_gt.sum())
    assert set(fast["ap"]) == set(result.class_names)
    assert len(fast["mean_ap_interval"]) == 2
    assert content["bootstrap"] == {
        "over": "videos",
        "interval": "bias-corrected, jackknife error",
        "replicates": 20,
        "seed": 3,
        "level": 0.95,
    }
    assert content["limited"] is False
    assert content["counts"]["detections"] > 0
    assert content["data"]["index_fingerprint"] == make_index(videos=5).fingerprint
    assert content["software"]["vidkit"] == vidkit.__version__


def test_a_result_comes_back_as_it_was(result: EvalResult, tmp_path: Path) -> None:
    write_result(tmp_path / "r.json", result)
    back = read_result(tmp_path / "r.json")
    assert back.to_json() == result.to_json()
    assert back.protocol == result.protocol


def test_no_value_is_null_not_nan(tmp_path: Path) -> None:
    index = make_index(classes=3)
    index = replace(index, class_id=np.zeros(index.n_instances, np.int16))
    found = evaluate(index, make_predictions(index), "coco", by="motion", ci=5)
    write_result(tmp_path / "r.json", found)
    content = json.loads((tmp_path / "r.json").read_text(), parse_constant=lambda text: pytest.fail(text))
    assert content["ap"]["class2"] is None
    assert content["ap_interval"]["class2"] == [None, None]
    assert content["stats"]["AP50"] is not None
    assert read_result(tmp_path / "r.json").to_json() == found.to_json()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "JSONDecodeError"),
        ("{", "JSONDecodeError"),
        ("[]", "no vidkit-result file"),
        ('{"format": "vidkit-result", "version": 9}', "version 9"),
        ('{"format": "vidkit-result", "version": 1}', "damaged"),
    ],
)
def test_a_file_that_is_no_result_is_refused(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "r.json").write_text(text)
    with pytest.raises(FormatError, match=said):
        read_result(tmp_path / "r.json")


def test_the_run_and_its_speed_are_in_the_result() -> None:
    index = make_index(videos=2, frames=5)
    run = RunInfo("impression", {"length": 10}, {"device": "cpu"}, "stream", limited=True)
    seconds = np.array([9.0] * 5 + [0.5] * 5)
    times = FrameTimes(seconds, seconds, np.array([0] * 5 + [3] * 5, np.int32), np.array([True] * 5 + [False] * 5))
    content = evaluate(index, replace(make_predictions(index), run=run, times=times)).to_json()
    assert content["limited"] is True
    assert content["run"]["detector"] == "impression"
    assert content["run"]["options"] == {"length": 10}
    assert content["run"]["frames_per_second"] == 2.0
    assert content["run"]["timed_frames"] == 5
    assert content["run"]["look_ahead_max"] == 3


def test_frames_that_were_not_run_and_odd_options_leave_the_result_readable(tmp_path: Path) -> None:
    index = make_index(videos=2, frames=5)
    seconds = np.array([0.5] * 5 + [np.nan] * 5)
    times = FrameTimes(seconds, seconds, np.array([4] * 5 + [0] * 5, np.int32), np.array([False] * 5 + [True] * 5))
    run = RunInfo("x", {"jitter": float("inf"), "dial": float("nan")}, limited=True)
    found = evaluate(index, replace(make_predictions(index), run=run, times=times))
    write_result(tmp_path / "r.json", found)
    content = json.loads((tmp_path / "r.json").read_text(), parse_constant=lambda text: pytest.fail(text))
    assert content["run"]["frames_per_second"] == 2.0
    assert content["run"]["look_ahead_mean"] == 4.0
    assert content["run"]["options"] == {"jitter": None, "dial": None}


def test_to_frame_has_a_row_for_each_group_and_class(result: EvalResult) -> None:
    frame = result.to_frame()
    assert list(frame.columns) == ["protocol", "by", "name", "class", "ap", "n_gt", "low", "high"]
    assert len(frame) == (1 + 4 + 4) * (1 + len(result.class_names))
    row = frame[(frame["by"] == "motion") & (frame["name"] == "fast") & (frame["class"] == "")]
    assert row["ap"].item() == result.group("motion", "fast").mean_ap


def test_tables_are_written_and_can_be_read_again(result: EvalResult, tmp_path: Path) -> None:
    csv, markdown = write_tables(tmp_path, [result])
    assert len(pd.read_csv(csv)) == len(result.to_frame())
    assert "| motion: fast |" in markdown.read_text()
    assert percent(result.overall).startswith(f"{100 * result.mean_ap:.2f} [")


def test_a_limited_run_is_marked_in_the_report() -> None:
    index = make_index()
    predictions = replace(make_predictions(index), run=RunInfo(limited=True))
    assert "no score" in markdown_report([evaluate(index, predictions)])


def test_one_row_for_each_protocol() -> None:
    index = make_index()
    results = [evaluate(index, make_predictions(index), name, by="motion") for name in PROTOCOLS]
    assert protocols_table(results)["protocol"].tolist() == list(PROTOCOLS)
    table = groups_table(results)
    assert table["group"].tolist() == ["all", "motion: slow", "motion: medium", "motion: fast"]
    assert to_markdown(table).count("\n") == len(table) + 2


def test_protocols_are_named_and_their_differences_told() -> None:
    assert differences(protocol_named("fgfa")) == {}
    assert differences(protocol_named("voc"))["duplicates"] == "false positive"
    with pytest.raises(ChoiceError, match=r"no protocol 'mgea' \(did you mean 'mega'\?\); there are fgfa, voc"):
        protocol_named("mgea")


def test_an_unknown_group_is_refused_with_those_there_are(result: EvalResult) -> None:
    with pytest.raises(ValueError, match="no group motion=quick; there are motion=all"):
        result.group("motion", "quick")


def test_the_public_names() -> None:
    assert vidkit.evaluate is evaluate
    assert vidkit.EvalResult is EvalResult


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_nothing_at_all_is_evaluated_without_a_warning(protocol: str) -> None:
    index = make_index(videos=0, frames=0)
    empty = evaluate(index, make_predictions_of_nothing(index.n_frames), protocol, by=["motion", "area", "video"])
    assert empty.overall.n_gt.sum() == 0
    some = make_index()
    assert evaluate(some, make_predictions_of_nothing(some.n_frames), protocol, by="motion", ci=3).mean_ap == 0
    no_truth = replace(
        some,
        instance_start=np.zeros(some.n_frames + 1, np.int64),
        box=np.zeros((0, 4), np.float32),
        class_id=np.zeros(0, np.int16),
        track_id=np.zeros(0, np.int32),
        occluded=np.zeros(0, bool),
        generated=np.zeros(0, bool),
    )
    predictions = replace(make_predictions(some), index_fingerprint="")
    assert np.isnan(evaluate(no_truth, predictions, protocol, by=["motion", "area"], ci=3).mean_ap)


def make_predictions_of_nothing(n_frames: int) -> vidkit.Predictions:
    return vidkit.Predictions(
        np.zeros(n_frames + 1, np.int64), np.zeros((0, 4), np.float32), np.zeros(0, np.float32), np.zeros(0, np.int16)
    )


def test_what_few_videos_cannot_tell_is_told() -> None:
    index = make_index(videos=4)
    few = evaluate(index, make_predictions(index), by="motion", ci=20)
    assert percent(few.overall).endswith("(4 videos)")
    assert notes([few]) == ["(n videos): too few to tell how sure the number is; an interval needs 5"]
    many = evaluate(make_index(videos=12), make_predictions(make_index(videos=12)), ci=20)
    assert percent(many.overall).endswith("]") and notes([many]) == []
    assert notes([evaluate(index, make_predictions(index), by="motion")]) == []
    assert "(n videos)" in markdown_report([few])


def test_intervals_that_are_doubtful_are_told(tmp_path: Path) -> None:
    index = make_index(videos=12)
    result = evaluate(index, make_predictions(index), ci=20)
    assert result.overall.interval is not None
    doubtful = replace(result.overall.interval, doubtful=True, doubtful_by_class=np.array([True, False, False]))
    result = replace(result, overall=replace(result.overall, interval=doubtful))
    assert percent(result.overall).endswith("] (doubtful)") and not percent(result.overall, 1).endswith("(doubtful)")
    (told,) = notes([result])
    assert told.startswith("(doubtful): where replicates are skewed or off their number")
    assert "(doubtful)" in repr(result)
    write_result(tmp_path / "result.json", result)
    again = read_result(tmp_path / "result.json").overall
    assert again.note() == again.note(0) == DOUBTFUL and again.note(1) == ""


def test_results_without_the_number_of_videos_are_read(tmp_path: Path) -> None:
    index = make_index(videos=12)
    write_result(tmp_path / "r.json", evaluate(index, make_predictions(index), ci=20))
    content = json.loads((tmp_path / "r.json").read_text())
    for key in ("n_videos", "n_videos_by_class", "replicates_below", "replicates_skew", "interval_note"):
        del content[key]
    (tmp_path / "r.json").write_text(json.dumps(content))
    ends = read_result(tmp_path / "r.json").overall.interval
    assert ends is not None and np.isfinite(ends.mean_ap).all() and math.isnan(ends.below)


def changed(path: Path, change: Callable[[dict[str, Any]], object]) -> Path:
    """The result at a path with something in it made another."""
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))
    return path


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda c: c.update(mean_ap=7.24), "all: mean_ap 7.24, the mean of its ap is"),
        (lambda c: c["groups"][0].update(mean_ap=0.123), "mean_ap 0.123, the mean"),
        (lambda c: c["ap"].update(dict.fromkeys(list(c["ap"])[:1], 1.5)), "an AP outside 0 … 1"),
        (lambda c: c["ap"].update(dict.fromkeys(list(c["ap"])[:1], "0.5")), "'0.5' is no number"),
        (lambda c: c.update(n_gt=-3), "n_gt is -3, wanted a whole number from 0"),
        (lambda c: c.update(n_gt=10**6), "n_gt 1000000, its classes have"),
        (lambda c: c["n_gt_by_class"].update(dict.fromkeys(list(c["ap"])[:1], 10**400)), "wanted a whole number"),
        (lambda c: c["counts"].update(frames=True), "frames is True"),
        (lambda c: c.update(run=[]), "damaged"),
        (lambda c: c["run"].update(options=[]), "run: options is"),
        (lambda c: c.update(mean_ap_interval=[0.9, 0.1]), "an interval that ends before it begins"),
    ],
)
def test_a_result_that_makes_no_sense_is_refused(
    tmp_path: Path, change: Callable[[dict[str, Any]], object], said: str
) -> None:
    index = make_index()
    write_result(tmp_path / "r.json", evaluate(index, make_predictions(index), by=("motion",), ci=20))
    read_result(tmp_path / "r.json")
    with pytest.raises(FormatError, match=rf"r\.json: .*{said}"):
        read_result(changed(tmp_path / "r.json", change))
