"""Frames of a video file or a camera, through PyAV."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vidkit.data.film import shown
from vidkit.errors import FrameError
from vidkit.reading_door import reading

CAMERAS = {"linux": ("v4l2", "/dev/video0"), "darwin": ("avfoundation", "default"), "win32": ("dshow", "video=0")}
"""The operating system's way to a camera, and its first camera."""


def frames_of(source: str | Path) -> Iterator[NDArray[np.uint8]]:
    """Yield the frames of a video file, or of the camera for "camera", each `(H, W, 3)` uint8 RGB as players show it.

    "camera:NAME" is the camera of that name, such as camera:/dev/video1. Raises FrameError if PyAV isn't installed, the
    source can't be opened, has no video, or breaks off in the middle of a frame.
    """
    av = _av()
    place = Path(source) if Path(source).exists() else str(source)
    with reading(place, FrameError, "a video, or `camera`"), _open(av, source) as container:
        if not container.streams.video:
            raise FrameError(f"{source}: no video in it")
        for frame in container.decode(video=0):
            yield shown(frame)


def _av() -> Any:
    try:
        import av
    except ImportError:
        raise FrameError("reading video needs PyAV; install it with `pip install av`") from None
    return av


def _open(av: Any, source: str | Path) -> Any:
    name = str(source)
    if name != "camera" and not name.startswith("camera:"):
        if not Path(name).is_file():
            raise FrameError(f"{source}: no such file; wanted a video file or `camera`")
        return av.open(str(Path(name).absolute()), options={"protocol_whitelist": "file"})  # no playlist leads out
    form, first = CAMERAS.get(sys.platform, CAMERAS["linux"])
    return av.open(name.partition(":")[2] or first, format=form)
