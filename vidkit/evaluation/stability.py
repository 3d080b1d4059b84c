"""Stability of boxes along a track: does a detector flicker, and does its box tremble?

After Zhang and Wang, "On The Stability of Video Detection and Tracking", arXiv 1611.06467, Sec. 3.2. A track k of t_k
annotated boxes is *found* in some of its frames, by the detections of a score of at least a threshold. Over the K
tracks

    fragment error          E_F = 1/K Σ_k f_k / (t_k - 1)      f_k: how often found turns into not found or back
    centre position error   E_C = 1/K Σ_k std(e_x) + std(e_y)  e_x = (x - x') / w', e_y = (y - y') / h'
    scale and ratio error   E_R = 1/K Σ_k std(e_s) + std(e_r)  e_s = sqrt(w h / (w' h')), e_r = (w / h) / (w' / h')
    stability error         Φ = E_F + E_C + E_R

where x, y, w, h is the centre and size of the box that finds an object in a frame, x', y', w', h' its annotated one,
and std is over the frames of the track in which it is found, divided by their number. All are without unit: e_C = 0.1
is a centre that trembles by a tenth of the object's size. 0: always or never found, and every box wrong by the same.
E_F = 1: found in every second frame. A constant offset costs nothing: AP counts it.

The errors depend on the threshold: with few detections there's little to tremble. So they are taken at fixed recalls,
0.1, 0.2 … 1: the threshold is the highest score at which the recall is reached. `mean` is the average over the recalls
that are reached, the area under the curve of error against recall divided by its length.

Here and not there: what finds what is the protocol's matching, not the assignment of largest total IoU; a track enters
E_F with two annotated boxes or more, and E_C and E_R with two found ones or more, since fewer have no deviation. Frames
in which the object isn't annotated are passed over.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from vidkit.boxes import Boxes
from vidkit.data.index import Index
from vidkit.evaluation.bootstrap import Drawings
from vidkit.evaluation.intervals import Scale
from vidkit.evaluation.matching import Matches, match
from vidkit.evaluation.protocols import FGFA, Protocol, protocol_named
from vidkit.evaluation.result import Bootstrap
from vidkit.evaluation.running_sums import RunningSums
from vidkit.evaluation.tracks import Tracks, found_by, found_scores, tracks_of
from vidkit.predictions.table import Predictions
from vidkit.shown import shows_itself

if TYPE_CHECKING:
    import pandas as pd

RECALLS = tuple(i / 10 for i in range(1, 11))
ERRORS = ("fragment", "centre", "scale_ratio")
SCALES: Mapping[str, Scale] = {"fragment": "share", "centre": "amount", "scale_ratio": "amount", "total": "amount"}
"""What kind of number each error and their sum is."""


@dataclass(frozen=True)
class Stability:
    """The errors at one recall; NaN where the recall isn't reached, or where no track has an error to measure."""

    recall: float
    """The recall that was asked for; NaN in the mean."""
    threshold: float
    """The highest score that reaches it."""
    fragment: float
    """E_F."""
    centre: float
    """E_C."""
    scale_ratio: float
    """E_R."""
    tracks: float
    """How many tracks have a centre, scale and ratio error, those found in two frames or more."""
    intervals: Mapping[str, tuple[float, float] | None] = field(default_factory=dict)
    """Of the three errors and of `total`, where some were asked for; None: there is none."""
    notes: Mapping[str, str] = field(default_factory=dict)
    """Why there is none; "" else."""

    @property
    def total(self) -> float:
        """Φ, the sum of the three."""
        return self.fragment + self.centre + self.scale_ratio


