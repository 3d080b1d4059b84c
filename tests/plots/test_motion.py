from dataclasses import replace
from pathlib import Path

import pytest

from tests.makers import make_index, make_predictions
from vidkit.errors import ChoiceError
from vidkit.evaluation.evaluate import evaluate
from vidkit.evaluation.result import EvalResult
from vidkit.plots.figure import COLUMN_WIDTH, write_figure
from vidkit.plots.motion import draw, motion_rows

INDEX = make_index(videos=5)


def result_of(seed: int, by: str = "motion,area,class,video", **options: object) -> EvalResult:
    return evaluate(INDEX, make_predictions(INDEX, seed), by=by.split(","), **options)  # type: ignore[arg-type]


RESULTS = {"one": result_of(0, ci=20), "two": result_of(1)}


def test_there_is_a_row_for_each_run_and_group() -> None:
    rows = motion_rows(RESULTS)
    assert [(row["run"], row["group"]) for row in rows] == [
        (run, group) for run in ("one", "two") for group in ("all", "slow", "medium", "fast")
    ]
    fast = RESULTS["one"].group("motion", "fast")
    assert fast.interval is not None
    assert rows[3] == {
        "run": "one",
        "group": "fast",
        "mean_ap": fast.mean_ap,
        "low": float(fast.interval.mean_ap[0]),
        "high": float(fast.interval.mean_ap[1]),
        "n_gt": int(fast.n_gt.sum()),
    }
    assert rows[-1]["low"] is None


@pytest.mark.parametrize("by", ["motion", "class", "video"])
def test_each_number_has_a_marker_at_its_place(by: str) -> None:
    rows = motion_rows(RESULTS, by)
    axes = draw(RESULTS, by=by).figure.axes[0]
    upright = by != "video"
    for run in RESULTS:
        line = next(line for line in axes.get_lines() if line.get_label() == run)
        drawn = line.get_ydata() if upright else line.get_xdata()
        assert list(drawn) == pytest.approx([100 * row["mean_ap"] for row in rows if row["run"] == run], nan_ok=True)
    names = [text.get_text() for text in (axes.get_xticklabels() if upright else axes.get_yticklabels())]
    assert names == list(dict.fromkeys(row["group"] for row in rows))


def test_groups_without_ground_truth_anywhere_are_left_out() -> None:
    empty = replace(RESULTS["one"].group("motion", "fast"), n_gt=RESULTS["one"].overall.n_gt * 0)
    groups = tuple(empty if (g.by, g.name) == ("motion", "fast") else g for g in RESULTS["one"].groups)
    rows = motion_rows({"one": replace(RESULTS["one"], groups=groups)})
    assert [row["group"] for row in rows] == ["all", "slow", "medium"]


def test_a_picture_and_its_numbers_are_written(tmp_path: Path) -> None:
    made = draw(RESULTS)
    files = write_figure([tmp_path / "m.svg"], made.figure, made.rows)
    text = files[0].read_text()
    assert all(word in text for word in ("slow", "medium", "fast", "one", "two", "intervals over videos"))
    assert made.figure.get_figwidth() == COLUMN_WIDTH


def test_an_attribute_that_a_result_lacks_is_told() -> None:
    with pytest.raises(ChoiceError, match=r"one: no groups by 'moton' \(did you mean 'motion'\?\)"):
        draw(RESULTS, by="moton")
    with pytest.raises(ChoiceError, match="three: no groups by 'motion'; its result has groups by: nothing"):
        draw(RESULTS | {"three": replace(RESULTS["one"], groups=())})


def test_other_rules_or_data_or_edges_are_refused() -> None:
    draw(RESULTS)
    with pytest.raises(ChoiceError, match=r"differ in rules.*fgfa with fp_rule mega: three"):
        draw(RESULTS | {"three": result_of(2, fp_rule="mega")})
    with pytest.raises(ChoiceError, match=r"differ in groups.*same --bins"):
        draw(RESULTS | {"three": result_of(2, "motion", bins={"motion": (0.3, 0.5)})})
    other = replace(RESULTS["two"], data={**RESULTS["two"].data, "index_fingerprint": "another"})
    with pytest.raises(ChoiceError, match=r"differ in data.*another: three"):
        draw(RESULTS | {"three": other})
    draw(RESULTS | {"three": other}, mix=True)


def test_limited_runs_are_marked() -> None:
    limited = {"one": replace(RESULTS["one"], run={"limited": True})}
    assert "LIMITED RUNS" in draw(limited).figure.get_supxlabel()


def test_runs_without_the_groups_are_left_out_where_that_is_wanted() -> None:
    made = draw({"none": replace(RESULTS["one"], groups=()), "two": RESULTS["two"]}, skip=True)
    assert {row["run"] for row in made.rows} == {"two"}
    assert made.notes[0].startswith("left out: none: no groups by 'motion'")


def test_the_file_is_called_as_the_groups() -> None:
    crossed = {"one": result_of(0, "motion x area")}
    assert draw(crossed, by="motion × area").stem == "motion-x-area"
