"""Errors by type: what keeps AP below 1, in the six types of TIDE (Bolya, Foley, Hays, Hoffman, ECCV 2020, Sec. 2.2).

An unmatched detection is one of five errors, by its largest IoU with ground truth of its own class (s) and of the other
classes (o), asked in this order; t_f is the IoU that a match needs, t_b = 0.1 is background:

    localisation     t_b <= s <= t_f                       the right class, badly placed
    classification   o >= t_f                              well placed, the wrong class
    duplicate        a match, were it not taken            found already by a better score
    background       max(s, o) <= t_b                      nothing is there
    both             otherwise                             the wrong class, badly placed

Ground truth that is neither matched nor meant by an error of localisation or classification is **missed**.

The cost of a type is ΔAP = AP with the errors of this type mended and all others left - AP. Mending moves the
best-scoring localisation (classification) error of each unmatched ground truth onto it and into its class, deletes all
other detections of the type, and takes missed ground truth out of the count. 0: the type costs nothing; 0.1: without it
AP were 10 points higher. The six don't add up to 1 - AP.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from vidkit.data.index import Index
from vidkit.evaluation.average_precision import average_precision, fill_missing, mean_ap
from vidkit.evaluation.bootstrap import Drawings, replicates_at, truth_by_video
from vidkit.evaluation.evaluate import match_for
from vidkit.evaluation.intervals import FEW_A_CLASS, FEWEST_VIDEOS, mean_of_known
from vidkit.evaluation.matching import Matches
from vidkit.evaluation.overlaps import corners, iou, thresholds, truth_corners
from vidkit.evaluation.protocols import FGFA, FalsePositiveRule, Protocol, protocol_named
from vidkit.evaluation.ranking import matching_keys, rank, score_keys
from vidkit.evaluation.result import Bootstrap
from vidkit.evaluation.scoring import Ranked, ranked
from vidkit.evaluation.slices import Bins, Breakdown, Cells, Group, breakdowns
from vidkit.predictions.table import Predictions
from vidkit.shown import percent, shows_itself

if TYPE_CHECKING:
    import pandas as pd

ERROR_TYPES = ("classification", "localisation", "both", "duplicate", "background", "missed")
CLASSIFICATION, LOCALISATION, BOTH, DUPLICATE, BACKGROUND, MISSED = range(6)
NO_ERROR = -1
SPECIAL_TYPES = ("false positives", "false negatives")
"""TIDE's two sums: all unmatched detections deleted; all unmatched ground truth out of the count."""

BACKGROUND_IOU = 0.1
"""t_b of the paper."""

DETECTIONS_AT_ONCE = 65_536
"""Detections whose overlaps are computed in one step: few enough for a processor's cache."""


@dataclass(frozen=True, eq=False)
class Errors:
    """What is wrong with each of the D detections, and which of the N ground truth is missed."""

    kind: NDArray[np.int8]  # (D,) place in ERROR_TYPES, or NO_ERROR: matched, or left out by the rules
    truth: NDArray[np.int64]  # (D,) what errors of localisation and classification mean; -1 for all others
    mends: NDArray[np.bool_]  # (D,) whether it's the best-scoring of its kind that means an unmatched ground truth
    unmatched: NDArray[np.bool_]  # (N,)
    missed: NDArray[np.bool_]  # (N,)


@dataclass(frozen=True, eq=False)
class GroupErrors:
    """The errors of one group of a breakdown, or of all data. AP and ΔAP in 0 … 1, NaN without ground truth.

    `delta` and `delta_by_class (C,)` hold ΔAP for each of ERROR_TYPES and SPECIAL_TYPES. `count (C,)` holds the errors
    of ERROR_TYPES: each detection with the weight of a false positive in the group, missed ground truth with 1.
    """

    by: str
    name: str
    mean_ap: float
    ap: NDArray[np.float64]  # (C,)
    n_gt: NDArray[np.int64]  # (C,)
    delta: Mapping[str, float]
    delta_by_class: Mapping[str, NDArray[np.float64]]
    count: Mapping[str, NDArray[np.float64]]
    interval: Mapping[str, tuple[float, float] | None] = field(default_factory=dict)
    """Of each of `delta`, where some were asked for; None: there is none."""
    note: Mapping[str, str] = field(default_factory=dict)
    """Why there is none, or that there are few videos a class; "" else."""


