"""The upright box around what a tool draws otherwise: polygons, any two corners, turned boxes."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from vidkit.data.readers.drawn import Drawn
from vidkit.data.readers.source import MAX_PIXELS


def around(points: Sequence[float]) -> tuple[float, float, float, float]:
    """The corners of the upright box around points (x, y, x, y, …); a ValueError where they aren't finite points."""
    if len(points) % 2 or len(points) < 4 or not all(abs(v) <= MAX_PIXELS for v in points):
        raise ValueError(f"wanted points x, y, x, y … within ±{MAX_PIXELS} pixels")
    return min(points[::2]), min(points[1::2]), max(points[::2]), max(points[1::2])


def upright(drawn: Drawn, about_corner: bool = False) -> Drawn:
    """The same boxes with the upright box around each turned one; turned about its centre, or its first corner."""
    turned = drawn.angle % 360 != 0
    box, angle = drawn.box[turned], np.radians(drawn.angle[turned])[:, None, None]
    cos, sin, side = np.cos(angle), np.sin(angle), box[:, 2:] - box[:, :2]
    pivot = box[:, :2] + (0 if about_corner else side / 2)
    arms = np.array([[0, 0], [1, 0], [0, 1], [1, 1]]) - (0 if about_corner else 0.5)
    x, y = np.split(arms * side[:, None], 2, axis=2)  # (N, 4, 1) each
    points = pivot[:, None] + np.concatenate([x * cos - y * sin, x * sin + y * cos], axis=2)
    around = np.concatenate([points.min(axis=1), points.max(axis=1)], axis=1)
    boxes = drawn.box.copy()
    boxes[turned] = around
    return replace(drawn, box=boxes)
