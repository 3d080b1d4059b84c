"""Contest: which detection takes which ground truth, at any IoU threshold and for any group, from one list of pairs.

The rule: one after the other, best score first, the detections of a frame take what they like best among what is left.
Most pairs are simple: the detection has no other one, and nor has any that wants the same object. There the best score
that reaches the threshold has it. The few that are left are settled by proposals.
"""

from __future__ import annotations  # Settled is named before it exists

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vidkit.data.index import Index
from vidkit.evaluation.overlaps import Pairs, thresholds
from vidkit.evaluation.protocols import Protocol


@dataclass(frozen=True, eq=False)
class Contest:
    """All pairs that may match, by falling key, so that of several that want the same the last one is the best."""

    index: Index
    protocol: Protocol
    n: int  # N + M, objects and ignored regions
    rows: NDArray[np.int64]  # (K,) the detections that have a pair, rising
    pairs: Pairs  # (P,) `detection` is a place in `rows`
    key: NDArray[np.uint64]  # (P,) rises in the order in which the detections of a frame take their ground truth
    apart: NDArray[np.bool_]  # (P,) whether a detection that wants the same object wants another one, too
    many: NDArray[np.bool_] | None  # (N + M,) what any number of detections take; None: nothing

    def at(self, threshold: float) -> Settled:
        """What is settled at an IoU threshold whatever the group is."""
        enough = np.ones(len(self.key), bool)
        if threshold > min(self.protocol.iou_thresholds):  # all pairs reach the lowest
            needed = thresholds(self.index, self.protocol, threshold)[self.pairs.truth] if self._differs else threshold
            enough = self.pairs.iou >= needed
        simple = np.flatnonzero(enough & ~self.apart)
        who, what = self.pairs.detection[simple], self.pairs.truth[simple]
        holder = np.full(self.n, -1, np.int32)
        holder[what] = who
        held = np.flatnonzero(holder >= 0)
        taken = np.full(len(self.rows), -1, np.int32)
        taken[holder[held]] = held
        if self.many is not None:
            shared = self.many[what]
            taken[who[shared]] = what[shared]
        return Settled(self, taken, np.flatnonzero(enough & self.apart))

    def wanting_truth(self) -> NDArray[np.int64]:
        """The detections that have a pair with an object, not only with ignored regions."""
        return self.rows[np.unique(self.pairs.detection[self.pairs.truth < self.index.n_instances])]

    @property
    def _differs(self) -> bool:
        """Whether not all ground truth needs the same IoU."""
        return bool(self.protocol.tolerance) or (self.index.ignored is not None and bool(self.protocol.ignored_share))


def contest(index: Index, protocol: Protocol, pairs: Pairs, key: NDArray[np.uint64]) -> Contest:
    """The pairs of a table of matches, made ready to be settled."""
    order = np.argsort(key)[::-1]
    pairs, key = pairs.select(order), key[order]
    rows, who = np.unique(pairs.detection, return_inverse=True)
    several = np.bincount(who, minlength=len(rows))[who] > 1
    regions = 0 if index.ignored is None else len(index.ignored.crowd)
    contested = np.zeros(index.n_instances + regions, bool)
    contested[pairs.truth[several]] = True
    many = None
    if index.ignored is not None:
        shared = index.ignored.crowd | (protocol.ignored_objects == "as others")
        many = np.append(np.zeros(index.n_instances, bool), shared)
    return Contest(
        index, protocol, len(contested), rows, Pairs(who, pairs.truth, pairs.iou), key, contested[pairs.truth], many
    )


@dataclass(frozen=True, eq=False)
class Settled:
    """One IoU threshold: what simple pairs give, and the pairs that remain."""

    contest: Contest
    simple: NDArray[np.int32]  # (K,) what each detection takes, -1: nothing
    left: NDArray[np.int64]  # the other pairs that reach the threshold

    def taken(self, kept: NDArray[np.bool_] | None = None) -> NDArray[np.int32]:
        """What each of the K detections takes, `(K,)`, -1 for nothing, when only `kept (N,)` belong to the group.

        N + r is the ignored region r.
        """
        if len(self.left) == 0:
            return self.simple
        contest = self.contest
        pairs, key = contest.pairs.select(self.left), contest.key[self.left]
        order = _by_preference(contest, pairs, kept)
        pairs, key = pairs.select(order), key[order]
        chosen = _proposals(pairs.detection, pairs.truth, key, contest)
        taken = self.simple.copy()
        taken[pairs.detection[chosen]] = pairs.truth[chosen]
        return taken


def _proposals(
    detection: NDArray[np.int64], truth: NDArray[np.int64], key: NDArray[np.uint64], contest: Contest
) -> NDArray[np.int64]:
    """The pairs that come about, of pairs in the order of detections, each one's favourite first.

    The rule gives the only stable matching between detections with preferences of their own and ground truth that all
    prefers the better score; so it is found by proposals (Gale and Shapley): all detections ask at once, each ground
    truth keeps the best that asks, the others ask their next one. A few rounds do for any number of frames.
    """
    last = np.append(detection[1:] != detection[:-1], True)
    asking = np.flatnonzero(np.append(True, last[:-1]))
    if contest.protocol.duplicates == "false positive":
        last = np.ones(len(detection), bool)  # nobody asks twice
    names, truth = np.unique(truth, return_inverse=True)
    shared = None if contest.many is None else contest.many[names][truth]
    held_by = np.full(len(names), -1)  # the pair that each ground truth keeps
    come_about = [held_by[:0]]
    while len(asking):
        if shared is not None:
            come_about.append(asking[shared[asking]])
            asking = asking[~shared[asking]]
        asking = asking[np.argsort(key[asking])[::-1]]
        before = held_by[truth[asking]]
        challenge = asking[(before < 0) | (key[asking] < key[before])]
        held_by[truth[challenge]] = challenge  # of several that ask, the last one written is the best
        lost = np.concatenate([asking, before[before >= 0]])
        lost = np.unique(lost[held_by[truth[lost]] != lost])
        asking = lost[~last[lost]] + 1
    return np.concatenate([*come_about, held_by[held_by >= 0]])


def _by_preference(contest: Contest, pairs: Pairs, kept: NDArray[np.bool_] | None) -> NDArray[np.int64]:
    """The order of some pairs by detection, and for each detection by what it likes best.

    First come objects that are neither ignored regions nor, where the protocol minds, outside of the group.
    """
    protocol, n = contest.protocol, contest.index.n_instances
    truth = pairs.truth
    region = truth >= n
    outside = region if kept is None else np.append(~kept, True)[np.minimum(truth, n)]
    back = region
    if contest.index.ignored is not None and protocol.ignored_objects == "as others":
        back = np.append(np.zeros(n, bool), contest.index.ignored.crowd)[truth]
    place = -truth if protocol.equal_truth == "last" else truth
    if protocol.equal_truth == "first kept":
        place = np.where(outside, np.iinfo(np.int64).max - place, place)
    return np.lexsort((place, -pairs.iou, outside if protocol.prefer_kept else back, pairs.detection))
