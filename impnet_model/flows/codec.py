"""Motion vectors of a film's coding as flow: nearly free, in blocks, and only as good as the encoder's search.

A vector leads to the frame that a block was predicted from. FFmpeg tells whether that lies before or after, not which
one it is: it is taken for the nearest one that isn't of kind B. What was predicted from another one is off by a whole
factor; the medians of real films are right.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import avg_pool2d, grid_sample

from impnet_model.flows.memory import Frame
from vidkit.data.film_frames import FilmFrame
from vidkit.errors import FrameError

BLOCK = 8
"""Pixels of the side of a cell of the flow; smaller blocks are averaged."""


class CodecSteps:
    """Steps between adjacent frames by the motion vectors that they carry.

    The way of a frame into the one before is that into its reference before it, divided by their distance; where a
    block has none, that into its reference after it, reversed, which is taken to be as far from the one before as these
    were last; else what its neighbours have. A frame without vectors (kind I) goes on as the one before it.
    """

    def __init__(self) -> None:
        self._ways: dict[int, Tensor] = {}  # (1, 2, h, w): of a frame into the one before, in cells
        self._anchors: list[int] = []  # the last two frames that aren't of kind B
        self._seen = 0

    def see(self, frame: Frame) -> None:
        """Take the next frame. Raises FrameError for one that isn't of a film."""
        if not isinstance(frame, FilmFrame) or not frame.kind:
            raise FrameError(
                f"frame {self._seen}: no frame of a film file, or turned; flow=codec needs the motion vectors of one"
            )
        place, (height, width) = self._seen, frame.shape[:2]
        rows, columns = -(-height // BLOCK), -(-width // BLOCK)
        before = self._ways.get(place - 1)
        way = torch.zeros(1, 2, rows, columns) if before is None else before
        if frame.vectors is not None and len(frame.vectors) and self._anchors:
            cell = np.array([width / columns, height / rows])
            painted_way = painted(frame.vectors, rows, columns, self._distances(), cell)
            way = way if painted_way is None else painted_way
        self._ways[place] = way
        if frame.kind != "B":
            self._anchors[:] = [*self._anchors[-1:], place]
        self._seen += 1

    def _distances(self) -> tuple[int, int | None]:
        """Frames from the one that is seen now to its references before and after; None for one that isn't known."""
        before = self._seen - self._anchors[-1]
        after = self._anchors[-1] - self._anchors[0] - before
        return before, after if after > 0 else None

    def between(self, current: int, other: int) -> Tensor:
        """As `Steps.between`. Raises ValueError for frames that aren't adjacent: vectors can only be composed."""
        if abs(current - other) > 1:
            raise ValueError(
                f"frames {current} and {other}: motion vectors join adjacent ones; composed=false needs others"
            )
        if current == other:
            return torch.zeros_like(self._ways[current])
        return self._ways[current] if other < current else reversed_way(self._ways[other])

    def let_go(self, before: int) -> None:
        """Keep nothing of the frames before this one, but what a frame without vectors goes on with."""
        for place in [place for place in self._ways if place < min(before, self._seen - 1)]:
            del self._ways[place]


def painted(
    vectors: NDArray[np.void], rows: int, columns: int, distances: tuple[int, int | None], cell: NDArray[np.floating]
) -> Tensor | None:
    """The way of each cell into the frame before, `(1, 2, rows, columns)` in cells, from a frame's motion vectors.

    distances: frames to the references before and after; with None for the latter its vectors aren't used. cell: width
    and height in pixels. None where no vector is left.
    """
    sums, counts = np.zeros((2, 2, rows, columns)), np.zeros((2, rows, columns))  # by direction: before, after
    before, behind = distances
    after = (vectors["source"] > 0).astype(np.int64)
    ways = np.stack([vectors["motion_x"], vectors["motion_y"]]) / np.maximum(vectors["motion_scale"], 1)
    ways = ways / np.where(after, -(behind or 1), before) / cell[:, None]
    left, top = ((vectors[f"dst_{axis}"].astype(int) - vectors[side] // 2) // BLOCK for axis, side in ("xw", "yh"))
    usable = (after == 0) | (behind is not None)
    for down in range(2):
        for right in range(2):
            x, y = left + right, top + down
            inside = usable & (vectors["w"] > BLOCK * right) & (vectors["h"] > BLOCK * down)
            inside &= (x >= 0) & (x < columns) & (y >= 0) & (y < rows)
            at = (after[inside], y[inside], x[inside])
            np.add.at(counts, at, 1)
            for axis in range(2):
                np.add.at(sums[:, axis], at, ways[axis][inside])
    chosen = counts[0] == 0  # where there is none into the reference before, those into the one after
    count, total = np.where(chosen, counts[1], counts[0]), np.where(chosen, sums[1], sums[0])
    if not count.any():
        return None
    known = torch.from_numpy((count > 0).astype(np.float32))[None, None]
    return filled(torch.from_numpy((total / np.maximum(count, 1)).astype(np.float32))[None], known)


def filled(way: Tensor, known: Tensor) -> Tensor:
    """The way `(1, 2, h, w)` where it is `known (1, 1, h, w)`, 1 or 0; elsewhere the mean of the nearest that are."""
    while not known.all() and known.any():
        near = avg_pool2d(known, 3, 1, 1)
        mean = avg_pool2d(way * known, 3, 1, 1) / near.clamp(min=1e-6)
        way = torch.where(known > 0, way, torch.where(near > 0, mean, way))
        known = ((known > 0) | (near > 0)).float()
    return way


def reversed_way(way: Tensor) -> Tensor:
    """The way from the frame before into this one, by that from this one into it: `u(p) = -way(p + u(p))`."""
    height, width = way.shape[2:]
    found = -way
    for _ in range(2):
        x = torch.arange(width) + found[:, 0]
        y = torch.arange(height)[:, None] + found[:, 1]
        grid = torch.stack([(2 * x + 1) / width - 1, (2 * y + 1) / height - 1], dim=-1)
        found = -grid_sample(way, grid, mode="bilinear", padding_mode="border", align_corners=False)
    return found
