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
counted by their numbers: those of a video that aren't in the index pass as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from vidkit.data.index import Index
from vidkit.evaluation.bootstrap import Drawings
from vidkit.evaluation.matching import Matches, match
from vidkit.evaluation.protocols import FGFA, Protocol, protocol_named
from vidkit.evaluation.result import Bootstrap
from vidkit.evaluation.running_sums import RunningSums
from vidkit.evaluation.tracks import NEVER, Tracks, found_scores, tracks_of
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
    interval: tuple[float, float] | None = None
    """Of the average, in frames."""
    note: str = ""
    """Why there is none where one was asked for."""


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
    interval: tuple[float, float] | None = None
    """Of the average delay, in frames."""
    note: str = ""
    """Why there is none where one was asked for."""
    bootstrap: Bootstrap | None = None

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
    ci: int = 0,
    seed: int = 0,
) -> DelayReport:
    """The delays of `predictions` at each of the `rates`, and their average; matching is the protocol's.

    With `ci` replicates of a bootstrap over videos each gets a 95 % interval. Raises AnnotationError if the index has
    no track ids, PredictionError if the predictions don't fit it, ValueError for rates that are negative or not given,
    a window below 1, another `per`, or a negative `ci` or `seed`.
    """
    if per not in ("object", "frame"):
        raise ValueError(f"per {per!r}; wanted object or frame")
    if not rates or not all(rate >= 0 for rate in rates) or window < 1:
        raise ValueError(f"rates {list(rates)}, window {window}; wanted rates of 0 or more, and a window of 1 or more")
    rules = protocol_named(protocol) if isinstance(protocol, str) else protocol
    bootstrap = Bootstrap.asked(ci, seed)
    tracks = tracks_of(index, "delays")
    matches = match(index, predictions, rules)
    score = found_scores(matches)
    unit = int(_units(index, per).sum())
    alarms = _false_alarms(matches)
    at = tuple(_delay(index, tracks, score, rate, window, unit, alarms) for rate in rates)
    average = float(_over_rates(np.array([delay.average for delay in at])))
    report = DelayReport(rules.name, per, window, average, at)
    if bootstrap is None:
        return report
    drawings = Drawings.of(index.n_videos, bootstrap)
    return _with_intervals(report, tracks, drawn_delays(matches, tracks, score, report, drawings.counts), drawings)


def _over_rates(average: NDArray[np.float64]) -> NDArray[np.float64]:
    """AD from the average delays at all rates, `(R, …)`."""
    speed = np.mean(1 / (average + 1), axis=0)  # the probability to find an object in a frame
    return np.asarray(1 / speed - 1)


def _with_intervals(report: DelayReport, tracks: Tracks, drawn: NDArray[np.float64], drawings: Drawings) -> DelayReport:
    """The report with the intervals of its delays, as shares of the window, from what they are in all drawings."""
    value = np.array([report.average_delay, *(delay.average for delay in report.at)])
    found = np.concatenate([_over_rates(drawn)[None], drawn])
    n_videos = len(np.unique(tracks.video))
    spread = drawings.spread(value / report.window, found / report.window, n_videos)
    told = spread.told(drawings.settings.level, doubt=False)
    (interval, note), *others = [
        (None if ends is None else (ends[0] * report.window, ends[1] * report.window), note) for ends, note in told
    ]
    at = [replace(delay, interval=ends, note=why) for delay, (ends, why) in zip(report.at, others, strict=True)]
    return replace(report, at=tuple(at), interval=interval, note=note, bootstrap=drawings.settings)


def drawn_delays(
    matches: Matches,
    tracks: Tracks,
    score: NDArray[np.float64],
    report: DelayReport,
    drawn: NDArray[np.float64],
) -> NDArray[np.float64]:
    """The average delay at each rate of a report when each video counts `drawn (V, B)` times, `(R, B)`.

    As the threshold falls a rate's false alarms add up, and objects are found earlier. Both are running sums over what
    is ranked by score.
    """
    index, window = matches.index, report.window
    per_video = _units(index, report.per)
    limit = np.array([delay.rate for delay in report.at])[:, None] * (per_video @ drawn)
    alarm_score, alarm_video = _ranked_alarms(matches)
    alarms = RunningSums(alarm_video, np.ones(len(alarm_video)), drawn)
    too_many = np.append(alarm_score, -np.inf)[alarms.reaching(limit)]  # only better scores count
    earlier = _ranked_findings(index, tracks, score, window)
    rows = np.searchsorted(-earlier.score, -too_many.ravel()).reshape(too_many.shape)
    gained = RunningSums(tracks.video[earlier.track], earlier.gain, drawn).first(rows)
    unfound = np.bincount(tracks.video, np.minimum(_lasts(index, tracks), window), minlength=index.n_videos)
    with np.errstate(divide="ignore", invalid="ignore"):
        n_tracks = np.bincount(tracks.video, minlength=index.n_videos) @ drawn
        return np.asarray((unfound @ drawn - gained) / n_tracks)


