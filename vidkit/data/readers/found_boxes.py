"""The boxes of one video as a reader finds them, in any order → its `VideoTable`: by frame, ignored regions apart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vidkit.data.index import IgnoredRegions
from vidkit.data.readers.source import MAX_PIXELS
from vidkit.data.records import FrameNames, VideoFiles, VideoTable
from vidkit.errors import AnnotationError

OTHER_CLASS, NO_AREA = "boxes of other classes left out", "boxes without area left out"
TWICE = "boxes whose track is in their frame already, kept"
ANY, OTHER = -1, -2
"""In the place of a class: a region is about detections of any class; a box is of a class that isn't wanted."""

Ints = NDArray[np.integer[Any]]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Frames:
    """The frames of one video, by ascending number, and what else is known of the video: F frames."""

    number: Ints  # (F,)
    called: FrameNames
    files: VideoFiles = field(default_factory=VideoFiles)
    size: tuple[int, int] = (0, 0)  # width, height; 0 if unknown
    counts: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class FoundBoxes:
    """N boxes, objects and regions to be ignored, in the order of the source."""

    place: Callable[[int], str]  # where in the source a row stands, for errors
    frame: Ints  # (N,) row of `Frames`
    box: NDArray[np.floating[Any]]  # (N, 4) vidkit's convention
    class_id: Ints  # (N,) row of the class list, ANY or OTHER
    track: Ints  # (N,) -1 where the source has none
    occluded: Bools | None = None  # (N,)
    ignored: Bools | None = None  # (N,) no ground truth
    crowd: Bools | None = None  # (N,) of those, which may hold many objects
    generated: Bools | None = None  # (N,) interpolated by a tool
    attributes: Mapping[str, NDArray[Any]] = field(default_factory=dict)  # name → (N,)

    def wrong(self, row: int, what: str) -> AnnotationError:
        """The error that says what is wrong with a row."""
        return AnnotationError(f"{self.place(row)}: {what}")

    def with_regions(self, place: Callable[[int], str], frame: Ints, box: NDArray[np.floating[Any]]) -> FoundBoxes:
        """These boxes and M regions `frame (M,)`, `box (M, 4)`, in which no object of any class counts."""
        n, m = len(self.frame), len(frame)
        yes, no = np.ones(m, np.bool_), np.zeros(m, np.bool_)
        return FoundBoxes(
            place=lambda row: self.place(row) if row < n else place(row - n),
            frame=np.append(self.frame, frame),
            box=np.concatenate([self.box, box]),
            class_id=np.append(self.class_id, np.full(m, ANY)),
            track=np.append(self.track, np.full(m, -1)),
            occluded=np.append(_or_none_of(self.occluded, n), no),
            ignored=np.append(_or_none_of(self.ignored, n), yes),
            crowd=np.append(_or_none_of(self.crowd, n), yes),
            generated=np.append(_or_none_of(self.generated, n), no),
            attributes={key: np.append(column, np.full(m, np.nan)) for key, column in self.attributes.items()},
        )


def video_table(name: str, frames: Frames, found: FoundBoxes) -> VideoTable:
    """The table of the video called `name`.

    Boxes without area and boxes of other classes are left out and counted. Raises AnnotationError, with the place of
    the box, for numbers that aren't finite, coordinates that are too large, and negative sides; and for odd names.
    """
    if not name.isprintable():
        raise AnnotationError(f"video {name!r}: wanted a name of printable characters")
    sides = _checked_sides(found)
    for key, column in found.attributes.items():
        infinite = np.isinf(column)  # NaN is an attribute that a box doesn't have
        if infinite.any():
            raise found.wrong(int(infinite.argmax()), f"{key} is infinite, wanted a number")
    n = len(found.frame)
    ignored = _or_none_of(found.ignored, n)
    other = found.class_id == OTHER
    flat = (sides == 0).any(axis=1) & ~other
    order = np.argsort(found.frame, kind="stable")
    objects, regions = order[~(ignored | other | flat)[order]], order[(ignored & ~(other | flat))[order]]
    noticed = {OTHER_CLASS: int(other.sum()), NO_AREA: int(flat.sum()), TWICE: _twice(found, objects)}
    return VideoTable(
        name=name,
        frame_number=frames.number.astype(np.int32),
        instance_count=_count(found.frame[objects], len(frames.number)),
        box=found.box[objects],
        class_id=found.class_id[objects].astype(np.int16),
        track_id=found.track[objects].astype(np.int32),
        occluded=_or_none_of(found.occluded, n)[objects],
        generated=_or_none_of(found.generated, n)[objects],
        size=frames.size,
        instance_attributes={key: column[objects] for key, column in found.attributes.items()},
        files=frames.files,
        counts=dict(+(Counter(noticed) + Counter(frames.counts))),
        ignored=IgnoredRegions(
            count=_count(found.frame[regions], len(frames.number)),
            box=found.box[regions],
            class_id=found.class_id[regions].astype(np.int16),
            crowd=_or_none_of(found.crowd, n)[regions],
        )
        if len(regions)
        else None,
        called=frames.called,
    )


def _or_none_of(column: Bools | None, n: int) -> Bools:
    return np.zeros(n, np.bool_) if column is None else column


def _checked_sides(found: FoundBoxes) -> NDArray[np.floating[Any]]:
    """Widths and heights `(N, 2)`."""
    wild = ~(np.abs(found.box) <= MAX_PIXELS).all(axis=1)  # NaN too
    if wild.any():
        row = int(wild.argmax())
        raise found.wrong(row, f"box {_shown(found.box[row])}; wanted finite pixels, at most {MAX_PIXELS}")
    sides = found.box[:, 2:] - found.box[:, :2]
    negative = (sides < 0).any(axis=1)
    if negative.any():
        row = int(negative.argmax())
        raise found.wrong(row, f"a box of {sides[row, 0]:g} x {sides[row, 1]:g} pixels; no side can be negative")
    return np.asarray(sides)


def _shown(box: NDArray[np.floating[Any]]) -> str:
    return ", ".join(f"{value:g}" for value in box)


def _count(frame: Ints, n_frames: int) -> NDArray[np.int32]:
    return np.bincount(frame, minlength=n_frames).astype(np.int32)


def _twice(found: FoundBoxes, objects: Ints) -> int:
    tracked = objects[found.track[objects] >= 0]
    pairs = np.sort(found.frame[tracked].astype(np.int64) << 32 | found.track[tracked].astype(np.int64))
    return int((pairs[1:] == pairs[:-1]).sum())