@shows_itself
@dataclass(frozen=True, eq=False, repr=False)
class ErrorReport:
    """The errors of all data and of each group, with the rules that told them."""

    protocol: Protocol
    foreground: float
    background: float
    class_names: tuple[str, ...]
    overall: GroupErrors
    groups: tuple[GroupErrors, ...]
    bootstrap: Bootstrap | None = None

    def group(self, by: str, name: str) -> GroupErrors:
        """Return one group; a ValueError that lists the groups if there is none such."""
        for group in self.groups:
            if (group.by, group.name) == (by, name):
                return group
        raise ValueError(f"no group {by}={name}; there are {', '.join(f'{g.by}={g.name}' for g in self.groups)}")

    def to_frame(self) -> pd.DataFrame:
        """Return a row for each group, class and type, and one of class "" for each mean.

        Columns: protocol, by, name, class, type, delta_ap, count (NaN for the special types), ap, n_gt.
        """
        import pandas as pd

        return pd.DataFrame([row for group in (self.overall, *self.groups) for row in self._rows(group)])

    def _rows(self, group: GroupErrors) -> Iterator[dict[str, Any]]:
        for c, class_name in ((None, ""), *enumerate(self.class_names)):
            for kind in (*ERROR_TYPES, *SPECIAL_TYPES):
                count = group.count.get(kind)
                yield {
                    "protocol": self.protocol.name,
                    "by": group.by,
                    "name": group.name,
                    "class": class_name,
                    "type": kind,
                    "delta_ap": group.delta[kind] if c is None else float(group.delta_by_class[kind][c]),
                    "count": np.nan if count is None else float(count.sum() if c is None else count[c]),
                    "ap": group.mean_ap if c is None else float(group.ap[c]),
                    "n_gt": int(group.n_gt.sum() if c is None else group.n_gt[c]),
                }

    def title(self) -> str:
        """The result in one line."""
        return f"cost of each type of error in points of mAP, protocol {self.protocol.name}"

    def shown(self) -> list[dict[str, Any]]:
        """The rows of its table."""
        return [
            {
                "group": f"{group.by}: {group.name}" if group.by else "all",
                "mAP %": percent(group.mean_ap),
                **{kind: percent(cost) for kind, cost in group.delta.items()},
            }
            for group in (self.overall, *self.groups)
        ]

    def to_json(self) -> dict[str, Any]:
        """The means of each group and its counts, as plain values; with the intervals where some were asked for."""
        asked = {} if self.bootstrap is None else {"bootstrap": {"over": "videos", **asdict(self.bootstrap)}}
        return {
            "format": "vidkit-errors",
            "version": 1,
            "protocol": self.protocol.name,
            "rules": self.protocol.rules(),
            "foreground": self.foreground,
            "background": self.background,
            **_group_json(self.overall),
            "groups": [{"by": g.by, "name": g.name, **_group_json(g)} for g in self.groups],
            **asked,
        }


