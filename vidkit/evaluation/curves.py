"""Curves and tables behind the mean: precision against recall, scores of hits and false alarms, videos, calibration.

Calibration asks whether a score of 0.8 is right in 8 of 10 cases. In B bins of equal width over 0 … 1

    ECE = Σ_b n_b / n · |precision_b - confidence_b|

with n_b the detections of bin b that count, precision_b the share of true positives among them and confidence_b their
mean score (expected calibration error: Naeini et al. 2015; Guo et al. 2017; for detections Küppers et al. 2020). 0: the
scores are probabilities; 0.3: they are off by 30 points on average.

True and false are those of the protocol, at its lowest IoU threshold, for all ground truth. Detections that it ignores
are neither. A false alarm of a low score counts as much as one of a high score, so most histograms and ECEs say more
with a lowest score, such as 0.05.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from vidkit.data.index import Index
from vidkit.errors import PredictionError
from vidkit.evaluation.average_precision import mean_ap, precision
from vidkit.evaluation.evaluate import match_for
from vidkit.evaluation.matching import Matches, match
from vidkit.evaluation.protocols import FGFA, FalsePositiveRule, Protocol, protocol_named
from vidkit.evaluation.scoring import Curve, ranked
from vidkit.evaluation.slices import Bins, Breakdown, Group, breakdown, breakdowns
from vidkit.predictions.table import Predictions

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class PrecisionRecall:
    """The curve of one class in one group, down to its last true positive: a point for each, `(P,)`, best score first.

    Between two true positives precision only falls, so nothing is lost for the area under the envelope, which is AP.
    """

    by: str
    group: str
    class_name: str
    n_gt: int
    score: NDArray[np.float64]
    recall: NDArray[np.float64]
    precision: NDArray[np.float64]

    def thin(self, points: int) -> PrecisionRecall:
        """Return at most about so many points: the first ones that reach each of 1 / points, 2 / points … of recall."""
        level = np.floor(self.recall * points * (1 - 1e-12))
        chosen = np.append(np.flatnonzero(np.diff(level) != 0), len(level) - 1)
        kept = chosen if len(level) else chosen[:0]
        return replace(self, score=self.score[kept], recall=self.recall[kept], precision=self.precision[kept])


def precision_recall(
    index: Index,
    predictions: Predictions,
    protocol: Protocol | str = FGFA,
    by: str | Sequence[str] = (),
    bins: Bins | None = None,
    fp_rule: FalsePositiveRule | None = None,
) -> list[PrecisionRecall]:
    """Return the curves of every class of all data and of each group, those without a true positive with no points.

    Arguments and errors are those of `evaluate`; the IoU threshold is the protocol's lowest.
    """
    rules = protocol_named(protocol, fp_rule) if isinstance(protocol, str) else protocol.with_rule(fp_rule)
    wanted = [Breakdown("", (Group("all"),)), *breakdowns(by, index, rules, bins)]
    matches = match_for(index, predictions, rules, wanted)
    return [curve for one in wanted for curve in _curves(matches, one)]


def curves_frame(curves: Sequence[PrecisionRecall]) -> pd.DataFrame:
    """Return a row for each point: by, group, class, n_gt, score, recall, precision."""
    import pandas as pd

    counts = [len(curve.score) for curve in curves]
    columns: dict[str, Any] = {
        "by": np.repeat(np.array([curve.by for curve in curves], object), counts),
        "group": np.repeat(np.array([curve.group for curve in curves], object), counts),
        "class": np.repeat(np.array([curve.class_name for curve in curves], object), counts),
        "n_gt": np.repeat(np.array([curve.n_gt for curve in curves], np.int64), counts),
    }
    for name in ("score", "recall", "precision"):
        columns[name] = np.concatenate([np.zeros(0), *(getattr(curve, name) for curve in curves)])
    return pd.DataFrame(columns)


def _curves(matches: Matches, wanted: Breakdown) -> Iterator[PrecisionRecall]:
    """Yield the curve of each class in each cell and group of a breakdown."""
    index, protocol = matches.index, matches.protocol
    rows = ranked(matches, wanted.cells)
    for group in wanted.groups:
        n_truth = rows.count(rows.members(group))
        found = {curve.segment: curve for curve in rows.curves(group, min(protocol.iou_thresholds))}
        for segment in range(rows.n_segments):
            cell = "" if wanted.cells is None else wanted.cells.names[segment // index.n_classes]
            name = "/".join(part for part in (cell, group.name) if part)
            class_name = index.class_names[segment % index.n_classes]
            points = _points(found.get(segment), int(n_truth[segment]), matches)
            yield PrecisionRecall(wanted.by, name, class_name, int(n_truth[segment]), *points)


def _points(
    curve: Curve | None, n_truth: int, matches: Matches
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return score, recall and precision at each true positive."""
    if curve is None:
        return np.zeros(0), np.zeros(0), np.zeros(0)
    score = matches.predictions.score[curve.rows[curve.true]].astype(np.float64)
    hits = np.arange(1, len(curve.true) + 1)
    return score, hits / n_truth, precision(hits, np.cumsum(curve.weight)[curve.true], matches.protocol)


