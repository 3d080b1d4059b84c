"""ILSVRC VID and DET on disk → records: the layout of folders, the frames of a video, a still image.

Layout, the same for ILSVRC2015 and ILSVRC2017 (only names of folders differ, and no name is taken for granted):

    ROOT/Annotations/VID/train/ILSVRC2015_VID_train_0000/ILSVRC2015_train_00000000/000000.xml
    ROOT/Annotations/VID/val/ILSVRC2015_val_00000000/000000.xml
    ROOT/Data/VID/…/000000.JPEG                  or Data/VID/val/ILSVRC2015_val_00000000.tar, or nowhere
    ROOT/Annotations/DET/train/…/NAME.xml        a still image: a video of one frame
    ROOT/Attributes/VID/val/…/frames.csv         optional, of made-up data sets (see `vidkit.data.sidecar`)

A frame is an XML file. Images without XML are left out and counted, unless the split has no annotations at all (VID
test): then the images are the frames. Frames without an image are kept. docs/preparing_data.md tells all rules.
"""

from __future__ import annotations

import io
import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vidkit.boxes import from_inclusive
from vidkit.data.annotation import Annotation, Text, parse_annotation, read_bytes
from vidkit.data.index import FOLDER, IMAGE, TAR
from vidkit.data.records import LeftOut, VideoFiles, VideoTable
from vidkit.data.sidecar import read_attributes
from vidkit.data.tar import Members, tar_members
from vidkit.errors import AnnotationError

VID, DET = "VID", "DET"
IMAGE_SUFFIXES = (".JPEG", ".jpeg", ".JPG", ".jpg", ".PNG", ".png")
XML_SUFFIXES = (".xml",)
MAX_DEPTH = 8
_HEADER_BYTES = 1 << 16  # of an image in a tar: enough for its size

# Names of counts, as they stand in the summary.
OTHER_CLASSES = "objects of other classes, left out"
NO_IMAGE = "frames without an image, kept"
NO_XML = "images without annotation, left out"
NO_SIZE = "frames whose XML tells no size"
SIZES_DIFFER = "frames whose XML tells another size than most of their video"
IMAGE_DIFFERS = "images of another size than their XML tells"
IMAGE_BROKEN = "images that can't be read"
INVERTED = "inverted boxes (xmax < xmin or ymax < ymin), kept as they are"
NO_TRACK = "objects without a track id"
SUBCATEGORY = "objects with a subcategory"
OTHER_FILES = "files that are neither XML nor folders, ignored"


@dataclass(frozen=True)
class Split:
    """One split of one tree: where its annotations and images are (either may be absent)."""

    root: Path
    kind: str  # VID or DET
    name: str

    @property
    def annotations(self) -> Path:
        """The folder of the XML files."""
        return self.root / "Annotations" / self.kind / self.name

    @property
    def data(self) -> Path:
        """The folder of the images."""
        return self.root / "Data" / self.kind / self.name

    @property
    def attributes(self) -> Path:
        """The folder of the optional CSV files."""
        return self.root / "Attributes" / self.kind / self.name

    @property
    def is_annotated(self) -> bool:
        """Whether there is a folder of annotations at all; of VID test there is none."""
        return self.annotations.is_dir()


@dataclass(frozen=True)
class Reading:
    """How to read: the classes, and what to do with what doesn't fit. Made once, sent to each process."""

    class_ids: Mapping[bytes, int]  # wnid → row of the class list
    other_classes_allowed: bool  # left out and counted; otherwise an error
    skip_errors: bool = False  # list malformed files instead of raising
    check_images: bool = False  # read the header of every image; otherwise of the first of each VID video


# -- the layout --------------------------------------------------------------------------------------------------------


