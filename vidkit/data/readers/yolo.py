"""YOLO's folders → records: `images`, `labels` with a text file for each image, and a `data.yaml` with the classes.

A line is class, centre x, centre y, width, height, in shares of the image; a sixth number is the track. Longer lines
are polygons, which count as the box around them. An image whose file of labels is empty or isn't there has no objects.
The size of each image is in its header. Which images are a video is told by their names, see `image_videos`.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from vidkit.classes import ObjectClass
from vidkit.data.class_list import MAX_CLASSES
from vidkit.data.readers.chosen_classes import ClassRows
from vidkit.data.readers.drawn import DrawnBoxes
from vidkit.data.readers.image_tables import SourceImage, tables_of
from vidkit.data.readers.image_videos import size_of
from vidkit.data.readers.json_fields import MOST, in_part
from vidkit.data.readers.looking import is_plain
from vidkit.data.readers.source import Source, check_names
from vidkit.data.readers.text_lines import read_lines
from vidkit.data.readers.upright import around
from vidkit.data.readers.yolo_folders import find_images, is_yolo
from vidkit.data.records import FrameNames
from vidkit.errors import AnnotationError

NO_LABELS = "images without a file of labels, taken as frames without objects"
NO_IMAGE = "files of labels without an image left out"
TWICE = "lines that come twice in a file, taken once"
looks_like = is_yolo


def read_yolo(
    path: Path, frames: Path | None = None, classes: Sequence[ObjectClass] | None = None, split: str | None = None
) -> Source:
    """The videos of the data set at `path`, its folder or its YAML file; of `split` where it has several.

    `frames` is a folder of images that takes the place of the data set's own. Classes are called as the YAML file or
    classes.txt says; with `classes`, boxes of other names are left out and counted, and classes without a name are
    those, by number; else a class without a name is called as its number. Raises AnnotationError, naming file and
    line, for whatever is malformed.
    """
    found = find_images(path, split, frames)
    names = found.names or {number: c.name for number, c in enumerate(classes or ())}
    boxes, counts, images = DrawnBoxes(str(path)), Counter({NO_IMAGE: found.without_image}), []
    for row, (image, labels) in enumerate(zip(found.paths, found.labels, strict=True)):
        size = size_of(found.base / image)
        images.append(SourceImage(image.removeprefix(f"{found.folder}/"), size))
        counts[NO_LABELS] += not is_plain(labels)
        if is_plain(labels):
            _add_labels(boxes, labels, row, size, names, counts)
    drawn = boxes.columns()
    names = names or {number: str(number) for number in range(int(drawn.class_id.max(initial=-1)) + 1)}
    rows = ClassRows(str(path), classes)
    row_of = np.full(max(names, default=-1) + 1, -1)
    for number in sorted(names):
        row_of[number] = rows.row(names[number])
    tables = tables_of(
        str(path),
        found.base.resolve().name or "images",
        images,
        replace(drawn, class_id=row_of[drawn.class_id]),
        found.paths,
        tracked=bool((drawn.track >= 0).any()),
        counts=counts,
    )
    check_names(str(path), tables)
    above = "" if found.folder == "." else f"{found.folder}/"
    tables = tuple(
        replace(video, called=FrameNames(path=tuple(above + name for name in video.called.path or ())))
        for video in tables
    )
    chosen = rows.chosen({name: str(number) for number, name in names.items()})
    return Source(chosen.classes, tables, found.base, class_ids=chosen.ids)


def _add_labels(
    boxes: DrawnBoxes, path: Path, row: int, size: tuple[int, int], names: Mapping[int, str], counts: Counter[str]
) -> None:
    width, height = size
    seen = set()
    for number, line in enumerate(read_lines(path), start=1):
        if not line or line.isspace():
            continue
        if line in seen:
            counts[TWICE] += 1
            continue
        seen.add(line)
        try:
            class_id, track, (x1, y1, x2, y2) = _row(line, names)
        except ValueError as error:
            raise AnnotationError(f"{path}: line {number}: {in_part(line)}: {error}") from None
        boxes.add(row, class_id, (x1 * width, y1 * height, x2 * width, y2 * height), track)


def _row(line: str, names: Mapping[int, str]) -> tuple[int, int, tuple[float, float, float, float]]:
    """Class, track (-1: none) and corners of a line, in shares of the image; a ValueError for anything else."""
    number, *values = map(float, line.split())
    if number not in names if names else not 0 <= number < MAX_CLASSES or number % 1:
        raise ValueError(f"class {number:g}, wanted one of {in_part(list(names)) if names else 'them, from 0'}")
    if not all(-1 <= value <= 2 for value in (values[:4] if len(values) == 5 else values)):
        raise ValueError("wanted class, centre x, centre y, width, height as shares of the image, from 0 to 1")
    if len(values) >= 6 and len(values) % 2 == 0:
        return int(number), -1, around(values)
    if len(values) not in (4, 5):
        raise ValueError(f"{len(values) + 1} numbers, wanted 5, 6 with a track, or a class and the points of a polygon")
    x, y, width, height = values[:4]
    if width < 0 or height < 0:
        raise ValueError("a width or height below 0")
    track = values[4] if len(values) == 5 else -1
    if not -1 <= track <= MOST or track % 1:
        raise ValueError("wanted the number of a track in the sixth place; with a score there these are detections")
    return int(number), int(track), (x - width / 2, y - height / 2, x + width / 2, y + height / 2)
