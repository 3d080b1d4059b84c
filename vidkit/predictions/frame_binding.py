"""Which entry of a prediction file is which frame of the index."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vidkit.data.index import Index
from vidkit.errors import PredictionError
from vidkit.predictions.distinct import distinct
from vidkit.predictions.entry_lists import BoundFrameList
from vidkit.predictions.frame_ways import (
    IDS,
    ORDER,
    Finder,
    listed_rows,
    option,
    scrambled,
    ways_of_ids,
    ways_of_listed_ids,
    ways_of_numbers,
    ways_of_texts,
)
from vidkit.predictions.raw import ById, ByName, ByRow, ByText, FrameKeys
from vidkit.predictions.read_options import ReadOptions
from vidkit.predictions.reading_report import Understood
from vidkit.predictions.readings import Way, Ways
from vidkit.predictions.videos import year_hint

_ORDERS = (ORDER, IDS)


@dataclass(frozen=True, eq=False)
class BoundFrames:
    """`covered (F,)` whether a file tells of a frame; how many entries are about a frame that another is about already,
    and the detections in such.
    """

    covered: NDArray[np.bool_]
    repeated_entries: int = 0
    again: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))


@dataclass(frozen=True, eq=False)
class FrameBinding:
    """How the frames of a file may be meant: `keys (D,)` is what it calls the frame of each detection.

    `entries (E,)` are the keys of all frames that it speaks of, and `entry (D,)` which of them a detection is in;
    without it the file has no entries but its detections.
    """

    ways: Ways[Finder]
    keys: NDArray[np.integer[Any]]
    entries: NDArray[np.integer[Any]]
    entry: NDArray[np.integer[Any]] | None = None

    def row(self) -> NDArray[np.integer[Any]]:
        """The frame row of each detection, `(D,)`, -1 if not in the index."""
        return self.ways.taken.take(self.keys)

    def bound(self, index: Index) -> BoundFrames:
        """The frames as they were understood."""
        of_entry = self.ways.taken.take(self.entries)
        covered = np.zeros(index.n_frames, bool)
        covered[of_entry[of_entry >= 0]] = True
        repeated = np.zeros(len(of_entry), bool)
        again = np.zeros(0, np.int64)
        if self.entry is not None:
            _, first = np.unique(of_entry, return_index=True)
            repeated = of_entry >= 0
            repeated[first] = False
            if repeated.any():
                again = np.flatnonzero(repeated[np.maximum(self.entry, 0)] & (self.entry >= 0))
        return BoundFrames(covered, int(repeated.sum()), again)


def bind_frames(
    frame: FrameKeys, index: Index, listed: BoundFrameList | None, options: ReadOptions, place: str
) -> FrameBinding:
    """Which frame of `index` each detection belongs to; PredictionError where the file can't fit the index."""
    if isinstance(frame, ByRow):
        return FrameBinding(
            _ways_of_rows(frame, index, listed, options, place), frame.row, np.arange(frame.n_rows), frame.row
        )
    if options.frames_from in _ORDERS:
        raise PredictionError(
            f"{place}: {option(options.frames_from)} is for a list with an entry for each frame; this file says which "
            "frame is which"
        )
    if isinstance(frame, ById):
        return _by_id(frame, index, listed, options, place)
    if isinstance(frame, ByText):
        ways = ways_of_texts(frame, index, options.frames_from, place)
        return FrameBinding(ways, frame.frame, np.arange(len(frame.name)), frame.frame)
    ways = ways_of_numbers(frame, index, options.frames_from, place)
    return FrameBinding(ways, frame.frame, np.arange(len(frame.number)), frame.frame)


def doubts_of(frame: FrameKeys, binding: FrameBinding, index: Index, listed: BoundFrameList | None) -> tuple[str, ...]:
    """Warnings about frames that aren't in the index, and a list that wasn't needed."""
    warnings = []
    if isinstance(frame, ById):
        without = distinct(binding.entries)
        without = without[binding.ways.taken.take(without) < 0]
        if len(without):
            few = ", ".join(map(str, without[:5].tolist())) + (" …" if len(without) > 5 else "")
            warnings.append(f"{len(without)} ids aren't in the index: {few} ({binding.ways.taken.said.value})")
    if isinstance(frame, ByName | ByText):
        missing = np.flatnonzero(binding.ways.taken.take(binding.entries) < 0)
        if len(missing):
            names = tuple(dict.fromkeys((frame.video if isinstance(frame, ByName) else frame.name)[e] for e in missing))
            number = f" frame {frame.number[missing[0]]}" if isinstance(frame, ByName) else ""
            hint = year_hint(index, names)
            warnings.append(f"{len(missing)} frames aren't in the index, the first is {names[0]}{number}{hint}")
        if listed is not None:
            warnings.append(f"{listed.path} wasn't needed: the file names its frames")
    return tuple(warnings)


