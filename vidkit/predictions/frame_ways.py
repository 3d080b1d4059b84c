"""The ways in which the ids, numbers and names of a prediction file may mean frames of the index."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vidkit.data.frame_names import number_at_end
from vidkit.data.index import Index
from vidkit.errors import PredictionError
from vidkit.predictions.entry_lists import BoundFrameList
from vidkit.predictions.raw import ById, ByName, ByText
from vidkit.predictions.reading_report import Understood
from vidkit.predictions.readings import Way, Ways
from vidkit.predictions.source_frames import join_by_text, paths_of, video_and_number
from vidkit.predictions.videos import rows_of_keys, video_rows

Finder = Callable[[NDArray[np.integer[Any]]], NDArray[np.integer[Any]]]
"""From what a file calls frames to their rows in the index, -1 where there is no such frame."""
FrameWay = Way[Finder]
SOURCE, INDEX, FILES, ORDER, IDS = "source", "index", "files", "order", "ids"
_SAID = "--frames-from"
_NAMED = f"{SOURCE}, {INDEX}, {FILES}, {ORDER} or {IDS}"


def option(value: object) -> str:
    """What to type to say where frames are counted from."""
    return f"{_SAID} {value}"


def sorted_ways(
    ways: Iterable[FrameWay], keys: NDArray[np.int64], is_guess: Callable[[FrameWay], bool]
) -> Ways[Finder]:
    """The ways that find the most of the frames called `keys`, without those that find the same as an earlier one."""
    found: list[tuple[int, NDArray[Any], FrameWay]] = []
    for way in ways:
        rows = way.take(keys)
        if not any(np.array_equal(rows, other) for _, other, _ in found):
            found.append((int((rows >= 0).sum()), rows, way))
    most = max(n for n, _, _ in found)
    kept = [way for n, _, way in found if n == most]
    return Ways(tuple(kept), is_guess(kept[0]))


def with_rule_first(rule: FrameWay, others: Iterable[FrameWay], keys: NDArray[np.int64]) -> Ways[Finder]:
    """The format's rule, and the other ways that find as much and something else."""
    rows = rule.take(keys)
    n = int((rows >= 0).sum())
    kept = [rule]
    for way in others:
        there = way.take(keys)
        if (there >= 0).sum() >= n and not np.array_equal(there, rows):
            kept.append(way)
    return Ways(tuple(kept))


# -- image ids ---------------------------------------------------------------------------------------------------------


def ways_of_ids(frame: ById, keys: NDArray[np.int64], index: Index, wanted: str | None, place: str) -> Ways[Finder]:
    """The ways of image ids; `keys` are those of the file, each once."""
    said = f"the file has ids {keys.min()} … {keys.max()}" if len(keys) else ""
    source, files = _source_ids(index, said), _file_numbers(index, said)
    if wanted is not None:
        if wanted in (SOURCE, INDEX, FILES):
            way = files if wanted == FILES else source or _numbers_of_the_video(index, said)
            if way is None:
                what = "file names with a number each, which differ" if wanted == FILES else "image ids"
                raise PredictionError(f"{place}: {option(wanted)}: the index has no {what}")
            return Ways((_given(way),))
        return Ways((_given(_ids_from(_number(wanted, place), index, said)),))
    rule = None if frame.first is None else _ids_from(frame.first, index, said, "format")
    zero_first = bool(len(keys) and keys.min() == 0)
    starts = [_ids_from(start, index, said) for start in ((0, 1) if zero_first else (1, 0))]
    if index.annotated is not None:
        starts += [_ids_of_listed(start, index, said) for start in (0, 1)]
    others = [way for way in (source, _numbers_of_the_video(index, said), *starts, files) if way is not None]
    ways = (
        sorted_ways(others, keys, lambda way: way.said.how == "guessed")
        if rule is None
        else with_rule_first(rule, others, keys)
    )
    if len(keys) and (ways.taken.take(keys) < 0).all():
        raise PredictionError(f"{place}: {_no_id(keys, source, index)}")
    if rule is None:
        ways = replace(ways, scrambled=scrambled(ways.taken, index))
    if source is None or rule is not None or ways.taken is source:
        return ways
    known = int((source.take(keys) >= 0).sum())
    against = f"{known} of its {len(keys)} ids are image ids of the source, which are {_shown_ids(index)}"
    return replace(ways, against=against)


def scrambled(way: FrameWay, index: Index) -> FrameWay:
    """The frames that a way finds, in the reverse order."""

    def find(keys: NDArray[np.integer[Any]]) -> NDArray[np.integer[Any]]:
        rows = way.take(keys)
        return np.where(rows >= 0, index.n_frames - 1 - rows, -1)

    return Way(find, Understood("frames in another order", "guessed"), "--frame-list FILE, or --image-ids FILE.json")


