"""Datumaro's JSON, also as CVAT exports it → records: `items` with `annotations` of type bbox.

Labels go by their place in `categories`. An item's file is called as its id. Frames go by `attr.frame` where there are
tracks or the ids end with the same numbers; CVAT numbers still images, too, and those go by their ids. Tracks are
`attributes.track_id`, or `object_id`. Boxes are x, y, width, height, so x + width is vidkit's exclusive corner; a
polygon counts as the box around it.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from vidkit.classes import ObjectClass
from vidkit.data.json_sections import sections
from vidkit.data.readers.chosen_classes import ClassRows
from vidkit.data.readers.drawn import CROWD, KEPT, DrawnBoxes
from vidkit.data.readers.drawn_table import NOT_BOXES
from vidkit.data.readers.free_attributes import numeric
from vidkit.data.readers.image_tables import SourceImage, tables_of
from vidkit.data.readers.json_fields import JsonFields, inner_path
from vidkit.data.readers.looking import head
from vidkit.data.readers.source import MAX_PIXELS, Source, check_names
from vidkit.data.readers.unpacked import OWN_ATTRIBUTES, file_of, paths_of, place_of
from vidkit.data.readers.upright import around, upright
from vidkit.errors import AnnotationError

NO_LABEL = "boxes without a label left out"


@dataclass
class _Items:
    """What was read of a file; the class of a box is the place of its label, -1 where it has none."""

    boxes: DrawnBoxes
    labels: list[str] = field(default_factory=list)
    images: list[SourceImage] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    highest: int = -1  # of all labels of boxes
    has_tracks: bool = False


def looks_like(path: Path) -> bool:
    """Whether this is such a file, or a folder with one, by its first bytes."""
    start = head(file_of(path))
    ours = b'"dm_format_version"' in start or re.search(rb'"label"\s*:\s*{[^{}]*"labels"', start)
    return start.startswith(b"{") and bool(ours) and b'"categories"' in start


def read_datumaro(path: Path, frames: Path | None = None, classes: Sequence[ObjectClass] | None = None) -> Source:
    """The videos of the file at `path` (or in that folder's `annotations`): one for each folder of tracked or numbered
    items; other images are taken apart as `videos_of` does.

    `frames` is the folder of the images; by default they are looked for beside the file and its folder. With `classes`,
    boxes of other labels are left out and counted; else the classes are the labels in the file's order. Raises
    AnnotationError, naming file and item, for whatever is malformed.
    """
    path = file_of(path)
    folder, name = place_of(path)
    root = frames or folder
    items, rows = _read(path), ClassRows(str(path), classes)
    if items.highest >= len(items.labels):
        raise AnnotationError(f"{path}: a box has label_id {items.highest}, but there are {len(items.labels)} labels")
    drawn = upright(items.boxes.columns())
    drawn = replace(drawn, class_id=rows.rows(items.labels)[drawn.class_id])
    images = items.images
    if not items.has_tracks and not all(_is_numbered(image) for image in images):
        images = [image._replace(number=None) for image in images]
    videos = tables_of(
        str(path),
        name,
        images,
        drawn,
        paths_of(root, [image.name for image in images], path.stem),
        tracked=items.has_tracks,
        counts=items.counts,
    )
    check_names(str(path), videos)
    chosen = rows.chosen({label: str(number) for number, label in enumerate(items.labels)})
    return Source(chosen.classes, videos, root, class_ids=chosen.ids)


def _is_numbered(image: SourceImage) -> bool:
    """Whether the id of an item ends with the number of its frame."""
    found = re.search(r"\d{1,9}$", image.id or "", re.ASCII)
    return found is not None and int(found[0]) == image.number


def _read(path: Path) -> _Items:
    items, ids = _Items(DrawnBoxes(str(path))), set[str]()
    for section, place, value in sections(path):
        if section == "categories":
            told = JsonFields(f"{path}: categories", value).object("label", optional=True)
            items.labels = [label.text("name") for label in told.objects("labels", optional=True)]
        elif section == "items" and place >= 0:
            item = JsonFields(f"{path}: items[{place}]", value)
            _add_item(items, item)
            if items.images[-1].name in ids:
                raise item.wrong("id", "an id that comes once")
            ids.add(items.images[-1].name)
    if not items.images:
        raise AnnotationError(f"{path}: no items; wanted Datumaro's JSON")
    return items


def _add_item(items: _Items, item: JsonFields) -> None:
    image, key = item.object("image", optional=True), item.text("id")
    for drawing in item.objects("annotations", optional=True):
        _add_box(items, drawing, len(items.images))
    name = inner_path(item.place, key + PurePosixPath(image.text("path", "")).suffix)
    height, width = image.numbers("size", 2) if image.values.get("size") else (0, 0)
    if not (0 <= width <= MAX_PIXELS and 0 <= height <= MAX_PIXELS and width % 1 == height % 1 == 0):
        raise image.wrong("size", "height and width in pixels")
    number = item.object("attr", optional=True).whole("frame", None)
    items.images.append(SourceImage(name, (int(width), int(height)), key, number))


def _add_box(items: _Items, drawing: JsonFields, image: int) -> None:
    told, kind = drawing.object("attributes", optional=True), drawing.text("type")
    label, track = drawing.whole("label_id", -1), told.whole("track_id", drawing.whole("object_id", -1))
    items.has_tracks |= track >= 0
    items.counts[NOT_BOXES] += kind not in ("bbox", "polygon", "label", "caption")
    if kind not in ("bbox", "polygon") or told.flag("outside"):
        return
    items.counts[NO_LABEL] += label < 0
    if label < 0:
        return
    items.highest = max(items.highest, label)
    try:
        corners = drawing.corners() if kind == "bbox" else around(drawing.numbers("points"))
    except ValueError:
        raise drawing.wrong("points", "x, y, x, y …") from None
    items.boxes.add(
        image,
        label,
        corners,
        track,
        told.flag("occluded"),
        told.values.get("keyframe") is False,
        CROWD if told.flag("is_crowd") else KEPT,
        told.number("rotation", 0),
        numeric(told.values, OWN_ATTRIBUTES),
    )
