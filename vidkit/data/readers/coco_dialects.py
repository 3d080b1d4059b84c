"""JSON that is COCO-VID but for its names → records: TAO, Argoverse-HD, ByteTrack's files, and plain `track_id`.

Tracks are `track_id` or `track`, frames `frame_id`, `frame_index` or `fid`, videos `videos` or, with `sid` in place of
`video_id`, the `sequences` whose images lie in `seq_dirs`. Files in which videos are called by `file_name`, as
ByteTrack's are, count frames from 1: frame 1 is frame 0 of the index. TAO annotates a frame a second and tells of a
video which classes aren't in it, and which aren't labelled throughout. BURST's own files hold masks, and aren't read.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

from vidkit.classes import ObjectClass
from vidkit.data.json_sections import sections
from vidkit.data.readers.annotation_files import annotation_file, first_file
from vidkit.data.readers.boxes_by_image import BoxesByImage
from vidkit.data.readers.chosen_classes import choose_classes
from vidkit.data.readers.found_boxes import video_table
from vidkit.data.readers.json_fields import JsonFields, in_part, inner_path, is_text
from vidkit.data.readers.json_lists import Id, category, new_id
from vidkit.data.readers.listed_images import ListedImage, by_number, listed_frames
from vidkit.data.readers.looking import head
from vidkit.data.readers.source import Source, check_names
from vidkit.errors import AnnotationError

NEGATIVES = "videos that tell which classes they don't show"
NOT_EXHAUSTIVE = "videos in which some classes aren't labelled throughout"
_WANTED = "a COCO file of videos: images, annotations, categories, and videos or sequences"
_TELLING = rb'"(frame_index|fid|seq_dirs|prev_image_id|track_id|track|annotated_image_paths)"\s*:'


class _DialectVideo(NamedTuple):
    name: str
    size: tuple[int, int]
    told: Mapping[str, int]  # 1 for those of NEGATIVES, NOT_EXHAUSTIVE that are true of it


@dataclass
class _DialectFile:
    """What the file holds."""

    boxes: BoxesByImage
    videos: dict[Id, _DialectVideo] = field(default_factory=dict)
    images: dict[Id, tuple[Id, ListedImage]] = field(default_factory=dict)  # with the id of the video
    categories: dict[Id, ObjectClass] = field(default_factory=dict)
    sequences: list[str] = field(default_factory=list)
    seq_dirs: list[str] = field(default_factory=list)
    of_bytetrack: bool = False


def read_coco_dialect(path: Path, frames: Path | None = None, classes: Sequence[ObjectClass] | None = None) -> Source:
    """The videos of the JSON file at `path`, or of the one in that folder, frames by ascending number.

    `frames` is the folder that file names are relative to, by default the file's own. With `classes`, boxes of
    categories of other names are left out and counted. Boxes with `iscrowd` or `ignore` are ignored regions. Raises
    AnnotationError, naming file and element, for whatever is malformed.
    """
    file = annotation_file(path, ("*.json",), _WANTED)
    content = _read(file)
    chosen = choose_classes(str(file), content.categories, classes)
    images = _by_video(content)
    at = {key: (video, row) for video, listed in enumerate(images) for row, key in enumerate(listed)}
    boxes = content.boxes.by_video(at, chosen.row, len(images))
    videos = tuple(
        video_table(v.name, replace(listed_frames([*listed.values()], v.size), counts=v.told), found)
        for v, listed, found in zip(content.videos.values(), images, boxes, strict=True)
    )
    check_names(str(file), videos)
    return Source(chosen.classes, videos, frames or file.parent, class_ids=chosen.ids)


def looks_like(path: Path) -> bool:
    """Whether `path` seems to be read by `read_coco_dialect`, by the first and last bytes."""
    file = first_file(path, ("*.json",)) or path
    seen = re.sub(rb'"attributes"\s*:\s*\{[^{}]*\}', b"", head(file) + head(file, tail=True))
    of_another = re.search(rb'"(file_names|bboxes)"\s*:\s*\[', seen)
    return seen[:1] == b"{" and of_another is None and re.search(_TELLING, seen) is not None


def _read(file: Path) -> _DialectFile:
    content = _DialectFile(BoxesByImage(str(file)))
    for section, n, value in sections(file):
        place = f"{file}: {section}[{n}]"
        if section == "sequences":
            content.sequences.append(_text(place, value))
        elif section == "seq_dirs":
            content.seq_dirs.append(inner_path(place, _text(place, value)))
        elif section in _ADD and not (n < 0 and value is None):
            _ADD[section](content, JsonFields(place, value))
    if not content.videos:
        names = content.sequences or content.seq_dirs
        content.videos = {n: _DialectVideo(name, (0, 0), {}) for n, name in enumerate(names)}
    if not content.videos or not content.images:
        raise AnnotationError(f"{file}: no images of videos in it; wanted {_WANTED}")
    return content


def _text(place: str, value: object) -> str:
    if isinstance(value, dict) and "segmentations" in value:
        raise AnnotationError(f"{place}: BURST's own form, which holds masks; wanted TAO's, which holds boxes")
    if not is_text(value):
        raise AnnotationError(f"{place}: {in_part(value)}, wanted a name")
    return str(value)


def _add_video(content: _DialectFile, fields: JsonFields) -> None:
    lists = {NEGATIVES: "neg_category_ids", NOT_EXHAUSTIVE: "not_exhaustive_category_ids"}
    told = {what: int(bool(fields.items(name, optional=True))) for what, name in lists.items()}
    key, name = new_id(fields, content.videos), fields.text(_first(fields, "name", "file_name"))
    content.videos[key] = _DialectVideo(name, (fields.whole("width", 0), fields.whole("height", 0)), told)
    content.of_bytetrack |= "name" not in fields.values


def _add_image(content: _DialectFile, fields: JsonFields) -> None:
    key, number = new_id(fields, content.images), fields.whole(_first(fields, "frame_id", "frame_index", "fid"))
    path = inner_path(fields.place, fields.text(_first(fields, "file_name", "name")))
    image = ListedImage(
        fields.place, number, path, number, str(key), (fields.whole("width", 0), fields.whole("height", 0))
    )
    content.images[key] = fields.id(_first(fields, "video_id", "sid")), image


_ADD: dict[str, Callable[[_DialectFile, JsonFields], None]] = {
    "videos": _add_video,
    "images": _add_image,
    "categories": lambda content, fields: content.categories.update(
        {new_id(fields, content.categories): category(fields)}
    ),
    "annotations": lambda content, fields: content.boxes.add(fields),
}


def _first(fields: JsonFields, *names: str) -> str:
    return next((name for name in names if name in fields.values), names[0])


def _by_video(content: _DialectFile) -> list[dict[Id, ListedImage]]:
    """The images of each video by their ids, by ascending frame number, in their folders."""
    images: dict[Id, dict[Id, ListedImage]] = {video: {} for video in content.videos}
    first = int(content.of_bytetrack and all(image.number > 0 for _, image in content.images.values()))
    folders: dict[Id, str] = {n: f"{folder}/" for n, folder in enumerate(content.seq_dirs)}
    for key, (video, image) in content.images.items():
        if video not in images:
            raise AnnotationError(f"{image.place}: video {in_part(video)}; wanted that of one in the file")
        images[video][key] = image._replace(number=image.number - first, path=folders.get(video, "") + image.path)
    return [by_number(listed) for listed in images.values()]
