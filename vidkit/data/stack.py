"""From records to an index: the tables of many videos, stacked into one set of columns."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vidkit.boxes import lossless_float
from vidkit.classes import ObjectClass
from vidkit.data.index import FrameFiles, IgnoredRegions, Index, SourceNames
from vidkit.data.records import VideoTable

AttributeParts = Sequence[tuple[Mapping[str, NDArray[Any]], int]]


def build_index(
    videos: Iterable[VideoTable],
    classes: Sequence[ObjectClass],
    dataset: str,
    split: str,
    root: str = "",
    class_ids: tuple[str, ...] | None = None,
) -> Index:
    """The index of `videos`, in their order.

    `root` is the folder that the sources of the frames are relative to; the index has no `files` where no video knows
    any. `class_ids` is how the source numbers the classes, as text. Boxes are stored as float32 where that loses
    nothing. An attribute that only some videos have is NaN in the others, or empty where it is text. Raises ValueError
    where records contradict each other (two videos of one name, a class out of range).
    """
    tables = list(videos)
    frames, instances = [len(t.frame_number) for t in tables], [len(t.class_id) for t in tables]
    return Index(
        dataset=dataset,
        split=split,
        classes=tuple(classes),
        video_name=tuple(t.name for t in tables),
        video_size=np.array([t.size for t in tables], np.int32).reshape(-1, 2),
        frame_start=_starts(frames),
        frame_number=_stack([t.frame_number for t in tables], np.int32),
        instance_start=_starts(_stack([t.instance_count for t in tables], np.int64)),
        box=lossless_float(_stack([t.box for t in tables], np.float64, 4)),
        class_id=_stack([t.class_id for t in tables], np.int16),
        track_id=_stack([t.track_id for t in tables], np.int32),
        occluded=_stack([t.occluded for t in tables], np.bool_),
        generated=_stack([t.generated for t in tables], np.bool_),
        frame_attributes=_stack_attributes([(t.frame_attributes, f) for t, f in zip(tables, frames, strict=True)]),
        instance_attributes=_stack_attributes(
            [(t.instance_attributes, n) for t, n in zip(tables, instances, strict=True)]
        ),
        files=_frame_files(tables, root),
        annotated=_annotated([(t.annotated, f) for t, f in zip(tables, frames, strict=True)]),
        ignored=_ignored([(t.ignored, f) for t, f in zip(tables, frames, strict=True)]),
        called=SourceNames(
            frame_id=_texts([t.called.id for t in tables], frames),
            frame_path=_texts([t.called.path for t in tables], frames),
            frame_number=_numbers([t.called.number for t in tables], frames),
            class_id=class_ids,
        ),
    )


def join_indices(parts: Sequence[Index]) -> Index:
    """One index of the videos of all `parts`, in their order.

    Data set, split, classes and root of the frames must be the same in all (ValueError).
    """
    first = parts[0]
    if any((p.dataset, p.split, p.classes) != (first.dataset, first.split, first.classes) for p in parts):
        raise ValueError("join_indices: parts of different data sets, splits or classes")
    given = [p.motion_iou for p in parts if p.motion_iou is not None]
    if given and len(given) != len(parts):
        raise ValueError("join_indices: motion_iou is given for some parts only")
    return Index(
        dataset=first.dataset,
        split=first.split,
        classes=first.classes,
        video_name=tuple(name for p in parts for name in p.video_name),
        video_size=np.concatenate([p.video_size for p in parts]),
        frame_start=_starts(np.concatenate([np.diff(p.frame_start) for p in parts])),
        frame_number=np.concatenate([p.frame_number for p in parts]),
        instance_start=_starts(np.concatenate([np.diff(p.instance_start) for p in parts])),
        box=np.concatenate([p.box for p in parts]),
        class_id=np.concatenate([p.class_id for p in parts]),
        track_id=np.concatenate([p.track_id for p in parts]),
        occluded=np.concatenate([p.occluded for p in parts]),
        generated=np.concatenate([p.generated for p in parts]),
        motion_iou=np.concatenate(given) if given else None,
        frame_attributes=_stack_attributes([(p.frame_attributes, p.n_frames) for p in parts]),
        instance_attributes=_stack_attributes([(p.instance_attributes, p.n_instances) for p in parts]),
        files=_join_files(parts),
        annotated=_annotated([(p.annotated, p.n_frames) for p in parts]),
        ignored=_ignored([(p.ignored, p.n_frames) for p in parts]),
        called=_join_names(parts),
    )


def _annotated(parts: Sequence[tuple[NDArray[np.bool_] | None, int]]) -> NDArray[np.bool_] | None:
    """Which frames are annotated; None where all are."""
    known = np.concatenate([np.zeros(0, np.bool_), *(np.ones(n, np.bool_) if a is None else a for a, n in parts)])
    return None if known.all() else known


def _ignored(parts: Sequence[tuple[IgnoredRegions | None, int]]) -> IgnoredRegions | None:
    """The ignored regions of all parts, which have so many frames; None where there are none."""
    known = [region for region, _ in parts if region is not None and len(region.box)]
    if not known:
        return None
    return IgnoredRegions(
        count=_stack([np.zeros(n, np.int32) if r is None else r.count for r, n in parts], np.int32),
        box=lossless_float(_stack([r.box for r in known], np.float64, 4)),
        class_id=_stack([r.class_id for r in known], np.int16),
        crowd=_stack([r.crowd for r in known], np.bool_),
    )


def _texts(parts: Sequence[Sequence[str] | None], frames: Sequence[int]) -> NDArray[np.bytes_] | None:
    """What the source calls each frame, b"" where it doesn't; None where it names none."""
    if all(part is None for part in parts):
        return None
    texts = [b"" if part is None else part[i].encode() for part, n in zip(parts, frames, strict=True) for i in range(n)]
    return np.array(texts, "S") if texts else np.zeros(0, "S1")


