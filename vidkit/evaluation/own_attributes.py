"""Attributes of one's own: the columns of a table, joined by name to videos, frames, tracks or objects of an index.

The table has a header. Its key columns say what a row is about, all others are attributes:

    video                     a video by its name
    video, frame              a frame by its number, as the source counts
    image                     a frame by its file, as the source names it, or by its image id
    video, track              all boxes of a track
    video, frame, track       one box; or image, track
    video, frame, object      one box by its place in its frame, from 0; or image, object

A column in which all is a number is one of numbers, one of true and false one of flags, any other one is text. Whatever
no row is about, and an empty cell, is "none".
"""

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from vidkit.data.index import AddedColumns, Index
from vidkit.errors import AnnotationError, did_you_mean
from vidkit.evaluation.slices import known_attributes
from vidkit.predictions.source_frames import join_by_text

if TYPE_CHECKING:
    import pandas as pd

KEYS = ("video", "frame", "image", "track", "object")
LEVELS = (
    *(("video",), ("video", "frame"), ("image",), ("video", "track")),
    *(("video", "frame", "track"), ("image", "track"), ("video", "frame", "object"), ("image", "object")),
)
"""The key columns that a table may have."""

NONE = "none"
"""What isn't assigned."""


def with_attributes(index: Index, table: "str | Path | pd.DataFrame") -> Index:
    """The index with the columns of a table, CSV or Parquet, as further attributes; its content stays as it was.

    Raises AnnotationError, which names file and line, for a table that can't be read, key columns that don't go
    together, rows about what the index doesn't have, two rows about the same, attributes that the index has already.
    """
    read = _read(table)
    level = tuple(key for key in KEYS if key in read.columns)
    if level not in LEVELS:
        wanted = "; ".join(", ".join(keys) for keys in LEVELS)
        raise AnnotationError(
            f"{read.place}: its columns are {', '.join(read.columns)}; wanted one of these to say what a row is about: "
            f"{wanted}; and others, which are the attributes"
        )
    names = [name for name in read.columns if name not in KEYS]
    _check_names(names, read, index)
    target = _Target(index, read).of(level)
    _refuse_repeats(target, read)
    frames = level in (("video", "frame"), ("image",))
    n = index.n_videos if level == ("video",) else index.n_frames if frames else index.n_instances
    columns = {name: _column(read.column(name), target, n) for name in names}
    if level == ("video",):
        columns = {name: values[index.frame_video] for name, values in columns.items()}
    own = index.added
    if frames or level == ("video",):
        return replace(index, added=AddedColumns({**own.frame, **columns}, own.instance))
    return replace(index, added=AddedColumns(own.frame, {**own.instance, **columns}))


@dataclass(frozen=True)
class _Table:
    """A table as text: `rows` without its header, each with the number of its line."""

    place: str
    word: str  # what a row's number counts: lines of a text, rows of a table
    columns: tuple[str, ...]
    rows: Sequence[tuple[int, Sequence[str]]]

    def column(self, name: str) -> list[str]:
        """The cells of a column."""
        at = self.columns.index(name)
        return [cells[at] for _, cells in self.rows]

    def at(self, row: int) -> str:
        """Where a row stands."""
        return f"{self.place}: {self.word} {self.rows[row][0]}"

    def wrong(self, row: int, what: str) -> AnnotationError:
        """An error of a row."""
        return AnnotationError(f"{self.at(row)}: {what}")


def _read(table: "str | Path | pd.DataFrame") -> _Table:
    if not isinstance(table, str | Path):
        read = _of_frame(table, "the table of attributes")
    elif Path(table).suffix.lower() in (".parquet", ".pq"):
        read = _of_frame(_parquet(Path(table)), str(table))
    else:
        read = _csv(Path(table))
    if repeated := [name for n, name in enumerate(read.columns) if name in read.columns[:n]]:
        raise AnnotationError(f"{read.place}: two columns are called {repeated[0]!r}")
    if not read.rows:
        raise AnnotationError(f"{read.place}: no row below the header; wanted one for each thing that has attributes")
    return read


