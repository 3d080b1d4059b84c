"""CVAT's own XML 1.1 in the form "CVAT for images" → records.

The form has no tracks. An image's `id` is the number of its frame in the task; frames of a video are images too, called
frame_000000 and so on. Boxes are as in `cvat_video`.
"""

import re
import xml.etree.ElementTree as ET
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from vidkit.classes import ObjectClass
from vidkit.data.readers.chosen_classes import ClassRows
from vidkit.data.readers.cvat_shapes import add_box
from vidkit.data.readers.cvat_tasks import FILE, CvatTask, read_tasks, whole
from vidkit.data.readers.drawn import DrawnBoxes
from vidkit.data.readers.drawn_table import NOT_BOXES
from vidkit.data.readers.image_tables import SourceImage, tables_of
from vidkit.data.readers.image_videos import IMAGE_SUFFIXES, images_below
from vidkit.data.readers.json_fields import in_part, inner_path, is_text
from vidkit.data.readers.looking import file_in, head, is_plain
from vidkit.data.readers.source import MAX_PIXELS, Source, check_names
from vidkit.data.readers.upright import upright
from vidkit.data.records import VideoTable
from vidkit.errors import AnnotationError


@dataclass
class _CvatImages:
    """The images of one task, and their boxes, whose rows are the images'."""

    boxes: DrawnBoxes
    images: list[SourceImage] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)


def looks_like(path: Path) -> bool:
    """Whether this is such a file, or a folder with one, by its first bytes."""
    start = head(file_in(path, FILE), 1 << 20)
    return re.search(rb"<annotations>\s*<(version|meta|image)\b", start) is not None and b"<image " in start


def read_cvat_images(path: Path, frames: Path | None = None, classes: Sequence[ObjectClass] | None = None) -> Source:
    """The videos of the CVAT file at `path` (or in that folder): one of a film, images as `videos_of` does.

    `frames` is the folder of the images, or of the video file; the file's own by default, or `images` in it. With
    `classes`, boxes of other labels are left out and counted; else the classes are the file's labels, in its order.
    Raises AnnotationError, naming file and image, for whatever is malformed.
    """
    path = file_in(path, FILE)
    rows = ClassRows(str(path), classes)
    of_task: defaultdict[str, _CvatImages] = defaultdict(lambda: _CvatImages(DrawnBoxes(str(path))))
    tasks = read_tasks(path, "image", rows, lambda image, key: _add_image(path, image, rows, of_task[key]))
    root = frames or path.parent
    base = "images" if (root / "images").is_dir() else "."
    on_disk = {name: str(PurePosixPath(base, file)) for name, file in images_below(root / base).items()}
    videos: list[VideoTable] = []
    for task in tasks:
        tables = _tables(path, task, of_task[task.key], on_disk, root)
        apart = len(tasks) > 1 and not task.is_video  # images of two tasks may have the same names
        videos += [replace(video, name=f"{task.name}/{video.name}") for video in tables] if apart else tables
    check_names(str(path), tuple(videos))
    return Source(rows.chosen().classes, tuple(videos), root)


def _add_image(path: Path, element: ET.Element, rows: ClassRows, into: _CvatImages) -> None:
    name = element.get("name", "")
    place = f"{path}: image {in_part(name)}"
    width, height = (whole(place, side, element.get(side, "0"), MAX_PIXELS) for side in ("width", "height"))
    for shape in element:
        label = shape.get("label", "")
        if shape.tag == "tag":  # it speaks of the whole image
            continue
        if not is_text(label):
            raise AnnotationError(f"{place}: <{in_part(shape.tag)}> has label {in_part(label)}, wanted a name")
        told = add_box(into.boxes, place, shape, len(into.images), rows.row(label))
        into.counts[NOT_BOXES] += told is None
    number = whole(place, "id", element.get("id", ""))
    into.images.append(SourceImage(inner_path(place, name), (width, height), str(number), number))


def _tables(
    path: Path, task: CvatTask, given: _CvatImages, on_disk: Mapping[str, str], root: Path
) -> tuple[VideoTable, ...]:
    """The videos of one task: of a film, one by the numbers of its frames; of images, by their names."""
    images = given.images if task.is_video else [image._replace(number=None) for image in given.images]
    return tables_of(
        str(path),
        task.name,
        images,
        upright(given.boxes.columns()),
        [_path(on_disk, task, image.name) for image in images],
        offset=task.offset,
        film=task.source if task.is_video and is_plain(root / task.source) else "",
        counts=given.counts,
    )


def _path(on_disk: Mapping[str, str], task: CvatTask, name: str) -> str:
    """Where an image is: on the disk, else as it is called if that is the name of a file."""
    is_file = name.lower().endswith(IMAGE_SUFFIXES)
    stem = str(PurePosixPath(name).with_suffix("")) if is_file else name
    return on_disk.get(stem) or on_disk.get(f"{task.subset}/{stem}") or (name if is_file else "")
