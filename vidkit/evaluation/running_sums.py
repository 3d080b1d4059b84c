"""Running sums down a ranked list, when each row counts as often as its video is drawn.

What changes with a score threshold, as false alarms, found boxes or the delay of an object, is a list of changes in the
order of falling scores: the value at a threshold is the sum of the changes above it. In a drawing of videos each change
counts as often as its video does. The list is cut into blocks; the sums at their ends are one product of matrices, and
what is wanted inside of a block is summed there alone.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

BLOCK, MOST_BLOCKS = 256, 4096
"""Rows of a block, more in a list that would have more blocks than that."""
CELLS_AT_ONCE = 1 << 22


@dataclass(frozen=True, eq=False)
class RunningSums:
    """Changes `value (M,)` in videos `video (M,)` out of V, ranked, in `drawn (V, B)`: how often each video counts."""

    video: NDArray[np.integer]
    value: NDArray[np.float64]
    drawn: NDArray[np.float64]

    @cached_property
    def _block(self) -> int:
        return max(BLOCK, -(-len(self.value) // MOST_BLOCKS))

    @cached_property
    def _before(self) -> NDArray[np.float64]:
        """The sums before each block and after the last, `(K + 1, B)`."""
        n_videos = len(self.drawn)
        k = -(-len(self.value) // self._block)
        cell = np.arange(len(self.value)) // self._block * n_videos + self.video
        of_block = np.bincount(cell, self.value, k * n_videos).reshape(k, n_videos) @ self.drawn
        return np.concatenate([np.zeros((1, self.drawn.shape[1])), np.cumsum(of_block, axis=0)])

    def first(self, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """The sum of the first `rows (R, B)` rows in each drawing."""
        block = rows // self._block
        found = np.take_along_axis(self._before, block, axis=0)
        for columns, inside in self._inside(block):
            wanted = np.arange(self._block) < (rows - block * self._block)[:, columns, None]
            found[:, columns] += np.where(wanted, inside, 0.0).sum(axis=-1)
        return found

    def reaching(self, limit: NDArray[np.float64]) -> NDArray[np.int64]:
        """The first row, `(R, B)`, with which the sum is more than `limit (R, B)`; M where none is.

        The values must be 0 or more.
        """
        block = np.maximum((self._before[None] <= limit[:, None]).sum(axis=1) - 1, 0)
        found = block * self._block
        for columns, inside in self._inside(block):
            before = np.take_along_axis(self._before, block, axis=0)[:, columns, None]
            found[:, columns] += (before + np.cumsum(inside, axis=-1) <= limit[:, columns, None]).sum(axis=-1)
        return np.asarray(np.minimum(found, len(self.value)))

    def _inside(self, block: NDArray[np.int64]) -> Iterator[tuple[slice, NDArray[np.float64]]]:
        """Yield, for some drawings after the other, the changes in the blocks `(R, B)`: (R, b, rows of a block)."""
        padded = np.append(self.value, np.zeros(self._block)), np.append(self.video, np.zeros(self._block, np.int64))
        step = max(CELLS_AT_ONCE // max(len(block) * self._block, 1), 1)
        for start in range(0, block.shape[1], step):
            columns = slice(start, start + step)
            rows = block[:, columns, None] * self._block + np.arange(self._block)
            rows = np.minimum(rows, len(self.value))
            drawn = self.drawn[:, columns]
            times = drawn[padded[1][rows], np.arange(drawn.shape[1])[None, :, None]]
            yield columns, padded[0][rows] * times
