"""One video of VID, or one still image of DET, as records.

A frame is an XML file; where a split has no annotations at all (VID test) the images are the frames.
"""

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vidkit.boxes import from_inclusive
from vidkit.data.annotation import Annotation, Text, parse_annotation, read_bytes
from vidkit.data.ilsvrc.frame_files import checked_size, compared_size, find_images_of, numbered_files
from vidkit.data.ilsvrc.layout import IMAGE_SUFFIXES, XML_SUFFIXES, Split
from vidkit.data.ilsvrc.sidecar import read_attributes
from vidkit.data.index import IMAGE
from vidkit.data.noticed import (
    INVERTED,
    NO_IMAGE,
    NO_SIZE,
    NO_TRACK,
    NO_XML,
    OTHER_CLASSES,
    SIZES_DIFFER,
    SUBCATEGORY,
    Notes,
)
from vidkit.data.records import LeftOut, VideoFiles, VideoTable
from vidkit.data.tar import Members
from vidkit.errors import AnnotationError


@dataclass(frozen=True)
class ReadingRules:
    """How to read: the classes, and what to do with what doesn't fit. Made once, sent to each process."""

    class_ids: Mapping[bytes, int]  # wnid → row of the class list
    other_classes_allowed: bool  # left out and counted; otherwise an error
    skip_errors: bool = False  # list malformed files instead of raising
    check_images: bool = False  # read the header of every image; otherwise of the first of each VID video


def read_video(
    split: Split,
    name: str,
    rules: ReadingRules,
    frames: Sequence[int] | None = None,
    length: int | None = None,
    in_tar: tuple[Path, Members] | None = None,
) -> VideoTable:
    """One video of a VID split; with `frames` only the frames of these numbers.

    `length` is the number of frames that a list says there are; `in_tar` is a tar that holds the frames of many videos,
    and the members of this one.
    Raises AnnotationError for a malformed file, or with `rules.skip_errors` leaves it out and lists it.
    """
    notes = Notes(rules.skip_errors)
    where = split.annotations / name
    xml = numbered_files(where, XML_SUFFIXES, notes) if split.is_annotated else {}
    images = find_images_of(split, name, in_tar, notes)
    there = xml if split.is_annotated else images.names
    if length is not None and len(there) != length:
        notes.leave_out(str(where), f"has {len(there)} frames, the list says {length}")
    if frames is None:
        numbers = sorted(there)
        notes.count(NO_XML, len(images.names.keys() - there.keys()))
    else:
        numbers = sorted(set(frames) & there.keys())
        for missing in sorted(set(frames) - there.keys()):
            notes.leave_out(f"{where}", f"no file of frame {missing}, which the list wants")
    annotations = _read_annotations(where, [xml[n] for n in numbers], notes) if split.is_annotated else {}
    if split.is_annotated:
        numbers = [number for number in numbers if xml[number] in annotations]
        parsed = [annotations[xml[number]] for number in numbers]
    else:
        parsed = [Annotation((0, 0), [])] * len(numbers)
    size = _video_size([a.size for a in parsed], str(where), notes)
    size = checked_size(images, numbers, size, [a.size for a in parsed], rules.check_images, notes)
    number_column = np.array(numbers, np.int32)
    table = _instances([a.objects for a in parsed], rules, notes, lambda row: where / xml[numbers[row]])
    frame_attributes, instance_attributes = read_attributes(
        split.attributes / name, number_column, np.repeat(number_column, table["instance_count"]), table["track_id"]
    )
    return VideoTable(
        name=name,
        frame_number=number_column,
        size=size,
        frame_attributes=frame_attributes,
        files=images.files(numbers, notes),
        counts=notes.counts,
        left_out=tuple(notes.left_out),
        remarks=tuple(notes.remarks),
        **(table | {"instance_attributes": table["instance_attributes"] | instance_attributes}),
    )


def read_image(split: Split, name: str, rules: ReadingRules) -> VideoTable | LeftOut:
    """One still image of a DET split, a video of one frame numbered 0; LeftOut where it can't be read.

    Raises AnnotationError for a malformed file unless `rules.skip_errors`.
    """
    notes = Notes(rules.skip_errors)
    path = split.annotations / f"{name}.xml"
    annotation = Annotation((0, 0), [])
    if split.is_annotated:
        try:
            annotation = parse_annotation(read_bytes(path))
        except AnnotationError as error:
            notes.leave_out(str(path), str(error))
            return notes.left_out[0]
    suffix = next((s for s in IMAGE_SUFFIXES if (split.data / f"{name}{s}").exists()), "")
    image = f"Data/{split.kind}/{split.name}/{name}{suffix}"
    size = annotation.size
    if not suffix:
        notes.count(NO_IMAGE, 1 if split.data.is_dir() else 0)
    elif rules.check_images or not split.is_annotated:
        size = compared_size(split.root / image, size, notes)
    if split.is_annotated and not all(annotation.size):
        notes.count(NO_SIZE, 1)
    return VideoTable(
        name=name,
        frame_number=np.zeros(1, np.int32),
        size=size,
        files=VideoFiles(IMAGE, image) if suffix else VideoFiles(),
        counts=notes.counts,
        remarks=tuple(notes.remarks),
        **_instances([annotation.objects], rules, notes, lambda _row: path),
    )


