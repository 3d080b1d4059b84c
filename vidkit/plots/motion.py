"""Mean AP of slow, medium and fast objects, or by any other attribute that the results are broken down by."""

import math
import re
from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from vidkit.errors import ChoiceError, did_you_mean
from vidkit.evaluation.result import EvalResult, GroupResult
from vidkit.evaluation.slices import attribute_names, repeats_all
from vidkit.plots.comparable import drawable, refuse_differences, rules_of, said_of_bars
from vidkit.plots.figure import COLUMN_WIDTH, Drawing, legend_above, light_grid, look, note_below, sheet

MOST_UPRIGHT = 6
"""More groups than these stand one below the other."""


def draw(
    results: Mapping[str, EvalResult],
    *,
    by: str = "motion",
    mix: bool = False,
    skip: bool = False,
    width: float = COLUMN_WIDTH,
) -> Drawing:
    """The mean AP of each group of `by` and of all data, a marker for each result, by the names of their runs.

    Bars are the intervals that the results have. Few groups stand side by side, many one below the other. `mix` lets
    results of different data through, `skip` leaves out those that have no groups by `by`. Raises ChoiceError for
    results that can't stand together: of other rules, of other ground truth in the groups, or without them.
    """
    by = " x ".join(attribute_names(by))
    results, notes = drawable(results, partial(_check_groups, by=by), skip)
    _refuse_unlike(results, by, mix)
    rows = motion_rows(results, by)
    groups = list(dict.fromkeys(str(row["group"]) for row in rows))
    upright = len(groups) <= MOST_UPRIGHT and sum(map(len, groups)) < 12 * width
    height = 0.55 * width if upright else 0.5 + max(0.16, 0.07 * len(results)) * len(groups)
    with sheet(width, height) as figure:
        axes = figure.add_subplot()
        for place, name in enumerate(results):
            shift = 0.7 * ((place + 0.5) / len(results) - 0.5)
            _draw_run(axes, name, [row for row in rows if row["run"] == name], groups, place, shift, upright)
        _draw_axes(axes, groups, by, upright, next(iter(results.values())).protocol.name)
        legend_above(figure, *axes.get_legend_handles_labels())
        note_below(figure, _conditions(results, by))
    return Drawing(figure, rows, "groups", {"by": by}, notes, stem=re.sub(r"[^\w-]+", "-", by))


def _check_groups(result: EvalResult, name: str, by: str) -> None:
    if not _groups(result, by):
        there = list(dict.fromkeys(group.by for group in result.groups))
        raise ChoiceError(
            f"{name}: no groups by {by!r}{did_you_mean(by, there)}; its result has groups by: "
            f"{', '.join(there) or 'nothing'}; `vidkit eval --by` makes others"
        )


def _refuse_unlike(results: Mapping[str, EvalResult], by: str, mix: bool) -> None:
    rules = ((name, rules_of(result.protocol)) for name, result in results.items())
    refuse_differences("rules", rules, "evaluate them with the same --protocol and --fp-rule")
    if not mix:
        data = ((name, str(result.data.get("index_fingerprint", ""))) for name, result in results.items())
        refuse_differences("data", data, "choose some of them, or give --mix")
        groups = ((name, _sizes(result, by)) for name, result in results.items())
        refuse_differences("groups", groups, "evaluate them with the same --bins")


def motion_rows(results: Mapping[str, EvalResult], by: str = "motion") -> list[dict[str, Any]]:
    """What is drawn: run, group, mean_ap, low, high (0 … 1, None: not known), n_gt.

    Groups without ground truth in any of the results are left out.
    """
    rows = [
        {"run": name, "group": group.name, "mean_ap": group.mean_ap if math.isfinite(group.mean_ap) else None}
        | dict(zip(("low", "high"), group.ends() or (None, None), strict=True))
        | {"n_gt": _n_gt(group)}
        for name, result in results.items()
        for group in (result.overall, *_groups(result, by))
    ]
    there = {"all"} | {row["group"] for row in rows if row["n_gt"]}
    return [row for row in rows if row["group"] in there]


def _groups(result: EvalResult, by: str) -> list[GroupResult]:
    return [group for group in result.groups if group.by == by and not repeats_all(group.by, group.name)]


def _sizes(result: EvalResult, by: str) -> str:
    return ", ".join(f"{group.name} {_n_gt(group)}" for group in _groups(result, by))


def _n_gt(group: GroupResult) -> int:
    return int(group.n_gt.sum())


def _draw_run(
    axes: Axes, name: str, rows: list[dict[str, Any]], groups: list[str], place: int, shift: float, upright: bool
) -> None:
    colour, marker = look(place)
    at = [groups.index(row["group"]) + shift for row in rows]
    scores, lows, highs = (
        [math.nan if row[key] is None else 100 * row[key] for row in rows] for key in ("mean_ap", "low", "high")
    )
    ends = np.array([lows, highs])
    (axes.vlines if upright else axes.hlines)(at, *ends, color=colour, linewidth=0.8, alpha=0.6)
    xy = (at, scores) if upright else (scores, at)
    axes.plot(*xy, color=colour, linewidth=0, marker=marker, markersize=3.5, label=name)


def _draw_axes(axes: Axes, groups: list[str], by: str, upright: bool, protocol: str) -> None:
    score = f"mAP ({protocol}), %"
    if upright:
        axes.set_xticks(range(len(groups)), groups)
        axes.set(xlabel=by, ylabel=score)
    else:
        axes.set_yticks(range(len(groups)), groups)
        axes.set(xlabel=score, ylabel=by, ylim=(len(groups) - 0.5, -0.5))
    divide = axes.axvline if upright else axes.axhline
    for place in range(1, len(groups)):
        divide(place - 0.5, color="0.6" if place == 1 else "0.9", linewidth=0.5, zorder=0)
    (axes.xaxis if upright else axes.yaxis).set_tick_params(length=0)
    light_grid(axes, "y" if upright else "x")


def _conditions(results: Mapping[str, EvalResult], by: str) -> str:
    first = next(iter(results.values()))
    parts = [f"{first.data.get('dataset', '')} {first.data.get('split', '')}".strip()]
    parts += said_of_bars(group for result in results.values() for group in (result.overall, *_groups(result, by)))
    if any(result.limited for result in results.values()):
        parts.append("LIMITED RUNS")
    return "; ".join(part for part in parts if part)
