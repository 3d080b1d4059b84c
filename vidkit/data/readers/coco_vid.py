"""COCO-VID JSON (the form of mmtracking, TransVOD, YOLOV …) and plain COCO → records.

COCO's `bbox` is (x, y, width, height) in pixels, counted from the upper left corner of the upper left pixel, so that
x + width is vidkit's exclusive corner already: nothing is added. `frame_id` counts from 0. In a file without `videos`
(plain COCO) each image is a video of one frame. docs/other_sources.md tells which fields are read.
"""

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from vidkit.boxes import from_xywh
from vidkit.classes import ObjectClass
from vidkit.data.frame_names import name_pattern
from vidkit.data.index import FOLDER, IMAGE, VIDEO
from vidkit.data.json_sections import sections
from vidkit.data.readers.source import Source, check_names
from vidkit.data.records import VideoFiles, VideoTable
from vidkit.errors import AnnotationError

OTHER_CLASS, CROWD, NO_AREA = "boxes of other classes left out", "crowd boxes left out", "boxes without area left out"
OUT_OF_ORDER, OTHER_LENGTH = "videos whose images were out of order", "videos of another length than stated"
VIDEO_SUFFIXES = (".mp4", ".m4v", ".mov", ".avi", ".mkv", ".webm", ".mpg", ".mpeg")
MOST = 2**31 - 1  # what a column of the index holds
MOST_ATTRIBUTES = 64  # each becomes a column over all boxes

# Fields of an annotation with a column of their own, or with no meaning here: other numbers become attributes.
_NO_ATTRIBUTE = {
    *("id", "image_id", "video_id", "category_id", "instance_id", "bbox", "area"),
    *("segmentation", "iscrowd", "occluded", "generated"),
}
_NONE: Mapping[str, float] = {}  # one for all boxes without

Id = int | str


@dataclass(frozen=True, slots=True)
class _CocoVideo:
    name: str
    size: tuple[int, int]
    file: str
    length: int


@dataclass(frozen=True, slots=True)
class _CocoImage:
    video: Id | None
    number: int
    file: str
    size: tuple[int, int]
    place: int  # in its section


@dataclass(frozen=True, slots=True)
class _CocoBox:
    category: Id
    xywh: tuple[float, ...]
    track: int
    occluded: bool
    generated: bool
    crowd: bool
    attributes: Mapping[str, float]
    place: int  # in its section


@dataclass
class _CocoContent:
    """The file's elements by id, as they were read."""

    path: Path
    videos: dict[Id, _CocoVideo] = field(default_factory=dict)
    images: dict[Id, _CocoImage] = field(default_factory=dict)
    categories: dict[Id, ObjectClass] = field(default_factory=dict)
    boxes: dict[Id, list[_CocoBox]] = field(default_factory=dict)  # by image
    annotation_ids: set[Id] = field(default_factory=set)
    attributes: set[str] = field(default_factory=set)

    def wrong(self, section: str, place: int, what: str) -> AnnotationError:
        """The error that says what is wrong with an element."""
        return AnnotationError(f"{self.path}: {section}[{place}]: {what}")


