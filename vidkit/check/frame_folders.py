"""One snippet or image folder of a tree on disk: its XML files and images, held against each other."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from itertools import pairwise
from pathlib import Path, PurePosixPath
from typing import BinaryIO

import numpy as np
from PIL import Image, UnidentifiedImageError

from vidkit.check.findings import Findings
from vidkit.check.instances import Instances, instance_faults
from vidkit.classes import ObjectClass
from vidkit.data.annotation import BadAnnotation, ObjectTexts, parse_annotation, read_bytes
from vidkit.data.film import MOST_PIXELS
from vidkit.data.frame_names import number_at_end
from vidkit.errors import AnnotationError, did_you_mean

IMAGE_ENDS = {b"\xff\xd8": b"\xff\xd9", b"\x89PNG": b"IEND"}  # of JPEG and PNG, by how they begin
TAIL_BYTES = 4096  # some cameras write a little behind the end of an image
_FILENAME = re.compile(rb"<filename>\s*([^<]*?)\s*</filename>")


class VidClasses:
    """The classes of a video tree: those of a list."""

    def __init__(self, classes: Sequence[ObjectClass]) -> None:
        self._classes = classes
        self._rows = {c.wnid: row for row, c in enumerate(classes)}

    def row(self, wnid: str) -> int:
        """The number of the class that an object's `<name>` tells, -1 if it isn't known."""
        return self._rows.get(wnid, -1)

    def name(self, row: int) -> str:
        """The name of the class with this number."""
        return self._classes[row].name

    def wanted(self, wnid: str) -> str:
        """What should stand in the place of an unknown class."""
        return f"{len(self._rows)} classes are known{did_you_mean(wnid, list(self._rows))}"


class DetClasses:
    """The classes of DET: any wnid, because only 30 of its 200 are VID's."""

    def row(self, wnid: str) -> int:
        """The digits of a wnid as a number, -1 if it isn't one."""
        return int(wnid[1:]) if re.fullmatch(r"n\d{8}", wnid, re.ASCII) else -1

    def name(self, row: int) -> str:
        """The wnid with these digits."""
        return f"n{row:08d}"

    def wanted(self, wnid: str) -> str:
        """What should stand in the place of an unknown class."""
        return "DET's classes are wnids, as n02084071"


@dataclass(frozen=True)
class InTar:
    """The frames of a snippet in a plain tar: offset and size in bytes by stem, "000007" for frame 7."""

    places: Mapping[str, tuple[int, int]]


@dataclass(frozen=True)
class FrameFolder:
    """The files of a snippet (or of a folder of stills) by stem; paths are relative to the root of the tree."""

    annotations: str  # folder
    images: str  # folder
    xml: Mapping[str, str]  # stem → file name
    image: Mapping[str, str]
    numbered: bool  # a video: stems are frame numbers, objects have tracks
    is_paired: bool  # whether its split has both annotations and images
    in_tar: InTar | None = None


@dataclass(frozen=True)
class FolderCounts:
    """What was read: annotated frames, those among them without objects, boxes, boxes of each class."""

    frames: int
    empty_frames: int
    boxes: int
    boxes_of_class: Mapping[int, int]


@dataclass(frozen=True)
class _Object:
    place: str
    row: int  # frame, as a rank
    class_id: int
    track: int
    box: tuple[float, float, float, float]  # inclusive corners, as in the file


def check_folder(
    root: Path, folder: FrameFolder, classes: VidClasses | DetClasses, decode: bool, findings: Findings
) -> FolderCounts:
    """What the folder holds; its faults are added to `findings`. With `decode` images are decoded wholly."""
    _check_pairs(folder, findings)
    objects: list[_Object] = []
    rows_size: list[tuple[int, int]] = []
    stated: list[tuple[str, tuple[int, int]]] = []
    frames = empty = 0
    for row, stem in enumerate(sorted(folder.xml.keys() | folder.image.keys())):
        size = _image_size(root, folder, stem, decode, findings)
        found = _annotation(root, folder, stem, row, classes, findings)
        if found is not None:
            frames += 1
            empty += not found.objects
            objects += found.objects
            if size is not None and 0 not in found.size and found.size != size:
                findings.add("size-differs-from-image", found.place, f"{_by(found.size)}, its image is {_by(size)}")
            elif 0 not in found.size:
                stated.append((found.place, found.size))
        # Where the two differ that is told already: only what is outside both is told as outside, too.
        told = found.size if found else (0, 0)
        rows_size.append(told if size is None else (max(size[0], told[0]), max(size[1], told[1])))
    if folder.numbered:
        _check_one_size(stated, findings)
    _check_objects(objects, rows_size, classes, folder.numbered, findings)
    return FolderCounts(frames, empty, len(objects), Counter(o.class_id for o in objects))