def _no_id(keys: NDArray[np.int64], source: FrameWay | None, index: Index) -> str:
    has = f"{index.n_frames} frames" if source is None else f"the image ids {_shown_ids(index)}"
    return (
        f"its ids {keys[0]} … {keys[-1]} are none of the index, which has {has}. If they count the frames in its "
        f"order: {option(keys[0])}, where {keys[0]} is the id of the first; if they are those of another file: "
        "--image-ids FILE.json"
    )


def _shown_ids(index: Index) -> str:
    ids = [] if index.called.frame_id is None else [id.decode() for id in index.called.frame_id.tolist()]
    return ", ".join(ids[:3]) + (f" … {ids[-1]}" if len(ids) > 3 else "")


def _given(way: FrameWay) -> FrameWay:
    return Way(way.take, Understood(way.said.value, "given", way.said.evidence), way.option)


def _number(text: str, place: str) -> int:
    if text.removeprefix("-").isdecimal() and len(text) < 10:
        return int(text)
    raise PredictionError(f"{place}: {option(text)}: wanted a whole number, {_NAMED}")


def _ids_from(first: int, index: Index, said: str, how: str = "guessed") -> FrameWay:
    def find(ids: NDArray[np.integer[Any]]) -> NDArray[np.int64]:
        inside = (ids >= first) & (ids - first < index.n_frames)
        return np.asarray(np.where(inside, ids - first, -1), np.int64)

    text = f"id {first} is the first frame of the index, the others follow in its order"
    return Way(find, Understood(text, how, said), option(first))


def _ids_of_listed(first: int, index: Index, said: str) -> FrameWay:
    """Ids that count the annotated frames, where the index has others between them."""
    rows = listed_rows(index)
    text = f"id {first} is the first annotated frame of the index, the others follow in its order"
    way = _finder({first + k: row for k, row in enumerate(rows.tolist())})
    return Way(way, Understood(text, "guessed", said), option(first))


def listed_rows(index: Index) -> NDArray[np.int64]:
    """The rows of the annotated frames: those that the source lists."""
    return np.arange(index.n_frames) if index.annotated is None else np.flatnonzero(index.annotated)


def _source_ids(index: Index, said: str) -> FrameWay | None:
    if index.called.frame_id is None:
        return None
    ids = {int(text): row for row, text in enumerate(index.called.frame_id.tolist()) if text.isdigit()}
    text = "ids are the image ids of the source"
    return Way(_finder(ids), Understood(text, "source", said), option(SOURCE)) if ids else None


def _file_numbers(index: Index, said: str) -> FrameWay | None:
    numbers = [number_at_end(path.rpartition(".")[0] or path) for path in paths_of(index)]
    known = {number: row for row, number in enumerate(numbers) if number is not None}
    if not known or len(known) < len(numbers):
        return None
    return Way(_finder(known), Understood("ids are the numbers in the files' names", "guessed", said), option(FILES))


def _numbers_of_the_video(index: Index, said: str) -> FrameWay | None:
    """Ids that are the numbers of the frames, where all are of one video."""
    if index.n_videos != 1 or not index.n_frames:
        return None
    of = index.frame_number if index.called.frame_number is None else index.called.frame_number
    row_of = {number: row for row, number in enumerate(of.tolist()) if number >= 0}
    text = f"ids are frame numbers of {index.video_name[0]}, the only video, as the source has them"
    return Way(_finder(row_of), Understood(text, "guessed", said), option(SOURCE)) if row_of else None


def _finder(row_of: Mapping[int, int]) -> Finder:
    known = np.array(sorted(row_of), np.int64)
    rows = np.array([row_of[key] for key in known.tolist()], np.int64)

    def find(keys: NDArray[np.integer[Any]]) -> NDArray[np.int64]:
        at = np.minimum(np.searchsorted(known, keys), len(known) - 1)
        return np.asarray(np.where(known[at] == keys, rows[at], -1), np.int64)

    return find


def ways_of_listed_ids(frame: ById, keys: NDArray[np.int64], listed: BoundFrameList) -> Ways[Finder]:
    """The ways of ids that are those of a frame list, or from 0 the places of its lines."""
    source = f"{listed.path} ({listed.kind})"
    ids = Way(
        _finder(dict(zip(listed.id.tolist(), listed.row.tolist(), strict=True))),
        Understood(f"ids of {source}", "given"),
        option(1),
    )
    places = Way(
        _finder(dict(enumerate(listed.row.tolist()))),
        Understood(f"ids from 0 in the order of {source}", "given"),
        option(0),
    )
    from_0 = frame.first == 0 or (frame.first is None and bool(len(keys)) and keys.min() == 0)
    return Ways((places,) if from_0 else (ids, places) if frame.first is None else (ids,))