def _ways_of_rows(
    frame: ByRow, index: Index, listed: BoundFrameList | None, options: ReadOptions, place: str
) -> Ways[Finder]:
    wanted = options.frames_from
    if wanted not in (None, *_ORDERS):
        raise PredictionError(
            f"{place}: {option(wanted)}: a list's entries have no numbers; wanted {' or '.join(_ORDERS)}"
        )
    of_entry = np.arange(index.n_frames, dtype=np.int64) if listed is None else listed.row
    if listed is None and frame.n_rows == len(listed_rows(index)) < index.n_frames:
        said = Understood("entry k is the k-th annotated frame of the index", "format")
        way = _listed_way(listed_rows(index), said, ORDER)
        return Ways((way,), scrambled=scrambled(way, index))
    if frame.n_rows != len(of_entry):
        raise PredictionError(f"{place}: {_count_mismatch(frame.n_rows, index, listed)}")
    source = "the order of the index" if listed is None else f"the order of {listed.path} ({listed.kind})"
    how = "given" if listed is not None or wanted == ORDER else "format"
    in_order = _listed_way(
        None if listed is None else of_entry, Understood(f"entry k is frame k in {source}", how), ORDER
    )
    if listed is not None or wanted == ORDER:
        return Ways((in_order,))
    by_id = _in_order_of_ids(index, "guessed" if wanted is None else "given")
    if wanted == IDS:
        if by_id is None:
            raise PredictionError(f"{place}: {option(IDS)}: the index has no image ids that are whole numbers")
        return Ways((by_id,))
    other = scrambled(in_order, index)
    return Ways((in_order,) if by_id is None else (in_order, by_id), is_guess=by_id is not None, scrambled=other)


def _listed_way(of_entry: NDArray[np.int64] | None, said: Understood, order: str) -> Way[Finder]:
    def find(entry: NDArray[np.integer[Any]]) -> NDArray[np.integer[Any]]:
        return entry if of_entry is None else of_entry[entry]

    return Way(find, said, option(order))


def _in_order_of_ids(index: Index, how: str) -> Way[Finder] | None:
    """The entries in the order of the source's image ids, where that is another one than the index has."""
    if index.called.frame_id is None or not all(id.isdigit() for id in index.called.frame_id.tolist()):
        return None
    order = np.argsort(index.called.frame_id.astype(np.int64), kind="stable")
    if how == "guessed" and (np.diff(order) > 0).all():
        return None
    return _listed_way(order, Understood("entry k is the frame of the k-th image id of the source", how), IDS)


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
    entries = frame.id if frame.entries is None else frame.entries
    keys = distinct(entries)
    if listed is not None and options.frames_from is None:
        return FrameBinding(ways_of_listed_ids(frame, keys, listed), frame.id, entries, frame.entry)
    ways = ways_of_ids(frame, keys, index, options.frames_from, place)
    first = 1 if frame.first is None else frame.first
    by_order = ways.taken.option in (option(0), option(1))
    if not options.partial and by_order and _ends_with_the_videos(keys, first, index):
        raise PredictionError(
            f"{place}: its frame ids end at {keys.max()}, the index has {index.n_frames} frames in {index.n_videos} "
            "videos: the detector seems to have taken each line of a list of videos (VID_val_videos.txt) for one "
            "frame. If it really ran over so few frames, give --partial"
        )
    return FrameBinding(ways, frame.id, entries, frame.entry)


def _ends_with_the_videos(ids: NDArray[np.int64], first: int, index: Index) -> bool:
    """Whether the ids are about as many frames as the index has videos, though it has far more frames."""
    if not len(ids) or index.n_videos < 10 or index.n_frames < 10 * index.n_videos:
        return False
    return int(ids.max()) - first + 1 == index.n_videos and len(ids) > index.n_videos / 2
