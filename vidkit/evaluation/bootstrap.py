"""Bootstrap over videos: how sure a number is, when another set of videos could have been drawn.

Frames of a video are alike, so whole videos are drawn with replacement, all V of V, and everything is evaluated anew.
A video drawn twice counts twice, which is to weight each detection and each ground truth by the count of its video;
matches stay as they are. Of a ranked list only runs matter: true positives with no false positive between them share
the envelope's value at the last of them, in every replicate. So a class is two small matrices of counts, runs x videos,
which are multiplied with the videos x replicates matrix of draws.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from vidkit.evaluation.average_precision import EPSILON, RECALL_POINTS, mean_ap
from vidkit.evaluation.protocols import Protocol
from vidkit.evaluation.result import Bootstrap, Interval
from vidkit.evaluation.scoring import Curve, Ranked
from vidkit.evaluation.slices import Group

CELLS_AT_ONCE = 1 << 18
"""Runs x replicates that are computed in one step: few enough for a processor's cache."""


class Sampler:
    """One drawing of videos, used for every class and every group, so that their replicates belong together."""

    def __init__(self, settings: Bootstrap, n_videos: int) -> None:
        self.settings = settings
        self.drawn = draws(n_videos, settings)

    def replicates(self, rows: Ranked, group: Group) -> NDArray[np.float64]:
        """Return the AP of each segment in each replicate; see `replicates`."""
        return replicates(rows, group, self.drawn)

    def interval(self, ap: NDArray[np.float64]) -> Interval:
        """Return the intervals of the replicates `(C, B)` of some classes; see `interval`."""
        return interval(ap, self.settings.level)


def draws(n_videos: int, settings: Bootstrap) -> NDArray[np.float64]:
    """Return `(V, B)`: how often each video is drawn in each replicate; each column sums to V."""
    drawn = np.random.default_rng(settings.seed).integers(0, max(n_videos, 1), (settings.replicates, n_videos))
    drawn += np.arange(settings.replicates)[:, None] * n_videos
    counts = np.bincount(drawn.ravel(), minlength=settings.replicates * n_videos)
    return np.ascontiguousarray(counts.reshape(settings.replicates, n_videos).T.astype(np.float64))


