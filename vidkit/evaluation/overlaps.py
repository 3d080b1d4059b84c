"""Overlaps: one pass over all detections and the ground truth of their frames, from which all that follows is read.

The pass goes through chunks of frames that fit a processor's cache, and inside a chunk through "the j-th object of
every frame": each step is plain arithmetic on arrays, without a list of pairs.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from vidkit.boxes import Boxes, to_inclusive, without_rounding
from vidkit.data.index import IgnoredRegions, Index
from vidkit.evaluation.protocols import Protocol
from vidkit.predictions.table import Predictions

Scope = Literal["frame", "class"]
"""Which ground truth may be a detection's nearest: all of its frame, or only that of its own class."""

DETECTIONS_AT_ONCE = 65_536
"""Detections of a chunk of frames: few enough for the cache, many enough to make numpy's calls cheap."""


@dataclass(frozen=True, eq=False)
class Pairs:
    """Detections and ground truth of the same class and frame that may be matched: `(P,)` each, in no special order."""

    detection: NDArray[np.int64]
    truth: NDArray[np.int64]  # a row of the N instances; N + r: the ignored region r
    iou: NDArray[np.floating[Any]]  # with a region that many may lie in: the share of the detection inside

    def select(self, chosen: NDArray[Any]) -> Pairs:
        """Return the chosen pairs."""
        return Pairs(self.detection[chosen], self.truth[chosen], self.iou[chosen])

    @classmethod
    def join(cls, parts: list[Pairs], dtype: str) -> Pairs:
        """Return all pairs of `parts` in one table; `dtype` is that of the IoU where there are no parts."""
        parts = [cls(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, dtype)), *parts]
        return cls(
            np.concatenate([p.detection for p in parts]),
            np.concatenate([p.truth for p in parts]),
            np.concatenate([p.iou for p in parts]),
        )


@dataclass(frozen=True, eq=False)
class Nearest:
    """The ground truth that overlaps each detection most, matched or not, without a threshold."""

    scope: Scope
    truth: NDArray[np.int32]  # (D,) the first of those with the largest IoU, 0 included; -1: there is none in the scope
    iou: NDArray[np.floating[Any]]  # (D,) its IoU; 0 where there is none
    tied: Pairs  # further ground truth of exactly the same IoU, where that is above 0


@dataclass(frozen=True, eq=False)
class Corners:
    """Boxes as the columns that an IoU needs, in the protocol's convention and arithmetic."""

    x1: Boxes
    y1: Boxes
    x2: Boxes
    y2: Boxes
    area: Boxes
    plus: int  # what is added to a difference of corners to get a side

    def __getitem__(self, rows: Any) -> Corners:
        return Corners(self.x1[rows], self.y1[rows], self.x2[rows], self.y2[rows], self.area[rows], self.plus)


def corners(box: Boxes, protocol: Protocol, size: NDArray[np.int32] | None = None) -> Corners:
    """Return vidkit's boxes `(N, 4)` in the protocol's convention; `size (N, 2)`: cut them to images of this size.

    A size of 0, not known, cuts nothing off on that side.
    """
    x1, y1, x2, y2 = (column.astype(protocol.dtype) for column in to_inclusive(box.astype(np.float64)).T)
    if size is not None:
        last = np.where(size > 0, size - 1, np.iinfo(np.int32).max).astype(protocol.dtype)
        x1, y1 = np.maximum(x1, 0), np.maximum(y1, 0)
        x2, y2 = np.minimum(x2, last[:, 0]), np.minimum(y2, last[:, 1])
    if protocol.pixel == 0:
        width, height = without_rounding(x2 - x1), without_rounding(y2 - y1)
        return Corners(x1, y1, x1 + width, y1 + height, width * height, 0)  # COCO stores x, y, width, height
    if protocol.pixel == 2:
        x2, y2 = x2 + 1, y2 + 1
    return Corners(x1, y1, x2, y2, (x2 - x1 + 1) * (y2 - y1 + 1), 1)


def truth_corners(index: Index, protocol: Protocol) -> Corners:
    """Return the ground truth `(N,)` as the protocol sees it."""
    size = index.video_size[index.frame_video[index.instance_frame]] if protocol.clamp_truth else None
    return corners(index.box, protocol, size)


