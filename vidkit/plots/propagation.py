"""Accuracy against the distance from the keyframe, and the mean distance for every keyframe id (Table 2)."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from vidkit.data.index import Index
from vidkit.errors import ChoiceError
from vidkit.evaluation.distance import DistanceScore, scores_by_distance, told_distances
from vidkit.evaluation.result import EvalResult
from vidkit.keyframes.propagation import mean_distance
from vidkit.plots.figure import (
    COLOURS,
    COLUMN_WIDTH,
    LIMITED,
    Drawing,
    legend_above,
    light_grid,
    look,
    note_below,
    sheet,
)
from vidkit.plots.gate import options_of
from vidkit.predictions.table import Predictions

MOST_LENGTH = 1000


@dataclass(frozen=True)
class KeyIdScore:
    """The mean AP of a run with this keyframe id."""

    run: str
    key_id: int
    mean_ap: float
    low: float | None = None
    high: float | None = None


def draw(
    index: Index,
    predictions: Mapping[str, Predictions],
    protocol: str,
    results: Mapping[str, EvalResult],
    *,
    length: int | None = None,
    by: str = "none",
    ci: int = 0,
    seed: int = 0,
    width: float = COLUMN_WIDTH,
) -> Drawing:
    """The figure of runs by their names; in the lower panel those `results` that are of these predictions.

    by: "motion" or "none". `length` is that of the segments; without it the runs', or 10. Raises ChoiceError where
    their lengths differ, PredictionError where they don't tell their keyframes.
    """
    scores = {
        name: scores_by_distance(index, one, told_distances(index, one), protocol, by == "motion", ci, seed)
        for name, one in predictions.items()
    }
    length = length or _length(predictions)
    known = {one.fingerprint for one in predictions.values()}
    scored = {name: r for name, r in results.items() if r.data.get("predictions_fingerprint") in known}
    by_key_id = key_id_scores(scored, length)
    partial = any(one.run.limited for one in predictions.values())
    figure = propagation(scores, length, by_key_id, protocol, partial, width)
    told = {"length": length, "limited": partial}
    return Drawing(figure, propagation_rows(scores, length, by_key_id), told=told)


def key_id_scores(results: Mapping[str, EvalResult], length: int) -> list[KeyIdScore]:
    """The scores of the runs with segments of `length` frames and a known keyframe id, by rising id."""
    found = []
    for name, result in results.items():
        key_id = _key_id(options_of(result), length)
        if key_id is not None:
            found.append(KeyIdScore(name, key_id, result.mean_ap, *(result.overall.ends() or (None, None))))
    return sorted(found, key=lambda score: (score.key_id, score.run))


def _key_id(options: Mapping[str, Any], length: int) -> int | None:
    """The keyframe id of a run with segments of `length` frames; None where it isn't told."""
    if options.get("length") != length or "key_id" not in options:
        return None
    key_id = options["key_id"]
    if key_id is None:
        return length // 2
    return key_id if type(key_id) is int and 0 <= key_id < length else None


def _length(runs: Mapping[str, Predictions]) -> int:
    """The segment length that the runs have in common; 10 where they tell none."""
    told = {name: predictions.run.options.get("length") for name, predictions in runs.items()}
    known = {value for value in told.values() if type(value) is int and 1 <= value <= MOST_LENGTH}
    if len(known) > 1:
        listed = ", ".join(f"{name}: {value}" for name, value in told.items())
        raise ChoiceError(f"the runs have segments of different lengths ({listed}); choose some, or give --length")
    return known.pop() if known else 10


def propagation(
    scores: Mapping[str, Sequence[DistanceScore]],
    length: int,
    by_key_id: Sequence[KeyIdScore] = (),
    protocol: str = "",
    limited: bool = False,
    width: float = COLUMN_WIDTH,
) -> Figure:
    """Mean AP against |t - key|, a line for each run (and motion group), above the mean distance by keyframe id.

    Beside the mean distance, which is the closed form for segments of `length` frames, stand the mean APs of runs with
    different keyframe ids. Bars are the intervals that there are. Without scores only the lower panel is drawn.
    """
    panels = 2 if scores else 1
    with sheet(width, 0.5 * width * panels) as figure:
        axes = list(figure.subplots(panels, squeeze=False)[:, 0])
        if scores:
            _draw_distances(axes[0], scores, protocol)
            legend_above(figure, *axes[0].get_legend_handles_labels())
        _draw_key_ids(axes[-1], length, by_key_id, protocol)
        ends = [each.interval for each in _all(scores)] + [each.low for each in by_key_id]
        said = f"mean distance: closed form, l = {length}"
        said += "; bars: 95 % intervals over videos" if any(each is not None for each in ends) else ""
        note_below(figure, said + LIMITED * limited)
        return figure


def propagation_rows(
    scores: Mapping[str, Sequence[DistanceScore]], length: int, by_key_id: Sequence[KeyIdScore] = ()
) -> list[dict[str, Any]]:
    """What `propagation` draws, a row for each point: panel, run, motion, at, mean_distance, mean_ap, low, high.

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
    light_grid(axes)