def _csv(path: Path) -> _Table:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            lines = [(reader.line_num, [cell.strip() for cell in cells]) for cells in reader if any(cells)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise AnnotationError(f"{path}: can't be read as a CSV table in UTF-8: {error}") from None
    if not lines:
        raise AnnotationError(f"{path}: empty; wanted a table with a header, as in video,weather")
    columns, rows = tuple(lines[0][1]), lines[1:]
    for number, cells in rows:
        if len(cells) != len(columns):
            raise AnnotationError(f"{path}: line {number}: {len(cells)} cells, the header has {len(columns)}")
    return _Table(str(path), "line", columns, rows)


def _parquet(path: Path) -> "pd.DataFrame":
    import pandas as pd

    try:
        return pd.read_parquet(path)
    except ImportError:
        raise AnnotationError(f"{path}: Parquet needs pyarrow: pip install pyarrow; or give the table as CSV") from None
    except Exception as error:  # pyarrow's own kinds
        raise AnnotationError(f"{path}: can't be read as Parquet: {error}") from None


def _of_frame(frame: "pd.DataFrame", place: str) -> _Table:
    texts = [[_text(value) for value in frame[name].tolist()] for name in frame.columns] if len(frame.columns) else []
    rows = [(n, cells) for n, cells in enumerate(zip(*texts, strict=True), 1)]
    return _Table(place, "row", tuple(map(str, frame.columns)), rows)


def _text(value: Any) -> str:
    """A cell as CSV has it; missing ones are empty, and whole numbers stay whole in a column with missing ones."""
    if value is None or value != value or str(value) in ("<NA>", "NaT"):
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()


def _check_names(names: Sequence[str], table: _Table, index: Index) -> None:
    if not names:
        raise AnnotationError(f"{table.place}: no column besides {', '.join(table.columns)}; wanted attributes")
    for name in names:
        if not name or set(name) & set(",=*×") or " x " in name:
            raise AnnotationError(f"{table.place}: a column called {name!r}; wanted a name without , = * × and ' x '")
        if name in known_attributes(index):
            raise AnnotationError(f"{table.place}: the index has an attribute {name!r}; give the column another name")


@dataclass(frozen=True)
class _Target:
    """What each row of a table is about: a row of the index's videos, frames or instances."""

    index: Index
    table: _Table

    def of(self, level: tuple[str, ...]) -> list[NDArray[np.int64]]:
        """The rows that each row of the table is about."""
        if level == ("video",):
            return [np.array([video]) for video in self._videos()]
        if level == ("video", "track"):
            return list(self._tracks())
        frames = self._images() if "image" in level else self._frames()
        if level[-1] in ("frame", "image"):
            return [np.array([frame]) for frame in frames]
        return [np.array([row]) for row in self._boxes(frames, level[-1])]

    def _videos(self) -> list[int]:
        known = {name: row for row, name in enumerate(self.index.video_name)}
        found = []
        for n, name in enumerate(self.table.column("video")):
            if name not in known:
                near = did_you_mean(name, list(known))
                raise self.table.wrong(n, f"no video {name!r} among the {len(known)} of the index{near}")
            found.append(known[name])
        return found

    def _frames(self) -> list[int]:
        index, written = self.index, self.index.called.frame_number
        number = index.frame_number if written is None else np.where(written >= 0, written, index.frame_number)
        pairs = zip(index.frame_video.tolist(), number.tolist(), strict=True)
        known = {pair: row for row, pair in enumerate(pairs)}
        found = []
        for n, (video, frame) in enumerate(zip(self._videos(), self._numbers("frame"), strict=True)):
            if (video, frame) not in known:
                own = number[index.frame_start[video] : index.frame_start[video + 1]]
                span = f"{own.min()} … {own.max()}" if len(own) else "none"
                raise self.table.wrong(n, f"no frame {frame} in video {index.video_name[video]}, whose are {span}")
            found.append(known[video, frame])
        return found

    def _images(self) -> list[int]:
        names = self.table.column("image")
        found: list[int] = join_by_text(self.index, names).row.tolist()
        if -1 in found:
            n = found.index(-1)
            raise self.table.wrong(n, f"no frame, or several, that the source calls {names[n]!r}")
        return found

    def _tracks(self) -> Iterator[NDArray[np.int64]]:
        video = self.index.frame_video[self.index.instance_frame]
        order = np.lexsort((self.index.track_id, video))
        keys = np.stack([video[order], self.index.track_id[order]], axis=1)
        first = np.flatnonzero(np.append(True, (keys[1:] != keys[:-1]).any(axis=1))[: len(keys)])
        parts = np.split(order, first[1:]) if len(order) else []
        known = {tuple(key): part for key, part in zip(keys[first].tolist(), parts, strict=True)}
        for n, key in enumerate(zip(self._videos(), self._numbers("track"), strict=True)):
            if key not in known or key[1] < 0:
                raise self.table.wrong(n, f"no track {key[1]} in video {self.index.video_name[key[0]]}")
            yield known[key]

    def _boxes(self, frames: Sequence[int], by: str) -> Iterator[int]:
        for n, (frame, number) in enumerate(zip(frames, self._numbers(by), strict=True)):
            rows = self.index.instances_of(frame)
            own = np.arange(rows.stop - rows.start) if by == "object" else self.index.track_id[rows]
            found = np.flatnonzero(own == number) if number >= 0 else own[:0]
            if len(found) != 1:
                raise self.table.wrong(n, f"{len(found)} boxes of {by} {number} in its frame, which has {len(own)}")
            yield int(rows.start + found[0])

    def _numbers(self, key: str) -> list[int]:
        found = []
        for n, text in enumerate(self.table.column(key)):
            if not text.removeprefix("-").isdecimal() or len(text) > 18:
                raise self.table.wrong(n, f"{key} {text!r}, wanted a whole number")
            found.append(int(text))
        return found


def _refuse_repeats(target: Sequence[NDArray[np.int64]], table: _Table) -> None:
    seen: dict[int, int] = {}
    for n, rows in enumerate(target):
        first = int(rows[0])
        if first in seen:
            raise table.wrong(n, f"is about the same as {table.word} {table.rows[seen[first]][0]}; wanted one row each")
        seen[first] = n


def _column(cells: Sequence[str], target: Sequence[NDArray[np.int64]], n: int) -> NDArray[Any]:
    """The values `(n,)`: numbers, NaN where there is none; flags, where all are told; else text."""
    counts = [len(rows) for rows in target]
    rows = np.concatenate(target)
    known = [cell for cell in cells if cell]
    numbers = _numbers(cells)
    if known and numbers is not None:
        values = np.full(n, np.nan)
        values[rows] = np.repeat(numbers, counts)
        return values
    flags: Mapping[str, bool] = {"true": True, "false": False}
    if len(rows) == n and all(cell.lower() in flags for cell in cells):
        told = np.zeros(n, bool)
        told[rows] = np.repeat([flags[cell.lower()] for cell in cells], counts)
        return told
    texts = np.array([cell or NONE for cell in cells])
    named = np.full(n, NONE, f"<U{max(texts.dtype.itemsize // 4, len(NONE))}")
    named[rows] = np.repeat(texts, counts)
    return named


def _numbers(cells: Sequence[str]) -> NDArray[np.float64] | None:
    """The cells as numbers, empty ones NaN; None where one is none that is finite."""
    try:
        values = np.array([float(cell) if cell else np.nan for cell in cells])
    except ValueError:
        return None
    finite = np.isfinite(values) | np.array([not cell for cell in cells], bool)
    return values if finite.all() else None