def looks_like(path: Path) -> bool:
    """Whether `path` is a JSON object with images that have a `file_name`."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        is_object = file.read(64).lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{")
    try:
        images = (value for section, _, value in (sections(path) if is_object else ()) if section == "images")
        first = next(images, None)
    except AnnotationError:
        return False
    return isinstance(first, dict) and "file_name" in first


def read_coco_vid(path: Path, frames: Path | None = None, classes: Sequence[ObjectClass] | None = None) -> Source:
    """The videos of the COCO-VID or plain COCO file at `path`, in its order, frames by ascending `frame_id`.

    `frames` is the folder that `file_name` and the `file` of a video are relative to; the file's own folder by default.
    With `classes`, boxes of categories of other names are left out and counted; otherwise the classes are the file's
    categories, in the order of their ids. Crowd boxes and boxes without area are left out and counted.

    Raises AnnotationError, naming file and element, for: broken JSON; fields that are missing or of the wrong type;
    ids, video names and frames that come twice; annotations of unknown images or categories; images of unknown videos;
    numbers that are not finite; negative sizes; images of one video that differ in size; paths that lead out of the
    folder.
    """
    content = _read(path)
    class_of = _class_ids(content.categories, classes)
    root = path.parent if frames is None else frames
    if content.videos:
        videos = [_table(root, v, rows, content, class_of) for v, rows in _by_video(content)]
    else:
        videos = [_still(key, image, content, class_of) for key, image in content.images.items()]
    check_names(str(path), tuple(videos))
    return Source(tuple(_in_order(content.categories).values() if classes is None else classes), tuple(videos), root)


# -- the file ----------------------------------------------------------------------------------------------------------


class _CocoElement:
    """One element of a section; its fields are taken out checked."""

    def __init__(self, path: Path, section: str, place: int, value: object) -> None:
        self.path, self.section, self.place = path, section, place
        if not isinstance(value, dict):
            raise self.wrong("found", value, "an object with named fields")
        self.fields: dict[str, Any] = value

    def wrong(self, name: str, found: object, wanted: str) -> AnnotationError:
        """The error that says so; what was found is shown in part."""
        shown = repr(found)
        found_in_part = f"{shown[:60]}{'…' * (len(shown) > 60)}"
        return AnnotationError(f"{self.path}: {self.section}[{self.place}]: {name} {found_in_part}, wanted {wanted}")

    def id(self, name: str) -> Id:
        """A whole number or a text."""
        value = self.fields.get(name)
        if isinstance(value, bool) or not isinstance(value, int | str):
            raise self.wrong(name, value, "an id (a whole number or a text)")
        return value

    def text(self, name: str, default: str | None = None) -> str:
        """A text without control characters."""
        value = self.fields.get(name, default)
        if not isinstance(value, str) or not value.isprintable() or (default is None and not value):
            raise self.wrong(name, value, "a text")
        return value

    def inner_path(self, name: str, default: str | None = None) -> str:
        """A path that doesn't lead out of its folder."""
        value = self.text(name, default).replace("\\", "/")
        if value.startswith("/") or ".." in value.split("/") or re.match(r"[A-Za-z]:", value):
            raise self.wrong(name, value, "a path inside the folder of the frames (--frames DIR)")
        return value

    def whole(self, name: str, default: int | None = None) -> int:
        """A whole number from 0 to what a column holds."""
        value = self.fields.get(name, default)
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MOST:
            raise self.wrong(name, value, f"a whole number from 0 to {MOST}")
        return value

    def flag(self, name: str) -> bool:
        """0 or 1, false or true; 0 if absent."""
        value = self.fields.get(name, 0)
        if value not in (0, 1):
            raise self.wrong(name, value, "0 or 1")
        return bool(value)

    def size(self) -> tuple[int, int]:
        """(width, height), 0 where absent."""
        return self.whole("width", 0), self.whole("height", 0)


def _read(path: Path) -> _CocoContent:
    content = _CocoContent(path)
    readers = {"videos": _video, "images": _image, "categories": _category, "annotations": _annotation}
    seen = set()
    for section, place, value in sections(path):
        seen.add(section)
        if section in readers:
            readers[section](content, _CocoElement(path, section, place, value))
    if "images" not in seen or "categories" not in seen:
        raise AnnotationError(
            f"{path}: has {', '.join(sorted(seen)) or 'nothing'}; a COCO file with images and categories was wanted"
        )
    _check_boxes(content)
    return content


def _check_boxes(content: _CocoContent) -> None:
    """Raise where boxes stand in images or have categories that the file doesn't have."""
    for image, boxes in content.boxes.items():
        if image not in content.images:
            raise content.wrong("annotations", boxes[0].place, f"image_id {image!r} is no image of the file")
        for box in boxes:
            if box.category not in content.categories:
                what = f"category_id {box.category!r} is no category of the file"
                raise content.wrong("annotations", box.place, what)


def _once(element: _CocoElement, known: Iterable[Id]) -> Id:
    key = element.id("id")
    if key in known:
        raise element.wrong("id", key, "an id that comes once")
    return key


def _video(content: _CocoContent, element: _CocoElement) -> None:
    content.videos[_once(element, content.videos)] = _CocoVideo(
        element.text("name"), element.size(), element.inner_path("file", ""), element.whole("length", 0)
    )


