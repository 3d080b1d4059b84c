from dataclasses import replace

import numpy as np

from tests.cli.reproduce.made_results import make_result
from vidkit.evaluation.result import EvalResult, GroupResult
from vidkit.pages.run_tables import made_with, motion_note, run_rows, runs_table

RESULTS = {"per-frame": make_result("per-frame", None, speed=10), "impression-l10": make_result(speed=250, ci=20)}


def test_runs_are_told_by_motion_speed() -> None:
    first, second = run_rows(RESULTS)
    assert {"slow", "medium", "fast"} <= first.keys()
    assert (first["length"], second["length"], second["look_ahead"]) == (None, 10, 5)
    assert run_rows({}) == []


def test_groups_go_by_the_names_that_the_results_have() -> None:
    groups = tuple(
        replace(group, name="crawling" if group.name == "slow" else group.name) for group in RESULTS["per-frame"].groups
    )
    table = runs_table(run_rows({"per-frame": replace(RESULTS["per-frame"], groups=groups)}))
    assert table.columns == ("run", "detector", "l", "mAP %", "crawling", "medium", "fast", "frames/s", "look-ahead")


def test_what_is_not_known_is_a_dash_and_fast_runs_have_no_digits_behind_the_point() -> None:
    first, second = runs_table(run_rows(RESULTS)).rows
    assert (first[2], first[-2:]) == ("–", ("10.0", "0"))
    assert (second[2], second[-2:]) == ("10", ("250", "5"))
    assert "[" in second[3] and "[" not in first[3]


def test_the_note_on_motion_has_the_protocols_edges() -> None:
    result = RESULTS["per-frame"]
    said = "Slow, medium and fast are the mAP in % of objects by their motion IoU: above 0.9, 0.7 to 0.9, below 0.7."
    assert motion_note(RESULTS.values()) == said
    other = replace(result, protocol=replace(result.protocol, motion_edges=(0.3, 0.5)))
    assert motion_note([other]).endswith("above 0.5, 0.3 to 0.5, below 0.3.")
    assert motion_note([replace(result, groups=()), other]) == motion_note([other])
    assert (
        motion_note([replace(result, protocol=replace(result.protocol, motion_edges=(0.5,)))]) == motion_note([]) == ""
    )


def test_unlike_conditions_are_both_told() -> None:
    told = dict(made_with([RESULTS["per-frame"], make_result(device="NVIDIA X")]).rows)
    assert told["device"].startswith("cpu, Z80, 1 threads; ")
    assert "; or NVIDIA X" in told["device"]
    assert told["score"] == "mAP at IoU 0.5, protocol fgfa"


def test_a_run_without_interval_says_why() -> None:
    few = run_rows({"few": replace(RESULTS["impression-l10"], overall=without_interval(RESULTS["impression-l10"]))})
    (row,) = runs_table(few).rows
    assert row[3].endswith(" (3 videos)") and "[" not in row[3]
    assert (few[0]["low"], few[0]["note"]) == (None, "3 videos: too few to tell")


def without_interval(result: EvalResult) -> GroupResult:
    assert result.overall.interval is not None
    return replace(result.overall, interval=replace(result.overall.interval, mean_ap=np.full(2, np.nan), n_videos=3))
