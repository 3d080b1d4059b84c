"""Frames of the index found by the names that others give them."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vidkit.data.frame_names import number_at_end
from vidkit.data.index import Index
from vidkit.errors import PredictionError
from vidkit.predictions.raw import ByName


def split_frame_name(name: str, place: str) -> tuple[str, int]:
    """Video and frame number of a frame's name or path: "val/NAME/000012.JPEG" is ("val/NAME", 12).

    Raises PredictionError, which starts with `place`, for what isn't the name of a frame.
    """
    video, _, file = name.rpartition("/")
    stem = file.rsplit(".", 1)[0] if "." in file else file
    number = number_at_end(stem)
    if not video or number is None:
        raise PredictionError(f"{place}: {name[:80]!r} isn't the name of a frame; wanted VIDEO/NUMBER")
    return video, number


def named_frames(entry: NDArray[np.int64], names: Iterable[str], place: str) -> ByName:
    """The frames of detections whose entries `(D,)` are called so. Raises as `split_frame_name`."""
    split = [split_frame_name(name, place) for name in names]
    return ByName(entry, tuple(video for video, _ in split), np.array([number for _, number in split], np.int64))


def rows_of_frames(index: Index, video: NDArray[Any], number: NDArray[Any], ranks: bool = False) -> NDArray[np.int64]:
    """The rows of the frames `number` of the video rows `video`; -1 where there is no such frame.

    Numbers are those of the frames' files, or with `ranks` places within the video, from 0.
    """
    video, number = np.asarray(video, np.int64), np.asarray(number, np.int64)
    inside = (video >= 0) & (video < index.n_videos)
    of = np.where(inside, video, 0)
    if not index.n_frames:
        return np.full(len(video), -1, np.int64)
    if ranks:
        rows = index.frame_start[of] + number
        return np.where(inside & (number >= 0) & (rows < index.frame_start[of + 1]), rows, -1)
    low, high = int(index.frame_number.min()), int(index.frame_number.max())
    span = high - low + 1
    keys = index.frame_video.astype(np.int64) * span + (index.frame_number - low)
    wanted = of * span + (number - low)
    inside &= (number >= low) & (number <= high)
    at = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where(inside & (keys[at] == wanted), at, -1)


def video_rows(index: Index, names: tuple[str, ...]) -> NDArray[np.int64]:
    """The video row of each name, -1 if it is unknown.

    A name fits if it is equal, or else if its last part of a path is that of exactly one video of the index.
    """
    exact = {name: row for row, name in enumerate(index.video_name)}
    tails: dict[str, int] = {}
    for row, name in enumerate(index.video_name):
        tail = _tail(name)
        tails[tail] = -1 if tail in tails else row
    known = {name: exact[name] if name in exact else tails.get(_tail(name), -1) for name in set(names)}
    return np.array([known[name] for name in names], np.int64)


def year_hint(index: Index, names: tuple[str, ...]) -> str:
    """What to do if the names differ from those of the index by the year of the challenge only, else ""."""
    for ours, theirs in (("2015", "2017"), ("2017", "2015")):
        swapped = tuple(name.replace(theirs, ours) for name in names)
        if swapped != names and (video_rows(index, swapped) >= 0).any():
            return (
                f"; they are named as in ILSVRC{theirs}, the index has ILSVRC{ours} names: make a list of the index "
                "with `vidkit lists`, or prepare the index from the tree with those names"
            )
    return ""


def _tail(name: str) -> str:
    return name.rstrip("/").rsplit("/", 1)[-1]
