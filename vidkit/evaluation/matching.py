"""Matching: which detection finds which ground truth. Done once; every breakdown is a mask over this table."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from vidkit.data.index import Index
from vidkit.errors import AnnotationError, PredictionError
from vidkit.evaluation.contest import Contest, contest
from vidkit.evaluation.overlaps import Nearest, Pairs, Scope, find_overlaps
from vidkit.evaluation.protocols import AP_DETECTIONS, Protocol
from vidkit.evaluation.ranking import Ranking, matching_keys, places, rank, score_keys
from vidkit.predictions.table import Predictions

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class Matches:
    """A row for each detection of `predictions`, in their order: what it found in `index` under `protocol`.

    What can be found are the N instances and, numbered after them, the M ignored regions of the index; a detection that
    finds one of these is neither true nor false.
    """

    index: Index
    predictions: Predictions
    protocol: Protocol
    matched: NDArray[np.int32]  # (D,) what is found at the lowest IoU threshold, a row of the N + M; -1 if nothing
    contest: Contest  # what could have been matched: same class and frame, IoU high enough
    ranking: Ranking  # all detections that count by class and score
    nearest: Nearest | None  # None: not asked for
    place: NDArray[np.int32] | None  # (D,) rank in its frame and class, 0 where none matters; None: nowhere

    @property
    def n_regions(self) -> int:
        """M, the number of ignored regions."""
        return 0 if self.index.ignored is None else len(self.index.ignored.crowd)

    def matched_at(self, threshold: float, kept: NDArray[np.bool_] | None = None) -> NDArray[np.int32]:
        """What is matched, `(D,)`, at an IoU threshold when only `kept (N,)` belong to the group.

        Ground truth outside the group is matched as well; by some protocols' rules it stands back where two would do.
        """
        indifferent = kept is None or bool(kept.all()) or not self._minds_groups
        if threshold == min(self.protocol.iou_thresholds) and indifferent:
            return self.matched
        matched = np.full(self.predictions.n_detections, -1, np.int32)
        matched[self.contest.rows] = self.contest.at(threshold).taken(None if indifferent else kept)
        return matched

    def to_frame(self) -> pd.DataFrame:
        """The table with the columns frame, class_id, score, matched, and nearest, iou where they were found.

        Where the index has ignored regions also `ignored`: whether the detection found one.
        """
        import pandas as pd

        columns = {
            "frame": self.predictions.detection_frame,
            "class_id": self.predictions.class_id,
            "score": self.predictions.score,
            "matched": np.where(self.matched < self.index.n_instances, self.matched, -1),
        }
        if self.index.ignored is not None:
            columns["ignored"] = self.matched >= self.index.n_instances
        if self.nearest is not None:
            columns |= {"nearest": self.nearest.truth, "iou": self.nearest.iou}
        return pd.DataFrame(columns)

    @cached_property
    def _minds_groups(self) -> bool:
        """Whether it can make a difference to a match which objects belong to the group."""
        if self.protocol.equal_truth != "first kept":
            return self.protocol.prefer_kept
        pairs = self.contest.pairs
        order = np.lexsort((pairs.iou, pairs.detection))
        detection, iou = pairs.detection[order], pairs.iou[order]
        return bool(((detection[1:] == detection[:-1]) & (iou[1:] == iou[:-1])).any())


def match(index: Index, predictions: Predictions, protocol: Protocol, scope: Scope | None = None) -> Matches:
    """Return the table of matches; with a `scope` also each detection's nearest ground truth in it.

    Raises PredictionError if the predictions don't have the index's frames or classes, or hold a number that isn't
    finite.
    """
    check(index, predictions)
    keys = score_keys(predictions, protocol)
    ranking = rank(predictions, keys, index.n_classes, protocol)
    if index.annotated is not None:  # what is found where nobody has looked is neither true nor false
        ranking = ranking.without(~index.annotated[predictions.detection_frame])
    pairs, nearest = find_overlaps(index, predictions, protocol, scope)
    place = None
    if (rows := _counted(index, predictions, protocol, pairs)) is not None:
        place = places(predictions, keys, rows, index.n_classes, protocol)
        ranking = ranking.select(place[ranking.order] < max(protocol.max_detections))
        pairs = pairs.select(place[pairs.detection] < max(protocol.max_detections))
    ready = contest(index, protocol, pairs, matching_keys(keys, pairs.detection, protocol))
    matched = np.full(predictions.n_detections, -1, np.int32)
    matched[ready.rows] = ready.at(min(protocol.iou_thresholds)).taken()
    if index.ignored is not None and protocol.ignored_share:  # ignored at every threshold and for every group
        ranking = ranking.without(matched >= index.n_instances)
    return Matches(index, predictions, protocol, matched, ready, ranking, nearest, place)


def check(index: Index, predictions: Predictions) -> None:
    """Raise PredictionError if `predictions` don't fit `index` or hold a box or score that isn't a finite number.

    Raises AnnotationError where no frame of the index is annotated, as of a plain film: there is nothing to score.
    """
    if index.n_frames and index.annotated is not None and not index.annotated.any():
        raise AnnotationError(
            f"the index {index.dataset} {index.split} has no annotated frame: nothing to score; annotate its videos, "
            "prepare the index of that with the same classes, and give it with --index and --any-index"
        )
    if predictions.n_frames != index.n_frames:
        raise PredictionError(
            f"the predictions have {predictions.n_frames} frames, the index {index.dataset} {index.split} has "
            f"{index.n_frames}; give the index they were made for"
        )
    if predictions.index_fingerprint not in ("", index.fingerprint):
        raise PredictionError(
            f"the predictions were made for the index {predictions.index_fingerprint}, this one is {index.fingerprint}"
        )
    class_id = predictions.class_id
    if len(class_id) and not 0 <= class_id.min() <= class_id.max() < index.n_classes:
        raise PredictionError(
            f"class ids {class_id.min()} … {class_id.max()} in the predictions; the index has {index.n_classes} classes"
        )
    for name, column in (("box", predictions.box), ("score", predictions.score)):
        if not np.isfinite(column.sum(dtype=np.float64)):  # much faster than to ask each number
            bad = int((~np.isfinite(column.reshape(len(class_id), -1))).any(axis=1).sum())
            raise PredictionError(f"{bad} detections have a {name} that isn't a finite number")


def _counted(index: Index, predictions: Predictions, protocol: Protocol, pairs: Pairs) -> NDArray[np.int64] | None:
    """The detections whose rank in their frame and class matters; None: no one's.

    Where some frame has more of a class than count, all matter; else those that may be found before a lower limit, and
    the others of their class in their frame.
    """
    limits = protocol.max_detections
    if not limits:
        return None
    cell = predictions.detection_frame * np.int64(index.n_classes)
    cell += predictions.class_id
    most = int(np.diff(predictions.detection_start).max(initial=0))
    lowest = min(max(limits), AP_DETECTIONS)
    if most > lowest and np.bincount(cell).max(initial=0) > lowest:
        return np.arange(predictions.n_detections)
    if len(limits) == 1:
        return None
    meant = np.zeros(index.n_frames * index.n_classes, bool)
    meant[cell[pairs.detection]] = True
    return np.flatnonzero(meant[cell])
