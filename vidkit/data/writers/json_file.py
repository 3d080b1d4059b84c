"""JSON of COCO's kind: lists of objects, written one by one; ids as the source had them, numbers as they are."""

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vidkit.data.index import Index

Id = int | str
ANEW = "images are numbered anew: the index has not one id of its source for each"


def write_lists(path: Path, lists: Mapping[str, Iterable[Mapping[str, Any]]]) -> None:
    """Write one JSON object with these lists, an element a line."""
    with path.open("w", encoding="utf-8") as file:
        for n, (name, elements) in enumerate(lists.items()):
            file.write(f"{',' if n else '{'}\n{json.dumps(name)}: [")
            for m, element in enumerate(elements):
                file.write(f"{',' if m else ''}\n{json.dumps(element, ensure_ascii=False, allow_nan=False)}")
            file.write("\n]")
        file.write("\n}\n")


def category_ids(index: Index) -> list[Id]:
    """The source's ids of the classes if they name each and, being numbers, ascend; else 1, 2 …"""
    ids = _as_written(index.called.class_id or ())
    numbers = [key for key in ids if isinstance(key, int)]
    right = len(set(ids)) == index.n_classes and "" not in ids and numbers in ([], sorted(numbers))
    return ids if right and len(numbers) in (0, len(ids)) else list(range(1, index.n_classes + 1))


def image_ids(index: Index, written: NDArray[np.bool_]) -> tuple[list[Id], bool]:
    """The source's ids of the frames, if each that is `written (F,)` has its own, else 1, 2 …; whether none is lost."""
    if index.called.frame_id is not None:
        ids = _as_written([key.decode() for key in index.called.frame_id.tolist()])
        often = Counter(key for key, is_written in zip(ids, written.tolist(), strict=True) if is_written)
        if "" not in often and often.total() == len(often):
            return ids, True
    return list(range(1, index.n_frames + 1)), index.called.frame_id is None


def plain(value: float) -> float | int:
    """A number without a fraction that it doesn't have."""
    return int(value) if value == int(value) else value


def xywh_rows(box: NDArray[np.floating[Any]]) -> list[list[float | int]]:
    """Boxes `(N, 4)` as rows of x, y, width, height from which a reader gets the very same corners, if floats can."""
    first, last = np.asarray(box[:, :2], np.float64), np.asarray(box[:, 2:], np.float64)
    side = last - first
    for towards in (np.inf, -np.inf):
        near = np.nextafter(side, towards)
        side = np.where((first + side != last) & (first + near == last), near, side)
    return [[plain(value) for value in row] for row in np.concatenate([first, side], axis=1).tolist()]


def _as_written(texts: Sequence[str]) -> list[Id]:
    """Ids as JSON has them: numbers, if all that aren't empty were."""
    if all(re.fullmatch(r"0|-?[1-9]\d*", text, re.ASCII) for text in texts if text):
        return [int(text) if text else "" for text in texts]
    return list(texts)