def _image(content: _CocoContent, element: _CocoElement) -> None:
    in_video = element.fields.get("video_id") is not None
    content.images[_once(element, content.images)] = _CocoImage(
        video=element.id("video_id") if in_video else None,
        number=element.whole("frame_id") if in_video else 0,
        file=element.inner_path("file_name"),
        size=element.size(),
        place=element.place,
    )


def _category(content: _CocoContent, element: _CocoElement) -> None:
    name = element.text("name")
    wnid = element.text("wnid", element.text("encode_name", name))
    content.categories[_once(element, content.categories)] = ObjectClass(name, wnid)


def _annotation(content: _CocoContent, element: _CocoElement) -> None:
    content.annotation_ids.add(_once(element, content.annotation_ids))
    attributes = _attributes(element.fields)
    content.attributes.update(attributes)
    if len(content.attributes) > MOST_ATTRIBUTES:
        what = f"one of more than {MOST_ATTRIBUTES} fields beyond COCO's that are numbers"
        raise content.wrong("annotations", element.place, what)
    content.boxes.setdefault(element.id("image_id"), []).append(
        _CocoBox(
            category=element.id("category_id"),
            xywh=_bbox(element),
            track=-1 if element.fields.get("instance_id") in (None, -1) else element.whole("instance_id"),
            occluded=element.flag("occluded"),
            generated=element.flag("generated"),
            crowd=element.flag("iscrowd"),
            attributes=attributes,
            place=element.place,
        )
    )


def _bbox(element: _CocoElement) -> tuple[float, ...]:
    value = element.fields.get("bbox")
    numbers = isinstance(value, list) and len(value) == 4 and all(type(v) in (int, float) for v in value)
    if not isinstance(value, list) or not numbers or not all(abs(v) <= MOST for v in value):
        raise element.wrong("bbox", value, "four finite numbers: x, y, width, height")
    if value[2] < 0 or value[3] < 0:
        raise element.wrong("bbox", value, "a width and a height that aren't negative")
    return tuple(float(v) for v in value)


def _attributes(fields: Mapping[str, Any]) -> Mapping[str, float]:
    if fields.keys() <= _NO_ATTRIBUTE:
        return _NONE
    return {
        name: float(value)
        for name, value in fields.items()
        if name not in _NO_ATTRIBUTE and name.isidentifier() and type(value) in (int, float, bool) and _finite(value)
    }


def _finite(value: float) -> bool:
    return abs(value) <= MOST if isinstance(value, int) else math.isfinite(value)


# -- classes -----------------------------------------------------------------------------------------------------------


def _in_order(categories: Mapping[Id, ObjectClass]) -> dict[Id, ObjectClass]:
    """The categories by ascending id; in the file's order where ids are texts."""
    if any(isinstance(key, str) for key in categories):
        return dict(categories)
    return dict(sorted(categories.items()))


def _class_ids(categories: Mapping[Id, ObjectClass], classes: Sequence[ObjectClass] | None) -> dict[Id, int]:
    """The class row of each category, -1 for those that are left out."""
    if classes is None:
        return {key: row for row, key in enumerate(_in_order(categories))}
    rows = {c.name: row for row, c in enumerate(classes)}
    return {key: rows.get(c.name, -1) for key, c in categories.items()}


# -- videos ------------------------------------------------------------------------------------------------------------


def _by_video(content: _CocoContent) -> list[tuple[_CocoVideo, list[Id]]]:
    """Each video with the ids of its images, in the order of the file."""
    images: dict[Id, list[Id]] = {key: [] for key in content.videos}
    for key, image in content.images.items():
        if image.video is None or image.video not in images:
            raise content.wrong("images", image.place, f"video_id {image.video!r} is no video of the file")
        images[image.video].append(key)
    return [(content.videos[video], keys) for video, keys in images.items()]


