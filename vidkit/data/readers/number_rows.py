"""A text file of rows of numbers, with commas or spaces between them."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vidkit.data.annotation import read_bytes
from vidkit.errors import AnnotationError
from vidkit.reading_door import reading

MAX_BYTES = 1 << 28
MOST = 2**31 - 1
"""No whole number is larger: a column of the index holds no more."""


@dataclass(frozen=True, eq=False)
class NumberRows:
    """R rows of C numbers, and where they stand."""

    path: Path
    value: NDArray[np.float64]  # (R, C); of a column of words the row in `words`
    line: NDArray[np.int64]  # (R,) from 1
    words: tuple[str, ...] = ()  # in the order of their first appearance

    def place(self, row: int) -> str:
        """Where row `row` stands."""
        return f"{self.path}: line {self.line[row]}"

    def whole(self, column: int, name: str, low: int, high: int = MOST) -> NDArray[np.int64]:
        """A column of whole numbers `(R,)`; an AnnotationError where one isn't whole or out of range."""
        values = self.value[:, column]
        wrong = ~((values >= low) & (values <= high) & (values == np.floor(values)))
        if wrong.any():
            row = int(wrong.argmax())
            raise AnnotationError(
                f"{self.place(row)}: {name} {values[row]:g}, wanted a whole number from {low} to {high}"
            )
        return values.astype(np.int64)


def read_rows(path: Path, columns: Collection[int], wanted: str, word: int | None = None) -> NumberRows:
    """The rows of the text file at `path`, all of one length, which is one of `columns`; empty lines are passed over.

    Column `word` holds words, all others numbers, which may be NaN or infinite. `wanted` says in errors what a row is.
    Raises AnnotationError, naming file and line, for whatever else is there.
    """
    lines = _lines(path)
    if not lines:
        return NumberRows(path, np.zeros((0, max(columns))), np.zeros(0, np.int64))
    separator = "," if "," in lines[0][1] else None
    codes: dict[str, int] = {}
    try:
        value = np.loadtxt(
            [text for _, text in lines],
            delimiter=separator,
            comments=None,
            ndmin=2,
            encoding="utf-8",
            converters=None if word is None else {word: lambda text: codes.setdefault(text, len(codes))},
        )
    except ValueError as error:
        raise _wrong_line(path, lines, separator, columns, wanted, word) or AnnotationError(
            f"{path}: {error}"
        ) from None
    if value.shape[1] not in columns:
        raise _wrong_columns(path, lines[0][0], value.shape[1], columns, wanted)
    return NumberRows(path, value, np.array([number for number, _ in lines], np.int64), tuple(codes))


def _lines(path: Path) -> list[tuple[int, str]]:
    """Line numbers and lines that aren't empty; a comma at the end of a line, which some tools write, is taken off."""
    with reading(path, AnnotationError, "rows of numbers"):
        text = read_bytes(path, limit=MAX_BYTES).decode("utf-8-sig")
    stripped = ((number, line.strip().removesuffix(",")) for number, line in enumerate(text.split("\n"), start=1))
    return [(number, line) for number, line in stripped if line]


def _wrong_line(
    path: Path,
    lines: Sequence[tuple[int, str]],
    separator: str | None,
    columns: Collection[int],
    wanted: str,
    word: int | None,
) -> AnnotationError | None:
    """The error of the first line that isn't a row, slowly."""
    length = len(lines[0][1].split(separator))
    for number, text in lines:
        fields = text.split(separator)
        for column, field in enumerate(fields):
            if column != word and not _is_number(field):
                return AnnotationError(f"{path}: line {number}: {field[:40]!r} is no number; wanted {wanted}")
        if len(fields) != length or length not in columns:
            return _wrong_columns(path, number, len(fields), columns, wanted)
    return None


def _wrong_columns(path: Path, line: int, found: int, columns: Collection[int], wanted: str) -> AnnotationError:
    lengths = str(min(columns)) if len(columns) == 1 else f"{min(columns)} to {max(columns)}"
    return AnnotationError(f"{path}: line {line}: {found} columns, wanted {lengths}, as in the lines before: {wanted}")


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
