"""Precision against recall."""

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from vidkit.data.index import Index
from vidkit.errors import ChoiceError, did_you_mean
from vidkit.evaluation.curves import PrecisionRecall
from vidkit.evaluation.curves import precision_recall as curves_of
from vidkit.evaluation.protocols import FalsePositiveRule
from vidkit.evaluation.slices import Bins, repeats_all
from vidkit.plots.figure import COLOURS, COLUMN_WIDTH, LIMITED, Drawing, legend_above, sheet
from vidkit.plots.series import Series, by_panel, draw_panels, names_of, raster
from vidkit.predictions.table import Predictions

DASHES = ("-", "--", "-.", ":")
LEVELS = np.linspace(0, 1, 101)


def draw(
    index: Index,
    predictions: Mapping[str, Predictions],
    protocol: str,
    by: Sequence[str] = (),
    bins: Bins | None = None,
    fp_rule: FalsePositiveRule | None = None,
    *,
    classes: Sequence[str] = (),
    width: float = COLUMN_WIDTH,
) -> Drawing:
    """Precision against recall, of one or several runs by their names; the first arguments are those of `evaluate`.

    Of one run there is a line for each group and class, of several a panel, with a line for each run. The precision is
    the highest at a recall or above, 0 where it isn't reached: of each of `classes`, or without any the mean over the
    classes that have ground truth, of class "". The rows: run, group, class, recall (0, 0.01 … 1), precision; what has
    no ground truth has none.

    Raises ChoiceError for a class that the index doesn't have, where there is no ground truth, and if there are too
    many lines in a panel to be told apart.
    """
    for name in classes:
        if name not in index.class_names:
            raise ChoiceError(f"--class {name}: no class of the index{did_you_mean(name, list(index.class_names))}")
    rows = [
        row
        for run, one in predictions.items()
        for row in _rows_of(run, curves_of(index, one, protocol, by, bins, fp_rule), classes)
    ]
    if not rows:
        raise ChoiceError(f"nothing to draw: no ground truth {'of ' + ', '.join(classes) if classes else 'there'}")
    panels = by_panel(rows, most=len(COLOURS) * len(DASHES))
    lines, columns = raster(panels, width)
    with sheet(width, 0.8 * width * lines / columns + 0.3) as figure:
        every = draw_panels(figure, panels, width, partial(_draw_curves, names_of(panels)))
        every[0].set(xlim=(0, 100), ylim=(0, 101))
        limited = any(one.run.limited for one in predictions.values())
        figure.supxlabel("recall, %" + LIMITED * limited, fontsize=7)
        figure.supylabel("precision, %" + ("" if classes else ", mean over classes"), fontsize=7)
        pairs = [zip(*axes.get_legend_handles_labels(), strict=True) for axes in every]
        entries = {label: handle for of_axes in pairs for handle, label in of_axes}
        legend_above(figure, list(entries.values()), list(entries))
    return Drawing(figure, rows, "points", {"protocol": protocol})


def _draw_curves(names: Sequence[str], axes: Axes, series: Series) -> None:
    for name, rows in series.items():
        turn, at = divmod(names.index(name), len(COLOURS))
        recall, precision = ([100 * row[key] for row in rows] for key in ("recall", "precision"))
        axes.plot(recall, precision, DASHES[turn], linewidth=1, color=COLOURS[at], label=name)


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
