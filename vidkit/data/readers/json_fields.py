"""The fields of JSON objects of strangers, taken out checked: an error names place, find and wish.

Numbers are finite and within what a picture can hold, texts are printable, paths stay below their folder.
"""

from __future__ import annotations

import json
import re
import reprlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

from vidkit.data.annotation import read_bytes
from vidkit.data.readers.source import MAX_PIXELS
from vidkit.errors import AnnotationError
from vidkit.reading_door import reading

MOST = 2**31 - 1
"""No whole number is larger: a column of the index holds no more."""
_MISSING: Any = object()


class JsonFields:
    """One JSON object at `place`."""

    __slots__ = ("place", "values")

    def __init__(self, place: str, value: object) -> None:
        if not isinstance(value, dict):
            raise AnnotationError(f"{place}: {in_part(value)}, wanted an object with named fields")
        self.place, self.values = place, value

    def wrong(self, name: str, wanted: str) -> AnnotationError:
        """The error that field `name` isn't what was wanted."""
        found = in_part(self.values[name]) if name in self.values else "missing"
        return AnnotationError(f"{self.place}: {name} {found}, wanted {wanted}")

    def _get(self, name: str, default: Any, is_right: Callable[[Any], bool], wanted: str) -> Any:
        value = self.values.get(name)
        if value is None and default is not _MISSING:
            return default
        if not is_right(value):
            raise self.wrong(name, wanted)
        return value

    def text(self, name: str, default: Any = _MISSING) -> Any:
        """A text that isn't empty; `default` where the field is absent or null."""
        return self._get(name, default, is_text, "a text")

    def whole(self, name: str, default: Any = _MISSING, most: int = MOST) -> Any:
        """A whole number from 0; `default` where the field is absent or null."""
        return self._get(name, default, lambda v: type(v) is int and 0 <= v <= most, f"a whole number from 0 to {most}")

    def number(self, name: str, default: Any = _MISSING) -> float:
        """A finite number; `default` where the field is absent or null."""
        return float(self._get(name, default, is_number, f"a number within ±{MAX_PIXELS}"))

    def numbers(self, name: str, count: int | None = None) -> list[float]:
        """Finite numbers, `count` of them or any."""
        wanted = f"{'a list of' if count is None else count} numbers within ±{MAX_PIXELS}"
        return [
            float(v)
            for v in self._get(
                name,
                _MISSING,
                lambda v: type(v) is list and count in (None, len(v)) and all(map(is_number, v)),
                wanted,
            )
        ]

    def corners(self) -> tuple[float, float, float, float]:
        """The corners of `bbox`, which is x, y, width, height in pixels from the picture's edge."""
        x, y, width, height = self.numbers("bbox", 4)
        if width < 0 or height < 0:
            raise self.wrong("bbox", "x, y, width, height, none of the last two negative")
        return x, y, x + width, y + height

    def flag(self, name: str) -> bool:
        """False or true, also as 0 or 1; false where the field is absent or null."""
        return bool(self._get(name, False, lambda v: type(v) in (bool, int) and v in (0, 1), "true or false"))

    def id(self, name: str) -> int | str:
        """A whole number or a text."""
        value: int | str = self._get(
            name, _MISSING, lambda v: type(v) is int or is_text(v), "an id (a number or a text)"
        )
        return value

    def items(self, name: str, optional: bool = False) -> list[Any]:
        """A list; an empty one where it is `optional` and absent or null."""
        value: list[Any] = self._get(name, [] if optional else _MISSING, lambda v: type(v) is list, "a list")
        return value

    def objects(self, name: str, optional: bool = False) -> Iterator[JsonFields]:
        """The objects of a list."""
        return (JsonFields(f"{self.place}: {name}[{n}]", v) for n, v in enumerate(self.items(name, optional)))

    def object(self, name: str, optional: bool = False) -> JsonFields:
        """An object; an empty one where it is `optional` and absent or null."""
        value = self._get(name, {} if optional else _MISSING, lambda v: type(v) is dict, "an object with named fields")
        return JsonFields(f"{self.place}: {name}", value)


def is_text(value: object) -> bool:
    """Whether this is a text of at most 1000 printable characters."""
    return type(value) is str and 0 < len(value) <= 1000 and value.isprintable()


def is_number(value: object) -> bool:
    """Whether this is a finite number within what a picture can hold."""
    return type(value) in (int, float) and abs(value) <= MAX_PIXELS  # type: ignore[arg-type]


def in_part(value: object) -> str:
    """The value as it was found, or the beginning of it."""
    return reprlib.repr(value)[:80]


def inner_path(place: str, path: str) -> str:
    """`path` with slashes and without a leading "./"; an AnnotationError if it leads out of its folder."""
    parts = [part for part in path.replace("\\", "/").split("/") if part != "."]
    if not is_text(path) or not all(_is_name(part) for part in parts) or not parts or re.match(r"[A-Za-z]:", path):
        raise AnnotationError(f"{place}: {in_part(path)}, wanted a path inside the folder of the frames (--frames DIR)")
    return "/".join(parts)


def _is_name(part: str) -> bool:
    """Whether a file or folder can be called so."""
    return part not in ("", "..") and len(part.encode()) <= 255


def read_json(path: Path, limit: int) -> Any:
    """What the JSON file at `path` holds. Raises AnnotationError, with the path, for whatever isn't JSON in UTF-8."""
    with reading(path, AnnotationError, "JSON in UTF-8"):
        return json.loads(read_bytes(path, limit=limit).decode("utf-8-sig"), parse_constant=_refuse)


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no number")
