"""KITTI tracking text → records: `label_02/0000.txt`, images `image_02/0000/000000.png`.

A row is frame, track, type, truncated, occluded, alpha, left, top, right, bottom and seven numbers in space. Frames
count from 0. Corners are floats "counted from 0"; whether the last pixel belongs to the box isn't told by KITTI. They
are taken as they are, as exclusive corners: right - left is the width, as in KITTI's own evaluation. DontCare is a
region in which objects weren't labelled: detections of any class are ignored there.
"""

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from vidkit.classes import ObjectClass
from vidkit.data.readers.annotation_files import annotation_files, first_fields, first_file
from vidkit.data.readers.chosen_classes import ChosenClasses, choose_classes, named_classes
from vidkit.data.readers.found_boxes import ANY, FoundBoxes, video_table
from vidkit.data.readers.number_rows import NumberRows, read_rows
from vidkit.data.readers.numbered_images import MAX_FRAMES, numbered_frames, numbered_images
from vidkit.data.readers.source import Source
from vidkit.data.records import VideoTable
from vidkit.errors import AnnotationError

KITTI_TYPES = ("Car", "Van", "Truck", "Pedestrian", "Person_sitting", "Cyclist", "Tram", "Misc")
"""The types of KITTI's own description; others that occur come after them, by name."""

_DONT_CARE = "DontCare"
_PATTERNS = ("label_02/*.txt", "training/label_02/*.txt", "*.txt")
_WANTED = "frame, track, type, truncated, occluded, alpha, left, top, right, bottom, then seven numbers in space"


def read_kitti(path: Path, frames: Path | None = None, classes: Sequence[ObjectClass] | None = None) -> Source:
    """The sequences at `path`: a split with `label_02`, that folder itself, or one file.

    `frames` is the folder of the sequences' images, by default `image_02` beside `label_02`. With `classes`, boxes of
    types of other names are left out and counted; otherwise the classes are KITTI_TYPES and what else occurs. All
    frames are in it, up to the last annotation or image. Raises AnnotationError, naming file and line, for whatever is
    malformed.
    """
    files = annotation_files(path, _PATTERNS, "KITTI's label_02/SEQUENCE.txt")
    sequences = {file: read_rows(file, (17,), _WANTED, word=2) for file in files}
    found = {word for rows in sequences.values() for word in _types(rows)} - {_DONT_CARE, *KITTI_TYPES}
    known = {c.name: c for c in named_classes((*KITTI_TYPES, *sorted(found)))}
    chosen = choose_classes(str(path), known, classes)
    root = frames or files[0].parent.parent / "image_02"
    return Source(chosen.classes, tuple(_sequence(rows, root, chosen) for rows in sequences.values()), root)


def looks_like(path: Path) -> bool:
    """Whether `path` seems to be read by `read_kitti`: 17 columns, the third a word."""
    fields = first_fields(first_file(path, _PATTERNS))
    return len(fields) == 17 and fields[2][:1].isalpha()


def _types(rows: NumberRows) -> tuple[str, ...]:
    for code, word in enumerate(rows.words):
        if not re.fullmatch(r"[A-Za-z][\w-]{0,63}", word, re.ASCII):
            row = int((rows.value[:, 2] == code).argmax())
            raise AnnotationError(f"{rows.place(row)}: type {word[:60]!r}, wanted a word, as in {KITTI_TYPES[0]}")
    return rows.words


def _sequence(rows: NumberRows, root: Path, chosen: ChosenClasses) -> VideoTable:
    frame = rows.whole(0, "frame", 0, MAX_FRAMES - 1)
    row_of = np.array([chosen.row.get(word, ANY) for word in rows.words], np.int64)
    dont_care = np.array([word == _DONT_CARE for word in rows.words], np.bool_)
    type_ = rows.value[:, 2].astype(np.int64)
    return video_table(
        rows.path.stem,
        numbered_frames(0, int(frame.max(initial=-1)), numbered_images(root, [rows.path.stem])),
        FoundBoxes(
            place=rows.place,
            frame=frame,
            box=rows.value[:, 6:10],
            class_id=row_of[type_],
            track=rows.whole(1, "track", -1),
            occluded=rows.whole(4, "occluded", -1, 3) > 0,
            ignored=dont_care[type_],
            crowd=dont_care[type_],
            attributes={"truncated": rows.value[:, 3], "occlusion": rows.value[:, 4]},
        ),
    )
