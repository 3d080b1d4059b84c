"""Delay: frames from an object's first appearance until it is first found, at a fixed rate of false alarms.

After Mao, Yang and Dally, "A Delay Metric for Video Object Detection: What Average Precision Fails to Tell", ICCV 2019.
For a rate β the score threshold s is the lowest at which there are at most β false positives for each ground truth box.
With the detections of a score of at least s, the delay of object k is

    d_k(β) = first frame in which it is found - first frame in which it is annotated      (frames; 0: found at once)

and the average delay is

    D(β) = 1/K Σ_k min(d_k(β), W),  W = 30          AD = 1 / mean_β(1 / (D(β) + 1)) - 1,  β = 0.1, 0.2, 0.4 … 3.2

AD takes 1 / (D + 1) as the probability to find an object in a frame, averages that and turns it back into frames.
0: every object is found in its first frame; 30: none is found within 30 frames.

Here and not there: an object that is never found counts as delayed by all of its frames, last - first + 1 (the authors'
script takes last - first); what finds what is the protocol's matching, one detection for one object (theirs: any
detection of the class with an IoU above 0.5); β is never exceeded (theirs is exceeded by one detection). Frames are
those of the index, whatever their numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from vidkit.data.index import Index
from vidkit.evaluation.matching import Matches, match
from vidkit.evaluation.protocols import FGFA, Protocol, protocol_named
from vidkit.evaluation.tracks import Tracks, found_scores, tracks_of
from vidkit.predictions.table import Predictions
from vidkit.shown import shows_itself

if TYPE_CHECKING:
    import pandas as pd

RATES = (0.1, 0.2, 0.4, 0.8, 1.6, 3.2)
"""The paper's false positives for each ground truth box."""
WINDOW = 30
"""W, frames: no object is delayed more."""
Per = Literal["object", "frame"]
"""What a rate of false alarms is counted against: ground truth boxes, as in the paper, or frames."""


@dataclass(frozen=True)
class Delay:
    """The delay of all objects at one rate of false alarms."""

    rate: float
    """β: at most so many false alarms for each ground truth box, or for each frame."""
    threshold: float
    """The lowest score that counts; infinite if even the best score has more false alarms."""
    false_alarms: int
    """How many there are at this threshold."""
    objects: int
    """K, the number of tracks."""
    never_found: int
    average: float
    """D: the mean of min(d, W) over all objects, in frames; NaN without objects."""
    mean_of_found: float
    """The mean of d, not cut at W, over the objects that are found; NaN if none is."""


@shows_itself
@dataclass(frozen=True, repr=False)
class DelayReport:
    """The average delay over all rates, and the delay at each."""

    protocol: str
    per: Per
    window: int
    average_delay: float
    """AD, in frames; NaN without objects."""
    at: tuple[Delay, ...]

    def to_frame(self) -> pd.DataFrame:
        """Return a row for each rate with the columns of Delay."""
        import pandas as pd

        return pd.DataFrame([asdict(delay) for delay in self.at], columns=list(Delay.__dataclass_fields__))

    def title(self) -> str:
        """The result in one line."""
        return f"average delay {self.average_delay:.2f} frames, protocol {self.protocol}"

    def shown(self) -> list[dict[str, Any]]:
        """The rows of its table."""
        return [asdict(delay) for delay in self.at]

    def to_json(self) -> dict[str, Any]:
        """Return all of it as plain values."""
        return asdict(self)


def average_delay(
    index: Index,
    predictions: Predictions,
    protocol: Protocol | str = FGFA,
    rates: Sequence[float] = RATES,
    window: int = WINDOW,
    per: Per = "object",
) -> DelayReport:
    """Return the delays of `predictions` at each of the `rates`, and their average; matching is the protocol's.

    Raises AnnotationError if the index has no track ids, PredictionError if the predictions don't fit it, ValueError
    for rates that are negative or not given, a window below 1, or another `per`.
    """
    if per not in ("object", "frame"):
        raise ValueError(f"per {per!r}; wanted object or frame")
    if not rates or not all(rate >= 0 for rate in rates) or window < 1:
        raise ValueError(f"rates {list(rates)}, window {window}; wanted rates of 0 or more, and a window of 1 or more")
    rules = protocol_named(protocol) if isinstance(protocol, str) else protocol
    tracks = tracks_of(index, "delays")
    matches = match(index, predictions, rules)
    score = found_scores(matches)
    unit = index.n_instances if per == "object" else index.n_frames
    alarms = _false_alarms(matches)
    at = tuple(_delay(index, tracks, score, rate, window, unit, alarms) for rate in rates)
    speed = np.mean([1 / (delay.average + 1) for delay in at])  # the probability to find an object in a frame
    return DelayReport(rules.name, per, window, float(1 / speed - 1), at)


def delays(index: Index, tracks: Tracks, score: NDArray[np.float64], threshold: float) -> NDArray[np.int64]:
    """Return the delay `(T,)` of each track in frames; -1 for tracks that aren't found at this score threshold.

    `score (N,)` is the score with which each ground truth is found, as `found_scores` tells it.
    """
    frame = index.instance_frame[tracks.order].astype(np.int64)
    never = index.n_frames
    when = np.where((score >= threshold)[tracks.order] & np.isfinite(score)[tracks.order], frame, never)
    if tracks.n_tracks == 0:
        return np.zeros(0, np.int64)
    first_found = np.minimum.reduceat(when, tracks.start[:-1])
    return np.where(first_found < never, first_found - frame[tracks.start[:-1]], -1)


def _delay(
    index: Index,
    tracks: Tracks,
    score: NDArray[np.float64],
    rate: float,
    window: int,
    unit: int,
    alarms: tuple[NDArray[np.float64], NDArray[np.int64]],
) -> Delay:
    scores, up_to = alarms
    allowed = np.flatnonzero(up_to <= rate * unit)
    threshold = float(scores[allowed[-1]]) if len(allowed) else np.inf
    delay = delays(index, tracks, score, threshold)
    frame = index.instance_frame[tracks.order].astype(np.int64)
    lasts = frame[tracks.start[1:] - 1] - frame[tracks.start[:-1]] + 1 if tracks.n_tracks else delay
    found = delay >= 0
    cut = np.minimum(np.where(found, delay, lasts), window)
    return Delay(
        rate=float(rate),
        threshold=threshold,
        false_alarms=int(up_to[allowed[-1]]) if len(allowed) else 0,
        objects=tracks.n_tracks,
        never_found=int((~found).sum()),
        average=float(cut.mean()) if len(cut) else float("nan"),
        mean_of_found=float(delay[found].mean()) if found.any() else float("nan"),
    )


def _false_alarms(matches: Matches) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the distinct scores, falling, and how many unmatched detections have at least each of them."""
    rows = matches.ranking.order
    scores, which = np.unique(-matches.predictions.score[rows].astype(np.float64), return_inverse=True)
    false = np.bincount(which.reshape(-1)[matches.matched[rows] < 0], minlength=len(scores))
    return -scores, np.cumsum(false)
