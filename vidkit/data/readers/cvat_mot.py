"""CVAT's export "MOT 1.1" → records: `TASK/gt/gt.txt` with `labels.txt` beside it, and images in `TASK/img1`.

A row is frame, track, left, top, width, height, not ignored, class, visibility. Unlike in MOTChallenge, pixels count
from 0, and the class is the number of its line in labels.txt. Frame n, from 1, is the n-th image, whatever its name.
Rows whose "not ignored" is 0 are objects that needn't be found.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vidkit.boxes import from_xywh
from vidkit.classes import ObjectClass
from vidkit.data.index import FOLDER
from vidkit.data.readers.chosen_classes import ClassRows
from vidkit.data.readers.found_boxes import FoundBoxes, Frames, video_table
from vidkit.data.readers.image_videos import images_in, size_of
from vidkit.data.readers.json_fields import in_part, is_text
from vidkit.data.readers.looking import is_plain, names_in
from vidkit.data.readers.mot_rows import check_tracks
from vidkit.data.readers.number_rows import NumberRows, read_rows
from vidkit.data.readers.numbered_images import MAX_FRAMES
from vidkit.data.readers.source import Source, check_names
from vidkit.data.readers.text_lines import read_lines
from vidkit.data.records import FrameNames, VideoFiles, VideoTable
from vidkit.errors import AnnotationError

NO_LABEL = "boxes without a label left out"
_COLUMNS = "frame, track, left, top, width, height, not ignored, class, visibility"


def looks_like(path: Path) -> bool:
    """Whether this is such a task, or a folder of them, by the names of files."""
    return bool(_tasks(path))


def read_cvat_mot(path: Path, frames: Path | None = None, classes: Sequence[ObjectClass] | None = None) -> Source:
    """The tasks at `path`, which is one task or a folder of them; the classes are those of all labels.txt.

    `frames` is a folder of images for a single task, of folders called as the tasks for several; by default each task's
    `img1`. Where there are images, all of them are frames; else the frames go to the last one with a box. With
    `classes`, boxes of other labels are left out and counted. Raises AnnotationError, naming file and line, for
    whatever is malformed.
    """
    tasks = _tasks(path)
    if not tasks:
        raise AnnotationError(f"{path}: no gt/gt.txt with gt/labels.txt, neither in it nor in its folders")
    rows = ClassRows(str(path), classes)
    root = frames or path.parent
    videos = []
    ids: dict[str, str] = {}
    for task in tasks:
        labels = _labels(task / "gt" / "labels.txt")
        ids |= {label: str(number) for number, label in enumerate(labels, start=1)}
        below = ("." if len(tasks) == 1 else task.name) if frames else (task / "img1").relative_to(root).as_posix()
        videos.append(_video(task, root, below, rows.rows(labels)))
    check_names(str(path), tuple(videos))
    chosen = rows.chosen(ids)
    return Source(chosen.classes, tuple(videos), root, class_ids=chosen.ids)


def _tasks(path: Path) -> list[Path]:
    folders = [path, *(path / name for name in names_in(path))]
    found = [f for f in folders if is_plain(f / "gt" / "gt.txt") and is_plain(f / "gt" / "labels.txt")]
    return found[:1] if found[:1] == [path] else found


def _labels(path: Path) -> list[str]:
    labels = [line.strip() for line in read_lines(path)]
    while labels and not labels[-1]:
        labels.pop()
    for number, label in enumerate(labels, start=1):
        if not is_text(label) or label in labels[: number - 1]:
            raise AnnotationError(f"{path}: line {number}: {in_part(label)}, wanted a label that comes once")
    return labels


def _video(task: Path, root: Path, below: str, class_of: NDArray[np.int64]) -> VideoTable:
    rows = read_rows(task / "gt" / "gt.txt", (8, 9, 10), _COLUMNS)
    last = int(rows.whole(0, "frame", 1, MAX_FRAMES).max(initial=0))
    label = rows.whole(7, "class", -1, len(class_of))
    images = images_in(root / below)
    if images and last > len(images):
        raise AnnotationError(f"{rows.path}: frame {last}, but {root / below} has {len(images)} images")
    length = len(images) or last
    frames = Frames(
        number=np.arange(length),
        called=FrameNames(
            path=tuple(f"{below}/{name}".removeprefix("./") for name in images) if images else None,
            number=tuple(range(1, length + 1)),
        ),
        files=VideoFiles(FOLDER, below, name=tuple(images)) if images else VideoFiles(),
        size=size_of(root / below / images[0]) if images else (0, 0),
        counts={NO_LABEL: int((label < 1).sum())},
    )
    labelled = replace(rows, value=rows.value[label > 0], line=rows.line[label > 0])
    return video_table(task.resolve().name, frames, _found(labelled, class_of[label[label > 0] - 1]))


def _found(rows: NumberRows, class_id: NDArray[np.int64]) -> FoundBoxes:
    seen = rows.value[:, 8] if rows.value.shape[1] > 8 else np.full(len(class_id), -1.0)
    found = FoundBoxes(
        place=rows.place,
        frame=rows.whole(0, "frame", 1) - 1,
        box=from_xywh(rows.value[:, 2:6]),
        class_id=class_id,
        track=rows.whole(1, "track", -1),
        ignored=rows.whole(6, "not ignored", 0, 1) == 0,
        attributes={"visibility": np.where(seen < 0, np.nan, seen)} if (seen >= 0).any() else {},
    )
    check_tracks(rows, found, (class_id >= 0) & (rows.value[:, 6] != 0))
    return found
