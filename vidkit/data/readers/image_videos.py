"""From the names of single images to videos: which belong together, in which order, where they lie, how large they are.

The images of a folder whose names are alike up to the number at their end are the frames of one video, if the numbers
are written alike and follow one another evenly (gaps may be there; numbers all over the place are those of still
images). Other images are stills, each a video of one frame.
"""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from PIL import Image

from vidkit.data.frames import IMAGE_FORMATS
from vidkit.data.index import FOLDER, IMAGE
from vidkit.data.readers.looking import is_plain, names_in
from vidkit.data.records import VideoFiles
from vidkit.errors import AnnotationError

MAX_DEPTH = 8
IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp")
_ADDED = re.compile(r"(_(jpe?g|png|webp|bmp))?\.rf\.\w{8,}$", re.IGNORECASE)  # Roboflow adds a hash to each name
_TELL_NOTHING = ("frame", "img", "image")  # what many tools put before a number
_NUMBER = re.compile(r"(.*?)(\d{1,9})", re.ASCII | re.DOTALL)


class ImageVideo(NamedTuple):
    """One video: which of the images are its frames, in their order, and the numbers of the frames."""

    name: str
    images: tuple[int, ...]
    numbers: tuple[int, ...]


def videos_of(paths: Sequence[str], name: str, tracked: bool = False) -> list[ImageVideo]:
    """The videos of images with these paths (with slashes; suffixes don't matter), by name.

    A video is called by its folder and what stands before the numbers, or `name` where that is nothing. `tracked` says
    that the images are frames of videos for certain: numbers may have any gaps, and a folder whose images can't be told
    apart by numbers is one video, in the order in which they are given.
    """
    folders: defaultdict[str, dict[str, list[_Numbered]]] = defaultdict(lambda: defaultdict(list))
    for image, path in enumerate(paths):
        folder, stem = str(PurePosixPath(path).parent), without_hash(PurePosixPath(path).stem)
        found = _NUMBER.fullmatch(stem)
        prefix, digits = found.groups() if found else (stem, "")
        folders[folder][prefix].append(_Numbered(int(digits or -1), digits, image))
    videos = []
    for folder, groups in sorted(folders.items()):
        if tracked and not all(_are_frames(images, tracked) for images in groups.values()):
            images = sorted(i for group in groups.values() for _, _, i in group)
            videos.append(ImageVideo(_called(folder, "", name), tuple(images), tuple(range(len(images)))))
            continue
        for prefix, group in sorted(groups.items()):
            if _are_frames(group, tracked):
                numbers, _, frames = zip(*sorted(group), strict=True)
                videos.append(ImageVideo(_called(folder, prefix, name), frames, numbers))
            else:
                videos += [ImageVideo(str(PurePosixPath(paths[i]).with_suffix("")), (i,), (0,)) for _, _, i in group]
    return videos


def without_hash(stem: str) -> str:
    """A file's name, without its suffix, before Roboflow added a hash to it."""
    return _ADDED.sub("", stem)


class _Numbered(NamedTuple):
    number: int  # at the end of its name, -1 where there is none
    digits: str
    image: int


def _called(folder: str, prefix: str, name: str) -> str:
    prefix = prefix.rstrip("_-. ")
    return (
        "/".join(part for part in (folder, "" if prefix in _TELL_NOTHING else prefix) if part not in ("", ".")) or name
    )


def natural(path: str) -> list[tuple[int, str]]:
    """A key to sort by, with which "2" stands before "10"."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d{1,18})", path)]


def _are_frames(images: Sequence[_Numbered], tracked: bool) -> bool:
    """Whether these are frames of one video, by their numbers."""
    numbers, width = sorted(i.number for i in images), min(len(i.digits) for i in images)
    gaps = sorted(after - before for before, after in pairwise(numbers))
    if width == 0 or any(i.digits != f"{i.number:0{width}d}" for i in images) or 0 in gaps:
        return False
    return tracked or (bool(gaps) and gaps[0] == gaps[len(gaps) // 2])


def files_of(images: Sequence[int], paths: Sequence[str]) -> VideoFiles:
    """Where the images of a video are; `paths` are those of all images below the root, "" where there is none."""
    found = [paths[image] for image in images]
    if not any(found):
        return VideoFiles()
    if len(found) == 1:
        return VideoFiles(IMAGE, found[0])
    folder = str(PurePosixPath(next(filter(None, found))).parent)
    return VideoFiles(FOLDER, folder, name=tuple(PurePosixPath(path).name for path in found))


def size_of(path: Path) -> tuple[int, int]:
    """Width and height of an image, from its header. Raises AnnotationError where it isn't an image."""
    try:
        with Image.open(path, formats=IMAGE_FORMATS) as image:
            return image.size
    except Exception as error:  # damaged files make Pillow's decoders raise nearly anything
        raise AnnotationError(f"{path}: not an image whose size can be told: {error}") from None


def folder_with(root: Path, folders: Sequence[str], name: str) -> str:
    """The first of the folders below the root that has a file called so; "." where none has."""
    return next((folder for folder in folders if is_plain(root / folder / name)), ".")


def images_in(folder: Path) -> list[str]:
    """The names of the images in a folder, "2" before "10"; none where there is no such folder."""
    return sorted((name for name in names_in(folder) if name.lower().endswith(IMAGE_SUFFIXES)), key=natural)


def images_below(folder: Path, suffixes: Sequence[str] = IMAGE_SUFFIXES) -> dict[str, str]:
    """The paths of all images in a folder and the folders in it, by the path without the suffix; sorted."""
    found = {}
    for inside, below, names in os.walk(folder):
        parts = Path(inside).relative_to(folder).parts
        below[:] = sorted(below) if len(parts) < MAX_DEPTH else []
        for name in sorted(names):
            path = PurePosixPath(*parts, name)
            if path.suffix.lower() in suffixes:
                found[str(path.with_suffix(""))] = str(path)
    return found
