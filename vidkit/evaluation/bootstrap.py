"""Bootstrap over videos: how sure a number is, when another set of videos could have been drawn.

Frames of a video are alike, so whole videos are drawn with replacement, all V of V, and everything is evaluated again;
and once without each video, for the jackknife. `intervals` makes intervals of both.

A video drawn twice counts twice, which is to weight each detection and each ground truth by the count of its video;
matches stay as they are. Of a ranked list only runs matter: true positives with no false positive between them share
the envelope's value at the last of them, in every replicate. So a class is two small matrices of counts, runs x
videos, which are multiplied with the videos x replicates matrix of draws. All of it is exact, in float64.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vidkit.evaluation.average_precision import EPSILON, RECALL_POINTS
from vidkit.evaluation.intervals import Resampled, Spread, spread
from vidkit.evaluation.protocols import Protocol
from vidkit.evaluation.result import Bootstrap
from vidkit.evaluation.scoring import Curve, Ranked
from vidkit.evaluation.slices import Group

CELLS_AT_ONCE = 1 << 22
"""Runs x replicates that are computed in one step, 32 MiB a matrix."""


@dataclass(frozen=True, eq=False)
class Drawings:
    """Drawings of videos, the same for all that is told of a data set, so that its replicates belong together."""

    settings: Bootstrap
    counts: NDArray[np.float64]
    """How often each video counts, `(V, B + V)`: in each of the B replicates, and with each video left out."""

    @classmethod
    def of(cls, n_videos: int, settings: Bootstrap) -> "Drawings":
        """The drawings of V videos."""
        return cls(settings, np.concatenate([draws(n_videos, settings), 1.0 - np.eye(n_videos)], axis=1))

    def spread(
        self, value: NDArray[np.float64], found: NDArray[np.float64], n_videos: int | NDArray[np.int64]
    ) -> Spread:
        """The spread of numbers `(C,)` with ground truth in `n_videos`, from what all drawings gave, `(C, B + V)`."""
        b = self.settings.replicates
        return spread(value, found[:, :b], found[:, b:], np.broadcast_to(n_videos, value.shape))


class Resampling:
    """What AP is in each drawing of videos, class by class and group by group."""

    def __init__(self, settings: Bootstrap, everything: Ranked) -> None:
        self.settings = settings
        self.drawn = Drawings.of(everything.matches.index.n_videos, settings).counts
        self.everything = everything
        self.whole = replicates(everything, Group("all"), self.drawn)

    def resampled(self, rows: Ranked, group: Group) -> Resampled:
        """The AP of each segment in each replicate, and without each video."""
        found = self.whole
        if rows is not self.everything or group.kept is not None or group.area is not None:
            found = replicates(rows, group, self.drawn)
        b = self.settings.replicates
        return Resampled(found[:, :b], found[:, b:], truth_by_video(rows, group) > 0)

    def told(
        self, value: float, found: NDArray[np.float64], group: Group, rows: Ranked
    ) -> tuple[tuple[float, float] | None, str]:
        """The interval of a mean over classes, of its classes `(C, B + V)` in all drawings, as `Spread.told` has it."""
        b = self.settings.replicates
        resampled = Resampled(found[:, :b], found[:, b:], truth_by_video(rows, group) > 0)
        return resampled.mean(value).told(self.settings.level)[0]


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
    total = sum(replicates_at(rows, group, threshold, drawn) for threshold in thresholds)
    return np.asarray(total / len(thresholds))


def replicates_at(
    rows: Ranked, group: Group, threshold: float, drawn: NDArray[np.float64], absent: NDArray[np.bool_] | None = None
) -> NDArray[np.float64]:
    """The same at one IoU threshold, without the ground truth `absent (N,)`, of which none is matched.

    Where all that was drawn is absent, AP is 0 if there are detections, else NaN.
    """
    n_truth = truth_by_video(rows, group, absent) @ drawn
    share = _share_weight(rows, group, drawn)
    found = np.where(n_truth > 0, 0.0, np.nan)
    if absent is not None:
        found[(n_truth == 0) & (truth_by_video(rows, group) @ drawn > 0) & (_detections_by_video(rows) @ drawn > 0)] = 0
    for curve in rows.curves(group, threshold):
        n = n_truth[curve.segment]
        of_cell = None if share is None else share[curve.segment // rows.matches.index.n_classes]
        for columns, ap in _by_columns(rows, curve, drawn, of_cell, n):
            found[curve.segment, columns] += ap
    return found


@dataclass(frozen=True, eq=False)
class _Counts:
    """What is ranked down to each of R runs, by video: a matrix (R, V') over the V' videos in which there is any.

    Whole numbers are kept in float32, whose products are exact below 2^24 and twice as fast.
    """

    videos: NDArray[np.integer[Any]]
    above: NDArray[np.floating[Any]]

    def drawn(self, drawn: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the counts `(R, B)` in replicates `drawn (V, B)`."""
        mine = drawn[self.videos]
        if self.above.dtype == np.float32 and self.above[-1].sum(dtype=np.float64) * mine.max(initial=0) < 2**24:
            return np.asarray(self.above @ mine.astype(np.float32), np.float64)
        return np.asarray(self.above.astype(np.float64, copy=False) @ mine)


def _counts(
    run: NDArray[np.int64], video: NDArray[np.int32], n_runs: int, weight: NDArray[np.float64] | None = None
) -> _Counts:
    """Return the counts of what stands before the end of each run, or the sums of its weights."""
    videos, column = np.unique(video, return_inverse=True)
    cells = np.bincount(run * len(videos) + column, weight, minlength=n_runs * len(videos)).reshape(n_runs, len(videos))
    whole = weight is None and len(run) < 2**24
    return _Counts(videos, _accumulate(np.add, cells.astype(np.float32 if whole else np.float64)))


def _accumulate(ufunc: np.ufunc, rows: NDArray[Any]) -> NDArray[Any]:
    """Accumulate down the rows, in place: `ufunc.accumulate` is several times slower along this axis."""
    for above, row in pairwise(rows):
        ufunc(above, row, out=row)
    return rows


@dataclass(frozen=True, eq=False)
class _Runs:
    """The runs of one curve; a run's false positives are those ranked before its first true positive."""

    true: _Counts
    false: _Counts  # that count fully
    partly: _Counts  # that have a weight of their own
    by_share: _Counts  # that weigh by the group's share


def _runs(rows: Ranked, curve: Curve) -> _Runs:
    weight_above = np.cumsum(curve.weight)[curve.true]
    starts = np.append(True, weight_above[1:] > weight_above[:-1])
    n = int(starts.sum())
    video = rows.video[curve.rows]
    place = np.flatnonzero(curve.weight > 0)
    run = np.searchsorted(curve.true[starts], place)
    weight = curve.weight[place]
    by_share = np.zeros(len(place), bool) if curve.by_share is None else curve.by_share[place]
    full, partly = ~by_share & (weight == 1), ~by_share & (weight != 1)
    return _Runs(
        true=_counts(np.cumsum(starts) - 1, video[curve.true], n),
        false=_counts(run[full], video[place[full]], n),
        partly=_counts(run[partly], video[place[partly]], n, weight[partly]),
        by_share=_counts(run[by_share], video[place[by_share]], n),
    )


def _by_columns(
    rows: Ranked,
    curve: Curve,
    drawn: NDArray[np.float64],
    share: NDArray[np.float64] | None,
    n_truth: NDArray[np.float64],
) -> Iterator[tuple[slice, NDArray[np.float64]]]:
    """Yield the AP of one class for some replicates after the other."""
    runs = _runs(rows, curve)
    step = max(CELLS_AT_ONCE // len(runs.true.above), 1)
    for first in range(0, drawn.shape[1], step):
        columns = slice(first, first + step)
        some = drawn[:, columns]
        false = runs.false.drawn(some)
        if len(runs.partly.videos):
            false += runs.partly.drawn(some)
        if share is not None and len(runs.by_share.videos):
            false += runs.by_share.drawn(some) * share[columns]
        yield columns, _average_precision(runs.true.drawn(some), false, n_truth[columns], rows.matches.protocol)


def _average_precision(
    found: NDArray[np.float64], false: NDArray[np.float64], n_truth: NDArray[np.float64], protocol: Protocol
) -> NDArray[np.float64]:
    """Return the AP `(B,)` from what is ranked down to each run, `(R, B)`; `false` is overwritten."""
    total = np.add(false, found, out=false)
    if protocol.precision == "added":
        total += EPSILON
    else:
        np.maximum(total, EPSILON, out=total)
    envelope = np.divide(found, total, out=total)
    _accumulate(np.maximum, envelope[::-1])
    n = np.maximum(n_truth, 1)
    if protocol.integration == "101 points":
        points = np.searchsorted(RECALL_POINTS, found / n, side="right")
        return np.asarray(np.einsum("rb,rb->b", np.diff(points, axis=0, prepend=0), envelope) / len(RECALL_POINTS))
    area = np.einsum("rb,rb->b", found, envelope) - np.einsum("rb,rb->b", found[:-1], envelope[1:])
    return np.asarray(area / n)


def truth_by_video(rows: Ranked, group: Group, absent: NDArray[np.bool_] | None = None) -> NDArray[np.float64]:
    """`(S, V)`: how much ground truth of the group each segment has in each video, without what is `absent (N,)`."""
    index, members = rows.matches.index, rows.members(group)
    if absent is not None:
        members = members & ~absent
    video = index.frame_video[index.instance_frame[members]]
    flat = rows.truth_segment[members] * index.n_videos + video
    counts = np.bincount(flat, minlength=rows.n_segments * index.n_videos)
    return counts.reshape(rows.n_segments, index.n_videos).astype(np.float64)


def _detections_by_video(rows: Ranked) -> NDArray[np.float64]:
    """`(S, V)`: how many ranked detections each segment has in each video."""
    n_videos, start = rows.matches.index.n_videos, rows.ranking.start
    segment = np.repeat(np.arange(rows.n_segments), np.diff(start))
    flat = segment * n_videos + rows.video[rows.ranking.order]
    return np.bincount(flat, minlength=rows.n_segments * n_videos).reshape(rows.n_segments, -1).astype(np.float64)


def _share_weight(rows: Ranked, group: Group, drawn: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """The weight `(K, B)` of detections without a cell, by the group's share in each part of each replicate."""
    if group.kept is None or not rows.surroundings.looks:
        return None
    return rows.surroundings.without_cell(rows.shares(group, drawn))
