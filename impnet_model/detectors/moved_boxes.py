"""Boxes moved by what a map says at them: by flow, or by what a warp of whole cells left over."""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from vidkit.boxes import Boxes
from vidkit.detections import Detections

Map = NDArray[np.floating[Any]]
"""`(2, h, w)`, x first."""


def moved_by_flow(found: Detections, flow: Tensor, cell: tuple[float, float]) -> Detections:
    """The detections with each box moved as the flow `(1, 2, h, w)` goes at its centre, in pixels of its own grid.

    cell: width and height of such a pixel in pixels of the frame. The centre alone, since around small objects a flow
    is the ground's.
    """
    centres = (found.boxes[:, :2] + found.boxes[:, 2:]) / 2 / cell  # on the flow's grid
    return shifted(found, at_points(flow[0].float().cpu().numpy(), centres) * cell)


def shifted(found: Detections, by: NDArray[np.floating[Any]]) -> Detections:
    """The detections with each box moved `by (N, 2)`, x first."""
    return replace(found, boxes=(found.boxes + np.tile(by, 2)).astype(found.boxes.dtype))


def inside(found: Detections, width: int, height: int) -> Detections:
    """The detections with their boxes cut to the frame; those of which nothing is left are gone."""
    boxes = found.boxes.clip(0, np.array([width, height] * 2, found.boxes.dtype))
    kept = (boxes[:, 0] < boxes[:, 2]) & (boxes[:, 1] < boxes[:, 3])
    return replace(found, boxes=boxes[kept], scores=found.scores[kept], class_ids=found.class_ids[kept])


def at_points(field: Map, points: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """A map at N points, `(N, 2)`: bilinear, pixel (0, 0) has its centre at (0.5, 0.5), clamped at the border."""
    height, width = field.shape[1:]
    place = np.clip(np.asarray(points, np.float64) - 0.5, 0, np.array([width, height]) - 1.0)
    low = np.floor(place).astype(np.int64)
    high = np.minimum(low + 1, np.array([width, height]) - 1)
    (u, v), (x0, y0), (x1, y1) = (place - low).T, low.T, high.T
    above = (1 - u) * field[:, y0, x0] + u * field[:, y0, x1]
    below = (1 - u) * field[:, y1, x0] + u * field[:, y1, x1]
    return np.asarray(((1 - v) * above + v * below).T, np.float64)


def means_in_boxes(field: Map, boxes: Boxes) -> NDArray[np.float64]:
    """The mean of a map within each of N boxes, `(N, 2)`: cells cut by a box count by the part that lies in it.

    Cell (i, j) covers [j, j + 1) x [i, i + 1). Boxes are cut to the map; of one without an area on it, what is at its
    centre.
    """
    height, width = field.shape[1:]
    x1, y1, x2, y2 = np.clip(boxes.astype(np.float64), 0, [width, height, width, height]).T
    sums = np.zeros((2, height + 1, width + 1))
    sums[:, 1:, 1:] = field.astype(np.float64).cumsum(axis=1).cumsum(axis=2)
    within = _read(sums, x2, y2) - _read(sums, x1, y2) - _read(sums, x2, y1) + _read(sums, x1, y1)  # (2, N)
    areas = (x2 - x1) * (y2 - y1)
    empty = areas < 1e-6
    means = (within / np.where(empty, 1, areas)).T
    means[empty] = at_points(field, (boxes[empty, :2] + boxes[empty, 2:]) / 2)
    return np.asarray(means)


def _read(sums: NDArray[np.float64], x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sums from the corner to points `(N,)`, `(2, N)`: bilinear between whole cells, which is exact."""
    j, i = np.minimum(x.astype(np.int64), sums.shape[2] - 2), np.minimum(y.astype(np.int64), sums.shape[1] - 2)
    u, v = x - j, y - i
    above = (1 - u) * sums[:, i, j] + u * sums[:, i, j + 1]
    below = (1 - u) * sums[:, i + 1, j] + u * sums[:, i + 1, j + 1]
    return np.asarray((1 - v) * above + v * below)
