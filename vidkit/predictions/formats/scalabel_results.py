"""Scalabel's (BDD100K's) results: a JSON list of frames, or an object with `frames`, of labels with score and box2d."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from vidkit.errors import PredictionError
from vidkit.predictions.formats import FileReader, PredictionFormat
from vidkit.predictions.json_results import first_keys, labels_and_names, numbers, text_of
from vidkit.predictions.raw import ByName, ByText, FrameKeys, RawPredictions

_CORNERS = ("x1", "y1", "x2", "y2")


def _looks(text: str) -> str:
    frames = {"labels", "name"} <= first_keys(text) or {"labels", "videoName"} <= first_keys(text)
    if text.startswith("{"):
        frames = '"frames"' in text and '"labels"' in text and '"box2d"' in text
    return "frames with labels, each with box2d" if frames else ""


def read_frames(path: Path) -> RawPredictions:
    """The detections of Scalabel's results: categories by name, corners as its box2d has them, taken as exclusive."""
    try:
        content = json.loads(text_of(path))
    except (ValueError, RecursionError) as error:
        raise PredictionError(f"{path}: not the JSON that was wanted: {error}") from None
    frames = content.get("frames") if isinstance(content, dict) else content
    if not isinstance(frames, list) or not all(isinstance(frame, dict) for frame in frames):
        raise PredictionError(f"{path}: wanted Scalabel's frames: a list of objects with name and labels")
    found = [
        (k, label) for k, frame in enumerate(frames) for label in (frame.get("labels") or []) if label.get("box2d")
    ]
    try:
        boxes = [[label["box2d"][corner] for corner in _CORNERS] for _, label in found]
        names = [str(label["category"]) for _, label in found]
    except (KeyError, TypeError):
        raise PredictionError(f"{path}: a label without category, or box2d without x1, y1, x2, y2") from None
    without = next((k for k, label in found if "score" not in label), None)
    if without is not None:
        raise PredictionError(
            f"{path}: frame {without}: a label without score; `vidkit prepare {path}` makes an index of ground truth"
        )
    label, known = labels_and_names(names)
    return RawPredictions(
        frame=_frames(frames, np.array([k for k, _ in found], np.int64), path),
        box=numbers(boxes, (len(found), 4), "box2d", path),
        score=numbers([label["score"] for _, label in found], (len(found),), "score", path),
        label=label,
        boxes="exclusive",
        boxes_evidence="Scalabel's corners",
        label_names=known,
    )


def _frames(frames: list[dict[str, Any]], entry: Any, path: Path) -> FrameKeys:
    videos = [frame.get("videoName", frame.get("video_name")) for frame in frames]
    names, numbers_told = [frame.get("name") for frame in frames], [frame.get("frameIndex") for frame in frames]
    if all(isinstance(name, str) for name in names):
        return ByText(
            entry, tuple(f"{v}/{n}" if isinstance(v, str) else str(n) for v, n in zip(videos, names, strict=True))
        )
    if all(isinstance(v, str) for v in videos) and all(type(n) is int for n in numbers_told):
        return ByName(entry, tuple(map(str, videos)), np.array(numbers_told, np.int64))
    raise PredictionError(f"{path}: a frame that has neither a name nor videoName and frameIndex")


FORMATS = {"scalabel": PredictionFormat(FileReader(lambda path, _: read_frames(path), json=_looks))}
