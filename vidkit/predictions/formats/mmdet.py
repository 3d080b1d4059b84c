"""Results of mmdet and mmtracking: `results.pkl` of 0.x (arrays a frame and class) and 1.x (a dict a frame)."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vidkit.boxes import lossless_float
from vidkit.data.index import Index
from vidkit.errors import PredictionError
from vidkit.files import writing
from vidkit.pickles.content import Origin, check_entries, column, entries_of, numbers, table
from vidkit.pickles.pickle_out import plain_pickle
from vidkit.pickles.safe_pickle import ARRAY, Box
from vidkit.pickles.torch_file import Tensor
from vidkit.predictions.box_conventions import in_own_numbers
from vidkit.predictions.formats import PickleReader, PredictionFormat
from vidkit.predictions.raw import ById, ByRow, ByText, FrameKeys, RawPredictions
from vidkit.predictions.table import Predictions

_INSTANCES = ("pred_instances", "pred_det_instances", "_pred_instances", "_pred_det_instances")


def is_old(content: object) -> bool:
    """Whether content is a 0.x result: a list over frames of lists over classes, or a dict that holds it."""
    if isinstance(content, dict):
        return isinstance(content.get("det_bboxes", content.get("track_bboxes")), list)
    return isinstance(content, list) and bool(content) and _is_frame(content[0]) and _is_frame(content[-1])


def _is_frame(entry: object) -> bool:
    if isinstance(entry, tuple) and len(entry) == 2 and isinstance(entry[0], list):
        entry = entry[0]  # (boxes, masks)
    return isinstance(entry, list) and bool(entry) and all(isinstance(a, np.ndarray | list) for a in entry)


def is_new(content: object) -> bool:
    """Whether content is a 1.x result: a list over frames of dicts with instances."""
    return (
        isinstance(content, list)
        and bool(content)
        and all(_instances(e) is not None for e in (content[0], content[-1]))
    )


def _attributes(value: object) -> dict[str, Any] | None:
    return value.state if isinstance(value, Box) else value if isinstance(value, dict) else None


def _instances(entry: object) -> dict[str, Any] | None:
    """The instances of a frame: boxes, scores and labels."""
    told = _attributes(entry)
    if told is None:
        return None
    for name in _INSTANCES:
        inside = _attributes(told.get(name))
        if inside is not None and "scores" in inside and "labels" in inside:
            return inside
    return None


def from_old(content: Any, origin: Origin) -> RawPredictions:
    """The detections of a 0.x result: `[frame][class] (n, 5)` x1 y1 x2 y2 score, classes from 0."""
    notes = []
    columns = 5
    if isinstance(content, dict):
        if "det_bboxes" not in content:
            columns, notes = 6, ["only track_bboxes are there: the boxes of the tracker were read, without their ids"]
        content = content.get("det_bboxes", content.get("track_bboxes"))
    frames = [entry[0] if isinstance(entry, tuple) and entry else entry for entry in content]
    n_classes = len(frames[0]) if frames and isinstance(frames[0], list) else 0
    check_entries(len(frames) * n_classes, origin)
    parts: list[NDArray[Any]] = []
    for k, frame in enumerate(frames):
        if not isinstance(frame, list) or len(frame) != n_classes:
            raise PredictionError(f"{origin.place}: frame {k} isn't a list of {n_classes} classes like frame 0")
        parts.extend(frame)
    if not {type(part) for part in parts} <= {np.ndarray, ARRAY}:
        parts = [numbers(part, origin) for part in parts]
    rows, counts = table(parts, columns, origin)
    entry, label = np.divmod(entries_of(counts), max(n_classes, 1))
    return RawPredictions(
        frame=ByRow(entry, len(frames)),
        box=rows[:, columns - 5 : columns - 1],
        score=rows[:, columns - 1],
        label=label,
        layout="corners",
        scale="pixels",
        scale_evidence="mmdet writes boxes of the original frame",
        first_label=0,
        n_labels=n_classes or None,
        classes_evidence=f"{n_classes} lists of classes a frame",
        notes=tuple(notes),
    )


def from_new(content: list[Any], origin: Origin) -> RawPredictions:
    """The detections of a 1.x result: a dict a frame, with instances of bboxes, scores and labels from 0."""
    instances = []
    for k, entry in enumerate(content):
        told = _instances(entry)
        if told is None:
            raise PredictionError(f"{origin.place}: frame {k} has no {' or '.join(_INSTANCES[:2])}")
        instances.append(told)
    boxes = [
        _boxes(told.get("bboxes", told.get("_bboxes")), origin.part(f"frame {k}")) for k, told in enumerate(instances)
    ]
    rows, counts = table(boxes, 4, origin)
    score = column([numbers(told["scores"], origin) for told in instances], origin, np.float32)
    label = column([numbers(told["labels"], origin) for told in instances], origin, np.int64)
    if not len(rows) == len(score) == len(label):
        raise PredictionError(f"{origin.place}: {len(rows)} boxes, {len(score)} scores, {len(label)} labels")
    entry = entries_of(counts)
    return RawPredictions(
        frame=_frames(content, entry),
        box=rows,
        score=score,
        label=label,
        layout="corners",
        scale="pixels",
        scale_evidence="mmdet writes boxes of the original frame",
        first_label=0,
    )


def _boxes(value: object, origin: Origin) -> NDArray[Any]:
    if isinstance(value, Box):  # HorizontalBoxes
        value = value.state.get("tensor")
    return numbers(value, origin) if isinstance(value, Tensor | np.ndarray | list) else numbers(None, origin)


def _frames(content: list[Any], entry: NDArray[np.int64]) -> FrameKeys:
    """Which frame is which: by the images' paths where they are told, else by their ids, else by the order."""
    told = [_attributes(e) or {} for e in content]
    paths, ids = ([one.get(name) for one in told] for name in ("img_path", "img_id"))
    if all(isinstance(path, str) for path in paths):
        return ByText(entry, tuple(map(str, paths)))
    whole = [id for id in ids if isinstance(id, int)]
    if len(whole) < len(told):
        return ByRow(entry, len(content))
    entries = np.array(whole, np.int64)
    return ById(entries[entry], first=None, entries=entries, entry=entry)


