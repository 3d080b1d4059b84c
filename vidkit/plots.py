"""The figures, and the numbers that they show; the only importer of matplotlib, whose global state is left alone."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke
from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator, StrMethodFormatter
from numpy.typing import NDArray

from vidkit.errors import ChoiceError, FormatError
from vidkit.evaluation.curves import PrecisionRecall
from vidkit.evaluation.errors_by_type import ERROR_TYPES, ErrorReport
from vidkit.evaluation.result import EvalResult
from vidkit.files import write_text, writing
from vidkit.sampling.survey import RoleSurvey, Survey

FORMATS = ("png", "svg", "pdf")
COLUMN_WIDTH = 3.5
"""Inches of one column of a two-column page."""
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""Okabe and Ito's colours, told apart with any kind of colour vision; markers differ as well."""
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
STYLE: dict[Any, Any] = {
    "font.size": 7,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.minor.width": 0.4,
    "legend.fontsize": 6.5,
    "svg.fonttype": "none",
    "svg.hashsalt": "vidkit",
}


# -- speed and accuracy (Impression Network, Figure 8) -----------------------------------------------------------------


@dataclass(frozen=True)
class SpeedPoint:
    """One run: how fast, how accurate, and what both depend on."""

    method: str
    frames_per_second: float
    mean_ap: float  # 0 … 1
    interval: tuple[float, float] | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    look_ahead: int | None = None  # frames, the most of any answer
    protocol: str = ""
    scenario: str = ""
    device: str = ""
    image_size: str = ""
    data: str = ""  # fingerprint of the index
    sees_truth: bool = False
    limited: bool = False
    source: str = ""

    @property
    def length(self) -> float | None:
        """The segment length l; None for a method without segments, such as per-frame detection."""
        value = self.options.get("length")
        return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def speed_point(result: EvalResult, source: str) -> SpeedPoint:
    """Return the point of a result, called `source`.

    Raises ChoiceError if its run wasn't timed or has no mean AP, FormatError if what it tells of its run is damaged.
    """
    run = result.run
    if run.get("frames_per_second") is None or not math.isfinite(result.mean_ap):
        untimed = run.get("frames_per_second") is None
        what = "was not timed; make its predictions with `vidkit benchmark`" if untimed else "has no mean AP"
        raise ChoiceError(f"{source}: {what}")
    try:
        return _speed_point(result, source, dict(run["options"]), dict(run["environment"]))
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise FormatError(f"{source}: what its result tells of the run is damaged: {error!r}; evaluate again") from None


def _speed_point(result: EvalResult, source: str, options: dict[str, Any], environment: dict[str, Any]) -> SpeedPoint:
    run, ends, ahead = result.run, result.overall.interval, result.run.get("look_ahead_max")
    speed, device = float(run["frames_per_second"]), str(environment.get("device", ""))
    if not 0 < speed < math.inf:
        raise ValueError(f"{speed} frames per second")
    return SpeedPoint(
        method=str(run.get("detector") or source),
        frames_per_second=speed,
        mean_ap=result.mean_ap,
        interval=None if ends is None or not np.isfinite(ends.mean_ap).all() else _pair(ends.mean_ap),
        options=options,
        look_ahead=None if ahead is None else int(ahead),
        protocol=result.protocol.name,
        scenario=str(run.get("scenario", "")),
        device=f"cpu, {environment.get('cpu', '')}" if device == "cpu" else device,
        image_size=str(environment.get("input_size", environment.get("image_size", ""))),
        data=str(result.data.get("index_fingerprint", "")),
        sees_truth=bool(environment.get("sees_truth", False)),
        limited=result.limited,
        source=source,
    )


def _pair(ends: NDArray[np.float64]) -> tuple[float, float]:
    return float(ends[0]), float(ends[1])


