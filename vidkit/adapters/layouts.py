"""What detectors' networks put out, as boxes, scores and labels: three layouts of tensors that are in use."""

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vidkit.boxes import Boxes, from_xywh
from vidkit.errors import DetectorError

Layout = Literal["boxes-scores-labels", "yolo", "yolov5", "rows"]
"""boxes-scores-labels: three tensors `(N, 4)`, `(N,)`, `(N,)`, ready (torchvision).
yolo: one `(4 + K, N)` or `(N, 4 + K)`, boxes and the score of each of K labels, before suppression (YOLOv8 and later).
yolov5: one `(N, 5 + K)`, boxes, objectness and the K labels' scores given an object, before suppression.
rows: one `(N, 6)`, box, score and label, ready (end-to-end exports).
All may have a batch of one before them."""
BoxFormat = Literal["xyxy", "cxcywh", "xywh"]
"""Corners, centre and sides, or first corner and sides; x2 and y2 exclusive: all of these have continuous edges."""
Outputs = Mapping[str, NDArray[Any]]
BOX_FORMATS: Mapping[Layout, BoxFormat] = {
    "boxes-scores-labels": "xyxy",
    "yolo": "cxcywh",
    "yolov5": "cxcywh",
    "rows": "xyxy",
}


class ScoredBoxes(NamedTuple):
    """Boxes `(N, 4)` with the best label of each, `(N,)`, and its score, `(N,)`."""

    boxes: Boxes
    scores: Boxes
    labels: NDArray[np.int64]


def read(outputs: Outputs, layout: Layout, n_labels: int, least_score: float) -> ScoredBoxes:
    """Return what scores at least `least_score`, boxes as they are put out.

    Raises DetectorError where the outputs don't have the shapes of `layout`.
    """
    if layout == "boxes-scores-labels":
        boxes, scores, labels = _three(outputs)
    else:
        _wanted(len(outputs) > 0, outputs, "a table")
        table = _without_batch(next(iter(outputs.values())), outputs)  # exports for masks put theirs after it
        if layout == "rows":
            _wanted(table.shape[1] == 6, outputs, "(N, 6)")
            boxes, scores, labels = table[:, :4], table[:, 4], table[:, 5]
        else:
            boxes, scores, labels = _of_grid(table, layout, n_labels, outputs)
    kept = ~(scores < least_score)  # what is no number stays, so that it is seen
    if not np.isfinite(labels[kept]).all():
        raise DetectorError("the model put out a label that isn't finite")
    return ScoredBoxes(boxes[kept].astype(np.float32), scores[kept].astype(np.float32), labels[kept].astype(np.int64))


def corners(boxes: Boxes, box_format: BoxFormat) -> Boxes:
    """Return boxes `(N, 4)` as corners."""
    if box_format == "cxcywh":
        return np.concatenate([boxes[:, :2] - boxes[:, 2:] / 2, boxes[:, :2] + boxes[:, 2:] / 2], axis=1)
    return from_xywh(boxes) if box_format == "xywh" else boxes


def told_by(outputs: Mapping[str, object], metadata: Mapping[str, str]) -> Layout | None:
    """Return the layout of a model whose file tells it, by its outputs' names or ultralytics' metadata; else None."""
    if {"boxes", "scores", "labels"} <= outputs.keys():
        return "boxes-scores-labels"
    if metadata.get("task") == "detect" and "names" in metadata and "stride" in metadata:
        ready = metadata.get("end2end") == "True" or "'nms': True" in metadata.get("args", "")
        return "rows" if ready else "yolo"
    return None


def _of_grid(
    table: NDArray[Any], layout: Layout, n_labels: int, outputs: Outputs
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    first = 4 if layout == "yolo" else 5
    if layout == "yolo" and table.shape[0] == first + n_labels and table.shape[1] != first + n_labels:
        table = table.T
    _wanted(table.shape[1] == first + n_labels, outputs, f"(N, {first} + {n_labels} labels)")
    shares = table[:, first:]
    labels = shares.argmax(axis=1)
    scores = np.take_along_axis(shares, labels[:, None], axis=1)[:, 0]
    return table[:, :4], scores if layout == "yolo" else scores * table[:, 4], labels


def _three(outputs: Outputs) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Return boxes, scores and labels: by their names, else by shape and type."""
    arrays = {name: np.asarray(array) for name, array in outputs.items()}
    if any(array.ndim == 3 for array in arrays.values()):
        _wanted(all(array.shape[0] == 1 for array in arrays.values()), outputs, "a batch of one")
        arrays = {name: array[0] for name, array in arrays.items()}
    if {"boxes", "scores", "labels"} <= arrays.keys():
        found = [[arrays[name]] for name in ("boxes", "scores", "labels")]
    else:
        found = [
            [array for array in arrays.values() if array.ndim == 2 and array.shape[1] == 4],
            [array for array in arrays.values() if array.ndim == 1 and array.dtype.kind == "f"],
            [array for array in arrays.values() if array.ndim == 1 and array.dtype.kind in "iu"],
        ]
    _wanted(all(len(each) == 1 for each in found), outputs, "(N, 4) boxes, (N,) scores and (N,) whole labels")
    ((boxes,), (scores,), (labels,)) = found
    n = len(boxes)
    _wanted(boxes.shape == (n, 4) and scores.shape == labels.shape == (n,), outputs, "(N, 4), (N,) and (N,)")
    return boxes, scores, labels


def _without_batch(array: NDArray[Any], outputs: Outputs) -> NDArray[Any]:
    if array.ndim == 3 and array.shape[0] == 1:
        return np.asarray(array[0])
    _wanted(array.ndim == 2, outputs, "a table, or a batch of one table")
    return array


def _wanted(holds: bool, outputs: Outputs, wanted: str) -> None:
    if not holds:
        said = ", ".join(f"{name} {array.dtype} {array.shape}" for name, array in outputs.items())
        raise DetectorError(f"the model put out {said or 'nothing'}; wanted {wanted}: choose another --option layout")
