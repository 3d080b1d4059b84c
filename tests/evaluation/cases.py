"""Small random cases made to be nasty: ties, empty frames, twins, inverted boxes, motion on bin edges."""

from typing import Any

import numpy as np

from tests.evaluation.tables_of_frames import index_and_predictions
from tests.makers import make_classes
from vidkit.boxes import from_inclusive, lossless_float
from vidkit.data.index import Index
from vidkit.predictions.table import Predictions

MOTIONS = np.array([0.0, 0.2, 0.7, 0.8, 0.9, 0.95, 1.0])


def boxes(rng: np.random.Generator, n: int, regular: bool) -> np.ndarray[Any, Any]:
    """Inclusive boxes on a coarse grid, so that IoUs tie; unless `regular`, some are empty, inverted or outside."""
    corner = rng.integers(-4 if not regular else 0, 40, (n, 2)).astype(float)
    side = rng.choice([1, 2, 5, 10, 20, 30, 60], (n, 2)).astype(float)
    if not regular:
        side = np.where(rng.random((n, 2)) < 0.05, rng.choice([0, -1, -3], (n, 2)), side)
    if rng.random() < 0.5:
        corner += rng.choice([0, 0.25, 0.1], (n, 2))
    return np.concatenate([corner, corner + side - 1], axis=1)


def case(seed: int, regular: bool = False) -> tuple[Index, Predictions]:
    rng = np.random.default_rng(seed)
    n_classes, f = int(rng.integers(1, 5)), int(rng.integers(1, 9))
    most = 1 if rng.random() < 0.15 else int(rng.integers(1, 5))
    n_gt = rng.integers(0, most + 1, f) * (rng.random(f) < 0.8)
    n_det = rng.integers(0, 12, f) * (rng.random(f) < 0.9)
    n, d = int(n_gt.sum()), int(n_det.sum())
    gt_class = rng.integers(0, max(1, n_classes - int(rng.random() < 0.3)), n)
    gt_box = boxes(rng, n, regular)
    if rng.random() < 0.3:
        gt_box[1:] = np.where(rng.random((max(n - 1, 0), 1)) < 0.3, gt_box[:-1], gt_box[1:])  # twins
    det_box, det_class = boxes(rng, d, regular), rng.integers(0, n_classes, d)
    gt_frame, det_frame = np.repeat(np.arange(f), n_gt), np.repeat(np.arange(f), n_det)
    for i in range(d):  # most detections lie on or near an object of their frame
        here = np.flatnonzero(gt_frame == det_frame[i])
        if len(here) and rng.random() < 0.75:
            g = rng.choice(here)
            det_box[i] = gt_box[g] + rng.choice([0, 0, 1, 2, -1, 4], 4)
            det_class[i] = gt_class[g] if rng.random() < 0.8 else det_class[i]
    cuts = np.sort(rng.integers(0, f + 1, int(rng.integers(0, 3))))
    frame_start = np.concatenate([[0], cuts, [f]]).astype(np.int64)
    index = Index(
        dataset="random",
        split=str(seed),
        classes=make_classes(n_classes),
        video_name=tuple(f"v{v}" for v in range(len(frame_start) - 1)),
        video_size=np.tile(np.array([50, 45], np.int32), (len(frame_start) - 1, 1)),
        frame_start=frame_start,
        frame_number=np.arange(f, dtype=np.int32),
        instance_start=np.concatenate([[0], np.cumsum(n_gt)]).astype(np.int64),
        box=lossless_float(from_inclusive(gt_box)),
        class_id=gt_class.astype(np.int16),
        track_id=rng.integers(0, 3, n).astype(np.int32),
        occluded=rng.random(n) < 0.4,
        generated=rng.random(n) < 0.4,
        motion_iou=rng.choice(MOTIONS, n),
    )
    score = rng.random(d)
    near = 0.5 + rng.integers(0, 4, d) * 1e-9  # they differ in float64 and tie in float32
    score = [np.round(score, 1), score.astype(np.float32), np.round(score, 4), np.full(d, 0.5), near][rng.integers(5)]
    predictions = Predictions(
        detection_start=np.concatenate([[0], np.cumsum(n_det)]).astype(np.int64),
        box=lossless_float(from_inclusive(det_box)),
        score=lossless_float(score),
        class_id=det_class.astype(np.int16),
        index_fingerprint=index.fingerprint,
    )
    return index, predictions


def crowd(seed: int) -> tuple[Index, Predictions]:
    """One class, many objects of about 32 x 32 pixels (COCO's edge of "small") that overlap each other and tie."""
    rng = np.random.default_rng(seed)
    frames: list[dict[str, Any]] = []
    for _ in range(int(rng.integers(1, 4))):
        corner = rng.integers(0, 5, (int(rng.integers(1, 6)), 2)) * 4
        side = rng.choice([28, 32, 33, 36], corner.shape)
        gt = np.concatenate([corner, corner + side], axis=1).astype(float)
        det = gt[rng.integers(0, len(gt), int(rng.integers(1, 9)))] + rng.choice([0, 0, 2, -2, 4], (1, 4))
        frames.append(
            {
                "gt": [(tuple(box), 0, 1.0) for box in gt.tolist()],
                "det": [(tuple(box), 0, float(rng.choice([0.2, 0.5, 0.9]))) for box in det.tolist()],
                "size": (100, 100),
            }
        )
    return index_and_predictions(frames, 1)