@dataclass(frozen=True, eq=False)
class Outcomes:
    """The detections that count, `(K,)`: which they are, what they score, whether they are true positives."""

    row: NDArray[np.int64]
    score: NDArray[np.float64]
    true: NDArray[np.bool_]


def outcomes(matches: Matches, lowest_score: float = -np.inf) -> Outcomes:
    """Return the true and false positives of all data with at least the `lowest_score`, at the lowest IoU threshold."""
    plain = ranked(matches)
    members = plain.members(Group("all"))
    matched = matches.matched_at(min(matches.protocol.iou_thresholds), members)[matches.ranking.order]
    true = np.append(members, np.zeros(matches.n_regions + 1, bool))[matched]  # -1, nothing, is the last
    limits = matches.protocol.area_range
    inside = np.ones(len(matched), bool) if limits is None else (plain.area >= limits[0]) & (plain.area <= limits[1])
    score = matches.predictions.score[matches.ranking.order].astype(np.float64)
    counts = (true | ((matched < 0) & inside)) & (score >= lowest_score)
    return Outcomes(matches.ranking.order[counts].astype(np.int64), score[counts], true[counts])


@dataclass(frozen=True)
class ScoreBin:
    """The detections whose score is in `[low, high)`; the last bin includes its end."""

    low: float
    high: float
    true: int
    false: int


def score_histogram(
    index: Index,
    predictions: Predictions,
    protocol: Protocol | str = FGFA,
    bins: int = 20,
    lowest_score: float = -np.inf,
) -> list[ScoreBin]:
    """Return how many true and false positives have which score, in `bins` of equal width.

    The bins span 0 … 1, and further where scores do. Raises what `evaluate` raises, ValueError for less than one bin.
    """
    found = _outcomes(index, predictions, protocol, bins, lowest_score)
    low, high = min(0.0, found.score.min(initial=0.0)), max(1.0, found.score.max(initial=1.0))
    edges = np.linspace(low, high, bins + 1)
    true, _ = np.histogram(found.score[found.true], edges)
    false, _ = np.histogram(found.score[~found.true], edges)
    return [
        ScoreBin(float(low), float(high), int(t), int(f))
        for (low, high), t, f in zip(pairwise(edges), true, false, strict=True)
    ]


@dataclass(frozen=True)
class CalibrationBin:
    """The detections whose score is in `[low, high)`; the last bin includes 1. NaN where there is none."""

    low: float
    high: float
    detections: int
    confidence: float
    """The mean score."""
    precision: float
    """The share of true positives."""


@dataclass(frozen=True)
class Calibration:
    """How far scores are from being probabilities."""

    detections: int
    expected_error: float
    """ECE, 0 … 1; NaN without detections."""
    largest_error: float
    """The largest |precision - confidence| of a bin."""
    bins: tuple[CalibrationBin, ...]