# -- video and frame number --------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Numbering:
    """How frames may be numbered: `number (F,)` of each frame of the index, -1 where it has none."""

    number: NDArray[np.int64]
    said: str
    option: str


def ways_of_numbers(frame: ByName, index: Index, wanted: str | None, place: str) -> Ways[Finder]:
    """The ways of frames that are named by video and number."""
    keys = np.arange(len(frame.number))
    videos = _videos_of(frame, index)
    if wanted is not None:
        video, told = videos[0]
        numbering = _asked_for(wanted, frame, video, index, place)
        return Ways((_given(_numbered(frame, video, index, numbering, told)),))
    if frame.are_of_index:
        numberings = [_of_index(index)]
    elif frame.are_places:
        numberings = [_places(index)]
    else:
        numberings = [*([_rule_from_1(index)] if frame.counted_from == 1 else []), *_numberings(index)]
    if frame.are_of_files:
        numberings.sort(key=lambda numbering: numbering.option != option(FILES))
    ways = [_numbered(frame, video, index, n, told) for video, told in videos for n in numberings]
    if frame.counted_from == 1 or frame.are_places or frame.are_of_index:
        return with_rule_first(replace(ways[0], said=replace(ways[0].said, how="format")), ways[1:], keys)
    return sorted_ways(ways, keys, lambda way: True)


def _videos_of(frame: ByName, index: Index) -> list[tuple[NDArray[np.int64], str]]:
    """The ways to tell the video row of each entry, and what is said of them."""
    video = video_rows(index, frame.video)
    if (video >= 0).any() or not len(video):
        return [(video, "")]
    if frame.videos_are_rows and (index.n_videos > 1 or len(set(frame.video)) > 1):
        rows = np.array([int(name) for name in frame.video], np.int64)
        return [
            (
                np.where((rows >= k) & (rows - k < index.n_videos), rows - k, -1),
                f"video {k} is the first of the index (or give the videos' names)",
            )
            for k in ((1, 0) if frame.are_places else (0, 1))
        ]
    if len(set(frame.video)) == 1 == index.n_videos:
        return [(np.zeros(len(video), np.int64), f"the file is about {index.video_name[0]}, the only video")]
    return [(video, "")]


def _numbered(
    frame: ByName, video: NDArray[np.int64], index: Index, by: _Numbering, told: str, how: str = "guessed"
) -> FrameWay:
    rows = rows_of_keys(index, by.number, video, frame.number)

    def find(entry: NDArray[np.integer[Any]]) -> NDArray[np.int64]:
        return np.where(entry >= 0, rows[entry], -1) if len(rows) else np.full(len(entry), -1, np.int64)

    said = f"video and frame number; {by.said}{'; ' if told else ''}{told}"
    return Way(find, Understood(said, how), by.option)


def _numberings(index: Index) -> list[_Numbering]:
    """How a file may number the frames of a video, most likely first."""
    ways = []
    if index.called.frame_number is not None:
        ways.append(_Numbering(index.called.frame_number, "numbers as the source writes them", option(SOURCE)))
    ways.append(_of_index(index))
    files = _numbers_of_files(index)
    if files is not None:
        ways.append(_Numbering(files, "numbers as in the files' names", option(FILES)))
    return [*ways, *(_from(start, index) for start in (0, 1))]


def _of_index(index: Index) -> _Numbering:
    return _Numbering(index.frame_number.astype(np.int64), "numbers as the index has them", option(INDEX))


def _numbers_of_files(index: Index) -> NDArray[np.int64] | None:
    numbers = [number_at_end(path.rpartition(".")[0] or path) for path in paths_of(index)]
    return None if None in numbers or not numbers else np.array(numbers, np.int64)


def _from(first: int, index: Index) -> _Numbering:
    """The first frame of each video has the number `first`, the others follow as they are numbered."""
    own, starts = index.frame_number.astype(np.int64), index.frame_start[:-1]
    filled = starts[np.diff(index.frame_start) > 0]
    lowest = np.repeat(own[filled], np.diff(np.append(filled, index.n_frames)))
    return _Numbering(own - lowest + first, f"numbers from {first} at a video's first frame", option(first))


def _places(index: Index) -> _Numbering:
    """From 0 among the frames that the source lists; others, between them, are called nothing."""
    listed = np.ones(index.n_frames, np.int64) if index.annotated is None else index.annotated.astype(np.int64)
    count = np.cumsum(listed) - listed
    before = count[np.minimum(index.frame_start[:-1], max(index.n_frames - 1, 0))] if index.n_frames else count
    places = count - before[index.frame_video] if index.n_frames else count
    return _Numbering(np.where(listed == 1, places, -1), "places among a video's frames, from 0", option(0))


