"""VisDrone-VID and VisDrone-MOT text → records: `annotations/SEQ.txt`, images `sequences/SEQ/0000001.jpg`.

A row is frame, target id, left, top, width, height, score, category, truncation, occlusion. Frames count from 1, pixels
from 0. In ground truth the score says whether a row counts: rows of score 0 and of category 11 ("others") needn't be
found, category 0 is a region in which nothing counts. Categories 1 … 10 are the classes.
"""

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from vidkit.boxes import from_xywh
from vidkit.classes import ObjectClass
from vidkit.data.readers.annotation_files import annotation_files, first_fields, first_file
from vidkit.data.readers.chosen_classes import ChosenClasses, choose_classes, named_classes
from vidkit.data.readers.found_boxes import ANY, FoundBoxes, video_table
from vidkit.data.readers.number_rows import read_rows
from vidkit.data.readers.numbered_images import MAX_FRAMES, numbered_frames, numbered_images
from vidkit.data.readers.source import Source
from vidkit.data.records import VideoTable

VISDRONE_CLASSES = named_classes(
    ("pedestrian", "people", "bicycle", "car", "van", "truck", "tricycle", "awning-tricycle", "bus", "motor")
)
"""Categories 1 … 10."""

_REGION, _OTHERS = 0, 11
_WANTED = "frame, target id, left, top, width, height, score, category, truncation, occlusion"
_PATTERNS = ("annotations/*.txt", "*.txt")


def read_visdrone(path: Path, frames: Path | None = None, classes: Sequence[ObjectClass] | None = None) -> Source:
    """The sequences at `path`: a split with `annotations`, that folder itself, or one file.

    `frames` is the folder of the sequences' images, by default `sequences` beside `annotations`. With `classes`, boxes
    of categories of other names are left out and counted. All frames are in it, up to the last annotation or image.
    Raises AnnotationError, naming file and line, for whatever is malformed.
    """
    files = annotation_files(path, _PATTERNS, "VisDrone's annotations/SEQUENCE.txt")
    root = frames or files[0].parent.parent / "sequences"
    chosen = choose_classes(str(path), dict(enumerate(VISDRONE_CLASSES, start=1)), classes)
    return Source(chosen.classes, tuple(_sequence(file, root, chosen) for file in files), root, class_ids=chosen.ids)


def looks_like(path: Path) -> bool:
    """Whether `path` seems to be read by `read_visdrone`: ten whole numbers a row, not a gt.txt of MOTChallenge."""
    file = first_file(path, _PATTERNS)
    fields = first_fields(file) if file is not None and file.name != "gt.txt" else []
    return (
        len(fields) == 10
        and all(re.fullmatch(r" *-?\d{1,9} *", field, re.ASCII) for field in fields)
        and fields[6].strip() in ("0", "1")
        and int(fields[7]) in range(_OTHERS + 1)
    )


def _sequence(file: Path, root: Path, chosen: ChosenClasses) -> VideoTable:
    rows = read_rows(file, (10,), _WANTED)
    frame = rows.whole(0, "frame", 1, MAX_FRAMES)
    category = rows.whole(7, "category", _REGION, _OTHERS)
    row_of = np.array([ANY, *(chosen.row[number] for number in range(1, _OTHERS)), ANY])
    return video_table(
        file.stem,
        numbered_frames(1, int(frame.max(initial=0)), numbered_images(root, [file.stem])),
        FoundBoxes(
            place=rows.place,
            frame=frame - 1,
            box=from_xywh(rows.value[:, 2:6]),
            class_id=row_of[category],
            track=rows.whole(1, "target id", -1),
            occluded=rows.whole(9, "occlusion", -1, 2) > 0,
            ignored=(rows.whole(6, "score", 0, 1) == 0) | (category == _REGION) | (category == _OTHERS),
            crowd=category == _REGION,
            attributes={"truncation": rows.whole(8, "truncation", -1, 2), "occlusion": rows.value[:, 9]},
        ),
    )