# -- pairs and numbers -------------------------------------------------------------------------------------------------


def _check_pairs(folder: FrameFolder, findings: Findings) -> None:
    if folder.xml and folder.image:
        for stem in sorted(folder.xml.keys() - folder.image.keys()):
            findings.add(
                "frame-without-image", f"{folder.annotations}/{folder.xml[stem]}", f"no image {folder.images}/{stem}.*"
            )
        if folder.numbered:  # DET has images of no class, without XML
            for stem in sorted(folder.image.keys() - folder.xml.keys()):
                findings.add(
                    "image-without-annotation",
                    f"{folder.images}/{folder.image[stem]}",
                    f"no {stem}.xml in {folder.annotations}",
                )
    elif folder.xml and folder.is_paired and not folder.in_tar:
        findings.add("video-without-images", folder.annotations, f"{len(folder.xml)} XML files, no images")
    elif folder.image and folder.numbered and folder.is_paired:
        findings.add("video-without-annotations", folder.images, f"{len(folder.image)} images, no XML files")
    if folder.numbered:
        _check_numbers(folder, findings)


def _check_numbers(folder: FrameFolder, findings: Findings) -> None:
    place = folder.annotations if folder.xml else folder.images
    stems = sorted(folder.xml.keys() | folder.image.keys())
    odd = [stem for stem in stems if not re.fullmatch(r"\d{6}", stem, re.ASCII)]
    if odd:
        findings.add("frame-name", place, f"{len(odd)} of {len(stems)} frames not named by six digits: {odd[0]!r}")
    numbers = sorted({number for stem in stems if (number := number_at_end(stem)) is not None})
    for before, after in pairwise([-1, *numbers]):
        if after != before + 1:
            missing = f"{before + 1:06d}" if after == before + 2 else f"{before + 1:06d} to {after - 1:06d}"
            findings.add("frame-gap", place, f"frame {missing} missing: neither XML nor image")


# -- images ------------------------------------------------------------------------------------------------------------


def _image_size(root: Path, folder: FrameFolder, stem: str, decode: bool, findings: Findings) -> tuple[int, int] | None:
    """The size of the frame's image; None if there is no image, or, with a finding, if it can't be told."""
    if stem not in folder.image:
        return None
    place = f"{folder.images}: frame {stem}" if folder.in_tar else f"{folder.images}/{folder.image[stem]}"
    try:
        with _opening(root, folder, stem) as file:
            return _read_image(file, decode)
    except _CutOff as error:
        findings.add("image-truncated", place, str(error))
    except Exception as error:  # Pillow raises nearly anything at damaged files
        findings.add("image-unreadable", place, _reason(error))
    return None


def _opening(root: Path, folder: FrameFolder, stem: str) -> BinaryIO:
    if folder.in_tar is None:
        path = Path(f"{root}/{folder.images}/{folder.image[stem]}")
        if not path.is_file():
            raise OSError("not a plain file")
        return path.open("rb")
    offset, size = folder.in_tar.places[stem]
    with (root / folder.images).open("rb") as tar:
        tar.seek(offset)
        return BytesIO(tar.read(size))


class _CutOff(Exception):
    """An image whose end is missing."""