def _rule_from_1(index: Index) -> _Numbering:
    """From 1; where the files of a video have other numbers than from 0, these."""
    own = index.frame_number.astype(np.int64)
    from_1 = _from(1, index)
    lowest = own - from_1.number + 1
    return _Numbering(np.where(lowest == 0, own + 1, own), "numbers from 1", option(1))


def _asked_for(wanted: str, frame: ByName, video: NDArray[np.int64], index: Index, place: str) -> _Numbering:
    if wanted == FILES:
        files = _numbers_of_files(index)
        if files is None:
            raise PredictionError(f"{place}: {option(FILES)}: the index doesn't know the names of the frames' files")
        return _Numbering(files, "numbers as in the files' names", option(FILES))
    if wanted in (SOURCE, INDEX):
        return _numberings(index)[0] if wanted == SOURCE else _of_index(index)
    first = _number(wanted, place)
    stepped = _from(first, index)
    ranks = np.arange(index.n_frames) - index.frame_start[index.frame_video] + first
    in_order = _Numbering(ranks, f"numbers from {first} at a video's first frame, without gaps", option(first))
    counts = [(rows_of_keys(index, n.number, video, frame.number) >= 0).sum() for n in (stepped, in_order)]
    return in_order if counts[1] > counts[0] else stepped


# -- texts -------------------------------------------------------------------------------------------------------------


def ways_of_texts(frame: ByText, index: Index, wanted: str | None, place: str) -> Ways[Finder]:
    """The ways of frames that are named by a text: as the source names them, else by its video and number.

    Names may be those of frames that someone numbered otherwise, so the numbers are held against the names.
    """
    named = _as_numbers(frame, index)
    if wanted not in (None, SOURCE):
        if named is None:
            raise PredictionError(f"{place}: {_SAID} is for frames with a number; {_example(frame.name)} has none")
        return ways_of_numbers(named, index, wanted, place)
    keys = np.arange(len(frame.name))
    joined = join_by_text(index, frame.name)
    n_joined = int((joined.row >= 0).sum())
    by_name = _by_rows(joined.row, Understood(joined.by, "source"))
    if wanted == SOURCE and n_joined:
        return Ways((_given(by_name),))
    by_number = None if named is None else ways_of_numbers(named, index, None, place)
    if by_number is not None and int((by_number.taken.take(keys) >= 0).sum()) > n_joined:
        return by_number
    if len(keys) and not n_joined:
        raise PredictionError(f"{place}: {_nothing_found(frame.name, index, joined.n_ambiguous)}")
    return with_rule_first(by_name, () if by_number is None else by_number.all, keys)


def _by_rows(rows: NDArray[np.int64], said: Understood) -> FrameWay:
    return Way(lambda entry: np.asarray(np.where(entry >= 0, rows[entry], -1), np.int64), said, option(SOURCE))


def _as_numbers(frame: ByText, index: Index) -> ByName | None:
    """The frames by video and number, where all names tell them."""
    videos = {name for full in index.video_name for name in (full, full.rpartition("/")[2], full.replace("/", "_"))}
    told = [video_and_number(name, videos) for name in frame.name]
    known = [one for one in told if one is not None]
    if len(known) < len(told):
        return None
    alternatives = max((len(names) for names, _ in known), default=1)
    rows = [video_rows(index, tuple(names[min(k, len(names) - 1)] for names, _ in known)) for k in range(alternatives)]
    best = max(range(alternatives), key=lambda k: int((rows[k] >= 0).sum()), default=0)
    chosen = tuple(names[min(best, len(names) - 1)] for names, _ in known)
    numbers = np.array([n for _, n in known], np.int64)
    return ByName(frame.frame, chosen, numbers, frame.counted_from, are_of_files=frame.counted_from == 0)


def _example(names: Sequence[str]) -> str:
    return repr(names[0][:80]) if names else "the file"


def _nothing_found(names: Sequence[str], index: Index, n_ambiguous: int) -> str:
    has = [path for path in paths_of(index)[:1] if path] or [f"{index.video_name[0]}, number {index.frame_number[0]}"]
    if n_ambiguous:
        return (
            f"{n_ambiguous} of {len(names)} names, the first is {_example(names)}, fit several frames of the index: "
            "name frames with their folders, as VIDEO/FILE"
        )
    return (
        f"none of its {len(names)} frames is in the index: the first is called {_example(names)}, that of the index "
        f"{has[0]!r}. Is it the right index (--index)? If the names mean nothing, give a CSV with video and frame"
    )
