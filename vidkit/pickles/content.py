"""Numbers out of unpickled content, whose shape nobody has checked yet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, compress
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vidkit.errors import PredictionError
from vidkit.pickles.torch_file import Tensor

_ROWS_A_BYTE = 16  # more detections than this for each byte of a file can only be references repeated
_HARMLESS_ROWS = 10_000_000
_HARMLESS_ENTRIES = 100_000
_NUMBERS = (int, float, np.integer, np.floating)


@dataclass(frozen=True)
class Origin:
    """Where content came from: the place that errors name, and its size in bytes."""

    place: str
    size: int

    def part(self, name: str) -> Origin:
        """The origin of a part of the content."""
        return Origin(f"{self.place}: {name}", self.size)


def numbers(value: object, origin: Origin) -> NDArray[Any]:
    """An array, a tensor or a list of numbers as an array of numbers."""
    if isinstance(value, Tensor):
        value = value.numpy()
    if isinstance(value, list | tuple):
        _check_rows_of_list(value, origin)
        try:
            value = np.array(value)
        except (ValueError, TypeError, OverflowError, RecursionError):
            raise PredictionError(f"{origin.place}: a list of something else than numbers") from None
    if isinstance(value, np.ndarray) and (value.dtype.kind in "biuf" or value.size == 0):
        return np.asarray(value) if value.dtype.kind in "biuf" else np.zeros(value.shape, np.float32)
    raise PredictionError(f"{origin.place}: found {type(value).__name__}, wanted an array of numbers")


def _check_rows_of_list(value: Sequence[object], origin: Origin) -> None:
    """Refuse a list that unfolds to more than the file holds: a few bytes can name one list again and again."""
    rows = [row for row in value if isinstance(row, list | tuple | np.ndarray)]
    check_rows(sum(row.size if isinstance(row, np.ndarray) else len(row) for row in rows), origin)
    if any(
        isinstance(cell, list | tuple | np.ndarray) for row in rows if not isinstance(row, np.ndarray) for cell in row
    ):
        raise PredictionError(f"{origin.place}: a list of something else than numbers")


def table(parts: Sequence[NDArray[Any]], columns: int, origin: Origin) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """The rows of all `parts (n, columns)` as one array `(sum of n, columns)`, and the n of each part."""
    try:
        counts = np.fromiter(map(len, parts), np.int64, len(parts))
        check_rows(int(counts.sum()), origin)
        if {part.dtype.kind for part in compress(parts, counts)} - set("iuf"):
            raise TypeError("something else than numbers")
        rows = np.concatenate([np.zeros((0, columns), np.float32), *compress(parts, counts)])
    except (ValueError, TypeError) as error:  # arrays of other shapes
        raise PredictionError(f"{origin.place}: wanted arrays of shape (n, {columns}) throughout: {error}") from None
    return np.asarray(rows), counts


def column(parts: Sequence[NDArray[Any]], origin: Origin, dtype: type[np.generic]) -> NDArray[Any]:
    """All `parts (n,)` as one array."""
    check_rows(sum(part.size for part in parts), origin)
    filled = [part.reshape(-1) for part in parts if part.size]
    return np.concatenate(filled) if filled else np.zeros(0, dtype)


def check_rows(rows: int, origin: Origin) -> None:
    """Raise PredictionError if a file tells of more detections than its bytes can be about."""
    if rows > max(_HARMLESS_ROWS, _ROWS_A_BYTE * origin.size):
        raise PredictionError(
            f"{origin.place}: refused: {rows} detections in a file of {origin.size} bytes: one array is repeated"
        )


def check_entries(entries: int, origin: Origin) -> None:
    """Raise PredictionError if a file tells of more frames, arrays or objects than it has bytes."""
    if entries > max(_HARMLESS_ENTRIES, origin.size):
        raise PredictionError(f"{origin.place}: refused: {entries} entries in {origin.size} bytes: one is repeated")


def rows_of(values: Sequence[object], width: int, origin: Origin) -> NDArray[Any]:
    """Lists, tuples or arrays of `width` numbers each, as one array `(len(values), width)`.

    Every value is looked at before numpy unfolds anything: lists nested in lists, each named twice by the next, would
    be unfolded to 2 ** depth numbers.
    """
    wrong = PredictionError(f"{origin.place}: wanted {width} numbers")
    lists: list[Any] = [value for value in values if type(value) in (list, tuple)]
    arrays = [value for value in values if isinstance(value, np.ndarray)]
    if len(lists) + len(arrays) != len(values) or any(len(value) != width for value in lists):
        raise wrong
    if any(array.shape != (width,) or array.dtype.kind not in "iuf" for array in arrays):
        raise wrong
    check_rows(len(values) * width, origin)
    kinds = set(map(type, chain.from_iterable(lists)))
    if bool in kinds or not all(issubclass(kind, _NUMBERS) for kind in kinds):
        raise wrong
    found = np.array(values) if values else np.zeros((0, width))
    if found.shape != (len(values), width) or found.dtype.kind not in "iuf":
        raise wrong
    return found


def is_number(value: object) -> bool:
    """Whether this is one number, and nothing that numpy would have to unfold."""
    return isinstance(value, _NUMBERS) and not isinstance(value, bool)


def entries_of(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """The number of the entry that each detection belongs to, for so many detections an entry."""
    return np.repeat(np.arange(len(counts), dtype=np.int64), counts)
