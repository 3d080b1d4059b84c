"""Standing: what is ranked above each true positive, for groups in which every unmatched detection counts alike.

Most detections can match nothing at any threshold, so they are false positives at all of them, and are counted once for
each range of areas. What changes from one threshold to the next are the few that could match, the contenders: ten
thresholds cost little more than one.
"""

from __future__ import annotations  # Hits is named before it exists

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vidkit.evaluation.average_precision import average_precision
from vidkit.evaluation.matching import Matches
from vidkit.evaluation.protocols import Protocol
from vidkit.evaluation.ranking import Ranking


@dataclass(frozen=True, eq=False)
class Contenders:
    """The K' ranked detections that have a pair in the contest, in the order of a ranking."""

    who: NDArray[np.int32]  # (K',) places in the contest's rows
    place: NDArray[np.int64]  # (K',) places in the ranking's order
    start: NDArray[np.int64]  # (S + 1,) those of segment s are rows `start[s]:start[s + 1]`
    segment: NDArray[np.int64]  # (K',)


def contenders(matches: Matches, ranking: Ranking) -> Contenders:
    """The contenders of a table of matches, as `match` made it, in one of its rankings."""
    rows = matches.contest.rows
    known = np.full(matches.predictions.n_detections, -1, np.int32)
    known[rows] = np.arange(len(rows), dtype=np.int32)
    who = known[ranking.order]
    place = np.flatnonzero(who >= 0)
    start = np.searchsorted(place, ranking.start)
    return Contenders(who[place], place, start, np.repeat(np.arange(len(start) - 1), np.diff(start)))


@dataclass(frozen=True, eq=False)
class Standing:
    """One group of ground truth and a range of areas."""

    contenders: Contenders
    kept: NDArray[np.bool_]  # (N,) the ground truth that is to be found
    n_regions: int
    n_truth: NDArray[np.int64]  # (S,)
    inside: NDArray[np.bool_] | None  # (K',) whether a contender's area is in the range; None: all are
    others: NDArray[np.int64]  # (K',) how many that aren't contenders, in the range, are ranked above in its segment
    protocol: Protocol

    def hits(self, taken: NDArray[np.int32]) -> Hits:
        """The true positives when each contender of the contest has `taken (K,)` this."""
        who = self.contenders
        found = taken[who.who]
        free = found < 0
        wrong = np.cumsum(free if self.inside is None else free & self.inside)
        before = np.append(0, wrong)[who.start[:-1]]
        to_find = np.append(self.kept, np.zeros(self.n_regions + 1, bool))  # -1, nothing, is the last
        true = np.flatnonzero(to_find[found])
        above = self.others[true] + wrong[true] - before[who.segment[true]]
        return Hits(self, true, above, np.searchsorted(true, who.start))


@dataclass(frozen=True, eq=False)
class Hits:
    """T true positives by segment, best first."""

    standing: Standing
    contender: NDArray[np.int64]  # (T,)
    above: NDArray[np.int64]  # (T,) the false positives that are ranked above in its segment
    start: NDArray[np.int64]  # (S + 1,)

    def average_precisions(self) -> NDArray[np.float64]:
        """The AP of each segment, `(S,)`; NaN where it has no ground truth, 0 where none of it is found."""
        n_truth, protocol = self.standing.n_truth, self.standing.protocol
        ap = np.where(n_truth > 0, 0.0, np.nan)
        for segment in np.flatnonzero(np.diff(self.start)):
            mine = slice(self.start[segment], self.start[segment + 1])
            ap[segment] = average_precision(self.above[mine], int(n_truth[segment]), protocol)
        return ap

    def recalls(self, chosen: NDArray[np.bool_] | None = None) -> NDArray[np.float64]:
        """The recall of each segment, `(S,)`, by the `chosen (K',)` contenders alone; NaN without ground truth."""
        found = np.diff(self.start)
        if chosen is not None:
            mine = self.standing.contenders.segment[self.contender[chosen[self.contender]]]
            found = np.bincount(mine, minlength=len(found))
        with np.errstate(invalid="ignore"):
            return np.asarray(found / self.standing.n_truth)
