"""What a film's header tells: its size, and how many frames it has."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from vidkit.data.readers.source import MAX_PIXELS
from vidkit.errors import AnnotationError


@contextmanager
def _opening(path: Path) -> Iterator[Any]:
    """The first video stream of the film, with its container open."""
    try:
        import av
    except ImportError:
        raise AnnotationError(f"{path}: reading video files needs PyAV: pip install av") from None
    try:
        # An absolute path and the file protocol only: no name and no playlist makes FFmpeg read anything else.
        with av.open(str(path.absolute()), options={"protocol_whitelist": "file"}) as container:
            yield container.streams.video[0]
    except (OSError, ValueError, IndexError) as error:  # FFmpeg's errors are of the first two kinds
        raise AnnotationError(f"{path}: not a video that can be read: {error}") from None


def film_size(path: Path) -> tuple[int, int]:
    """Width and height in pixels. Raises AnnotationError where it is no video, and where PyAV isn't installed."""
    with _opening(path) as stream:
        width, height = stream.codec_context.width, stream.codec_context.height
    if not (0 < width <= MAX_PIXELS and 0 < height <= MAX_PIXELS):
        raise AnnotationError(f"{path}: {width}x{height} pixels, wanted a picture")
    return width, height


def film_length(path: Path) -> int:
    """How many frames it has, by its packets: nothing is decoded. Raises AnnotationError as `film_size` does."""
    with _opening(path) as stream:
        return sum(p.pts is not None and not p.is_discard for p in stream.container.demux(stream))
