"""Mean AP against frames per second (Impression Network, Figure 8)."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, NullLocator, StrMethodFormatter

from vidkit.evaluation.result import EvalResult
from vidkit.plots.comparable import drawable
from vidkit.plots.figure import COLUMN_WIDTH, Drawing, legend_above, light_grid, look, note_below, sheet
from vidkit.plots.labels import Label, Polyline, draw_labels
from vidkit.plots.published import PublishedRun, published_panels, published_runs
from vidkit.plots.speed_points import SpeedPoint, check_comparable, curves, pareto, speed_point

MARKER_SIZE, STAR_SIZE = 3.5, 8.0
"""Points of the page."""


def draw(
    results: Mapping[str, EvalResult],
    *,
    mix: bool = False,
    skip: bool = False,
    published: bool = False,
    width: float = COLUMN_WIDTH,
) -> Drawing:
    """The figure of results by the names of their runs; `skip` leaves out those that weren't timed.

    With `published` the numbers that the field published stand below.

    Raises ChoiceError for runs that can't stand together: see `speed_points.check_comparable`.
    """
    kept, notes = drawable(results, speed_point, skip)
    points = [speed_point(result, name) for name, result in kept.items()]
    check_comparable(points, mix)
    others = published_runs() if published else ()
    told = {"published": [asdict(run) for run in others]} if published else {}
    alone = len([run for run in others if run.timed]) - sum(map(len, published_panels(others).values()))
    if alone:
        notes = [*notes, f"{alone} published runs share device, batch and protocol with no other: in the table alone"]
    figure = speed_accuracy(points, width, others)
    return Drawing(figure, [*speed_accuracy_rows(points), *_published_rows(others)], "points", told, notes)


def speed_accuracy(
    points: Sequence[SpeedPoint], width: float = COLUMN_WIDTH, published: Sequence[PublishedRun] = ()
) -> Figure:
    """Mean AP against frames per second, one curve a method (Impression Network, Figure 8).

    Points are labelled with l; a method without segments is one point, a star. Hollow points look ahead. Bars are the
    intervals that the results have, of both numbers; the dotted steps are the Pareto front. What was `published` stands
    below, a panel for each device, batch and protocol: speeds of unlike ones can't be compared. `width` is in inches.
    """
    if not points:
        raise ValueError("a figure of no points")
    panels = published_panels(published)
    columns = 1 if width < TWO_COLUMNS else 2
    crowds = [len(runs) for runs in panels.values()]
    rows = [max(crowds[start : start + columns]) for start in range(0, len(crowds), columns)]
    heights = [0.65 * width, *((0.3 + 0.03 * most) * width / columns for most in rows)]
    with sheet(width, sum(heights)) as figure:
        grid = figure.add_gridspec(len(heights), columns, height_ratios=heights)
        axes = figure.add_subplot(grid[0, :])
        below = [figure.add_subplot(grid[1 + place // columns, place % columns]) for place in range(len(panels))]
        partly_told = not all(point.sees_truth for point in points)
        for place, (name, runs) in enumerate(curves(points).items()):
            _draw_curve(axes, name + _truth_mark(runs) * partly_told + " (stated)" * runs[0].stated, runs, place)
        _draw_axes(axes, points)
        axes.set(xlim=axes.get_xlim(), ylim=axes.get_ylim())
        _draw_front(axes, pareto(points))
        _draw_legend(figure, axes, points)
        for beside, (name, others) in zip(below, panels.items(), strict=True):
            _draw_published(beside, name, others)
        note_below(figure, _conditions(points) + PUBLISHED_NOTE * bool(panels))
        draw_labels(figure, axes, _labels(points), _lines(points), MARKER_SIZE)
        for beside, others in zip(below, panels.values(), strict=True):
            labels = [Label(run.method, (run.frames_per_second, run.ap50), "0.25") for run in _best_first(others)]
            draw_labels(figure, beside, labels, [], MARKER_SIZE)
        return figure


TWO_COLUMNS = 5.0
"""Inches from which on the published panels stand in two columns."""
PUBLISHED_NOTE = "; below: AP50 on ImageNet VID as published, each panel of one device, batch and protocol"


def _best_first(runs: Sequence[PublishedRun]) -> list[PublishedRun]:
    return sorted(runs, key=lambda run: -run.ap50)


def _draw_published(axes: Axes, name: str, runs: Sequence[PublishedRun]) -> None:
    axes.plot(
        [run.frames_per_second for run in runs],
        [run.ap50 for run in runs],
        color="0.35",
        linewidth=0,
        marker="o",
        markersize=MARKER_SIZE,
        markerfacecolor="white",
    )
    if _spread_widely([run.frames_per_second for run in runs]):
        _logarithmic(axes)
    axes.set_title(name, fontsize="medium", loc="left")
    axes.set(xlabel="frames per second, published", ylabel="AP50, %")
    axes.margins(0.2)
    axes.set(xlim=axes.get_xlim(), ylim=axes.get_ylim())
    light_grid(axes)


def _draw_front(axes: Axes, front: Sequence[SpeedPoint]) -> None:
    """Draw the front, from the slow edge of the axes to the bottom; their limits must be final."""
    speeds = [axes.get_xlim()[0], *(p.frames_per_second for p in front), front[-1].frames_per_second]
    scores = [100 * front[0].mean_ap, *(100 * p.mean_ap for p in front), axes.get_ylim()[0]]
    axes.step(speeds, scores, where="pre", color="0.45", linewidth=0.8, linestyle=":", zorder=1, label="Pareto front")


def _draw_curve(axes: Axes, name: str, runs: Sequence[SpeedPoint], place: int) -> None:
    colour, own = look(place)
    single = _without_segments(runs)
    marker, size = ("*", STAR_SIZE) if single else (own, MARKER_SIZE)
    axes.plot(
        [p.frames_per_second for p in runs],
        [100 * p.mean_ap for p in runs],
        color=colour,
        linewidth=0 if single else 1,
        marker=marker,
        markersize=size,
        label=name,
        zorder=5 if single else 3,
    )
    for point in runs:
        for bar in _bars(point):
            axes.plot(*zip(*bar, strict=True), color=colour, linewidth=0.6, alpha=0.45, zorder=2)
        if point.look_ahead:
            at = (point.frames_per_second, 100 * point.mean_ap)
            axes.plot(*at, color=colour, marker=marker, markersize=size, markerfacecolor="white", zorder=6)


def _truth_mark(runs: Sequence[SpeedPoint]) -> str:
    return " (sees the truth)" if runs[0].sees_truth else ""


def _without_segments(runs: Sequence[SpeedPoint]) -> bool:
    return all(point.length is None for point in runs)


def _bars(point: SpeedPoint) -> list[Polyline]:
    """The intervals of a point as lines, up and across."""
    speed, score = point.frames_per_second, 100 * point.mean_ap
    bars: list[Polyline] = []
    if point.interval is not None:
        bars.append([(speed, 100 * end) for end in point.interval])
    if point.speed_interval is not None:
        bars.append([(end, score) for end in point.speed_interval])
    return bars


def _labels(points: Sequence[SpeedPoint]) -> list[Label]:
    """The labels of the points that have a length, the ends of all curves first."""
    found: list[tuple[bool, Label]] = []
    for place, runs in enumerate(curves(points).values()):
        for point in runs:
            if point.length is not None:
                at = (point.frames_per_second, 100 * point.mean_ap)
                label = Label(f"{point.length:g}", at, look(place)[0])
                found.append((point not in (runs[0], runs[-1]), label))
    return [label for _, label in sorted(found, key=lambda pair: pair[0])]


def _lines(points: Sequence[SpeedPoint]) -> list[Polyline]:
    """The curves and the bars, for labels to keep off."""
    joined = [[(p.frames_per_second, 100 * p.mean_ap) for p in runs] for runs in curves(points).values()]
    return [*joined, *(bar for point in points for bar in _bars(point))]


def _draw_axes(axes: Axes, points: Sequence[SpeedPoint]) -> None:
    if _spread_widely([point.frames_per_second for point in points]):
        _logarithmic(axes)
    axes.set_xlabel("frames per second")
    axes.set_ylabel(f"mAP ({points[0].protocol}), %" if points[0].protocol else "mAP, %")
    axes.margins(0.08)
    light_grid(axes)


def _spread_widely(speeds: Sequence[float]) -> bool:
    return max(speeds) > 10 * min(speeds)


def _logarithmic(axes: Axes) -> None:
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))


def _draw_legend(figure: Figure, axes: Axes, points: Sequence[SpeedPoint]) -> None:
    """Tell the curves, and what numbers and hollow markers mean."""
    handles, labels = axes.get_legend_handles_labels()
    if any(point.length is not None for point in points):
        handles.append(Line2D([], [], linewidth=0))
        labels.append("numbers: segment length l")
    if any(point.look_ahead for point in points):
        handles.append(Line2D([], [], linewidth=0, marker="o", markersize=3.5, color="0.4", markerfacecolor="white"))
        labels.append("hollow: needs frames ahead")
    legend_above(figure, handles, labels)


def _conditions(points: Sequence[SpeedPoint]) -> str:
    """What the speeds depend on, in a line."""
    parts = []
    for name in ("scenario", "device", "image_size"):
        values = sorted({str(getattr(point, name)) for point in points} - {""})
        if values:
            parts.append(" | ".join(values) + (" pixels" if name == "image_size" else ""))
    if any(point.interval or point.speed_interval for point in points):
        parts.append("bars: 95 % intervals over videos")
    if all(point.sees_truth for point in points):
        parts.append("stand-ins that see the ground truth")
    if any(point.limited for point in points):
        parts.append("LIMITED RUNS")
    return "; ".join(parts)


def _published_rows(runs: Sequence[PublishedRun]) -> list[dict[str, Any]]:
    """What was published in the columns of our own, and its own."""
    return [
        {"curve": "published", "method": run.method, "frames_per_second": run.frames_per_second if run.timed else None}
        | {"mean_ap": run.ap50 / 100, "protocol": run.protocol, "device": run.device, "source": run.source}
        | {"batch": run.batch, "slow": run.slow, "medium": run.medium, "fast": run.fast}
        for run in runs
    ]


def speed_accuracy_rows(points: Sequence[SpeedPoint]) -> list[dict[str, Any]]:
    """What `speed_accuracy` draws, a row for each point."""
    front = pareto(points)
    rows = []
    for curve, runs in curves(points).items():
        for point in runs:
            row = asdict(point)
            low, high = row.pop("interval") or (None, None)
            slow, fast = row.pop("speed_interval") or (None, None)
            row |= {"low": low, "high": high, "frames_per_second_low": slow, "frames_per_second_high": fast}
            rows.append({"curve": curve, "length": point.length, "pareto": point in front, **row})
    return rows
