"""Ranking: detections in the order of their scores, by sorting one 64-bit key of class, score and position.

`np.sort` on 64-bit integers is vectorised, `np.argsort` by two columns is not; the position in the key's low bits gives
the order back, and makes every order stable.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vidkit.evaluation.protocols import Protocol
from vidkit.predictions.table import Predictions


@dataclass(frozen=True, eq=False)
class Ranking:
    """Detections by cell and class, best first. Segment s = cell * C + class is `order[start[s]:start[s + 1]]`.

    `order` holds rows of the predictions; without a breakdown there is one cell.
    """

    order: NDArray[np.int32]  # (D',) D' = D unless detections were left out
    start: NDArray[np.int64]  # (cells * C + 1,)

    def select(self, chosen: NDArray[np.bool_]) -> Ranking:
        """Return the ranking of the chosen places of `order` alone."""
        before = np.concatenate([[0], np.cumsum(chosen)])
        return Ranking(self.order[chosen], before[self.start])

    def without(self, left_out: NDArray[np.bool_]) -> Ranking:
        """The ranking without some detections, `(D,)` in the order of the predictions; fast where they are few."""
        places = np.flatnonzero(left_out[self.order])
        return Ranking(np.delete(self.order, places), self.start - np.searchsorted(places, self.start))


def score_keys(predictions: Predictions, protocol: Protocol) -> NDArray[np.uint32]:
    """Return `(D,)` keys that rise as scores fall, equal where scores are equal in the protocol's arithmetic."""
    score = predictions.score
    if score.dtype == np.float32 or protocol.dtype == "float32":
        keys = (score.astype(np.float32, copy=False) + np.float32(0)).view(np.uint32)  # + 0: -0.0 and 0.0 are one score
        sign = np.uint32(1 << 31)
        if np.any(score < 0):
            return np.where(keys & sign, keys, ~(keys | sign))
        keys |= sign
        return np.invert(keys, out=keys)
    values = np.unique(score)
    return (len(values) - 1 - np.searchsorted(values, score)).astype(np.uint32)


def matching_keys(keys: NDArray[np.uint32], rows: NDArray[np.int64], protocol: Protocol) -> NDArray[np.uint64]:
    """Return unique keys for detections `rows` that rise in the order in which a frame's detections are matched."""
    tie = rows if protocol.score_ties == "in order" else (1 << 32) - 1 - rows
    return (keys[rows].astype(np.uint64) << np.uint64(32)) | tie.astype(np.uint64)


def rank(predictions: Predictions, keys: NDArray[np.uint32], n_classes: int, protocol: Protocol) -> Ranking:
    """Return all detections by class, best first."""
    d = predictions.n_detections
    position_bits, class_bits = max(d - 1, 1).bit_length(), max(n_classes - 1, 1).bit_length()
    position = _positions(predictions, protocol)
    start = np.concatenate([[0], np.cumsum(np.bincount(predictions.class_id, minlength=n_classes))])
    if position_bits + class_bits + 32 > 64:
        return Ranking(np.lexsort((position, keys, predictions.class_id)).astype(np.int32), start)
    key = predictions.class_id.astype(np.uint64)
    key <<= np.uint64(32)
    key |= keys
    key <<= np.uint64(position_bits)
    key |= position.view(np.uint64)
    key.sort()
    key &= np.uint64((1 << position_bits) - 1)
    order = key.astype(np.int32)
    if protocol.score_ties == "reversed":
        row_at = np.empty(d, np.int32)
        row_at[position] = np.arange(d, dtype=np.int32)
        order = row_at[order]
    return Ranking(order, start)


def by_cell(ranking: Ranking, cell: NDArray[Any], n_cells: int, n_classes: int) -> Ranking:
    """Return a ranking inside each cell, made from the one of all; `cell (D,)` is the cell of each detection."""
    segment = cell[ranking.order].astype(np.int64) * n_classes
    segment += np.repeat(np.arange(n_classes), np.diff(ranking.start))
    start = np.concatenate([[0], np.cumsum(np.bincount(segment, minlength=n_cells * n_classes))])
    if n_cells * n_classes <= 1 << 16:
        segment = segment.astype(np.uint16)  # a stable sort of 16-bit integers takes linear time
    return Ranking(ranking.order[np.argsort(segment, kind="stable")], start)


def places(
    predictions: Predictions, keys: NDArray[np.uint32], rows: NDArray[np.int64], n_classes: int, protocol: Protocol
) -> NDArray[np.int32]:
    """The rank `(D,)` of detections among those of their class in their frame, from 0.

    `rows`, rising, are those whose rank matters, with all others of their class in their frame; the rest has 0.
    """
    if protocol.score_ties == "reversed":
        rows = rows[::-1]
    cell = predictions.detection_frame[rows] * np.int64(n_classes) + predictions.class_id[rows]
    order = np.lexsort((keys[rows], cell))
    cell = cell[order]
    first = np.flatnonzero(np.append(True, cell[1:] != cell[:-1])) if len(cell) else cell
    place = np.zeros(predictions.n_detections, np.int32)
    place[rows[order]] = np.arange(len(cell)) - np.repeat(first, np.diff(np.append(first, len(cell))))
    return place


def _positions(predictions: Predictions, protocol: Protocol) -> NDArray[np.int64]:
    """Return `(D,)` places in which equal scores rank: in order, or later frames first, rows of a frame in order."""
    row = np.arange(predictions.n_detections)
    if protocol.score_ties == "in order":
        return row
    starts = predictions.detection_start
    return row + np.repeat(predictions.n_detections - starts[1:] - starts[:-1], np.diff(starts))
