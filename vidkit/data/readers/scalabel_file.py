"""One file of Scalabel's JSON: its categories, and the images and labels of its videos as they are written."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from pathlib import Path

from vidkit.data.json_sections import elements, sections
from vidkit.data.readers.json_fields import JsonFields, inner_path, is_number
from vidkit.data.readers.json_lists import Id
from vidkit.data.readers.listed_images import ListedImage
from vidkit.data.readers.looking import head
from vidkit.errors import AnnotationError

WANTED = "Scalabel's JSON: a list of frames with name, videoName, frameIndex, labels"
CORNERS = ("x1", "y1", "x2", "y2")
FLAGS = ("occluded", "truncated", "crowd", "ignored")


@dataclass
class ScalabelVideo:
    """One video: its images, and N labels with boxes, both in the order of the file."""

    is_still: bool
    images: list[ListedImage] = field(default_factory=list)
    image: list[int] = field(default_factory=list)  # N rows of `images`
    label: list[int] = field(default_factory=list)  # N: which of the image's labels
    corners: array[float] = field(default_factory=lambda: array("d"))  # 4 N
    category: list[str] = field(default_factory=list)  # N
    track: list[Id | None] = field(default_factory=list)  # N
    flags: list[list[bool]] = field(default_factory=list)  # N: each of FLAGS
    without_box: int = 0  # labels
    with_score: int = 0  # labels


@dataclass
class ScalabelFile:
    """What one file holds."""

    path: Path
    categories: list[str] = field(default_factory=list)  # of its `config`
    size: tuple[int, int] = (0, 0)  # of its `config`
    videos: dict[str, ScalabelVideo] = field(default_factory=dict)


def read_file(path: Path) -> ScalabelFile:
    """What the file at `path` holds. Raises AnnotationError, naming file and label, for whatever is malformed."""
    file = ScalabelFile(path)
    if head(path)[:1] == b"[":
        listed = (("frames", n, value) for n, value in elements(path))
    else:
        listed = (each for each in sections(path) if each[0] in ("frames", "config") and each[2] is not None)
    for section, n, value in listed:
        fields = JsonFields(f"{path}: {section}[{n}]" if n >= 0 else f"{path}: {section}", value)
        if section == "config":
            file.categories += _leaves(fields)
            file.size = _size(fields, "imageSize")
        else:
            _add_frame(file, fields)
    if not file.videos:
        raise AnnotationError(f"{path}: no frames in it; wanted {WANTED}")
    return file


def _leaves(config: JsonFields) -> list[str]:
    """The names of the categories that have no others below them."""
    names, left = [], list(config.objects("categories", optional=True))
    while left:
        category = left.pop(0)
        below = list(category.objects("subcategories", optional=True))
        names += [] if below else [category.text("name")]
        left = below + left
    return names


def _size(fields: JsonFields, name: str) -> tuple[int, int]:
    size = fields.object(name, optional=True)
    return size.whole("width", 0), size.whole("height", 0)


def _first(fields: JsonFields, *names: str) -> str:
    return next((name for name in names if name in fields.values), names[0])


def _add_frame(file: ScalabelFile, fields: JsonFields) -> None:
    name = inner_path(fields.place, fields.text("name"))
    video_name = fields.text(_first(fields, "videoName", "video_name"), None)
    number = fields.whole(_first(fields, "frameIndex", "frame_index", "index"), None)
    is_still = video_name is None and number is None
    key = name.rpartition(".")[0] or name if is_still else inner_path(fields.place, video_name or file.path.stem)
    video = file.videos.setdefault(key, ScalabelVideo(is_still))
    if video.is_still != is_still:
        raise fields.wrong("name", f"another name: {key!r} is a video and a still image")
    row = len(video.images)
    in_video = 0 if is_still else row if number is None else number
    video.images.append(ListedImage(fields.place, in_video, name, number, size=_size(fields, "size")))
    for n, label in enumerate(fields.objects("labels", optional=True)):
        if label.object("box2d", optional=True).values:
            _add_label(video, row, n, label)
        else:
            video.without_box += 1


def _add_label(video: ScalabelVideo, row: int, n: int, label: JsonFields) -> None:
    corners = [label.values["box2d"].get(corner) for corner in CORNERS]
    if not all(map(is_number, corners)):
        raise label.wrong("box2d", f"numbers {', '.join(CORNERS)}")
    attributes = label.object("attributes", optional=True)
    video.image.append(row)
    video.label.append(n)
    video.corners.extend(corners)
    video.category.append(label.text("category"))
    video.track.append(None if label.values.get("id") is None else label.id("id"))
    video.flags.append([attributes.flag(flag) for flag in FLAGS])
    video.with_score += label.values.get("score") is not None
