"""Frame lists of the field, in every form in use: read, and written for any tree.

Each line starts with a path below `Data/VID` or `Data/DET`, `SPLIT/VIDEO` or `SPLIT/IMAGE`, without suffix. Forms, told
apart by their content:

- FRAMES, `path 1 frame length`: single frames of videos (VID_train_15frames.txt); or with a global id in place of the
  constant 1, one line for each frame (MEGA's form of VID_val_videos.txt).
- VIDEOS, `path first-id 0 length`: whole videos (VID_val_videos.txt). Ids count the frames of the list from 1.
- FRAME_IDS, `path/frame id`: single frames (VID_val_frames.txt and ILSVRC's own val.txt).
- IMAGES, `path 1`: still images (DET_train_30classes.txt).

`frame` is the number of the image file, from 0; `length` the number of frames of the whole video.
"""

import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from vidkit.data.annotation import read_bytes
from vidkit.errors import AnnotationError
from vidkit.reading_door import reading

FRAMES, VIDEOS, FRAME_IDS, IMAGES = "frames", "videos", "frame ids", "images"
MAX_LIST_BYTES = 1 << 28
WANTED = "a frame list of the field, in UTF-8"
_LONGEST_NUMBER = 9  # digits: an index holds no larger ones


@dataclass(frozen=True)
class ListEntry:
    """A video or still image of a list: what the list says of it, from all its lines."""

    split: str
    name: str  # below the split
    line: int  # where it stands first, from 1
    frames: tuple[int, ...] | None = None  # ascending; None: all
    ids: tuple[int, ...] | None = None  # global ids of `frames`, from 1
    length: int | None = None  # frames of the whole video
    first_id: int | None = None  # global id of its first frame, from 1, where the list names the video only


@dataclass(frozen=True)
class FrameList:
    """A list that was read: its entries in the order in which they stand first."""

    path: Path
    form: str
    entries: tuple[ListEntry, ...]
    n_duplicates: int  # lines that say again what another said

    @property
    def splits(self) -> tuple[str, ...]:
        """The splits that it speaks of, in order."""
        return tuple(dict.fromkeys(entry.split for entry in self.entries))


Row = tuple[int, str, tuple[int, ...]]  # line, path, the numbers behind it


def read_list(path: Path, splits: Collection[str], default_split: str | None = None) -> FrameList:
    """The list at `path`.

    A path must start with one of `splits`; where it doesn't, it is taken to lie in `default_split` if that is given
    (ILSVRC's own lists leave the split out). Raises AnnotationError that names file and line.
    """
    form, rows = read_rows(path)
    with reading(path, AnnotationError, WANTED):
        placed = [(line, *_split_and_name(line, where, splits, default_split), rest) for line, where, rest in rows]
        entries, n_duplicates = _ENTRIES[form](placed)
    return FrameList(path, form, tuple(entries), n_duplicates)


def read_rows(path: Path) -> tuple[str, list[Row]]:
    """The form of the list at `path` and its lines in order, for those who need each line's place.

    Raises AnnotationError that names file and line.
    """
    with reading(path, AnnotationError, WANTED):
        rows = list(_rows(read_bytes(path, limit=MAX_LIST_BYTES).decode("utf-8-sig")))
    if not rows:
        raise AnnotationError(f"{path}: empty list")
    return _form(rows), rows


def _rows(text: str) -> Iterator[Row]:
    columns = 0
    for line, row in enumerate(text.splitlines(), start=1):
        where, *rest = row.split() or [""]
        if not where:
            continue
        columns = columns or len(rest)
        if len(rest) != columns or columns not in (1, 3):
            raise AnnotationError(f"line {line}: {len(rest) + 1} columns; a list has 2, or 4, in every line")
        if not all(map(_is_number, rest)):
            raise AnnotationError(f"line {line}: {' '.join(rest)[:60]!r} behind the path, wanted whole numbers")
        if where.startswith("/") or ".." in where.split("/"):
            raise AnnotationError(f"line {line}: {where[:200]!r} leads out of the tree")
        yield line, where.removesuffix("/"), tuple(map(int, rest))


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= _LONGEST_NUMBER


def _form(rows: Sequence[Row]) -> str:
    if len(rows[0][2]) == 3:
        paths = [where for _, where, _ in rows]
        whole = len(set(paths)) == len(paths) and all(rest[1] == 0 for _, _, rest in rows)
        in_order = all(b[2][0] >= a[2][0] + a[2][2] for a, b in pairwise(rows))
        return VIDEOS if whole and in_order else FRAMES
    numbered = all(_is_number(where.rpartition("/")[2]) for _, where, _ in rows)
    return FRAME_IDS if numbered and (len(rows) == 1 or len({rest for _, _, rest in rows}) > 1) else IMAGES


def _split_and_name(line: int, where: str, splits: Collection[str], default_split: str | None) -> tuple[str, str]:
    first, _, name = where.partition("/")
    if first in splits and name:
        return first, name
    if default_split is None:
        known = ", ".join(sorted(splits)) or "none"
        raise AnnotationError(
            f"line {line}: {where[:200]!r} doesn't start with a split of the tree ({known}); "
            "with --split NAME a list without splits is taken for that one"
        )
    return default_split, where


