"""From what a file says to `Predictions` of an index: frames, boxes, classes, and what is wrong with them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vidkit.boxes import Boxes, lossless_float
from vidkit.data.index import Index
from vidkit.errors import PredictionError
from vidkit.predictions.box_conventions import bind_boxes
from vidkit.predictions.classes import bind_classes
from vidkit.predictions.frame_lists import read_frame_list
from vidkit.predictions.frames import bind_frames
from vidkit.predictions.options import ReadOptions
from vidkit.predictions.raw import RawPredictions
from vidkit.predictions.report import Finding, Report
from vidkit.predictions.table import Predictions

KEPT = ("negative size", "duplicate")
"""What `invalid="keep"` keeps, as the peers' evaluators do; no rule can score the rest, which is refused still."""


def bind(
    raw: RawPredictions, index: Index, options: ReadOptions, path: Path, found: Finding
) -> tuple[Predictions, Report]:
    """Return the predictions for `index` and the report on how they were understood.

    Raises PredictionError if the file doesn't fit the index, or has invalid detections that the option doesn't drop.
    """
    _check_fingerprint(raw, index, options, path)
    listed = None
    if options.frame_list is not None:
        listed = read_frame_list(options.frame_list, index, options.reordered, options.partial)
    frames = bind_frames(raw.frame, index, listed, options, str(path))
    boxes = bind_boxes(raw, frames.row, index, options, str(path))
    classes = bind_classes(raw, frames.row, index, options, str(path))
    bad = _invalid(boxes.box, raw.score, classes.class_id, frames.row)
    counts = {kind: int(mask.sum()) for kind, mask in bad.items()} | {"repeated frame": frames.repeated_entries}
    warnings = (*raw.notes, *frames.warnings, *boxes.warnings, *classes.warnings)
    _refuse(counts, options, path, warnings)
    keep = np.ones(len(raw.score), bool)
    if options.invalid == "drop":
        for mask in bad.values():
            keep &= ~mask
    predictions = _table(raw, boxes.box, classes.class_id, frames.row, keep, index)
    report = Report(
        path=str(path),
        format=found,
        frames=frames.finding,
        boxes=boxes.convention,
        scale=boxes.scale,
        classes=classes.finding,
        n_frames_covered=int(frames.covered.sum()),
        n_in_file=len(raw.score),
        invalid=counts,
        invalid_rule=options.invalid,
        precision=f"boxes {predictions.box.dtype}, scores {predictions.score.dtype}",
        warnings=warnings,
        **_figures(predictions, index),
    )
    return predictions, report


def _check_fingerprint(raw: RawPredictions, index: Index, options: ReadOptions, path: Path) -> None:
    if raw.index_fingerprint in ("", index.fingerprint) or options.any_index:
        return
    raise PredictionError(
        f"{path}: made for the index {raw.index_fingerprint}, not for this one ({index.dataset} {index.split}, "
        f"{index.fingerprint}): give the index that it was made for, or --any-index if the frames are the same"
    )


def _invalid(
    box: Boxes, score: NDArray[Any], class_id: NDArray[np.int16], row: NDArray[np.int64]
) -> dict[str, NDArray[np.bool_]]:
    """Return for each kind of fault which detections have it. A box of no size is legal: detectors do give them."""
    with np.errstate(invalid="ignore"):
        negative = (box[:, 2] < box[:, 0]) | (box[:, 3] < box[:, 1])
    return {
        "box not finite": ~np.isfinite(box).all(axis=1),
        "score not finite": ~np.isfinite(score),
        "negative size": negative,
        "unknown class": class_id < 0,
        "frame not in the index": row < 0,
        "duplicate": _duplicates(box, score, class_id, row),
    }


def _duplicates(
    box: Boxes, score: NDArray[Any], class_id: NDArray[np.int16], row: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Return which detections equal an earlier one of their frame in box, score and class."""
    key = _mixed(box, score, class_id, row)
    order = np.argsort(key, kind="stable")
    same = np.flatnonzero(key[order[1:]] == key[order[:-1]])
    duplicate = np.zeros(len(score), bool)
    first, second = order[same], order[same + 1]
    equal = (
        (box[first] == box[second]).all(axis=1)
        & (score[first] == score[second])
        & (class_id[first] == class_id[second])
        & (row[first] == row[second])
    )
    duplicate[second[equal]] = True
    return duplicate


def _mixed(box: Boxes, score: NDArray[Any], class_id: NDArray[np.int16], row: NDArray[np.int64]) -> NDArray[np.uint64]:
    """Return 64 bits for each detection, equal where all of it is equal, and hardly ever elsewhere."""
    columns = [*box.T, score, class_id, row]
    key = np.zeros(len(score), np.uint64)
    for column in columns:
        bits = (np.ascontiguousarray(column, np.float64) + 0.0).view(np.uint64)
        key ^= bits
        key *= np.uint64(0x9E3779B97F4A7C15)
        key ^= key >> np.uint64(29)
    return key


def _refuse(counts: dict[str, int], options: ReadOptions, path: Path, warnings: tuple[str, ...]) -> None:
    found = {kind: count for kind, count in counts.items() if count}
    if options.invalid == "keep":
        found = {kind: count for kind, count in found.items() if kind not in KEPT}
    elif options.invalid == "drop":
        found = {}
    if found:
        said = ", ".join(f"{count} x {kind}" for kind, count in found.items())
        more = "".join(f"; {warning}" for warning in warnings)
        raise PredictionError(f"{path}: invalid detections: {said}{more}. To leave them out: --invalid drop")


def _table(
    raw: RawPredictions,
    box: Boxes,
    class_id: NDArray[np.int16],
    row: NDArray[np.int64],
    keep: NDArray[np.bool_],
    index: Index,
) -> Predictions:
    score = raw.score
    if not keep.all():
        box, score, class_id, row = box[keep], score[keep], class_id[keep], row[keep]
    if len(row) and (np.diff(row) < 0).any():
        order = np.argsort(row, kind="stable")
        box, score, class_id, row = box[order], score[order], class_id[order], row[order]
    counts = np.bincount(row, minlength=index.n_frames)
    table = Predictions(
        detection_start=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        box=lossless_float(box),
        score=lossless_float(score),
        class_id=class_id,
        index_fingerprint=index.fingerprint,
    )
    if raw.complete is None:
        return table
    told = raw.complete
    return replace(table, is_key=told.is_key, key_distance=told.key_distance, times=told.times, run=told.run)


def _figures(predictions: Predictions, index: Index) -> dict[str, Any]:
    """Return the counts of the report."""
    each = np.diff(predictions.detection_start)
    score = predictions.score
    seen = np.zeros(index.n_videos, bool)
    seen[index.frame_video[np.flatnonzero(each)]] = True
    return {
        "n_frames": index.n_frames,
        "n_frames_with_detections": int((each > 0).sum()),
        "n_videos": index.n_videos,
        "n_videos_with_detections": int(seen.sum()),
        "n_detections": predictions.n_detections,
        "classes_seen": len(np.unique(predictions.class_id)),
        "per_frame": _spread(each, mean=True),
        "score": _spread(score, mean=False),
    }


def _spread(values: NDArray[Any], mean: bool) -> dict[str, float]:
    if not len(values):
        return {}
    spread = {"min": float(values.min()), "median": float(np.median(values)), "max": float(values.max())}
    return spread | ({"mean": float(values.mean())} if mean else {})
