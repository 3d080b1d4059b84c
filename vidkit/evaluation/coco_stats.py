"""COCO's twelve numbers, from the table of matches. pycocotools is their definition and the oracle of the tests."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from vidkit.evaluation.bootstrap import Resampling, replicates, replicates_at, truth_by_video
from vidkit.evaluation.protocols import AP_DETECTIONS
from vidkit.evaluation.scoring import Ranked
from vidkit.evaluation.slices import Group

AREAS = {"": (0.0, 1e10), "s": (0.0, 32.0**2), "m": (32.0**2, 96.0**2), "l": (96.0**2, 1e10)}
"""Closed ranges of area in square pixels."""


def coco_stats(rows: Ranked) -> dict[str, float]:
    """Return AP, AP50, AP75, APs, APm, APl, AR1 …, ARs, ARm, ARl in 0 … 1; NaN where there is no ground truth.

    AR1, AR10, AR100 are named by the protocol's own limits of detections. AP is taken at 100 detections and is NaN if
    that isn't one of the limits; all others are at the last limit. This is what COCO's summary does.
    """
    protocol = rows.matches.protocol
    ap, recall = _tables(rows, {letter: Group(letter, area=limits) for letter, limits in AREAS.items()})
    stats = {"AP": float("nan")}
    if max(protocol.max_detections) == AP_DETECTIONS:
        stats["AP"] = _mean(ap[""])
    elif AP_DETECTIONS in protocol.max_detections:
        stats["AP"] = _mean(_tables(_at_most(rows, AP_DETECTIONS), {"": Group("", area=AREAS[""])})[0][""])
    stats |= {"AP50": _mean(ap[""][_threshold(rows, 0.5)]), "AP75": _mean(ap[""][_threshold(rows, 0.75)])}
    stats |= {f"AP{letter}": _mean(ap[letter]) for letter in "sml"}
    stats |= {f"AR{limit}": _mean(recall[""][..., i]) for i, limit in enumerate(protocol.max_detections)}
    return stats | {f"AR{letter}": _mean(recall[letter][..., -1]) for letter in "sml"}


def coco_intervals(
    rows: Ranked, stats: Mapping[str, float], resampling: Resampling
) -> dict[str, tuple[tuple[float, float] | None, str]]:
    """The interval of each of the twelve numbers, None where there is none, and what must be said of it."""
    drawn, protocol = resampling.drawn, rows.matches.protocol
    found: dict[str, tuple[NDArray[np.float64], Group]] = {}
    for letter, limits in AREAS.items():
        group = Group(letter, area=limits)
        recall = _drawn_recall(rows, group, drawn)
        if letter:
            found[f"AP{letter}"] = replicates(rows, group, drawn), group
            found[f"AR{letter}"] = recall[-1], group
            continue
        found |= {f"AR{limit}": (recall[i], group) for i, limit in enumerate(protocol.max_detections)}
        found["AP"] = replicates(_at_most(rows, AP_DETECTIONS), group, drawn), group
        for threshold, name in ((0.5, "AP50"), (0.75, "AP75")):
            found[name] = replicates_at(rows, group, threshold, drawn), group
    return {name: resampling.told(value, *found[name], rows) for name, value in stats.items()}


def _drawn_recall(rows: Ranked, group: Group, drawn: NDArray[np.float64]) -> NDArray[np.float64]:
    """The recall `(limits, C, K)`, the mean over IoU thresholds, when each video counts `drawn (V, K)` times."""
    protocol, place = rows.matches.protocol, rows.matches.place
    n_truth = truth_by_video(rows, group)
    found = np.zeros((len(protocol.max_detections), *n_truth.shape))
    for threshold in protocol.iou_thresholds:
        for curve in rows.curves(group, threshold):
            true = curve.rows[curve.true]
            for i, limit in enumerate(protocol.max_detections):
                mine = true if place is None else true[place[true] < limit]
                found[i, curve.segment] += np.bincount(rows.video[mine], minlength=n_truth.shape[1])
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray((found @ drawn) / (n_truth @ drawn) / len(protocol.iou_thresholds))


Tables = dict[str, NDArray[np.float64]]


def _tables(rows: Ranked, groups: Mapping[str, Group]) -> tuple[Tables, Tables]:
    """AP `(T, C)` and recall `(T, C, limits)` of each group at each IoU threshold; NaN without ground truth."""
    protocol, contest = rows.matches.protocol, rows.matches.contest
    standings = {name: rows.standing(group) for name, group in groups.items()}
    limits = [rows.within(limit) for limit in protocol.max_detections]
    ap: dict[str, list[NDArray[np.float64]]] = {name: [] for name in groups}
    recall: dict[str, list[NDArray[np.float64]]] = {name: [] for name in groups}
    for threshold in protocol.iou_thresholds:
        settled = contest.at(threshold)
        for name, standing in standings.items():
            hits = standing.hits(settled.taken(standing.kept))
            ap[name].append(hits.average_precisions())
            recall[name].append(np.stack([hits.recalls(chosen) for chosen in limits], axis=1))
    return {name: np.stack(table) for name, table in ap.items()}, {n: np.stack(table) for n, table in recall.items()}


def _at_most(rows: Ranked, limit: int) -> Ranked:
    """Return the rows with at most `limit` detections of a class in a frame."""
    place = rows.matches.place
    if place is None or limit == max(rows.matches.protocol.max_detections):
        return rows
    return replace(rows, ranking=rows.ranking.select(place[rows.ranking.order] < limit))


def _threshold(rows: Ranked, wanted: float) -> NDArray[np.bool_]:
    return np.isclose(rows.matches.protocol.iou_thresholds, wanted)


def _mean(values: NDArray[np.float64]) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else float("nan")