def decompose(
    index: Index,
    predictions: Predictions,
    protocol: Protocol | str = FGFA,
    by: str | Sequence[str] = (),
    bins: Bins | None = None,
    fp_rule: FalsePositiveRule | None = None,
    foreground: float | None = None,
    background: float = BACKGROUND_IOU,
    ci: int = 0,
    seed: int = 0,
) -> ErrorReport:
    """The errors of `predictions` on `index` by type, over all data and for each group of each `by`.

    `by`, `bins` and `fp_rule` are those of `evaluate`; so are `ci` and `seed`, for the mean ΔAP of each type.
    `foreground` is t_f, by default the protocol's lowest threshold (the one of a small object is lower where the
    protocol says so); AP is the one at t_f alone. An unmatched detection counts in a group as the rule for unmatched
    detections has it; a mended one is of the group of its ground truth.

    A class all of whose ground truth is missed has AP 0 when that is mended, and leaves the mean if it has no detection
    either. Raises what `evaluate` raises, and ValueError unless 0 <= background <= foreground <= 1.
    """
    rules = protocol_named(protocol, fp_rule) if isinstance(protocol, str) else protocol.with_rule(fp_rule)
    threshold = min(rules.iou_thresholds) if foreground is None else foreground
    if not 0 <= background <= threshold <= 1:
        raise ValueError(f"background {background}, foreground {threshold}; wanted 0 <= background <= foreground <= 1")
    bootstrap = Bootstrap.asked(ci, seed)
    drawings = None if bootstrap is None else Drawings.of(index.n_videos, bootstrap)
    rules = replace(rules, iou_thresholds=(threshold,))
    wanted = breakdowns(by, index, rules, bins)
    matches = match_for(index, predictions, rules, wanted)
    known, everything = _mended(matches, matches.matched, background), Breakdown("", (Group("all"),))
    (overall,) = _groups(matches, everything, background, known, drawings, rules.missing_class == "skip")
    groups = [group for b in wanted for group in _groups(matches, b, background, known, drawings)]
    return ErrorReport(rules, threshold, background, index.class_names, overall, tuple(groups), bootstrap)


def find_errors(matches: Matches, background: float = BACKGROUND_IOU) -> Errors:
    """Return the errors of a table of matches at its protocol's lowest threshold."""
    index, protocol, matched = matches.index, matches.protocol, matches.matched
    counted = np.zeros(len(matched), bool)
    counted[matches.ranking.order] = True
    rows = np.flatnonzero(counted & (matched < 0))
    same, other = _largest_overlaps(matches, rows)
    needed = np.append(thresholds(index, protocol, min(protocol.iou_thresholds)), np.inf)  # [-1]: no ground truth
    matchable = np.zeros(len(matched), bool)
    matchable[matches.contest.wanting_truth()] = True
    localised = (same.truth >= 0) & (background <= same.iou) & (same.iou <= needed[same.truth])
    found = np.select(
        [localised, other.iou >= needed[other.truth], matchable[rows], np.maximum(same.iou, other.iou) <= background],
        [LOCALISATION, CLASSIFICATION, DUPLICATE, BACKGROUND],
        default=BOTH,
    )
    kind = np.full(len(matched), NO_ERROR, np.int8)
    kind[rows] = found
    truth = np.full(len(matched), -1, np.int64)
    truth[rows] = np.select([found == LOCALISATION, found == CLASSIFICATION], [same.truth, other.truth], default=-1)
    unmatched = np.ones(index.n_instances, bool)
    unmatched[matched[(matched >= 0) & (matched < index.n_instances)]] = False
    missed = unmatched.copy()
    missed[truth[truth >= 0]] = False
    return Errors(kind, truth, _best_of_each(matches, kind, truth, unmatched), unmatched, missed)


@dataclass(frozen=True, eq=False)
class _Largest:
    truth: NDArray[np.int64]  # (R,) the first of those with the largest IoU above 0; -1 if none overlaps
    iou: NDArray[np.float64]  # (R,)


