"""The golden cases: inputs of `<case>.npz` as Index and Predictions, and the peers' numbers."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from vidkit.boxes import from_inclusive, lossless_float
from vidkit.classes import VID_CLASSES
from vidkit.data.index import Index
from vidkit.predictions.table import Predictions


def load(path: Path) -> tuple[Index, Predictions]:
    with np.load(path) as case:
        data = {name: case[name] for name in case.files}
    frames = data["video_nframes"].astype(np.int64)
    start = np.concatenate([[0], np.cumsum(frames)])
    f = int(start[-1])
    gt = start[data["gt_video"].astype(int)] + data["gt_frame"].astype(int)
    det = start[data["det_video"].astype(int)] + data["det_frame"].astype(int)
    by_frame, det_by_frame = np.argsort(gt, kind="stable"), np.argsort(det, kind="stable")
    index = Index(
        dataset="golden",
        split=path.stem,
        classes=VID_CLASSES,
        video_name=tuple(map(str, data["video_name"])),
        video_size=data["video_size"].astype(np.int32).reshape(-1, 2),
        frame_start=start,
        frame_number=np.concatenate([np.arange(n, dtype=np.int32) for n in frames]),
        instance_start=np.searchsorted(gt[by_frame], np.arange(f + 1)).astype(np.int64),
        box=lossless_float(from_inclusive(data["gt_box"].reshape(-1, 4))[by_frame]),
        class_id=(data["gt_class"][by_frame] - 1).astype(np.int16),
        track_id=data["gt_track"][by_frame].astype(np.int32),
        occluded=data["gt_occluded"][by_frame].astype(bool),
        generated=data["gt_generated"][by_frame].astype(bool),
        motion_iou=data["gt_motion_iou"][by_frame],
    )
    predictions = Predictions(
        detection_start=np.searchsorted(det[det_by_frame], np.arange(f + 1)).astype(np.int64),
        box=lossless_float(from_inclusive(data["det_box"].reshape(-1, 4))[det_by_frame]),
        score=lossless_float(data["det_score"][det_by_frame]),
        class_id=(data["det_class"][det_by_frame] - 1).astype(np.int16),
        index_fingerprint=index.fingerprint,
    )
    return index, predictions


def numbers(values: list[float | None]) -> np.ndarray[Any, Any]:
    """The peers' values with NaN for null and for -1, which is how FGFA's and COCO's code say "none"."""
    array = np.array([np.nan if v is None else v for v in values], float)
    return np.where(array == -1, np.nan, array)


def expected(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.with_suffix("").with_suffix(".golden.json").read_text())
    return content
