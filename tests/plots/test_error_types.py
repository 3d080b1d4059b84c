from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.makers import make_index, make_predictions
from vidkit.errors import ChoiceError
from vidkit.evaluation.errors_by_type import ERROR_TYPES, decompose
from vidkit.plots.error_types import error_types, error_types_rows
from vidkit.plots.figure import write_figure


def test_what_errors_cost_is_drawn_by_group(tmp_path: Path) -> None:
    index = make_index(videos=4)
    report = decompose(index, make_predictions(index), by="motion")
    rows = error_types_rows({"run": report})
    assert [row["group"] for row in rows[::6]] == ["all", "motion: slow", "motion: medium", "motion: fast"]
    assert [row["delta_ap"] for row in rows[:6]] == [report.overall.delta[kind] for kind in ERROR_TYPES]
    files = write_figure([tmp_path / "errors.svg"], error_types({"run": report}), rows)
    assert all(kind in files[0].read_text() for kind in ERROR_TYPES)
    assert len(files[1].read_text().splitlines()) == 1 + 4 * 6


def test_groups_without_anything_are_drawn_too(tmp_path: Path) -> None:
    index = make_index(tracks=0)
    predictions = replace(make_predictions(make_index()), index_fingerprint="")
    write_figure([tmp_path / "errors.png"], error_types({"run": decompose(index, predictions)}), [])


def test_several_runs_have_a_panel_for_each_group_and_a_bar_each() -> None:
    index = make_index(videos=4)
    reports = {name: decompose(index, make_predictions(index, seed), by="motion") for seed, name in enumerate("abc")}
    figure = error_types(reports, limited=True)
    titles = [axes.get_title() for axes in figure.axes if axes.get_visible()]
    assert titles == ["all", "motion: slow", "motion: medium", "motion: fast"]
    assert [len(axes.patches) for axes in figure.axes] == [3 * len(ERROR_TYPES)] * 4
    widths = [100 * reports["b"].group("motion", "fast").delta[kind] for kind in ERROR_TYPES]
    assert [bar.get_width() for bar in figure.axes[3].containers[1]] == widths
    assert "LIMITED RUNS" in figure.get_supxlabel()


def test_too_many_groups_are_refused() -> None:
    index = make_index(videos=8)
    with pytest.raises(ChoiceError, match="9 groups in one panel can't be told apart, 7 can"):
        error_types({"a": decompose(index, make_predictions(index), by="video")})