def find_root(root: Path, kind: str) -> Path:
    """Return the folder that holds `Annotations/kind` or `Data/kind`: `root` or a folder of it named ILSVRC…."""
    inner = sorted(p for p in root.glob("ILSVRC*") if p.is_dir()) if root.is_dir() else []
    fits = [p for p in (root, *inner) if (p / "Annotations" / kind).is_dir() or (p / "Data" / kind).is_dir()]
    if not fits:
        raise AnnotationError(
            f"{root}: no ILSVRC {kind} tree: neither it nor a folder ILSVRC… in it holds Annotations/{kind}; "
            "give the folder that holds Annotations and Data"
        )
    if len(fits) > 1 and fits[0] != root:
        raise AnnotationError(f"{root}: several ILSVRC {kind} trees: {', '.join(map(str, fits))}; give one of them")
    return fits[0]


def find_splits(root: Path, kind: str) -> list[str]:
    """Return the names of the splits that have annotations; where none has, of those that have images."""
    for folder in (root / "Annotations" / kind, root / "Data" / kind):
        names = sorted(name for name in _listdir(folder) if (folder / name).is_dir()) if folder.is_dir() else []
        if names:
            usual = [name for name in ("train", "val") if name in names]
            return usual + [name for name in names if name not in usual]
    return []


def find_videos(split: Split) -> list[str]:
    """Return the videos of a VID split, sorted: the paths of the innermost folders, below the split's folder.

    Raises AnnotationError for a folder that holds frames and folders.
    """
    if split.is_annotated:
        found = list(_innermost_folders(split.annotations, "", XML_SUFFIXES))
    else:
        found = list(_innermost_folders(split.data, "", (*IMAGE_SUFFIXES, ".tar")))
    if "" in found:
        raise AnnotationError(f"{split.annotations}: holds frames itself; VID has a folder for each video")
    return sorted(found)


def find_unannotated_videos(split: Split) -> list[str]:
    """Return the videos of a VID split that have images but no folder of annotations."""
    if not (split.is_annotated and split.data.is_dir()):
        return []
    names = _innermost_folders(split.data, "", (*IMAGE_SUFFIXES, ".tar"))
    return sorted(name for name in names if name and not (split.annotations / name).is_dir())


def list_frames(split: Split, name: str) -> list[int]:
    """Return the frame numbers of one video of a VID split, ascending, without reading a file."""
    notes = _Notes(skip_errors=False)
    if split.is_annotated:
        return sorted(_numbered_files(split.annotations / name, XML_SUFFIXES, notes))
    return sorted(_find_frames(split, name, None, notes).names)


def find_images(split: Split) -> list[str]:
    """Return the still images of a DET split, sorted: paths of the XML files below the split's folder, no suffix."""
    base, suffixes = (split.annotations, XML_SUFFIXES) if split.is_annotated else (split.data, IMAGE_SUFFIXES)
    return sorted(_stems_below(base, "", suffixes))


def find_unannotated_images(split: Split) -> list[str]:
    """Return the images of a DET split that have no XML file."""
    if not (split.is_annotated and split.data.is_dir()):
        return []
    return sorted(
        set(_stems_below(split.data, "", IMAGE_SUFFIXES)) - set(_stems_below(split.annotations, "", XML_SUFFIXES))
    )


def _innermost_folders(folder: Path, below: str, suffixes: tuple[str, ...], depth: int = 0) -> Iterator[str]:
    """Yield the folders that hold files of these suffixes, or nothing. A folder of frames isn't listed to its end."""
    inner, holds_frames = [], False
    with _scanning(folder, depth) as entries:
        for entry in entries:
            if entry.is_dir():
                inner.append(entry.name)
            elif entry.name.endswith(".tar") and ".tar" in suffixes:
                yield _joined(below, entry.name[:-4])
            elif entry.name.endswith(suffixes):
                holds_frames = True
                break  # the reader of this video lists the rest, and refuses folders among the frames
    if inner and holds_frames:
        raise AnnotationError(f"{folder}: holds frames and folders ({inner[0]!r}); one of them is at the wrong place")
    if not inner and (holds_frames or below):
        yield below
    for name in inner:
        yield from _innermost_folders(folder / name, _joined(below, name), suffixes, depth + 1)


