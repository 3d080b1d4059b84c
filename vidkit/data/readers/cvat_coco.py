"""CVAT's export "COCO 1.0" of a video → records: COCO without `videos`, but with `attributes.track_id`.

One video for the task, or one for each folder of images. Frames go by the numbers in the names of the images, else by
image id. Boxes are COCO's, so x + width is vidkit's exclusive corner. `iscrowd` is a region that many may lie in.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vidkit.classes import ObjectClass
from vidkit.data.readers.chosen_classes import choose_classes
from vidkit.data.readers.drawn import CROWD, KEPT, DrawnBoxes
from vidkit.data.readers.free_attributes import numeric
from vidkit.data.readers.image_tables import SourceImage, tables_of
from vidkit.data.readers.json_fields import JsonFields, in_part, inner_path
from vidkit.data.readers.json_lists import Id, category, in_order, new_id, objects_of
from vidkit.data.readers.looking import head
from vidkit.data.readers.source import MAX_PIXELS, Source, check_names
from vidkit.data.readers.unpacked import OWN_ATTRIBUTES, file_of, paths_of, place_of
from vidkit.data.readers.upright import upright
from vidkit.errors import AnnotationError


@dataclass
class _CvatCoco:
    """The file's elements; boxes without row and class, but with the ids of image and category beside them."""

    boxes: DrawnBoxes
    box_images: list[Id] = field(default_factory=list)
    box_categories: list[Id] = field(default_factory=list)
    images: dict[Id, SourceImage] = field(default_factory=dict)
    categories: dict[Id, ObjectClass] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)  # of images
    has_tracks: bool = False


def looks_like(path: Path) -> bool:
    """Whether this is such a file, or a folder with one, by its first and last bytes."""
    file = file_of(path, "instances_")
    start, end = head(file), head(file, tail=True)
    named = all(b'"%b"' % key in start + end for key in (b"annotations", b"attributes", b"track_id", b"image_id"))
    return start.startswith(b"{") and named and b'"videos"' not in start + end


def read_cvat_coco(path: Path, frames: Path | None = None, classes: Sequence[ObjectClass] | None = None) -> Source:
    """The video of the task that was exported to the file at `path` (or in that folder's `annotations`).

    `frames` is the folder of the images; by default they are looked for beside the file and its folder. With `classes`,
    boxes of other categories are left out and counted; else the classes are the categories by their ids. Raises
    AnnotationError, naming file and element, for whatever is malformed, for a COCO file with `videos`, and for one
    without any track.
    """
    path = file_of(path, "instances_")
    folder, name = place_of(path)
    root = frames or folder
    coco = _read(path)
    images = in_order(coco.images)
    chosen = choose_classes(str(path), in_order(coco.categories), classes)
    drawn = replace(
        upright(coco.boxes.columns()),
        row=_looked_up(path, "image_id", coco.box_images, {key: row for row, key in enumerate(images)}),
        class_id=_looked_up(path, "category_id", coco.box_categories, chosen.row),
    )
    subset = path.stem.removeprefix("instances_")  # as the folder of its images is called
    paths = paths_of(root, [image.name for image in images.values()], subset)
    videos = tables_of(str(path), name, list(images.values()), drawn, paths, tracked=True)
    check_names(str(path), videos)
    return Source(chosen.classes, videos, root, class_ids=chosen.ids)


def _looked_up(path: Path, name: str, ids: Sequence[Id], known: Mapping[Id, int]) -> NDArray[np.int64]:
    """What is known of each id."""
    unknown = [key for key in set(ids) if key not in known]
    if unknown:
        raise AnnotationError(f"{path}: annotations have {name} {in_part(unknown[0])}, which isn't in the file")
    return np.fromiter(map(known.__getitem__, ids), np.int64, len(ids))


def _read(path: Path) -> _CvatCoco:
    coco = _CvatCoco(DrawnBoxes(str(path)))
    readers = {"images": _image, "annotations": _annotation}
    for section, fields in objects_of(path, ("videos", "images", "categories", "annotations")):
        if section == "videos":
            raise AnnotationError(f"{path}: has 'videos': this is COCO-VID; wanted CVAT's COCO, which has none")
        if section == "categories":
            coco.categories[new_id(fields, coco.categories)] = category(fields)
        else:
            readers[section](coco, fields)
    if not coco.has_tracks:
        raise AnnotationError(f"{path}: no annotation has attributes.track_id: this is COCO without tracks")
    return coco


def _image(coco: _CvatCoco, given: JsonFields) -> None:
    key, name = new_id(given, coco.images), inner_path(given.place, given.text("file_name"))
    if name in coco.names:  # nor could their boxes be told apart
        raise given.wrong("file_name", "a name that comes once; export each task of a project by itself")
    coco.names.add(name)
    size = given.whole("width", 0, MAX_PIXELS), given.whole("height", 0, MAX_PIXELS)
    coco.images[key] = SourceImage(name, size, str(key))


def _annotation(coco: _CvatCoco, given: JsonFields) -> None:
    told = given.object("attributes", optional=True)
    track = told.whole("track_id", -1)
    coco.has_tracks |= track >= 0
    if not told.flag("outside"):
        coco.box_images.append(given.id("image_id"))
        coco.box_categories.append(given.id("category_id"))
        coco.boxes.add(
            0,
            0,
            given.corners(),
            track,
            told.flag("occluded"),
            told.values.get("keyframe") is False,
            CROWD if given.flag("iscrowd") else KEPT,
            told.number("rotation", 0),
            numeric(told.values, OWN_ATTRIBUTES),
        )
