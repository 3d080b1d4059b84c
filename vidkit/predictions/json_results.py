"""JSON files of results: lists read one element at a time, and fields that are checked."""

import json
import re
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vidkit.errors import PredictionError
from vidkit.reading_door import reading

_SPACE = re.compile(r"[ \t\r\n]*")
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
    with reading(path, PredictionError, "text in UTF-8"):
        return path.read_text(encoding="utf-8-sig")


def elements(path: Path) -> Iterator[Any]:
    """Yield the elements of the list in a JSON file, one at a time: only the text and what is kept fill the memory."""
    text = text_of(path)
    decode = json.JSONDecoder().raw_decode
    at = len(text) - len(text.lstrip()) + 1
    if text[at - 1 : at] != "[":
        raise PredictionError(f"{path}: not a JSON list; results are a list of detections")
    end = len(text.rstrip()) - 1
    at = _skip(text, at)
    with reading(path, PredictionError, "a JSON list of results"):
        while at < end:
            element, at = decode(text, at)
            yield element
            at = _skip(text, at)
            if at < end:
                after = _skip(text, at + 1)
                if text[at] != "," or after == end:
                    raise PredictionError(f"{path}: character {at}: found {text[at : at + 20]!r}, wanted , or ]")
                at = after
    if text[end : end + 1] != "]":
        raise PredictionError(f"{path}: the JSON list has no end: the file was cut")


def _skip(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at


def numbers(values: Sequence[Any], shape: tuple[int, ...], name: str, path: Path) -> NDArray[np.float64]:
    """The values as numbers `shape`. Raises PredictionError where one isn't so many numbers."""
    wanted = "x ".join(map(str, shape[1:])) + " numbers" if shape[1:] else "a number"
    flat = chain.from_iterable(v if type(v) is list else (None,) for v in values) if shape[1:] else values
    plain = list(flat)
    if not set(map(type, plain)) <= {int, float} or any(len(v) != shape[1] for v in values if shape[1:]):
        raise PredictionError(f"{path}: a detection whose {name} isn't {wanted}")
    with reading(path, PredictionError, f"{name} of {wanted}"):
        return np.array(plain, np.float64).reshape(shape if len(values) else (0, *shape[1:]))


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
