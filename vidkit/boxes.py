"""Boxes: the one home of the box convention.

Inside vidkit a box is `(x1, y1, x2, y2)` in pixels of the original frame, `x2` and `y2` **exclusive**: a box that
covers the single pixel (3, 5) is `(3, 5, 4, 6)`, its width is `x2 - x1 = 1`. ImageNet's XML and the evaluators of FGFA
and MEGA count **inclusive** corners, where the same box is `(3, 5, 3, 5)` and its width is `x2 - x1 + 1`. The two are
converted by readers and writers, nowhere else. Arrays are `(N, 4)`, floating; no boxes are `(0, 4)`, never None.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Boxes = NDArray[np.floating[Any]]


def from_inclusive(boxes: Boxes) -> Boxes:
    """Return boxes `(..., 4)` with exclusive corners, made from inclusive ones (ILSVRC XML)."""
    return np.asarray(boxes + np.array([0, 0, 1, 1], boxes.dtype))


def to_inclusive(boxes: Boxes) -> Boxes:
    """Return boxes `(..., 4)` with inclusive corners (ILSVRC XML), made from vidkit's."""
    return np.asarray(boxes - np.array([0, 0, 1, 1], boxes.dtype))


def without_rounding(side: Boxes) -> Boxes:
    """Return sides `x2 - x1` of inclusive corners with 0 for what is only rounding: 1.8 + 1 - 1 isn't 1.8 in floats."""
    return np.where(np.abs(side) < 1e-9, np.zeros_like(side), side)


def from_xywh(boxes: Boxes) -> Boxes:
    """Return corner boxes `(..., 4)` made from COCO's `(x, y, width, height)`."""
    corners = np.array(boxes)
    corners[..., 2:] += corners[..., :2]
    return corners


def to_xywh(boxes: Boxes) -> Boxes:
    """Return COCO's `(x, y, width, height)` made from corner boxes `(..., 4)`."""
    return np.concatenate([boxes[..., :2], boxes[..., 2:] - boxes[..., :2]], axis=-1)


def area(boxes: Boxes) -> Boxes:
    """Return the areas `(...)` of boxes `(..., 4)` in square pixels; 0 for empty and inverted boxes."""
    sides = np.maximum(boxes[..., 2:] - boxes[..., :2], 0)
    return np.asarray(sides[..., 0] * sides[..., 1])


def iou(a: Boxes, b: Boxes) -> Boxes:
    """Return the intersection over union of boxes `a (..., 4)` and `b (..., 4)`, pair by pair under broadcasting.

    0 where they don't overlap, and where both are empty.
    """
    sides = np.maximum(np.minimum(a[..., 2:], b[..., 2:]) - np.maximum(a[..., :2], b[..., :2]), 0)
    intersection = np.asarray(sides[..., 0] * sides[..., 1])
    union = area(a) + area(b) - intersection
    return np.asarray(np.divide(intersection, union, out=np.zeros_like(union), where=union > 0))


def lossless_float(values: NDArray[Any]) -> Boxes:
    """Return `values` as float32 where every one of them is exact in it, as float64 otherwise."""
    values = np.asarray(values, np.float64)
    with np.errstate(over="ignore"):
        single = values.astype(np.float32)
    return single if np.array_equal(single, values, equal_nan=True) else values
