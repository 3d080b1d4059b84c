"""How much earlier keyframes contribute to a task feature, by how far back they lie (Impression Network, Fig. 6)."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from vidkit.errors import ChoiceError
from vidkit.keyframes.map_statistics import OffsetShare, shares_by_offset
from vidkit.keyframes.weight_maps import WeightMaps
from vidkit.plots.comparable import refuse_differences
from vidkit.plots.figure import COLUMN_WIDTH, LIMITED, Drawing, legend_above, light_grid, look, note_below, sheet
from vidkit.plots.gate import gate_of


@dataclass(frozen=True)
class RunShares:
    """The mean shares of one run."""

    run: str
    gate: float
    weight: float
    """The mean w of the run, at which the closed form stands."""
    shares: Sequence[OffsetShare]


def draw(runs: Mapping[str, WeightMaps], *, offsets: int = 6, width: float = COLUMN_WIDTH) -> Drawing:
    """The figure of recorded weight maps by the names of their runs, up to so many `offsets`.

    Raises ChoiceError for runs of different data, without a gate, or without a keyframe that was fused.
    """
    refuse_differences("data", ((name, maps.index_fingerprint) for name, maps in runs.items()), "choose some of them")
    drawn = sorted((_run_shares(name, maps, offsets) for name, maps in runs.items()), key=lambda run: run.gate)
    rows = contribution_rows(drawn)
    partial = any(maps.run.limited for maps in runs.values())
    columns = ("run", "gate", "offset", "keyframes", "share", "constant w")
    lines = [
        (r["run"], f"{r['gate']:g}", r["offset"], r["keyframes"], f"{r['share']:.4f}", f"{r['closed_form']:.4f}")
        for r in rows
    ]
    return Drawing(contribution(drawn, partial, width), rows, told={"limited": partial}, table=(columns, lines))


def _run_shares(name: str, maps: WeightMaps, offsets: int) -> RunShares:
    gate = gate_of(maps.run.options)
    if gate is None:
        raise ChoiceError(f"{name}: its run has no option gate in 0 … 1")
    weight, shares = shares_by_offset(maps, gate, offsets)
    if not shares:
        raise ChoiceError(f"{name}: no keyframe that was fused with another: its videos have one keyframe each")
    return RunShares(name, gate, weight, shares)


def contribution(runs: Sequence[RunShares], limited: bool = False, width: float = COLUMN_WIDTH) -> Figure:
    """The measured mean share against the offset, a line with markers for each run; dashed: the closed form.

    The closed form is that of constant weights, all the run's mean w (`vidkit.keyframes.propagation.contributions`).
    Raises ValueError without runs.
    """
    if not runs:
        raise ValueError("a figure of no runs")
    with sheet(width, 0.6 * width) as figure:
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
        light_grid(axes)
        handles, labels = axes.get_legend_handles_labels()
        dashed = Line2D([], [], color="0.4", linewidth=0.8, linestyle="--")
        legend_above(figure, [*handles, dashed], [*labels, "dashed: constant w"])
        said = "measured from weight maps; constant w: closed form at the run's mean w, " + _weights(runs)
        note_below(figure, said + LIMITED * limited)
        return figure


def contribution_rows(runs: Sequence[RunShares]) -> list[dict[str, Any]]:
    """What `contribution` draws, a row for each run and offset: run, gate, mean_weight, and the OffsetShare."""
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
