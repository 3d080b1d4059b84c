"""The files of one video's frames: XML by frame number, and images in a folder or a tar.

Images without XML are left out and counted, unless the split has no annotations at all (VID test): then the images are
the frames. Frames without an image are kept. docs/preparing_data.md tells all rules.
"""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from vidkit.data.frame_names import name_pattern, trailing_digits
from vidkit.data.ilsvrc.layout import IMAGE_SUFFIXES, XML_SUFFIXES, Split, list_dir
from vidkit.data.index import FOLDER, TAR
from vidkit.data.noticed import IMAGE_BROKEN, IMAGE_DIFFERS, NO_IMAGE, OTHER_FILES, Notes
from vidkit.data.records import VideoFiles
from vidkit.data.tar import Members, tar_members
from vidkit.errors import AnnotationError

_HEADER_BYTES = 1 << 16  # of an image in a tar: enough for its size


def list_frames(split: Split, name: str) -> list[int]:
    """The frame numbers of one video of a VID split, ascending, without reading a file."""
    notes = Notes(skip_errors=False)
    if split.is_annotated:
        return sorted(numbered_files(split.annotations / name, XML_SUFFIXES, notes))
    return sorted(find_images_of(split, name, None, notes).names)


def numbered_files(folder: Path, suffixes: tuple[str, ...], notes: Notes) -> dict[int, str]:
    """File names by frame number, the digits that end the name before its suffix."""
    numbered: dict[int, str] = {}
    for name in list_dir(folder):
        stem, dot, suffix = name.rpartition(".")
        if dot + suffix not in suffixes:
            if (folder / name).is_dir():
                raise AnnotationError(f"{folder}: holds frames and a folder {name!r}")
            notes.count(OTHER_FILES, 1)
            continue
        digits = stem if stem.isdecimal() and stem.isascii() else trailing_digits(stem)
        if not digits or len(digits) > 9:
            notes.leave_out(f"{folder}/{name}", "no frame number of at most 9 digits at the end of its name")
            continue
        number = int(digits)
        if number in numbered:
            both = sorted((numbered[number], name))
            raise AnnotationError(f"{folder}: frame {number} is in two files, {both[0]} and {both[1]}")
        numbered[number] = name
    return numbered


@dataclass(frozen=True)
class FrameImages:
    """The images of one video: file names by frame number, and where they are."""

    kind: str = ""
    source: str = ""
    path: Path = Path()  # of the folder or tar
    names: Mapping[int, str] = field(default_factory=dict)
    members: Members | None = None

    def places(self) -> dict[int, tuple[int, int]]:
        """Offset and size inside the tar by frame number."""
        return {} if self.members is None else {number: (at, size) for number, at, size in self.members.tolist()}

    def files(self, numbers: Sequence[int], notes: Notes) -> VideoFiles:
        """The columns for the frames of these numbers; those without an image are counted."""
        present = [number for number in numbers if number in self.names]
        if not present:
            return VideoFiles()
        notes.count(NO_IMAGE, len(numbers) - len(present))
        if self.members is not None:
            places = self.places()
            rows = np.array([places.get(number, (-1, -1)) for number in numbers], np.int64)
            return VideoFiles(TAR, self.source, offset=rows[:, 0], size=rows[:, 1])
        pattern = name_pattern({number: self.names[number] for number in present})
        names = None if pattern else tuple(self.names.get(number, "") for number in numbers)
        return VideoFiles(FOLDER, self.source, pattern, names)


def find_images_of(split: Split, name: str, in_tar: tuple[Path, Members] | None, notes: Notes) -> FrameImages:
    """The images of a video: those in the tar that was given, else in its folder, else in its own tar."""
    folder, source = split.data / name, f"Data/{split.kind}/{split.name}/{name}"
    if in_tar is not None:
        tar, members = in_tar
        return _in_tar(tar.name, tar, members)
    if folder.is_dir():
        unlisted = Notes(skip_errors=True)  # what else stands among the images is no matter of annotations
        return FrameImages(FOLDER, source, folder, numbered_files(folder, IMAGE_SUFFIXES, unlisted))
    tar_file = Path(f"{folder}.tar")
    if tar_file.is_file():
        folders = tar_members(tar_file, IMAGE_SUFFIXES)
        if len(folders) > 1:
            raise AnnotationError(f"{tar_file}: frames in {len(folders)} folders, wanted those of one video")
        return _in_tar(f"{source}.tar", tar_file, *folders.values()) if folders else FrameImages()
    for suffix in (".tar.gz", ".tgz", ".tar.bz2", ".tar.xz"):
        if Path(f"{folder}{suffix}").is_file():
            notes.leave_out(f"{folder}{suffix}", "a compressed tar has no frames at fixed places; unpack it to a .tar")
    return FrameImages()


def _in_tar(source: str, path: Path, members: Members) -> FrameImages:
    return FrameImages(TAR, source, path, dict.fromkeys(members[:, 0].tolist(), ""), members)


def checked_size(
    images: FrameImages,
    numbers: Sequence[int],
    size: tuple[int, int],
    sizes: Sequence[tuple[int, int]],
    check_all: bool,
    notes: Notes,
) -> tuple[int, int]:
    """The video's size, the image's if the XML has none; the headers of images are held against the XML."""
    present = [(number, told) for number, told in zip(numbers, sizes, strict=True) if number in images.names]
    places = images.places()
    for number, told in present if check_all else present[:1]:
        path = images.path if images.kind == TAR else images.path / images.names[number]
        found = compared_size(path, told if all(told) else size, notes, places.get(number))
        size = size if all(size) else found
    return size


def compared_size(
    path: Path, told: tuple[int, int], notes: Notes, place: tuple[int, int] | None = None
) -> tuple[int, int]:
    """The size that XML tells, or where it tells none that of the image; one of another size is noted.

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
    """Width and height from the header of an image, None if it can't be read."""
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