def _stems_below(folder: Path, below: str, suffixes: tuple[str, ...], depth: int = 0) -> Iterator[str]:
    inner = []
    with _scanning(folder, depth) as entries:
        for entry in entries:
            if entry.name.endswith(suffixes):
                yield _joined(below, entry.name.rpartition(".")[0])
            elif entry.is_dir():
                inner.append(entry.name)
    for name in inner:
        yield from _stems_below(folder / name, _joined(below, name), suffixes, depth + 1)


@contextmanager
def _scanning(folder: Path, depth: int) -> Iterator[Iterator[os.DirEntry[str]]]:
    if depth > MAX_DEPTH:
        raise AnnotationError(f"{folder}: more than {MAX_DEPTH} folders deep; a link that leads back?")
    try:
        with os.scandir(folder) as entries:
            yield (entry for entry in entries if not entry.name.startswith("."))
    except OSError as error:
        raise AnnotationError(f"{folder}: can't be listed: {error.strerror}") from None


def _joined(below: str, name: str) -> str:
    try:
        name.encode()
    except UnicodeEncodeError:
        raise AnnotationError(f"{below}/{name!r}: the name isn't UTF-8; rename it") from None
    return f"{below}/{name}" if below else name


# -- one video ---------------------------------------------------------------------------------------------------------


def read_video(
    split: Split,
    name: str,
    reading: Reading,
    frames: Sequence[int] | None = None,
    length: int | None = None,
    in_tar: tuple[Path, Members] | None = None,
) -> VideoTable:
    """Return one video of a VID split; with `frames` only the frames of these numbers.

    `length` is the number of frames that a list says there are; `in_tar` is a tar that holds the frames of many videos,
    and the members of this one.
    Raises AnnotationError for a malformed file, or with `reading.skip_errors` leaves it out and lists it.
    """
    notes = _Notes(reading.skip_errors)
    where = split.annotations / name
    xml = _numbered_files(where, XML_SUFFIXES, notes) if split.is_annotated else {}
    images = _find_frames(split, name, in_tar, notes)
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
    size = _checked_images(images, numbers, size, [a.size for a in parsed], reading, notes)
    number_column = np.array(numbers, np.int32)
    table = _instances([a.objects for a in parsed], reading, notes, lambda row: where / xml[numbers[row]])
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


def read_image(split: Split, name: str, reading: Reading) -> VideoTable | LeftOut:
    """Return one still image of a DET split, a video of one frame numbered 0; LeftOut where it can't be read.

    Raises AnnotationError for a malformed file unless `reading.skip_errors`.
    """
    notes = _Notes(reading.skip_errors)
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
    elif reading.check_images or not split.is_annotated:
        size = _compared(split.root / image, size, notes)
    if split.is_annotated and not all(annotation.size):
        notes.count(NO_SIZE, 1)
    return VideoTable(
        name=name,
        frame_number=np.zeros(1, np.int32),
        size=size,
        files=VideoFiles(IMAGE, image) if suffix else VideoFiles(),
        counts=notes.counts,
        remarks=tuple(notes.remarks),
        **_instances([annotation.objects], reading, notes, lambda _row: path),
    )


class _Notes:
    """What is noticed while one video is read: the only thing here that changes, and it lives as long as the call."""

    def __init__(self, skip_errors: bool) -> None:
        self.skip_errors = skip_errors
        self.counts: Counter[str] = Counter()
        self.left_out: list[LeftOut] = []
        self.remarks: list[LeftOut] = []

    def count(self, what: str, n: int) -> None:
        if n:
            self.counts[what] += n

    def leave_out(self, place: str, reason: str) -> None:
        """Raise, or list the file where errors are to be skipped."""
        if not self.skip_errors:
            raise AnnotationError(f"{place}: {reason}")
        self.left_out.append(LeftOut(place, reason))

    def remark(self, what: str, place: str, reason: str) -> None:
        self.counts[what] += 1
        self.remarks.append(LeftOut(place, reason))