def _read_annotations(folder: Path, names: Sequence[str], notes: Notes) -> dict[str, Annotation]:
    """The annotations by file name, without those that are left out."""
    annotations = {}
    try:
        opened = os.open(folder, os.O_RDONLY)  # paths relative to the folder are looked up in half the time
    except OSError as error:
        raise AnnotationError(f"{folder}: can't be opened: {error.strerror}") from None
    try:
        for name in names:
            try:
                annotations[name] = parse_annotation(read_bytes(name, opened))
            except AnnotationError as error:
                notes.leave_out(f"{folder}/{name}", str(error))
    finally:
        os.close(opened)
    return annotations


def _video_size(sizes: Sequence[tuple[int, int]], place: str, notes: Notes) -> tuple[int, int]:
    """The size that most frames tell, (0, 0) where none does; those which tell none or another are counted."""
    told = Counter(size for size in sizes if all(size))
    notes.count(NO_SIZE, len(sizes) - told.total())
    if not told:
        return 0, 0
    size = max(told, key=lambda s: (told[s], s))
    if len(told) > 1:
        others = ", ".join(f"{w}×{h} in {n}" for (w, h), n in told.items() if (w, h) != size)
        notes.count(SIZES_DIFFER, told.total() - told[size])
        notes.remarks.append(LeftOut(place, f"{size[0]}×{size[1]} in {told[size]} frames, {others}"))
    return size


class _Columns(NamedTuple):
    trackid: tuple[Text, ...]
    name: tuple[bytes, ...]
    xmax: tuple[bytes, ...]
    xmin: tuple[bytes, ...]
    ymax: tuple[bytes, ...]
    ymin: tuple[bytes, ...]
    occluded: tuple[Text, ...]
    generated: tuple[Text, ...]
    subcategory: tuple[Text, ...]


def _instances(frames: Sequence[list[Any]], rules: ReadingRules, notes: Notes, path: Any) -> dict[str, Any]:
    """The instance columns of a VideoTable; `path(row)` is the XML file of a frame, for errors."""
    frames, class_ids = _of_known_classes(frames, rules, notes, path)
    objects = [texts for frame in frames for texts in frame]
    columns = _Columns(*(zip(*objects, strict=True) if objects else [()] * len(_Columns._fields)))
    corners = [list(map(float, column)) for column in (columns.xmin, columns.ymin, columns.xmax, columns.ymax)]
    box = np.array(corners, np.float64).reshape(4, -1).T
    notes.count(INVERTED, int((box[:, 2:] < box[:, :2]).any(axis=1).sum()))
    notes.count(NO_TRACK, columns.trackid.count(None))
    notes.count(SUBCATEGORY, len(objects) - columns.subcategory.count(None))
    return {
        "instance_count": np.array([len(frame) for frame in frames], np.int32),
        "box": from_inclusive(box),
        "class_id": np.array(class_ids, np.int16),
        "track_id": np.array([-1 if text is None else int(text) for text in columns.trackid], np.int32),
        "occluded": np.array([text == b"1" for text in columns.occluded], np.bool_),
        "generated": np.array([text == b"1" for text in columns.generated], np.bool_),
        "instance_attributes": _subcategories(columns.subcategory),
    }


def _of_known_classes(
    frames: Sequence[list[Any]], rules: ReadingRules, notes: Notes, path: Any
) -> tuple[Sequence[list[Any]], list[int]]:
    """The objects of known classes, a list a frame, and their class ids; others are counted, or refused."""
    ids = rules.class_ids
    try:
        return frames, [ids[texts[1]] for frame in frames for texts in frame]
    except KeyError:
        pass
    if not rules.other_classes_allowed:
        row, place, name = next(
            (row, place, texts[1])
            for row, frame in enumerate(frames)
            for place, texts in enumerate(frame)
            if texts[1] not in ids
        )
        raise AnnotationError(
            f"{path(row)}: object {place}: unknown class {name.decode()!r} ({len(ids)} classes are known); "
            "give a class list with --classes to leave others out"
        )
    kept = [[texts for texts in frame if texts[1] in ids] for frame in frames]
    notes.count(OTHER_CLASSES, sum(map(len, frames)) - sum(map(len, kept)))
    return kept, [ids[texts[1]] for frame in kept for texts in frame]


def _subcategories(texts: Sequence[Text]) -> dict[str, NDArray[Any]]:
    if texts.count(None) == len(texts):
        return {}
    return {"subcategory": np.array([text or b"" for text in texts], np.bytes_)}