def _largest_overlaps(matches: Matches, rows: NDArray[np.int64]) -> tuple[_Largest, _Largest]:
    """Return the largest overlaps of detections `rows (R,)` with ground truth of their own class and of the others."""
    index, predictions = matches.index, matches.predictions
    boxes = truth_corners(index, matches.protocol)
    best = [_Largest(np.full(len(rows), -1, np.int64), np.zeros(len(rows))) for _ in range(2)]
    for start in range(0, len(rows), DETECTIONS_AT_ONCE):
        chunk = rows[start : start + DETECTIONS_AT_ONCE]
        mine, class_id = corners(predictions.box[chunk], matches.protocol), predictions.class_id[chunk]
        frame = predictions.detection_frame[chunk]
        first, objects = index.instance_start[frame], np.diff(index.instance_start)[frame]
        for j in range(int(objects.max(initial=0))):
            here = np.flatnonzero(objects > j)
            truth = first[here] + j
            overlap = iou(mine[here], boxes[truth])
            same = class_id[here] == index.class_id[truth]
            for largest, meant in zip(best, (same, ~same), strict=True):
                better = meant & (overlap > largest.iou[start + here])
                largest.truth[start + here[better]] = truth[better]
                largest.iou[start + here[better]] = overlap[better]
    return best[0], best[1]


