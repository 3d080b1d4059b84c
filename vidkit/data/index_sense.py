"""Whether an index that was read makes sense: its content may fit its fingerprint and still be nonsense."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vidkit.data.index import FOLDER, IMAGE, TAR, VIDEO, FrameFiles, Index
from vidkit.errors import FormatError

_WHOLE, _NUMBER, _FLAG = "i", "f", "b"  # not unsigned: differences of those are never negative
_WORDS = {_WHOLE: "whole numbers with a sign", _NUMBER: "floating-point numbers", _FLAG: "true or false"}
_KINDS = {
    "video_size": _WHOLE,
    "frame_start": _WHOLE,
    "frame_number": _WHOLE,
    "instance_start": _WHOLE,
    "box": _NUMBER,
    "class_id": _WHOLE,
    "track_id": _WHOLE,
    "occluded": _FLAG,
    "generated": _FLAG,
    "motion_iou": _NUMBER,
    "annotated": _FLAG,
}


def check_sense(index: Index) -> None:
    """Raise FormatError for columns of another kind, for numbers that can't be, and for two classes of one name."""
    fault = next(_faults(index), None)
    if fault is not None:
        raise FormatError(f"index: {fault}; make it again")


def _faults(index: Index) -> Iterator[str]:
    """What is wrong, in words, the kinds of columns first: the other questions can be asked of the right ones only."""
    for name, kind in _KINDS.items():
        column = getattr(index, name)
        if column is not None and column.dtype.kind not in kind:
            yield f"{name} is of {column.dtype}, wanted {_WORDS[kind]}"
    if index.ignored is not None:
        kinds = {"count": _WHOLE, "box": _NUMBER, "class_id": _WHOLE, "crowd": _FLAG}
        for name, kind in kinds.items():
            if getattr(index.ignored, name).dtype.kind not in kind:
                yield f"ignored regions: {name} of {getattr(index.ignored, name).dtype}, wanted {_WORDS[kind]}"
        if not _are_finite(index.ignored.box):
            yield "ignored regions: a box that isn't finite"
    if not _are_finite(index.box):
        yield "a box that isn't finite"
    if _lowest(index.frame_number) < 0:
        yield f"the frame number {index.frame_number.min()}, wanted 0 or more"
    if _lowest(index.video_size) < 0:
        yield f"a side of {index.video_size.min()} pixels, wanted 0 or more"
    if _lowest(index.track_id) < -1:
        yield f"the track id {index.track_id.min()}, wanted -1 or more"
    if index.motion_iou is not None and not ((index.motion_iou >= 0) & (index.motion_iou <= 1)).all():
        yield "a motion IoU outside 0 … 1"
    if len(set(index.class_names)) != index.n_classes:
        yield "two classes of one name"
    if any("\0" in name for name in index.video_name):
        yield "a video whose name has a zero byte"
    if index.files is not None:
        yield from _faults_of_files(index.files, index.n_videos, index.n_frames)


def _are_finite(box: NDArray[Any]) -> bool:
    """Whether all are; their sum is finite only if each is, and a sum is the faster question."""
    with np.errstate(invalid="ignore", over="ignore"):
        return bool(np.isfinite(box.sum(dtype=np.float64))) or bool(np.isfinite(box).all())


def _lowest(column: NDArray[Any]) -> int:
    return int(column.min()) if column.size else 0


def _faults_of_files(files: FrameFiles, videos: int, frames: int) -> Iterator[str]:
    lengths = {"kind": videos, "source": videos, "pattern": videos, "name": frames, "offset": frames, "size": frames}
    for name, wanted in lengths.items():
        column = getattr(files, name)
        if column is not None and len(column) != wanted:
            yield f"files: {name} has {len(column)} rows, wanted {wanted}"
    for name in ("offset", "size"):
        column = getattr(files, name)
        if column is not None and (column.dtype.kind not in _WHOLE or column.ndim != 1):
            yield f"files: {name} is of {column.dtype}, wanted {_WORDS[_WHOLE]}"
    strange = set(files.kind) - {FOLDER, TAR, VIDEO, IMAGE, ""}
    if strange:
        yield f"files: the kind {min(strange)!r}, wanted {FOLDER}, {TAR}, {VIDEO}, {IMAGE} or nothing"
