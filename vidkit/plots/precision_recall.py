"""Precision against recall."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from vidkit.evaluation.curves import PrecisionRecall
from vidkit.evaluation.slices import repeats_all
from vidkit.plots.figure import COLOURS, COLUMN_WIDTH, STYLE


def precision_recall(curves: Sequence[PrecisionRecall], width: float = COLUMN_WIDTH) -> Figure:
    """Return precision against recall, a line for each group: what `precision_recall_rows` has."""
    rows = precision_recall_rows(curves)
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(width, 0.8 * width), layout="constrained", dpi=300)
        axes = figure.subplots()
        for g, group in enumerate(dict.fromkeys(str(row["group"]) for row in rows)):
            mine = [row for row in rows if row["group"] == group]
            recall, precision = ([100 * row[name] for row in mine] for name in ("recall", "precision"))
            axes.plot(recall, precision, linewidth=1, color=COLOURS[g % len(COLOURS)], label=group)
        axes.set(xlabel="recall, %", ylabel="precision, %, mean over classes", xlim=(0, 100), ylim=(0, 101))
        if rows:
            axes.legend(frameon=False, loc="lower left")
        return figure


def precision_recall_rows(curves: Sequence[PrecisionRecall]) -> list[dict[str, Any]]:
    """Return what `precision_recall` draws: group, recall, precision at recall 0, 0.01 … 1.

    The precision is the mean over the classes that have ground truth of the highest precision at that recall or above,
    0 where it isn't reached. Groups without ground truth have no rows.
    """
    levels = np.linspace(0, 1, 101)
    envelopes: dict[str, list[NDArray[np.float64]]] = {}
    for curve in curves:
        if curve.n_gt and not repeats_all(curve.by, curve.group):
            name = f"{curve.by}: {curve.group}" if curve.by else "all"
            envelope = np.append(np.maximum.accumulate(curve.precision[::-1])[::-1], 0.0)
            envelopes.setdefault(name, []).append(envelope[np.searchsorted(curve.recall, levels - 1e-12)])
    return [
        {"group": name, "recall": float(level), "precision": float(precision)}
        for name, of_classes in envelopes.items()
        for level, precision in zip(levels, np.mean(of_classes, axis=0), strict=True)
    ]