def delays(index: Index, tracks: Tracks, score: NDArray[np.float64], threshold: float) -> NDArray[np.int64]:
    """Return the delay `(T,)` of each track in frames; -1 for tracks that aren't found at this score threshold.

    `score (N,)` is the score with which each ground truth is found, as `found_scores` tells it.
    """
    frame = _numbers(index, tracks)
    never = np.iinfo(np.int64).max
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
    found = delay >= 0
    cut = np.minimum(np.where(found, delay, _lasts(index, tracks)), window)
    return Delay(
        rate=float(rate),
        threshold=threshold,
        false_alarms=int(up_to[allowed[-1]]) if len(allowed) else 0,
        objects=tracks.n_tracks,
        never_found=int((~found).sum()),
        average=float(cut.mean()) if len(cut) else float("nan"),
        mean_of_found=float(delay[found].mean()) if found.any() else float("nan"),
    )


def _units(index: Index, per: Per) -> NDArray[np.int64]:
    """What the false alarms of each video are counted against, `(V,)`: its boxes, or its annotated frames."""
    if per == "object":
        return np.diff(index.instance_start[index.frame_start])
    if index.annotated is None:
        return np.diff(index.frame_start)
    return np.bincount(index.frame_video[index.annotated], minlength=index.n_videos)


def _numbers(index: Index, tracks: Tracks) -> NDArray[np.int64]:
    """The number of the frame of each sorted instance, `(N,)`."""
    return index.frame_number[index.instance_frame[tracks.order]].astype(np.int64)


def _lasts(index: Index, tracks: Tracks) -> NDArray[np.int64]:
    """How many frames each track `(T,)` lasts."""
    frame = _numbers(index, tracks)
    return frame[tracks.start[1:] - 1] - frame[tracks.start[:-1]] + 1 if tracks.n_tracks else np.zeros(0, np.int64)


@dataclass(frozen=True, eq=False)
class _Findings:
    """The M boxes by which a track is found earlier than by any better score, sorted by falling score."""

    score: NDArray[np.float64]  # (M,)
    track: NDArray[np.int64]  # (M,)
    gain: NDArray[np.float64]  # (M,) frames, by which the delay, cut at the window, is less


def _ranked_findings(index: Index, tracks: Tracks, score: NDArray[np.float64], window: int) -> _Findings:
    track, frame = tracks.of_row, _numbers(index, tracks)
    own, rank = np.unique(np.append(score[tracks.order], NEVER), return_inverse=True)  # of NEVER it is 0
    key = track * len(own) + rank[:-1]
    before = np.maximum(np.append(-1, np.maximum.accumulate(key)[:-1])[: len(key)], track * len(own))
    rows = np.flatnonzero(key > before)  # better than all earlier boxes of the track
    offset = np.minimum(frame[rows] - frame[tracks.start[track[rows]]], window)
    following = np.append(offset[1:], 0)[: len(rows)]
    last = np.append(track[rows][1:] != track[rows][:-1], True)[: len(rows)]
    following = np.where(last, np.minimum(_lasts(index, tracks)[track[rows]], window), following)
    order = np.argsort(-score[tracks.order][rows], kind="stable")
    rows, gain = rows[order], (following - offset)[order]
    return _Findings(score[tracks.order][rows], track[rows], gain.astype(np.float64))


def _ranked_alarms(matches: Matches) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """The scores of the unmatched detections, falling, and their videos."""
    rows = matches.ranking.order[matches.matched[matches.ranking.order] < 0]
    score = matches.predictions.score[rows].astype(np.float64)
    order = np.argsort(-score, kind="stable")
    video = matches.index.frame_video[matches.predictions.detection_frame[rows[order]]]
    return score[order], video.astype(np.int64)


def _false_alarms(matches: Matches) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the distinct scores, falling, and how many unmatched detections have at least each of them."""
    rows = matches.ranking.order
    scores, which = np.unique(-matches.predictions.score[rows].astype(np.float64), return_inverse=True)
    false = np.bincount(which.reshape(-1)[matches.matched[rows] < 0], minlength=len(scores))
    return -scores, np.cumsum(false)