Placed = Sequence[tuple[int, str, str, tuple[int, ...]]]  # line, split, name, numbers


def _frame_entries(rows: Placed) -> tuple[list[ListEntry], int]:
    """Merge the lines of each video. The first number is the constant 1 in all, or the global id of the frame."""
    with_ids = any(rest[0] != 1 for *_, rest in rows)
    lengths: dict[tuple[str, str], int] = {}
    for line, split, name, (_, _, length) in rows:
        if lengths.setdefault((split, name), length) != length:
            raise AnnotationError(
                f"line {line}: {split}/{name} has {length} frames, a line before says {lengths[split, name]}"
            )
    return _merged(
        [(line, split, name, frame, number) for line, split, name, (number, frame, _) in rows], with_ids, lengths
    )


def _frame_id_entries(rows: Placed) -> tuple[list[ListEntry], int]:
    placed = []
    for line, split, where, (number,) in rows:
        name, _, frame = where.rpartition("/")
        placed.append((line, split, name, int(frame), number))
    return _merged(placed, True, {})


def _merged(
    rows: Sequence[tuple[int, str, str, int, int]], with_ids: bool, lengths: Mapping[tuple[str, str], int]
) -> tuple[list[ListEntry], int]:
    """An entry a video from rows of line, split, name, frame, id."""
    first_line: dict[tuple[str, str], int] = {}
    ids: dict[tuple[str, str], dict[int, int]] = {}
    duplicates = 0
    for line, split, name, frame, number in rows:
        key = (split, name)
        first_line.setdefault(key, line)
        known = ids.setdefault(key, {})
        duplicates += frame in known
        if known.setdefault(frame, number) != number:
            raise AnnotationError(
                f"line {line}: id {number} for frame {frame}, which has the id {known[frame]} already"
            )
    entries = []
    for key, known in ids.items():
        frames = tuple(sorted(known))
        numbers = tuple(known[frame] for frame in frames) if with_ids else None
        entries.append(ListEntry(*key, first_line[key], frames, numbers, lengths.get(key)))
    return entries, duplicates


def _video_entries(rows: Placed) -> tuple[list[ListEntry], int]:
    return [ListEntry(split, name, line, length=rest[2], first_id=rest[0]) for line, split, name, rest in rows], 0


def _image_entries(rows: Placed) -> tuple[list[ListEntry], int]:
    entries: dict[tuple[str, str], ListEntry] = {}
    for line, split, name, _ in rows:
        entries.setdefault((split, name), ListEntry(split, name, line))
    return list(entries.values()), len(rows) - len(entries)


_ENTRIES = {FRAMES: _frame_entries, VIDEOS: _video_entries, FRAME_IDS: _frame_id_entries, IMAGES: _image_entries}


# -- writing -----------------------------------------------------------------------------------------------------------

Videos = Iterable[tuple[str, Sequence[int]]]
"""The path of a video, split first, and its frame numbers, ascending."""


def sampled_ranks(length: int, count: int = 15) -> list[int]:
    """Which frames of a video of `length` the 15-frame list takes: at the centres of `count` equal bins.

    300 frames give 10, 30, …, 290; a video of at most `count` frames gives all. In exact arithmetic the k-th is
    `floor((2k + 1) length / (2 count))`. The published list was made by resampling 0 … length - 1 to `count` values by
    nearest neighbours in floating point, and where a centre lies on the border of two frames its rounding decides
    (54 frames: 26, not 27). This formula rounds in the same way: it gives every row of VID_train_15frames.txt.
    """
    if length <= count:
        return list(range(length))
    scale = count / length
    return [math.floor(place / scale + 0.5 * (1 - 1 / scale) - 0.5) for place in range(1, count + 1)]


def sampled_lines(videos: Videos, count: int = 15) -> Iterator[str]:
    """Yield the lines of a list such as VID_train_15frames.txt."""
    for path, frames in videos:
        for rank in sampled_ranks(len(frames), count):
            yield f"{path} 1 {frames[rank]} {len(frames)}"


def video_lines(videos: Videos) -> Iterator[str]:
    """Yield the lines of a list such as VID_val_videos.txt."""
    first_id = 1
    for path, frames in videos:
        yield f"{path} {first_id} 0 {len(frames)}"
        first_id += len(frames)


def frame_id_lines(videos: Videos) -> Iterator[str]:
    """Yield the lines of a list such as VID_val_frames.txt; frame numbers have six digits as the files of ILSVRC."""
    number = 0
    for path, frames in videos:
        for frame in frames:
            number += 1
            yield f"{path}/{frame:06d} {number}"


def every_frame_lines(videos: Videos) -> Iterator[str]:
    """Yield a line of four columns for each frame, MEGA's form of VID_val_videos.txt."""
    number = 0
    for path, frames in videos:
        for frame in frames:
            number += 1
            yield f"{path} {number} {frame} {len(frames)}"


def image_lines(paths: Iterable[str]) -> Iterator[str]:
    """Yield the lines of a list such as DET_train_30classes.txt."""
    return (f"{path} 1" for path in paths)
