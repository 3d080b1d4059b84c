"""COCO's JSON and its kin → records: COCO, COCO-VID (mmtracking, TransVOD, YOLOV …), TAO, Argoverse-HD, ByteTrack.

`bbox` is (x, y, width, height) in pixels, counted from the upper left corner of the upper left pixel, so that x + width
is vidkit's exclusive corner already: nothing is added. In a file without videos each image is a video of one frame.

The kin differ in words. Tracks are `instance_id`, `track_id` or `track`, frames `frame_id`, `frame_index` or `fid`,
videos `videos` or, with `sid` in place of `video_id`, the `sequences` whose images lie in `seq_dirs`. Files in which
videos are called by `file_name`, as ByteTrack's are, count frames from 1: frame 1 is frame 0 of the index. TAO tells of
a video which classes aren't in it, and which aren't labelled throughout. BURST's own files hold masks, and aren't read.
docs/other_sources.md tells which fields are read.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from vidkit.classes import ObjectClass
from vidkit.data.film import VIDEO_SUFFIXES
from vidkit.data.index import IMAGE, VIDEO
from vidkit.data.json_sections import sections
from vidkit.data.readers.annotation_files import annotation_file, first_file
from vidkit.data.readers.boxes_by_image import BoxesByImage
from vidkit.data.readers.chosen_classes import choose_classes
from vidkit.data.readers.found_boxes import Frames, video_table
from vidkit.data.readers.json_fields import JsonFields, in_part, inner_path, is_text
from vidkit.data.readers.json_lists import Id, in_order, new_id
from vidkit.data.readers.listed_images import ListedImage, by_number, listed_frames
from vidkit.data.readers.source import Source, check_names
from vidkit.data.records import VideoFiles
from vidkit.errors import AnnotationError

OUT_OF_ORDER, OTHER_LENGTH = "videos whose images were out of order", "videos of another length than stated"
NEGATIVES = "videos that tell which classes they don't show"
NOT_EXHAUSTIVE = "videos in which some classes aren't labelled throughout"
_WANTED = "a COCO file with images and categories"


class _CocoVideo(NamedTuple):
    name: str
    size: tuple[int, int] = (0, 0)
    film: str = ""
    length: int = 0
    told: Mapping[str, int] = {}  # 1 for those of NEGATIVES, NOT_EXHAUSTIVE that are true of it


class _CocoImage(NamedTuple):
    video: Id | None
    listed: ListedImage


@dataclass
class _CocoFile:
    """What the file holds, by id."""

    boxes: BoxesByImage
    videos: dict[Id, _CocoVideo] = field(default_factory=dict)
    images: dict[Id, _CocoImage] = field(default_factory=dict)
    categories: dict[Id, ObjectClass] = field(default_factory=dict)
    sequences: list[str] = field(default_factory=list)
    seq_dirs: list[str] = field(default_factory=list)
    counts_from_1: bool = False


def read_coco(path: Path, frames: Path | None = None, classes: Sequence[ObjectClass] | None = None) -> Source:
    """The videos of the JSON file at `path`, or of the one in that folder, in its order, frames by ascending number.

    `frames` is the folder that `file_name` and the `file` of a video are relative to; the file's own folder by default.
    With `classes`, boxes of categories of other names are left out and counted; otherwise the classes are the file's
    categories, in the order of their ids. Boxes with `iscrowd` or `ignore` are ignored regions, boxes without area are
    left out and counted. `area` is kept as an attribute where it isn't that of the box.

    Raises AnnotationError, naming file and element, for whatever is malformed: broken JSON; fields that are missing or
    of the wrong type; ids, video names and frames that come twice; annotations of unknown images or categories; images
    of unknown videos; negative sizes; images of one video that differ in size; paths that lead out of the folder.
    """
    file = annotation_file(path, ("*.json",), _WANTED)
    content = _read(file)
    root = frames or file.parent
    chosen = choose_classes(str(file), _distinct(file, content), classes)
    named = _videos(root, content) if content.videos else _stills(content)
    at = {key: (video, row) for video, (_, keys, _) in enumerate(named) for row, key in enumerate(keys)}
    boxes = content.boxes.by_video(at, chosen.row, len(named))
    videos = tuple(video_table(name, of, found) for (name, _, of), found in zip(named, boxes, strict=True))
    check_names(str(file), videos)
    return Source(chosen.classes, videos, root, class_ids=chosen.ids, lists_frames=True)


def looks_like(path: Path) -> bool:
    """Whether `path` is a JSON object with images that have a name, or a folder with one."""
    file = first_file(path, ("*.json",)) or path
    try:
        with file.open("rb") as opened:
            is_object = opened.read(64).lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{")
        listed = (v for name, _, v in (sections(file) if is_object else ()) if name in ("images", "sequences"))
        first = next((value for value in listed if isinstance(value, dict)), {})
    except (AnnotationError, OSError):
        return False
    return bool({"file_name", "sid", "annotated_image_paths"} & first.keys())


# -- the file ----------------------------------------------------------------------------------------------------------


def _read(file: Path) -> _CocoFile:
    content = _CocoFile(BoxesByImage(str(file)))
    seen = {}
    for section, n, value in sections(file):
        seen[section] = True
        place = f"{file}: {section}[{n}]"
        if section in _NAMES:
            _NAMES[section](content).append(_name(place, section, value))
        elif section in _ADD and not (n < 0 and value is None):
            _ADD[section](content, JsonFields(place, value))
    if not content.images or "categories" not in seen:
        raise AnnotationError(f"{file}: has {', '.join(seen) or 'nothing'}; {_WANTED} was wanted")
    if not content.videos:
        names = content.sequences or content.seq_dirs
        content.videos = {n: _CocoVideo(name) for n, name in enumerate(names)}
    return content


def _name(place: str, section: str, value: object) -> str:
    if isinstance(value, dict) and "segmentations" in value:
        raise AnnotationError(f"{place}: BURST's own form, which holds masks; wanted TAO's, which holds boxes")
    if not is_text(value):
        raise AnnotationError(f"{place}: {in_part(value)}, wanted a name")
    return inner_path(place, str(value)) if section == "seq_dirs" else str(value)


def _add_video(content: _CocoFile, fields: JsonFields) -> None:
    lists = {NEGATIVES: "neg_category_ids", NOT_EXHAUSTIVE: "not_exhaustive_category_ids"}
    told = {what: int(bool(fields.items(name, optional=True))) for what, name in lists.items()}
    key, name = new_id(fields, content.videos), fields.text(_first(fields, "name", "file_name"))
    film = fields.text("file", "")
    content.videos[key] = _CocoVideo(
        name, _size(fields), inner_path(fields.place, film) if film else "", fields.whole("length", 0), told
    )
    content.counts_from_1 |= "name" not in fields.values


def _add_image(content: _CocoFile, fields: JsonFields) -> None:
    key, video = new_id(fields, content.images), _first(fields, "video_id", "sid")
    in_video = fields.values.get(video) is not None
    number = fields.whole(_first(fields, "frame_id", "frame_index", "fid")) if in_video else 0
    path = inner_path(fields.place, fields.text(_first(fields, "file_name", "name")))
    listed = ListedImage(fields.place, number, path, number if in_video else None, str(key), _size(fields))
    content.images[key] = _CocoImage(fields.id(video) if in_video else None, listed)


def _add_category(content: _CocoFile, fields: JsonFields) -> None:
    key, name = new_id(fields, content.categories), fields.text("name")
    content.categories[key] = ObjectClass(name, fields.text("wnid", fields.text("encode_name", name)))


_ADD: dict[str, Callable[[_CocoFile, JsonFields], None]] = {
    "videos": _add_video,
    "images": _add_image,
    "categories": _add_category,
    "annotations": lambda content, fields: content.boxes.add(fields),
}
_NAMES: dict[str, Callable[[_CocoFile], list[str]]] = {
    "sequences": lambda content: content.sequences,
    "seq_dirs": lambda content: content.seq_dirs,
}


def _first(fields: JsonFields, *names: str) -> str:
    return next((name for name in names if name in fields.values), names[0])


def _size(fields: JsonFields) -> tuple[int, int]:
    return fields.whole("width", 0), fields.whole("height", 0)


def _distinct(file: Path, content: _CocoFile) -> dict[Id, ObjectClass]:
    """The categories in their order. Of two of one name, which Roboflow writes, one without boxes is left out.

    Raises AnnotationError where both have boxes.
    """
    used, kept = set(content.boxes.category), dict[str, Id]()
    for key, category in in_order(content.categories).items():
        before = kept.setdefault(category.name, key)
        if key != before and {key, before} <= used:
            what = f"categories {in_part(before)} and {in_part(key)} are both called {in_part(category.name)}"
            raise AnnotationError(f"{file}: {what}, and both have boxes; wanted a name for each")
        if key in used:
            kept[category.name] = key
    return {key: category for key, category in in_order(content.categories).items() if kept[category.name] == key}


# -- videos ------------------------------------------------------------------------------------------------------------

_Named = tuple[str, Sequence[Id], Frames]
"""A video's name, the ids of its images in the order of its frames, and the frames."""


