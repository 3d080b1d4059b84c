"""An index of films that nobody annotated: what predictions of them are tied to."""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from vidkit.classes import ObjectClass
from vidkit.data.index import Index


class Film(NamedTuple):
    """A film as far as an index needs to know it."""

    name: str
    place: str
    """Where it came from; it takes the place of the name where several have the same."""
    width: int
    height: int
    n_frames: int


def unannotated(films: Sequence[Film], classes: Sequence[ObjectClass]) -> Index:
    """The index of films without a box, the frames of each counted from 0; no frame's objects are known."""
    counts = [film.n_frames for film in films]
    total, times = sum(counts), Counter(film.name for film in films)
    return Index(
        dataset="films",
        split="detected",
        classes=tuple(classes),
        video_name=tuple(film.name if times[film.name] == 1 else film.place for film in films),
        video_size=np.array([(film.width, film.height) for film in films], np.int32).reshape(-1, 2),
        frame_start=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        frame_number=np.concatenate([np.zeros(0), *(np.arange(n) for n in counts)]).astype(np.int32),
        instance_start=np.zeros(total + 1, np.int64),
        box=np.zeros((0, 4), np.float32),
        class_id=np.zeros(0, np.int16),
        track_id=np.zeros(0, np.int32),
        occluded=np.zeros(0, bool),
        generated=np.zeros(0, bool),
        annotated=np.zeros(total, bool),
    )
