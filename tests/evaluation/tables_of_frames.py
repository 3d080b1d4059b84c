"""Index and Predictions of hand-written frames, in the form that the oracles take."""

from typing import Any

import numpy as np

from tests.makers import make_classes
from vidkit.boxes import from_inclusive, lossless_float
from vidkit.data.index import Index
from vidkit.predictions.table import Predictions


def index_and_predictions(frames: list[dict[str, Any]], n_classes: int) -> tuple[Index, Predictions]:
    """One video of these frames; boxes have inclusive corners, detections keep their order."""
    gts = [gt for frame in frames for gt in frame["gt"]]
    dets = [det for frame in frames for det in frame["det"]]
    index = Index(
        dataset="written",
        split="val",
        classes=make_classes(n_classes),
        video_name=("video",),
        video_size=np.array([frames[0]["size"]], np.int32),
        frame_start=np.array([0, len(frames)]),
        frame_number=np.arange(len(frames), dtype=np.int32),
        instance_start=np.concatenate([[0], np.cumsum([len(frame["gt"]) for frame in frames])]).astype(np.int64),
        box=lossless_float(from_inclusive(np.array([box for box, _, _ in gts], float).reshape(-1, 4))),
        class_id=np.array([c for _, c, _ in gts], np.int16),
        track_id=np.arange(len(gts), dtype=np.int32),
        occluded=np.zeros(len(gts), bool),
        generated=np.zeros(len(gts), bool),
        motion_iou=np.array([m for _, _, m in gts], float),
    )
    predictions = Predictions(
        detection_start=np.concatenate([[0], np.cumsum([len(frame["det"]) for frame in frames])]).astype(np.int64),
        box=lossless_float(from_inclusive(np.array([box for box, _, _ in dets], float).reshape(-1, 4))),
        score=lossless_float(np.array([score for _, _, score in dets], float)),
        class_id=np.array([c for _, c, _ in dets], np.int16),
    )
    return index, predictions
