"""Video files: what is in one, its pictures in the order in which they are shown, and one of them by its number.

Pictures are counted from 0 as a player shows them, whatever their times are: a variable frame rate, a first time other
than 0 and an edit list change nothing. A film that says that it is to be turned, as a telephone's do, is turned: so it
is by players, by labelling tools and by OpenCV, whose boxes would lie elsewhere otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vidkit.data.film_frames import film_frame, with_vectors
from vidkit.errors import FrameError
from vidkit.reading_door import reading

if TYPE_CHECKING:
    from av import VideoFrame
    from av.container import InputContainer

VIDEO_SUFFIXES = (".mp4", ".m4v", ".mov", ".avi", ".mkv", ".webm", ".mpg", ".mpeg")
MOST_PIXELS = 100_000_000
"""Of one image or picture of a film, unless a caller says otherwise; more are refused before anything is decoded. 100
megapixels take 300 MB as RGB."""
Picture = NDArray[np.uint8]
"""`(H, W, 3)` uint8 RGB."""


class FilmFacts(NamedTuple):
    """What is in a film."""

    size: tuple[int, int]  # width, height in pixels, as it is shown
    length: int  # pictures that can be decoded
    is_cut: bool  # whether its end is missing: it tells of more pictures


@contextmanager
def opening(path: Path, most_pixels: int = MOST_PIXELS) -> Iterator[InputContainer]:
    """Open a film; what FFmpeg says of a bad one, then or later, becomes a FrameError that names the file."""
    try:
        import av
    except ImportError:
        raise FrameError(f"{path}: reading video files needs PyAV: pip install av") from None
    if not path.is_file():
        raise FrameError(f"{path}: no such file; was the data moved?")
    # An absolute path and the file protocol only: no name and no playlist makes FFmpeg read anything else.
    options = {"protocol_whitelist": "file"}
    try:
        with (
            reading(path, FrameError, "a video that can be decoded"),
            av.open(str(path.absolute()), options=options) as film,
        ):
            if not film.streams.video:
                raise FrameError(f"{path}: holds no video stream")
            stream = film.streams.video[0]
            if (pixels := stream.codec_context.width * stream.codec_context.height) > most_pixels:
                raise FrameError(f"{path}: pictures of {pixels:,} pixels; at most {most_pixels:,} are read")
            stream.thread_type = "AUTO"
            yield film
    except MemoryError:  # FFmpeg's own
        raise FrameError(f"{path}: asks for more memory than there is; wanted a video that can be decoded") from None


def film_facts(path: Path) -> FilmFacts:
    """The size and length of a film. Raises FrameError where no picture of it can be decoded.

    Pictures are counted by their packets where both ends of the film decode, else by decoding it all.
    """
    with opening(path) as container:
        stream = container.streams.video[0]
        first = next(container.decode(stream), None)
        if first is None:
            raise FrameError(f"{path}: holds no picture")
        size, times = shown_size(first), _times(container, first)
        length = len(times) if times and _ends_with(container, times) else _count(path)
        return FilmFacts(size, length, stream.frames > length)


def pictures(path: Path, most_pixels: int = MOST_PIXELS) -> Iterator[VideoFrame]:
    """All pictures of a film, in the order in which they are shown. Raises FrameError where it can't be decoded."""
    with opening(path, most_pixels) as container:
        with_vectors(container.streams.video[0])
        yield from container.decode(video=0)


def picture_at(path: Path, number: int, most_pixels: int = MOST_PIXELS) -> VideoFrame:
    """The picture of this number, decoded from the keyframe before it. Raises FrameError where there is none."""
    with opening(path, most_pixels) as container:
        stream = container.streams.video[0]
        times = _times(container, next(container.decode(stream), None))
        if times and not 0 <= number < len(times):
            raise FrameError(f"{path}: has {len(times)} frames, the index wants number {number}")
        if times:
            container.seek(times[number], stream=stream)
            for picture in container.decode(stream):
                if picture.pts == times[number]:
                    return picture
            raise FrameError(f"{path}: frame {number} can't be decoded")
    count = -1
    for count, picture in enumerate(pictures(path, most_pixels)):
        if count == number:
            return picture
    raise FrameError(f"{path}: has {count + 1} frames, the index wants number {number}")


def shown_size(picture: VideoFrame) -> tuple[int, int]:
    """Width and height of a picture as it is shown."""
    turned = round(picture.rotation / 90) % 2 == 1
    return (picture.height, picture.width) if turned else (picture.width, picture.height)


def shown(picture: VideoFrame) -> Picture:
    """A picture's pixels as it is shown; a film is turned by whole quarters only, and then has no motion vectors."""
    stored = film_frame(picture)
    quarters = round(picture.rotation / 90) % 4
    return np.ascontiguousarray(np.rot90(stored, quarters)) if quarters else stored


def _times(container: InputContainer, first: VideoFrame | None) -> list[int]:
    """The times of all pictures that decode, ascending; none where packets don't tell them. The whole film is read.

    Pictures before the first keyframe, as a cut leaves them, don't decode. In AVI a packet's time isn't its picture's.
    """
    stream = container.streams.video[0]
    container.seek(0, stream=stream)
    packets = [packet for packet in container.demux(stream) if packet.size and not packet.is_discard]
    times = [packet.pts for packet in packets if packet.pts is not None]
    if first is None or first.pts not in times or len(times) < len(packets) or container.format.name == "avi":
        return []
    return sorted(time for time in times if time >= first.pts)


def _ends_with(container: InputContainer, times: list[int]) -> bool:
    """Whether all pictures behind the last keyframe decode."""
    stream = container.streams.video[0]
    try:
        container.seek(times[-1], stream=stream)
        decoded = [picture.pts for picture in container.decode(stream)]
    except (OSError, ValueError, EOFError):  # FFmpeg's errors are of these kinds
        return False
    return bool(decoded) and decoded == times[-len(decoded) :]


def _count(path: Path) -> int:
    """How many pictures decode, from the first to the first that doesn't."""
    count = 0
    with suppress(FrameError):
        for _ in pictures(path):
            count += 1
    return count