def replicates(rows: Ranked, group: Group, drawn: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the AP of each segment in each replicate, `(S, B)`; NaN where no ground truth of it was drawn.

    `drawn (V, B)` is what `draws` gave: two results that were made with the same draws can be compared in pairs.
    """
    thresholds = rows.matches.protocol.iou_thresholds
    n_truth = _truth_by_video(rows, rows.members(group)) @ drawn
    share = _share_weight(rows, group, drawn)
    total = np.zeros_like(n_truth)
    for threshold in thresholds:
        for curve in rows.curves(group, threshold):
            n = n_truth[curve.segment]
            for columns, ap in _by_columns(rows, curve, drawn, share, n):
                total[curve.segment, columns] += ap
    return np.where(n_truth > 0, total / len(thresholds), np.nan)


def interval(ap: NDArray[np.float64], level: float) -> Interval:
    """Return the percentile interval of each class and of the mean over classes, of `ap (C, B)`.

    A replicate in which a class has no ground truth tells nothing of it and is left out.
    """
    ends = [(1 - level) / 2, (1 + level) / 2]
    means = np.array([mean_ap(column) for column in ap.T])
    by_class = [_quantiles(row, ends) for row in ap]
    return Interval(_quantiles(means, ends), np.array(by_class).reshape(-1, 2))


def _quantiles(values: NDArray[np.float64], ends: list[float]) -> NDArray[np.float64]:
    known = values[~np.isnan(values)]
    return np.quantile(known, ends) if len(known) else np.full(2, np.nan)


def _by_columns(
    rows: Ranked,
    curve: Curve,
    drawn: NDArray[np.float64],
    share: NDArray[np.float64] | None,
    n_truth: NDArray[np.float64],
) -> Iterator[tuple[slice, NDArray[np.float64]]]:
    """Yield the AP of one class for some replicates after the other."""
    true, fixed, shared = _runs(rows, curve)
    step = max(CELLS_AT_ONCE // len(true), 1)
    for first in range(0, drawn.shape[1], step):
        columns = slice(first, first + step)
        some = drawn[:, columns]
        false_positives = fixed @ some
        if share is not None and shared.any():
            false_positives += (shared @ some) * share[columns]
        yield columns, _average_precision(true @ some, false_positives, n_truth[columns], rows.matches.protocol)


def _average_precision(
    true: NDArray[np.float64], false: NDArray[np.float64], n_truth: NDArray[np.float64], protocol: Protocol
) -> NDArray[np.float64]:
    """Return the AP `(B,)` of what each run `(R, B)` adds in true and false positives, the latter ranked before it."""
    found = np.cumsum(true, axis=0)
    total = np.cumsum(false, axis=0)
    total += found
    precision = found / (total + EPSILON if protocol.precision == "added" else np.maximum(total, EPSILON))
    envelope = np.maximum.accumulate(precision[::-1], axis=0)[::-1]
    n = np.maximum(n_truth, 1)
    if protocol.integration == "101 points":
        points = np.searchsorted(RECALL_POINTS, found / n, side="right")
        steps = np.diff(points, axis=0, prepend=0)
        return np.asarray(np.einsum("rb,rb->b", steps, envelope) / len(RECALL_POINTS))
    return np.asarray(np.einsum("rb,rb->b", true, envelope) / n)


def _runs(rows: Ranked, curve: Curve) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return three matrices (runs, V): true positives, weights of false positives, and those weighted by a share.

    A run's false positives are those ranked between the run before and it.
    """
    above = np.cumsum(curve.weight)[curve.true]
    starts = np.append(True, above[1:] > above[:-1])
    first = curve.true[starts]
    n_videos = rows.matches.index.n_videos
    video = rows.video[curve.rows]
    false = np.flatnonzero(curve.weight > 0)
    run = np.searchsorted(first, false)
    by_share = np.zeros(len(false), bool) if curve.by_share is None else curve.by_share[false]

    def matrix(
        run: NDArray[np.int64], video: NDArray[np.int32], weight: NDArray[np.float64] | None
    ) -> NDArray[np.float64]:
        counts = np.bincount(run * n_videos + video, weight, minlength=len(first) * n_videos)
        return counts.reshape(len(first), n_videos).astype(np.float64)

    settled, open_ = false[~by_share], false[by_share]
    return (
        matrix(np.cumsum(starts) - 1, video[curve.true], None),
        matrix(run[~by_share], video[settled], curve.weight[settled]),
        matrix(run[by_share], video[open_], None),
    )


def _truth_by_video(rows: Ranked, members: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return `(S, V)`: the members of each segment in each video."""
    index = rows.matches.index
    video = index.frame_video[index.instance_frame[members]]
    flat = rows.truth_segment[members] * index.n_videos + video
    counts = np.bincount(flat, minlength=rows.n_segments * index.n_videos)
    return counts.reshape(rows.n_segments, index.n_videos).astype(np.float64)


def _share_weight(rows: Ranked, group: Group, drawn: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """Return `(B,)`: the weight that the group's share gives to detections without a cell, in each replicate."""
    if group.kept is None or rows.matches.nearest is None:
        return None
    index = rows.matches.index
    counted = np.ones(index.n_instances, bool) if group.counted is None else group.counted
    video = index.frame_video[index.instance_frame]
    empty = np.bincount(index.frame_video[np.diff(index.instance_start) == 0], minlength=index.n_videos)
    inside = np.bincount(video[counted], minlength=index.n_videos) + empty * group.with_empty
    every = np.bincount(video, minlength=index.n_videos) + empty
    share = (inside @ drawn) / np.maximum(every @ drawn, 1)
    return rows.surroundings.without_cell(share)
