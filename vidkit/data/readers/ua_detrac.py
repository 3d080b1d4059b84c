"""UA-DETRAC XML → records: `MVI_20011.xml` for each sequence, images `MVI_20011/img00001.jpg`.

A sequence has frames counted from 1, each with targets: an id, a box (left, top, width, height), the type of vehicle
and, where it is occluded, by which region. `ignored_region` holds boxes in which nothing counts, in all of its frames.
"""

import re
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from vidkit.boxes import from_xywh
from vidkit.classes import ObjectClass
from vidkit.data.readers.annotation_files import annotation_files, first_file
from vidkit.data.readers.chosen_classes import ChosenClasses, choose_classes, named_classes
from vidkit.data.readers.found_boxes import FoundBoxes, video_table
from vidkit.data.readers.json_fields import in_part, is_text
from vidkit.data.readers.looking import head
from vidkit.data.readers.numbered_images import MAX_FRAMES, numbered_frames, numbered_images
from vidkit.data.readers.source import Source
from vidkit.data.readers.xml_elements import elements_of
from vidkit.data.records import VideoTable
from vidkit.errors import AnnotationError

UA_DETRAC_TYPES = ("car", "van", "bus", "others")
"""The types of the training set; those of the test set's files, such as Sedan, come after them, by name."""
MAX_REGIONS = 10_000_000  # of a sequence, each counted in each frame
_PATTERNS = ("*.xml", "*XML/*.xml")
_IMAGES = ("{}", "Insight-MVT_Annotation_Train/{}", "Insight-MVT_Annotation_Test/{}", "images/{}")


class _DetracTarget(NamedTuple):
    frame: int  # from 1
    track: int
    type_: str
    xywh: tuple[float, ...]
    occluded: bool
    truncation: float


class _DetracFile(NamedTuple):
    file: Path
    targets: list[_DetracTarget]
    regions: list[tuple[float, ...]]  # x, y, width, height
    last: int  # frame


def read_ua_detrac(path: Path, frames: Path | None = None, classes: Sequence[ObjectClass] | None = None) -> Source:
    """The sequences at `path`: a folder of XML files, or one file; each is called as its file is.

    `frames` is the folder of SEQ, Insight-MVT_Annotation_Train/SEQ, …_Test/SEQ or images/SEQ with the images, by
    default the one above the XML files. With `classes`, boxes of other types are left out and counted. All frames are
    in it, up to the last in the file or image. Raises AnnotationError, naming file, frame and target, if it is wrong.
    """
    contents = [_read(file) for file in annotation_files(path, _PATTERNS, "UA-DETRAC's SEQUENCE.xml")]
    found = {target.type_ for content in contents for target in content.targets} - set(UA_DETRAC_TYPES)
    known = {c.name: c for c in named_classes((*UA_DETRAC_TYPES, *sorted(found)))}
    chosen = choose_classes(str(path), known, classes)
    root = frames or contents[0].file.parent.parent
    return Source(chosen.classes, tuple(_sequence(content, root, chosen) for content in contents), root)


def looks_like(path: Path) -> bool:
    """Whether `path` seems to be read by `read_ua_detrac`: XML with a <sequence>."""
    return re.match(rb"(<\?xml[^>]*>)?\s*<sequence[\s>]", head(first_file(path, _PATTERNS) or path)) is not None


def _read(file: Path) -> _DetracFile:
    frames: dict[int, list[_DetracTarget]] = {}
    regions: list[tuple[float, ...]] = []
    for element in elements_of(file, "sequence"):
        if element.tag == "ignored_region":
            regions += [_box(f"{file}: ignored_region", box) for box in element]
        elif element.tag == "frame":
            number = _whole(str(file), element, "num", 1)
            if number in frames:
                raise AnnotationError(f"{file}: frame {number} stands twice")
            frames[number] = _targets(f"{file}: frame {number}", element, number)
    return _DetracFile(file, [t for targets in frames.values() for t in targets], regions, max(frames, default=0))


def _targets(place: str, frame: ET.Element, number: int) -> list[_DetracTarget]:
    lists = [_children(place, element, "target") for element in _children(place, frame, "target_list")]
    return [_target(place, element, number) for targets in lists for element in targets]


def _target(place: str, target: ET.Element, number: int) -> _DetracTarget:
    place = f"{place}: target {target.get('id', '')[:20]!r}"
    attribute = target.find("attribute")
    if attribute is None or not is_text(type_ := attribute.get("vehicle_type", "")):
        raise AnnotationError(f"{place}: wanted <attribute vehicle_type=…> with the name of a type")
    return _DetracTarget(
        number,
        _whole(place, target, "id", 0),
        type_,
        _box(place, target.find("box")),
        target.find("occlusion") is not None,
        _number(place, attribute, "truncation_ratio", "nan"),
    )


def _children(place: str, element: ET.Element, tag: str) -> ET.Element:
    for child in element:
        if child.tag != tag:
            raise AnnotationError(f"{place}: <{child.tag[:60]}> in <{element.tag}>, wanted <{tag}>")
    return element


def _box(place: str, element: ET.Element | None) -> tuple[float, ...]:
    if element is None or element.tag != "box":
        raise AnnotationError(f"{place}: no <box left= top= width= height=>")
    return tuple(_number(place, element, name) for name in ("left", "top", "width", "height"))


def _number(place: str, element: ET.Element, name: str, default: str = "") -> float:
    try:
        return float(element.get(name, default))
    except ValueError:
        raise AnnotationError(f"{place}: {name} {in_part(element.get(name))}, wanted a number") from None


def _whole(place: str, element: ET.Element, name: str, low: int) -> int:
    text = element.get(name, "")
    if not (text.isascii() and text.isdecimal() and len(text) <= 7) or not low <= int(text) <= MAX_FRAMES:
        raise AnnotationError(f"{place}: {name} {in_part(text)}, wanted a whole number from {low} to {MAX_FRAMES}")
    return int(text)


def _sequence(content: _DetracFile, root: Path, chosen: ChosenClasses) -> VideoTable:
    file, targets = content.file, content.targets
    frames = numbered_frames(1, content.last, numbered_images(root, [below.format(file.stem) for below in _IMAGES]))
    f, r = len(frames.number), len(content.regions)
    if f * r > MAX_REGIONS:
        raise AnnotationError(f"{file}: {r} ignored regions in {f} frames, wanted at most {MAX_REGIONS} in all")
    found = FoundBoxes(
        place=lambda row: f"{file}: frame {targets[row].frame}: target {targets[row].track}",
        frame=np.array([t.frame - 1 for t in targets], np.int64),
        box=from_xywh(np.array([t.xywh for t in targets], np.float64).reshape(-1, 4)),
        class_id=np.array([chosen.row[t.type_] for t in targets], np.int64),
        track=np.array([t.track for t in targets], np.int64),
        occluded=np.array([t.occluded for t in targets], np.bool_),
        attributes={"truncation": np.array([t.truncation for t in targets], np.float64)},
    )
    everywhere = np.repeat(np.arange(f), r), np.tile(from_xywh(np.array(content.regions).reshape(-1, 4)), (f, 1))
    return video_table(file.stem, frames, found.with_regions(lambda _: f"{file}: ignored_region", *everywhere))
