"""compare_many: every run against every other over the same videos, and which of them is best, with what certainty.

All pairs are compared on the same drawings of videos, as in `compare`. Of k runs there are m = k (k - 1) / 2 pairs, and
among many some differ by chance alone: so each two-sided P, 2 min(P(better), 1 - P(better)), five times as much where
the difference is doubtful, is adjusted after Holm (Scandinavian J. of Statistics 6, 1979). Sorted, p_1 <= … <= p_m,

    adjusted p_i = max over j <= i of min(1, (m - j + 1) p_j)

With all pairs called different whose adjusted P is below 0.05, the chance that any of them isn't is at most 5 %. The
best run is the one of the highest mean AP; it is best with a certainty of 1 - the largest adjusted P of its pairs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from vidkit.data.index import Index
from vidkit.errors import ChoiceError, PredictionError
from vidkit.evaluation.compare import Difference, difference_of
from vidkit.evaluation.evaluate import match_for, score
from vidkit.evaluation.intervals import DOUBTFUL
from vidkit.evaluation.protocols import FGFA, FalsePositiveRule, Protocol, protocol_named
from vidkit.evaluation.result import Bootstrap, EvalResult, GroupResult, software
from vidkit.evaluation.slices import Bins, breakdowns
from vidkit.predictions.table import Predictions
from vidkit.shown import percent, shows_itself

if TYPE_CHECKING:
    import pandas as pd

DOUBT = 5
"""How many times the P of a doubtful difference counts."""
ALPHA = 0.05
"""The adjusted P below which two runs differ."""
MATRIX_FORMAT, MATRIX_VERSION = "vidkit-comparisons", 1


@dataclass(frozen=True)
class Pair:
    """Run b against run a in one group, the mean over classes."""

    a: str
    b: str
    difference: Difference
    p: float
    """Two-sided: how probable so large a difference, either way, were by chance; NaN where it isn't told.

    Five times as much where the difference is doubtful, so that 0.05 asks for a 99 % interval, as `is_worse` does.
    """
    p_adjusted: float
    """The same after Holm, among the pairs of the group for which it is told."""

    @property
    def differ(self) -> bool:
        """Whether the two differ beyond chance, of all pairs of the group together."""
        return self.p_adjusted < ALPHA


@dataclass(frozen=True)
class GroupOfRuns:
    """All runs in one group: their mean AP, the pairs, and the best."""

    by: str
    name: str
    n_gt: int
    mean_ap: Mapping[str, float]
    pairs: tuple[Pair, ...]
    """Each pair once, in the order of the runs."""

    @property
    def best(self) -> str:
        """The run of the highest mean AP, the first of equal ones; "" without ground truth."""
        known = {run: value for run, value in self.mean_ap.items() if not np.isnan(value)}
        return max(known, key=lambda run: known[run]) if known else ""

    @property
    def certainty(self) -> float:
        """How certain it is that the best run is: 1 - the largest adjusted P of its pairs; NaN where one isn't told."""
        return 1 - float(np.max([pair.p_adjusted for pair in self.pairs_of(self.best)])) if self.best else float("nan")

    def pairs_of(self, run: str) -> list[Pair]:
        """The pairs that a run is in."""
        return [pair for pair in self.pairs if run in (pair.a, pair.b)]

    def pair(self, a: str, b: str) -> Pair:
        """The pair of two runs, whichever stands first."""
        return next(pair for pair in self.pairs if {pair.a, pair.b} == {a, b})

    def not_told_apart(self) -> list[str]:
        """The runs that can't be told from the best one, in the order of the runs."""
        pairs = (pair for pair in self.pairs_of(self.best) if not pair.differ)
        return [pair.b if pair.a == self.best else pair.a for pair in pairs]


@shows_itself
@dataclass(frozen=True, eq=False, repr=False)
class ComparisonOfMany:
    """Many runs on the same data and under the same rules, each against each."""

    protocol: Protocol
    results: Mapping[str, EvalResult]
    groups: tuple[GroupOfRuns, ...]  # the first one is all data
    bootstrap: Bootstrap | None

    @property
    def overall(self) -> GroupOfRuns:
        """The runs on all data."""
        return self.groups[0]

    def to_frame(self) -> pd.DataFrame:
        """A row for each group and pair: by, name, n_gt, the runs a and b, delta, low, high, p, p_adjusted, note."""
        import pandas as pd

        return pd.DataFrame([row for group in self.groups for row in _rows(group)])

    def title(self) -> str:
        """The result in one line."""
        return f"{verdict(self.overall)}, protocol {self.protocol.name}"

    def shown(self) -> list[dict[str, Any]]:
        """The rows of its table."""
        return [
            {
                "B - A": f"{pair.b} - {pair.a}",
                "points": percent(pair.difference.delta),
                "95 % interval": pair.difference.told(),
                "P, Holm": pair.p_adjusted,
            }
            for pair in self.overall.pairs
        ]

    def to_json(self) -> dict[str, Any]:
        """All of it as plain values, see docs/formats.md; NaN becomes None."""
        first = next(iter(self.results.values()))
        return {
            "format": MATRIX_FORMAT,
            "version": MATRIX_VERSION,
            "protocol": self.protocol.name,
            "rules": self.protocol.rules(),
            "bootstrap": None if self.bootstrap is None else {"over": "videos", **asdict(self.bootstrap)},
            "index_fingerprint": first.data["index_fingerprint"],
            "runs": {
                name: {"predictions_fingerprint": result.data["predictions_fingerprint"], "run": dict(result.run)}
                for name, result in self.results.items()
            },
            "groups": [_group_json(group) for group in self.groups],
            "software": software(),
        }


