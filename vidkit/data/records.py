"""What any reader of a data set yields: one video at a time, as arrays, so that it crosses process borders cheaply.

A reader turns its source into `VideoTable`s; `vidkit.data.stack` turns those into an `Index`. Readers convert boxes to
vidkit's convention and class names to rows of the class list; nothing after them knows what the source looked like.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vidkit.data.index import IgnoredRegions


@dataclass(frozen=True)
class VideoFiles:
    """Where the images of one video are; the fields are those of `vidkit.data.index.FrameFiles`, for one video.

    `kind` is one of FOLDER, TAR, VIDEO, IMAGE, or "" where nothing is known of the frames.
    """

    kind: str = ""
    source: str = ""  # relative to the root of the data set
    pattern: str = ""  # file name of a frame, from its number
    name: tuple[str, ...] | None = None  # F, where no pattern fits
    offset: NDArray[np.int64] | None = None  # (F,) of TAR; -1 where a frame isn't in the tar
    size: NDArray[np.int64] | None = None  # (F,) of TAR


@dataclass(frozen=True)
class LeftOut:
    """A place in the source, and why it isn't in the index, or (as a remark) what is odd about it."""

    place: str
    reason: str


@dataclass(frozen=True, eq=False)
class FrameNames:
    """How the source itself calls the frames of one video, as far as it does; each `(F,)` or None."""

    id: tuple[str, ...] | None = None  # image ids, as text
    path: tuple[str, ...] | None = None  # file names as written, with their folders
    number: tuple[int, ...] | None = None  # frame numbers as written


@dataclass(frozen=True, eq=False)
class VideoTable:
    """One video: F frames, N instances, in the order of the source. Instances of a frame stand together.

    `counts` tells what a reader noticed, by a name for people ("objects of other classes left out"), to be summed over
    videos; `left_out` lists single files. Raises ValueError where the columns contradict each other.
    """

    name: str  # unique in its split
    frame_number: NDArray[np.int32]  # (F,) ascending
    instance_count: NDArray[np.int32]  # (F,) boxes in each frame; the sum is N
    box: NDArray[np.floating[Any]]  # (N, 4) vidkit's convention: x2, y2 exclusive
    class_id: NDArray[np.int16]  # (N,) row of the class list that is given to build_index
    track_id: NDArray[np.int32]  # (N,) -1 where the source has none
    occluded: NDArray[np.bool_]  # (N,)
    generated: NDArray[np.bool_]  # (N,)
    size: tuple[int, int] = (0, 0)  # width, height in pixels; 0 if unknown
    frame_attributes: Mapping[str, NDArray[Any]] = field(default_factory=dict)  # name → (F,)
    instance_attributes: Mapping[str, NDArray[Any]] = field(default_factory=dict)  # name → (N,)
    files: VideoFiles = field(default_factory=VideoFiles)
    counts: Mapping[str, int] = field(default_factory=dict)
    left_out: tuple[LeftOut, ...] = ()
    remarks: tuple[LeftOut, ...] = ()  # kept, but worth a look
    annotated: NDArray[np.bool_] | None = None  # (F,) whether a frame's objects are known; None: those of all are
    ignored: IgnoredRegions | None = None
    called: FrameNames = field(default_factory=FrameNames)

    def __post_init__(self) -> None:
        f, n = len(self.frame_number), len(self.class_id)
        columns: dict[str, tuple[Any, int]] = {"instance_count": (self.instance_count, f)}
        columns |= {name: (getattr(self, name), n) for name in ("box", "track_id", "occluded", "generated")}
        columns |= {name: (column, f) for name, column in self.frame_attributes.items()}
        columns |= {name: (column, n) for name, column in self.instance_attributes.items()}
        columns |= {
            f"files.{name}": (column, f)
            for name, column in (("name", self.files.name), ("offset", self.files.offset), ("size", self.files.size))
            if column is not None
        }
        if self.annotated is not None:
            columns["annotated"] = (self.annotated, f)
        columns |= {f"called.{name}": (column, f) for name, column in vars(self.called).items() if column is not None}
        if self.ignored is not None:
            columns["ignored.count"] = (self.ignored.count, f)
            m = int(self.ignored.count.sum())
            columns |= {f"ignored.{name}": (getattr(self.ignored, name), m) for name in ("box", "class_id", "crowd")}
        for name, (column, wanted) in columns.items():
            if len(column) != wanted:
                raise ValueError(f"video {self.name}: {name} has {len(column)} rows, wanted {wanted}")
        if self.instance_count.sum() != n:
            raise ValueError(f"video {self.name}: instance_count sums to {self.instance_count.sum()}, wanted {n}")
