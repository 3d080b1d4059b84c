"""compare: two runs over the same videos, difference by difference, with intervals that use the pairing.

Both runs are scored on the same drawings of videos (`vidkit.evaluation.bootstrap`), so what makes a video hard for both
cancels in the difference: its interval is much narrower than those of the two scores let expect. Where the videos are
too few for an interval there is no P and no verdict either.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from vidkit.data.index import Index
from vidkit.errors import PredictionError
from vidkit.evaluation.bootstrap import replicates
from vidkit.evaluation.evaluate import match_for, score
from vidkit.evaluation.intervals import DOUBTFUL, Spread, mean_of_known, missing
from vidkit.evaluation.matching import Matches
from vidkit.evaluation.protocols import FGFA, FalsePositiveRule, Protocol, protocol_named
from vidkit.evaluation.result import Bootstrap, EvalResult, GroupResult, software
from vidkit.evaluation.scoring import ranked
from vidkit.evaluation.slices import Bins, Breakdown, Group, breakdowns
from vidkit.predictions.table import Predictions
from vidkit.shown import NOTHING, percent, shows_itself, with_interval

if TYPE_CHECKING:
    import pandas as pd

DOUBTFUL_LEVEL = 0.005
"""P(B better) below which B is worse where the interval is doubtful."""
NOT_ASKED = "no resampling"
"""The note of a difference without resampling of videos."""
COMPARISON_FORMAT, COMPARISON_VERSION = "vidkit-comparison", 1


@dataclass(frozen=True)
class Difference:
    """How much better b is than a in one group: the mean over classes, or one class. NaN where there is no value."""

    by: str
    name: str
    class_name: str  # "": the mean over classes
    n_gt: int
    a: float
    b: float
    delta: float  # b - a
    low: float  # the ends of delta's interval
    high: float
    p_better: float
    """P(delta > 0 among all videos that could have been drawn); above 0.975 the 95 % interval lies above 0."""
    note: str = ""
    """What must be said of interval and P: why there are none, as "3 videos: too few to tell", or DOUBTFUL; else ""."""

    @property
    def ends(self) -> tuple[float, float] | None:
        """The interval of delta; None where there is none."""
        return (self.low, self.high) if self.low <= self.high else None

    def told(self) -> str:
        """The interval in points, as "[+0.35, +1.25]", and what must be said of it; or why there is none."""
        if self.ends is None:
            return self.note or NOTHING
        return with_interval("", [f"{100 * end:+.2f}" for end in self.ends], self.note).strip()

    @property
    def is_worse(self) -> bool:
        """Whether b is worse beyond chance: the whole interval lies below 0, of a doubtful one that of 99 %.

        If none was asked for: whether delta is below 0. Never where the videos are too few for an interval.
        """
        if self.note == NOT_ASKED:
            return self.delta < 0
        return self.p_better < DOUBTFUL_LEVEL if self.note == DOUBTFUL else self.high < 0


@dataclass(frozen=True)
class VideoShare:
    """What one video adds to the difference of the mean AP: the difference with all videos minus that without it."""

    video: str
    share: float
    delta_without: float


@shows_itself
@dataclass(frozen=True, eq=False, repr=False)
class Comparison:
    """Run b against run a, on the same data and under the same rules."""

    protocol: Protocol
    a: EvalResult
    b: EvalResult
    differences: tuple[Difference, ...]  # the first one is that of the mean AP of all data
    videos: tuple[VideoShare, ...]  # sorted: what speaks most for b first
    bootstrap: Bootstrap | None

    @property
    def overall(self) -> Difference:
        """The difference of the mean AP of all data."""
        return self.differences[0]

    def to_frame(self) -> pd.DataFrame:
        """Return a row for each difference, with the columns of `Difference`."""
        import pandas as pd

        return pd.DataFrame([asdict(difference) for difference in self.differences])

    def title(self) -> str:
        """The result in one line."""
        return f"B - A: {percent(self.overall.delta)} points of mAP, protocol {self.protocol.name}"

    def shown(self) -> list[dict[str, Any]]:
        """The rows of its table."""
        return [
            {
                "group": f"{d.by}: {d.name}" if d.by else "all",
                "A": percent(d.a),
                "B": percent(d.b),
                "B - A": percent(d.delta),
                "95 % interval": d.told(),
                "P(B better)": d.p_better,
            }
            for d in self.differences
            if not d.class_name
        ]

    def to_json(self) -> dict[str, Any]:
        """Return the comparison as plain values, see docs/formats.md; NaN becomes None."""
        return {
            "format": COMPARISON_FORMAT,
            "version": COMPARISON_VERSION,
            "protocol": self.protocol.name,
            "rules": self.protocol.rules(),
            "bootstrap": None if self.bootstrap is None else {"over": "videos", **asdict(self.bootstrap)},
            "index_fingerprint": self.a.data["index_fingerprint"],
            "a": {"predictions_fingerprint": self.a.data["predictions_fingerprint"], "run": dict(self.a.run)},
            "b": {"predictions_fingerprint": self.b.data["predictions_fingerprint"], "run": dict(self.b.run)},
            "differences": [_without_nan(asdict(difference)) for difference in self.differences],
            "videos": [asdict(video) for video in self.videos],
            "software": software(),
        }


def compare(
    index: Index,
    a: Predictions,
    b: Predictions,
    protocol: Protocol | str = FGFA,
    by: str | Sequence[str] = (),
    bins: Bins | None = None,
    fp_rule: FalsePositiveRule | None = None,
    ci: int = 1000,
    seed: int = 0,
) -> Comparison:
    """Return how much better `b` is than `a` on `index`: b - a, of all data, each group of each `by`, each class.

    The parameters and errors are those of `vidkit.evaluate`. Raises PredictionError, too, if only a part of a run's
    videos was run.
    """
    rules = protocol_named(protocol, fp_rule) if isinstance(protocol, str) else protocol.with_rule(fp_rule)
    for name, predictions in (("a", a), ("b", b)):
        if predictions.run.limited:
            raise PredictionError(f"run {name} is limited to a part of the data; run it whole to compare it")
    bootstrap, wanted = Bootstrap.asked(ci, seed), breakdowns(by, index, rules, bins)
    tables = [match_for(index, predictions, rules, wanted) for predictions in (a, b)]
    return compare_matches(tables[0], tables[1], wanted, bootstrap)


def compare_matches(
    a: Matches, b: Matches, wanted: Sequence[Breakdown], bootstrap: Bootstrap | None = None
) -> Comparison:
    """How much better the run of `b` is than that of `a`: tables of matches of one index under one protocol.

    They must hold the nearest ground truth if a breakdown needs it.
    """
    index, of_a, of_b = a.index, score(a, wanted, bootstrap), score(b, wanted, bootstrap)
    differences: list[Difference] = []
    for group_a, group_b in zip((of_a.overall, *of_a.groups), (of_b.overall, *of_b.groups), strict=True):
        differences += _differences(group_a, group_b, index.class_names, bootstrap)
    videos = _shares(index, [_without_each(*side) for side in zip((a, b), (of_a, of_b), strict=True)])
    return Comparison(a.protocol, of_a, of_b, tuple(differences), videos, bootstrap)


def difference_of(a: GroupResult, b: GroupResult, bootstrap: Bootstrap | None) -> Difference:
    """The difference of the mean AP of a group, of two results that were made of the same drawings of videos."""
    return next(_differences(a, b, (), bootstrap))


def _differences(
    a: GroupResult, b: GroupResult, class_names: Sequence[str], bootstrap: Bootstrap | None
) -> Iterator[Difference]:
    """Yield the difference of a group's mean AP, then that of each class with ground truth in it."""
    n_gt, told = int(a.n_gt.sum()), [_not_told(NOT_ASKED)] * (1 + len(a.ap))
    if bootstrap is not None:
        told = [_not_told(missing(1))] * (1 + len(a.ap))  # a cell that is one video
    if bootstrap is not None and a.interval is not None and a.resampled is not None and b.resampled is not None:
        resampled = b.resampled.minus(a.resampled)
        told = _told(resampled.mean(b.mean_ap - a.mean_ap), bootstrap.level)
        told += _told(resampled.by_class(b.ap - a.ap), bootstrap.level)
    yield Difference(a.by, a.name, "", n_gt, a.mean_ap, b.mean_ap, b.mean_ap - a.mean_ap, **told[0])
    for c in (int(c) for c in np.flatnonzero(a.n_gt)):
        found = float(a.ap[c]), float(b.ap[c])
        yield Difference(a.by, a.name, class_names[c], int(a.n_gt[c]), *found, found[1] - found[0], **told[1 + c])


