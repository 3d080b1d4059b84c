"""Precision against recall."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from vidkit.evaluation.curves import PrecisionRecall
from vidkit.evaluation.slices import repeats_all
from vidkit.plots.figure import COLOURS, COLUMN_WIDTH, LIMITED, STYLE, legend_above
from vidkit.plots.series import by_panel

DASHES = ("-", "--", "-.", ":")
LEVELS = np.linspace(0, 1, 101)


def precision_recall(
    curves: Mapping[str, Sequence[PrecisionRecall]],
    classes: Sequence[str] = (),
    width: float = COLUMN_WIDTH,
    limited: bool = False,
) -> Figure:
    """Return precision against recall, of one or several runs by their names: what `precision_recall_rows` has.

    Of one run there is a line for each group and class, of several a panel, with a line for each run. `limited` says
    that only a part of the data was run. Raises ChoiceError if there are too many lines in a panel to be told apart.
    """
    shown = by_panel(precision_recall_rows(curves, classes), most=len(COLOURS) * len(DASHES))
    columns = min(max(len(shown), 1), round(width / 1.75))
    lines = -(-max(len(shown), 1) // columns)
    with matplotlib.rc_context(STYLE):
        size = (width, 0.8 * width * lines / columns + 0.3)
        figure = Figure(figsize=size, layout="constrained", dpi=300)
        grid = figure.subplots(lines, columns, sharex=True, sharey=True, squeeze=False)
        names = list(dict.fromkeys(name for series in shown.values() for name in series))
        for axes, (title, series) in zip(grid.flat, shown.items(), strict=False):
            for name, rows in series.items():
                turn, at = divmod(names.index(name), len(COLOURS))
                recall, precision = ([100 * row[key] for row in rows] for key in ("recall", "precision"))
                axes.plot(recall, precision, DASHES[turn], linewidth=1, color=COLOURS[at], label=name)
            axes.set_title(title if len(shown) > 1 else "", fontsize=7)
            axes.grid(color="0.92", linewidth=0.5)
            axes.set_axisbelow(True)
        for axes in list(grid.flat)[max(len(shown), 1) :]:
            axes.set_visible(False)
        grid[0, 0].set(xlim=(0, 100), ylim=(0, 101))
        figure.supxlabel("recall, %" + LIMITED * limited, fontsize=7)
        figure.supylabel("precision, %" + ("" if classes else ", mean over classes"), fontsize=7)
        entries = {label: handle for axes in grid.flat for handle, label in zip(*_entries(axes), strict=True)}
        legend_above(figure, list(entries.values()), list(entries))
        return figure


def _entries(axes: Any) -> tuple[list[Any], list[str]]:
    handles, labels = axes.get_legend_handles_labels()
    return handles, labels


def precision_recall_rows(
    curves: Mapping[str, Sequence[PrecisionRecall]], classes: Sequence[str] = ()
) -> list[dict[str, Any]]:
    """Return what `precision_recall` draws: run, group, class, recall, precision at recall 0, 0.01 … 1.

    The precision is the highest at that recall or above, 0 where it isn't reached: of each of `classes`, or without any
    the mean over the classes that have ground truth, of class "". What has no ground truth has no rows.
    """
    return [row for run, of_run in curves.items() for row in _rows_of(run, of_run, classes)]


def _rows_of(run: str, curves: Iterable[PrecisionRecall], classes: Sequence[str]) -> list[dict[str, Any]]:
    envelopes: dict[tuple[str, str], list[NDArray[np.float64]]] = {}
    for curve in curves:
        if curve.n_gt and not repeats_all(curve.by, curve.group) and (not classes or curve.class_name in classes):
            group = f"{curve.by}: {curve.group}" if curve.by else "all"
            of_class = curve.class_name if classes else ""
            envelopes.setdefault((group, of_class), []).append(_envelope(curve))
    return [
        {"run": run, "group": group, "class": of_class, "recall": float(level), "precision": float(precision)}
        for (group, of_class), found in envelopes.items()
        for level, precision in zip(LEVELS, np.mean(found, axis=0), strict=True)
    ]


def _envelope(curve: PrecisionRecall) -> NDArray[np.float64]:
    highest = np.append(np.maximum.accumulate(curve.precision[::-1])[::-1], 0.0)
    return np.asarray(highest[np.searchsorted(curve.recall, LEVELS - 1e-12)])
