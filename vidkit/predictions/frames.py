"""Which entry of a prediction file is which frame of the index."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vidkit.data.index import Index
from vidkit.errors import PredictionError
from vidkit.predictions.frame_lists import FrameList
from vidkit.predictions.options import ReadOptions
from vidkit.predictions.raw import ById, ByName, ByRow
from vidkit.predictions.report import Finding


@dataclass(frozen=True, eq=False)
class FrameBinding:
    """`row (D,)` is the frame row of each detection, -1 if not in the index; `covered (F,)` whether the
    file tells of a frame; `repeated_entries` counts entries about a frame that another entry is about already.
    """

    row: NDArray[np.int64]
    covered: NDArray[np.bool_]
    finding: Finding
    repeated_entries: int = 0
    warnings: tuple[str, ...] = ()


def bind_frames(
    frame: ByRow | ById | ByName, index: Index, listed: FrameList | None, options: ReadOptions, place: str
) -> FrameBinding:
    """Return which frame of `index` each detection belongs to; PredictionError where the file can't fit the index."""
    if isinstance(frame, ByRow):
        return _by_row(frame, index, listed, options, place)
    if isinstance(frame, ById):
        return _by_id(frame, index, listed, options, place)
    return _by_name(frame, index, listed)


def rows_of_frames(index: Index, video: NDArray[Any], number: NDArray[Any], ranks: bool = False) -> NDArray[np.int64]:
    """Return the rows of the frames `number` of the video rows `video`; -1 where there is no such frame.

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
    """Return the video row of each name, -1 if it is unknown.

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
    """Return what to do if the names differ from those of the index by the year of the challenge only, else ""."""
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


def _by_row(frame: ByRow, index: Index, listed: FrameList | None, options: ReadOptions, place: str) -> FrameBinding:
    of_entry = np.arange(index.n_frames, dtype=np.int64) if listed is None else listed.row
    if frame.n_rows != len(of_entry):
        raise PredictionError(f"{place}: {_count_mismatch(frame.n_rows, index, listed)}")
    source = "the order of the index" if listed is None else f"the order of {listed.path} ({listed.kind})"
    return _bound(of_entry[frame.row], of_entry, index, Finding(f"entry k is frame k in {source}", _how(listed)))


def _count_mismatch(n_rows: int, index: Index, listed: FrameList | None) -> str:
    if listed is None:
        wanted, more = (
            f"the index has {index.n_frames} frames",
            "give the list that the detector ran over: --frame-list",
        )
    else:
        wanted, more = f"{listed.path} has {len(listed.row)} frames", "give the list that the detector really ran over"
    if n_rows == index.n_videos or (listed is not None and n_rows == listed.n_lines):
        why = (
            "as many as there are videos: the detector took each line of a list of videos (VID_val_videos.txt) for "
            "one frame; run it again over the list of frames (VID_val_frames.txt)"
        )
    elif n_rows < index.n_frames:
        why = f"entries of a part of the frames, or lost by a run on several GPUs; {more}"
    else:
        why = f"entries of more data than the index has; {more}, or the index that it was made for: --index"
    return f"{n_rows} entries, but {wanted}: {why}"


def _by_id(frame: ById, index: Index, listed: FrameList | None, options: ReadOptions, place: str) -> FrameBinding:
    ids = frame.id
    if listed is not None:
        order = np.argsort(listed.id, kind="stable")
        at = np.minimum(np.searchsorted(listed.id[order], ids), max(len(order) - 1, 0))
        found = listed.id[order][at] == ids if len(order) else np.zeros(len(ids), bool)
        rows = np.where(found, listed.row[order][at] if len(order) else -1, -1)
        finding = Finding(f"ids of {listed.path} ({listed.kind})", "given")
        return _bound(rows, listed.row, index, finding)
    low, high = (int(ids.min()), int(ids.max())) if len(ids) else (0, 0)
    first, how = frame.first, "format"
    if first is None:
        first, how = (0 if len(ids) and low == 0 else 1), "guessed"
    if len(ids) and not options.partial and high - first + 1 == index.n_videos < index.n_frames:
        raise PredictionError(
            f"{place}: its frame ids end at {high}, the index has {index.n_frames} frames in {index.n_videos} videos: "
            "the detector seems to have taken each line of a list of videos (VID_val_videos.txt) for one frame. If it "
            "really ran over so few frames, give --partial"
        )
    rows = ids - first
    rows = np.where((rows >= 0) & (rows < index.n_frames), rows, -1)
    said = f"ids {low} … {high} in the file" if len(ids) else ""
    return _bound(rows, rows, index, Finding(f"id k is frame k - {first} in the order of the index", how, said))


def _by_name(frame: ByName, index: Index, listed: FrameList | None) -> FrameBinding:
    of_entry = rows_of_frames(index, video_rows(index, frame.video), frame.number, frame.numbers_are_ranks)
    missing = np.flatnonzero(of_entry < 0)
    warnings = []
    if len(missing):
        names = tuple(frame.video[e] for e in missing[:1000])
        first = f"{frame.video[missing[0]]} frame {frame.number[missing[0]]}"
        warnings.append(f"{len(missing)} frames aren't in the index, the first is {first}{year_hint(index, names)}")
    if listed is not None:
        warnings.append(f"{listed.path} wasn't needed: the file names its frames")
    bound = _bound(of_entry[frame.frame], of_entry, index, Finding("video and frame are named in the file", "format"))
    return FrameBinding(bound.row, bound.covered, bound.finding, bound.repeated_entries, tuple(warnings))


def _bound(rows: NDArray[np.int64], entries: NDArray[np.int64], index: Index, finding: Finding) -> FrameBinding:
    inside = entries[entries >= 0]
    covered = np.zeros(index.n_frames, bool)
    covered[inside] = True
    repeated = 0 if entries is rows else len(inside) - int(covered.sum())
    return FrameBinding(rows, covered, finding, repeated)


def _how(listed: FrameList | None) -> str:
    return "format" if listed is None else "given"
