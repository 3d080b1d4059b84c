"""Greedy non-maximum suppression in numpy, class by class."""

import numpy as np
from numpy.typing import NDArray

from vidkit.boxes import Boxes, iou


def suppressed(
    boxes: Boxes, scores: Boxes, labels: NDArray[np.integer], threshold: float, limit: int
) -> NDArray[np.int64]:
    """Return the positions of the kept boxes, best first, at most `limit`; equal scores keep their order.

    A box is dropped if a kept box of its label that comes before it overlaps it by more than `threshold`.
    boxes `(N, 4)`, scores `(N,)`, labels `(N,)`.
    """
    order = np.argsort(-scores, kind="stable")
    kept = [_of_one_label(boxes, order[labels[order] == label], threshold, limit) for label in np.unique(labels)]
    alive = np.zeros(len(scores), np.bool_)
    alive[np.concatenate([np.zeros(0, np.int64), *kept])] = True
    return order[alive[order]][:limit]


def _of_one_label(boxes: Boxes, order: NDArray[np.int64], threshold: float, limit: int) -> NDArray[np.int64]:
    kept: list[np.int64] = []
    while len(order) and len(kept) < limit:
        kept.append(order[0])
        order = order[1:]
        order = order[iou(boxes[kept[-1]], boxes[order]) <= threshold]
    return np.array(kept, np.int64)