def _told(spread: Spread, level: float) -> list[dict[str, Any]]:
    """What is known of how sure each difference of a spread is, as fields of Difference."""
    rows = zip(spread.told(level, "difference"), spread.positive().tolist(), strict=True)
    return [
        {"low": ends[0], "high": ends[1], "p_better": better, "note": note} if ends else _not_told(note)
        for (ends, note), better in rows
    ]


def _not_told(note: str) -> dict[str, Any]:
    return {"low": np.nan, "high": np.nan, "p_better": np.nan, "note": note}


def _without_each(matches: Matches, result: EvalResult) -> NDArray[np.float64]:
    """The mean AP without each video, `(V,)`, after that of all."""
    resampled = result.overall.resampled
    if resampled is None:
        each_left_out = 1.0 - np.eye(matches.index.n_videos)
        left_out = replicates(ranked(matches), Group("all"), each_left_out)
    else:
        left_out = resampled.left_out
    return np.append(result.mean_ap, mean_of_known(left_out.T))


def _shares(index: Index, mean_ap: Sequence[NDArray[np.float64]]) -> tuple[VideoShare, ...]:
    """Each video's share in the difference of the mean AP, from the means of a and b of all and without each video."""
    delta, *without = (mean_ap[1] - mean_ap[0]).tolist()
    shares = [
        VideoShare(name, delta - left, left)
        for name, left in zip(index.video_name, without, strict=True)
        if np.isfinite(left)
    ]
    return tuple(sorted(shares, key=lambda video: -video.share))


def _without_nan(values: dict[str, Any]) -> dict[str, Any]:
    return {k: None if isinstance(v, float) and not np.isfinite(v) else v for k, v in values.items()}
