from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tests.makers import make_index, make_predictions
from vidkit.evaluation.errors_by_type import ERROR_TYPES, decompose
from vidkit.plots.error_types import error_types, error_types_rows
from vidkit.plots.figure import write_figure


def test_what_errors_cost_is_drawn_by_group(tmp_path: Path) -> None:
    index = make_index(videos=4)
    report = decompose(index, make_predictions(index), by="motion")
    rows = error_types_rows(report)
    assert [row["group"] for row in rows[::6]] == ["all", "motion: slow", "motion: medium", "motion: fast"]
    assert [row["delta_ap"] for row in rows[:6]] == [report.overall.delta[kind] for kind in ERROR_TYPES]
    files = write_figure([tmp_path / "errors.svg"], error_types(report), rows)
    assert all(kind in files[0].read_text() for kind in ERROR_TYPES)
    assert len(files[1].read_text().splitlines()) == 1 + 4 * 6


def test_groups_without_anything_are_drawn_too(tmp_path: Path) -> None:
    index = make_index(tracks=0)
    predictions = replace(make_predictions(make_index()), index_fingerprint="")
    write_figure([tmp_path / "errors.png"], error_types(decompose(index, predictions)), [])
