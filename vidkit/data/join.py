"""`join`: several indices → one, such as VID and DET, to train on both or to score both."""

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

import numpy as np

from vidkit.classes import ObjectClass
from vidkit.data.class_list import MAX_CLASSES
from vidkit.data.index import FrameFiles, Index, SourceNames
from vidkit.data.index_file import read_index, write_index
from vidkit.data.stack import join_indices
from vidkit.errors import ArgumentError, ChoiceError

IDS, PATHS = "ids of images", "names of images"
DROPPED = "the sources' {} aren't kept: two frames would have the same, so nothing could be joined by them"
CATEGORIES = "the sources' ids of categories aren't kept: they number their classes in different ways"


@dataclass(frozen=True)
class Joined:
    """The index of all, and what couldn't be kept."""

    index: Index
    notes: tuple[str, ...]


def join(
    *indices: Index | str | Path,
    out: str | Path | None = None,
    dataset: str | None = None,
    split: str | None = None,
    prefix: bool = False,
) -> Joined:
    """The videos of all `indices` (or of their files), in their order, as one index; written to `out` if that is given.

    Classes are the same where their name or their WordNet id is; those of the first index come first. `dataset` and
    `split` are what it is called, by default as the parts, with "+" between where they differ. With `prefix` a video is
    called DATASET_SPLIT/NAME, after the index that it comes from. The frames lie below the folder that all roots have
    in common.

    Raises ArgumentError for fewer than two; ChoiceError where two videos have one name, two classes can't be told
    apart, or a column is there in some and can't be filled in the others.
    """
    parts = [index if isinstance(index, Index) else read_index(index) for index in indices]
    if len(parts) < 2:
        raise ArgumentError(f"{len(parts)} index to join: wanted two or more")
    _check(parts, prefix)
    classes, rows = _classes(parts)
    category_ids = _category_ids(parts, rows, len(classes))
    kept = {name: _distinct(parts, name) for name in ("frame_id", "frame_path")}
    names = dataset or _together(part.dataset for part in parts), split or _together(part.split for part in parts)
    files = _files(parts)
    same = [
        replace(
            part,
            dataset=names[0],
            split=names[1],
            classes=classes,
            class_id=rows[n][part.class_id].astype(np.int16),
            video_name=tuple(_video_names(part, prefix)),
            files=files[n],
            ignored=part.ignored
            and replace(part.ignored, class_id=np.append(rows[n], -1)[part.ignored.class_id].astype(np.int16)),
            called=SourceNames(
                frame_id=part.called.frame_id if kept["frame_id"] else None,
                frame_path=part.called.frame_path if kept["frame_path"] else None,
                frame_number=part.called.frame_number,
                class_id=category_ids,
            ),
        )
        for n, part in enumerate(parts)
    ]
    index = join_indices(same)
    if out is not None:
        write_index(out, index)
    lost = [DROPPED.format(what) for what, name in ((IDS, "frame_id"), (PATHS, "frame_path")) if not kept[name]]
    numbered = any(part.called.class_id is not None for part in parts)
    return Joined(index, (*lost, *((CATEGORIES,) if numbered and category_ids is None else ())))


def _called(index: Index) -> str:
    return f"{index.dataset} {index.split}"


def _together(names: Iterator[str]) -> str:
    return "+".join(dict.fromkeys(names))


