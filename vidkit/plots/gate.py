"""Mean AP against the memory gate g (Impression Network, Fig. 7)."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

from matplotlib.axes import Axes

from vidkit.errors import ChoiceError
from vidkit.evaluation.result import EvalResult
from vidkit.plots.comparable import differing_options, drawable, refuse_differences, rules_of
from vidkit.plots.figure import COLUMN_WIDTH, LIMITED, Drawing, legend_above, light_grid, look, note_below, sheet


@dataclass(frozen=True)
class GatePoint:
    """One run of a sweep over gates."""

    run: str
    curve: str
    """The detector, with the options in which curves differ."""
    gate: float
    mean_ap: float  # 0 … 1
    low: float | None  # None: no interval
    high: float | None


def draw(results: Mapping[str, EvalResult], *, skip: bool = False, width: float = COLUMN_WIDTH) -> Drawing:
    """Mean AP against the gate of results by the names of their runs, a line for each curve; bars are intervals.

    `skip` leaves out those without a gate, which need no note: most runs have none. Raises ChoiceError as
    `gate_points`.
    """
    kept, _ = drawable(results, _gate_of_run, skip)
    points = gate_points(kept)
    limited = any(result.limited for result in kept.values())
    with sheet(width, 0.55 * width) as figure:
        axes = figure.add_subplot()
        curves = list(dict.fromkeys(point.curve for point in points))
        for place, curve in enumerate(curves):
            _draw_curve(axes, [point for point in points if point.curve == curve], curve, place)
        protocol = next(iter(kept.values())).protocol.name
        axes.set(xlabel="memory gate g", ylabel=f"mAP ({protocol}), %", xlim=(-0.04, 1.04))
        axes.margins(y=0.1)
        light_grid(axes)
        if len(curves) > 1:
            legend_above(figure, *axes.get_legend_handles_labels())
        said = [] if len(curves) > 1 else [curves[0]]
        said += ["bars: 95 % intervals over videos"] if any(point.low is not None for point in points) else []
        note_below(figure, "; ".join(said) + LIMITED * limited)
    return Drawing(figure, [asdict(point) for point in points], "points", {"limited": limited})


def gate_points(results: Mapping[str, EvalResult]) -> list[GatePoint]:
    """A point for each result, by the name of its run, in the order of the gate.

    Raises ChoiceError for a run without a gate or mean AP, results under different rules or on different data, and two
    runs of one curve with the same gate.
    """
    rules = ((name, rules_of(result.protocol)) for name, result in results.items())
    refuse_differences("rules", rules, "evaluate them with the same --protocol and --fp-rule")
    data = ((name, str(result.data.get("index_fingerprint", ""))) for name, result in results.items())
    refuse_differences("data", data, "choose some of them")
    names = _curve_names(results)
    points = [_point(name, result, names[name]) for name, result in results.items()]
    points.sort(key=lambda point: (point.curve, point.gate))
    for one, other in pairwise(points):
        if (one.curve, one.gate) == (other.curve, other.gate):
            raise ChoiceError(
                f"{one.run}, {other.run}: both are {one.curve} with gate {one.gate:g}; choose one of them"
            )
    return points


def options_of(result: EvalResult) -> dict[str, Any]:
    """The options of a result's run; none where they aren't told."""
    options = result.run.get("options")
    return dict(options) if isinstance(options, Mapping) else {}


def gate_of(options: Mapping[str, Any]) -> float | None:
    """The memory gate among the options of a run; None if there is none."""
    value = options.get("gate")
    known = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1
    return float(value) if known and value is not None else None


def _draw_curve(axes: Axes, points: list[GatePoint], curve: str, place: int) -> None:
    colour, marker = look(place)
    gates, scores = [point.gate for point in points], [100 * point.mean_ap for point in points]
    axes.plot(gates, scores, color=colour, linewidth=1, marker=marker, markersize=3.5, label=curve)
    for point in points:
        if point.low is not None and point.high is not None:
            axes.vlines(point.gate, 100 * point.low, 100 * point.high, color=colour, linewidth=0.8, alpha=0.5)


def _gate_of_run(result: EvalResult, name: str) -> float:
    value = gate_of(options_of(result))
    if value is None:
        raise ChoiceError(f"{name}: its run has no option gate in 0 … 1; `vidkit sweep … --option gate=0..1:0.125`")
    return value


def _point(name: str, result: EvalResult, curve: str) -> GatePoint:
    value = _gate_of_run(result, name)
    if not math.isfinite(result.mean_ap):
        raise ChoiceError(f"{name}: has no mean AP")
    return GatePoint(name, curve, value, result.mean_ap, *(result.overall.ends() or (None, None)))


def _curve_names(results: Mapping[str, EvalResult]) -> dict[str, str]:
    """The name of each run's curve: its detector, and the options but the gate in which the runs differ."""
    options = {name: options_of(result) for name, result in results.items()}
    differing = differing_options(options.values(), but="gate")
    return {
        name: " ".join([str(result.run.get("detector") or name), *(f"{o}={options[name].get(o)}" for o in differing)])
        for name, result in results.items()
    }
