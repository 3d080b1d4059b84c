"""Footage: a film, a folder of images or a camera as it is, without an index. Films and cameras through PyAV.

Frames are counted from 0 in the order in which they are shown, whatever the time stamps say. Where a film tells that it
is to be turned (telephones do), its frames are turned: boxes are then in pixels of what people see.
"""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vidkit.data.film import shown
from vidkit.data.film_frames import with_vectors
from vidkit.data.frames import read_image
from vidkit.errors import FrameError
from vidkit.reading_door import reading

Frame = NDArray[np.uint8]
"""`(H, W, 3)` RGB."""

CAMERAS = {"linux": ("v4l2", "/dev/video0"), "darwin": ("avfoundation", "default"), "win32": ("dshow", "video=0")}
"""The operating system's way to a camera, and its first camera."""
FILMS = (".mp4", ".mov", ".mkv", ".avi", ".webm", ".m4v", ".mpg", ".mpeg", ".ts", ".wmv", ".flv")
PICTURES = (".jpg", ".jpeg", ".png", ".bmp", ".webp")


@dataclass(frozen=True)
class Footage:
    """Where frames are taken from: a film's file, "camera" or "camera:NAME", or images in the order of their names."""

    source: str
    pictures: tuple[Path, ...] = ()

    @property
    def name(self) -> str:
        """What a film of it is called."""
        return "camera" if self.is_camera else Path(self.source).stem or Path(self.source).resolve().name

    @property
    def is_camera(self) -> bool:
        """Whether it goes on until it is stopped."""
        return self.source == "camera" or self.source.startswith("camera:")

    def frames(self) -> Iterator[Frame]:
        """Yield the frames; see `frames_of` for the errors."""
        if self.pictures:
            return map(read_image, self.pictures)
        return frames_of(self.source)

    def rate(self) -> float | None:
        """The mean number of frames in a second as the film tells it; None where it doesn't, and for other sources."""
        if self.is_camera or self.pictures:
            return None
        with _opened(self.source) as container:
            rate = container.streams.video[0].average_rate
            return float(rate) if rate else None

    def promised(self) -> int | None:
        """How many frames there will be as far as it is told: for a bar of progress."""
        if self.is_camera:
            return None
        if self.pictures:
            return len(self.pictures)
        with _opened(self.source) as container:
            return container.streams.video[0].frames or None


def footage_of(sources: Sequence[str]) -> list[Footage]:
    """What there is at films, folders and cameras: of a folder the films in it, or else its images as one.

    Raises FrameError for a place without any.
    """
    found: list[Footage] = []
    for source in sources:
        folder = Path(source)
        if not folder.is_dir():
            found.append(Footage(source))
            continue
        files = sorted(each for each in folder.iterdir() if each.is_file())
        films = [Footage(str(each)) for each in files if each.suffix.lower() in FILMS]
        pictures = tuple(each for each in files if each.suffix.lower() in PICTURES)
        if not films and not pictures:
            raise FrameError(f"{source}: neither films ({' '.join(FILMS)}) nor images ({' '.join(PICTURES)}) in it")
        found += films or [Footage(source, pictures)]
    return found


def frames_of(source: str | Path) -> Iterator[Frame]:
    """Yield the frames of a video file, or of the camera for "camera", each `(H, W, 3)` uint8 RGB.

    "camera:NAME" is the camera of that name, such as camera:/dev/video1. Raises FrameError if PyAV isn't installed, the
    source can't be opened, holds no video or no frame of it, or breaks off in the middle.
    """
    n = 0
    with _opened(source) as container:
        stream = container.streams.video[0]
        promised = stream.frames
        with_vectors(stream)
        try:
            for frame in container.decode(stream):
                yield shown(frame)
                n += 1
        except _errors() as error:
            raise FrameError(f"{source}: broken after {n} frames: {error}; {_what_is_there(n)}") from None
    if n == 0:
        raise FrameError(f"{source}: no frame in it")
    if n < promised and _is_cut_short(source):
        raise FrameError(f"{source}: cut short, {n} frames of {promised}; {_what_is_there(n)}")


def _what_is_there(n: int) -> str:
    return f"take the first {n} alone, as --limit {n} does, or mend the file"


def _is_cut_short(source: str | Path) -> bool:
    """Whether a film says of packets that they lie behind the end of its file."""
    path = Path(source)
    if not path.is_file():
        return False
    size = path.stat().st_size
    with _opened(source) as container:
        entries = container.streams.video[0].index_entries
        return any(entry.pos + entry.size > size for entry in entries)


def _av() -> Any:
    try:
        import av
    except ImportError:
        raise FrameError("reading video needs PyAV; install it with `pip install av`") from None
    return av


def _errors() -> tuple[type[Exception], ...]:
    return (_av().FFmpegError, OSError, ValueError)


@contextmanager
def _opened(source: str | Path) -> Iterator[Any]:
    """A film or camera that has video, open."""
    place = Path(source) if Path(source).is_fifo() else str(source)  # a camera is a device, and may be read
    with (
        reading(place, FrameError, "a video that can be decoded, a folder or `camera`"),
        _open(_av(), source) as container,
    ):
        if not container.streams.video:
            raise FrameError(f"{source}: no video in it")
        yield container


def _open(av: Any, source: str | Path) -> Any:
    name = str(source)
    if name != "camera" and not name.startswith("camera:"):
        if not Path(name).is_file():
            raise FrameError(f"{source}: no such file; wanted a video file, a folder or `camera`")
        # An absolute path and the file protocol only: no name and no playlist makes FFmpeg read anything else.
        return av.open(str(Path(name).absolute()), options={"protocol_whitelist": "file"})
    form, first = CAMERAS.get(sys.platform, CAMERAS["linux"])
    return av.open(name.partition(":")[2] or first, format=form)
