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

from vidkit.boxes import Boxes, to_inclusive
from vidkit.data.index import Index
from vidkit.evaluation.protocols import Protocol
from vidkit.predictions.table import Predictions

Scope = Literal["frame", "class"]
"""Which ground truth may be a detection's nearest: all of its frame, or only that of its own class."""

DETECTIONS_AT_ONCE = 16_384


@dataclass(frozen=True, eq=False)
class Pairs:
    """Detections and ground truth of the same class and frame that may be matched: `(P,)` each, in no special order."""

    detection: NDArray[np.int64]
    truth: NDArray[np.int64]
    iou: NDArray[np.floating[Any]]

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
        width, height = x2 - x1, y2 - y1
        return Corners(x1, y1, x1 + width, y1 + height, width * height, 0)  # COCO stores x, y, width, height
    if protocol.pixel == 2:
        x2, y2 = x2 + 1, y2 + 1
    return Corners(x1, y1, x2, y2, (x2 - x1 + 1) * (y2 - y1 + 1), 1)


def truth_corners(index: Index, protocol: Protocol) -> Corners:
    """Return the ground truth `(N,)` as the protocol sees it."""
    size = index.video_size[index.frame_video[index.instance_frame]] if protocol.clamp_truth else None
    return corners(index.box, protocol, size)


def iou(a: Corners, b: Corners) -> Boxes:
    """Return the IoU `(N,)` of boxes pair by pair; 0 where they don't overlap, whatever their sides."""
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
    np.maximum(union, np.finfo(union.dtype).tiny, out=union)  # only boxes without overlap have none
    width /= union
    return width


def thresholds(index: Index, protocol: Protocol, threshold: float) -> NDArray[np.float64]:
    """Return the IoU `(N,)` that a match with each ground truth needs, at least."""
    if not protocol.tolerance:
        return np.full(index.n_instances, threshold)
    x1, y1, x2, y2 = to_inclusive(index.box.astype(np.float64)).T
    width, height = x2 - x1 + protocol.pixel, y2 - y1 + protocol.pixel
    with np.errstate(divide="ignore", invalid="ignore"):  # inverted boxes; NaN is never reached
        loosened = width * height / ((width + protocol.tolerance) * (height + protocol.tolerance))
    return np.asarray(np.minimum(loosened, threshold))


def find_overlaps(
    index: Index, predictions: Predictions, protocol: Protocol, scope: Scope | None = None, threads: int | None = None
) -> tuple[Pairs, Nearest | None]:
    """Return the pairs that may match at the protocol's lowest threshold, and each detection's nearest ground truth.

    Without a `scope` the nearest ground truth isn't looked for, which is several times faster.
    """
    truth = truth_corners(index, protocol)
    needed = thresholds(index, protocol, min(protocol.iou_thresholds))
    columns = _Columns(index, predictions, protocol, scope, truth, needed, _nothing_near(predictions, protocol, scope))
    with ThreadPoolExecutor(threads or _processors()) as pool:
        parts = list(pool.map(columns.chunk, *zip(*_chunks(predictions), strict=True)))
    pairs = Pairs.join([pair for found, _ in parts for pair in found], protocol.dtype)
    if columns.nearest is None:
        return pairs, None
    tied = Pairs.join([tie for _, ties in parts for tie in ties], protocol.dtype)
    tied = tied.select(tied.iou == columns.nearest.iou[tied.detection])
    return pairs, Nearest(columns.nearest.scope, columns.nearest.truth, columns.nearest.iou, tied)


def _nothing_near(predictions: Predictions, protocol: Protocol, scope: Scope | None) -> Nearest | None:
    if scope is None:
        return None
    d = predictions.n_detections
    return Nearest(scope, np.full(d, -1, np.int32), np.zeros(d, protocol.dtype), Pairs.join([], protocol.dtype))


@dataclass(frozen=True, eq=False)
class _Columns:
    """What every chunk reads, and the columns of the nearest ground truth that it fills for its own rows."""

    index: Index
    predictions: Predictions
    protocol: Protocol
    scope: Scope | None
    truth: Corners
    needed: NDArray[np.float64]
    nearest: Nearest | None

    def chunk(self, first: int, stop: int) -> tuple[list[Pairs], list[Pairs]]:
        """Fill in what is nearest to the detections of frames `first … stop`; return the pairs and the ties."""
        base, end = (int(self.predictions.detection_start[frame]) for frame in (first, stop))
        found: list[Pairs] = []
        ties: list[Pairs] = []
        box = self.predictions.box[base:end]
        every = corners(box, self.protocol) if self.scope == "frame" else None
        class_id = self.predictions.class_id[base:end]
        for rows, truth in self._objects(first, stop):
            same = class_id[rows] == self.index.class_id[truth]
            if self.scope != "frame":
                rows, truth, same = rows[same], truth[same], same[same]
            mine = corners(box[rows], self.protocol) if every is None else every[rows]
            overlap = iou(mine, self.truth[truth])
            match = np.flatnonzero((overlap >= self.needed[truth]) & same)
            found.append(Pairs(rows[match] + base, truth[match], overlap[match]))
            if self.nearest is not None:
                ties.append(self._note_nearest(rows + base, truth, overlap))
        return found, ties

    def _objects(self, first: int, stop: int) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
        """Yield for j = 0, 1 …: the rows of the chunk whose frame has a j-th object, and that object's row."""
        objects = np.diff(self.index.instance_start[first : stop + 1])
        detections = np.diff(self.predictions.detection_start[first : stop + 1])
        start = self.predictions.detection_start[first:stop] - self.predictions.detection_start[first]
        for j in range(int(objects.max(initial=0))):
            frames = np.flatnonzero((objects > j) & (detections > 0))
            counts = detections[frames]
            truth = np.repeat(self.index.instance_start[first + frames] + j, counts)
            shift = start[frames] - np.concatenate([[0], np.cumsum(counts)[:-1]]) if len(frames) else start[:0]
            yield np.repeat(shift, counts) + np.arange(len(truth)), truth

    def _note_nearest(self, rows: NDArray[np.int64], truth: NDArray[np.int64], overlap: Boxes) -> Pairs:
        """Keep the larger of the old and the new IoU; return the rows where both are the same and above 0."""
        assert self.nearest is not None
        old = self.nearest.iou[rows]
        better = (overlap > old) | (self.nearest.truth[rows] < 0)
        self.nearest.truth[rows[better]] = truth[better]
        self.nearest.iou[rows[better]] = overlap[better]
        tied = (overlap == old) & (old > 0)
        return Pairs(rows[tied], truth[tied], overlap[tied])


def _chunks(predictions: Predictions) -> list[tuple[int, int]]:
    """Return runs of frames with about `DETECTIONS_AT_ONCE` detections each, none without any detection."""
    marks = np.arange(0, predictions.n_detections, DETECTIONS_AT_ONCE)
    cuts = np.unique(np.searchsorted(predictions.detection_start, marks, side="left"))
    cuts = np.unique(np.concatenate([[0], cuts, [predictions.n_frames]]))
    return [(int(a), int(b)) for a, b in pairwise(cuts)] or [(0, 0)]


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
