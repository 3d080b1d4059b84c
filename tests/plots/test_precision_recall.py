from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.makers import make_index, make_predictions
from vidkit.evaluation.curves import precision_recall as curves_of
from vidkit.plots.figure import write_figure
from vidkit.plots.precision_recall import precision_recall, precision_recall_rows


def test_precision_against_recall_is_the_mean_over_classes(tmp_path: Path) -> None:
    index = make_index(videos=4)
    predictions = make_predictions(index)
    found = curves_of(index, predictions, "voc", by="motion")
    rows = precision_recall_rows(found)
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
    write_figure([tmp_path / "curves.png"], precision_recall(found), rows)
    assert (tmp_path / "curves.png").stat().st_size > 1000


def test_groups_without_anything_are_drawn_too(tmp_path: Path) -> None:
    index = make_index(tracks=0)
    predictions = replace(make_predictions(make_index()), index_fingerprint="")
    write_figure([tmp_path / "curves.png"], precision_recall(curves_of(index, predictions)), [])
