"""UAVDT text → records: `GT/SEQ_gt_whole.txt` and `GT/SEQ_gt_ignore.txt`, or the same as `SEQ/gt/gt_whole.txt` ….

A row is frame, target id, left, top, width, height, out-of-view, occlusion, category. Frames count from 1, pixels from
0. Occlusion is 1 for none and 2, 3, 4 for large, medium, small. Of a row of gt_ignore only frame and box are read.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from vidkit.boxes import from_xywh
from vidkit.classes import ObjectClass
from vidkit.data.readers.annotation_files import annotation_files, first_fields, first_file
from vidkit.data.readers.chosen_classes import ChosenClasses, choose_classes, named_classes
from vidkit.data.readers.found_boxes import FoundBoxes, video_table
from vidkit.data.readers.number_rows import NumberRows, read_rows
from vidkit.data.readers.numbered_images import MAX_FRAMES, numbered_frames, numbered_images
from vidkit.data.readers.source import Source, check_names
from vidkit.data.records import VideoTable

UAVDT_CLASSES = named_classes(("car", "truck", "bus"))
"""Categories 1, 2, 3."""

_WHOLE = "gt_whole.txt"
_BOX = "frame, target id, left, top, width, height, "
_WANTED, _WANTED_IGNORE = _BOX + "out-of-view, occlusion, category", _BOX + "…"
_PATTERNS = (f"*{_WHOLE}", f"gt/{_WHOLE}", f"GT/*{_WHOLE}", f"*/{_WHOLE}", f"*/gt/{_WHOLE}", f"*/GT/*{_WHOLE}")


def read_uavdt(path: Path, frames: Path | None = None, classes: Sequence[ObjectClass] | None = None) -> Source:
    """The sequences at `path`: the folder of the data set, its `GT`, one sequence, or one gt_whole.txt.

    `frames` is the folder of the images, in which SEQ, UAV-benchmark-M/SEQ or SEQ/img1 are looked for, by default
    `path`. With `classes`, boxes of categories of other names are left out and counted. All frames are in it, up to the
    last annotation or image. Raises AnnotationError, naming file and line, for whatever is malformed.
    """
    files = annotation_files(path, _PATTERNS, f"UAVDT's GT/SEQUENCE_{_WHOLE}")
    root = frames or (path.parent if path.is_file() else path)
    chosen = choose_classes(str(path), dict(enumerate(UAVDT_CLASSES, start=1)), classes)
    videos = tuple(_sequence(file, root, chosen) for file in files)
    check_names(str(path), videos)
    return Source(chosen.classes, videos, root, class_ids=chosen.ids)


def looks_like(path: Path) -> bool:
    """Whether `path` seems to be read by `read_uavdt`: a gt_whole.txt with nine columns."""
    file = first_file(path, _PATTERNS)
    return file is not None and file.name.endswith(_WHOLE) and len(first_fields(file)) == 9


def _sequence(file: Path, root: Path, chosen: ChosenClasses) -> VideoTable:
    name = _name(file)
    rows = read_rows(file, (9,), _WANTED)
    ignored = _ignored(file.with_name(file.name.replace("_whole", "_ignore")))
    frame, ignored_frame = (part.whole(0, "frame", 1, MAX_FRAMES) for part in (rows, ignored))
    row_of = np.array([chosen.row[number] for number in (1, 2, 3)])
    return video_table(
        name,
        numbered_frames(
            1,
            int(max(frame.max(initial=0), ignored_frame.max(initial=0))),
            numbered_images(root, [name, f"UAV-benchmark-M/{name}", f"{name}/img1", "img1"]),
        ),
        FoundBoxes(
            place=rows.place,
            frame=frame - 1,
            box=from_xywh(rows.value[:, 2:6]),
            class_id=row_of[rows.whole(8, "category", 1, 3) - 1],
            track=rows.whole(1, "target id", -1),
            occluded=rows.whole(7, "occlusion", -1, 4) > 1,
            attributes={"out_of_view": rows.whole(6, "out-of-view", -1, 9)},
        ).with_regions(ignored.place, ignored_frame - 1, from_xywh(ignored.value[:, 2:6])),
    )


def _ignored(file: Path) -> NumberRows:
    if "_ignore" not in file.name or not file.exists():
        return NumberRows(file, np.zeros((0, 6)), np.zeros(0, np.int64))
    return read_rows(file, range(6, 10), _WANTED_IGNORE)


def _name(file: Path) -> str:
    """M0101 for M0101_gt_whole.txt, M0101/gt/gt_whole.txt and M0101/gt_whole.txt."""
    name = file.name.removesuffix(_WHOLE).removesuffix("_")
    folder = file.resolve().parent
    return name or (folder.parent if folder.name == "gt" else folder).name
