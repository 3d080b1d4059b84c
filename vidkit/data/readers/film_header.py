"""The size of a film, from its header alone."""

from pathlib import Path

from vidkit.data.readers.source import MAX_PIXELS
from vidkit.errors import AnnotationError


def film_size(path: Path) -> tuple[int, int]:
    """Width and height in pixels. Raises AnnotationError where it is no video, and where PyAV isn't installed."""
    try:
        import av
    except ImportError:
        raise AnnotationError(f"{path}: reading video files needs PyAV: pip install av") from None
    try:
        # An absolute path and the file protocol only: no name and no playlist makes FFmpeg read anything else.
        with av.open(str(path.absolute()), options={"protocol_whitelist": "file"}) as container:
            context = container.streams.video[0].codec_context
            width, height = context.width, context.height
    except (OSError, ValueError, IndexError) as error:  # FFmpeg's errors are of the first two kinds
        raise AnnotationError(f"{path}: not a video that can be read: {error}") from None
    if not (0 < width <= MAX_PIXELS and 0 < height <= MAX_PIXELS):
        raise AnnotationError(f"{path}: {width}x{height} pixels, wanted a picture")
    return width, height
