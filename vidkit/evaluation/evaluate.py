"""evaluate: an index and predictions in, average precision out."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from vidkit.data.index import Index
from vidkit.evaluation.average_precision import fill_missing, mean_ap
from vidkit.evaluation.bootstrap import Resampling
from vidkit.evaluation.coco_stats import coco_intervals, coco_stats
from vidkit.evaluation.intervals import Resampled
from vidkit.evaluation.matching import Matches, match
from vidkit.evaluation.overlaps import Scope
from vidkit.evaluation.own_attributes import with_attributes
from vidkit.evaluation.protocols import FGFA, FalsePositiveRule, Protocol, protocol_named
from vidkit.evaluation.result import Bootstrap, EvalResult, GroupResult, Interval, describe_run
from vidkit.evaluation.scoring import Ranked, ranked
from vidkit.evaluation.slices import Bins, Breakdown, Group, breakdowns, empty_frames
from vidkit.evaluation.speed import speed_interval
from vidkit.predictions.table import Predictions

if TYPE_CHECKING:
    import pandas as pd


def evaluate(
    index: Index,
    predictions: Predictions,
    protocol: Protocol | str = FGFA,
    by: str | Sequence[str] = (),
    bins: Bins | None = None,
    fp_rule: FalsePositiveRule | None = None,
    ci: int = 0,
    seed: int = 0,
    attributes: "str | Path | pd.DataFrame | None" = None,
) -> EvalResult:
    """Return the AP of `predictions` on `index` under `protocol`, over all data and for each group of each `by`.

    `by` names attributes: motion, area, class, video, occluded, generated, track_length, any attribute of instances or
    frames that the index has, or a cross of them as in "motion x area"; a list, or one text with commas. `bins` gives
    the edges of groups of numbers, `fp_rule` replaces the protocol's rule for unmatched detections. With `ci`
    replicates of a bootstrap over videos each number gets a 95 % interval, the speed of a timed run too. `attributes`
    is a table whose columns are further names for `by`; see `with_attributes`.

    Raises PredictionError if the predictions don't fit the index, ChoiceError for a name that isn't known or bins that
    nothing uses, AnnotationError where an attribute needs track ids that the index doesn't have, and ValueError for a
    negative `ci` or `seed`.

    >>> result = evaluate(index, predictions, "fgfa", by="motion")  # doctest: +SKIP
    >>> result.mean_ap, result.group("motion", "fast").mean_ap  # doctest: +SKIP
    """
    rules = protocol_named(protocol, fp_rule) if isinstance(protocol, str) else protocol.with_rule(fp_rule)
    index = index if attributes is None else with_attributes(index, attributes)
    bootstrap, wanted = Bootstrap.asked(ci, seed), breakdowns(by, index, rules, bins)
    return score(match_for(index, predictions, rules, wanted), wanted, bootstrap)


def match_for(index: Index, predictions: Predictions, protocol: Protocol, breakdowns: Sequence[Breakdown]) -> Matches:
    """Return the table of matches with what the breakdowns need of it."""
    return match(index, predictions, protocol, _scope(protocol, breakdowns))


def score(matches: Matches, breakdowns: Sequence[Breakdown], bootstrap: Bootstrap | None = None) -> EvalResult:
    """Return the result of a table of matches, which must hold the nearest ground truth if a breakdown needs it.

    With `bootstrap` each number gets an interval.
    """
    index, predictions, protocol = matches.index, matches.predictions, matches.protocol
    everything = ranked(matches)
    resampling = None if bootstrap is None else Resampling(bootstrap, everything)
    stats = coco_stats(everything) if len(protocol.max_detections) > 1 else {}
    told = coco_intervals(everything, stats, resampling) if resampling is not None and stats else {}
    groups: list[GroupResult] = []
    for wanted in breakdowns:
        groups += _broken_down(everything, wanted, resampling)
    return EvalResult(
        protocol=protocol,
        class_names=index.class_names,
        overall=_overall(everything, resampling),
        groups=tuple(groups),
        counts={
            "videos": index.n_videos,
            "frames": index.n_frames,
            "empty_frames": int(empty_frames(index).sum()),
            "ground_truth": index.n_instances,
            "detections": predictions.n_detections,
            **_left_out(matches),
        },
        data={
            "dataset": index.dataset,
            "split": index.split,
            "index_fingerprint": index.fingerprint,
            "predictions_fingerprint": predictions.fingerprint,
        },
        run=describe_run(predictions) | _speed_interval(matches, bootstrap),
        bootstrap=bootstrap,
        stats=stats,
        stats_interval={name: ends for name, (ends, _) in told.items()},
        stats_note={name: note for name, (_, note) in told.items() if note},
    )


def _left_out(matches: Matches) -> dict[str, int]:
    """Return what a result's `counts` says of ignored regions and of frames that nobody annotated, where there are."""
    index, counts = matches.index, {}
    if index.annotated is not None:
        counts["unannotated_frames"] = int((~index.annotated).sum())
    if index.ignored is not None:
        counts["ignored_regions"] = matches.n_regions
        counts["ignored_detections"] = int((matches.matched >= index.n_instances).sum())
    return counts


