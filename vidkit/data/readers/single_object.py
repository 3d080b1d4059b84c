"""LaSOT and GOT-10k text → records: a folder for each sequence, with one object's box a line in `groundtruth.txt`.

A line is left, top, width, height of the object in the frame of that number; pixels are taken to count from 0. LaSOT's
`full_occlusion.txt` and `out_of_view.txt`, and GOT-10k's `absence.label`, have a 1 for frames in which the object isn't
seen: those have no box, as have frames in which a line says NaN. The class is `object_class` of GOT-10k's
`meta_info.ini`, or what stands before the number in the folder's name (airplane for airplane-1 of LaSOT), or "object".
"""

import configparser
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vidkit.boxes import from_xywh
from vidkit.classes import ObjectClass
from vidkit.data.annotation import read_bytes
from vidkit.data.readers.annotation_files import annotation_files, first_fields, first_file
from vidkit.data.readers.chosen_classes import ChosenClasses, choose_classes, named_classes
from vidkit.data.readers.found_boxes import FoundBoxes, video_table
from vidkit.data.readers.json_fields import in_part, is_text
from vidkit.data.readers.number_rows import NumberRows, read_rows
from vidkit.data.readers.numbered_images import MAX_FRAMES, NumberedImages, numbered_frames, numbered_images
from vidkit.data.readers.source import Source, check_names
from vidkit.data.records import LeftOut, VideoTable
from vidkit.errors import AnnotationError

ABSENT = "frames in which the object isn't seen, without a box"
_TRUTH = "groundtruth.txt"
_PATTERNS = (_TRUTH, f"*/{_TRUTH}", f"*/*/{_TRUTH}")
_FLAGS = ("full_occlusion.txt", "out_of_view.txt", "absence.label")
_META = "METAINFO"


class _ObjectSequence(NamedTuple):
    place: Path  # the folder
    name: str
    class_name: str
    rows: NumberRows
    absent: NDArray[np.bool_]  # (R,)
    images: NumberedImages


def read_single_object(path: Path, frames: Path | None = None, classes: Sequence[ObjectClass] | None = None) -> Source:
    """The sequences at `path`: one folder with groundtruth.txt, or folders of them, to a depth of two.

    Images lie in the sequence's folder, or its `img`; `frames` is the folder that has the same folders with the images.
    With `classes`, boxes of other classes are left out and counted. Sequences with more images than lines, as those for
    testing, are listed as left out. Raises AnnotationError, naming file and line, for whatever is malformed.
    """
    files = annotation_files(path, _PATTERNS, f"a sequence of LaSOT or GOT-10k with {_TRUTH}")
    one = path.is_file() or files == [path / _TRUTH]
    base = files[0].resolve().parent.parent if one else path
    found = [_read(file, file.resolve().parent.name if one else _below(file, path), frames or base) for file in files]
    kept = [sequence for sequence in found if _images(sequence) <= len(sequence.rows.line)]
    short = [sequence for sequence in found if _images(sequence) > len(sequence.rows.line)]
    names = sorted({sequence.class_name for sequence in kept})
    chosen = choose_classes(str(path), {c.name: c for c in named_classes(names)}, classes)
    videos = tuple(_table(sequence, chosen) for sequence in kept)
    check_names(str(path), videos)
    left_out = tuple(
        LeftOut(str(s.place), f"{len(s.rows.line)} lines in {_TRUTH} for {_images(s)} images: a sequence for testing?")
        for s in short
    )
    return Source(chosen.classes, videos, frames or base, left_out)


def looks_like(path: Path) -> bool:
    """Whether `path` seems to be read by `read_single_object`: a groundtruth.txt with four columns."""
    file = first_file(path, _PATTERNS)
    return file is not None and file.name == _TRUTH and len(first_fields(file)) == 4


def _below(file: Path, path: Path) -> str:
    return file.parent.relative_to(path).as_posix()


def _read(file: Path, below: str, root: Path) -> _ObjectSequence:
    rows = read_rows(file, (4,), "left, top, width, height")
    if len(rows.line) > MAX_FRAMES:
        raise AnnotationError(f"{file}: {len(rows.line)} lines, wanted at most {MAX_FRAMES}")
    told = [_flags(file.parent / name, len(rows.line)) for name in _FLAGS if (file.parent / name).exists()]
    absent = np.logical_or.reduce([*told, np.isnan(rows.value).any(axis=1)])
    name = file.resolve().parent.name
    images = numbered_images(root, [f"{below}/img", below, f"{name}/img", name])
    return _ObjectSequence(file.parent, name, _class_name(file.parent, name), rows, absent, images)


def _flags(file: Path, n: int) -> NDArray[np.bool_]:
    """The flags of the frames `(n,)`, which stand in one line or in one each."""
    flags = read_rows(file, range(1, MAX_FRAMES + 1), "0 or 1 for each frame").value.ravel()
    if len(flags) != n or not np.isin(flags, (0, 1)).all():
        raise AnnotationError(f"{file}: {len(flags)} numbers; wanted 0 or 1 for each of the {n} lines of {_TRUTH}")
    return np.asarray(flags == 1)


def _class_name(folder: Path, name: str) -> str:
    """The class that GOT-10k's meta_info.ini tells, else what LaSOT's folder is called but for its number."""
    meta = folder / "meta_info.ini"
    if not meta.exists():
        before = re.fullmatch(r"(.+?)[-_ ]*\d+", name)
        return "object" if name.startswith("GOT-10k") or not before else before[1]
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(read_bytes(meta).decode("utf-8-sig"))
        class_name = parser[_META]["object_class"].strip()
    except (AnnotationError, configparser.Error, UnicodeDecodeError, KeyError) as error:
        reason = " ".join(str(error).split())[:200]
        raise AnnotationError(f"{meta}: {reason}; wanted object_class in [{_META}], as in GOT-10k") from None
    if not is_text(class_name):
        raise AnnotationError(f"{meta}: object_class {in_part(class_name)}, wanted the name of a class")
    return class_name


def _images(sequence: _ObjectSequence) -> int:
    """How many frames the images make, from the first to the last."""
    numbers = sequence.images.name
    return max(numbers) - min(numbers) + 1 if numbers else 0


def _table(sequence: _ObjectSequence, chosen: ChosenClasses) -> VideoTable:
    rows, seen = sequence.rows, np.flatnonzero(~sequence.absent)
    first = min(sequence.images.name, default=1)
    frames = numbered_frames(first, first + len(rows.line) - 1, sequence.images)
    found = FoundBoxes(
        place=lambda row: rows.place(int(seen[row])),
        frame=seen,
        box=from_xywh(rows.value[seen]),
        class_id=np.full(len(seen), chosen.row[sequence.class_name]),
        track=np.zeros(len(seen), np.int64),
    )
    counts = {**frames.counts, ABSENT: int(sequence.absent.sum())}
    return video_table(sequence.name, replace(frames, counts=counts), found)