def compare_many(
    index: Index,
    runs: Mapping[str, Predictions],
    protocol: Protocol | str = FGFA,
    by: str | Sequence[str] = (),
    bins: Bins | None = None,
    fp_rule: FalsePositiveRule | None = None,
    ci: int = 1000,
    seed: int = 0,
) -> ComparisonOfMany:
    """Each of the `runs`, by their names, against each other on `index`: of all data and of each group of each `by`.

    The other parameters and errors are those of `vidkit.evaluate`. P is adjusted among the pairs of one group. Raises
    ChoiceError for fewer than two runs, PredictionError for one over a part of the data.
    """
    if len(runs) < 2:
        raise ChoiceError(f"{len(runs)} runs: wanted two or more to compare")
    for name, predictions in runs.items():
        if predictions.run.limited:
            raise PredictionError(f"run {name} is limited to a part of the data; run it whole to compare it")
    rules = protocol_named(protocol, fp_rule) if isinstance(protocol, str) else protocol.with_rule(fp_rule)
    bootstrap, wanted = Bootstrap.asked(ci, seed), breakdowns(by, index, rules, bins)
    results = {name: score(match_for(index, one, rules, wanted), wanted, bootstrap) for name, one in runs.items()}
    each = zip(*((result.overall, *result.groups) for result in results.values()), strict=True)
    groups = [_group(dict(zip(results, groups, strict=True)), bootstrap) for groups in each]
    return ComparisonOfMany(rules, results, tuple(groups), bootstrap)


def holm(p: NDArray[np.float64]) -> NDArray[np.float64]:
    """The adjusted Ps `(M,)`; NaN stays NaN and counts for nothing."""
    known = np.flatnonzero(~np.isnan(p))
    order = known[np.argsort(p[known], kind="stable")]
    adjusted = np.full(len(p), np.nan)
    adjusted[order] = np.minimum(np.maximum.accumulate(p[order] * np.arange(len(order), 0, -1)), 1)
    return adjusted


def verdict(group: GroupOfRuns) -> str:
    """Which run is best, with what certainty, in one sentence."""
    best, others = group.best, group.not_told_apart()
    if not best:
        return "no run is best: there is no ground truth"
    said = f"{best} is highest with {percent(group.mean_ap[best])} %"
    notes = [pair.difference.note for pair in group.pairs_of(best) if np.isnan(pair.p)]
    if notes:
        return f"{said}; whether it is best can't be told ({notes[0]})"
    if others:
        return f"{said}, but can't be told from {', '.join(others)}"
    return f"{best} is best with {percent(group.mean_ap[best])} %, certainty {100 * group.certainty:.1f} %"


def _group(groups: Mapping[str, GroupResult], bootstrap: Bootstrap | None) -> GroupOfRuns:
    names = list(combinations(groups, 2))
    differences = [difference_of(groups[a], groups[b], bootstrap) for a, b in names]
    better = np.array([difference.p_better for difference in differences])
    weight = np.array([DOUBT if difference.note == DOUBTFUL else 1 for difference in differences])
    p = np.minimum(2 * np.minimum(better, 1 - better) * weight, 1)
    rows = zip(names, differences, p.tolist(), holm(p).tolist(), strict=True)
    first = next(iter(groups.values()))
    mean_ap = {name: group.mean_ap for name, group in groups.items()}
    pairs = tuple(Pair(a, b, difference, one, adjusted) for (a, b), difference, one, adjusted in rows)
    return GroupOfRuns(first.by, first.name, int(first.n_gt.sum()), mean_ap, pairs)


def _rows(group: GroupOfRuns) -> Iterator[dict[str, Any]]:
    for pair in group.pairs:
        told = pair.difference
        yield {
            **{"by": group.by, "name": group.name, "n_gt": group.n_gt, "a": pair.a, "b": pair.b},
            **{"delta": told.delta, "low": told.low, "high": told.high},
            **{"p": pair.p, "p_adjusted": pair.p_adjusted, "note": told.note},
        }


def _group_json(group: GroupOfRuns) -> dict[str, Any]:
    pairs = [{k: v for k, v in row.items() if k not in ("by", "name", "n_gt")} for row in _rows(group)]
    return {
        **{"by": group.by, "name": group.name, "n_gt": group.n_gt},
        "mean_ap": {run: _known(value) for run, value in group.mean_ap.items()},
        "best": group.best,
        "certainty": _known(group.certainty),
        "not_told_apart": group.not_told_apart(),
        "pairs": [{k: _known(v) if isinstance(v, float) else v for k, v in pair.items()} for pair in pairs],
    }


def _known(value: float) -> float | None:
    return value if np.isfinite(value) else None
