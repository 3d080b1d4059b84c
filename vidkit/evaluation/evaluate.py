"""evaluate: an index and predictions in, average precision out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from vidkit.data.index import Index
from vidkit.evaluation.average_precision import fill_missing, mean_ap
from vidkit.evaluation.coco import coco_stats
from vidkit.evaluation.matching import Matches, match
from vidkit.evaluation.overlaps import Scope
from vidkit.evaluation.protocols import FGFA, FalsePositiveRule, Protocol, protocol_named
from vidkit.evaluation.result import EvalResult, GroupResult, describe_run
from vidkit.evaluation.scoring import Ranked, ranked
from vidkit.evaluation.slices import Bins, Breakdown, Group, breakdown
from vidkit.predictions.table import Predictions


def evaluate(
    index: Index,
    predictions: Predictions,
    protocol: Protocol | str = FGFA,
    by: str | Sequence[str] = (),
    bins: Bins | None = None,
    fp_rule: FalsePositiveRule | None = None,
    ci: int = 0,
    seed: int = 0,
) -> EvalResult:
    """Return the AP of `predictions` on `index` under `protocol`, over all data and for each group of each `by`.

    `by` names attributes: motion, area, class, video, occluded, generated, track_length, any attribute of instances or
    frames that the index has, or a cross of them as in "motion x area". `bins` gives the edges of groups of numbers,
    `fp_rule` replaces the protocol's rule for unmatched detections. With `ci` replicates of a bootstrap over videos
    each number gets a 95 % interval.

    Raises PredictionError if the predictions don't fit the index, ChoiceError for a name that isn't known, and
    AnnotationError where an attribute needs track ids that the index doesn't have.

    >>> result = evaluate(index, predictions, "fgfa", by="motion")  # doctest: +SKIP
    >>> result.mean_ap, result.group("motion", "fast").mean_ap  # doctest: +SKIP
    """
    rules = protocol_named(protocol, fp_rule) if isinstance(protocol, str) else protocol.with_rule(fp_rule)
    breakdowns = [breakdown(name, index, rules, bins) for name in ([by] if isinstance(by, str) else by)]
    matches = match(index, predictions, rules, _scope(rules, breakdowns))
    return score(matches, breakdowns)


def score(matches: Matches, breakdowns: Sequence[Breakdown]) -> EvalResult:
    """Return the result of a table of matches, which must hold the nearest ground truth if a breakdown needs it."""
    index, predictions, protocol = matches.index, matches.predictions, matches.protocol
    everything = ranked(matches)
    groups: list[GroupResult] = []
    for wanted in breakdowns:
        groups += _broken_down(everything, wanted)
    return EvalResult(
        protocol=protocol,
        class_names=index.class_names,
        overall=_overall(everything),
        groups=tuple(groups),
        counts={
            "videos": index.n_videos,
            "frames": index.n_frames,
            "empty_frames": int((np.diff(index.instance_start) == 0).sum()),
            "ground_truth": index.n_instances,
            "detections": predictions.n_detections,
        },
        data={
            "dataset": index.dataset,
            "split": index.split,
            "index_fingerprint": index.fingerprint,
            "predictions_fingerprint": predictions.fingerprint,
        },
        run=describe_run(predictions),
        stats=coco_stats(everything) if len(protocol.max_detections) > 1 else {},
    )


def _scope(protocol: Protocol, breakdowns: Sequence[Breakdown]) -> Scope | None:
    """Return where a nearest ground truth is to be looked for; None if no group depends on it."""
    if protocol.fp_rule in ("all", "none") or all(g.kept is None for b in breakdowns for g in b.groups):
        return None
    return "class" if protocol.fp_rule == "mega" else "frame"


def _overall(everything: Ranked) -> GroupResult:
    protocol = everything.matches.protocol
    ap, n_gt = _scores(everything, Group("all"))
    if protocol.missing_class == "zero or nan":
        ap = fill_missing(ap, np.diff(everything.ranking.start) > 0)
    return GroupResult("", "all", mean_ap(ap, protocol.missing_class == "skip"), ap, n_gt)


def _scores(rows: Ranked, group: Group) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the AP, the mean over the protocol's thresholds, and the number of ground truth of each segment."""
    ap = [rows.average_precisions(group, threshold) for threshold in rows.matches.protocol.iou_thresholds]
    return np.mean(ap, axis=0), rows.count(rows.members(group))


def _broken_down(everything: Ranked, wanted: Breakdown) -> Iterator[GroupResult]:
    rows = everything if wanted.cells is None else ranked(everything.matches, wanted.cells)
    n_classes = everything.matches.index.n_classes
    for group in wanted.groups:
        ap, n_gt = _scores(rows, group)
        for cell, name in enumerate(("",) if wanted.cells is None else wanted.cells.names):
            here = slice(cell * n_classes, (cell + 1) * n_classes)
            yield from _named(wanted, group, name, ap[here], n_gt[here], everything.matches.index.class_names)


def _named(
    wanted: Breakdown,
    group: Group,
    cell: str,
    ap: NDArray[np.float64],
    n_gt: NDArray[np.int64],
    class_names: Sequence[str],
) -> Iterator[GroupResult]:
    """Yield the group of one cell, or with `by_class` one group for each of its classes."""
    name = "/".join(part for part in (cell, group.name) if part)
    if not wanted.by_class:
        yield GroupResult(wanted.by, name, mean_ap(ap), ap, n_gt)
        return
    for c, class_name in enumerate(class_names):
        only = np.arange(len(ap)) == c
        parts = "/".join(part for part in (name, class_name) if part)
        yield GroupResult(wanted.by, parts, float(ap[c]), np.where(only, ap, np.nan), np.where(only, n_gt, 0))
