"""PASCAL VOC's XML with a class list of one's own → records: a folder for each video, or a flat folder of images.

VOC counts pixels from 1 and its corners are inclusive: the first pixel of an image is the box (1, 1, 1, 1). So xmin and
ymin less 1, with xmax and ymax as they are, make vidkit's exclusive box from 0. Tools that write this form with pixels
counted from 0 (ImageNet VID among them) need `first_pixel=0`, which adds 1 to xmax and ymax instead. Nothing in the
files tells which is meant. The XML is read by `vidkit.data.annotation`, as ImageNet's is.
"""

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vidkit.boxes import from_inclusive
from vidkit.classes import ObjectClass
from vidkit.data.annotation import Annotation, ObjectTexts, read_annotation
from vidkit.data.frame_names import number_at_end
from vidkit.data.index import FOLDER, IMAGE
from vidkit.data.noticed import INVERTED, NO_IMAGE, OTHER_CLASSES
from vidkit.data.readers.image_videos import without_hash
from vidkit.data.readers.source import Source, check_names
from vidkit.data.records import FrameNames, VideoFiles, VideoTable
from vidkit.errors import AnnotationError

IMAGE_FOLDERS = ("JPEGImages", "Data", "images")
IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png")
MAX_DEPTH = 8
NO_XML = "images without an XML file: frames without objects"
_NOTHING = Annotation((0, 0), [])


@dataclass(frozen=True)
class _VocTree:
    """Where the annotations and images are, and how they are read."""

    annotations: Path
    images: Path
    rows: Mapping[bytes, int]  # class name or wnid → row
    first_pixel: int
    others: set[str]  # the names of classes that were left out, as they are met


def read_voc(root: Path, classes: Sequence[ObjectClass], frames: Path | None = None, first_pixel: int = 1) -> Source:
    """The videos below `root`: of VOC's layout (Annotations, JPEGImages), or XML files and images side by side.

    Each folder of XML files is a video, its frames in the order of the numbers that end their names; XML files that lie
    in the annotations' folder itself are still images, each a video of one frame. Images without an XML file are frames
    without objects, as tools leave them. `frames` is the folder of the images,
    laid out as the annotations are. Objects of classes that are not in `classes`, by name or wnid, are left out and
    counted. Raises AnnotationError, naming the file, for whatever is malformed.
    """
    if not root.is_dir():
        raise AnnotationError(f"{root}: no such folder; wanted one with XML files in VOC's form")
    annotations = root / "Annotations" if (root / "Annotations").is_dir() else root
    beside = [root / name for name in IMAGE_FOLDERS if annotations != root and (root / name).is_dir()]
    rows = {c.name.encode(): row for row, c in enumerate(classes)} | {
        c.wnid.encode(): row for row, c in enumerate(classes)
    }
    tree = _VocTree(annotations, frames or next(iter(beside), annotations), rows, first_pixel, set())
    videos = tuple(table for below in _folders(annotations) for table in _tables(tree, below))
    if not videos:
        raise AnnotationError(f"{annotations}: no XML files, neither in it nor in its folders")
    if tree.others and not any(len(video.class_id) for video in videos):
        named = ", ".join(sorted(tree.others)[:10])
        raise AnnotationError(f"{annotations}: all objects are of other classes than --classes names: {named}")
    check_names(str(root), videos)
    return Source(tuple(classes), videos, tree.images)


def looks_like(path: Path) -> bool:
    """Whether `path` is a folder whose first XML file is an annotation in VOC's form."""
    files = (Path(folder) / name for folder, _, names in os.walk(path) for name in sorted(names))
    first = next((file for file in files if file.suffix.lower() == ".xml"), None)
    try:
        return first is not None and bool(read_annotation(first))
    except AnnotationError:
        return False


def _folders(base: Path) -> list[str]:
    """The folders with XML files, as paths below `base`, sorted; "" is `base` itself."""
    found = []
    for folder, below, names in os.walk(base):
        depth = len(Path(folder).relative_to(base).parts)
        if depth >= MAX_DEPTH:
            below.clear()
        if any(name.lower().endswith(".xml") for name in names):
            found.append("" if depth == 0 else Path(folder).relative_to(base).as_posix())
    return sorted(found)


