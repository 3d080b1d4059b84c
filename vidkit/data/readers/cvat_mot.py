"""CVAT's export "MOT 1.1" → records: `TASK/gt/gt.txt` with `labels.txt` beside it, and images in `TASK/img1`.

A row is frame, track, left, top, width, height, not ignored, class, visibility. Unlike in MOTChallenge, pixels count
from 0, and the class is the number of its line in labels.txt. Frame n, from 1, is the n-th image, whatever its name.
Rows whose "not ignored" is 0 are objects that needn't be found.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from vidkit.classes import ObjectClass
from vidkit.data.index import FOLDER
from vidkit.data.readers.class_rows import ClassRows
from vidkit.data.readers.drawn import KEPT, MAX_FRAMES, NOT_COUNTED, DrawnBoxes
from vidkit.data.readers.drawn_table import table
from vidkit.data.readers.image_videos import images_in, size_of
from vidkit.data.readers.json_fields import MOST, in_part, is_text
from vidkit.data.readers.looking import is_plain, names_in
from vidkit.data.readers.source import MAX_PIXELS, Source, check_names
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
        videos.append(_video(task, root, below, {n: rows.row(label) for n, label in enumerate(labels, start=1)}))
    check_names(str(path), tuple(videos))
    return Source(rows.classes, tuple(videos), root, class_ids=rows.ids(ids))


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


def _video(task: Path, root: Path, below: str, class_of: Mapping[int, int]) -> VideoTable:
    path = task / "gt" / "gt.txt"
    boxes, counts, last = DrawnBoxes(str(path)), Counter[str](), 0
    for number, line in enumerate(read_lines(path), start=1):
        if line.strip():
            last = max(last, _add_row(f"{path}: line {number}", line, class_of, boxes, counts))
    images = images_in(root / below)
    if images and last > len(images):
        raise AnnotationError(f"{path}: frame {last}, but {root / below} has {len(images)} images")
    length = len(images) or last
    return table(
        str(path),
        task.resolve().name,
        range(length),
        boxes.columns(),
        size=size_of(root / below / images[0]) if images else (0, 0),
        files=VideoFiles(FOLDER, below, name=tuple(images)) if images else None,
        called=FrameNames(
            path=tuple(f"{below}/{name}".removeprefix("./") for name in images) if images else None,
            number=tuple(range(1, length + 1)),
        ),
        counts=counts,
    )


def _add_row(place: str, line: str, class_of: Mapping[int, int], boxes: DrawnBoxes, counts: Counter[str]) -> int:
    """Add the box of a row; the number of its frame, from 1."""
    texts = line.split(",")
    try:
        frame, track, left, top, width, height, flag, label, *rest = map(float, texts)
    except ValueError:
        raise AnnotationError(f"{place}: {in_part(line)}; wanted numbers: {_COLUMNS}") from None
    if len(rest) > 2 or not all(abs(v) < MOST for v in rest):
        raise AnnotationError(f"{place}: {len(texts)} columns; wanted {_COLUMNS}")
    for name, value, low, high in (
        ("frame", frame, 1, MAX_FRAMES),
        ("track", track, -1, MOST),
        ("class", label, -1, len(class_of)),
        ("not ignored", flag, 0, 1),
    ):
        if not low <= value <= high or value != int(value):
            raise AnnotationError(f"{place}: {name} {value:g}, wanted a whole number from {low} to {high}")
    if not (
        abs(left) <= MAX_PIXELS and abs(top) <= MAX_PIXELS and 0 <= width <= MAX_PIXELS and 0 <= height <= MAX_PIXELS
    ):
        raise AnnotationError(f"{place}: box {in_part(texts[2:6])}; wanted left, top, width, height in pixels")
    if label < 1:
        counts[NO_LABEL] += 1
    else:
        kind, seen = KEPT if flag else NOT_COUNTED, {"visibility": rest[0]} if rest and rest[0] >= 0 else {}
        corners = (left, top, left + width, top + height)
        boxes.add(int(frame) - 1, class_of[int(label)], corners, int(track), kind=kind, attributes=seen)
    return int(frame)
