"""The distinct numbers of a long column."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def distinct(numbers: NDArray[np.integer[Any]]) -> NDArray[np.int64]:
    """The numbers `(n,)`, each once, rising; those that lie close together are marked, which is faster than sorting."""
    if not len(numbers):
        return np.zeros(0, np.int64)
    low, high = int(numbers.min()), int(numbers.max())
    if high - low > 4 * len(numbers) + 1_000_000:
        return np.unique(numbers).astype(np.int64)
    there = np.zeros(high - low + 1, bool)
    there[numbers.astype(np.int64) - low] = True
    return np.flatnonzero(there) + low