def iou(a: Corners, b: Corners, inside: NDArray[np.bool_] | None = None) -> Boxes:
    """The IoU `(N,)` of boxes pair by pair; where `inside (N,)`, the share of `a` that lies in `b`.

    0 where they don't overlap, whatever their sides.
    """
    width = np.minimum(a.x2, b.x2)
    width -= np.maximum(a.x1, b.x1)
    height = np.minimum(a.y2, b.y2)
    height -= np.maximum(a.y1, b.y1)
    if a.plus:
        width += 1
        height += 1
    np.maximum(width, 0, out=width)
    np.maximum(height, 0, out=height)
    width *= height  # the intersection
    union = a.area + b.area
    union -= width
    if inside is not None:
        union = np.where(inside, a.area, union)
    np.maximum(union, np.finfo(union.dtype).tiny, out=union)  # only boxes without overlap have none
    width /= union
    return width


def thresholds(index: Index, protocol: Protocol, threshold: float) -> NDArray[np.float64]:
    """The IoU `(N + M,)` that a match with each ground truth and each ignored region needs, at least."""
    box = index.box if index.ignored is None else np.concatenate([index.box, index.ignored.box])
    needed = np.full(len(box), threshold)
    if protocol.tolerance:
        x1, y1, x2, y2 = to_inclusive(box.astype(np.float64)).T
        width, height = x2 - x1 + protocol.pixel, y2 - y1 + protocol.pixel
        with np.errstate(divide="ignore", invalid="ignore"):  # inverted boxes; NaN is never reached
            loosened = width * height / ((width + protocol.tolerance) * (height + protocol.tolerance))
        needed = np.asarray(np.minimum(loosened, threshold))
    if index.ignored is not None and protocol.ignored_share:
        needed[index.n_instances :][index.ignored.crowd] = protocol.ignored_share
    return needed


def find_overlaps(
    index: Index, predictions: Predictions, protocol: Protocol, scope: Scope | None = None, threads: int | None = None
) -> tuple[Pairs, Nearest | None]:
    """Return the pairs that may match at the protocol's lowest threshold, and each detection's nearest ground truth.

    Without a `scope` the nearest ground truth isn't looked for, which is several times faster.
    """
    needed, n = thresholds(index, protocol, min(protocol.iou_thresholds)), index.n_instances
    truth = _Truth(index.instance_start, index.class_id, truth_corners(index, protocol), needed[:n])
    with ThreadPoolExecutor(threads or _processors()) as pool:
        parts = list(pool.map(_Search(predictions, protocol, scope, truth).chunk, _chunks(predictions, scope)))
        pairs = [part.pairs for part in parts]
        if index.ignored is not None:
            search = _Search(predictions, protocol, None, _regions(index, index.ignored, protocol, needed[n:]))
            pairs += [part.pairs for part in pool.map(search.chunk, _chunks(predictions, None))]
    found = Pairs.join(pairs, protocol.dtype)
    if scope is None:
        return found, None
    nearest = np.concatenate([np.zeros(0, np.int32), *(part.nearest for part in parts)])
    overlap = np.concatenate([np.zeros(0, protocol.dtype), *(part.iou for part in parts)])
    tied = Pairs.join([part.tied for part in parts], protocol.dtype)
    return found, Nearest(scope, nearest, overlap, tied.select(tied.iou == overlap[tied.detection]))


@dataclass(frozen=True, eq=False)
class _Truth:
    """What detections are held against: the boxes of each frame, in its rows `start[f]:start[f + 1]`."""

    start: NDArray[np.int64]  # (F + 1,)
    class_id: NDArray[np.int16]  # -1: those of any class
    corners: Corners
    needed: NDArray[np.float64]  # the IoU of a match, at least
    crowd: NDArray[np.bool_] | None = None  # whether the share of the detection inside stands for the IoU
    first: int = 0  # the number of row 0 in Pairs


def _regions(index: Index, ignored: IgnoredRegions, protocol: Protocol, needed: NDArray[np.float64]) -> _Truth:
    size = index.video_size[index.frame_video[ignored.frame]] if protocol.clamp_truth else None
    boxes = corners(ignored.box, protocol, size)
    return _Truth(ignored.start, ignored.class_id, boxes, needed, ignored.crowd, index.n_instances)


@dataclass(frozen=True, eq=False)
class _Found:
    """What a chunk of frames gives; `nearest` and `iou` are as in Nearest, and empty where they aren't asked for."""

    pairs: Pairs
    nearest: NDArray[np.int32]
    iou: Boxes
    tied: Pairs


