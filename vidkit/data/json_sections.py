"""A JSON object of long arrays, read one element at a time: only the text and what the caller keeps fill the memory."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

from vidkit.errors import AnnotationError
from vidkit.reading_door import reading

_SPACE = re.compile(r"[ \t\r\n]*")


def sections(path: Path) -> Iterator[tuple[str, int, Any]]:
    """Yield (key, place, element) for each element of each array in the JSON object at `path`, in the file's order.

    A value that is no array comes once, with place -1. Raises AnnotationError, with the place in the file, for whatever
    isn't one whole JSON object in UTF-8, and for NaN and infinities, which aren't JSON.
    """
    cursor = _Cursor(_text(path))
    key, place = "", -1
    try:
        cursor.take("{")
        more = not cursor.sees("}")
        while more:
            key, place = str(cursor.value()), -1
            cursor.take(":")
            if cursor.sees("["):
                for place, element in enumerate(cursor.elements()):
                    yield key, place, element
            else:
                yield key, -1, cursor.value()
            if more := not cursor.sees("}"):
                cursor.take(",")
        cursor.take("}")
        cursor.take("")
    except (ValueError, RecursionError) as error:
        where = f"after {key}[{place}]" if place >= 0 else f"in {key!r}" if key else "at the start"
        raise AnnotationError(f"{path}: {where}: not the JSON that was wanted: {error}") from None


def elements(path: Path) -> Iterator[tuple[int, Any]]:
    """Yield (place, element) for each element of the JSON array at `path`; raises as `sections` does."""
    cursor, place = _Cursor(_text(path)), -1
    try:
        for place, element in enumerate(cursor.elements()):
            yield place, element
        cursor.take("")
    except (ValueError, RecursionError) as error:
        where = f"after [{place}]" if place >= 0 else "at the start"
        raise AnnotationError(f"{path}: {where}: not the JSON that was wanted: {error}") from None


class _Cursor:
    """A place in a JSON text."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = _end_of_space(text, 0)
        self._decoder = json.JSONDecoder(parse_constant=_refuse)

    def sees(self, mark: str) -> bool:
        """Whether `mark` comes next; "" is the end of the text."""
        return self._text.startswith(mark, self._at) if mark else self._at == len(self._text)

    def take(self, mark: str) -> None:
        """Step over `mark`, or raise ValueError."""
        if not self.sees(mark):
            found = self._text[self._at : self._at + 20]
            raise ValueError(f"char {self._at}: found {found!r}, wanted {mark or 'the end'!r}")
        self._at = _end_of_space(self._text, self._at + len(mark))

    def value(self) -> Any:
        """Step over one value and return it."""
        value, end = self._decoder.raw_decode(self._text, self._at)
        self._at = _end_of_space(self._text, end)
        return value

    def elements(self) -> Iterator[Any]:
        """Step over an array and yield its elements."""
        self.take("[")
        more = not self.sees("]")
        while more:
            yield self.value()
            if more := not self.sees("]"):
                self.take(",")
        self.take("]")


def _end_of_space(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no number")


def _text(path: Path) -> str:
    with reading(path, AnnotationError, "JSON in UTF-8"):
        return path.read_text(encoding="utf-8-sig")