def _numbered_files(folder: Path, suffixes: tuple[str, ...], notes: _Notes) -> dict[int, str]:
    """Return file names by frame number, the digits that end the name before its suffix."""
    numbered: dict[int, str] = {}
    for name in _listdir(folder):
        stem, dot, suffix = name.rpartition(".")
        if dot + suffix not in suffixes:
            if (folder / name).is_dir():
                raise AnnotationError(f"{folder}: holds frames and a folder {name!r}")
            notes.count(OTHER_FILES, 1)
            continue
        digits = stem if stem.isdecimal() and stem.isascii() else _trailing_digits(stem)
        if not digits or len(digits) > 9:
            notes.leave_out(f"{folder}/{name}", "no frame number of at most 9 digits at the end of its name")
            continue
        number = int(digits)
        if number in numbered:
            both = sorted((numbered[number], name))
            raise AnnotationError(f"{folder}: frame {number} is in two files, {both[0]} and {both[1]}")
        numbered[number] = name
    return numbered


def _listdir(folder: Path) -> list[str]:
    try:
        return [name for name in os.listdir(folder) if not name.startswith(".")]  # noqa: PTH208  (a million names)
    except OSError as error:
        raise AnnotationError(f"{folder}: can't be listed: {error.strerror}") from None


def _trailing_digits(stem: str) -> str:
    found = re.search(r"[0-9]+$", stem)
    return found[0] if found else ""


def _read_annotations(folder: Path, names: Sequence[str], notes: _Notes) -> dict[str, Annotation]:
    """Return the annotations by file name, without those that are left out."""
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


def _video_size(sizes: Sequence[tuple[int, int]], place: str, notes: _Notes) -> tuple[int, int]:
    """Return the size that most frames tell, (0, 0) where none does; count those which tell none or another."""
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


def _instances(frames: Sequence[list[Any]], reading: Reading, notes: _Notes, path: Any) -> dict[str, Any]:
    """Return the instance columns of a VideoTable; `path(row)` is the XML file of a frame, for errors."""
    frames, class_ids = _of_known_classes(frames, reading, notes, path)
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
    frames: Sequence[list[Any]], reading: Reading, notes: _Notes, path: Any
) -> tuple[Sequence[list[Any]], list[int]]:
    """Return the objects of known classes, a list a frame, and their class ids; count the others or refuse them."""
    ids = reading.class_ids
    try:
        return frames, [ids[texts[1]] for frame in frames for texts in frame]
    except KeyError:
        pass
    if not reading.other_classes_allowed:
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


# -- images ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Images:
    """The images of one video: file names by frame number, and where they are."""

    kind: str = ""
    source: str = ""
    path: Path = Path()  # of the folder or tar
    names: Mapping[int, str] = field(default_factory=dict)
    members: Members | None = None

    def places(self) -> dict[int, tuple[int, int]]:
        """Return offset and size inside the tar by frame number."""
        return {} if self.members is None else {number: (at, size) for number, at, size in self.members.tolist()}

    def files(self, numbers: Sequence[int], notes: _Notes) -> VideoFiles:
        """Return the columns for the frames of these numbers; count those without an image."""
        present = [number for number in numbers if number in self.names]
        if not present:
            return VideoFiles()
        notes.count(NO_IMAGE, len(numbers) - len(present))
        if self.members is not None:
            places = self.places()
            rows = np.array([places.get(number, (-1, -1)) for number in numbers], np.int64)
            return VideoFiles(TAR, self.source, offset=rows[:, 0], size=rows[:, 1])
        pattern = _pattern({number: self.names[number] for number in present})
        names = None if pattern else tuple(self.names.get(number, "") for number in numbers)
        return VideoFiles(FOLDER, self.source, pattern, names)


