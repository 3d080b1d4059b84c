"""Mean AP against frames per second (Impression Network, Figure 8)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke
from matplotlib.ticker import LogLocator, NullLocator, StrMethodFormatter

from vidkit.plots.figure import COLOURS, COLUMN_WIDTH, MARKERS, STYLE
from vidkit.plots.speed_points import SpeedPoint, curves, pareto


def speed_accuracy(points: Sequence[SpeedPoint], width: float = COLUMN_WIDTH) -> Figure:
    """Return mean AP against frames per second, one curve a method (Impression Network, Figure 8).

    Points are labelled with l; a method without segments is one point, a star. Hollow points look ahead. Bars are the
    intervals that the results have; the dotted steps are the Pareto front. `width` is in inches.
    """
    if not points:
        raise ValueError("a figure of no points")
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(width, 0.65 * width), layout="constrained", dpi=300)
        axes = figure.add_subplot()
        for place, (name, runs) in enumerate(curves(points).items()):
            _draw_curve(axes, name, runs, place)
        _draw_front(axes, pareto(points))
        _draw_axes(axes, points)
        _draw_legend(figure, axes, points)
        figure.supxlabel(_conditions(points), fontsize=5, color="0.35")
        return figure


def _draw_front(axes: Axes, front: Sequence[SpeedPoint]) -> None:
    if len(front) > 1:
        speeds, scores = [p.frames_per_second for p in front], [100 * p.mean_ap for p in front]
        axes.step(
            speeds, scores, where="pre", color="0.6", linewidth=0.8, linestyle=":", zorder=1, label="Pareto front"
        )


def _draw_curve(axes: Axes, name: str, runs: Sequence[SpeedPoint], place: int) -> None:
    colour = COLOURS[place % len(COLOURS)]
    single = all(point.length is None for point in runs)
    marker, size = ("*", 8.0) if single else (MARKERS[place % len(MARKERS)], 3.5)
    axes.plot(
        [p.frames_per_second for p in runs],
        [100 * p.mean_ap for p in runs],
        color=colour,
        linewidth=0 if single else 1,
        marker=marker,
        markersize=size,
        label=name + (" (sees the truth)" if runs[0].sees_truth else ""),
        zorder=5 if single else 3,
    )
    for point in runs:
        at = (point.frames_per_second, 100 * point.mean_ap)
        if point.interval is not None:
            low, high = (100 * end for end in point.interval)
            axes.plot([at[0], at[0]], [low, high], color=colour, linewidth=0.6, alpha=0.45, zorder=2)
        if point.look_ahead:
            axes.plot(*at, color=colour, marker=marker, markersize=size, markerfacecolor="white", zorder=6)
        if point.length is not None:
            text = axes.annotate(
                f"{point.length:g}", at, (3, 3), textcoords="offset points", fontsize=5.5, color=colour
            )
            text.set_path_effects([withStroke(linewidth=1.5, foreground="white")])
            text.set_zorder(7)


def _draw_axes(axes: Axes, points: Sequence[SpeedPoint]) -> None:
    speeds = [point.frames_per_second for point in points]
    if max(speeds) > 10 * min(speeds):
        axes.set_xscale("log")
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axes.set_xlabel("frames per second")
    axes.set_ylabel(f"mAP ({points[0].protocol}), %" if points[0].protocol else "mAP, %")
    axes.margins(0.08)
    axes.grid(color="0.92", linewidth=0.5)
    axes.set_axisbelow(True)


def _draw_legend(figure: Figure, axes: Axes, points: Sequence[SpeedPoint]) -> None:
    """Put the legend above the axes, in two columns where its labels are short, and make the figure higher for it."""
    handles, labels = axes.get_legend_handles_labels()
    if any(point.length is not None for point in points):
        handles.append(Line2D([], [], linewidth=0))
        labels.append("numbers: segment length l")
    if any(point.look_ahead for point in points):
        handles.append(Line2D([], [], linewidth=0, marker="o", markersize=3.5, color="0.4", markerfacecolor="white"))
        labels.append("hollow: needs frames ahead")
    columns = 2 if max(map(len, labels)) * 2 < 16 * figure.get_figwidth() else 1
    figure.set_figheight(figure.get_figheight() + 0.13 * -(-len(labels) // columns))
    figure.legend(handles, labels, frameon=False, loc="outside upper left", ncols=columns, handlelength=1.6)


def _conditions(points: Sequence[SpeedPoint]) -> str:
    """Return what the speeds depend on, in a line."""
    parts = []
    for name in ("scenario", "device", "image_size"):
        values = sorted({str(getattr(point, name)) for point in points} - {""})
        if values:
            parts.append(" | ".join(values) + (" pixels" if name == "image_size" else ""))
    if any(point.interval for point in points):
        parts.append("bars: 95 % intervals over videos")
    if any(point.limited for point in points):
        parts.append("LIMITED RUNS")
    return "; ".join(parts)


def speed_accuracy_rows(points: Sequence[SpeedPoint]) -> list[dict[str, Any]]:
    """Return what `speed_accuracy` draws, a row for each point."""
    front = pareto(points)
    rows = []
    for curve, runs in curves(points).items():
        for point in runs:
            low, high = point.interval or (None, None)
            row = asdict(point) | {"options": json.dumps(dict(point.options), default=str), "low": low, "high": high}
            del row["interval"]
            rows.append({"curve": curve, "length": point.length, "pareto": point in front, **row})
    return rows
