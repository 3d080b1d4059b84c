"""Accuracy against the distance from the keyframe, and the mean distance for every keyframe id (Table 2)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from vidkit.evaluation.distance import DistanceScore
from vidkit.keyframes.propagation import mean_distance
from vidkit.plots.figure import COLOURS, COLUMN_WIDTH, LIMITED, SMALL, STYLE, legend_above, look, wrapped


@dataclass(frozen=True)
class KeyIdScore:
    """The mean AP of a run with this keyframe id."""

    run: str
    key_id: int
    mean_ap: float
    low: float | None = None
    high: float | None = None


def propagation(
    scores: Mapping[str, Sequence[DistanceScore]],
    length: int,
    by_key_id: Sequence[KeyIdScore] = (),
    protocol: str = "",
    limited: bool = False,
    width: float = COLUMN_WIDTH,
) -> Figure:
    """Return mean AP against |t - key|, a line for each run (and motion group), above the mean distance by keyframe id.

    Beside the mean distance, which is the closed form for segments of `length` frames, stand the mean APs of runs with
    different keyframe ids. Bars are the intervals that there are. Without scores only the lower panel is drawn.
    """
    with matplotlib.rc_context(STYLE):
        panels = 2 if scores else 1
        figure = Figure(figsize=(width, 0.5 * width * panels), layout="constrained", dpi=300)
        axes = list(figure.subplots(panels, squeeze=False)[:, 0])
        if scores:
            _draw_distances(axes[0], scores, protocol)
            legend_above(figure, *axes[0].get_legend_handles_labels())
        _draw_key_ids(axes[-1], length, by_key_id, protocol)
        ends = [each.interval for each in _all(scores)] + [each.low for each in by_key_id]
        said = f"mean distance: closed form, l = {length}"
        said += "; bars: 95 % intervals over videos" if any(each is not None for each in ends) else ""
        figure.supxlabel(wrapped(said + LIMITED * limited, width), fontsize=SMALL, color="0.35")
        return figure


def propagation_rows(
    scores: Mapping[str, Sequence[DistanceScore]], length: int, by_key_id: Sequence[KeyIdScore] = ()
) -> list[dict[str, Any]]:
    """Return what `propagation` draws, a row for each point: panel, run, motion, at, mean_distance, mean_ap, low, high.

    `at` is |t - key| in the panel "distance", the keyframe id in "keyframe id"; frames and objects are those scored.
    """
    empty = dict.fromkeys(_COLUMNS, None)
    rows = [
        empty
        | {"panel": "distance", "run": run, "motion": each.motion, "at": each.distance}
        | {"mean_ap": _known(each.mean_ap), "frames": each.frames, "objects": each.ground_truth}
        | dict(zip(("low", "high"), each.interval or (None, None), strict=True))
        for run, of_run in scores.items()
        for each in of_run
    ]
    for key_id in range(length):
        row = empty | {"panel": "keyframe id", "at": key_id, "mean_distance": mean_distance(length, key_id)}
        runs = [each for each in by_key_id if each.key_id == key_id]
        rows += [row | {"run": e.run, "mean_ap": e.mean_ap, "low": e.low, "high": e.high} for e in runs] or [row]
    return rows


_COLUMNS = ("panel", "run", "motion", "at", "mean_distance", "mean_ap", "low", "high", "frames", "objects")


def _all(scores: Mapping[str, Sequence[DistanceScore]]) -> list[DistanceScore]:
    return [each for of_run in scores.values() for each in of_run]


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _draw_distances(axes: Axes, scores: Mapping[str, Sequence[DistanceScore]], protocol: str) -> None:
    groups = list(dict.fromkeys((run, each.motion) for run, of_run in scores.items() for each in of_run))
    for place, (run, motion) in enumerate(groups):
        colour, marker = look(place)
        mine = [each for each in scores[run] if each.motion == motion and math.isfinite(each.mean_ap)]
        shift = 0.24 * ((place + 0.5) / len(groups) - 0.5)  # bars beside each other
        at = [each.distance + shift for each in mine]
        name = " ".join([run] * (len(scores) > 1) + [motion] * (len(groups) > len(scores))) or run
        heights = [100 * each.mean_ap for each in mine]
        axes.plot(at, heights, color=colour, linewidth=1, marker=marker, markersize=3, label=name)
        for x, each in zip(at, mine, strict=True):
            if each.interval is not None:
                low, high = (100 * end for end in each.interval)
                axes.vlines(x, low, high, color=colour, linewidth=0.7, alpha=0.45)
    axes.set(xlabel="|t - key|, frames", ylabel=_score(protocol))
    _tidy(axes)


def _draw_key_ids(axes: Axes, length: int, by_key_id: Sequence[KeyIdScore], protocol: str) -> None:
    ids = list(range(length))
    axes.plot(ids, [mean_distance(length, k) for k in ids], color="0.35", linewidth=1, marker=".", markersize=4)
    axes.set(xlabel="keyframe id", ylabel="mean distance, frames")
    _tidy(axes)
    if by_key_id:
        beside = axes.twinx()
        beside.spines["right"].set_visible(True)
        colour = COLOURS[0]
        for each in by_key_id:
            if each.low is not None and each.high is not None:
                beside.vlines(each.key_id, 100 * each.low, 100 * each.high, color=colour, linewidth=0.8, alpha=0.5)
        heights = [100 * each.mean_ap for each in by_key_id]
        beside.plot([e.key_id for e in by_key_id], heights, color=colour, linewidth=0, marker="o", markersize=3.5)
        beside.set_ylabel(_score(protocol), color=colour)
        beside.tick_params(axis="y", colors=colour)


def _score(protocol: str) -> str:
    return f"mAP ({protocol}), %" if protocol else "mAP, %"


def _tidy(axes: Axes) -> None:
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(color="0.92", linewidth=0.5)
    axes.set_axisbelow(True)
