"""From what a file says to `Predictions` of an index: frames, boxes, classes, and what is wrong with them."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vidkit.boxes import Boxes, lossless_float
from vidkit.data.index import Index
from vidkit.errors import PredictionError
from vidkit.predictions.box_conventions import BoxBinding, BoxForm, bind_boxes, placed_boxes
from vidkit.predictions.box_conventions import doubts_of as doubts_of_boxes
from vidkit.predictions.class_binding import ClassBinding, Namer, bind_classes
from vidkit.predictions.entry_lists import BoundFrameList, read_frame_list
from vidkit.predictions.frame_binding import FrameBinding, bind_frames
from vidkit.predictions.frame_binding import doubts_of as doubts_of_frames
from vidkit.predictions.frame_ways import Finder
from vidkit.predictions.label_doubts import mistaken_labels
from vidkit.predictions.nearest_truth import best_overlap
from vidkit.predictions.raw import RawPredictions
from vidkit.predictions.read_options import ReadOptions
from vidkit.predictions.reading_report import ReadingReport, Understood
from vidkit.predictions.readings import Way, refuse_if_doubtful
from vidkit.predictions.table import Predictions

_BLOCK = 1 << 18  # detections
_ENOUGH = 4000  # detections that tell one way to understand a file from another
_OVERLAPS, _FEWEST = 240_000, 200  # overlaps that are looked up for all ways together, and for one at least
_SAMPLE = 200_000  # detections whose overlaps stand for all
_HALF = 0.5

KEPT = ("negative size", "duplicate")
"""What `invalid="keep"` keeps, as the peers' evaluators do; no rule can score the rest, which is refused still."""


def bind(
    raw: RawPredictions, index: Index, options: ReadOptions, path: Path, found: Understood
) -> tuple[Predictions, ReadingReport]:
    """The predictions for `index` and the report on how they were understood.

    Raises PredictionError if the file doesn't fit the index, or has invalid detections that the option doesn't drop.
    """
    _check_fingerprint(raw, index, options, path)
    listed = None
    if options.frame_list is not None:
        if raw.index_fingerprint:
            raise PredictionError(
                f"{path}: has the frames of its index in order: --frame-list isn't for vidkit's own files"
            )
        listed = read_frame_list(options.frame_list, index, options.reordered, options.partial)
    frames, boxes, classes = _understood(raw, index, listed, options, str(path))
    row = frames.row()
    form = boxes.ways.taken.take
    box = placed_boxes(form, raw, row, index, str(path))
    bound = frames.bound(index)
    table = _DetectionRows(row, box, raw.score, classes.class_id())
    if raw.complete is None and not raw.index_fingerprint and not raw.label_names:
        _ask_where_mistaken(table, classes, index, str(path))
    overlap = _overlap(table, index)
    if options.invalid == "drop":
        table = table.without(bound.again)
    table = table.by_frame()
    bad = _invalid(table)
    counts = {kind: len(rows) for kind, rows in bad.items()} | {"repeated frame": bound.repeated_entries}
    warnings = (
        *raw.notes,
        *doubts_of_frames(raw.frame, frames, index, listed),
        *doubts_of_boxes(box, row, index, form.convention),
        *classes.warnings,
        *_doubts_of_scores(raw.score),
    )
    _refuse(counts, options, path, warnings)
    if options.invalid == "drop":
        table = table.without(np.concatenate(list(bad.values())))
    predictions = _predictions(table, raw, index)
    report = ReadingReport(
        path=str(path),
        format=found,
        frames=frames.ways.taken.said,
        boxes=boxes.convention,
        scale=boxes.scale,
        classes=classes.ways.taken.said,
        n_frames_covered=int(bound.covered.sum()),
        overlapping=overlap,
        n_in_file=len(raw.score),
        invalid=counts,
        invalid_rule=options.invalid,
        precision=f"boxes {predictions.box.dtype}, scores {predictions.score.dtype}",
        warnings=warnings,
        **_figures(predictions, index),
    )
    return predictions, report


def _understood(
    raw: RawPredictions, index: Index, listed: BoundFrameList | None, options: ReadOptions, place: str
) -> tuple[FrameBinding, BoxBinding, ClassBinding]:
    """How a file is understood. Raises PredictionError where it can't be, or the annotations speak against it."""
    frames = bind_frames(raw.frame, index, listed, options, place)
    boxes = bind_boxes(raw, frames.row(), index, options)
    classes = bind_classes(raw, index, options, place)
    if raw.complete is None and not raw.index_fingerprint:
        _ask_where_doubtful(raw, frames, boxes, classes, index, place)
    return frames, boxes, classes


