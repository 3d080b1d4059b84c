"""CVAT's own XML 1.1 in the form "CVAT for images" → records.

The form has no tracks. An image's `id` is the number of its frame in the task; frames of a video are images too, called
frame_000000 and so on. Boxes are as in `cvat_video`.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from vidkit.classes import ObjectClass
from vidkit.data.index import VIDEO
from vidkit.data.readers.class_rows import ClassRows
from vidkit.data.readers.cvat_shapes import add_box
from vidkit.data.readers.cvat_tasks import CvatTask, file_of, read_tasks, whole
from vidkit.data.readers.drawn import DrawnBoxes
from vidkit.data.readers.drawn_table import NOT_BOXES, table
from vidkit.data.readers.image_videos import IMAGE_SUFFIXES, ImageVideo, files_of, images_below, one_size, videos_of
from vidkit.data.readers.json_fields import head, in_part, inner_path, is_text
from vidkit.data.readers.upright import upright
from vidkit.data.records import FrameNames, VideoFiles, VideoTable
from vidkit.data.source import MAX_PIXELS, Source, check_names
from vidkit.errors import AnnotationError


class _CvatImage(NamedTuple):
    number: int  # its id, as written
    name: str  # as written
    size: tuple[int, int]


@dataclass
class _CvatImages:
    """The images of one task, and their boxes, whose rows are the images'."""

    boxes: DrawnBoxes
    images: list[_CvatImage] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)


def looks_like(path: Path) -> bool:
    """Whether this is such a file, or a folder with one, by its first bytes."""
    start = head(file_of(path), 1 << 20)
    return re.search(rb"<annotations>\s*<(version|meta|image)\b", start) is not None and b"<image " in start


def read_cvat_images(path: Path, frames: Path | None = None, classes: Sequence[ObjectClass] | None = None) -> Source:
    """The videos of the CVAT file at `path` (or in that folder): one of a film, images as `videos_of` does.

    `frames` is the folder of the images, or of the video file; the file's own by default, or `images` in it. With
    `classes`, boxes of other labels are left out and counted; else the classes are the file's labels, in its order.
    Raises AnnotationError, naming file and image, for whatever is malformed.
    """
    path = file_of(path)
    rows = ClassRows(str(path), classes)
    of_task: defaultdict[str, _CvatImages] = defaultdict(lambda: _CvatImages(DrawnBoxes(str(path))))
    tasks = read_tasks(path, "image", rows, lambda image, key: _add_image(path, image, rows, of_task[key]))
    root = frames or path.parent
    base = "images" if (root / "images").is_dir() else "."
    on_disk = {name: str(PurePosixPath(base, file)) for name, file in images_below(root / base).items()}
    videos = tuple(
        table
        for task in tasks
        for table in _tables(path, task, of_task[task.key], on_disk, root, task.name if len(tasks) > 1 else "")
    )
    check_names(str(path), videos)
    return Source(rows.classes, videos, root)


def _add_image(path: Path, element: ET.Element, rows: ClassRows, into: _CvatImages) -> None:
    name = element.get("name", "")
    place = f"{path}: image {in_part(name)}"
    width, height = (whole(place, side, element.get(side, "0"), MAX_PIXELS) for side in ("width", "height"))
    for shape in element:
        label = shape.get("label", "")
        if not is_text(label):
            raise AnnotationError(f"{place}: <{in_part(shape.tag)}> has label {in_part(label)}, wanted a name")
        told = add_box(into.boxes, place, shape, len(into.images), rows.row(label))
        into.counts[NOT_BOXES] += told is None and shape.tag != "tag"
    into.images.append(_CvatImage(whole(place, "id", element.get("id", "")), inner_path(place, name), (width, height)))


def _tables(
    path: Path, task: CvatTask, given: _CvatImages, on_disk: Mapping[str, str], root: Path, under: str
) -> Iterator[VideoTable]:
    """The videos of one task; those of an image task are called as what they are `under`, too."""
    images, counts = given.images, given.counts
    boxes, starts = given.boxes.by_image(len(images))
    boxes = upright(boxes)
    film = task.source if task.is_video and (root / task.source).is_file() else ""
    names = [image.name for image in images]
    paths = [_path(on_disk, task, name) for name in names]
    for name, rows, numbers in [_of_film(path, task, images)] if task.is_video else videos_of(names, task.name):
        chosen = [images[row] for row in rows]
        yield table(
            str(path),
            f"{under}/{name}" if under and not task.is_video else name,
            numbers,
            boxes.of_images(rows, starts),
            size=one_size(f"{path}: video {name!r}", [image.size for image in chosen]),
            files=VideoFiles(VIDEO, film) if film else files_of(rows, paths),
            called=FrameNames(
                id=tuple(str(image.number) for image in chosen),
                path=tuple(image.name for image in chosen),
                number=tuple(image.number for image in chosen) if task.is_video else None,
            ),
            counts=counts,
        )
        counts = Counter()


def _of_film(path: Path, task: CvatTask, images: Sequence[_CvatImage]) -> ImageVideo:
    """The frames of a task of a video, in their order."""
    rows = sorted(range(len(images)), key=lambda row: images[row].number)
    numbers = [images[row].number - task.offset for row in rows]
    twice = next((after for before, after in pairwise(numbers) if before == after), None)
    if twice is not None or min(numbers, default=0) < 0:
        found = f"id {twice} comes twice" if twice is not None else f"id {numbers[0] + task.offset}"
        raise AnnotationError(f"{path}: task {task.name!r}: image {found}; wanted the number of each frame once")
    return ImageVideo(task.name, tuple(rows), tuple(numbers))


def _path(on_disk: Mapping[str, str], task: CvatTask, name: str) -> str:
    """Where an image is: on the disk, else as it is called if that is the name of a file."""
    is_file = name.lower().endswith(IMAGE_SUFFIXES)
    stem = str(PurePosixPath(name).with_suffix("")) if is_file else name
    return on_disk.get(stem) or on_disk.get(f"{task.subset}/{stem}") or (name if is_file else "")
