"""What each type of error costs."""

from __future__ import annotations

from typing import Any

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from vidkit.evaluation.errors_by_type import ERROR_TYPES, ErrorReport
from vidkit.evaluation.slices import repeats_all
from vidkit.plots.figure import COLOURS, COLUMN_WIDTH, STYLE


def error_types(report: ErrorReport, width: float = COLUMN_WIDTH) -> Figure:
    """Return what each type of error costs in points of mAP, a bar for each group: what `error_types_rows` has."""
    rows = error_types_rows(report)
    groups = list(dict.fromkeys(str(row["group"]) for row in rows))
    kinds = list(dict.fromkeys(str(row["type"]) for row in rows))
    height = 0.8 / len(groups)
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(width, 0.6 + 0.35 * len(kinds)), layout="constrained", dpi=300)
        axes = figure.subplots()
        for g, group in enumerate(groups):
            costs = [100 * row["delta_ap"] for row in rows if row["group"] == group]
            places = np.arange(len(kinds)) - 0.4 + height * (g + 0.5)
            axes.barh(places, costs, height=height, color=COLOURS[g % len(COLOURS)], label=group)
        axes.set_yticks(range(len(kinds)), kinds)
        axes.invert_yaxis()
        axes.set_xlabel(f"cost in points of mAP ({report.protocol.name})")
        axes.legend(frameon=False, loc="best")
        return figure


def error_types_rows(report: ErrorReport) -> list[dict[str, Any]]:
    """Return what `error_types` draws: group, type, delta_ap (0 … 1), a row for each type in each group."""
    groups = {"all": report.overall} | {f"{g.by}: {g.name}": g for g in report.groups if not repeats_all(g.by, g.name)}
    return [
        {"group": name, "type": kind, "delta_ap": group.delta[kind]}
        for name, group in groups.items()
        for kind in ERROR_TYPES
    ]