@dataclass(frozen=True, eq=False)
class _Search:
    """What is the same for all chunks of frames."""

    predictions: Predictions
    protocol: Protocol
    scope: Scope | None
    truth: _Truth

    def chunk(self, frames: tuple[int, int]) -> _Found:
        """Return what is found in frames `first … stop - 1`."""
        base, end = (int(self.predictions.detection_start[frame]) for frame in frames)
        held = self.truth
        box, class_id = self.predictions.box[base:end], self.predictions.class_id[base:end]
        nearest = np.full(end - base if self.scope else 0, -1, np.int32)
        largest = np.zeros(len(nearest), self.protocol.dtype)
        pairs: list[Pairs] = []
        tied: list[Pairs] = []
        if self.scope == "frame":
            boxes = corners(box, self.protocol)
            steps = ((rows, truth, boxes[rows]) for rows, truth in self._same_frame(frames))
        else:
            pairs_of = self._same_class if held.crowd is None else self._meant
            steps = ((rows, truth, corners(box[rows], self.protocol)) for rows, truth in pairs_of(frames))
        for rows, truth, mine in steps:
            overlap = iou(mine, held.corners[truth], None if held.crowd is None else held.crowd[truth])
            match = overlap >= held.needed[truth]
            if self.scope == "frame":
                match &= class_id[rows] == held.class_id[truth]
            match_rows = np.flatnonzero(match)
            pairs.append(Pairs(rows[match_rows] + base, truth[match_rows] + held.first, overlap[match_rows]))
            if self.scope is not None:
                tied.append(_keep_largest(nearest, largest, rows, truth, overlap, base))
        dtype = self.protocol.dtype
        return _Found(Pairs.join(pairs, dtype), nearest, largest, Pairs.join(tied, dtype))

    def _same_frame(self, frames: tuple[int, int]) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
        """Yield for j = 0, 1 …: the rows of the chunk whose frame has a j-th object, and that object."""
        first, stop = frames
        objects = np.diff(self.truth.start[first : stop + 1])
        starts = self.predictions.detection_start[first : stop + 1] - self.predictions.detection_start[first]
        for j in range(int(objects.max(initial=0))):
            here = np.flatnonzero(objects > j)
            counts = starts[here + 1] - starts[here]
            truth = np.repeat(self.truth.start[first + here] + j, counts)
            gaps = starts[here] - np.cumsum(counts) + counts  # rows of frames without a j-th object, up to here
            yield np.repeat(gaps, counts) + np.arange(len(truth)), truth

    def _same_class(self, frames: tuple[int, int]) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
        """Yield for j = 0, 1 …: the rows of the chunk that have the class of their frame's j-th object, and that."""
        first, stop = frames
        start = self.truth.start[first:stop]
        objects = self.truth.start[first + 1 : stop + 1] - start
        counts = np.diff(self.predictions.detection_start[first : stop + 1])
        base, end = self.predictions.detection_start[first], self.predictions.detection_start[stop]
        frame = np.repeat(np.arange(stop - first), counts)
        for j in range(int(objects.max(initial=0))):
            wanted = np.full(stop - first, -1, self.truth.class_id.dtype)
            wanted[objects > j] = self.truth.class_id[start[objects > j] + j]
            rows = np.flatnonzero(np.repeat(wanted, counts) == self.predictions.class_id[base:end])
            yield rows, start[frame[rows]] + j

    def _meant(self, frames: tuple[int, int]) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
        """The same where few frames have any, and some are of any class, -1."""
        base, end = self.predictions.detection_start[frames[0]], self.predictions.detection_start[frames[1]]
        for rows, truth in self._same_frame(frames):
            wanted = self.truth.class_id[truth]
            meant = np.flatnonzero((wanted == self.predictions.class_id[base:end][rows]) | (wanted == -1))
            yield rows[meant], truth[meant]


def _keep_largest(
    nearest: NDArray[np.int32],
    largest: Boxes,
    rows: NDArray[np.int64],
    truth: NDArray[np.int64],
    overlap: Boxes,
    base: int,
) -> Pairs:
    """Note, in place, where `overlap` is larger than before; return the pairs where it is the same and above 0."""
    before = largest[rows]
    better = np.flatnonzero((overlap > before) | (nearest[rows] < 0))
    tied = np.flatnonzero((overlap == before) & (before > 0))
    nearest[rows[better]] = truth[better]
    largest[rows[better]] = overlap[better]
    return Pairs(rows[tied] + base, truth[tied], overlap[tied])


def _chunks(predictions: Predictions, scope: Scope | None) -> list[tuple[int, int]]:
    """Return runs of frames, first and past the last, with about `DETECTIONS_AT_ONCE` detections each."""
    step = DETECTIONS_AT_ONCE if scope == "frame" else 4 * DETECTIONS_AT_ONCE  # few are of an object's class
    marks = np.arange(0, predictions.n_detections, step)
    cuts = np.searchsorted(predictions.detection_start, marks, side="left")
    cuts = np.unique(np.concatenate([[0], cuts, [predictions.n_frames]]))
    return [(int(first), int(stop)) for first, stop in pairwise(cuts)]


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