def _speed_interval(matches: Matches, bootstrap: Bootstrap | None) -> dict[str, Any]:
    """Return what a result's `run` says of the interval of its speed: nothing where it wasn't timed or asked for."""
    times = matches.predictions.times
    if times is None or bootstrap is None:
        return {}
    ends, note = speed_interval(matches.index, times, bootstrap)
    return {"frames_per_second_note": note} if ends is None else {"frames_per_second_interval": list(ends)}


def _scope(protocol: Protocol, breakdowns: Sequence[Breakdown]) -> Scope | None:
    """Return where a nearest ground truth is to be looked for; None if no group depends on it."""
    if protocol.fp_rule in ("all", "none") or all(g.kept is None for b in breakdowns for g in b.groups):
        return None
    return "class" if protocol.fp_rule == "mega" else "frame"


def _overall(everything: Ranked, resampling: Resampling | None) -> GroupResult:
    protocol = everything.matches.protocol
    ap, n_gt = _scores(everything, Group("all"))
    if protocol.missing_class == "zero or nan":
        ap = fill_missing(ap, np.diff(everything.ranking.start) > 0)
    resampled = None if resampling is None else resampling.resampled(everything, Group("all"))
    if resampled is not None and protocol.missing_class == "zero or nan":
        resampled = resampled.with_zeros((n_gt == 0) & (ap == 0))
    mean = mean_ap(ap, protocol.missing_class == "skip")
    return GroupResult("", "all", mean, ap, n_gt, _interval(resampled, mean, ap, resampling), resampled)


def _interval(
    resampled: Resampled | None, mean: float, ap: NDArray[np.float64], resampling: Resampling | None
) -> Interval | None:
    if resampled is None or resampling is None:
        return None
    return Interval.of(resampled, mean, ap, resampling.settings.level)


def _scores(rows: Ranked, group: Group) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the AP, the mean over the protocol's thresholds, and the number of ground truth of each segment."""
    ap = rows.average_precisions(group, rows.matches.protocol.iou_thresholds)
    return np.mean(ap, axis=0), rows.count(rows.members(group))


def _broken_down(everything: Ranked, wanted: Breakdown, resampling: Resampling | None) -> Iterator[GroupResult]:
    index = everything.matches.index
    rows = everything if wanted.cells is None else ranked(everything.matches, wanted.cells)
    if wanted.cells is not None and wanted.cells.of_one_video:
        resampling = None  # how videos differ can't be known from one
    for group in wanted.groups:
        ap, n_gt = _scores(rows, group)
        resampled = None if resampling is None else resampling.resampled(rows, group)
        for cell, name in enumerate(("",) if wanted.cells is None else wanted.cells.names):
            here = slice(cell * index.n_classes, (cell + 1) * index.n_classes)
            mine = None if resampled is None else resampled.classes(here)
            label = "/".join(part for part in (name, group.name) if part)
            mean = mean_ap(ap[here])
            ends = _interval(mine, mean, ap[here], resampling)
            whole = GroupResult(wanted.by, label, mean, ap[here], n_gt[here], ends, mine)
            yield from _by_class(whole, index.class_names, resampling) if wanted.by_class else (whole,)


def _by_class(group: GroupResult, class_names: Sequence[str], resampling: Resampling | None) -> Iterator[GroupResult]:
    """Yield one group for each class of a group."""
    for c, class_name in enumerate(class_names):
        only = np.arange(len(class_names)) == c
        ap, mean = np.where(only, group.ap, np.nan), float(group.ap[c])
        mine = None if group.resampled is None else group.resampled.classes(only)
        name, n_gt = f"{group.name}/{class_name}" if group.name else class_name, np.where(only, group.n_gt, 0)
        yield GroupResult(group.by, name, mean, ap, n_gt, _interval(mine, mean, ap, resampling), mine)
