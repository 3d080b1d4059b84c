"""What weight maps come to: the mean weight of keyframes, also at their objects, and shares by offset (Fig. 4, 6).

The mean over a whole map says little where most of it is background; so weights are told at the objects too, where the
index knows them.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vidkit.data.index import Index
from vidkit.keyframes.propagation import contributions
from vidkit.keyframes.weight_maps import WeightMaps


@dataclass(frozen=True, eq=False)
class KeyframeWeight:
    """The weight map of a keyframe that was fused, summed up."""

    keyframe: int
    """Its place in the weight maps."""
    video: str
    frame: int
    """Its number in the video."""
    mean: float
    """Of w over the whole map."""
    lowest: float
    highest: float
    at_objects: NDArray[np.float64]
    """Of w over each object's box, `(n,)`."""

    @property
    def mean_at_objects(self) -> float:
        """The mean over the objects; NaN without any."""
        return float(self.at_objects.mean()) if len(self.at_objects) else float("nan")


def keyframe_weights(maps: WeightMaps, index: Index) -> list[KeyframeWeight]:
    """Return what the map of each keyframe comes to; first keyframes of videos, which aren't fused, are left out.

    Raises ValueError if the maps are of more frames than the index has.
    """
    if len(maps.frame) and maps.frame[-1] >= index.n_frames:
        raise ValueError(f"weight maps of frame row {maps.frame[-1]} for an index of {index.n_frames} frames")
    found = []
    for k in np.flatnonzero(~maps.is_first).tolist():
        row, weight = int(maps.frame[k]), maps.map_of(k)
        found.append(
            KeyframeWeight(
                keyframe=k,
                video=index.video_name[int(index.frame_video[row])],
                frame=int(index.frame_number[row]),
                mean=float(weight.mean()),
                lowest=float(weight.min()),
                highest=float(weight.max()),
                at_objects=box_means(weight, float(maps.cell[k]), index.box[index.instances_of(row)]),
            )
        )
    return found


def box_means(weight: NDArray[np.float64], cell: float, boxes: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """Return the mean of a map `(h, w)` over the area of each box `(n, 4)` in pixels of the frame, `(n,)`.

    Cell (i, j) is constant over the square of side `cell` at `(j cell, i cell)`, the cells at the border reach beyond
    it. A box without area has the value of the cell that its first corner lies in.
    """
    rows, columns = weight.shape
    boxes = np.asarray(boxes, np.float64).reshape(-1, 4) / cell
    across = _overlaps(boxes[:, 0], boxes[:, 2], columns)  # (n, w)
    down = _overlaps(boxes[:, 1], boxes[:, 3], rows)  # (n, h)
    return np.asarray(np.einsum("nh,hw,nw->n", down, weight, across))


def _overlaps(start: NDArray[np.float64], end: NDArray[np.float64], cells: int) -> NDArray[np.float64]:
    """Return for each of n intervals, in cells, the share that is in each cell, `(n, cells)`; the last have no end."""
    left = np.concatenate([[-np.inf], np.arange(1.0, cells)])
    right = np.append(left[1:], np.inf)
    inside = np.minimum(end[:, None], right) - np.maximum(start[:, None], left)
    empty = end <= start
    inside[empty] = (left <= start[empty, None]) & (start[empty, None] < right)
    inside = np.maximum(inside, 0)
    return np.asarray(inside / inside.sum(axis=1, keepdims=True))


@dataclass(frozen=True)
class OffsetShare:
    """What the keyframes `offset` back have in a task feature, on average."""

    offset: int
    keyframes: int
    """How many keyframes have one so far back: the mean is over these."""
    share: float
    deviation: float
    """Standard deviation over the keyframes."""
    closed_form: float
    """The mean of the closed form over the same keyframes, for weights that are all the run's mean w, and its gate."""


def shares_by_offset(maps: WeightMaps, gate: float, offsets: int = 6) -> tuple[float, list[OffsetShare]]:
    """Return the mean w over all maps, and the measured mean shares at offset 0 … offsets - 1, as far as there are any.

    First keyframes of videos, which aren't fused, are left out. But as a past keyframe the first has the share of all
    that would lie before it too, in the measured numbers as in the closed form. The mean is NaN without maps.
    """
    fused = np.flatnonzero(~maps.is_first).tolist()
    weight = float(np.mean([maps.map_of(k).mean() for k in fused])) if fused else float("nan")
    found = []
    places = _places(maps)
    for offset in range(offsets):
        having = [k for k in fused if len(maps.shares_of(k)) > offset]
        if not having:
            break
        shares = np.array([maps.shares_of(k)[offset] for k in having])
        closed = [contributions(weight, gate, key=int(places[k]), offsets=offset + 1)[offset] for k in having]
        found.append(
            OffsetShare(offset, len(having), float(shares.mean()), float(shares.std()), float(np.mean(closed)))
        )
    return weight, found


def _places(maps: WeightMaps) -> NDArray[np.int64]:
    """Return the place of each keyframe in its video, from 0."""
    at = np.arange(maps.n_keyframes)
    return np.asarray(at - np.maximum.accumulate(np.where(maps.is_first, at, 0)))