@shows_itself
@dataclass(frozen=True, repr=False)
class StabilityReport:
    """The errors at each recall, and their mean over the recalls that are reached."""

    protocol: str
    reached: float
    """The recall of all detections."""
    mean: Stability
    at: tuple[Stability, ...]
    bootstrap: Bootstrap | None = None

    def to_frame(self) -> pd.DataFrame:
        """A row for each recall: recall, threshold, fragment, centre, scale_ratio, tracks, total.

        Where intervals were asked for also fragment_low, fragment_high, fragment_note and so on.
        """
        import pandas as pd

        return pd.DataFrame([_row(stability) for stability in self.at])

    def title(self) -> str:
        """The result in one line."""
        return f"stability errors along tracks: {self.mean.total:.4f}, protocol {self.protocol}"

    def shown(self) -> list[dict[str, Any]]:
        """The rows of its table."""
        return [_row(stability) for stability in self.at]

    def to_json(self) -> dict[str, Any]:
        """All of it as plain values."""
        return {
            "protocol": self.protocol,
            "reached": self.reached,
            "mean": _as_dict(self.mean),
            "at": [_as_dict(stability) for stability in self.at],
            "bootstrap": None if self.bootstrap is None else {"over": "videos", **asdict(self.bootstrap)},
        }


def stability(
    index: Index,
    predictions: Predictions,
    protocol: Protocol | str = FGFA,
    recalls: Sequence[float] = RECALLS,
    ci: int = 0,
    seed: int = 0,
) -> StabilityReport:
    """The stability errors of `predictions` at each of the `recalls`; matching is the protocol's.

    With `ci` replicates of a bootstrap over videos each gets a 95 % interval. Raises AnnotationError if the index has
    no track ids, PredictionError if the predictions don't fit it, ValueError for recalls outside 0 (left out) … 1 and
    for a negative `ci` or `seed`.
    """
    if not recalls or not all(0 < recall <= 1 for recall in recalls):
        raise ValueError(f"recalls {list(recalls)}; wanted recalls above 0 and up to 1")
    rules = protocol_named(protocol) if isinstance(protocol, str) else protocol
    bootstrap = Bootstrap.asked(ci, seed)
    tracks = tracks_of(index, "stability")
    found = tracked_boxes(match(index, predictions, rules), tracks)
    known, score = found.known, found.score
    ranked = -np.sort(-score[known])
    at = []
    for recall in recalls:
        needed = int(_needed(recall, np.array(len(score))))
        if not 0 < needed <= len(ranked):
            at.append(Stability(recall, np.nan, np.nan, np.nan, np.nan, np.nan))
            continue
        threshold = float(ranked[needed - 1])
        at.append(_errors(found.tracks, known & (score >= threshold), found.deviations, recall, threshold))
    reached = len(ranked) / len(score) if len(score) else float("nan")
    report = StabilityReport(rules.name, reached, _mean(at), tuple(at))
    return report if bootstrap is None else _with_intervals(report, found, Drawings.of(index.n_videos, bootstrap))


@dataclass(frozen=True, eq=False)
class TrackedBoxes:
    """The N annotated boxes sorted by track and frame: whether and with what score each is found, and how far off."""

    tracks: Tracks
    score: NDArray[np.float64]  # (N,)
    known: NDArray[np.bool_]  # (N,) whether it is found at all
    deviations: NDArray[np.float64]  # (4, N) e_x, e_y, e_s, e_r; 0 where it isn't found


def tracked_boxes(matches: Matches, tracks: Tracks) -> TrackedBoxes:
    """The boxes of a table of matches."""
    score, finder = found_scores(matches)[tracks.order], found_by(matches)[tracks.order]
    known = finder >= 0
    deviations = np.zeros((4, len(finder)))
    detected, truth = matches.predictions.box[finder[known]], matches.index.box[tracks.order[known]]
    deviations[:, known] = _deviations(detected, truth)
    return TrackedBoxes(tracks, score, known, deviations)


def _needed(recall: float, boxes: NDArray[Any]) -> NDArray[np.float64]:
    """How many boxes a recall asks for: 0.1 x 30 boxes are 3, whatever the last bit says."""
    return np.asarray(np.ceil(recall * boxes - 1e-9))


