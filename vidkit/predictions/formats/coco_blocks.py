"""COCO results in which every detection is written alike, read block by block: the numbers at once, without objects.

Of a block of text all digits and blanks are taken out; where what is left is the first detection's, so often as there
are detections, the keys stand where they stood in the first one, and the numbers of the block are a table. What isn't
so is left to the reader that takes one detection after the other.
"""

from __future__ import annotations  # _First is named in itself

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

BLOCK = 1 << 18
"""Bytes of a file that are read at once: few enough for a processor's cache."""

_NUMBER = b"0123456789.+-E"
_ONLY_NUMBERS = bytes(byte if byte in _NUMBER + b"," else ord(" ") for byte in range(256))
_BLANK = b" \t\r\n"
_LONGEST = 1 << 20  # bytes of a detection
_MOST = 2**53  # whole numbers below are exact as floats


@dataclass(frozen=True, eq=False)
class Results:
    """D detections as a file of COCO results has them."""

    image_id: NDArray[np.int64] | tuple[str, ...]
    category_id: NDArray[np.int64]
    box: NDArray[np.float64]  # (D, 4) x, y, width, height
    score: NDArray[np.float64]
    keys: tuple[str, ...]
    """The keys that they have."""


def read_alike(path: Path, loads: Callable[[bytes], Any] | None = None) -> Results | None:
    """The detections of a file; None where they aren't written alike, or the file is damaged.

    `loads` reads a JSON list of numbers: by default orjson's where it is installed, which takes a third of the time.
    """
    parts: list[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]] = []
    first: _First | None = None
    try:
        for block in _blocks(path):
            first = first or _First.of(block)
            parts.append(first.columns(block, loads or _fastest()))
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return None
    if first is None:
        return None
    columns = [np.concatenate([part[n] for part in parts]) for n in range(4)]
    return Results(columns[0], columns[1], columns[2], columns[3], tuple(first.place))


@dataclass(frozen=True, eq=False)
class _First:
    """How the first detection is written."""

    form: bytes  # without digits and blanks, a comma before it
    place: dict[str, slice]  # the columns of each key in a table of all numbers
    width: int  # of that table

    @classmethod
    def of(cls, block: bytes) -> _First:
        """Read it off a block. Raises ValueError and TypeError for what can't be a table."""
        text = block[: block.index(b"}") + 1].lstrip(_BLANK + b",")
        place: dict[str, slice] = {}
        width = 0
        for key, value in json.loads(text).items():
            numbers = (value or [0]) if isinstance(value, list) else [value]
            if not all(type(number) in (int, float) for number in numbers):
                raise TypeError(key)
            place[key] = slice(width, width + len(numbers))
            width += len(numbers)
        if [place[key].stop - place[key].start for key in ("image_id", "category_id", "bbox", "score")] != [1, 1, 4, 1]:
            raise ValueError("other shapes")
        return cls(_form(b"," + text), place, width)

    def columns(
        self, block: bytes, loads: Callable[[bytes], Any]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
        """The four columns of a block. Raises ValueError where it is written in another way."""
        form = _form(block)
        n = len(form) // len(self.form)
        if form != self.form * n:
            raise ValueError("not alike")
        if b"[]" in self.form:
            block = block.replace(b"[]", b"0")  # YOLOV's segmentation
        numbers = loads(b"[" + block.translate(_ONLY_NUMBERS).lstrip(b" ,") + b"]")
        table = np.array(numbers, np.float64).reshape(n, self.width)
        ids = table[:, [self.place["image_id"].start, self.place["category_id"].start]]
        if not (np.abs(ids) < _MOST).all() or (ids != np.floor(ids)).any():
            raise ValueError("no whole numbers")
        image_id, category_id = ids.astype(np.int64).T
        return image_id, category_id, table[:, self.place["bbox"]].copy(), table[:, self.place["score"].start].copy()


def _blocks(path: Path) -> Iterator[bytes]:
    """The text of a JSON list in blocks of whole elements, a comma before each. Raises ValueError where it's cut."""
    with path.open("rb") as file:
        rest = file.read(BLOCK).removeprefix(b"\xef\xbb\xbf").lstrip(_BLANK)
        if not rest.startswith(b"["):
            raise ValueError("no list")
        rest = b"," + rest[1:]
        while True:
            end = rest.rfind(b"}") + 1
            if not end and len(rest) > _LONGEST:
                raise ValueError("no element ends")
            if end:
                yield _with_exponents(rest[:end])
            more = file.read(BLOCK)
            rest = rest[end:] + more
            if not more:
                break
    if rest.strip(_BLANK) != b"]":
        raise ValueError("no end")


def _with_exponents(text: bytes) -> bytes:
    """The text with E for the e of small numbers, 1E-05; every other e is one of a key."""
    letters = np.frombuffer(text, np.uint8)
    minus = np.flatnonzero(letters == ord("-"))  # few, if any: much faster than to look for "e-"
    small = minus[letters[minus - 1] == ord("e")] - 1
    if len(small) == 0:
        return text
    letters = letters.copy()
    letters[small] = ord("E")
    return letters.tobytes()


def _form(text: bytes) -> bytes:
    return text.translate(None, _NUMBER + _BLANK)


def _fastest() -> Callable[[bytes], Any]:
    try:
        loads: Callable[[bytes], Any] = import_module("orjson").loads
    except ImportError:
        return json.loads
    return loads