def _numbers(parts: Sequence[Sequence[int] | None], frames: Sequence[int]) -> NDArray[np.int64] | None:
    """The number that the source gives each frame, -1 where it gives none; None where it gives none at all."""
    if all(part is None for part in parts):
        return None
    return _stack([np.full(n, -1) if p is None else np.array(p) for p, n in zip(parts, frames, strict=True)], np.int64)


def _join_names(parts: Sequence[Index]) -> SourceNames:
    """The names of the source in all parts, which number their classes alike or not at all (else they have no ids)."""
    ids = {part.called.class_id for part in parts}
    columns = {}
    for name, empty in (("frame_id", b""), ("frame_path", b""), ("frame_number", -1)):
        known = [getattr(part.called, name) for part in parts]
        if any(column is not None for column in known):
            filled = [np.full(p.n_frames, empty) if c is None else c for p, c in zip(parts, known, strict=True)]
            columns[name] = np.concatenate(filled)
    return SourceNames(**columns, class_id=ids.pop() if len(ids) == 1 else None)


def _starts(counts: Sequence[int] | NDArray[Any]) -> NDArray[np.int64]:
    """The row offsets `(K + 1,)` of K groups of so many rows."""
    return np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)


def _stack(columns: Sequence[NDArray[Any]], dtype: Any, *shape: int) -> NDArray[Any]:
    return np.concatenate([np.zeros((0, *shape), dtype), *columns]).astype(dtype, copy=False)


def _stack_attributes(parts: AttributeParts) -> dict[str, NDArray[Any]]:
    names = sorted({name for attributes, _ in parts for name in attributes})
    return {name: _stack_attribute(name, parts) for name in names}


def _stack_attribute(name: str, parts: AttributeParts) -> NDArray[Any]:
    first = next(attributes[name] for attributes, _ in parts if name in attributes)
    missing = b"" if first.dtype.kind == "S" else np.nan
    return np.concatenate(
        [
            attributes[name] if name in attributes else np.full(n, missing)
            for attributes, n in parts
            if n or name in attributes
        ]
    )


def _frame_files(tables: Sequence[VideoTable], root: str) -> FrameFiles | None:
    if not any(t.files.kind for t in tables):
        return None
    named = any(t.files.name is not None for t in tables)
    in_tar = any(t.files.offset is not None for t in tables)
    return FrameFiles(
        root=root,
        kind=tuple(t.files.kind for t in tables),
        source=tuple(t.files.source for t in tables),
        pattern=tuple(t.files.pattern for t in tables),
        name=tuple(name for t in tables for name in _names(t.files.name, t.files.pattern, t.frame_number))
        if named
        else None,
        offset=_rows_in_tar([(t.files.offset, len(t.frame_number)) for t in tables]) if in_tar else None,
        size=_rows_in_tar([(t.files.size, len(t.frame_number)) for t in tables]) if in_tar else None,
    )


def _join_files(parts: Sequence[Index]) -> FrameFiles | None:
    known = [p.files for p in parts if p.files is not None]
    if not known:
        return None
    if any(f.root != known[0].root for f in known):
        raise ValueError("join_indices: the frames of the parts lie under different roots")
    unknown = [("",) * p.n_videos for p in parts]
    files = [p.files or FrameFiles("", none, none, none) for p, none in zip(parts, unknown, strict=True)]
    named, in_tar = any(f.name is not None for f in files), any(f.offset is not None for f in files)
    return FrameFiles(
        root=known[0].root,
        kind=tuple(kind for f in files for kind in f.kind),
        source=tuple(source for f in files for source in f.source),
        pattern=tuple(pattern for f in files for pattern in f.pattern),
        name=tuple(name for p, f in zip(parts, files, strict=True) for name in _names_of_part(p, f)) if named else None,
        offset=_rows_in_tar([(f.offset, p.n_frames) for p, f in zip(parts, files, strict=True)]) if in_tar else None,
        size=_rows_in_tar([(f.size, p.n_frames) for p, f in zip(parts, files, strict=True)]) if in_tar else None,
    )


def _names_of_part(part: Index, files: FrameFiles) -> Iterable[str]:
    if files.name is not None:
        return files.name
    return (
        name
        for video in range(part.n_videos)
        for name in _names(
            None, files.pattern[video], part.frame_number[part.frame_start[video] : part.frame_start[video + 1]]
        )
    )


def _names(names: tuple[str, ...] | None, pattern: str, numbers: NDArray[Any]) -> Iterable[str]:
    """The file name of each frame, "" where none is known: the column needs every frame once one needs it."""
    if names is not None:
        return names
    return (pattern.format(int(number)) for number in numbers) if pattern else ("",) * len(numbers)


def _rows_in_tar(parts: Sequence[tuple[NDArray[np.int64] | None, int]]) -> NDArray[np.int64]:
    return np.concatenate([np.full(n, -1, np.int64) if rows is None else rows for rows, n in parts]).astype(np.int64)