def _deviations(found: Boxes, truth: Boxes) -> NDArray[np.float64]:
    """Return e_x, e_y, e_s, e_r, `(4, N)`; NaN or infinite where a box is empty or inverted."""
    x, y, w, h = _centre_and_size(found)
    x_true, y_true, w_true, h_true = _centre_and_size(truth)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.stack(
            [
                (x - x_true) / w_true,
                (y - y_true) / h_true,
                np.sqrt(w * h / (w_true * h_true)),
                (w / h) / (w_true / h_true),
            ]
        )


def _centre_and_size(box: Boxes) -> NDArray[np.float64]:
    x1, y1, x2, y2 = box.astype(np.float64).T
    return np.stack([(x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1])


def _errors(
    tracks: Tracks, found: NDArray[np.bool_], deviations: NDArray[np.float64], recall: float, threshold: float
) -> Stability:
    """Return the errors when the sorted instances `found (N,)` are found."""
    lengths, track = np.diff(tracks.start), tracks.of_row
    changed = (found[1:] != found[:-1]) & (track[1:] == track[:-1])
    changes = np.bincount(track[1:][changed], minlength=tracks.n_tracks)
    long = lengths > 1
    fragment = changes[long] / (lengths[long] - 1)
    measurable = found & np.isfinite(deviations).all(axis=0)
    count = np.bincount(track[measurable], minlength=tracks.n_tracks)
    several = count > 1
    x, y, scale, ratio = (_std(one[measurable], track[measurable], count)[several] for one in deviations)
    return Stability(
        recall, threshold, _average(fragment), _average(x + y), _average(scale + ratio), float(several.sum())
    )


def _std(values: NDArray[np.float64], track: NDArray[np.int64], count: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the standard deviation of the values of each track; 0 for tracks without any."""
    n = np.maximum(count, 1)
    mean = np.bincount(track, weights=values, minlength=len(count)) / n
    return np.sqrt(np.bincount(track, weights=(values - mean[track]) ** 2, minlength=len(count)) / n)


def _average(values: NDArray[np.float64]) -> float:
    return float(values.mean()) if len(values) else float("nan")


def _mean(at: Sequence[Stability]) -> Stability:
    means = []
    for name in ERRORS:
        values = np.array([getattr(one, name) for one in at])
        means.append(_average(values[np.isfinite(values)]))
    return Stability(np.nan, np.nan, means[0], means[1], means[2], np.nan)


def _as_dict(stability: Stability) -> dict[str, Any]:
    return {**asdict(stability), "total": stability.total}


def _row(stability: Stability) -> dict[str, Any]:
    row = _as_dict(stability)
    intervals, notes = row.pop("intervals"), row.pop("notes")
    for error, ends in intervals.items():
        row |= dict(zip((f"{error}_low", f"{error}_high"), ends or (np.nan, np.nan), strict=True))
        row[f"{error}_note"] = notes[error]
    return row


# -- in drawings of videos ---------------------------------------------------------------------------------------------


def _with_intervals(report: StabilityReport, found: TrackedBoxes, drawings: Drawings) -> StabilityReport:
    """The report with the intervals of its errors."""
    errors = drawn_errors(found, [one.recall for one in report.at], drawings.counts)
    known = np.isfinite(errors)
    with np.errstate(invalid="ignore"):
        means = np.where(known, errors, 0).sum(axis=1) / known.sum(axis=1)
    drawn = np.concatenate([means[:, None], errors], axis=1)  # (3, 1 + R, B + V)
    by_error = dict(zip(ERRORS, drawn, strict=True)) | {"total": drawn.sum(axis=0)}
    rows, n_videos = (report.mean, *report.at), len(np.unique(found.tracks.video))
    told = {}
    for error, values in by_error.items():
        value = np.array([getattr(one, error) for one in rows])
        told[error] = drawings.spread(value, values, n_videos).told(drawings.settings.level, SCALES[error], False)
    mean, *at = [
        replace(
            one,
            intervals={error: told[error][i][0] for error in told},
            notes={error: told[error][i][1] for error in told},
        )
        for i, one in enumerate(rows)
    ]
    return replace(report, mean=mean, at=tuple(at), bootstrap=drawings.settings)


def drawn_errors(found: TrackedBoxes, recalls: Sequence[float], drawn: NDArray[np.float64]) -> NDArray[np.float64]:
    """The three errors at each recall when each video counts `drawn (V, B)` times, `(3, R, B)`.

    As the threshold falls boxes are found one after the other. Each changes the errors of its track by so much, which
    are running sums over what is ranked by score.
    """
    tracks = found.tracks
    rows = np.flatnonzero(found.known)
    rows = rows[np.argsort(-found.score[rows], kind="stable")]
    video = tracks.video[tracks.of_row[rows]]

    def sums(change: NDArray[np.float64]) -> RunningSums:
        return RunningSums(video, change[rows], drawn)

    boxes, long = np.bincount(tracks.video[tracks.of_row], minlength=len(drawn)), np.diff(tracks.start) > 1
    needed = np.stack([_needed(recall, boxes @ drawn) for recall in recalls])
    last = sums(np.ones(len(found.known))).reaching(needed - 0.5)
    reached = (last < len(rows)) & (needed > 0)
    score = found.score[rows]
    equal = np.append(np.searchsorted(-score, -score, side="right"), 0)  # boxes of the same score are found together
    upto = np.where(reached, equal[np.minimum(last, len(rows))], 0)
    n_long = np.bincount(tracks.video[long], minlength=len(drawn)) @ drawn
    deviated = _deviation_changes(found, rows)
    with np.errstate(divide="ignore", invalid="ignore"):
        fragment = sums(_fragment_changes(found, rows)).first(upto) / n_long
        several = sums(deviated[2]).first(upto)
        errors = np.stack([fragment, *(sums(change).first(upto) / several for change in deviated[:2])])
    return np.where(reached, errors, np.nan)


def _fragment_changes(found: TrackedBoxes, rows: NDArray[np.int64]) -> NDArray[np.float64]:
    """By how much f_k / (t_k - 1) grows, `(N,)`, when boxes are found in the order of `rows`."""
    track, lengths = found.tracks.of_row, np.diff(found.tracks.start)
    rank = np.full(len(track), len(track))
    rank[rows] = np.arange(len(rows))
    grows = np.zeros(len(track))
    pair = np.flatnonzero(track[1:] == track[:-1])  # a box and the next one of its track
    sooner, later = (np.where(rank[pair] < rank[pair + 1], first, 1 - first) + pair for first in (0, 1))
    np.add.at(grows, sooner, 1.0)
    np.add.at(grows, later, -1.0)
    return np.asarray(grows / np.maximum(lengths - 1, 1)[track])


def _deviation_changes(found: TrackedBoxes, rows: NDArray[np.int64]) -> NDArray[np.float64]:
    """By how much a track's centre error, its scale and ratio error, and whether it has some grow, `(3, N)`."""
    changes = np.zeros((3, len(found.known)))
    rows = rows[np.isfinite(found.deviations[:, rows]).all(axis=0)]
    rows = rows[np.argsort(found.tracks.of_row[rows], kind="stable")]  # by track, in the order in which they are found
    track = found.tracks.of_row[rows]
    start = np.flatnonzero(np.append(True, track[1:] != track[:-1])[: len(rows)])
    lengths = np.diff(np.append(start, len(rows)))
    place = np.arange(len(rows)) - np.repeat(start, lengths)
    values = found.deviations[:, rows]
    values = values - np.repeat(np.add.reduceat(values, start, axis=1) / lengths if len(rows) else values, lengths, 1)

    def upto(numbers: NDArray[np.float64]) -> NDArray[np.float64]:
        sums = np.cumsum(numbers, axis=1)
        return sums - np.repeat(sums[:, start] - numbers[:, start], lengths, axis=1)

    variance = upto(values**2) / (place + 1) - (upto(values) / (place + 1)) ** 2
    x, y, scale, ratio = np.where(place > 0, np.sqrt(np.maximum(variance, 0)), 0)
    for row, error in enumerate((x + y, scale + ratio)):
        changes[row, rows] = np.where(place > 0, error - np.append(0, error[:-1])[: len(error)], error)
    changes[2, rows] = place == 1
    return changes