def _read_image(file: BinaryIO, decode: bool) -> tuple[int, int]:
    start = file.read(4)
    length = file.seek(0, 2)
    if length == 0:
        raise OSError("empty file")
    file.seek(max(0, length - TAIL_BYTES))
    end = next((end for magic, end in IMAGE_ENDS.items() if start.startswith(magic)), b"")
    has_end = end in file.read()
    file.seek(0)
    try:
        with Image.open(file, formats=("JPEG", "PNG")) as image:
            if image.width * image.height > MOST_PIXELS:
                raise OSError(f"{image.width}x{image.height} pixels; at most {MOST_PIXELS:,} are decoded")
            if decode or not has_end:  # more may stand behind the end than was looked at: only decoding tells
                image.load()
            return image.size
    except Exception as error:
        raise error if has_end else _CutOff(f"its end is missing after {length} bytes") from None


def _reason(error: Exception) -> str:
    if isinstance(error, UnidentifiedImageError):
        return "not a JPEG or PNG file"
    return (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__


# -- XML ---------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Frame:
    place: str
    size: tuple[int, int]
    objects: Sequence[_Object]


def _annotation(
    root: Path, folder: FrameFolder, stem: str, row: int, classes: VidClasses | DetClasses, findings: Findings
) -> _Frame | None:
    """What the frame's XML says; None, with a finding, if it can't be read, None if there is no XML."""
    if stem not in folder.xml:
        return None
    place = f"{folder.annotations}/{folder.xml[stem]}"
    try:
        data = read_bytes(f"{root}/{place}")
        annotation = parse_annotation(data)
    except AnnotationError as error:
        kind = error.kind if isinstance(error, BadAnnotation) else "field"
        plain = kind != "unreadable" and (root / place).is_file()
        findings.add(f"xml-{kind}" if plain else "unreadable", place, str(error))
        return None
    if 0 in annotation.size:
        findings.add("xml-field", place, "tells no size of its image")
    stated = _FILENAME.search(data)
    if stated and (name := PurePosixPath(stated[1].decode(errors="replace")).name) and name.split(".")[0] != stem:
        findings.add("xml-filename", place, f"<filename> is {name[:60]!r}")
    objects = [
        _object(f"{place}: object {number}", row, ObjectTexts._make(texts), classes, folder.numbered, findings)
        for number, texts in enumerate(annotation.objects)
    ]
    return _Frame(place, annotation.size, objects)


def _object(
    place: str, row: int, texts: ObjectTexts, classes: VidClasses | DetClasses, numbered: bool, findings: Findings
) -> _Object:
    name = texts.name.decode(errors="replace")
    class_id = classes.row(name)
    if class_id < 0:
        findings.add("unknown-class", place, f"class {name[:60]!r}; {classes.wanted(name)}")
    if texts.trackid is None and numbered:
        findings.add("missing-track", place, "no <trackid>")
    return _Object(
        place,
        row,
        class_id,
        track=-1 if texts.trackid is None or not numbered else int(texts.trackid),
        box=(float(texts.xmin), float(texts.ymin), float(texts.xmax), float(texts.ymax)),
    )


# -- sizes and objects -------------------------------------------------------------------------------------------------


def _by(size: tuple[int, int]) -> str:
    return f"{size[0]}x{size[1]}"


def _check_one_size(stated: Sequence[tuple[str, tuple[int, int]]], findings: Findings) -> None:
    for (_, before), (place, size) in pairwise(stated):
        if size != before:
            findings.add("size-changes", place, f"{_by(size)}, the frame before has {_by(before)}")


def _check_objects(
    objects: Sequence[_Object],
    sizes: Sequence[tuple[int, int]],
    classes: VidClasses | DetClasses,
    tracked: bool,
    findings: Findings,
) -> None:
    n = len(objects)
    rows = np.array([o.row for o in objects], np.int64)
    instances = Instances(
        video=np.zeros(n, np.int64),
        frame=rows,
        box=np.array([o.box for o in objects], np.float64).reshape(-1, 4),
        class_id=np.array([o.class_id for o in objects], np.int64),
        track_id=np.array([o.track for o in objects], np.int64),
        size=np.array(sizes, np.int64).reshape(-1, 2)[rows].reshape(-1, 2),
    )
    # In ImageNet's files coordinates count from 0, and still xmax may equal the width: no finding.
    for kind, row, found in instance_faults(instances, classes.name, slack=0):
        findings.add(kind, objects[row].place, found)
