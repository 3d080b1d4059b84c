"""What each type of error costs."""

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np
from matplotlib.axes import Axes

from vidkit.data.index import Index
from vidkit.evaluation.errors_by_type import BACKGROUND_IOU, ERROR_TYPES, ErrorReport, GroupErrors, decompose
from vidkit.evaluation.protocols import FalsePositiveRule
from vidkit.evaluation.slices import Bins, repeats_all
from vidkit.plots.figure import COLOURS, COLUMN_WIDTH, LIMITED, Drawing, legend_above, sheet
from vidkit.plots.series import Series, by_panel, draw_panels, names_of, raster
from vidkit.predictions.table import Predictions


def draw(
    index: Index,
    predictions: Mapping[str, Predictions],
    protocol: str,
    by: Sequence[str] = (),
    bins: Bins | None = None,
    fp_rule: FalsePositiveRule | None = None,
    *,
    foreground: float | None = None,
    background: float = BACKGROUND_IOU,
    width: float = COLUMN_WIDTH,
) -> Drawing:
    """What each type of error costs in points of mAP, of one or several runs by their names.

    Of one run there is a bar for each group, of several a panel for each group, with a bar for each run. The arguments
    are those of `decompose`, which may raise; ChoiceError if there are too many bars in a panel to be told apart. The
    rows: run, group, type, delta_ap (0 … 1), for each type in each group.
    """
    reports = {
        run: decompose(index, one, protocol, by, bins, fp_rule, foreground, background)
        for run, one in predictions.items()
    }
    rows = [
        {"run": run, "group": name, "type": kind, "delta_ap": group.delta[kind]}
        for run, report in reports.items()
        for name, group in _groups(report).items()
        for kind in ERROR_TYPES
    ]
    panels = by_panel(rows, most=len(COLOURS))
    names = names_of(panels)
    lines, _ = raster(panels, width)
    with sheet(width, 0.4 + lines * (0.3 + len(ERROR_TYPES) * max(0.14, 0.07 * len(names)))) as figure:
        first, *_ = draw_panels(figure, panels, width, partial(_draw_bars, names), "x")
        first.set_yticks(range(len(ERROR_TYPES)), ERROR_TYPES)
        first.invert_yaxis()
        limited = any(one.run.limited for one in predictions.values())
        figure.supxlabel(f"cost in points of mAP ({protocol})" + LIMITED * limited, fontsize=7)
        if names != ["all"]:
            legend_above(figure, *first.get_legend_handles_labels())
    return Drawing(figure, rows, "costs", {"protocol": protocol})


def _draw_bars(names: Sequence[str], axes: Axes, series: Series) -> None:
    height = 0.8 / len(names)
    for place, name in enumerate(names):
        costs = [100 * row["delta_ap"] for row in series[name]]
        at = np.arange(len(ERROR_TYPES)) - 0.4 + height * (place + 0.5)
        axes.barh(at, costs, height=height, color=COLOURS[place], label=name)


def _groups(report: ErrorReport) -> dict[str, GroupErrors]:
    shown = (group for group in report.groups if not repeats_all(group.by, group.name))
    return {"all": report.overall} | {f"{group.by}: {group.name}": group for group in shown}
