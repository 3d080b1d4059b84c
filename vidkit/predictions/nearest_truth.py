"""How well detections agree with the annotations: the best overlap of each with an object of its class."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from vidkit.boxes import Boxes, iou
from vidkit.data.index import Index

_FAR = 1e7  # pixels: no box of a frame reaches so far, and areas of such boxes are finite


def best_overlap(
    row: NDArray[np.integer[Any]], box: Boxes, class_id: NDArray[np.int16], index: Index
) -> NDArray[np.float64]:
    """The largest IoU `(D,)` of each detection with an object of its class in its frame; 0 where there is none.

    `row (D,)` are the frames, `box (D, 4)` in vidkit's convention; rows and classes of -1 overlap nothing.
    """
    best = np.zeros(len(row))
    with np.errstate(invalid="ignore"):
        known = np.flatnonzero((row >= 0) & (class_id >= 0) & np.isfinite(box).all(axis=1))
    first = index.instance_start[row[known]]
    counts = index.instance_start[row[known].astype(np.int64) + 1] - first
    detection = np.repeat(known, counts)
    truth = np.repeat(first - np.cumsum(counts) + counts, counts) + np.arange(int(counts.sum()))
    same = index.class_id[truth] == class_id[detection]
    detection, truth = detection[same], truth[same]
    near = np.clip(box[detection].astype(np.float64), -_FAR, _FAR)
    np.maximum.at(best, detection, iou(near, index.box[truth].astype(np.float64)))
    return best
