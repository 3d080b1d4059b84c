"""JSON files of results: lists read one element at a time, and fields that are checked."""

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vidkit.errors import PredictionError

_GAP = re.compile(r"[ \t\r\n,]*")
_KEY = re.compile(r'"([A-Za-z_][\w. -]{0,60})"\s*:')
_HEAD = 4096


def first_keys(text: str) -> set[str]:
    """The keys of the first object in a JSON list of objects, of which `text` is the beginning; none in other texts."""
    start = text.lstrip()
    if not start.startswith("["):
        return set()
    at = _skip(start, 1)
    try:
        first, _ = json.JSONDecoder().raw_decode(start, at)
    except (ValueError, RecursionError):
        return set(_KEY.findall(start[at : at + _HEAD])) if start[at : at + 1] == "{" else set()
    return set(first) if isinstance(first, dict) else set()


def text_of(path: Path) -> str:
    """The text of a file. Raises PredictionError for what isn't UTF-8."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise PredictionError(f"{path}: can't be read as text: {error}") from None


def elements(path: Path) -> Iterator[Any]:
    """Yield the elements of the list in a JSON file, one at a time: only the text and what is kept fill the memory."""
    text = text_of(path)
    decode = json.JSONDecoder().raw_decode
    at = len(text) - len(text.lstrip()) + 1
    if text[at - 1 : at] != "[":
        raise PredictionError(f"{path}: not a JSON list; results are a list of detections")
    end = len(text.rstrip()) - 1
    try:
        while (at := _skip(text, at)) < end:
            element, at = decode(text, at)
            yield element
    except (ValueError, RecursionError) as error:
        raise PredictionError(f"{path}: not the JSON that was wanted, at character {at}: {error}") from None
    if text[end : end + 1] != "]":
        raise PredictionError(f"{path}: the JSON list has no end: the file was cut")


def _skip(text: str, at: int) -> int:
    found = _GAP.match(text, at)
    return found.end() if found else at


def numbers(values: Sequence[Any], shape: tuple[int, ...], name: str, path: Path) -> NDArray[np.float64]:
    """The values as numbers `shape`. Raises PredictionError where one isn't so many numbers."""
    try:
        return np.array(values, np.float64).reshape(shape if values else (0, *shape[1:]))
    except (ValueError, TypeError, OverflowError):
        wanted = "x ".join(map(str, shape[1:])) + " numbers" if shape[1:] else "a number"
        raise PredictionError(f"{path}: a detection whose {name} isn't {wanted}") from None


def whole_numbers(values: Sequence[Any], name: str, path: Path) -> NDArray[np.int64]:
    """The values as whole numbers. Raises PredictionError where one is none."""
    wrong = next((v for v in values if type(v) is not int or abs(v) >= 2**62), None)
    if wrong is not None:
        raise PredictionError(f"{path}: a {name} of {str(wrong)[:40]!r}; wanted whole numbers throughout")
    return np.array(values, np.int64)


def labels_and_names(names: Sequence[str]) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Each name as the number of its distinct one, in the order in which they come, and these."""
    known = {name: k for k, name in enumerate(dict.fromkeys(names))}
    return np.array([known[name] for name in names], np.int64), tuple(known)
