"""Data sets in which each video stands as often as it was drawn, as videos of their own."""

from dataclasses import replace
from typing import Any

import numpy as np

from vidkit.data.index import Index
from vidkit.predictions.table import Predictions


def drawn_videos(index: Index, predictions: Predictions, counts: np.ndarray) -> tuple[Index, Predictions]:
    """Index and predictions of the drawn videos, frame after frame."""
    videos = np.repeat(np.arange(index.n_videos), counts.astype(int))
    frames = np.concatenate([np.zeros(0, int), *(np.array(index.frames_of(v), int) for v in videos)])
    truth = np.concatenate([np.zeros(0, int), *(np.arange(index.n_instances)[index.instances_of(f)] for f in frames)])
    start = predictions.detection_start
    rows = np.concatenate([np.zeros(0, int), *(np.arange(start[f], start[f + 1]) for f in frames)])
    columns: dict[str, Any] = {
        name: getattr(index, name)[truth]
        for name in ("box", "class_id", "track_id", "occluded", "generated", "motion_iou")
        if getattr(index, name) is not None
    }
    drawn = replace(
        index,
        video_name=tuple(f"{i:04}" for i in range(len(videos))),
        video_size=index.video_size[videos],
        frame_start=np.append(0, np.cumsum(np.diff(index.frame_start)[videos])),
        frame_number=np.arange(len(frames), dtype=np.int32),
        instance_start=np.append(0, np.cumsum(np.diff(index.instance_start)[frames])),
        frame_attributes={},
        **columns,
    )
    detected: dict[str, Any] = {name: getattr(predictions, name)[rows] for name in ("box", "score", "class_id")}
    return drawn, Predictions(detection_start=np.append(0, np.cumsum(np.diff(start)[frames])), **detected)
