"""CVAT's own XML 1.1 in the form "CVAT for video" → records.

Each track lists its boxes. CVAT itself writes those of all frames, and marks by `keyframe="0"` what it put between.
Where no box of the file is marked so, boxes are key frames, and those between are made as CVAT does: linearly towards
the track's next box, up to one that is `outside`, or to the end.
"""

import re
import xml.etree.ElementTree as ET
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from vidkit.classes import ObjectClass
from vidkit.data.film import VIDEO_SUFFIXES
from vidkit.data.index import FOLDER, VIDEO
from vidkit.data.readers.chosen_classes import ClassRows
from vidkit.data.readers.cvat_shapes import add_box
from vidkit.data.readers.cvat_tasks import FILE, CvatTask, read_tasks, whole
from vidkit.data.readers.drawn import KEPT, MAX_FRAMES, NO_ATTRIBUTES, Drawn, DrawnBoxes
from vidkit.data.readers.drawn_table import NOT_BOXES, bounded, table
from vidkit.data.readers.found_boxes import Frames
from vidkit.data.readers.json_fields import in_part, is_text
from vidkit.data.readers.key_frames import between_keys
from vidkit.data.readers.looking import file_in, head, is_plain
from vidkit.data.readers.source import Source, check_names
from vidkit.data.readers.upright import upright
from vidkit.data.records import FrameNames, VideoFiles, VideoTable
from vidkit.errors import AnnotationError

_EXPORTED = ("png", "PNG", "jpg", "jpeg")  # suffixes of the frames that CVAT writes beside the file


@dataclass
class _Boxes:
    """The boxes of one task as the file lists them; their rows are the frames' numbers as written."""

    boxes: DrawnBoxes
    tracks: set[int] = field(default_factory=set)
    counts: Counter[str] = field(default_factory=Counter)


def looks_like(path: Path) -> bool:
    """Whether this is such a file, or a folder with one, by its first bytes."""
    start = head(file_in(path, FILE), 1 << 20)
    return re.search(rb"<annotations>\s*<(version|meta|track)\b", start) is not None and b"<image " not in start


def read_cvat_video(path: Path, frames: Path | None = None, classes: Sequence[ObjectClass] | None = None) -> Source:
    """The videos of the CVAT file at `path` (or in that folder), one for each task or job, with all their frames.

    `frames` is the folder of the video files, or of the frames as CVAT exports them; the file's own by default. With
    `classes`, boxes of other labels are left out and counted; else the classes are the file's labels, in its order.
    Raises AnnotationError, naming file, track and frame, for whatever is malformed.
    """
    path = file_in(path, FILE)
    rows = ClassRows(str(path), classes)
    of_task: defaultdict[str, _Boxes] = defaultdict(lambda: _Boxes(DrawnBoxes(str(path))))
    tasks = read_tasks(path, "track", rows, lambda track, key: _add_track(path, track, rows, of_task[key]))
    drawn = [(task, of_task[task.key].boxes.columns()) for task in tasks]
    lists_all = any(keys.generated.any() for _, keys in drawn)
    root = frames or path.parent
    videos = bounded(
        str(path), (_video(path, task, keys, lists_all, root, of_task[task.key].counts) for task, keys in drawn)
    )
    check_names(str(path), videos)
    return Source(rows.chosen().classes, videos, root)


def _add_track(path: Path, element: ET.Element, rows: ClassRows, into: _Boxes) -> None:
    place = f"{path}: track {in_part(element.get('id'))}"
    track, label = whole(place, "id", element.get("id", str(len(into.tracks)))), element.get("label", "")
    if track in into.tracks or not is_text(label):
        raise AnnotationError(f"{place}, label {in_part(label)}; wanted a label, and an id that comes once")
    into.tracks.add(track)
    class_id, attributes = rows.row(label), NO_ATTRIBUTES
    for shape in element:
        frame = whole(place, "frame", shape.get("frame", ""))
        told = add_box(into.boxes, f"{place}: frame {frame}", shape, frame, class_id, track, attributes)
        into.counts[NOT_BOXES] += told is None and shape.get("outside") != "1"
        attributes = attributes if told is None else told


def _video(
    path: Path, task: CvatTask, keys: Drawn, lists_all: bool, root: Path, counts: Mapping[str, int]
) -> VideoTable:
    """The video of one task, with boxes in all of its frames."""
    shown, from_first = keys.kind == KEPT, keys.row - task.offset - task.first
    rows = -(-from_first // task.step)
    length = task.length or int(rows[shown].max(initial=-1)) + 1
    wrong = shown & ((rows < 0) | (rows >= min(length, MAX_FRAMES)) | (from_first % task.step != 0))
    if wrong.any():
        first, start = int(np.argmax(wrong)), task.first + task.offset
        found = f"track {keys.track[first]}: frame {keys.row[first]}"
        told = f"task {task.name!r} has frames {start} to {start + task.step * (length - 1)}, each {task.step}"
        raise AnnotationError(f"{path}: {found}, but {told}")
    keys = replace(keys, row=rows)
    # CVAT writes a box without a track as a track with an end in the next frame, but before the last frame without one.
    tracks, often = np.unique(keys.track, return_counts=True)
    alone = np.isin(keys.track, tracks[often == 1]) & (keys.row == length - 2)
    drawn = upright(between_keys(str(path), keys, shown & ~alone & (not lists_all), shown, length))
    numbers = task.numbers(length)
    written = [number + task.offset for number in numbers]
    return table(
        str(path),
        task.name,
        Frames(np.array(numbers), FrameNames(number=tuple(written)), _files(root, task, written), task.size, counts),
        drawn,
    )


def _files(root: Path, task: CvatTask, written: Sequence[int]) -> VideoFiles:
    """Where the frames are: the video file, or the frames as CVAT exports them."""
    film = task.source if task.source.lower().endswith(VIDEO_SUFFIXES) else ""
    if not (film and is_plain(root / film)) and written:
        for folder in ("images", f"images/{task.subset}", "."):
            for suffix in _EXPORTED:
                if is_plain(root / folder / f"frame_{written[0]:06d}.{suffix}"):
                    return VideoFiles(FOLDER, folder, name=tuple(f"frame_{n:06d}.{suffix}" for n in written))
    return VideoFiles(VIDEO, film) if film else VideoFiles()
