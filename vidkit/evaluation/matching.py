"""Matching: which detection finds which ground truth. Done once; every breakdown is a mask over this table."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from vidkit.data.index import Index
from vidkit.errors import PredictionError
from vidkit.evaluation.overlaps import Nearest, Pairs, Scope, find_overlaps, thresholds
from vidkit.evaluation.protocols import Protocol
from vidkit.evaluation.ranking import Ranking, matching_keys, places, rank, score_keys
from vidkit.predictions.table import Predictions

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class Matches:
    """A row for each detection of `predictions`, in their order: what it found in `index` under `protocol`."""

    index: Index
    predictions: Predictions
    protocol: Protocol
    matched: NDArray[np.int32]  # (D,) the instance found at the lowest IoU threshold, -1 if none
    pairs: Pairs  # what could have been matched: same class and frame, IoU high enough
    pair_key: NDArray[np.uint64]  # (P,) rises in the order in which the detections of a frame take their ground truth
    ranking: Ranking  # all detections by class and score
    nearest: Nearest | None  # None: not asked for
    place: NDArray[np.int32] | None  # (D,) rank in its frame and class; None where the protocol doesn't count them

    def matched_at(self, threshold: float, kept: NDArray[np.bool_] | None = None) -> NDArray[np.int32]:
        """Return `(D,)` the instances that are matched at an IoU threshold when only `kept (N,)` belong to the group.

        Ground truth outside the group is matched as well; by some protocols' rules it stands back where two would do.
        """
        indifferent = kept is None or bool(kept.all()) or not self._minds_groups
        if threshold == min(self.protocol.iou_thresholds) and indifferent:
            return self.matched
        enough = self.pairs.iou >= thresholds(self.index, self.protocol, threshold)[self.pairs.truth]
        size = self.predictions.n_detections, self.index.n_instances
        key = self.pair_key[enough]
        return assign(self.pairs.select(enough), key, size, self.protocol, None if indifferent else kept)

    def to_frame(self) -> pd.DataFrame:
        """Return the table with the columns frame, class_id, score, matched, and nearest, iou where they were found."""
        import pandas as pd

        columns = {
            "frame": self.predictions.detection_frame,
            "class_id": self.predictions.class_id,
            "score": self.predictions.score,
            "matched": self.matched,
        }
        if self.nearest is not None:
            columns |= {"nearest": self.nearest.truth, "iou": self.nearest.iou}
        return pd.DataFrame(columns)

    @cached_property
    def _minds_groups(self) -> bool:
        """Whether it can make a difference to a match which objects belong to the group."""
        if self.protocol.equal_truth != "first kept":
            return self.protocol.prefer_kept
        order = np.lexsort((self.pairs.iou, self.pairs.detection))
        detection, iou = self.pairs.detection[order], self.pairs.iou[order]
        return bool(((detection[1:] == detection[:-1]) & (iou[1:] == iou[:-1])).any())


def match(index: Index, predictions: Predictions, protocol: Protocol, scope: Scope | None = None) -> Matches:
    """Return the table of matches; with a `scope` also each detection's nearest ground truth in it.

    Raises PredictionError if the predictions don't have the index's frames or classes, or hold a number that isn't
    finite.
    """
    check(index, predictions)
    keys = score_keys(predictions, protocol)
    ranking = rank(predictions, keys, index.n_classes, protocol)
    pairs, nearest = find_overlaps(index, predictions, protocol, scope)
    place = None
    if protocol.max_detections and (len(protocol.max_detections) > 1 or _crowded(index, predictions, protocol)):
        place = places(predictions, ranking, index.n_classes)
        ranking = ranking.select(place[ranking.order] < max(protocol.max_detections))
        pairs = pairs.select(place[pairs.detection] < max(protocol.max_detections))
    pair_key = matching_keys(keys, pairs.detection, protocol)
    matched = assign(pairs, pair_key, (predictions.n_detections, index.n_instances), protocol)
    return Matches(index, predictions, protocol, matched, pairs, pair_key, ranking, nearest, place)


def assign(
    pairs: Pairs,
    pair_key: NDArray[np.uint64],
    size: tuple[int, int],
    protocol: Protocol,
    kept: NDArray[np.bool_] | None = None,
) -> NDArray[np.int32]:
    """Return the ground truth that each detection takes, `(D,)`, -1 for none; `size` is (D, N).

    The rule: one after the other, best score first, the detections of a frame take what they like best among what is
    left. This is the only stable matching between detections with preferences of their own and ground truth that all
    prefers the better score; so it is found by proposals (Gale and Shapley): all detections ask at once, each ground
    truth keeps the best that asks, the others ask their next one. A few rounds do for any number of frames.
    """
    order = _by_preference(pairs, protocol, kept)
    detection, truth, key = pairs.detection[order], pairs.truth[order], pair_key[order]
    last = np.append(detection[1:] != detection[:-1], True) if len(detection) else np.zeros(0, bool)
    if protocol.duplicates == "false positive":
        last = np.ones(len(detection), bool)  # nobody asks twice
    held_by = np.full(size[1], -1)  # the pair that each ground truth keeps
    asking = np.flatnonzero(np.append(True, detection[1:] != detection[:-1])) if len(detection) else held_by[:0]
    while len(asking):
        asking = asking[np.argsort(key[asking])[::-1]]
        before = held_by[truth[asking]]
        challenge = asking[(before < 0) | (key[asking] < key[before])]
        held_by[truth[challenge]] = challenge  # of several that ask, the last one written is the best
        lost = np.concatenate([asking, before[before >= 0]])
        lost = np.unique(lost[held_by[truth[lost]] != lost])
        asking = lost[~last[lost]] + 1
    matched = np.full(size[0], -1, np.int32)
    pair = held_by[held_by >= 0]
    matched[detection[pair]] = truth[pair]
    return matched


def check(index: Index, predictions: Predictions) -> None:
    """Raise PredictionError if `predictions` don't fit `index` or hold a box or score that isn't a finite number."""
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


def _crowded(index: Index, predictions: Predictions, protocol: Protocol) -> bool:
    """Return whether some frame has more detections of a class than count."""
    cell = predictions.detection_frame * np.int64(index.n_classes)
    cell += predictions.class_id
    return int(np.bincount(cell).max(initial=0)) > max(protocol.max_detections)


def _by_preference(pairs: Pairs, protocol: Protocol, kept: NDArray[np.bool_] | None) -> NDArray[np.int64]:
    """Return the order of pairs by detection, and for each detection by what it likes best.

    Most detections have one pair only and needn't be asked.
    """
    order = np.argsort(pairs.detection)
    again = np.append(False, pairs.detection[order[1:]] == pairs.detection[order[:-1]])
    several = np.flatnonzero(again | np.append(again[1:], False))
    order[several] = order[several][_preferred(pairs.select(order[several]), protocol, kept)]
    return order


def _preferred(pairs: Pairs, protocol: Protocol, kept: NDArray[np.bool_] | None) -> NDArray[np.int64]:
    ignored = np.zeros(len(pairs.truth), bool) if kept is None else ~kept[pairs.truth]
    place = pairs.truth
    if protocol.equal_truth == "last":
        place = -place
    if protocol.equal_truth == "first kept":
        place = np.where(ignored, np.iinfo(np.int64).max - place, place)
    if not protocol.prefer_kept:
        return np.lexsort((place, -pairs.iou, pairs.detection))
    return np.lexsort((place, -pairs.iou, ignored, pairs.detection))
