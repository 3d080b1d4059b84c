"""LabelMe's JSON, a file for each image → records.

Points count in pixels from the picture's edge. Rectangles, polygons, circles and masks count as the box around them. A
whole `group_id` is a track, unless one stands twice in an image: then the ids put parts together, and there are no
tracks. An image without a file is a frame without objects. Which images are a video is told by their names.
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

import numpy as np

from vidkit.classes import ObjectClass
from vidkit.data.noticed import NO_IMAGE
from vidkit.data.readers.chosen_classes import ClassRows
from vidkit.data.readers.drawn import Drawn, DrawnBoxes
from vidkit.data.readers.drawn_table import NOT_BOXES
from vidkit.data.readers.free_attributes import numeric
from vidkit.data.readers.image_tables import SourceImage, tables_of
from vidkit.data.readers.image_videos import images_below, natural, size_of
from vidkit.data.readers.json_fields import MOST, JsonFields, is_number, read_json
from vidkit.data.readers.looking import head, is_folder, names_in
from vidkit.data.readers.source import MAX_PIXELS, Source, check_names
from vidkit.data.readers.upright import around
from vidkit.data.records import LeftOut
from vidkit.errors import AnnotationError

NO_FILE = "images without a JSON file, taken as frames without objects"
GROUPS = "boxes whose group_id is no track, since one stands twice in an image"
OTHER_JSON = "no file of LabelMe: has neither shapes nor imagePath"
MAX_BYTES = 1 << 26  # it may hold the image
_LOOKED_AT = 3  # files


def looks_like(path: Path) -> bool:
    """Whether this is a folder of such files, by the first bytes of a few."""
    files = [path / name for name in names_in(path) if name.lower().endswith(".json")][:_LOOKED_AT]
    starts = [head(file) for file in files]
    return any(b'"shapes"' in start and (b'"imagePath"' in start or b'"shape_type"' in start) for start in starts)


def read_labelme(path: Path, frames: Path | None = None, classes: Sequence[ObjectClass] | None = None) -> Source:
    """The videos of the JSON files below the folder `path`, and of the images that lie there.

    `frames` is the folder of the images, laid out as the files are; `path` by default. With `classes`, boxes of other
    labels are left out and counted; else the classes are the labels in the order in which they appear. Raises
    AnnotationError, naming file and shape, for whatever is malformed.
    """
    if not is_folder(path):
        raise AnnotationError(f"{path}: no such folder; wanted one with LabelMe's JSON files")
    root = frames or path
    files, on_disk = images_below(path, (".json",)), images_below(root)
    rows, boxes, counts = ClassRows(str(path), classes), DrawnBoxes(str(path)), Counter[str]()
    images: list[SourceImage] = []
    paths: list[str] = []
    left_out = []
    for stem in sorted(files, key=natural):
        told = JsonFields(str(path / files[stem]), read_json(path / files[stem], MAX_BYTES))
        if not {"shapes", "imagePath"} & told.values.keys():
            left_out.append(LeftOut(told.place, OTHER_JSON))
            continue
        for shape in told.objects("shapes"):
            counts[NOT_BOXES] += not _add(boxes, shape, len(images), rows)
        paths.append(on_disk.pop(stem, "") or on_disk.pop(_stem_told(told, stem), ""))
        counts[NO_IMAGE] += not paths[-1]
        size = told.whole("imageWidth", 0, MAX_PIXELS), told.whole("imageHeight", 0, MAX_PIXELS)
        images.append(SourceImage(paths[-1] or stem, size_of(root / paths[-1]) if 0 in size and paths[-1] else size))
    for image in on_disk.values():  # without a file
        paths.append(image)
        images.append(SourceImage(image, size_of(root / image)))
    counts[NO_FILE] = len(on_disk)
    if len(left_out) == len(files):
        raise AnnotationError(f"{path}: {len(files)} JSON files, none of them LabelMe's")
    drawn = _without_groups(boxes.columns(), counts)
    tracked = bool((drawn.track >= 0).any())
    videos = tables_of(str(path), path.resolve().name, images, drawn, paths, tracked=tracked, counts=counts)
    check_names(str(path), videos)
    return Source(rows.chosen().classes, videos, root, tuple(left_out))


def _stem_told(told: JsonFields, stem: str) -> str:
    """What the file's imagePath says of its image: below the same folder, whatever folder of some machine it names."""
    name = PurePosixPath(str(told.values.get("imagePath")).replace("\\", "/")).stem
    return str(PurePosixPath(stem).parent / name)


def _add(boxes: DrawnBoxes, shape: JsonFields, image: int, rows: ClassRows) -> bool:
    """Add the box around a shape, if it has one."""
    kind, label = shape.text("shape_type", "polygon"), shape.text("label")
    if kind not in ("rectangle", "polygon", "circle", "mask", "rotation"):
        return False
    points = shape.items("points")
    try:
        flat = [v for x, y in points for v in (x, y)]
        if not all(map(is_number, flat)):
            raise ValueError
        corners = around(flat)
        if kind == "circle":
            radius = math.dist(flat[:2], flat[2:4])
            corners = flat[0] - radius, flat[1] - radius, flat[0] + radius, flat[1] + radius
    except (TypeError, ValueError):
        raise shape.wrong("points", "a list of points [x, y] in pixels, two at least") from None
    flags, group = shape.object("flags", optional=True), shape.values.get("group_id")
    boxes.add(
        image,
        rows.row(label),
        corners,
        group if type(group) is int and 0 <= group <= MOST else -1,
        flags.values.get("occluded") is True,
        attributes=numeric(flags.values, frozenset(("occluded",))),
    )
    return True


def _without_groups(drawn: Drawn, counts: Counter[str]) -> Drawn:
    """The boxes, without tracks if one of them is twice in an image."""
    pairs = (drawn.row << 32 | drawn.track)[drawn.track >= 0]
    if len(np.unique(pairs)) == len(pairs):
        return drawn
    counts[GROUPS] += len(pairs)
    return replace(drawn, track=np.full_like(drawn.track, -1))
