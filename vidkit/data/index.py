"""Index: the annotations of one split as immutable columns, with row offsets from videos to frames to instances."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vidkit.classes import ObjectClass
from vidkit.errors import did_you_mean

_BLOCK = 1 << 16  # rows
FOLDER, TAR, VIDEO, IMAGE = "folder", "tar", "video", "image"
"""Where the frames of a video are: a folder of images, a plain tar, a video file, or one still image."""


@dataclass(frozen=True, eq=False)
class FrameFiles:
    """Where the images are. Paths are relative to `root`, which a user may override when the data was moved.

    `kind (V,)` is one of FOLDER, TAR, VIDEO, IMAGE, or "" where a video has no known frames; `source (V,)` is the
    folder, tar, video file or image. `pattern (V,)` names a frame's file inside a folder from its frame number, as in
    "{:06d}.JPEG"; `name (F,)` holds the file names one by one where no pattern fits, and is None otherwise. `offset`
    and `size` `(F,)` tell where a frame's bytes lie inside its tar, and are None where there is no tar.
    """

    root: str
    kind: tuple[str, ...]
    source: tuple[str, ...]
    pattern: tuple[str, ...]
    name: tuple[str, ...] | None = None
    offset: NDArray[np.int64] | None = None
    size: NDArray[np.int64] | None = None


@dataclass(frozen=True, eq=False)
class IgnoredRegions:
    """M regions of F frames that are no ground truth, and where a detection is no false alarm either.

    COCO's iscrowd, VisDrone's class 0, UA-DETRAC's ignored_region, KITTI's DontCare, MOTChallenge's rows with flag 0.
    What a detection over one of them is, is a rule of the protocol (docs/protocols.md).
    """

    count: NDArray[np.int32]  # (F,) in each frame; the sum is M
    box: NDArray[np.floating[Any]]  # (M, 4) vidkit's convention
    class_id: NDArray[np.int16]  # (M,) whose detections it is about; -1: those of any class
    crowd: NDArray[np.bool_]  # (M,) a region that many detections may lie in; else one object that needn't be found

    @cached_property
    def start(self) -> NDArray[np.int64]:
        """Regions of frame f are rows `start[f]:start[f + 1]`, `(F + 1,)`."""
        return np.concatenate([np.zeros(1, np.int64), np.cumsum(self.count, dtype=np.int64)])

    @cached_property
    def frame(self) -> NDArray[np.int32]:
        """The frame row of each region, `(M,)`."""
        return np.repeat(np.arange(len(self.count), dtype=np.int32), self.count)


@dataclass(frozen=True, eq=False)
class SourceNames:
    """How the source itself calls frames and classes, as far as it does. What it says isn't content: no fingerprint.

    Texts of frames are kept as UTF-8 bytes, for there may be millions. A frame that the source doesn't name is b"" or
    -1.
    """

    frame_id: NDArray[np.bytes_] | None = None  # (F,) image ids, as text
    frame_path: NDArray[np.bytes_] | None = None  # (F,) file names as written, with their folders
    frame_number: NDArray[np.int64] | None = None  # (F,) frame numbers as written
    class_id: tuple[str, ...] | None = None  # (C,) category ids, as text


@dataclass(frozen=True, eq=False)
class AddedColumns:
    """Attributes that somebody joined to an index to break numbers down by. No content: no fingerprint, no file.

    `frame` name → (F,), `instance` name → (N,); numbers with NaN, or text with "none", where nothing is assigned.
    """

    frame: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    instance: Mapping[str, NDArray[Any]] = field(default_factory=dict)


@dataclass(frozen=True, eq=False, repr=False)
class Index:
    """All annotations of one split. V videos, F frames, N instances (boxes), C classes.

    Frames of video v are rows `frame_start[v]:frame_start[v + 1]`; instances of frame f are rows
    `instance_start[f]:instance_start[f + 1]`, in the order of the annotation file. A still image is a video of one
    frame. Boxes are in vidkit's convention (see `vidkit.boxes`). Arrays are read-only.

    Raises ValueError if the columns contradict each other.
    """

    dataset: str
    split: str
    classes: tuple[ObjectClass, ...]  # C
    video_name: tuple[str, ...]  # V, unique, e.g. "ILSVRC2015_val_00000000"
    video_size: NDArray[np.int32]  # (V, 2) width, height in pixels; 0 if unknown
    frame_start: NDArray[np.int64]  # (V + 1,)
    frame_number: NDArray[np.int32]  # (F,) ascending within a video; its file's number, not its rank
    instance_start: NDArray[np.int64]  # (F + 1,)
    box: NDArray[np.floating[Any]]  # (N, 4)
    class_id: NDArray[np.int16]  # (N,) row of `classes`
    track_id: NDArray[np.int32]  # (N,) unique within a video; -1 where the source has none
    occluded: NDArray[np.bool_]  # (N,)
    generated: NDArray[np.bool_]  # (N,) interpolated by the annotation tool, not drawn by a person
    motion_iou: NDArray[np.float64] | None = None  # (N,) given by a side file; None: to be computed from tracks
    frame_attributes: Mapping[str, NDArray[Any]] = field(default_factory=dict)  # name → (F,)
    instance_attributes: Mapping[str, NDArray[Any]] = field(default_factory=dict)  # name → (N,)
    files: FrameFiles | None = None
    annotated: NDArray[np.bool_] | None = None  # (F,) whether a frame's objects are known; None: those of all are
    ignored: IgnoredRegions | None = None  # None: there are none
    called: SourceNames = field(default_factory=SourceNames)
    added: AddedColumns = field(default_factory=AddedColumns)

    def __post_init__(self) -> None:
        self._check()
        for column in self._columns().values():
            column.flags.writeable = False
        object.__setattr__(self, "frame_attributes", MappingProxyType(dict(self.frame_attributes)))
        object.__setattr__(self, "instance_attributes", MappingProxyType(dict(self.instance_attributes)))

    def __reduce__(self) -> tuple[Any, ...]:
        """Be made again on the other side of a process border: checked, read-only, with views of attributes."""
        given = (getattr(self, f.name) for f in fields(self))
        return Index, tuple(dict(value) if isinstance(value, MappingProxyType) else value for value in given)

    # -- counts ----------------------------------------------------------------------------------------------------

    def __repr__(self) -> str:
        counts = f"{self.n_videos} videos, {self.n_frames} frames, {self.n_instances} boxes of {self.n_classes} classes"
        return f"Index {self.dataset} {self.split}: {counts}, fingerprint {self.fingerprint}"

    @property
    def n_videos(self) -> int:
        """V."""
        return len(self.video_name)

    @property
    def n_frames(self) -> int:
        """F."""
        return len(self.frame_number)

    @property
    def n_instances(self) -> int:
        """N, the number of boxes."""
        return len(self.class_id)

    @property
    def n_classes(self) -> int:
        """C."""
        return len(self.classes)

    @property
    def class_names(self) -> tuple[str, ...]:
        """The names of the classes, in the order of their ids."""
        return tuple(c.name for c in self.classes)

    # -- from one level to the next --------------------------------------------------------------------------------

    def video(self, name: str) -> int:
        """The row of the video called `name`; a ValueError that suggests a near match if there is none."""
        try:
            return self._video_rows[name]
        except KeyError:
            raise ValueError(
                f"no video {name!r} among {self.n_videos}{did_you_mean(name, list(self.video_name))}"
            ) from None

    def frames_of(self, video: int) -> range:
        """The frame rows of video row `video`."""
        return range(int(self.frame_start[video]), int(self.frame_start[video + 1]))

    def instances_of(self, frame: int) -> slice:
        """The instance rows of frame row `frame`, as a slice of the instance columns."""
        return slice(int(self.instance_start[frame]), int(self.instance_start[frame + 1]))

    @cached_property
    def frame_video(self) -> NDArray[np.int32]:
        """The video row of each frame, `(F,)`."""
        return np.repeat(np.arange(self.n_videos, dtype=np.int32), np.diff(self.frame_start))

    @cached_property
    def instance_frame(self) -> NDArray[np.int32]:
        """The frame row of each instance, `(N,)`."""
        return np.repeat(np.arange(self.n_frames, dtype=np.int32), np.diff(self.instance_start))

    @cached_property
    def fingerprint(self) -> str:
        """32 hexadecimal digits that identify the content: classes, videos, frames, boxes and their attributes.

        Not part of it: the names of data set and split, where the frames lie, and whether a column is stored in 4 or 8
        bytes a value.
        """
        digest = hashlib.blake2b(digest_size=16)
        for name in (*(f"{c.name}\t{c.wnid}" for c in self.classes), "", *self.video_name):
            digest.update(name.encode() + b"\n")
        for name, column in self._columns().items():
            canonical = np.dtype(np.float64) if column.dtype.kind == "f" else column.dtype
            digest.update(f"{name} {canonical.str} {column.shape}\n".encode())
            for start in range(0, len(column), _BLOCK):  # in blocks: a copy of a whole column may be the largest thing
                digest.update(np.ascontiguousarray(column[start : start + _BLOCK], canonical).data)
        return digest.hexdigest()

    @cached_property
    def _video_rows(self) -> dict[str, int]:
        return {name: row for row, name in enumerate(self.video_name)}

    def _columns(self) -> dict[str, NDArray[Any]]:
        columns: dict[str, NDArray[Any]] = {
            "video_size": self.video_size,
            "frame_start": self.frame_start,
            "frame_number": self.frame_number,
            "instance_start": self.instance_start,
            "box": self.box,
            "class_id": self.class_id,
            "track_id": self.track_id,
            "occluded": self.occluded,
            "generated": self.generated,
        }
        if self.motion_iou is not None:
            columns["motion_iou"] = self.motion_iou
        columns |= {f"frame_attributes/{name}": self.frame_attributes[name] for name in sorted(self.frame_attributes)}
        columns |= {
            f"instance_attributes/{name}": self.instance_attributes[name] for name in sorted(self.instance_attributes)
        }
        if self.annotated is not None:
            columns["annotated"] = self.annotated
        if self.ignored is not None:
            columns |= {
                f"ignored/{name}": getattr(self.ignored, name) for name in ("count", "box", "class_id", "crowd")
            }
        return columns

    def _check(self) -> None:
        v, f, n = len(self.video_name), len(self.frame_number), len(self.class_id)
        lengths = {"frame_start": v + 1, "video_size": v, "instance_start": f + 1, "frame_number": f, "annotated": f}
        if self.ignored is not None:
            m = int(self.ignored.count.sum())
            lengths |= {"ignored/count": f, "ignored/box": m, "ignored/class_id": m, "ignored/crowd": m}
        for name, column in self._columns().items():
            wanted = f if name.startswith("frame_attributes/") else lengths.get(name, n)
            if len(column) != wanted:
                raise ValueError(f"index column {name}: {len(column)} rows, wanted {wanted}")
        if self.box.shape != (n, 4) or self.video_size.shape != (v, 2):
            raise ValueError(f"index: box {self.box.shape}, wanted ({n}, 4); video_size {self.video_size.shape}")
        for name, starts, end in (("frame_start", self.frame_start, f), ("instance_start", self.instance_start, n)):
            if starts[0] != 0 or starts[-1] != end or (np.diff(starts) < 0).any():
                raise ValueError(f"index column {name}: must rise from 0 to {end}")
        if n and (self.class_id.min() < 0 or self.class_id.max() >= len(self.classes)):
            raise ValueError(f"index: class_id outside 0 … {len(self.classes) - 1}")
        self._check_additions()
        if len(set(self.video_name)) != v:
            raise ValueError("index: video names are not unique")
        inner = np.ones(max(f - 1, 0), bool)
        inner[self.frame_start[1:-1][(self.frame_start[1:-1] > 0) & (self.frame_start[1:-1] < f)] - 1] = False
        if (np.diff(self.frame_number)[inner] <= 0).any():
            raise ValueError("index: frame numbers must rise within each video")

    def _check_additions(self) -> None:
        """Raise ValueError where ignored regions, unannotated frames or names of the source contradict the rest."""
        if self.ignored is not None:
            of = self.ignored.class_id
            if self.ignored.box.shape != (len(of), 4) or self.ignored.count.min(initial=0) < 0:
                raise ValueError("index: ignored regions: boxes of another shape than (M, 4), or negative counts")
            if len(of) and (of.min() < -1 or of.max() >= len(self.classes)):
                raise ValueError(f"index: class_id of ignored regions outside -1 … {len(self.classes) - 1}")
        if self.annotated is not None and np.diff(self.instance_start)[~self.annotated].any():
            raise ValueError("index: boxes in frames that aren't annotated")
        for name in ("frame_id", "frame_path", "frame_number"):
            column = getattr(self.called, name)
            if column is not None and len(column) != self.n_frames:
                raise ValueError(f"index: {name} of the source: {len(column)} rows, wanted {self.n_frames}")
        of_frames, of_instances = self.added.frame.values(), self.added.instance.values()
        if {*map(len, of_frames)} - {self.n_frames} or {*map(len, of_instances)} - {self.n_instances}:
            raise ValueError("index: added columns of another length")
        if self.called.class_id is not None and len(self.called.class_id) != len(self.classes):
            raise ValueError("index: class ids of the source: one for each class was wanted")