def _ask_where_doubtful(
    raw: RawPredictions,
    frames: FrameBinding,
    boxes: BoxBinding,
    classes: ClassBinding,
    index: Index,
    place: str,
) -> None:
    """Raise PredictionError where the annotations speak against the way in which the file is understood."""
    n_ways = math.prod(len(ways.all) for ways in (frames.ways, boxes.ways, classes.ways))
    enough = max(min(_ENOUGH, _OVERLAPS // n_ways), _FEWEST)
    some = np.arange(0, len(raw.score), max(len(raw.score) // enough, 1))
    keys, label = frames.keys[some], classes.label[some]
    read_first = frames.ways.taken.take(keys)

    def overlaps(frame: Way[Finder], box: Way[BoxForm], named: Way[Namer]) -> NDArray[np.float64]:
        row = frame.take(keys)
        of = read_first if box.take.scale == "network" else row  # a network's input fits the shape of its own frame
        return best_overlap(row, placed_boxes(box.take, raw, of, index, place, some), named.take(label), index)

    refuse_if_doubtful((frames.ways, boxes.ways, classes.ways), overlaps, place)


def _ask_where_mistaken(table: _DetectionRows, classes: ClassBinding, index: Index, place: str) -> None:
    """Raise PredictionError where labels that are numbers seem to be other classes than they were taken for."""
    way = classes.ways.taken
    if way.said.how == "given" or (table.class_id < 0).any():
        return  # labels that no class has are refused by themselves
    mistaken = mistaken_labels(table.row, table.box, table.class_id, table.score, index)
    if mistaken:
        names = index.class_names
        said = ", ".join(f"those taken for {names[a]} on {names[b]}" for a, b in list(mistaken.items())[:5])
        raise PredictionError(
            f"{place}: labels seem to be other classes than they were taken for ({way.said.value}): detections lie on "
            f"objects of other classes, {said}. Give the names of the labels in their order, one a line: "
            f"--classes-from FILE; or as it was read: {way.option}"
        )


def _doubts_of_scores(score: NDArray[Any]) -> tuple[str, ...]:
    """A warning about scores that say nothing."""
    if len(score) < 2 or not (score == score[0]).all():
        return ()
    return (f"all scores are {score[0]:g}: AP then depends on the order of the detections alone",)


def _overlap(table: _DetectionRows, index: Index) -> float | None:
    """The share of detections that overlap an object of their class by half; None where there is nothing to compare."""
    some = slice(None, None, max(len(table.row) // _SAMPLE, 1))
    row = table.row[some]
    scored = row if index.annotated is None else row[index.annotated[np.maximum(row, 0)]]
    if not len(scored) or not index.n_instances:
        return None
    best = best_overlap(row, table.box[some], table.class_id[some], index)
    return float((best >= _HALF).sum() / len(scored))


def _check_fingerprint(raw: RawPredictions, index: Index, options: ReadOptions, path: Path) -> None:
    if raw.index_fingerprint in ("", index.fingerprint) or options.any_index:
        return
    raise PredictionError(
        f"{path}: made for the index {raw.index_fingerprint}, not for this one ({index.dataset} {index.split}, "
        f"{index.fingerprint}): give the index that it was made for, or --any-index if the frames are the same"
    )


@dataclass(frozen=True, eq=False)
class _DetectionRows:
    """Detections as columns: `row (D,)` the frame, `box (D, 4)`, `score (D,)`, `class_id (D,)`."""

    row: NDArray[np.integer[Any]]
    box: Boxes
    score: NDArray[Any]
    class_id: NDArray[np.int16]

    def take(self, which: Any) -> _DetectionRows:
        """The detections `which`."""
        return _DetectionRows(self.row[which], self.box[which], self.score[which], self.class_id[which])

    def by_frame(self) -> _DetectionRows:
        """The detections by frame; within a frame they keep their order."""
        if not (np.diff(self.row) < 0).any():
            return self
        return self.take(np.argsort(self.row, kind="stable"))

    def without(self, which: NDArray[np.int64]) -> _DetectionRows:
        """The detections but `which`."""
        keep = np.ones(len(self.row), bool)
        keep[which] = False
        return self if keep.all() else self.take(keep)


def _invalid(table: _DetectionRows) -> dict[str, NDArray[np.int64]]:
    """Which detections have each kind of fault. A box of no size is legal: detectors do give them."""
    with np.errstate(invalid="ignore"):
        negative = (table.box[:, 2] < table.box[:, 0]) | (table.box[:, 3] < table.box[:, 1])
    return {
        "box not finite": np.flatnonzero(~np.isfinite(table.box).all(axis=1)),
        "score not finite": np.flatnonzero(~np.isfinite(table.score)),
        "negative size": np.flatnonzero(negative),
        "unknown class": np.flatnonzero(table.class_id < 0),
        "frame not in the index": np.flatnonzero(table.row < 0),
        "duplicate": duplicates(table.row, table.box, table.score, table.class_id),
    }


def duplicates(
    row: NDArray[np.integer[Any]], box: Boxes, score: NDArray[Any], class_id: NDArray[np.int16]
) -> NDArray[np.int64]:
    """Which detections equal an earlier one of their frame in box, score and class; `row` must rise.

    Blocks of whole frames are searched one after the other, for what fits the processor's cache sorts faster.
    """
    found = []
    start = 0
    while start < len(row):
        stop = len(row) if start + _BLOCK >= len(row) else int(np.searchsorted(row, row[start + _BLOCK], "right"))
        rows = slice(start, stop)
        found.append(start + _duplicates_of_block(row[rows], box[rows], score[rows], class_id[rows]))
        start = stop
    return np.concatenate(found) if found else np.zeros(0, np.int64)


def _duplicates_of_block(
    row: NDArray[np.integer[Any]], box: Boxes, score: NDArray[Any], class_id: NDArray[np.int16]
) -> NDArray[np.int64]:
    key = _mixed([*box.T, score, class_id, row])
    ordered = np.sort(key)
    if not (ordered[1:] == ordered[:-1]).any():
        return np.zeros(0, np.int64)
    suspect = np.flatnonzero(np.isin(key, ordered[1:][ordered[1:] == ordered[:-1]]))
    columns = [row, *(c + 0.0 for c in box.T), score + 0.0, class_id]  # -0.0 becomes 0.0
    known: set[tuple[Any, ...]] = set()
    found = []
    for d, values in zip(suspect.tolist(), zip(*(c[suspect].tolist() for c in columns), strict=True), strict=True):
        if values in known:
            found.append(d)
        known.add(values)
    return np.array(found, np.int64)


def _mixed(columns: list[NDArray[Any]]) -> NDArray[np.uint64]:
    """64 bits for each row of some columns, equal where all of it is equal, and hardly ever elsewhere."""
    key = np.zeros(len(columns[0]), np.uint64)
    for column in columns:
        numbers = column + 0.0 if column.dtype.kind == "f" else column
        bits = np.ascontiguousarray(numbers).view(f"u{numbers.dtype.itemsize}")
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


def _predictions(table: _DetectionRows, raw: RawPredictions, index: Index) -> Predictions:
    told = raw.complete
    if told is not None and told.box is table.box and told.class_id is table.class_id:
        return (
            told if told.index_fingerprint == index.fingerprint else replace(told, index_fingerprint=index.fingerprint)
        )
    counts = np.bincount(table.row, minlength=index.n_frames)
    predictions = Predictions(
        detection_start=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        box=_lossless(table.box),
        score=_lossless(table.score),
        class_id=table.class_id,
        index_fingerprint=index.fingerprint,
    )
    if told is None:
        return predictions
    return replace(predictions, is_key=told.is_key, key_distance=told.key_distance, times=told.times, run=told.run)


def _lossless(values: Boxes) -> Boxes:
    return values if values.dtype == np.float32 else lossless_float(values)


def _figures(predictions: Predictions, index: Index) -> dict[str, Any]:
    """The counts of the report."""
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
        "classes_seen": int(np.count_nonzero(np.bincount(predictions.class_id, minlength=1))),
        "per_frame": _spread(each, mean=True),
        "score": _spread(score, mean=False),
    }


def _spread(values: NDArray[Any], mean: bool) -> dict[str, float]:
    if not len(values):
        return {}
    spread = {"min": float(values.min()), "median": float(np.median(values)), "max": float(values.max())}
    return spread | ({"mean": float(values.mean())} if mean else {})
