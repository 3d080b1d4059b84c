"""A data set as one of the readers of other sources found it, whole: ready for `vidkit.data.stack`."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from vidkit.classes import ObjectClass
from vidkit.data.records import LeftOut, VideoTable
from vidkit.errors import AnnotationError

MAX_PIXELS = 1_000_000
"""No coordinate and no side of a box is larger."""


@dataclass(frozen=True)
class Source:
    """Its classes, its videos, the folder that their frames are relative to, and what isn't among the videos."""

    classes: tuple[ObjectClass, ...]
    videos: tuple[VideoTable, ...]
    root: Path
    left_out: tuple[LeftOut, ...] = ()
    class_ids: tuple[str, ...] | None = None
    """How the source itself numbers its classes, as text, in their order."""
    lists_frames: bool = False
    """Whether the videos are the frames that the source lists, so that others may lie between them, unannotated."""


def check_names(place: str, videos: tuple[VideoTable, ...]) -> None:
    """Raise AnnotationError where two videos have one name."""
    twice = next((name for name, n in Counter(video.name for video in videos).items() if n > 1), None)
    if twice is not None:
        raise AnnotationError(f"{place}: two videos are called {twice!r}; names of videos (or images) must differ")
