"""Label Studio's JSON (and JSON_MIN) of video tasks: `videorectangle` regions with a sequence of key frames → records.

Frames count from 1; x, y, width, height are shares of the picture in percent, so its size is taken from the film. A key
frame that is `enabled` is carried linearly to the next one, or to the end; one that isn't is shown in its own frame and
ends there, as in Label Studio. A turned box turns about its upper left corner.
"""

import math
import re
from array import array
from collections import Counter
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from urllib.parse import unquote

import numpy as np

from vidkit.classes import ObjectClass
from vidkit.data.film import VIDEO_SUFFIXES, film_facts
from vidkit.data.index import VIDEO
from vidkit.data.readers.chosen_classes import ClassRows
from vidkit.data.readers.drawn import MAX_FRAMES, DrawnBoxes
from vidkit.data.readers.drawn_table import bounded, table
from vidkit.data.readers.found_boxes import Frames
from vidkit.data.readers.json_fields import JsonFields, in_part, inner_path, is_text, read_json
from vidkit.data.readers.key_frames import between_keys
from vidkit.data.readers.looking import head, is_plain, only_file
from vidkit.data.readers.source import Source, check_names
from vidkit.data.readers.upright import upright
from vidkit.data.records import FrameNames, LeftOut, VideoFiles, VideoTable
from vidkit.errors import AnnotationError

NO_LABEL, MANY_LABELS = "regions without a label left out", "regions with several labels, of which the first was taken"
OTHERS = "annotations of a task beside the first, left out"
NOTHING = "no region of a video is annotated"
MAX_BYTES = 1 << 29
_HASH = re.compile(r"[0-9a-f]{8}-(?=.)")  # which Label Studio puts before the name of an uploaded file


def looks_like(path: Path) -> bool:
    """Whether this is such a file, or a folder with one such JSON file, by its first bytes."""
    start = head(only_file(path, "*.json"))
    return start.startswith(b"[") and b'"sequence"' in start and b'"enabled"' in start


def read_label_studio(
    path: Path,
    frames: Path | None = None,
    classes: Sequence[ObjectClass] | None = None,
    size: tuple[int, int] | None = None,
) -> Source:
    """The videos of the tasks in the file at `path`, or in the one of that folder, with all their frames.

    Of several annotations of a task the first is taken. `frames` is the folder of the films, the file's own by default.
    `size` is (width, height) of films that aren't there. With `classes`, boxes of other labels are left out and
    counted; else the classes are the labels in the order in which they appear. Tasks without a region of a video are
    told as left out. Raises AnnotationError, naming file, task and region, for whatever is malformed, and where the
    size of a film isn't known.
    """
    path = only_file(path, "*.json")
    content, root = read_json(path, MAX_BYTES), frames or path.parent
    if not isinstance(content, list):
        raise AnnotationError(f"{path}: {in_part(content)}, wanted a list of Label Studio's tasks")
    rows = ClassRows(str(path), classes)
    tasks = [JsonFields(f"{path}: task {number}", task) for number, task in enumerate(content)]
    regions = [(task, *_regions(task)) for task in tasks]
    left_out = tuple(LeftOut(task.place, NOTHING) for task, found, _ in regions if not found)
    if len(left_out) == len(tasks):
        raise AnnotationError(f"{path}: {len(tasks)} tasks, in none of them a videorectangle with a sequence")
    videos = bounded(
        str(path), (_video(task, found, rows, root, size, others) for task, found, others in regions if found)
    )
    check_names(str(path), videos)
    return Source(rows.chosen().classes, videos, root, left_out)


def _regions(task: JsonFields) -> tuple[list[JsonFields], int]:
    """The regions of a video in a task, and how many annotations there are beside theirs."""
    if "annotations" in task.values:
        done = [a for a in task.objects("annotations") if not a.flag("was_cancelled")]
        results = [result.object("value", optional=True) for a in done[:1] for result in a.objects("result")]
        return [value for value in results if "sequence" in value.values], max(len(done) - 1, 0)
    lists = [(name, value) for name, value in task.values.items() if isinstance(value, list)]
    found = [(f"{task.place}: {name}[{n}]", v) for name, values in lists for n, v in enumerate(values)]
    return [JsonFields(place, v) for place, v in found if isinstance(v, dict) and "sequence" in v], 0


def _video(
    task: JsonFields, regions: list[JsonFields], rows: ClassRows, root: Path, size: tuple[int, int] | None, others: int
) -> VideoTable:
    film = _film(task, root)
    if size is None and not is_plain(root / film):
        found = f"{film} isn't in {root}, and boxes are in percent of a picture whose size isn't told"
        raise AnnotationError(f"{task.place}: {found}; say where the film is with --frames DIR, or its --size WxH")
    width, height = film_facts(root / film).size if is_plain(root / film) else size or (0, 0)
    keys, goes_on, counts = DrawnBoxes(task.place), array("b"), Counter({OTHERS: others})
    length = 0
    for track, region in enumerate(regions):
        if region.number("framesCount", 0) < 0:
            raise region.wrong("framesCount", "how many frames the film has")
        length = max(length, math.ceil(region.number("framesCount", 0)))
        labels = region.items("labels", optional=True)
        counts[NO_LABEL] += not labels
        counts[MANY_LABELS] += len(labels) > 1
        if labels and not is_text(labels[0]):
            raise region.wrong("labels", "names")
        for key in region.objects("sequence") if labels else ():
            frame = key.whole("frame", most=MAX_FRAMES)
            x, y, w, h = (key.number(side) / 100 for side in ("x", "y", "width", "height"))
            if frame < 1 or w < 0 or h < 0 or max(abs(x), abs(y), w, h) > 10:
                raise AnnotationError(
                    f"{key.place}: {in_part(key.values)}; wanted a frame from 1, and a box in percent"
                )
            corners = x * width, y * height, (x + w) * width, (y + h) * height
            angle = key.number("rotation", 0)
            keys.add(frame - 1, rows.row(labels[0]), corners, track, generated=key.flag("auto"), angle=angle)
            goes_on.append(key.values.get("enabled") is None or key.flag("enabled"))
            length = max(length, frame)
    if length > MAX_FRAMES:
        raise AnnotationError(f"{task.place}: {length} frames, at most {MAX_FRAMES} are read")
    drawn, on = keys.columns(), np.array(goes_on, np.bool_)
    return table(
        task.place,
        PurePosixPath(film).stem,
        Frames(
            number=np.arange(length),
            called=FrameNames(number=tuple(range(1, length + 1))),
            files=VideoFiles(VIDEO, film),
            size=(width, height),
            counts=counts,
        ),
        upright(between_keys(task.place, drawn, on, np.ones_like(on), length), about_corner=True),
    )


def _film(task: JsonFields, root: Path) -> str:
    """The name of the task's video file, without what Label Studio put before it unless it is called so on the disk."""
    data = task.object("data") if "data" in task.values else task
    texts = [value for value in data.values.values() if isinstance(value, str)]
    paths = [unquote(text.rpartition("?d=")[2].partition("?")[0]).replace("\\", "/") for text in texts]
    names = [path.rpartition("/")[2] for path in paths if path.lower().endswith(VIDEO_SUFFIXES)]
    if not names:
        raise AnnotationError(f"{task.place}: {in_part(data.values)}; wanted the address of a video file")
    name = inner_path(task.place, names[0])
    return name if is_plain(root / name) else _HASH.sub("", name, count=1)
