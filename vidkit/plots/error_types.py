"""What each type of error costs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from vidkit.evaluation.errors_by_type import ERROR_TYPES, ErrorReport, GroupErrors
from vidkit.evaluation.slices import repeats_all
from vidkit.plots.figure import COLOURS, COLUMN_WIDTH, LIMITED, STYLE, legend_above
from vidkit.plots.series import by_panel


def error_types(reports: Mapping[str, ErrorReport], width: float = COLUMN_WIDTH, limited: bool = False) -> Figure:
    """Return what each type of error costs in points of mAP, of one or several runs by their names: `error_types_rows`.

    Of one run there is a bar for each group, of several a panel for each group, with a bar for each run.
    `limited` says that only a part of the data was run. Raises ChoiceError if there are too many bars in a panel to be
    told apart.
    """
    shown = by_panel(error_types_rows(reports), most=len(COLOURS))
    names = list(dict.fromkeys(name for series in shown.values() for name in series))
    columns = min(len(shown), round(width / 1.75))
    lines = -(-len(shown) // columns)
    height = 0.8 / len(names)
    with matplotlib.rc_context(STYLE):
        size = (width, 0.4 + lines * (0.3 + len(ERROR_TYPES) * max(0.14, 0.07 * len(names))))
        figure = Figure(figsize=size, layout="constrained", dpi=300)
        grid = figure.subplots(lines, columns, sharex=True, sharey=True, squeeze=False)
        for axes, (title, series) in zip(grid.flat, shown.items(), strict=False):
            for place, name in enumerate(names):
                costs = [100 * row["delta_ap"] for row in series[name]]
                at = np.arange(len(ERROR_TYPES)) - 0.4 + height * (place + 0.5)
                axes.barh(at, costs, height=height, color=COLOURS[place], label=name)
            axes.set_title(title if len(shown) > 1 else "", fontsize=7)
            axes.grid(axis="x", color="0.92", linewidth=0.5)
            axes.set_axisbelow(True)
        for axes in list(grid.flat)[len(shown) :]:
            axes.set_visible(False)
        grid[0, 0].set_yticks(range(len(ERROR_TYPES)), ERROR_TYPES)
        grid[0, 0].invert_yaxis()
        protocol = next(iter(reports.values())).protocol.name
        figure.supxlabel(f"cost in points of mAP ({protocol})" + LIMITED * limited, fontsize=7)
        if names != ["all"]:
            legend_above(figure, *grid[0, 0].get_legend_handles_labels())
        return figure


def error_types_rows(reports: Mapping[str, ErrorReport]) -> list[dict[str, Any]]:
    """Return what `error_types` draws: run, group, type, delta_ap (0 … 1), a row for each type in each group."""
    return [
        {"run": run, "group": name, "type": kind, "delta_ap": group.delta[kind]}
        for run, report in reports.items()
        for name, group in _groups(report).items()
        for kind in ERROR_TYPES
    ]


def _groups(report: ErrorReport) -> dict[str, GroupErrors]:
    shown = (group for group in report.groups if not repeats_all(group.by, group.name))
    return {"all": report.overall} | {f"{group.by}: {group.name}": group for group in shown}
