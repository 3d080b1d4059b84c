"""How much earlier keyframes contribute to a task feature, by how far back they lie (Impression Network, Fig. 6)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import matplotlib
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from vidkit.keyframes.map_statistics import OffsetShare
from vidkit.plots.figure import COLUMN_WIDTH, LIMITED, SMALL, STYLE, legend_above, look, wrapped


@dataclass(frozen=True)
class RunShares:
    """The mean shares of one run."""

    run: str
    gate: float
    weight: float
    """The mean w of the run, at which the closed form stands."""
    shares: Sequence[OffsetShare]


def contribution(runs: Sequence[RunShares], limited: bool = False, width: float = COLUMN_WIDTH) -> Figure:
    """Return the measured mean share against the offset, a line with markers for each run; dashed: the closed form.

    The closed form is that of constant weights, all the run's mean w (`vidkit.keyframes.propagation.contributions`).
    Raises ValueError without runs.
    """
    if not runs:
        raise ValueError("a figure of no runs")
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(width, 0.6 * width), layout="constrained", dpi=300)
        axes = figure.add_subplot()
        for place, run in enumerate(runs):
            colour, marker = look(place)
            offsets = [share.offset for share in run.shares]
            measured = [100 * share.share for share in run.shares]
            closed = [100 * share.closed_form for share in run.shares]
            axes.plot(offsets, closed, color=colour, linewidth=0.8, linestyle="--", zorder=2)
            axes.plot(
                offsets, measured, color=colour, linewidth=1, marker=marker, markersize=3.5, label=_label(run, runs)
            )
        axes.set(xlabel="offset o of keyframe k - o", ylabel="mean share in $f_k^{task}$, %")
        axes.set_ylim(bottom=0)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid(color="0.92", linewidth=0.5)
        axes.set_axisbelow(True)
        handles, labels = axes.get_legend_handles_labels()
        dashed = Line2D([], [], color="0.4", linewidth=0.8, linestyle="--")
        legend_above(figure, [*handles, dashed], [*labels, "dashed: constant w"])
        said = "measured from weight maps; constant w: closed form at the run's mean w, " + _weights(runs)
        figure.supxlabel(wrapped(said + LIMITED * limited, width), fontsize=SMALL, color="0.35")
        return figure


def contribution_rows(runs: Sequence[RunShares]) -> list[dict[str, Any]]:
    """Return what `contribution` draws, a row for each run and offset: run, gate, mean_weight, and the OffsetShare."""
    return [
        {"run": run.run, "gate": run.gate, "mean_weight": run.weight, **asdict(share)}
        for run in runs
        for share in run.shares
    ]


def _label(run: RunShares, runs: Sequence[RunShares]) -> str:
    same = sum(other.gate == run.gate for other in runs) > 1
    return f"{run.run}, g = {run.gate:g}" if same else f"g = {run.gate:g}"


def _weights(runs: Sequence[RunShares]) -> str:
    low, high = min(run.weight for run in runs), max(run.weight for run in runs)
    return f"{low:.3f}" if high - low < 5e-4 else f"{low:.3f} to {high:.3f}"
