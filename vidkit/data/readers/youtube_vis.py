"""The JSON of YouTube-VIS, OVIS, UVO and LV-VIS → records: `videos[].file_names`, and for each object a box a frame.

`annotations[].bboxes` has an entry for each file name: x, y, width, height, or null where the object isn't seen. An
annotation is a track, and its id the track's. A frame's number is the one that ends its file's name (these data sets
show each fifth frame or so), where the names of a video go up that way; else frames are counted from 0.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vidkit.boxes import from_xywh
from vidkit.classes import ObjectClass
from vidkit.data.readers.annotation_files import annotation_file, first_file
from vidkit.data.readers.chosen_classes import ChosenClasses, choose_classes
from vidkit.data.readers.found_boxes import FoundBoxes, video_table
from vidkit.data.readers.json_fields import JsonFields, in_part, inner_path, is_number, is_text
from vidkit.data.readers.json_lists import Id, category, new_id, objects_of
from vidkit.data.readers.listed_images import ListedImage, folder_of, listed_frames, numbers_in
from vidkit.data.readers.looking import head
from vidkit.data.readers.source import Source, check_names
from vidkit.data.readers.track_numbers import track_numbers
from vidkit.data.records import VideoTable
from vidkit.errors import AnnotationError

_PATTERNS = ("instances*.json", "*.json")
_WANTED = "the JSON of YouTube-VIS: videos with file_names, annotations with bboxes, categories"


class _YoutubeVideo(NamedTuple):
    place: str
    name: str  # "" where it isn't told
    size: tuple[int, int]
    paths: list[str]


class _YoutubeTrack(NamedTuple):
    place: str
    id: Id
    category: Id
    crowd: bool
    length: int  # of its video
    frame: NDArray[np.int64]  # (K,) where it is seen
    xywh: NDArray[np.float64]  # (K, 4)


@dataclass
class _YoutubeFile:
    videos: dict[Id, _YoutubeVideo] = field(default_factory=dict)
    categories: dict[Id, ObjectClass] = field(default_factory=dict)
    tracks: dict[Id, list[_YoutubeTrack]] = field(default_factory=dict)  # by video


def read_youtube_vis(path: Path, frames: Path | None = None, classes: Sequence[ObjectClass] | None = None) -> Source:
    """The videos of the JSON file at `path`, or of the one in that folder, each called as its folder is, or by its id.

    `frames` is the folder that file names are relative to; by default `JPEGImages` beside the file, or the file's own.
    With `classes`, boxes of categories of other names are left out and counted. Objects with `iscrowd` are ignored
    regions. Raises AnnotationError, naming file and element, for whatever is malformed.
    """
    file = annotation_file(path, _PATTERNS, _WANTED)
    content = _read(file)
    chosen = choose_classes(str(file), content.categories, classes)
    names = _names(content.videos)
    videos = tuple(_table(names[key], v, content.tracks.get(key, []), chosen) for key, v in content.videos.items())
    check_names(str(file), videos)
    beside = file.parent / "JPEGImages"
    root = frames or (beside if beside.is_dir() else file.parent)
    return Source(chosen.classes, videos, root, class_ids=chosen.ids, lists_frames=True)


def looks_like(path: Path) -> bool:
    """Whether `path` seems to be read by `read_youtube_vis`, by the first and last bytes."""
    file = first_file(path, _PATTERNS) or path
    seen = head(file) + head(file, tail=True)
    return seen[:1] == b"{" and re.search(rb'"(file_names|bboxes)"\s*:\s*\[', seen) is not None


def _read(file: Path) -> _YoutubeFile:
    content = _YoutubeFile()
    for section, fields in objects_of(file, ("videos", "categories", "annotations")):
        if section == "videos":
            content.videos[new_id(fields, content.videos)] = _video(fields)
        elif section == "categories":
            content.categories[new_id(fields, content.categories)] = category(fields)
        else:
            content.tracks.setdefault(fields.id("video_id"), []).append(_track(fields))
    if not content.videos:
        raise AnnotationError(f"{file}: no videos in it; wanted {_WANTED}")
    for key, track in ((key, track) for key, tracks in content.tracks.items() for track in tracks):
        if key not in content.videos or track.category not in content.categories:
            found = f"video_id {in_part(key)}, category_id {in_part(track.category)}"
            raise AnnotationError(f"{track.place}: {found}; wanted those of a video and a category of the file")
        if track.length != len(content.videos[key].paths):
            found = f"{track.length} bboxes in a video of {len(content.videos[key].paths)} file_names"
            raise AnnotationError(f"{track.place}: {found}; wanted one, or null, for each")
    return content


def _video(fields: JsonFields) -> _YoutubeVideo:
    if not all(map(is_text, paths := fields.items("file_names"))):
        raise fields.wrong("file_names", "a list of file names")
    paths = [inner_path(fields.place, path) for path in paths]
    size = fields.whole("width", 0), fields.whole("height", 0)
    return _YoutubeVideo(fields.place, fields.text("name", ""), size, paths)


def _track(fields: JsonFields) -> _YoutubeTrack:
    boxes = fields.items("bboxes")
    seen = [n for n, box in enumerate(boxes) if box is not None]
    for n in seen:
        if type(boxes[n]) is not list or len(boxes[n]) != 4 or not all(map(is_number, boxes[n])):
            found = f"bboxes[{n}] {in_part(boxes[n])}"
            raise AnnotationError(f"{fields.place}: {found}, wanted x, y, width, height or null")
    xywh = np.array([boxes[n] for n in seen], np.float64).reshape(-1, 4)
    key, crowd = fields.id("id"), fields.flag("iscrowd")
    return _YoutubeTrack(fields.place, key, fields.id("category_id"), crowd, len(boxes), np.array(seen, np.int64), xywh)


def _names(videos: Mapping[Id, _YoutubeVideo]) -> dict[Id, str]:
    """The name that a video has, else its folder; its id if there is none, or another has the same."""
    names = {key: video.name or folder_of(video.paths) for key, video in videos.items()}
    often = Counter(names.values())
    return {key: name if name and often[name] == 1 else str(key) for key, name in names.items()}


def _table(name: str, video: _YoutubeVideo, tracks: Sequence[_YoutubeTrack], chosen: ChosenClasses) -> VideoTable:
    paths, numbers = video.paths, numbers_in(video.paths)
    written = [None] * len(paths) if numbers is None else numbers
    images = [ListedImage(video.place, n if m is None else m, paths[n], m) for n, m in enumerate(written)]
    owner = np.repeat(np.arange(len(tracks)), [len(track.frame) for track in tracks])
    crowd = np.array([track.crowd for track in tracks], np.bool_)[owner]
    found = FoundBoxes(
        place=lambda row: tracks[owner[row]].place,
        frame=np.concatenate([np.zeros(0, np.int64), *(track.frame for track in tracks)]),
        box=from_xywh(np.concatenate([np.zeros((0, 4)), *(track.xywh for track in tracks)])),
        class_id=np.array([chosen.row[track.category] for track in tracks], np.int64)[owner],
        track=track_numbers([track.id for track in tracks])[owner],
        ignored=crowd,
        crowd=crowd,
    )
    return video_table(name, listed_frames(images, video.size), found)
