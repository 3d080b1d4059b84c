from dataclasses import replace
from pathlib import Path

import pytest

from tests.makers import make_index, make_predictions
from vidkit.errors import ChoiceError
from vidkit.evaluation.errors_by_type import ERROR_TYPES, decompose
from vidkit.plots.error_types import draw
from vidkit.plots.figure import write_figure
from vidkit.predictions.table import RunInfo

LIMITED = RunInfo(limited=True)


def test_what_errors_cost_is_drawn_by_group(tmp_path: Path) -> None:
    index = make_index(videos=4)
    report = decompose(index, make_predictions(index), by="motion")
    drawing = draw(index, {"run": make_predictions(index)}, "fgfa", ["motion"])
    rows = drawing.rows
    assert [row["group"] for row in rows[::6]] == ["all", "motion: slow", "motion: medium", "motion: fast"]
    assert [row["delta_ap"] for row in rows[:6]] == [report.overall.delta[kind] for kind in ERROR_TYPES]
    files = write_figure([tmp_path / "errors.svg"], drawing.figure, rows)
    assert all(kind in files[0].read_text() for kind in ERROR_TYPES)
    assert len(files[1].read_text().splitlines()) == 1 + 4 * 6


def test_groups_without_anything_are_drawn_too(tmp_path: Path) -> None:
    index = make_index(tracks=0)
    predictions = replace(make_predictions(make_index()), index_fingerprint="")
    drawing = draw(index, {"run": predictions}, "fgfa")
    write_figure([tmp_path / "errors.png"], drawing.figure, drawing.rows)


def test_several_runs_have_a_panel_for_each_group_and_a_bar_each() -> None:
    index = make_index(videos=4)
    runs = {name: replace(make_predictions(index, seed), run=LIMITED) for seed, name in enumerate("abc")}
    figure = draw(index, runs, "fgfa", ["motion"]).figure
    titles = [axes.get_title() for axes in figure.axes if axes.get_visible()]
    assert titles == ["all", "motion: slow", "motion: medium", "motion: fast"]
    assert [len(axes.patches) for axes in figure.axes] == [3 * len(ERROR_TYPES)] * 4
    fast = decompose(index, runs["b"], by="motion").group("motion", "fast")
    widths = [100 * fast.delta[kind] for kind in ERROR_TYPES]
    assert [bar.get_width() for bar in figure.axes[3].containers[1]] == widths
    assert "LIMITED RUNS" in figure.get_supxlabel()


def test_too_many_groups_are_refused() -> None:
    index = make_index(videos=8)
    with pytest.raises(ChoiceError, match="9 groups in one panel can't be told apart, 7 can"):
        draw(index, {"a": make_predictions(index)}, "fgfa", ["video"])