def _videos(root: Path, content: _CocoFile) -> list[_Named]:
    images: dict[Id, dict[Id, ListedImage]] = {video: {} for video in content.videos}
    first = int(content.counts_from_1 and all(image.listed.number > 0 for image in content.images.values()))
    folders: dict[Id, str] = {n: f"{folder}/" for n, folder in enumerate(content.seq_dirs)}
    for key, (video, listed) in content.images.items():
        if video is None or video not in images:
            raise AnnotationError(f"{listed.place}: video {in_part(video)}; wanted that of one in the file")
        path = folders.get(video, "") + listed.path
        images[video][key] = listed._replace(number=listed.number - first, path=path)
    return [_video(root, content.videos[key], of_video) for key, of_video in images.items()]


def _video(root: Path, video: _CocoVideo, images: Mapping[Id, ListedImage]) -> _Named:
    ordered = by_number(images)
    noticed = {
        **video.told,
        OUT_OF_ORDER: int(list(ordered) != list(images)),
        OTHER_LENGTH: int(video.length not in (0, len(images))),
    }
    frames = replace(listed_frames([*ordered.values()], video.size), counts=dict(+Counter(noticed)))
    first = next(iter(ordered.values()), None)
    if video.film and (
        first is None or (video.film.lower().endswith(VIDEO_SUFFIXES) and not (root / first.path).exists())
    ):
        frames = replace(frames, files=VideoFiles(VIDEO, video.film))
    return video.name, tuple(ordered), frames


def _stills(content: _CocoFile) -> list[_Named]:
    found: list[_Named] = []
    for key, (video, image) in content.images.items():
        if video is not None:
            raise AnnotationError(f"{image.place}: video {in_part(video)}, but the file has no videos")
        frames = replace(listed_frames([image]), files=VideoFiles(IMAGE, image.path))
        found.append((str(PurePosixPath(image.path).with_suffix("")), (key,), frames))
    return found
