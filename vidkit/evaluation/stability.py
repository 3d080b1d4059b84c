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

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from vidkit.boxes import Boxes
from vidkit.data.index import Index
from vidkit.evaluation.matching import match
from vidkit.evaluation.protocols import FGFA, Protocol, protocol_named
from vidkit.evaluation.tracks import Tracks, found_by, found_scores, tracks_of
from vidkit.predictions.table import Predictions
from vidkit.shown import shows_itself

if TYPE_CHECKING:
    import pandas as pd

RECALLS = tuple(i / 10 for i in range(1, 11))
ERRORS = ("fragment", "centre", "scale_ratio")


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

    def to_frame(self) -> pd.DataFrame:
        """Return a row for each recall: recall, threshold, fragment, centre, scale_ratio, tracks, total."""
        import pandas as pd

        return pd.DataFrame([_as_dict(stability) for stability in self.at])

    def title(self) -> str:
        """The result in one line."""
        return f"stability errors along tracks: {self.mean.total:.4f}, protocol {self.protocol}"

    def shown(self) -> list[dict[str, Any]]:
        """The rows of its table."""
        return [_as_dict(stability) for stability in self.at]

    def to_json(self) -> dict[str, Any]:
        """Return all of it as plain values."""
        return {
            "protocol": self.protocol,
            "reached": self.reached,
            "mean": _as_dict(self.mean),
            "at": [_as_dict(stability) for stability in self.at],
        }


def stability(
    index: Index,
    predictions: Predictions,
    protocol: Protocol | str = FGFA,
    recalls: Sequence[float] = RECALLS,
) -> StabilityReport:
    """Return the stability errors of `predictions` at each of the `recalls`; matching is the protocol's.

    Raises AnnotationError if the index has no track ids, PredictionError if the predictions don't fit it, ValueError
    for recalls outside 0 (left out) … 1.
    """
    if not recalls or not all(0 < recall <= 1 for recall in recalls):
        raise ValueError(f"recalls {list(recalls)}; wanted recalls above 0 and up to 1")
    rules = protocol_named(protocol) if isinstance(protocol, str) else protocol
    tracks = tracks_of(index, "stability")
    matches = match(index, predictions, rules)
    score, finder = found_scores(matches)[tracks.order], found_by(matches)[tracks.order]
    known = finder >= 0
    deviations = np.zeros((4, len(finder)))  # e_x, e_y, e_s, e_r
    deviations[:, known] = _deviations(predictions.box[finder[known]], index.box[tracks.order[known]])
    ranked = -np.sort(-score[known])
    at = []
    for recall in recalls:
        needed = int(np.ceil(recall * len(score) - 1e-9))  # 0.1 x 30 boxes are 3, whatever the last bit says
        if not 0 < needed <= len(ranked):
            at.append(Stability(recall, np.nan, np.nan, np.nan, np.nan, np.nan))
            continue
        threshold = float(ranked[needed - 1])
        at.append(_errors(tracks, known & (score >= threshold), deviations, recall, threshold))
    reached = len(ranked) / len(score) if len(score) else float("nan")
    return StabilityReport(rules.name, reached, _mean(at), tuple(at))


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


def _as_dict(stability: Stability) -> dict[str, float]:
    return {**asdict(stability), "total": stability.total}