def _check(parts: Sequence[Index], prefix: bool) -> None:
    """Raise ChoiceError for what can't be joined."""
    often = Counter(name for part in parts for name in _video_names(part, prefix))
    twice = next((name for name, n in often.items() if n > 1), None)
    if twice is not None:
        where = " and ".join(_called(part) for part in parts if twice in _video_names(part, prefix))
        more = "give data sets or splits different names" if prefix else "--prefix puts these before the names"
        raise ChoiceError(f"two videos are called {twice!r}, in {where}: if they aren't the same, {more}")
    with_motion = [_called(part) for part in parts if part.motion_iou is not None]
    if with_motion and len(with_motion) < len(parts):
        raise ChoiceError(
            f"only {', '.join(with_motion)} has motion IoU of a side file; prepare it without --motion-iou"
        )
    for level in ("frame_attributes", "instance_attributes"):
        kinds: dict[str, str] = {}
        for part in parts:
            attributes: Mapping[str, np.ndarray] = getattr(part, level)
            for name, column in attributes.items():
                kind = "text" if column.dtype.kind == "S" else "numbers"
                if kinds.setdefault(name, kind) != kind:
                    raise ChoiceError(f"attribute {name!r}: {kinds[name]} in one index, {kind} in {_called(part)}")


def _video_names(part: Index, prefix: bool) -> Sequence[str]:
    return [f"{part.dataset}_{part.split}/{name}" for name in part.video_name] if prefix else part.video_name


def _classes(parts: Sequence[Index]) -> tuple[tuple[ObjectClass, ...], list[np.ndarray]]:
    """All classes, and for each part the row of each of its classes among them `(C,)`."""
    classes: list[ObjectClass] = []
    rows = []
    for part in parts:
        by_name, by_wnid = ({getattr(c, key): row for row, c in enumerate(classes)} for key in ("name", "wnid"))
        of_part = []
        for c in part.classes:
            found = {known[key] for known, key in ((by_name, c.name), (by_wnid, c.wnid)) if key in known}
            if len(found) > 1:
                others = " and ".join(f"{classes[row].name!r} ({classes[row].wnid})" for row in sorted(found))
                raise ChoiceError(f"{_called(part)}: class {c.name!r} ({c.wnid}) is {others} by name and by WordNet id")
            of_part.append(found.pop() if found else len(classes))
            classes += [c] if of_part[-1] == len(classes) else []
        if len(set(of_part)) < len(of_part):
            raise ChoiceError(f"{_called(part)}: two of its classes are one by name or WordNet id in another index")
        rows.append(np.array(of_part, np.int64))
    if len(classes) > MAX_CLASSES:
        raise ChoiceError(f"{len(classes)} classes in all; an index holds at most {MAX_CLASSES}")
    return tuple(classes), rows


def _category_ids(parts: Sequence[Index], rows: Sequence[np.ndarray], n_classes: int) -> tuple[str, ...] | None:
    """The sources' ids of the classes, "" where none has one; None where they contradict each other."""
    ids = [""] * n_classes
    for part, of_part in zip(parts, rows, strict=True):
        for row, key in zip(of_part.tolist(), part.called.class_id or (), strict=False):
            if key and ids[row] not in ("", key):
                return None
            ids[row] = key or ids[row]
    known = [key for key in ids if key]
    return tuple(ids) if known and len(set(known)) == len(known) else None


def _distinct(parts: Sequence[Index], name: str) -> bool:
    """Whether no two parts call a frame the same."""
    columns = [getattr(part.called, name) for part in parts]
    seen = [np.unique(column[column != b""]) for column in columns if column is not None]
    return not seen or len(np.unique(np.concatenate(seen))) == sum(map(len, seen))


def _files(parts: Sequence[Index]) -> list[FrameFiles | None]:
    """Where the frames of each part are, below the folder that all roots have in common."""
    roots = {part.files.root for part in parts if part.files is not None}
    if len(roots) < 2:
        return [part.files for part in parts]
    try:
        common = os.path.commonpath(roots)
    except ValueError:  # on different drives, or relative beside absolute
        raise ChoiceError(f"the frames lie below {', '.join(sorted(roots))}, which have no folder in common") from None
    return [part.files and _below(part.files, common) for part in parts]


def _below(files: FrameFiles, root: str) -> FrameFiles:
    inside = PurePosixPath(Path(os.path.relpath(files.root, root)).as_posix())
    places = zip(files.kind, files.source, strict=True)
    return replace(files, root=root, source=tuple(str(inside / source) if kind else source for kind, source in places))