def check_comparable(points: Sequence[SpeedPoint], mix: bool = False, limited: bool = False) -> None:
    """Raise ChoiceError if the points don't belong in one figure: another device, scenario, image size or data.

    `mix` lets such points through, `limited` those of runs over a part of the data. Protocols are never mixed.
    """
    partial = [point.source for point in points if point.limited]
    if partial and not limited:
        raise ChoiceError(f"limited to a part of the data, so no score: {', '.join(partial)}; draw them with --limited")
    for name, may_differ in (
        ("protocol", False),
        ("device", mix),
        ("scenario", mix),
        ("image_size", mix),
        ("data", mix),
    ):
        found: dict[str, list[str]] = {}
        for point in points:
            found.setdefault(getattr(point, name), []).append(point.source)
        if len(found) > 1 and not may_differ:
            listed = "; ".join(f"{value or 'not told'}: {', '.join(sources)}" for value, sources in found.items())
            advice = "choose one with --protocol" if name == "protocol" else "choose some of them, or give --mix"
            raise ChoiceError(f"the runs differ in {name.replace('_', ' ')}, so can't be compared: {listed}; {advice}")


def curves(points: Iterable[SpeedPoint]) -> dict[str, list[SpeedPoint]]:
    """Return the points of each curve by its name, ordered by l.

    A curve is a method; where runs of one method differ in other options than the length, these part it and stand in
    the name.
    """
    methods: dict[str, list[SpeedPoint]] = {}
    for point in points:
        methods.setdefault(point.method, []).append(point)
    found: dict[str, list[SpeedPoint]] = {}
    for method, runs in methods.items():
        differing = _differing_options(runs)
        for point in runs:
            chosen = [f"{n}={point.options[n]}" for n in differing if point.options.get(n) is not None]
            found.setdefault(" ".join([method, *chosen]), []).append(point)
    return {name: sorted(runs, key=lambda p: (p.length or 0, p.frames_per_second)) for name, runs in found.items()}


def _differing_options(runs: Sequence[SpeedPoint]) -> list[str]:
    names = sorted({name for point in runs for name in point.options} - {"length"})
    return [name for name in names if len({json.dumps(point.options.get(name)) for point in runs}) > 1]


def pareto(points: Sequence[SpeedPoint]) -> list[SpeedPoint]:
    """Return the points that no other beats in both speed and accuracy, from slow to fast."""
    front: list[SpeedPoint] = []
    for point in sorted(points, key=lambda p: (-p.frames_per_second, -p.mean_ap)):
        if not front or point.mean_ap > front[-1].mean_ap:
            front.append(point)
    return front[::-1]


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


# -- what a sampler draws ----------------------------------------------------------------------------------------------


def samples(survey: Survey, title: str, width: float = COLUMN_WIDTH) -> Figure:
    """Return the offsets of each role, declared, drawn and after clamping, and the classes: what `samples_rows` has."""
    classes = [row for row in samples_rows(survey) if row["panel"] == "class"]
    heights = [0.8] * len(survey.roles) + [0.3 + 0.1 * max(len(classes), 3)]
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(width, sum(heights) + 0.35 * len(heights) + 0.3), layout="constrained", dpi=300)
        panels = figure.subplots(len(heights), squeeze=False, gridspec_kw={"height_ratios": heights})[:, 0]
        for axes, role in zip(panels, survey.roles, strict=False):
            _draw_role(axes, role, survey)
        _draw_classes(panels[-1], classes)
        shares = ", ".join(f"{s.name} {100 * s.samples / survey.samples:.3g} %" for s in survey.sources)
        figure.suptitle(f"{title}: {survey.samples} samples; {shares}", fontsize=6.5)
        return figure


def samples_rows(survey: Survey) -> list[dict[str, Any]]:
    """Return what `samples` draws: a row for each offset of each role, and for each class that may be drawn.

    `drawn` and `used` are shares of the samples of videos, before and after clamping; for a class, its shares of the
    frames that may be drawn and of the samples.
    """
    rows: list[dict[str, Any]] = []
    of_videos = max(survey.of_videos, 1)
    for role in survey.roles:
        for offset in sorted(role.drawn.keys() | role.used.keys()):
            drawn, used = (counts.get(offset, 0) / of_videos for counts in (role.drawn, role.used))
            rows.append({"panel": role.role, "of": offset, "drawn": drawn, "used": used})
    frames = sum(source.frames for source in survey.sources)
    for c in survey.classes:
        if c.frames:
            rows.append(
                {"panel": "class", "of": c.name, "drawn": c.frames / frames, "used": c.samples / survey.samples}
            )
    return rows


