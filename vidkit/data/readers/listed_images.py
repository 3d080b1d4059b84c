"""The images of one video, as a source lists them → its frames: by number, of one size, in one folder if they are."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import PurePosixPath
from typing import NamedTuple, TypeVar

import numpy as np

from vidkit.data.frame_names import name_pattern, number_at_end
from vidkit.data.index import FOLDER
from vidkit.data.readers.found_boxes import Frames
from vidkit.data.records import FrameNames, VideoFiles
from vidkit.errors import AnnotationError

Key = TypeVar("Key")
Size = tuple[int, int]


class ListedImage(NamedTuple):
    """One image."""

    place: str  # in the source, for errors
    number: int  # of the frame in the index
    path: str  # as written
    written: int | None = None  # the frame's number, as written
    id: str | None = None
    size: Size = (0, 0)  # width, height; 0 where it isn't told


def by_number(images: Mapping[Key, ListedImage]) -> dict[Key, ListedImage]:
    """The images by ascending frame number; an AnnotationError where a number stands twice."""
    ordered = sorted(images.items(), key=lambda item: item[1].number)
    for (_, before), (_, image) in pairwise(ordered):
        if before.number == image.number:
            what = f"frame {image.number} stands twice in its video, first in {before.path!r}"
            raise AnnotationError(f"{image.place}: {what}")
    return dict(ordered)


def listed_frames(images: Sequence[ListedImage], size: Size = (0, 0)) -> Frames:
    """The frames of images in the order of their numbers; `size` is what is told of the whole video.

    Raises AnnotationError where two sizes are told: the frames of a video have one.
    """
    for image in images:
        if 0 not in image.size and image.size != size:
            if 0 not in size:
                found = f"{image.size[0]}x{image.size[1]} pixels, others of the same video {size[0]}x{size[1]}"
                raise AnnotationError(f"{image.place}: {found}; the frames of a video must have one size")
            size = image.size
    paths = tuple(image.path for image in images)
    written = tuple(image.written for image in images if image.written is not None)
    ids = tuple(image.id for image in images if image.id is not None)
    called = FrameNames(
        id=ids if len(ids) == len(images) else None,
        path=paths,
        number=written if len(written) == len(images) else None,
    )
    return Frames(
        number=np.array([image.number for image in images], np.int64),
        called=called,
        files=_files({image.number: image.path for image in images}),
        size=size,
    )


def numbers_in(paths: Sequence[str]) -> list[int] | None:
    """The numbers that end the names of the files, None where one has none or they don't rise."""
    numbers = [number_at_end(PurePosixPath(path).stem) for path in paths]
    known = [number for number in numbers if number is not None]
    return known if len(known) == len(paths) and all(a < b for a, b in pairwise(known)) else None


def folder_of(paths: Sequence[str]) -> str:
    """The folder in which all of them lie, "" where there is none."""
    folders = {path.rpartition("/")[0] for path in paths}
    return folders.pop() if len(folders) == 1 else ""


def _files(paths: Mapping[int, str]) -> VideoFiles:
    """Where the images lie whose paths these are, by ascending number of the frame."""
    folder = folder_of([*paths.values()])
    names = {number: path[len(folder) :].removeprefix("/") for number, path in paths.items()}
    pattern = name_pattern(names) if paths else ""
    name = None if pattern else tuple(names.values())
    return VideoFiles(FOLDER, folder or ".", pattern, name) if paths else VideoFiles()