def _find_frames(split: Split, name: str, in_tar: tuple[Path, Members] | None, notes: _Notes) -> _Images:
    """Return the images of a video: those in the tar that was given, else in its folder, else in its own tar."""
    folder, source = split.data / name, f"Data/{split.kind}/{split.name}/{name}"
    if in_tar is not None:
        tar, members = in_tar
        return _in_tar(tar.name, tar, members)
    if folder.is_dir():
        unlisted = _Notes(skip_errors=True)  # what else stands among the images is no matter of annotations
        return _Images(FOLDER, source, folder, _numbered_files(folder, IMAGE_SUFFIXES, unlisted))
    tar_file = Path(f"{folder}.tar")
    if tar_file.is_file():
        folders = tar_members(tar_file, IMAGE_SUFFIXES)
        if len(folders) > 1:
            raise AnnotationError(f"{tar_file}: frames in {len(folders)} folders, wanted those of one video")
        return _in_tar(f"{source}.tar", tar_file, *folders.values()) if folders else _Images()
    for suffix in (".tar.gz", ".tgz", ".tar.bz2", ".tar.xz"):
        if Path(f"{folder}{suffix}").is_file():
            notes.leave_out(f"{folder}{suffix}", "a compressed tar has no frames at fixed places; unpack it to a .tar")
    return _Images()


def _in_tar(source: str, path: Path, members: Members) -> _Images:
    return _Images(TAR, source, path, dict.fromkeys(members[:, 0].tolist(), ""), members)


def _pattern(names: Mapping[int, str]) -> str:
    """Return the format string that gives every file name from its frame number, "" where there is none."""
    stem, dot, suffix = next(iter(names.values())).rpartition(".")
    digits = _trailing_digits(stem)
    prefix = stem[: len(stem) - len(digits)]
    if re.search(r"[{}]", prefix + suffix):
        return ""
    for form in (f"{{:0{len(digits)}d}}", "{:d}"):
        pattern = f"{prefix}{form}{dot}{suffix}"
        if all(pattern.format(number) == name for number, name in names.items()):
            return pattern
    return ""


def _checked_images(
    images: _Images,
    numbers: Sequence[int],
    size: tuple[int, int],
    sizes: Sequence[tuple[int, int]],
    reading: Reading,
    notes: _Notes,
) -> tuple[int, int]:
    """Hold the headers of images against the sizes in the XML; return the video's size, the image's if XML has none."""
    present = [(number, told) for number, told in zip(numbers, sizes, strict=True) if number in images.names]
    places = images.places()
    for number, told in present if reading.check_images else present[:1]:
        path = images.path if images.kind == TAR else images.path / images.names[number]
        found = _compared(path, told if all(told) else size, notes, places.get(number))
        size = size if all(size) else found
    return size


def _compared(
    path: Path, told: tuple[int, int], notes: _Notes, place: tuple[int, int] | None = None
) -> tuple[int, int]:
    """Return the size that XML tells, or where it tells none that of the image; note an image of another size.

    `place` is the image's offset and size inside a tar.
    """
    found = _image_size(path, place)
    where = str(path) if place is None else f"{path} at byte {place[0]}"
    if found is None:
        notes.remark(IMAGE_BROKEN, where, "no readable image")
    elif all(told) and found != told:
        notes.remark(IMAGE_DIFFERS, where, f"{found[0]}×{found[1]} pixels, its XML tells {told[0]}×{told[1]}")
    return told if all(told) or found is None else found


def _image_size(path: Path, place: tuple[int, int] | None) -> tuple[int, int] | None:
    """Return width and height from the header of an image, None if it can't be read."""
    import warnings

    from PIL import Image

    try:
        with warnings.catch_warnings(), path.open("rb") as file:
            warnings.simplefilter("error")
            if place is None:
                return Image.open(file).size
            file.seek(place[0])
            return Image.open(io.BytesIO(file.read(min(place[1], _HEADER_BYTES)))).size
    except Exception:  # a decoder of hostile files may raise anything
        return None