def _draw_role(axes: Axes, role: RoleSurvey, survey: Survey) -> None:
    rows = [row for row in samples_rows(survey) if row["panel"] == role.role]
    offsets = [row["of"] for row in rows]
    low, high = role.declared
    axes.bar(offsets, [100 * row["used"] for row in rows], width=0.8, color=COLOURS[5], label="after clamping")
    drawn = [100 * row["drawn"] for row in rows]
    axes.plot(offsets, drawn, linewidth=0, marker=".", markersize=3, color=COLOURS[1], label="drawn")
    uniform = 100 / (high - low + 1)
    axes.plot([low - 0.5, high + 0.5], [uniform, uniform], color="0.2", linewidth=0.8, linestyle="--", label="declared")
    axes.set_xlabel(f"offset of {role.role} from the current frame, frames")
    axes.set_ylabel("samples, %")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.legend(frameon=False, loc="lower right", bbox_to_anchor=(1, 0.95), ncols=3)


def _draw_classes(axes: Axes, rows: Sequence[Mapping[str, Any]]) -> None:
    places = range(len(rows))
    axes.barh(places, [100 * row["used"] for row in rows], height=0.7, color=COLOURS[5], label="samples that show it")
    shares = [100 * row["drawn"] for row in rows]
    axes.plot(shares, places, linewidth=0, marker="|", color=COLOURS[1], label="frames that may be drawn")
    axes.set_yticks(places, [row["of"] for row in rows], fontsize=5)
    axes.invert_yaxis()
    axes.set_xlabel("%")
    axes.legend(frameon=False, loc="lower right", bbox_to_anchor=(1, 1), ncols=2)


# -- files -------------------------------------------------------------------------------------------------------------


# -- errors by type, precision against recall --------------------------------------------------------------------------


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
    groups = {"all": report.overall} | {f"{g.by}: {g.name}": g for g in report.groups if not _repeats_all(g.by, g.name)}
    return [
        {"group": name, "type": kind, "delta_ap": group.delta[kind]}
        for name, group in groups.items()
        for kind in ERROR_TYPES
    ]


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
        if curve.n_gt and not _repeats_all(curve.by, curve.group):
            name = f"{curve.by}: {curve.group}" if curve.by else "all"
            envelope = np.append(np.maximum.accumulate(curve.precision[::-1])[::-1], 0.0)
            envelopes.setdefault(name, []).append(envelope[np.searchsorted(curve.recall, levels - 1e-12)])
    return [
        {"group": name, "recall": float(level), "precision": float(precision)}
        for name, of_classes in envelopes.items()
        for level, precision in zip(levels, np.mean(of_classes, axis=0), strict=True)
    ]


def _repeats_all(by: str, group: str) -> bool:
    """Return whether a group is all of the data once more, as the first of motion and of area is."""
    return by in ("motion", "area") and group == "all"


def write_figure(paths: Sequence[Path], figure: Figure, rows: Sequence[Mapping[str, Any]]) -> list[Path]:
    """Write the figure to each of `paths`, and what is drawn to a CSV of the same name beside it; return all of them.

    Raises ChoiceError if the ending of a path isn't one of FORMATS.
    """
    for path in paths:
        if path.suffix.lower().lstrip(".") not in FORMATS:
            raise ChoiceError(
                f"{path}: can't draw {path.suffix or 'a file without ending'}; wanted {', '.join(FORMATS)}"
            )
    for path in paths:
        ending = path.suffix.lower().lstrip(".")
        undated: dict[str, Any] = {"png": {}, "svg": {"Date": None}, "pdf": {"CreationDate": None}}[ending]
        with matplotlib.rc_context(STYLE), writing(path) as part:
            figure.savefig(part, format=ending, metadata=undated)
    tables = list(dict.fromkeys(path.with_suffix(".csv") for path in paths))
    for table in tables:
        write_text(table, _csv(rows))
    return [*paths, *tables]


def _csv(rows: Sequence[Mapping[str, Any]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(rows[0]) if rows else [], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
