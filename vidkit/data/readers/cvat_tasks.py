"""What both of CVAT's XML forms share: tasks or jobs and labels in `<meta>`, and the shapes of boxes."""

from __future__ import annotations

import math
import re
import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from vidkit.data.readers.drawn import KEPT, MAX_FRAMES, NO_ATTRIBUTES, DrawnBoxes
from vidkit.data.readers.json_fields import MOST, in_part, inner_path, is_text, numeric
from vidkit.data.readers.upright import around
from vidkit.data.source import MAX_PIXELS
from vidkit.errors import AnnotationError

ROOT = "annotations"
OUTSIDE = 3
"""The kind of a box that isn't there: it ends a track, or a part of it."""
_FLAG = {"0": False, "1": True}


@dataclass(frozen=True)
class CvatTask:
    """One task or job: which frames of its video it shows."""

    key: str = ""  # its id; "" where the file tells of no task
    name: str = ""
    first: int = 0  # number of its first frame in the video
    step: int = 1
    length: int = 0  # 0: not told
    offset: int = 0  # by which numbers in the file are larger: a project counts through the tasks of a subset
    size: tuple[int, int] = (0, 0)
    source: str = ""  # the video file
    subset: str = ""
    is_video: bool = True

    def numbers(self, length: int) -> range:
        """The numbers of its frames in the video; `length` of them where the file doesn't tell how many."""
        return range(self.first, self.first + self.step * (self.length or length), self.step)


def tasks_of(path: Path, meta: ET.Element) -> list[CvatTask]:
    """The tasks of a `<meta>`: a task, a job, or those of a project, which counts frames through a subset's tasks."""
    tasks = [_task(path, element, meta, 0) for element in (*meta.findall("task"), *meta.findall("job"))]
    subset, offset = None, 0
    for element in meta.findall("project/tasks/task"):
        subset, offset = element.findtext("subset"), offset if element.findtext("subset") == subset else 0
        tasks.append(_task(path, element, meta, offset))
        offset = tasks[-1].offset + tasks[-1].first + tasks[-1].step * tasks[-1].length
    if sum(task.length for task in tasks) > 10 * MAX_FRAMES:
        raise AnnotationError(f"{path}: <meta>: tasks of more than {10 * MAX_FRAMES} frames in all")
    return tasks


def labels_of(path: Path, meta: ET.Element) -> Sequence[str]:
    """The names of the labels, in their order; those of a skeleton's parts are no classes of their own."""
    names = [label.findtext("name", "") for label in meta.iter("label") if label.find("parent") is None]
    for name in names:
        if not is_text(name):
            raise AnnotationError(f"{path}: <meta>: label {in_part(name)}, wanted a name")
    return names


def whole(place: str, name: str, text: str, most: int = MOST) -> int:
    """A whole number of an attribute or element."""
    if not re.fullmatch(r"\d{1,10}", text, re.ASCII) or int(text) > most:
        raise AnnotationError(f"{place}: {name} {in_part(text)}, wanted a whole number from 0 to {most}")
    return int(text)


def add_box(
    into: DrawnBoxes,
    place: str,
    shape: ET.Element,
    row: int,
    class_id: int,
    track: int = -1,
    known: Mapping[str, float] = NO_ATTRIBUTES,
) -> Mapping[str, float] | None:
    """Add the box that an element draws; its attributes, with those `known` before; None where it draws no box."""
    given = shape.attrib
    if shape.tag not in ("box", "polygon"):
        return None
    try:
        if shape.tag == "box":
            corners = float(given["xtl"]), float(given["ytl"]), float(given["xbr"]), float(given["ybr"])
        else:
            corners = around([float(v) for v in re.split("[,;]", given["points"])])
        x1, y1, x2, y2 = corners
        outside, occluded = _FLAG[given.get("outside", "0")], _FLAG[given.get("occluded", "0")]
        generated, angle = not _FLAG[given.get("keyframe", "1")], float(given.get("rotation", 0))
    except (KeyError, ValueError):
        x1 = y1 = x2 = y2 = math.nan
    if not (-MAX_PIXELS <= x1 <= x2 <= MAX_PIXELS and -MAX_PIXELS <= y1 <= y2 <= MAX_PIXELS and abs(angle) <= 1e6):
        wanted = "corners in pixels, outside, occluded and keyframe 0 or 1"
        raise AnnotationError(f"{place}: <{shape.tag}> {in_part(given)}; wanted {wanted}")
    if len(shape):
        known = {**known, **numeric({a.get("name", ""): (a.text or "").strip() for a in shape})}
    into.add(row, class_id, corners, track, occluded, generated, OUTSIDE if outside else KEPT, angle, known)
    return known


def _task(path: Path, element: ET.Element, meta: ET.Element, offset: int) -> CvatTask:
    place = f"{path}: <meta>: <{element.tag}> {in_part(element.findtext('id', ''))}"

    def told(tag: str) -> str:
        text = (element.findtext(tag) or meta.findtext(tag) or "").strip()
        if text and not is_text(text):
            raise AnnotationError(f"{place}: {tag} {in_part(text)}, wanted a text of one line")
        return text

    def number(tag: str, most: int) -> int:
        return whole(place, tag, told(tag) or "0", most)

    step = re.search(r"step\s*=\s*0*([1-9]\d{0,6})", told("frame_filter"), re.ASCII)
    task = CvatTask(
        key=told("id"),
        name=told("name") or (f"{element.tag}_{told('id')}" if told("id") else ""),
        first=number("start_frame", MOST),
        step=int(step[1]) if step else 1,
        length=number("size", MAX_FRAMES),
        offset=offset,
        size=(number("original_size/width", MAX_PIXELS), number("original_size/height", MAX_PIXELS)),
        source=inner_path(f"{place}: source", told("source")) if told("source") else "",
        subset=inner_path(f"{place}: subset", told("subset")) if told("subset") else "",
        is_video=told("mode") != "annotation",
    )
    if offset + task.first + task.step * task.length > MOST:
        raise AnnotationError(f"{place}: frames up to number {offset + task.first + task.step * task.length}")
    return task
