"""Frames of the index found by the names that others give them."""

import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vidkit.data.index import Index

_FILM = re.compile(r"\.(?:mp4|m4v|mov|avi|mkv|webm|mpe?g)$", re.IGNORECASE)


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
    return rows_of_keys(index, index.frame_number, video, number)


def rows_of_keys(
    index: Index, numbers: NDArray[np.integer[Any]], video: NDArray[np.int64], number: NDArray[np.int64]
) -> NDArray[np.int64]:
    """The rows of the frames that `numbers (F,)` calls `number` in the video rows `video`; -1 where there is none.

    Frames of a negative number are called nothing.
    """
    if not index.n_frames or not len(video):
        return np.full(len(video), -1, np.int64)
    low, high = int(numbers.min()), int(numbers.max())
    span = high - low + 1
    keys = index.frame_video.astype(np.int64) * span + (numbers.astype(np.int64) - low)
    order = np.argsort(keys, kind="stable")
    inside = (video >= 0) & (video < index.n_videos) & (number >= max(low, 0)) & (number <= high)
    wanted = np.where(inside, video * span + (number - low), -1)
    at = order[np.minimum(np.searchsorted(keys, wanted, sorter=order), len(keys) - 1)]
    return np.where(inside & (keys[at] == wanted), at, -1)


def video_rows(index: Index, names: tuple[str, ...]) -> NDArray[np.int64]:
    """The video row of each name, -1 if it is unknown.

    A name fits if it is equal, or else if its last part of a path, a film's without the suffix, is that of exactly one
    video of the index.
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
    return _FILM.sub("", name.rstrip("/\\").replace("\\", "/").rsplit("/", 1)[-1])
