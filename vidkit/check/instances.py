"""Faults that show in the boxes and tracks themselves, wherever they were read from."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Fault = tuple[str, int, str]
"""The kind, the row where it is, what was found."""


@dataclass(frozen=True, eq=False)
class Instances:
    """The boxes of one video or of many, N rows. Rows of a frame stand together, frames ascend within a video."""

    video: NDArray[np.int64]  # (N,)
    frame: NDArray[np.int64]  # (N,) number or row of the frame
    box: NDArray[np.floating[Any]]  # (N, 4) corners as the source counts them, inclusive or exclusive
    class_id: NDArray[np.int64]  # (N,) any number that stands for the class, -1 where it isn't known
    track_id: NDArray[np.int64]  # (N,) -1 where there is none
    size: NDArray[np.int64]  # (N, 2) width and height of the frame, 0 where unknown


def instance_faults(x: Instances, class_name: Callable[[int], str], slack: float) -> Iterator[Fault]:
    """Yield the faults of boxes and tracks. A box may reach `slack` pixels beyond the right and the lower border.

    One fault for each bad box; for a track, one for each second box in a frame, and one where its class first changes.
    """
    yield from _box_faults(x, slack)
    first = _first_of_track_in_frame(x)
    yield from _repeated_tracks(x, first)
    yield from _changes_of_class(x, first, class_name)
    yield from _repeated_boxes(x, class_name)


def _box_faults(x: Instances, slack: float) -> Iterator[Fault]:
    finite = np.isfinite(x.box).all(axis=1)
    box = np.where(finite[:, None], x.box, [0, 0, 1, 1])  # a sound one, so that it isn't told of a second time
    sides = box[:, 2:] - box[:, :2]
    inverted = (sides < 0).any(axis=1)
    flat = ~inverted & (sides == 0).any(axis=1)
    beyond = (box[:, :2] < 0) | (box[:, 2:] > x.size + slack)
    outside = ~inverted & beyond.any(axis=1) & (x.size > 0).all(axis=1)
    for row in np.flatnonzero(~finite):
        yield "box-not-finite", int(row), f"corners {_corners(x.box[row])}"
    for row in np.flatnonzero(inverted):
        yield "inverted-box", int(row), f"corners {_corners(x.box[row])}: the second lies before the first"
    for row in np.flatnonzero(flat):
        yield "zero-area-box", int(row), f"corners {_corners(x.box[row])}: no width or no height between them"
    for row in np.flatnonzero(outside):
        yield "box-outside-image", int(row), f"corners {_corners(x.box[row])}, image {x.size[row, 0]}x{x.size[row, 1]}"


def _corners(box: NDArray[np.floating[Any]]) -> str:
    return f"({', '.join(f'{corner:.6g}' for corner in box)})"


def _first_of_track_in_frame(x: Instances) -> NDArray[np.bool_]:
    """Which rows are their track's only or first in the frame `(N,)`; false for rows without a track."""
    rows = np.flatnonzero(x.track_id >= 0)
    keys = np.stack([x.video[rows], x.frame[rows], x.track_id[rows]], axis=1).reshape(-1, 3)
    _, first = np.unique(keys, axis=0, return_index=True)
    result = np.zeros(len(x.track_id), np.bool_)
    result[rows[first]] = True
    return result


def _repeated_tracks(x: Instances, first: NDArray[np.bool_]) -> Iterator[Fault]:
    for row in np.flatnonzero((x.track_id >= 0) & ~first):
        yield "duplicate-track", int(row), f"track {x.track_id[row]} is in this frame already"


def _changes_of_class(x: Instances, first: NDArray[np.bool_], name: Callable[[int], str]) -> Iterator[Fault]:
    rows = np.flatnonzero(first & (x.class_id >= 0))
    rows = rows[np.lexsort((x.frame[rows], x.track_id[rows], x.video[rows]))]
    before, after = rows[:-1], rows[1:]
    same = (x.video[before] == x.video[after]) & (x.track_id[before] == x.track_id[after])
    told: set[tuple[int, int]] = set()
    for place in np.flatnonzero(same & (x.class_id[before] != x.class_id[after])):
        row = int(after[place])
        track = (int(x.video[row]), int(x.track_id[row]))
        if track not in told:
            told.add(track)
            was, becomes = name(int(x.class_id[before[place]])), name(int(x.class_id[row]))
            yield "track-changes-class", row, f"track {track[1]} was {was}, is {becomes} from here on"


def _repeated_boxes(x: Instances, name: Callable[[int], str]) -> Iterator[Fault]:
    """Yield boxes that stand in their frame twice, of one class; those of one track are told as tracks."""
    keys = np.column_stack([x.video, x.frame, x.class_id, x.box]).astype(np.float64).reshape(-1, 7)
    order = np.lexsort(keys.T)
    before, after = order[:-1], order[1:]
    same = (keys[before] == keys[after]).all(axis=1)
    other_track = (x.track_id[before] != x.track_id[after]) | (x.track_id[after] < 0)
    for row in np.sort(after[same & other_track & (x.class_id[after] >= 0)]):
        yield "duplicate-box", int(row), f"the same box of class {name(int(x.class_id[row]))} is in this frame already"
