"""ultralytics' `to_json` of each frame in one JSON list: objects with name, class, confidence and box."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np

from vidkit.errors import PredictionError
from vidkit.predictions.formats import FileReader, PredictionFormat
from vidkit.predictions.json_results import elements, first_keys, labels_and_names, numbers
from vidkit.predictions.raw import ByRow, RawPredictions

_CORNERS = ("x1", "y1", "x2", "y2")
_OF_FRAMES = re.compile(r'\s*\[\s*(?:\[|"\[)')


def _looks(text: str) -> str:
    if _OF_FRAMES.match(text) and "confidence" in text and "box" in text:
        return "a JSON list over frames of lists of objects with confidence and box"
    return "a JSON list of objects with confidence and box" if {"confidence", "box"} <= first_keys(text) else ""


def read_frames(path: Path) -> RawPredictions:
    """The detections of a list with an entry for each frame; a list without frames is that of one frame."""
    frames = [_frame(path, k, entry) for k, entry in enumerate(elements(path))]
    if frames and all(isinstance(entry, dict) for entry in frames):
        frames = [frames]
    found = [(k, one) for k, entry in enumerate(frames) for one in (entry if isinstance(entry, list) else [entry])]
    try:
        boxes = [[one["box"][corner] for corner in _CORNERS] for _, one in found]
        scores = [one["confidence"] for _, one in found]
        names = [str(one.get("name", one["class"])) for _, one in found]
    except (KeyError, TypeError, AttributeError):
        raise PredictionError(
            f"{path}: a detection without name, class, confidence and box with x1, y1, x2, y2, as `to_json` writes them"
        ) from None
    label, known = labels_and_names(names)
    box = numbers(boxes, (len(found), 4), "box", path)
    return RawPredictions(
        frame=ByRow(np.array([k for k, _ in found], np.int64), len(frames)),
        box=box,
        score=numbers(scores, (len(found),), "confidence", path),
        label=label,
        boxes="exclusive",
        boxes_evidence="ultralytics' corners",
        label_names=known,
    )


def _frame(path: Path, k: int, entry: Any) -> Any:
    """An entry, which some write as JSON within JSON."""
    try:
        return json.loads(entry) if isinstance(entry, str) else entry
    except (ValueError, RecursionError) as error:
        raise PredictionError(f"{path}: entry {k}: a text that isn't JSON: {error}") from None


FORMATS = {"ultralytics-json": PredictionFormat(FileReader(lambda path, _: read_frames(path), json=_looks))}
