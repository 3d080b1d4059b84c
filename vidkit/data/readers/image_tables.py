"""Images and their boxes, as a source lists them → the records of the videos that they are frames of."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import PurePosixPath
from typing import NamedTuple

from vidkit.data.index import VIDEO
from vidkit.data.readers.drawn import Drawn
from vidkit.data.readers.drawn_table import table
from vidkit.data.readers.image_videos import ImageVideo, files_of, videos_of
from vidkit.data.readers.listed_images import ListedImage, listed_frames
from vidkit.data.records import VideoFiles, VideoTable
from vidkit.errors import AnnotationError


class SourceImage(NamedTuple):
    """One image of a source."""

    name: str  # as written, with its folders
    size: tuple[int, int] = (0, 0)
    id: str | None = None  # as written
    number: int | None = None  # of its frame, as written


def tables_of(
    place: str,
    name: str,
    images: Sequence[SourceImage],
    boxes: Drawn,
    paths: Sequence[str],
    *,
    tracked: bool = False,
    offset: int = 0,
    film: str = "",
    counts: Mapping[str, int] | None = None,
) -> tuple[VideoTable, ...]:
    """The videos of `images`; the `row` of a box is that of its image.

    Where all images tell the numbers of their frames, each folder is a video, and a single one is called `name`; else
    they are taken apart by their names, as `videos_of` does. `paths` are those of the images below the root, "" where
    there is none; or all are frames of the video file `film`. `offset` is taken off the numbers. `counts` is what was
    noticed of all of them; the first video has it. Raises AnnotationError for images of one video that differ in size,
    and for numbers that come twice.
    """
    by_number = bool(images) and all(image.number is not None for image in images)
    if by_number:
        videos = _by_number(place, name, images, offset)
    else:
        videos = videos_of([image.name for image in images], name, tracked)
    if by_number and len(videos) == 1:
        videos = [videos[0]._replace(name=name)]
    boxes, starts = boxes.by_image(len(images))
    tables: list[VideoTable] = []
    for video in videos:
        at = f"{place}: video {video.name!r}"
        listed = [
            ListedImage(f"{at}: {image.name!r}", number, image.name, image.number, image.id, image.size)
            for number, image in zip(video.numbers, (images[row] for row in video.images), strict=True)
        ]
        files = VideoFiles(VIDEO, film) if film else files_of(video.images, paths)
        frames = replace(listed_frames(listed), files=files, counts=(counts or {}) if not tables else {})
        tables.append(table(place, video.name, frames, boxes.of_images(video.images, starts)))
    return tuple(tables)


def _by_number(place: str, name: str, images: Sequence[SourceImage], offset: int) -> list[ImageVideo]:
    folders: defaultdict[str, list[tuple[int, int]]] = defaultdict(list)
    for row, image in enumerate(images):
        folders[str(PurePosixPath(image.name).parent)].append(((image.number or 0) - offset, row))
    videos = []
    for folder, frames in sorted(folders.items()):
        frames.sort()
        numbers, rows = zip(*frames, strict=True)
        twice = next((after for before, after in pairwise(numbers) if before == after), None)
        if twice is not None or numbers[0] < 0:
            found = f"number {twice + offset} comes twice" if twice is not None else f"number {numbers[0] + offset}"
            raise AnnotationError(
                f"{place}: {name!r}: frame {found}; wanted the number of each frame once, in each folder"
            )
        videos.append(ImageVideo(name if folder == "." else folder, rows, numbers))
    return videos
