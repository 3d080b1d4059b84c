"""Boxes of one frame linked with those of another, and what is between: for detectors that see keyframes only."""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from vidkit.boxes import Boxes, area
from vidkit.detections import Detections

Pairs = NDArray[np.int64]
REACH = 4.0
"""Two boxes further apart than so many of their sides, difference in size included, are not of one object."""


def linked(a: Detections, b: Detections, reach: float = REACH) -> Pairs:
    """The rows of boxes of `a` and of `b` that are taken for one object, `(n, 2)`, in the order of `a`.

    A box has one partner at most, of its class and within `reach`. Of all such choices it is the one with the largest
    sum of gains, see `gains`: what both frames are sure of is linked first.
    """
    pairs = [np.zeros((0, 2), np.int64)]
    for class_id in np.intersect1d(a.class_ids, b.class_ids):
        ours, theirs = np.flatnonzero(a.class_ids == class_id), np.flatnonzero(b.class_ids == class_id)
        gain = gains(a, b, ours, theirs, reach)
        row, column = linear_sum_assignment(gain, maximize=True)
        won = gain[row, column] > 0
        pairs.append(np.stack([ours[row[won]], theirs[column[won]]], axis=1))
    joined = np.concatenate(pairs)
    return joined[np.argsort(joined[:, 0], kind="stable")]


def gains(
    a: Detections, b: Detections, ours: NDArray[np.int64], theirs: NDArray[np.int64], reach: float = REACH
) -> NDArray[np.float64]:
    """What it is worth to link each of some boxes of `a` with each of some of `b`, `(n, m)`; 0 beyond `reach`.

    The smaller of the two scores times what is left of the reach: the distance of the centres in sides, a side being
    the mean of both boxes' √(w h), plus |log| of the ratio of these, is taken off.
    """
    first, second = a.boxes[ours].astype(np.float64)[:, None], b.boxes[theirs].astype(np.float64)[None]
    sides = [np.sqrt(np.maximum(area(each), 1e-6)) for each in (first, second)]
    apart = np.linalg.norm(_centres(first) - _centres(second), axis=-1) / (np.add(*sides) / 2)
    left = np.maximum(reach - apart - np.abs(np.log(sides[0] / sides[1])), 0)
    return np.asarray(np.minimum(a.scores[ours][:, None], b.scores[theirs][None]) * left, np.float64)


def interpolated(a: Detections, b: Detections, pairs: Pairs, share: float) -> Detections:
    """The boxes at `share` of the way from `a` to `b`, 0 … 1: of the pairs between the two, scores too.

    What has no partner is kept as it is in the half that is nearer to its frame, the middle counting as a's.
    """
    ours, theirs = pairs.T
    near, lone = (a, _others(a, ours)) if share <= 0.5 else (b, _others(b, theirs))
    return Detections(
        np.concatenate([_mixed(a.boxes[ours], b.boxes[theirs], share), near.boxes[lone]]),
        np.concatenate([_mixed(a.scores[ours], b.scores[theirs], share), near.scores[lone]]),
        np.concatenate([a.class_ids[ours], near.class_ids[lone]]),
    )


def extrapolated(a: Detections, b: Detections, pairs: Pairs, share: float) -> Detections:
    """The boxes of `b` after it: the centres of pairs go on as they came from `a`, `share` of the way between the two.

    Sizes and scores are b's, and so is all of what has no partner.
    """
    ours, theirs = pairs.T
    step = np.zeros((len(b), 2))
    step[theirs] = _centres(b.boxes[theirs]) - _centres(a.boxes[ours])
    return replace(b, boxes=b.boxes + share * np.tile(step, 2).astype(b.boxes.dtype))


def _centres(boxes: Boxes) -> Boxes:
    return np.asarray((boxes[..., :2] + boxes[..., 2:]) / 2)


def _others(found: Detections, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.setdiff1d(np.arange(len(found)), rows)


def _mixed(a: NDArray[Any], b: NDArray[Any], share: float) -> NDArray[Any]:
    return np.asarray((1 - share) * a + share * b, a.dtype)