def _tables(tree: _VocTree, below: str) -> list[VideoTable]:
    folder = tree.annotations / below
    images = _images(tree.images / below)
    read = {p.stem: read_annotation(p) for p in sorted(folder.iterdir()) if p.name.lower().endswith(".xml")}
    bare = [stem for stem in images if stem not in read]
    if not below:
        stems = sorted([*read, *bare])
        return [_still(tree, stem, read.get(stem, _NOTHING), images, int(stem in bare)) for stem in stems]
    numbers = _numbers(folder, read)
    for stem in bare:
        number = number_at_end(without_hash(stem))
        if number is not None:
            numbers.setdefault(number, stem)
    return [_video(tree, below, {n: numbers[n] for n in sorted(numbers)}, read, images)]


def _numbers(folder: Path, read: Mapping[str, Annotation]) -> dict[int, str]:
    """The stem of the XML file of each frame, by its number."""
    numbers: dict[int, str] = {}
    for stem in read:
        number = number_at_end(without_hash(stem))
        if number is None or number in numbers:
            found = "no number at the end of its name" if number is None else f"the number of '{numbers[number]}.xml'"
            raise AnnotationError(f"{folder / stem}.xml: {found}; frames of a video are ordered by their number")
        numbers[number] = stem
    return numbers


def _images(folder: Path) -> dict[str, str]:
    """The names of the images in a folder by stem."""
    names = sorted(p.name for p in folder.iterdir()) if folder.is_dir() else []
    return {Path(name).stem: name for name in names if name.lower().endswith(IMAGE_SUFFIXES)}


def _still(
    tree: _VocTree, stem: str, annotation: Annotation, images: Mapping[str, str], without_xml: int
) -> VideoTable:
    files = VideoFiles(IMAGE, images[stem]) if stem in images else VideoFiles()
    noticed = Counter({NO_IMAGE: int(stem not in images), NO_XML: without_xml})
    return _table(tree, stem, {0: annotation}, "", files, (images.get(stem, stem),), noticed)


def _video(
    tree: _VocTree, below: str, stems: Mapping[int, str], read: Mapping[str, Annotation], images: Mapping[str, str]
) -> VideoTable:
    names = tuple(images.get(stem, "") for stem in stems.values())
    files = VideoFiles(FOLDER, below, name=names) if any(names) else VideoFiles()
    noticed = Counter({NO_IMAGE: names.count(""), NO_XML: sum(stem not in read for stem in stems.values())})
    called = tuple(f"{below}/{name or stem}" for name, stem in zip(names, stems.values(), strict=True))
    frames = {number: read.get(stem, _NOTHING) for number, stem in stems.items()}
    return _table(tree, below, frames, below, files, called, noticed)


def _table(
    tree: _VocTree,
    name: str,
    frames: Mapping[int, Annotation],
    below: str,
    files: VideoFiles,
    called: tuple[str, ...],
    noticed: Counter[str],
) -> VideoTable:
    kept = []
    for annotation in frames.values():
        objects = [ObjectTexts._make(texts) for texts in annotation.objects]
        kept.append([o for o in objects if o.name in tree.rows])
        others = [o.name.decode() for o in objects if o.name not in tree.rows]
        tree.others.update(others)
        noticed[OTHER_CLASSES] += len(others)
    flat = [o for objects in kept for o in objects]
    corners = np.array([[float(v) for v in (o.xmin, o.ymin, o.xmax, o.ymax)] for o in flat], np.float64).reshape(-1, 4)
    noticed[INVERTED] += int((corners[:, 2:] < corners[:, :2]).any(axis=1).sum())
    return VideoTable(
        name=name,
        frame_number=np.array(list(frames), np.int32),
        instance_count=np.array([len(objects) for objects in kept], np.int32),
        box=from_inclusive(corners - tree.first_pixel),
        class_id=np.array([tree.rows[o.name] for o in flat], np.int16),
        track_id=np.array([-1 if o.trackid is None else int(o.trackid) for o in flat], np.int32),
        occluded=np.array([o.occluded == b"1" for o in flat], np.bool_),
        generated=np.array([o.generated == b"1" for o in flat], np.bool_),
        size=_size(tree.annotations / below, frames),
        files=files,
        counts=dict(+noticed),
        called=FrameNames(path=called),
    )


def _size(place: Path, frames: Mapping[int, Annotation]) -> tuple[int, int]:
    """The one size that the frames tell, (0, 0) where they tell none."""
    sizes = {annotation.size: number for number, annotation in frames.items() if all(annotation.size)}
    if len(sizes) > 1:
        (a, at_a), (b, at_b) = list(sizes.items())[:2]
        raise AnnotationError(
            f"{place}: {a[0]}x{a[1]} pixels in frame {at_a}, {b[0]}x{b[1]} in frame {at_b}; a video has one size"
        )
    return next(iter(sizes), (0, 0))
