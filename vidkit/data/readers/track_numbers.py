"""Tracks as an index numbers them: as the source writes them where those are whole numbers, else in their order."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

MOST = 2**31 - 1
NONE = (None, -1, "")
"""How sources say that a box has no track."""


def track_numbers(written: Sequence[int | str | None]) -> NDArray[np.int64]:
    """The number of the track of each box of one video `(N,)`, -1 where it has none."""
    distinct = [key for key in dict.fromkeys(written) if key not in NONE]
    numbers = [_number(key) for key in distinct]
    if -1 in numbers or len(set(numbers)) < len(numbers):
        numbers = list(range(len(distinct)))
    number: dict[int | str | None, int] = dict(zip(distinct, numbers, strict=True))
    return np.array([number.get(key, -1) for key in written], np.int64)


def _number(key: int | str | None) -> int:
    """The whole number that is written, as text too; -1 if it is none or too large."""
    if isinstance(key, str):
        key = int(key) if key.isascii() and key.isdecimal() and len(key) <= 10 else None
    return key if key is not None and 0 <= key <= MOST else -1
