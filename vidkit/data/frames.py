"""The images of an index: `(H, W, 3)` uint8 RGB, lazily, whether they are files, members of a tar or frames of a video.

Nothing is kept open between frames: what these functions need to know is in the index, so they may be called from any
process, a DataLoader worker too. Pixels are taken as they are stored: an EXIF orientation is ignored, since the boxes
of ILSVRC, COCO and VOC count in stored pixels. Grey images get three equal channels, CMYK and palettes are converted,
transparency is dropped, 16-bit grey keeps its upper 8 bits.

An index may come from anyone: sources and names that lead out of the root (absolute, or with "..") are refused.
Symbolic links inside the root are followed; they belong to the user, not to the index.
"""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Iterator, Sequence
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vidkit.data.film import MOST_PIXELS, picture_at, pictures, shown, shown_size
from vidkit.data.index import FOLDER, IMAGE, TAR, VIDEO, FrameFiles, Index
from vidkit.errors import FrameError
from vidkit.reading_door import reading

if TYPE_CHECKING:
    from av import VideoFrame

Frame = NDArray[np.uint8]
"""`(H, W, 3)` uint8 RGB."""

IMAGE_FORMATS = ("JPEG", "PNG", "WEBP", "BMP")
PATTERN = re.compile(r"([^{}]*)\{:(0?\d{0,2}d?)\}([^{}]*)")


def frames_of(
    index: Index,
    video: int,
    root: Path | None = None,
    at_least: tuple[int, int] | None = None,
    most_pixels: int = MOST_PIXELS,
) -> Iterator[Frame]:
    """The frames of video row `video` one after the other, in the order of the index's rows.

    `root` takes the place of the root that the index names, where the data was moved. With `at_least=(w, h)` a JPEG may
    be decoded at 1/2, 1/4 or 1/8 of its size, never smaller than that: faster, for those who scale down anyway.

    Raises FrameError, naming the file, for a frame that is missing, damaged, not of the size that the index tells, or
    of more than `most_pixels`, and where video files are to be read without PyAV.
    """
    rows = index.frames_of(video)
    source = _source(index, video, root)
    if _files(index).kind[video] == VIDEO:
        return _of_video_file(source, [int(index.frame_number[row]) for row in rows], _size(index, video), most_pixels)
    return (frame(index, row, root, at_least, most_pixels) for row in rows)


def frame(
    index: Index,
    row: int,
    root: Path | None = None,
    at_least: tuple[int, int] | None = None,
    most_pixels: int = MOST_PIXELS,
) -> Frame:
    """The one frame of frame row `row`. For arguments and errors see `frames_of`.

    In a video file it is found by decoding from the keyframe before it.
    """
    video = int(index.frame_video[row])
    files = _files(index)
    source, size = _source(index, video, root), _size(index, video)
    match files.kind[video]:
        case "image":
            return read_image(source, size, at_least, most_pixels)
        case "folder":
            return read_image(_inside(source, _name(index, files, video, row)), size, at_least, most_pixels)
        case "tar":
            content, place = _bytes_in_tar(source, files, row)
            return _decode(BytesIO(content), place, size, at_least, most_pixels)
        case _:
            number = int(index.frame_number[row])
            return _of_picture(picture_at(source, number, most_pixels), size, f"{source}: frame {number}")


def frame_file(index: Index, row: int, root: Path | None = None) -> Path | bytes | None:
    """The image file of frame row `row`, what a tar holds of it, or None for a film's. Errors as of `frames_of`."""
    video = int(index.frame_video[row])
    files, source = _files(index), _source(index, video, root)
    match files.kind[video]:
        case "image":
            return source
        case "folder":
            return _inside(source, _name(index, files, video, row))
        case "tar":
            return _bytes_in_tar(source, files, row)[0]
        case _:
            return None


def is_there(index: Index, video: int, root: Path | None = None) -> bool:
    """Whether the film of video row `video`, or the first or last of its images, is where the index says."""
    rows = index.frames_of(video)
    try:
        source = _source(index, video, root)
        if not rows or _files(index).kind[video] in (VIDEO, TAR):
            return source.exists()
        found = (frame_file(index, row, root) for row in (rows[0], rows[-1]))
        return any(isinstance(file, Path) and file.is_file() for file in found)
    except FrameError:
        return False


def has_frames(index: Index, video: int) -> bool:
    """Whether the index tells where the images of video row `video` are."""
    return index.files is not None and index.files.kind[video] in (FOLDER, TAR, VIDEO, IMAGE)


def frame_name(index: Index, row: int) -> str:
    """The file name of frame row `row` in its video's folder; a FrameError if the index has none."""
    return _name(index, _files(index), int(index.frame_video[row]), row)


# -- where a frame is --------------------------------------------------------------------------------------------------


def _files(index: Index) -> FrameFiles:
    if index.files is None:
        raise FrameError(f"index {index.dataset} {index.split} doesn't tell where its frames are; prepare it again")
    return index.files


