"""Which entry of a prediction file is which frame of the index."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vidkit.data.index import Index
from vidkit.errors import PredictionError
from vidkit.predictions.entry_lists import BoundFrameList
from vidkit.predictions.raw import ById, ByName, ByRow
from vidkit.predictions.read_options import ReadOptions
from vidkit.predictions.reading_report import Understood
from vidkit.predictions.videos import rows_of_frames, video_rows, year_hint


@dataclass(frozen=True, eq=False)
class FrameBinding:
    """`row (D,)` is the frame row of each detection, -1 if not in the index; `covered (F,)` whether the
    file tells of a frame; `repeated_entries` counts entries about a frame that another entry is about already.
    """

    row: NDArray[np.integer[Any]]
    covered: NDArray[np.bool_]
    finding: Understood
    repeated_entries: int = 0
    again: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    """The detections in such entries."""
    warnings: tuple[str, ...] = ()


def bind_frames(
    frame: ByRow | ById | ByName, index: Index, listed: BoundFrameList | None, options: ReadOptions, place: str
) -> FrameBinding:
    """Which frame of `index` each detection belongs to; PredictionError where the file can't fit the index."""
    if isinstance(frame, ByRow):
        return _by_row(frame, index, listed, options, place)
    if isinstance(frame, ById):
        return _by_id(frame, index, listed, options, place)
    return _by_name(frame, index, listed)


def _by_row(
    frame: ByRow, index: Index, listed: BoundFrameList | None, options: ReadOptions, place: str
) -> FrameBinding:
    of_entry = np.arange(index.n_frames, dtype=np.int64) if listed is None else listed.row
    if frame.n_rows != len(of_entry):
        raise PredictionError(f"{place}: {_count_mismatch(frame.n_rows, index, listed)}")
    source = "the order of the index" if listed is None else f"the order of {listed.path} ({listed.kind})"
    finding = Understood(f"entry k is frame k in {source}", _how(listed))
    row = of_entry[frame.row] if listed is not None else frame.row
    return _bound(row, of_entry, index, finding, frame.row)


def _count_mismatch(n_rows: int, index: Index, listed: BoundFrameList | None) -> str:
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


def _by_id(frame: ById, index: Index, listed: BoundFrameList | None, options: ReadOptions, place: str) -> FrameBinding:
    ids, entries = frame.id, frame.id if frame.entries is None else frame.entries
    low, high = (int(entries.min()), int(entries.max())) if len(entries) else (0, 0)
    first, how = frame.first, "format"
    if first is None:
        first, how = (0 if len(entries) and low == 0 else 1), "guessed"
    said = f"the file has ids {low} … {high}" if len(entries) else ""
    if listed is not None:
        lookup = _lookup(listed, first)
        finding = Understood(f"ids of {listed.path} ({listed.kind})", "given", said)
        return _bound(lookup(ids), lookup(entries), index, finding, frame.entry)
    if not options.partial and _ends_with_the_videos(entries, first, index):
        raise PredictionError(
            f"{place}: its frame ids end at {high}, the index has {index.n_frames} frames in {index.n_videos} videos: "
            "the detector seems to have taken each line of a list of videos (VID_val_videos.txt) for one frame. If it "
            "really ran over so few frames, give --partial"
        )

    def in_order(id: NDArray[np.int64]) -> NDArray[np.int64]:
        return np.asarray(np.where((id >= first) & (id - first < index.n_frames), id - first, -1), np.int64)

    finding = Understood(f"id {first} is the first frame of the index, the others follow in its order", how, said)
    return _bound(in_order(ids), in_order(entries), index, finding, frame.entry)


def _ends_with_the_videos(ids: NDArray[np.int64], first: int, index: Index) -> bool:
    """Whether the ids are about as many frames as the index has videos, though it has far more frames."""
    if not len(ids) or index.n_videos < 10 or index.n_frames < 10 * index.n_videos:
        return False
    return int(ids.max()) - first + 1 == index.n_videos and len(np.unique(ids)) > index.n_videos / 2