def calibration(
    index: Index,
    predictions: Predictions,
    protocol: Protocol | str = FGFA,
    bins: int = 10,
    lowest_score: float = -np.inf,
) -> Calibration:
    """Return the calibration of the scores in `bins` of equal width over 0 … 1.

    Raises what `evaluate` raises, PredictionError for scores outside 0 … 1, ValueError for less than one bin.
    """
    found = _outcomes(index, predictions, protocol, bins, lowest_score)
    outside = int(((found.score < 0) | (found.score > 1)).sum())
    if outside:
        raise PredictionError(
            f"{outside} of {len(found.score)} scores are not in 0 … 1, so they are no probabilities to be calibrated"
        )
    edges = np.arange(bins + 1) / bins
    place = np.minimum(np.searchsorted(edges, found.score, side="right") - 1, bins - 1)
    count = np.bincount(place, minlength=bins)
    n = np.where(count > 0, count, np.nan)
    confidence = np.bincount(place, weights=found.score, minlength=bins) / n
    share = np.bincount(place, weights=found.true, minlength=bins) / n
    error = np.abs(share - confidence)
    total = len(found.score)
    return Calibration(
        detections=total,
        expected_error=float(np.nansum(error * count) / total) if total else float("nan"),
        largest_error=float(np.nanmax(error)) if total else float("nan"),
        bins=tuple(
            CalibrationBin(float(edges[b]), float(edges[b + 1]), int(count[b]), float(confidence[b]), float(share[b]))
            for b in range(bins)
        ),
    )


@dataclass(frozen=True)
class VideoScore:
    """One video: its mean AP over the classes that it has ground truth of, and its counts."""

    video: str
    frames: int
    ground_truth: int
    mean_ap: float
    """0 … 1 of its own detections alone; NaN without ground truth."""
    true: int
    """Detections of at least the lowest score that find an object."""
    false: int
    """Those that don't."""
    missed: int
    """Ground truth that none of them finds."""


def video_scores(
    index: Index,
    predictions: Predictions,
    protocol: Protocol | str = FGFA,
    lowest_score: float = -np.inf,
) -> list[VideoScore]:
    """Return every video, the worst first: by mean AP at the lowest IoU threshold, those without ground truth last.

    `lowest_score` limits the counts, not AP. Raises what `evaluate` raises.
    """
    rules = protocol_named(protocol) if isinstance(protocol, str) else protocol
    matches = match(index, predictions, rules)
    videos = breakdown("video", index, rules)
    rows = ranked(matches, videos.cells)
    members = rows.members(Group(""))
    shape = (index.n_videos, index.n_classes)
    ap = rows.average_precisions(Group(""), [min(rules.iou_thresholds)]).reshape(shape)
    truth = rows.count(members).reshape(shape).sum(axis=1)
    found = outcomes(matches, lowest_score)
    video = index.frame_video[predictions.detection_frame[found.row]]
    true = np.bincount(video[found.true], minlength=index.n_videos)
    false = np.bincount(video[~found.true], minlength=index.n_videos)
    scores = [
        VideoScore(
            video=name,
            frames=len(index.frames_of(v)),
            ground_truth=int(truth[v]),
            mean_ap=mean_ap(ap[v]),
            true=int(true[v]),
            false=int(false[v]),
            missed=int(truth[v] - true[v]),
        )
        for v, name in enumerate(index.video_name)
    ]
    return sorted(scores, key=lambda score: (bool(np.isnan(score.mean_ap)), score.mean_ap, score.video))


def _outcomes(
    index: Index, predictions: Predictions, protocol: Protocol | str, bins: int, lowest_score: float
) -> Outcomes:
    if bins < 1:
        raise ValueError(f"{bins} bins; wanted one or more")
    rules = protocol_named(protocol) if isinstance(protocol, str) else protocol
    return outcomes(match(index, predictions, rules), lowest_score)