def _source(index: Index, video: int, root: Path | None) -> Path:
    files = _files(index)
    if not has_frames(index, video):
        kind = files.kind[video]
        found = f"frames of the unknown kind {kind!r}" if kind else "no known frames"
        raise FrameError(f"video {index.video_name[video]} of index {index.dataset} {index.split}: {found}")
    return _inside(Path(files.root) if root is None else root, files.source[video])


def _inside(root: Path, name: str) -> Path:
    """`root / name`; a FrameError if the name, which an index states, leads out of the root."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\0" in name or Path(name).is_absolute():
        raise FrameError(f"{name!r}: the index names a file outside its root {root}; not read")
    return root / path


def _name(index: Index, files: FrameFiles, video: int, row: int) -> str:
    pattern = files.pattern[video]
    if not pattern:
        if files.name is None:
            raise FrameError(f"video {index.video_name[video]}: the index has no names of its frames; prepare it again")
        return files.name[row]
    if not PATTERN.fullmatch(pattern):  # it is given to str.format: nothing but a plain number field may be in it
        raise FrameError(f"video {index.video_name[video]}: frame pattern {pattern!r}; wanted one like '{{:06d}}.JPEG'")
    return pattern.format(int(index.frame_number[row]))


def _size(index: Index, video: int) -> tuple[int, int]:
    width, height = index.video_size[video]
    return int(width), int(height)


# -- images ------------------------------------------------------------------------------------------------------------


def read_image(
    path: Path,
    size: tuple[int, int] = (0, 0),
    at_least: tuple[int, int] | None = None,
    most_pixels: int = MOST_PIXELS,
) -> Frame:
    """The pixels of an image file, which has this `size` unless that holds a 0; see `frames_of` for the rest."""
    with reading(path, FrameError, "an image; was the data moved?"), path.open("rb") as file:
        return _decode(file, str(path), size, at_least, most_pixels)


def _bytes_in_tar(path: Path, files: FrameFiles, row: int) -> tuple[bytes, str]:
    """A frame's bytes, and where they are for errors."""
    if files.offset is None or files.size is None:
        raise FrameError(f"{path}: the index doesn't tell where in this tar its frames are; prepare it again")
    offset, length = int(files.offset[row]), int(files.size[row])
    place = f"{path}: {length} bytes from {offset}"
    with reading(path, FrameError, "the tar that was indexed; was the data moved?"), path.open("rb") as file:
        if offset < 0 or length <= 0 or offset + length > os.fstat(file.fileno()).st_size:
            raise FrameError(f"{place}: not inside the tar; it isn't the one that was indexed, prepare again")
        return os.pread(file.fileno(), length, offset), place


def _decode(
    file: BinaryIO, place: str, size: tuple[int, int], at_least: tuple[int, int] | None, most_pixels: int
) -> Frame:
    """The image in `file` as RGB; its size is held against the index before anything is decoded."""
    with reading(place, FrameError, "an image that can be decoded"), warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # the limit here is our own
        with Image.open(file, formats=IMAGE_FORMATS) as image:
            if image.width * image.height > most_pixels:
                raise FrameError(
                    f"{place}: {image.width}x{image.height} pixels; at most {most_pixels:,} in all are read"
                )
            _check_size(image.size, size, place)
            if at_least is not None:
                image.draft("RGB", at_least)
            return _as_rgb(image)


def _as_rgb(image: Image.Image) -> Frame:
    if image.mode.startswith("I"):  # 16 bits a pixel; a plain conversion would clip at 255
        grey = np.clip(np.asarray(image).astype(np.int64) >> 8, 0, 255).astype(np.uint8)
        return np.repeat(grey[..., None], 3, axis=2)
    if image.mode in ("P", "PA"):  # by way of RGBA, since a palette may hold transparency
        return np.array(image.convert("RGBA").convert("RGB"))
    return np.array(image.convert("RGB"))


def _check_size(found: tuple[int, int], wanted: tuple[int, int], place: str) -> None:
    if 0 not in wanted and found != wanted:
        raise FrameError(
            f"{place}: {found[0]}x{found[1]} pixels, the index says {wanted[0]}x{wanted[1]}: "
            "its boxes don't belong to this image; see `vidkit check`"
        )


# -- video files -------------------------------------------------------------------------------------------------------


def _of_video_file(
    path: Path, numbers: Sequence[int], size: tuple[int, int], most_pixels: int = MOST_PIXELS
) -> Iterator[Frame]:
    """Yield the frames with these ascending numbers; the first frame of the file is number 0."""
    wanted = iter(numbers)
    number = next(wanted, None)
    decoded = 0
    for picture in pictures(path, most_pixels) if number is not None else ():
        if decoded == number:
            yield _of_picture(picture, size, f"{path}: frame {number}")
            number = next(wanted, None)
            if number is None:
                return
        decoded += 1
    if number is not None:
        raise FrameError(f"{path}: has {decoded} frames, the index wants number {number}")


def _of_picture(picture: VideoFrame, size: tuple[int, int], place: str) -> Frame:
    _check_size(shown_size(picture), size, place)
    return shown(picture)