def _table(
    root: Path, video: _CocoVideo, keys: list[Id], content: _CocoContent, class_of: Mapping[Id, int]
) -> VideoTable:
    images = content.images
    ordered = sorted(keys, key=lambda key: images[key].number)
    for before, after in pairwise(ordered):
        if images[before].number == images[after].number:
            what = f"frame_id {images[after].number} of video {video.name!r} comes twice"
            raise content.wrong("images", images[after].place, what)
    noticed = Counter({OUT_OF_ORDER: int(ordered != keys), OTHER_LENGTH: int(video.length not in (0, len(keys)))})
    return _with_boxes(
        video.name,
        [(images[key].number, content.boxes.get(key, [])) for key in ordered],
        size=_size(content, video, [images[key] for key in ordered]),
        files=_files(root, video, [images[key] for key in ordered]),
        class_of=class_of,
        noticed=noticed,
    )


def _still(key: Id, image: _CocoImage, content: _CocoContent, class_of: Mapping[Id, int]) -> VideoTable:
    if image.video is not None:
        raise content.wrong("images", image.place, f"video_id {image.video!r}, but the file has no videos")
    return _with_boxes(
        str(PurePosixPath(image.file).with_suffix("")),
        [(0, content.boxes.get(key, []))],
        size=image.size,
        files=VideoFiles(IMAGE, image.file),
        class_of=class_of,
        noticed=Counter(),
    )


def _size(content: _CocoContent, video: _CocoVideo, images: Sequence[_CocoImage]) -> tuple[int, int]:
    """The one size that the video and its images state."""
    size = video.size
    for image in images:
        if 0 not in image.size:
            if 0 not in size and image.size != size:
                what = (
                    f"{image.size[0]}x{image.size[1]} pixels, others of video {video.name!r} have {size[0]}x{size[1]}: "
                    "the frames of a video must have one size"
                )
                raise content.wrong("images", image.place, what)
            size = image.size
    return size


def _files(root: Path, video: _CocoVideo, images: Sequence[_CocoImage]) -> VideoFiles:
    """Where the frames are: the folder of the images if it is there, else the video file if one is named."""
    if not images:
        return VideoFiles(VIDEO, video.file) if video.file else VideoFiles()
    if video.file.lower().endswith(VIDEO_SUFFIXES) and not (root / images[0].file).exists():
        return VideoFiles(VIDEO, video.file)
    folders = {image.file.rpartition("/")[0] for image in images}
    folder = folders.pop() if len(folders) == 1 else ""
    names = tuple(image.file[len(folder) :].removeprefix("/") for image in images)
    pattern = name_pattern({image.number: name for image, name in zip(images, names, strict=True)})
    return VideoFiles(FOLDER, folder or ".", pattern, None if pattern else names)


def _with_boxes(
    name: str,
    frames: Sequence[tuple[int, Sequence[_CocoBox]]],
    size: tuple[int, int],
    files: VideoFiles,
    class_of: Mapping[Id, int],
    noticed: Counter[str],
) -> VideoTable:
    counts: list[int] = []
    kept: list[_CocoBox] = []
    for _, boxes in frames:
        before = len(kept)
        kept += [box for box in boxes if _is_kept(box, class_of, noticed)]
        counts.append(len(kept) - before)
    xywh = np.array([box.xywh for box in kept], np.float64).reshape(-1, 4)
    attributes = sorted({key for box in kept for key in box.attributes})
    return VideoTable(
        name=name,
        frame_number=np.array([number for number, _ in frames], np.int32),
        instance_count=np.array(counts, np.int32),
        box=from_xywh(xywh),
        class_id=np.array([class_of[box.category] for box in kept], np.int16),
        track_id=np.array([box.track for box in kept], np.int32),
        occluded=np.array([box.occluded for box in kept], np.bool_),
        generated=np.array([box.generated for box in kept], np.bool_),
        size=size,
        instance_attributes={
            key: np.array([box.attributes.get(key, math.nan) for box in kept], np.float64) for key in attributes
        },
        files=files,
        counts=dict(+noticed),
    )


def _is_kept(box: _CocoBox, class_of: Mapping[Id, int], noticed: Counter[str]) -> bool:
    for reason, applies in (
        (OTHER_CLASS, class_of[box.category] < 0),
        (CROWD, box.crowd),
        (NO_AREA, box.xywh[2] == 0 or box.xywh[3] == 0),
    ):
        if applies:
            noticed[reason] += 1
            return False
    return True
