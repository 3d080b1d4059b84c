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
    detection, truth = pairs_in_frames(row, box, class_id, index)
    same = index.class_id[truth] == class_id[detection]
    detection, truth = detection[same], truth[same]
    np.maximum.at(best, detection, overlap_of_pairs(box, detection, truth, index))
    return best


def pairs_in_frames(
    row: NDArray[np.integer[Any]], box: Boxes, class_id: NDArray[np.int16], index: Index
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Each detection with each object of its frame, as rows of both; those without frame, class or box have none."""
    with np.errstate(invalid="ignore"):
        known = np.flatnonzero((row >= 0) & (class_id >= 0) & np.isfinite(box).all(axis=1))
    first = index.instance_start[row[known]]
    counts = index.instance_start[row[known].astype(np.int64) + 1] - first
    truth = np.repeat(first - np.cumsum(counts) + counts, counts) + np.arange(int(counts.sum()))
    return np.repeat(known, counts), truth


def overlap_of_pairs(
    box: Boxes, detection: NDArray[np.int64], truth: NDArray[np.int64], index: Index
) -> NDArray[np.float64]:
    """The IoU of each pair of a detection and an object."""
    near = np.clip(box[detection].astype(np.float64), -_FAR, _FAR)
    return np.asarray(iou(near, index.box[truth].astype(np.float64)))
