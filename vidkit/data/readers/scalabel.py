"""Scalabel's JSON, BDD100K's form → records: a list of frames, or an object with `frames`; or a file for each video.

A frame has a name, its video's name, an index from 0 and labels: id (the track), category, attributes, and `box2d` with
the corners x1, y1, x2, y2, which are taken as exclusive: x2 - x1 is the width. Labels that are a crowd or to be ignored
are ignored regions of their class, as in BDD100K's own evaluation. A frame without video and index is a still image.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from vidkit.classes import ObjectClass
from vidkit.data.index import IMAGE
from vidkit.data.readers.annotation_files import annotation_files, first_file
from vidkit.data.readers.chosen_classes import ChosenClasses, choose_classes, named_classes
from vidkit.data.readers.found_boxes import FoundBoxes, Frames, video_table
from vidkit.data.readers.listed_images import ListedImage, by_number, listed_frames
from vidkit.data.readers.looking import head, is_plain
from vidkit.data.readers.scalabel_file import FLAGS, WANTED, ScalabelVideo, read_file
from vidkit.data.readers.source import Source, check_names
from vidkit.data.readers.track_numbers import track_numbers
from vidkit.data.records import VideoFiles, VideoTable

NO_BOX = "labels that are no boxes (polygons, lanes …), left out"
SCORED = "labels with a score, as predictions have, kept"
_PATTERNS = ("*.json", "*/*.json")


def read_scalabel(path: Path, frames: Path | None = None, classes: Sequence[ObjectClass] | None = None) -> Source:
    """The videos of the JSON file at `path`, or of all in that folder, in their order, frames by ascending index.

    `frames` is the folder that the images lie in, by name or in a folder of their video's name; by default where the
    files are. With `classes`, boxes of other categories are left out and counted; else the classes are those of the
    file's `config`, then what else occurs, by name. Raises AnnotationError, naming file and label, for what is wrong.
    """
    files = [read_file(file) for file in annotation_files(path, _PATTERNS, WANTED)]
    listed = dict.fromkeys(name for file in files for name in file.categories)
    found = {name for file in files for video in file.videos.values() for name in video.category}
    known = named_classes([*listed, *sorted(found - listed.keys())])
    chosen = choose_classes(str(path), {c.name: c for c in known}, classes)
    root = frames or files[0].path.parent
    videos = tuple(_table(name, v, file.size, root, chosen) for file in files for name, v in file.videos.items())
    check_names(str(path), videos)
    return Source(chosen.classes, videos, root, lists_frames=True)


def looks_like(path: Path) -> bool:
    """Whether `path` seems to be read by `read_scalabel`, by the first bytes."""
    start = head(first_file(path, _PATTERNS) or path)
    telling = (b'"videoName"', b'"frameIndex"', b'"box2d"', b'"video_name"')
    return start[:1] in (b"[", b"{") and b'"name"' in start and any(name in start for name in telling)


def _table(name: str, video: ScalabelVideo, size: tuple[int, int], root: Path, chosen: ChosenClasses) -> VideoTable:
    images = by_number(dict(enumerate(video.images)))
    row_of = np.empty(len(images), np.int64)  # row of an image in the file → of its frame
    row_of[list(images)] = np.arange(len(images))
    occluded, truncated, crowd, ignored = np.array(video.flags, np.bool_).reshape(-1, len(FLAGS)).T
    return video_table(
        name,
        _frames(name, list(images.values()), video, size, root),
        FoundBoxes(
            place=lambda row: f"{video.images[video.image[row]].place}: labels[{video.label[row]}]",
            frame=row_of[np.array(video.image, np.int64)],
            box=np.frombuffer(video.corners, np.float64).reshape(-1, 4),
            class_id=np.array([chosen.row[category] for category in video.category], np.int64),
            track=track_numbers(video.track),
            occluded=occluded,
            ignored=crowd | ignored,
            crowd=crowd | ignored,
            attributes={"truncated": truncated.astype(np.float64)},
        ),
    )


def _frames(
    name: str, images: Sequence[ListedImage], video: ScalabelVideo, size: tuple[int, int], root: Path
) -> Frames:
    """The frames; `size` counts where no image tells its own."""
    frames = listed_frames(images, (0, 0) if any(0 not in image.size for image in images) else size)
    first = images[0].path
    if video.is_still:
        files = VideoFiles(IMAGE, first)
    elif "/" in first or is_plain(root / first):
        files = frames.files
    else:
        files = replace(frames.files, source=name)
    return replace(frames, files=files, counts={NO_BOX: video.without_box, SCORED: video.with_score})