def write_list(path: Path, predictions: Predictions, index: Index) -> None:
    """Write mmdet's list over frames of a list over classes of arrays `(n, 5)`: x1 y1 x2 y2 score."""
    _write(path, _per_class(predictions, index))


def write_dict(path: Path, predictions: Predictions, index: Index) -> None:
    """Write mmtracking 0.x's `{"det_bboxes": …}` around mmdet's list."""
    _write(path, {"det_bboxes": _per_class(predictions, index)})


def _write(path: Path, content: object) -> None:
    with writing(path) as part:
        part.write_bytes(plain_pickle(content))


def _per_class(predictions: Predictions, index: Index) -> list[list[NDArray[Any]]]:
    """The detections by frame and class; within a class they keep their order. float32 where it is exact."""
    corners = in_own_numbers(predictions.box, index, "corners")
    rows = lossless_float(np.column_stack([corners, predictions.score.astype(np.float64)]))
    cell = predictions.detection_frame.astype(np.int64) * index.n_classes + predictions.class_id
    order = np.argsort(cell, kind="stable")
    ends = np.searchsorted(cell[order], np.arange(1, index.n_frames * index.n_classes))
    cells = np.split(rows[order], ends) if index.n_frames * index.n_classes else []
    return [cells[f * index.n_classes : (f + 1) * index.n_classes] for f in range(index.n_frames)]


FORMATS = {
    "mmdet": PredictionFormat(PickleReader(is_old, from_old), write_list),
    "mmdet1": PredictionFormat(PickleReader(is_new, from_new)),
    "mmtrack": PredictionFormat(write=write_dict),
}
