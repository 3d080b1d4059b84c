"""Frames written as a file that plays: H.264 in MP4 through PyAV, or animated WebP through Pillow alone."""

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vidkit.errors import VidkitError
from vidkit.files import writing

Frames = Iterable[NDArray[np.uint8]]


def write_movie(path: Path, frames: Frames, fps: float = 25.0) -> int:
    """Write frames `(H, W, 3)` of one size to `path`, whole or not at all, and return how many there were.

    ".mp4" is H.264 in yuv420p, which every browser plays; where a side is odd its last row or column is doubled.
    ".webp" needs no PyAV, but holds all frames in memory.

    Raises VidkitError for another suffix, for no frames, and for ".mp4" where PyAV isn't installed.
    """
    writers = {".mp4": _write_mp4, ".webp": _write_webp}
    if path.suffix.lower() not in writers:
        raise VidkitError(
            f"{path}: a film is written as .mp4 or .webp, not as {path.suffix or 'a file without suffix'}"
        )
    with writing(path) as part:
        n = writers[path.suffix.lower()](part, frames, fps)
        if n == 0:
            raise VidkitError(f"{path}: no frames to write")
    return n


def _write_mp4(path: Path, frames: Frames, fps: float) -> int:
    try:
        import av
    except ImportError:
        raise VidkitError(
            "writing .mp4 needs PyAV: pip install 'vidkit-vod[video]'; or name the file .webp, which needs nothing more"
        ) from None
    n = 0
    with av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"}) as container:
        stream = container.add_stream(
            "libx264", rate=Fraction(fps).limit_denominator(1001), options={"crf": "20", "preset": "veryfast"}
        )
        stream.pix_fmt = "yuv420p"
        for frame in frames:
            even = np.pad(frame, ((0, frame.shape[0] % 2), (0, frame.shape[1] % 2), (0, 0)), mode="edge")
            if n == 0:
                stream.height, stream.width = even.shape[:2]
            container.mux(stream.encode(av.VideoFrame.from_ndarray(even, format="rgb24")))
            n += 1
        if n:
            container.mux(stream.encode())
    return n


def _write_webp(path: Path, frames: Frames, fps: float) -> int:
    images = [Image.fromarray(frame) for frame in frames]
    if images:
        first, *others = images
        first.save(path, "WEBP", save_all=True, append_images=others, duration=round(1000 / fps), loop=0, quality=80)
    return len(images)
