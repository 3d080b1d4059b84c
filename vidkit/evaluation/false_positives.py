"""The rule for unmatched detections: how much one counts as a false positive in a group of ground truth.

A detection has no motion of its own. The rules `fgfa` and `mega` look at the ground truth around it, and what they
conclude depends only on its *surroundings*: a nearest object, a frame in which it overlaps nothing, a frame without
objects. So each detection gets the number of its surroundings once, and a group is a table of weights over them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from vidkit.data.index import Index
from vidkit.evaluation.overlaps import Nearest
from vidkit.evaluation.protocols import FalsePositiveRule


@dataclass(frozen=True, eq=False)
class Surroundings:
    """What decides about each unmatched detection, as numbers into a table of weights.

    The table has a row for each of the N instances (the detection overlaps this one most), each cell (the detection
    overlaps nothing in it; a cell is a frame, or for `mega` a class in a frame), the detections without a cell, and
    each detection that overlaps several instances exactly equally.
    """

    rule: FalsePositiveRule
    of_detection: NDArray[np.int32]  # (D,)
    cell_of_truth: NDArray[np.int64]  # (N,)
    n_cells: int
    tied_detection: NDArray[np.int64]  # (T,) which of several tied ones the pairs below belong to
    tied_truth: NDArray[np.int64]  # (T,)
    n_tied: int

    @property
    def looks(self) -> bool:
        """Whether the rule looks at the ground truth around a detection; if not, all count alike."""
        return self.rule in ("fgfa", "mega")

    @property
    def nowhere(self) -> int:
        """The row of detections without a cell: the frame has no object, or for `mega` none of their class."""
        return len(self.cell_of_truth) + self.n_cells

    def reorder(self, order: NDArray[np.int32]) -> Surroundings:
        """Return the same with the detections in another order."""
        return replace(self, of_detection=self.of_detection[order])

    def weights(self, kept: NDArray[np.bool_]) -> NDArray[np.float64]:
        """The table of weights for the group of ground truth `kept (N,)`.

        It has 0 for detections without a cell, whose weight is that of `without_cell`.
        """
        if not self.looks:
            return np.full(self.nowhere + 1 + self.n_tied, 1.0 if self.rule == "all" else 0.0)
        members = np.bincount(self.cell_of_truth, minlength=self.n_cells)
        ignored = np.bincount(self.cell_of_truth, weights=~kept, minlength=self.n_cells)
        mixed = ignored / np.maximum(members, 1)  # the share of *ignored* ones, as the peers' code has it
        cell = np.where(ignored == 0, 1.0, np.where(ignored == members, 0.0, mixed))
        return np.concatenate([kept, cell, [0.0], self._ties(kept, cell)])

    def without_cell(self, share: NDArray[np.float64]) -> NDArray[np.float64]:
        """The weight of detections without a cell, for a group that is this share of all ground truth.

        A frame without objects counts as one object in the share; see `docs/protocols.md`.
        """
        if self.rule == "fgfa":
            return share
        return np.where((share == 0) | (share == 1), 1.0, share)  # MEGA replaces 1 by 0, and 0 is "no weight given"

    def _ties(self, kept: NDArray[np.bool_], cell: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the weights of detections whose largest IoU is shared: by one kind of ground truth, or by both."""
        if self.n_tied == 0:
            return np.zeros(0)
        first = np.flatnonzero(np.append(True, self.tied_detection[1:] != self.tied_detection[:-1]))
        some_kept = np.logical_or.reduceat(kept[self.tied_truth], first)
        all_kept = np.logical_and.reduceat(kept[self.tied_truth], first)
        shared = cell[self.cell_of_truth[self.tied_truth[first]]]
        return np.where(all_kept, 1.0, np.where(some_kept, shared, 0.0))


def surroundings(index: Index, nearest: Nearest | None, n_detections: int, rule: FalsePositiveRule) -> Surroundings:
    """Return the surroundings of all detections for a rule; `nearest` is None for the rules that don't look."""
    none = np.zeros(0, np.int64)
    if nearest is None:
        return Surroundings(rule, np.zeros(n_detections, np.int32), none, 0, none, none, 0)
    cell = index.instance_frame.astype(np.int64)
    if nearest.scope == "class":
        cell = cell * index.n_classes + index.class_id
    _, cell = np.unique(cell, return_inverse=True)
    n_cells = int(cell.max(initial=-1)) + 1
    overlapping = nearest.iou > 0
    # what lies in no cell has nearest.truth -1: the last row of this table
    around = np.append(cell + index.n_instances, index.n_instances + n_cells).astype(np.int32)[nearest.truth]
    of_detection = np.where(overlapping, nearest.truth, around)
    tied, which = np.unique(nearest.tied.detection, return_inverse=True)
    of_detection[tied] = index.n_instances + n_cells + 1 + np.arange(len(tied))
    which = np.concatenate([which, np.arange(len(tied))])
    truth = np.concatenate([nearest.tied.truth, nearest.truth[tied]])
    order = np.argsort(which, kind="stable")
    return Surroundings(rule, of_detection, cell, n_cells, which[order], truth[order], len(tied))
