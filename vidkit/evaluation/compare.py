"""compare: two runs over the same videos, difference by difference, with intervals that use the pairing.

Both runs are scored on the same drawings of videos (`vidkit.evaluation.bootstrap`), so what makes a video hard for both
cancels in the difference: its interval is much narrower than those of the two scores let expect.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from vidkit.data.index import Index
from vidkit.errors import PredictionError
from vidkit.evaluation.average_precision import mean_ap
from vidkit.evaluation.bootstrap import replicates
from vidkit.evaluation.evaluate import match_for, score
from vidkit.evaluation.matching import Matches
from vidkit.evaluation.protocols import FGFA, FalsePositiveRule, Protocol, protocol_named
from vidkit.evaluation.result import Bootstrap, EvalResult, GroupResult, software
from vidkit.evaluation.scoring import ranked
from vidkit.evaluation.slices import Bins, Group, breakdowns
from vidkit.predictions.table import Predictions
from vidkit.shown import percent, shows_itself

if TYPE_CHECKING:
    import pandas as pd

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
    """P(delta > 0): the share of drawings in which b is better; a drawing in which they are equal counts half."""

    @property
    def is_worse(self) -> bool:
        """Whether b is worse beyond chance: the whole interval lies below 0; without an interval, delta does."""
        return self.high < 0 if np.isfinite(self.high) else self.delta < 0


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
                "95 % interval": f"{percent(d.low)} … {percent(d.high)}",
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
    of_a, of_b = (score(table, wanted, bootstrap) for table in tables)
    differences: list[Difference] = []
    for group_a, group_b in zip((of_a.overall, *of_a.groups), (of_b.overall, *of_b.groups), strict=True):
        differences += _differences(group_a, group_b, index.class_names, bootstrap)
    videos = _shares(tables[0], tables[1], of_b.mean_ap - of_a.mean_ap)
    return Comparison(rules, of_a, of_b, tuple(differences), videos, bootstrap)


def _differences(
    a: GroupResult, b: GroupResult, class_names: Sequence[str], bootstrap: Bootstrap | None
) -> Iterator[Difference]:
    """Yield the difference of a group's mean AP, then that of each class with ground truth in it."""
    nothing = np.zeros((len(class_names), 0))
    of_a = nothing if a.replicates is None else a.replicates
    of_b = nothing if b.replicates is None else b.replicates
    level = 0.0 if bootstrap is None else bootstrap.level
    means = np.array([mean_ap(y) - mean_ap(x) for x, y in zip(of_a.T, of_b.T, strict=True)])
    if a.interval is not None and np.isnan(a.interval.mean_ap).any():
        means = np.zeros(0)  # all ground truth in one video, which can't be drawn anew
    yield _difference(a, "", int(a.n_gt.sum()), a.mean_ap, b.mean_ap, means, level)
    for c in (int(c) for c in np.flatnonzero(a.n_gt)):
        found = float(a.ap[c]), float(b.ap[c])
        alone = a.interval is not None and bool(np.isnan(a.interval.ap[c]).any())
        drawn = nothing[c] if alone else of_b[c] - of_a[c]
        yield _difference(a, class_names[c], int(a.n_gt[c]), *found, drawn, level)


def _difference(
    group: GroupResult, class_name: str, n_gt: int, a: float, b: float, drawn: NDArray[np.float64], level: float
) -> Difference:
    known = drawn[~np.isnan(drawn)]
    low, high, better = float("nan"), float("nan"), float("nan")
    if len(known):
        low, high = (float(end) for end in np.quantile(known, [(1 - level) / 2, (1 + level) / 2]))
        better = float(np.mean((known > 0) + 0.5 * (known == 0)))
    return Difference(group.by, group.name, class_name, n_gt, a, b, b - a, low, high, better)


def _shares(a: Matches, b: Matches, delta: float) -> tuple[VideoShare, ...]:
    """Return each video's share in the difference of the mean AP, by leaving it out."""
    index = a.index
    each_left_out = 1.0 - np.eye(index.n_videos)
    without = [
        np.array([mean_ap(column) for column in replicates(ranked(table), Group("all"), each_left_out).T])
        for table in (a, b)
    ]
    shares = [
        VideoShare(name, float(delta - left), float(left))
        for name, left in zip(index.video_name, without[1] - without[0], strict=True)
        if np.isfinite(left)
    ]
    return tuple(sorted(shares, key=lambda video: -video.share))


def _without_nan(values: dict[str, Any]) -> dict[str, Any]:
    return {k: None if isinstance(v, float) and not np.isfinite(v) else v for k, v in values.items()}
