"""Average precision from the places of true positives and the weight of false positives above each."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from vidkit.evaluation.protocols import Protocol

EPSILON = float(np.spacing(1.0))
RECALL_POINTS = np.linspace(0, 1, 101)


def average_precision(false_positives: NDArray[Any], n_truth: int, protocol: Protocol) -> float:
    """Return the AP of one class; NaN if it has no ground truth.

    `false_positives (T,)` is the weight of all false positives ranked above each of the T true positives. Precision
    changes for the better only at true positives, so nothing else is needed for the area under its envelope.
    """
    if n_truth == 0:
        return float("nan")
    found = np.arange(1, len(false_positives) + 1)
    recall = found / n_truth
    envelope = np.maximum.accumulate(precision(found, false_positives, protocol)[::-1])[::-1]
    if protocol.integration == "101 points":
        points = np.searchsorted(RECALL_POINTS, recall, side="right")
        return float(np.sum(np.diff(points, prepend=0) * envelope) / len(RECALL_POINTS))
    return float(np.sum(np.diff(recall, prepend=0) * envelope))


def precision(
    true_positives: NDArray[np.integer], false_positives: NDArray[Any], protocol: Protocol
) -> NDArray[np.float64]:
    """Return TP / (TP + FP) with the protocol's guard against an empty denominator."""
    total = true_positives + false_positives
    if protocol.precision == "added":
        return np.asarray(true_positives / (total + EPSILON))
    return np.asarray(true_positives / np.maximum(total, EPSILON))


def fill_missing(ap: NDArray[np.float64], detected: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return AP `(C,)` with 0 where a class has neither ground truth nor detections; NaN stays where it has detections.

    This is how FGFA's `imagenet_vid_eval` answers for classes without ground truth; see `Protocol.missing_class`.
    """
    return np.where(np.isnan(ap) & ~detected, 0.0, ap)


def mean_ap(ap: NDArray[np.float64], skip_missing: bool = True) -> float:
    """Return the mean AP over classes `(C,)`; those without ground truth, NaN, are left out, or make the mean NaN.

    NaN if no class is left.
    """
    counted = ap[~np.isnan(ap)] if skip_missing else ap
    return float(np.mean(counted)) if len(counted) else float("nan")