def _best_of_each(
    matches: Matches, kind: NDArray[np.int8], truth: NDArray[np.int64], unmatched: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Return which detections `(D,)` are the best-scoring of their kind that mean an unmatched ground truth."""
    rows = np.flatnonzero(truth >= 0)
    rows = rows[unmatched[truth[rows]]]
    key = matching_keys(score_keys(matches.predictions, matches.protocol), rows, matches.protocol)
    order = np.lexsort((key, truth[rows], kind[rows]))
    meant = np.stack([kind[rows[order]], truth[rows[order]]], axis=1)
    first = np.append(True, (meant[1:] != meant[:-1]).any(axis=1))[: len(rows)]
    mends = np.zeros(len(kind), bool)
    mends[rows[order[first]]] = True
    return mends


@dataclass(frozen=True, eq=False)
class _Mended:
    """The table of matches once the errors of one type are mended, and what has left the count, `(N,)`."""

    matches: Matches
    absent: NDArray[np.bool_]


def _mended(matches: Matches, matched: NDArray[np.int32], background: float) -> tuple[Errors, dict[str, _Mended]]:
    """Return the errors, and the matches with each type mended; "" names the matches as they are."""
    # Who is matched is settled here: from now on groups must not match anew.
    settled = replace(matches.protocol, prefer_kept=False, equal_truth="first")
    matches = replace(matches, matched=matched, protocol=settled)
    errors = find_errors(matches, background)
    nothing = np.zeros_like(errors.missed)
    mended = {"": _Mended(matches, nothing)}
    for kind, name in enumerate(ERROR_TYPES[:MISSED]):
        mended[name] = _Mended(_without(matches, errors, kind), nothing)
    mended["missed"] = _Mended(matches, errors.missed)
    kept = (errors.kind == NO_ERROR)[matches.ranking.order]
    mended["false positives"] = _Mended(replace(matches, ranking=matches.ranking.select(kept)), nothing)
    mended["false negatives"] = _Mended(matches, errors.unmatched)
    return errors, mended


def _without(matches: Matches, errors: Errors, kind: int) -> Matches:
    """Return the matches with the detections of one kind of error mended where they mend, else deleted."""
    moved = errors.mends & (errors.kind == kind)
    deleted = (errors.kind == kind) & ~errors.mends
    ranking = matches.ranking
    if kind == CLASSIFICATION and moved.any():
        left_out = np.ones(len(moved), bool)
        left_out[ranking.order] = False
        class_id = matches.predictions.class_id.copy()
        class_id[moved] = matches.index.class_id[errors.truth[moved]]
        predictions = replace(matches.predictions, class_id=class_id)
        keys = score_keys(predictions, matches.protocol)
        ranking = rank(predictions, keys, matches.index.n_classes, matches.protocol)
        matches, deleted = replace(matches, predictions=predictions), deleted | left_out
    matched = np.where(moved, errors.truth, matches.matched).astype(np.int32)
    return replace(matches, matched=matched, ranking=ranking.select(~deleted[ranking.order]))


def _groups(
    matches: Matches,
    wanted: Breakdown,
    background: float,
    known: tuple[Errors, dict[str, _Mended]],
    drawings: Drawings | None = None,
    skip_missing: bool = True,
) -> Iterator[GroupErrors]:
    """Yield the errors of each group of a breakdown, cell by cell; `known` is what `_mended` says without groups."""
    c = matches.index.n_classes
    everything, threshold = ranked(matches), min(matches.protocol.iou_thresholds)
    matched = [matches.matched_at(threshold, everything.members(group)) for group in wanted.groups]
    scored: dict[int, _Scored] = {}
    for g, mine in enumerate(matched):
        if g not in scored:
            errors, mended = known if mine is matches.matched else _mended(matches, mine, background)
            alike = [other for other, theirs in enumerate(matched) if theirs is mine]
            groups = [wanted.groups[other] for other in alike]
            scored |= dict(zip(alike, _score(errors, mended, groups, wanted.cells, drawings), strict=True))
    for g, group in enumerate(wanted.groups):
        for cell, name in enumerate(("",) if wanted.cells is None else wanted.cells.names):
            here = slice(cell * c, (cell + 1) * c)
            label = "/".join(part for part in (name, group.name) if part)
            yield _group(wanted.by, label, scored[g].cell(here), drawings, skip_missing)


@dataclass(frozen=True, eq=False)
class _Scored:
    """One group: AP of each segment as it is and with each type mended, numbers of errors, ground truth, detections."""

    ap: dict[str, NDArray[np.float64]]
    count: dict[str, NDArray[np.float64]]
    n_gt: NDArray[np.int64]
    detections: NDArray[np.int64]
    in_video: NDArray[np.bool_]  # (S, V) whether there is ground truth
    drawn: dict[str, NDArray[np.float64]]  # (S, B + V) AP in drawings of videos; nothing where none were asked for

    def cell(self, here: slice) -> _Scored:
        """Return what is said of some segments."""
        return _Scored(
            {kind: values[here] for kind, values in self.ap.items()},
            {kind: values[here] for kind, values in self.count.items()},
            self.n_gt[here],
            self.detections[here],
            self.in_video[here],
            {kind: values[here] for kind, values in self.drawn.items()},
        )


def _score(
    errors: Errors,
    mended: dict[str, _Mended],
    groups: Sequence[Group],
    cells: Cells | None,
    drawings: Drawings | None,
) -> Iterator[_Scored]:
    """Yield what is said of groups for which the same is matched."""
    ap: list[dict[str, NDArray[np.float64]]] = [{} for _ in groups]
    drawn: list[dict[str, NDArray[np.float64]]] = [{} for _ in groups]
    for name, one in mended.items():
        rows, absent = ranked(one.matches, cells), one.absent if one.absent.any() else None
        threshold = min(one.matches.protocol.iou_thresholds)
        for g, group in enumerate(groups):
            ap[g][name] = _ap(rows, group, one.absent)
            if drawings is not None:
                drawn[g][name] = replicates_at(rows, group, threshold, drawings.counts, absent)
    plain = ranked(mended[""].matches, cells)
    for g, group in enumerate(groups):
        truth, detections = truth_by_video(plain, group), np.diff(plain.ranking.start)
        n_gt = truth.sum(axis=1).astype(np.int64)
        yield _Scored(ap[g], _count(plain, group, errors), n_gt, detections, truth > 0, drawn[g])


def _group(by: str, name: str, scored: _Scored, drawings: Drawings | None, skip_missing: bool) -> GroupErrors:
    """One group of what is said of it, class by class."""
    ap = scored.ap
    if not skip_missing:
        ap = {kind: fill_missing(values, scored.detections > 0) for kind, values in ap.items()}
    mean = {kind: mean_ap(values, skip_missing) for kind, values in ap.items()}
    kinds = (*ERROR_TYPES, *SPECIAL_TYPES)
    found = GroupErrors(
        by=by,
        name=name,
        mean_ap=mean[""],
        ap=ap[""],
        n_gt=scored.n_gt,
        delta={kind: mean[kind] - mean[""] for kind in kinds},
        delta_by_class={kind: ap[kind] - ap[""] for kind in kinds},
        count=scored.count,
    )
    return found if drawings is None else _with_intervals(found, scored, drawings)


def _with_intervals(group: GroupErrors, scored: _Scored, drawings: Drawings) -> GroupErrors:
    """The group with the intervals of the mean ΔAP of each type."""
    counted = (scored.n_gt == 0) & (group.ap == 0)  # a protocol may count classes without ground truth as 0
    mean = {kind: mean_of_known(np.where(counted, 0.0, drawn.T)) for kind, drawn in scored.drawn.items()}
    value = np.array(list(group.delta.values()))
    found = np.stack([mean[kind] - mean[""] for kind in group.delta])
    spread = drawings.spread(value, found, int(scored.in_video.any(axis=0).sum()))
    told = dict(zip(group.delta, spread.told(drawings.settings.level, doubt=False), strict=True))
    ends = {kind: interval for kind, (interval, _) in told.items()}
    of_class = scored.in_video.sum(axis=1)
    few = of_class.sum() < FEWEST_VIDEOS * (of_class > 0).sum()
    notes = {kind: FEW_A_CLASS if few and ends[kind] is not None else note for kind, (_, note) in told.items()}
    return replace(group, interval=ends, note=notes)


def _ap(rows: Ranked, group: Group, absent: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the AP of each segment when `absent (N,)` ground truth isn't counted."""
    members = rows.members(group)
    n_truth = rows.count(members & ~absent)
    all_absent = (n_truth == 0) & (rows.count(members) > 0)
    ap = np.where((n_truth > 0) | (all_absent & (np.diff(rows.ranking.start) > 0)), 0.0, np.nan)
    for curve in rows.curves(group, min(rows.matches.protocol.iou_thresholds)):
        above = np.cumsum(curve.weight)[curve.true]
        ap[curve.segment] = average_precision(above, int(n_truth[curve.segment]), rows.matches.protocol)
    return ap


def _count(rows: Ranked, group: Group, errors: Errors) -> dict[str, NDArray[np.float64]]:
    """Return the number of errors of each type in each segment."""
    kind = errors.kind[rows.ranking.order]
    here = np.flatnonzero(kind != NO_ERROR)
    weigh, start = rows.weighing(group), rows.ranking.start
    parts = [weigh(slice(*ends), segment)[0] for segment, ends in enumerate(pairwise(start.tolist()))]
    weight = np.concatenate([np.zeros(0), *parts])[here]
    limits = group.area or rows.matches.protocol.area_range
    if limits is not None:
        area = rows.area[here]
        weight[(area < limits[0]) | (area > limits[1])] = 0
    segment = np.repeat(np.arange(rows.n_segments), np.diff(rows.ranking.start))[here]
    count = np.bincount(segment * MISSED + kind[here], weights=weight, minlength=rows.n_segments * MISSED)
    by_kind = count.astype(np.float64).reshape(rows.n_segments, MISSED).T
    missed = rows.count(rows.members(group) & errors.missed).astype(np.float64)
    return dict(zip(ERROR_TYPES, (*by_kind, missed), strict=True))


def _group_json(group: GroupErrors) -> dict[str, Any]:
    return {
        "mean_ap": _number(group.mean_ap),
        "n_gt": int(group.n_gt.sum()),
        "delta_ap": {kind: _number(value) for kind, value in group.delta.items()},
        "count": {kind: float(values.sum()) for kind, values in group.count.items()},
    } | ({"delta_ap_interval": dict(group.interval), "delta_ap_note": dict(group.note)} if group.interval else {})


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
