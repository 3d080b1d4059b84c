"""What an answer of a detector must hold to: right types, finite numbers, known classes, boxes inside the frame."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from vidkit.detections import Detections

BORDER = 1.0
"""Pixels that a box may reach beyond the frame: what is lost when a box is scaled back from a resized image."""


def fault_of_kind(answer: Any) -> str:
    """Return what is wrong with the type of an answer and of its columns, in words; "" if nothing is."""
    if not isinstance(answer, Detections):
        return f"answered with a {type(answer).__module__}.{type(answer).__name__}, wanted vidkit.Detections"
    for name, column, kinds in (
        ("boxes", answer.boxes, "f"),
        ("scores", answer.scores, "f"),
        ("class_ids", answer.class_ids, "iu"),
    ):
        if not _is_array(column):
            return f"{name} is a {type(column).__module__}.{type(column).__name__}, wanted a numpy array"
        if column.dtype.kind not in kinds:
            return f"{name} is of {column.dtype}, wanted {'floating' if kinds == 'f' else 'integer'} numbers"
    return _fault_of_key(answer.is_key, answer.key_distance)


def _fault_of_key(is_key: object, distance: object) -> str:
    if not isinstance(is_key, bool | np.bool_):
        return f"is_key is {is_key!r}, wanted True or False"
    if distance is not None and (isinstance(distance, bool) or not isinstance(distance, int | np.integer)):
        return f"key_distance is {distance!r}, wanted a whole number of frames or None"
    return ""


def _is_array(column: object) -> bool:
    return isinstance(column, np.ndarray)


def first_fault(answers: Sequence[Detections], width: int, height: int, n_classes: int) -> tuple[int, str] | None:
    """Return the first frame whose answer has wrong numbers, and what is wrong with it; None if all are right.

    The answers, one for each frame of `width` by `height` pixels, must have passed `fault_of_kind`. They are looked at
    together, so that looking costs next to nothing, and one by one only where something is wrong.
    """
    if not answers:
        return None
    boxes, scores, classes = (
        np.concatenate([getattr(answer, name) for answer in answers]) for name in ("boxes", "scores", "class_ids")
    )
    if not fault_of_numbers(Detections(boxes, scores, classes), width, height, n_classes):
        return None
    faults = (fault_of_numbers(answer, width, height, n_classes) for answer in answers)
    return next((frame, said) for frame, said in enumerate(faults) if said)


def fault_of_numbers(answer: Detections, width: int, height: int, n_classes: int) -> str:
    """Return what is wrong with the numbers of an answer, in words; "" if nothing is."""
    boxes, scores, classes = answer.boxes, answer.scores, answer.class_ids
    finite = np.isfinite(boxes).all(axis=1) & np.isfinite(scores)
    if not finite.all():
        row = int(np.argmin(finite))
        return f"detection {row} isn't finite: box {boxes[row].tolist()}, score {scores[row]}"
    known = (classes >= 0) & (classes < n_classes)
    if not known.all():
        row = int(np.argmin(known))
        return f"detection {row} has the class id {classes[row]}; the index has the classes 0 … {n_classes - 1}"
    upright = (boxes[:, 2] >= boxes[:, 0]) & (boxes[:, 3] >= boxes[:, 1])
    if not upright.all():
        row = int(np.argmin(upright))
        return f"detection {row} has the inverted box {boxes[row].tolist()}; wanted x1 ≤ x2, y1 ≤ y2"
    inside = (boxes[:, :2] >= -BORDER).all(axis=1) & (boxes[:, 2:] <= (width + BORDER, height + BORDER)).all(axis=1)
    if not inside.all():
        row = int(np.argmin(inside))
        return (
            f"detection {row} has the box {boxes[row].tolist()}, outside the frame of {width}x{height} pixels; "
            "clip boxes to the frame"
        )
    return ""
