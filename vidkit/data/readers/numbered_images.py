"""Images whose names end in their numbers, and the frames of a video that has such images or only a last number."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import numpy as np

from vidkit.data.frame_names import number_at_end
from vidkit.data.index import FOLDER
from vidkit.data.readers.found_boxes import Frames
from vidkit.data.readers.image_videos import IMAGE_SUFFIXES
from vidkit.data.readers.looking import names_in
from vidkit.data.records import FrameNames, VideoFiles

MAX_FRAMES = 1_000_000
"""No video is longer."""
NO_IMAGES = "videos without images found, taken to end with their last box"
NO_IMAGE = "frames without an image, kept"


@dataclass(frozen=True)
class NumberedImages:
    """The images of a folder, which is given relative to the root of the data set; none where it isn't there."""

    folder: str = ""
    name: dict[int, str] = field(default_factory=dict)  # number → file name


def numbered_images(root: Path, folders: Sequence[str]) -> NumberedImages:
    """The images of the first of `folders` that has any. Of two images of one number the first by name is taken."""
    for folder in folders:
        names = _names(root / folder)
        if names:
            return NumberedImages(folder, names)
    return NumberedImages()


def numbered_frames(first: int, last: int, images: NumberedImages, size: tuple[int, int] = (0, 0)) -> Frames:
    """The frames from number `first` to the last that has an annotation (`last`) or an image, counted from 0."""
    numbers = range(first, max([last, *images.name]) + 1)
    names = tuple(images.name.get(number, "") for number in numbers)
    missing = names.count("")
    paths = tuple(f"{images.folder}/{name}" for name in names) if images.name and not missing else None
    return Frames(
        number=np.arange(len(numbers)),
        called=FrameNames(path=paths, number=tuple(numbers)),
        files=VideoFiles(FOLDER, images.folder, name=names) if images.name else VideoFiles(),
        size=size,
        counts={NO_IMAGE: missing} if images.name else {NO_IMAGES: 1},
    )


def _names(folder: Path) -> dict[int, str]:
    names = [name for name in names_in(folder) if name.lower().endswith(IMAGE_SUFFIXES) and name.isprintable()]
    numbers = {name: number_at_end(PurePosixPath(name).stem) for name in reversed(names)}
    return {number: name for name, number in numbers.items() if number is not None and number <= MAX_FRAMES}