def _lookup(listed: BoundFrameList, first: int) -> Callable[[NDArray[np.int64]], NDArray[np.int64]]:
    """The function from ids to rows of the index; -1 for ids that the list doesn't have.

    Ids that count from 0 are the places of the list's lines, as in loaders that number them so.
    """
    stated = np.arange(len(listed.id)) if first == 0 else listed.id
    order = np.argsort(stated, kind="stable")
    ids, rows = stated[order], listed.row[order]

    def row_of(id: NDArray[np.int64]) -> NDArray[np.int64]:
        found = np.full(len(id), -1, np.int64)
        if len(ids):
            at = np.minimum(np.searchsorted(ids, id), len(ids) - 1)
            found[:] = np.where(ids[at] == id, rows[at], -1)
        return found

    return row_of


def _by_name(frame: ByName, index: Index, listed: BoundFrameList | None) -> FrameBinding:
    video = video_rows(index, frame.video)
    if frame.videos_are_rows and (video < 0).all():
        video = np.array([int(name) if int(name) < index.n_videos else -1 for name in frame.video], np.int64)
    finding = Understood("video and frame number are named in the file", "format")
    if frame.counted_from == 1 and len(set(frame.video)) == 1 == index.n_videos and (video < 0).all():
        video = np.zeros(len(video), np.int64)
        finding = Understood(f"the file is about the only video of the index, {index.video_name[0]}", "guessed")
    of_entry = rows_of_frames(index, video, frame.number - _first_off(frame, video, index))
    missing = np.flatnonzero(of_entry < 0)
    warnings = []
    if len(missing):
        names = tuple(dict.fromkeys(frame.video[e] for e in missing.tolist()))
        first = f"{frame.video[missing[0]]} frame {frame.number[missing[0]]}"
        warnings.append(f"{len(missing)} frames aren't in the index, the first is {first}{year_hint(index, names)}")
    if listed is not None:
        warnings.append(f"{listed.path} wasn't needed: the file names its frames")
    rows = of_entry[frame.frame] if len(of_entry) else np.full(len(frame.frame), -1, np.int64)
    return _bound(np.where(frame.frame >= 0, rows, -1), of_entry, index, finding, frame.frame, tuple(warnings))


def _first_off(frame: ByName, video: NDArray[np.int64], index: Index) -> NDArray[np.int64]:
    """What to take from each number: 1 where frames are counted from 1 and the video's files from 0."""
    if frame.counted_from == 0 or not index.n_frames:
        return np.zeros(len(video), np.int64)
    first = index.frame_number[np.minimum(index.frame_start[np.maximum(video, 0)], index.n_frames - 1)]
    off: NDArray[np.int64] = (first == 0).astype(np.int64)
    return off


def _bound(
    rows: NDArray[np.integer[Any]],
    of_entry: NDArray[np.int64],
    index: Index,
    finding: Understood,
    entry: NDArray[np.integer[Any]] | None = None,
    warnings: tuple[str, ...] = (),
) -> FrameBinding:
    """The binding; `of_entry` are the frames of the file's entries, `entry (D,)` which one a detection is in.

    Without `entry` the file has no entries, and `of_entry` are the frames of its detections.
    """
    covered = np.zeros(index.n_frames, bool)
    covered[of_entry[of_entry >= 0]] = True
    repeated = np.zeros(len(of_entry), bool)
    if entry is not None:
        _, first = np.unique(of_entry, return_index=True)
        repeated = of_entry >= 0
        repeated[first] = False
    again = np.zeros(0, np.int64)
    if entry is not None and repeated.any():
        again = np.flatnonzero(repeated[np.maximum(entry, 0)] & (entry >= 0))
    return FrameBinding(rows, covered, finding, int(repeated.sum()), again, warnings)


def _how(listed: BoundFrameList | None) -> str:
    return "format" if listed is None else "given"
