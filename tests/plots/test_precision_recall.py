from dataclasses import replace
from pathlib import Path

import pytest

from tests.makers import make_index, make_predictions
from vidkit.errors import ChoiceError
from vidkit.evaluation.curves import precision_recall as curves_of
from vidkit.plots.figure import write_figure
from vidkit.plots.precision_recall import draw
from vidkit.predictions.table import RunInfo


def test_precision_against_recall_is_the_mean_over_classes(tmp_path: Path) -> None:
    index = make_index(videos=4)
    predictions = make_predictions(index)
    found = curves_of(index, predictions, "voc", by="motion")
    drawing = draw(index, {"run": predictions}, "voc", ["motion"])
    rows = drawing.rows
    assert list(dict.fromkeys(row["group"] for row in rows)) == [
        "all",
        "motion: slow",
        "motion: medium",
        "motion: fast",
    ]
    whole = [curve for curve in found if curve.by == ""]
    for row in rows[:101]:
        best = [
            max((p for r, p in zip(c.recall, c.precision, strict=True) if r >= row["recall"] - 1e-12), default=0.0)
            for c in whole
            if c.n_gt
        ]
        assert row["precision"] == pytest.approx(sum(best) / len(best))
    write_figure([tmp_path / "curves.png"], drawing.figure, rows)
    assert (tmp_path / "curves.png").stat().st_size > 1000


def test_no_ground_truth_is_nothing_to_draw() -> None:
    index = make_index(tracks=0)
    predictions = replace(make_predictions(make_index()), index_fingerprint="")
    with pytest.raises(ChoiceError, match="nothing to draw: no ground truth there"):
        draw(index, {"run": predictions}, "fgfa")


def test_a_class_has_its_own_curve() -> None:
    index = make_index(videos=4)
    found = curves_of(index, make_predictions(index), "voc")
    rows = draw(index, {"run": make_predictions(index)}, "voc", classes=["class2", "class0"]).rows
    assert {(row["group"], row["class"]) for row in rows} == {("all", "class0"), ("all", "class2")}
    one = next(curve for curve in found if (curve.by, curve.class_name) == ("", "class2"))
    mine = [row for row in rows if row["class"] == "class2"]
    wanted = [
        max((p for r, p in zip(one.recall, one.precision, strict=True) if r >= row["recall"] - 1e-12), default=0.0)
        for row in mine
    ]
    assert [row["precision"] for row in mine] == wanted
    with pytest.raises(ChoiceError, match=r"clas2: no class of the index \(did you mean 'class2'\?\)"):
        draw(index, {"run": make_predictions(index)}, "voc", classes=["clas2"])


def test_several_runs_have_a_panel_for_each_group_and_a_line_each() -> None:
    index = make_index(videos=4)
    limited = RunInfo(limited=True)
    runs = {name: replace(make_predictions(index, seed), run=limited) for seed, name in enumerate("abc")}
    figure = draw(index, runs, "fgfa", ["motion"]).figure
    titles = [axes.get_title() for axes in figure.axes if axes.get_visible()]
    assert titles == ["all", "motion: slow", "motion: medium", "motion: fast"]
    assert [[line.get_label() for line in axes.get_lines()] for axes in figure.axes] == [["a", "b", "c"]] * 4
    assert "LIMITED RUNS" in figure.get_supxlabel()


def test_too_many_lines_are_refused() -> None:
    index = make_index(videos=30)
    with pytest.raises(ChoiceError, match="in one panel can't be told apart, 28 can"):
        draw(index, {"a": make_predictions(index)}, "fgfa", ["video"])
