"""The side file of motion IoUs that FGFA published for VID val, aligned with an index.

A MATLAB 5 file with one variable `motion_iou`, a cell array of G rows: row i is the frame with the global id i + 1 in
the order of VID_val_videos.txt, a cell an array of one value for each `<object>` of that frame's XML, in its order. It
names neither frames nor tracks, so all that can be checked is that every frame has as many values as boxes.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vidkit.data.annotation import read_bytes
from vidkit.data.frame_lists import ListEntry
from vidkit.data.ilsvrc.matlab_cells import cells_of
from vidkit.data.index import Index
from vidkit.errors import AnnotationError
from vidkit.reading_door import reading

OFFICIAL_SHA256 = "7c6d27c2ab3becc9939306fc48b8fcdedf643b7f0764a61a4db793a126e44433"
MAX_FILE_BYTES = 1 << 26
MAX_UNPACKED_BYTES = 1 << 29
VARIABLE = "motion_iou"


@dataclass(frozen=True, eq=False)
class MotionFile:
    """G frames and their values: those of the frame with global id i + 1 are `value[start[i]:start[i + 1]]`."""

    path: Path
    sha256: str
    start: NDArray[np.int64]  # (G + 1,)
    value: NDArray[np.float64]  # (N,) in [0, 1]

    @property
    def n_frames(self) -> int:
        """G."""
        return len(self.start) - 1

    @property
    def is_official(self) -> bool:
        """Whether the file is, byte for byte, the one that FGFA, MEGA and YOLOV use."""
        return self.sha256 == OFFICIAL_SHA256

    @cached_property
    def count(self) -> NDArray[np.int64]:
        """The number of values of each frame, `(G,)`."""
        return np.diff(self.start)


def read_motion_file(path: Path) -> MotionFile:
    """The content of a side file. Raises AnnotationError if it isn't one, or unpacks to more than it should."""
    with reading(path, AnnotationError, f"a MATLAB 5 file with {VARIABLE}, a cell array of one column"):
        data = read_bytes(path, limit=MAX_FILE_BYTES)
        cells = cells_of(data, VARIABLE, MAX_UNPACKED_BYTES)
        values = [_cell_values(cell, row) for row, cell in enumerate(cells)]
    start = np.concatenate([[0], np.cumsum([len(v) for v in values])]).astype(np.int64)
    value = np.concatenate([np.zeros(0), *values])
    return MotionFile(path, hashlib.sha256(data).hexdigest(), start, value)


def align_motion(
    motion: MotionFile, index: Index, entries: Mapping[str, ListEntry] | None, source: str
) -> NDArray[np.float64]:
    """The motion IoU of each instance of `index`, `(N,)`.

    `entries` are those of a list that gives global ids, by name of the video; None: the index is the whole split in
    order, and its frames have the ids 1 … F. `source` names the list in errors. Raises AnnotationError where it doesn't
    fit: another number of frames, a frame without an id, a frame with another number of boxes.
    """
    rows = (np.arange(index.n_frames) if entries is None else _global_ids(index, entries, source) - 1).astype(np.int64)
    if entries is None and index.n_frames != motion.n_frames:
        raise AnnotationError(
            f"{motion.path}: has {motion.n_frames} frames, the index {index.n_frames}; for a part of the split the "
            "global frame ids are needed: give the list it was made for, --list VID_val_videos.txt, or put it into "
            "ImageSets/VID of the tree"
        )
    if len(rows) and rows.max() >= motion.n_frames:
        raise AnnotationError(
            f"{motion.path}: has {motion.n_frames} frames, {source} gives ids up to {rows.max() + 1}: not the list it "
            "was made for"
        )
    _check_counts(motion, index, rows, source)
    counts = motion.count[rows]
    offsets = np.arange(index.n_instances) - np.repeat(np.cumsum(counts) - counts, counts)
    return np.asarray(motion.value[np.repeat(motion.start[rows], counts) + offsets])


def _global_ids(index: Index, entries: Mapping[str, ListEntry], source: str) -> NDArray[np.int64]:
    ids = np.zeros(index.n_frames, np.int64)
    for video, name in enumerate(index.video_name):
        frames = index.frame_number[index.frame_start[video] : index.frame_start[video + 1]]
        entry = entries.get(name)
        if entry is None:
            raise AnnotationError(f"{source}: has no ids for the video {name}")
        ids[index.frame_start[video] : index.frame_start[video + 1]] = _ids_of_video(entry, frames, source)
    return ids


def _ids_of_video(entry: ListEntry, frames: NDArray[Any], source: str) -> NDArray[Any]:
    if entry.first_id is not None and entry.length is not None:
        if len(frames) and frames[-1] >= entry.length:
            raise AnnotationError(f"{source}: {entry.name} has {entry.length} frames, the tree has frame {frames[-1]}")
        return np.asarray(entry.first_id + frames)
    if entry.ids is None or entry.frames is None:
        raise AnnotationError(f"{source}: gives no global frame ids; VID_val_videos.txt and VID_val_frames.txt do")
    known = dict(zip(entry.frames, entry.ids, strict=True))
    if missing := [int(frame) for frame in frames if int(frame) not in known]:
        raise AnnotationError(f"{source}: has no id for frame {missing[0]} of {entry.name}")
    return np.array([known[int(frame)] for frame in frames], np.int64)


def _check_counts(motion: MotionFile, index: Index, rows: NDArray[np.int64], source: str) -> None:
    boxes = np.diff(index.instance_start)
    wrong = np.flatnonzero(motion.count[rows] != boxes)
    if not len(wrong):
        return
    frame = int(wrong[0])
    raise AnnotationError(
        f"{motion.path}: doesn't fit: {len(wrong)} of {index.n_frames} frames have another number of boxes, first "
        f"{index.video_name[index.frame_video[frame]]} frame {index.frame_number[frame]} (id {rows[frame] + 1} by "
        f"{source}): {motion.count[rows[frame]]} values for {boxes[frame]} boxes. It belongs to the official VID val "
        "with all 30 classes, videos in the order of VID_val_videos.txt"
    )


def _cell_values(cell: Any, row: int) -> NDArray[np.float64]:
    values = np.asarray(cell)
    if values.dtype.kind not in "uif" or values.ndim != 2 or min(values.shape) > 1:
        raise AnnotationError(
            f"{VARIABLE}{{{row + 1}}}: {values.dtype} of shape {values.shape}, wanted a column of numbers"
        )
    values = values.reshape(-1).astype(np.float64)
    if not ((values >= 0) & (values <= 1)).all():
        raise AnnotationError(f"{VARIABLE}{{{row + 1}}}: a value outside 0 … 1")
    return values
