"""Both of CVAT's XML forms: the tasks or jobs and the labels in `<meta>`, and which task each track or image is of."""

import re
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from vidkit.data.readers.chosen_classes import ClassRows
from vidkit.data.readers.drawn import MAX_FRAMES
from vidkit.data.readers.json_fields import MOST, in_part, inner_path, is_text
from vidkit.data.readers.source import MAX_PIXELS
from vidkit.data.readers.xml_elements import elements_of
from vidkit.errors import AnnotationError

FILE = "annotations.xml"  # what an export is called in its folder
FORMS = {"track": "CVAT for video", "image": "CVAT for images"}


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
    is_video: bool = False

    def numbers(self, length: int) -> range:
        """The numbers of its frames in the video; `length` of them where the file doesn't tell how many."""
        return range(self.first, self.first + self.step * (self.length or length), self.step)


def read_tasks(path: Path, tag: str, rows: ClassRows, add: Callable[[ET.Element, str], None]) -> list[CvatTask]:
    """The tasks of a CVAT file, with names that differ; without any, one of unknown length, called as the folder.

    Each element called `tag` is given to `add` with the id of its task, and the labels to `rows`, in their order.
    Raises AnnotationError for what isn't CVAT's XML, or has elements of the other of its forms.
    """
    tasks: dict[str, CvatTask] = {}
    for element in elements_of(path, "annotations"):
        if element.tag == "meta":
            tasks |= {task.key: task for task in _tasks_of(path, element)}
            for label in _labels_of(path, element):
                rows.row(label)
        elif element.tag == tag:
            key = next(iter(tasks)) if len(tasks) == 1 else element.get("task_id", "")
            if tasks and key not in tasks:
                told = f"task_id {in_part(key)}, but <meta> tells of {in_part(list(tasks))}"
                raise AnnotationError(f"{path}: {tag} {in_part(element.get('id'))}: {told}")
            add(element, key)
        elif element.tag in FORMS:
            raise AnnotationError(f"{path}: holds <{element.tag}>: this is {FORMS[element.tag]}; wanted {FORMS[tag]}")
    folder = path.resolve().parent.name or path.stem
    named = [replace(task, name=task.name or folder) for task in tasks.values()] or [CvatTask(name=folder)]
    often = Counter(task.name for task in named)
    return [replace(t, name=f"{t.name}_{t.key}") if often[t.name] > 1 else t for t in named]


def _tasks_of(path: Path, meta: ET.Element) -> list[CvatTask]:
    """The tasks of a `<meta>`: a task, a job, or those of a project, which counts frames through a subset's tasks."""
    tasks = [_task(path, element, meta, 0) for element in (*meta.findall("task"), *meta.findall("job"))]
    subset, offset = None, 0
    for element in meta.findall("project/tasks/task"):
        subset, offset = element.findtext("subset"), offset if element.findtext("subset") == subset else 0
        tasks.append(_task(path, element, meta, offset))
        offset = tasks[-1].offset + tasks[-1].first + tasks[-1].step * tasks[-1].length
    return tasks


def _labels_of(path: Path, meta: ET.Element) -> Sequence[str]:
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
        is_video=told("mode") == "interpolation",
    )
    if offset + task.first + task.step * task.length > MOST:
        raise AnnotationError(f"{place}: frames up to number {offset + task.first + task.step * task.length}")
    return task
