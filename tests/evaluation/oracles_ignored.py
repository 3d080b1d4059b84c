"""Ignored regions as plain loops: which detections a rule ignores, and pycocotools itself on data with crowds."""

import contextlib
import io
import math
from typing import Any

import numpy as np

from tests.evaluation import oracles
from vidkit.boxes import to_inclusive, to_xywh
from vidkit.data.index import Index
from vidkit.predictions.table import Predictions


def share_inside(a: Any, b: Any, plus: int) -> float:
    """How much of `a` lies in `b`, of inclusive corners; MEGA, plus 2, counts a side as x2 - x1 + 2 in float32."""
    dtype = np.float32 if plus == 2 else np.float64
    a, b = (np.array(box, dtype) for box in (a, b))
    if plus == 2:
        a, b = (np.array([x1, y1, x2 + 1, y2 + 1], dtype) for x1, y1, x2, y2 in (a, b))
    width = min(a[2], b[2]) - max(a[0], b[0]) + 1
    height = min(a[3], b[3]) - max(a[1], b[1]) + 1
    if width <= 0 or height <= 0:
        return 0.0
    own = (a[2] - a[0] + 1) * (a[3] - a[1] + 1)
    return float(width * height / own) if own > 0 else math.inf


def ignored_detections(index: Index, predictions: Predictions, protocol: str) -> np.ndarray:
    """Which detections `(D,)` are neither true nor false under fgfa, ilsvrc, voc or mega."""
    regions = index.ignored
    assert regions is not None
    mega, voc = protocol == "mega", protocol == "voc"
    gt, region, det = (to_inclusive(b.astype(np.float64)) for b in (index.box, regions.box, predictions.box))
    found = np.zeros(predictions.n_detections, bool)
    for f in range(index.n_frames):
        width, height = index.video_size[index.frame_video[f]].tolist()
        objects = [(i, gt[i], index.class_id[i], "real") for i in range(*index.instance_start[f : f + 2])]
        for r in range(*regions.start[f : f + 2]):
            kind = "crowd" if regions.crowd[r] else "object"
            objects.append((index.n_instances + r, region[r], regions.class_id[r], kind))
        if mega:
            cut = [(max(b[0], 0), max(b[1], 0), min(b[2], width - 1), min(b[3], height - 1)) for _, b, _, _ in objects]
            objects = [(n, box, c, kind) for (n, _, c, kind), box in zip(objects, cut, strict=True)]
        rows = list(range(*predictions.detection_start[f : f + 2]))
        score = predictions.score.astype(np.float32) if mega else predictions.score
        rows = sorted(rows, key=lambda d, score=score: score[d] if mega else -score[d])
        rows = rows[::-1] if mega else rows
        taken: set[int] = set()
        for d in rows:
            best: tuple[Any, ...] = ()
            for number, box, c, kind in objects:
                if c not in (-1, predictions.class_id[d]):
                    continue
                overlap = oracles.iou_mega(det[d], box) if mega else oracles.iou_1(det[d], box)
                needed = 0.5 if mega or voc else oracles.loosened(box)
                if kind == "crowd":
                    overlap, needed = share_inside(det[d], box, 2 if mega else 1), 0.5
                if not overlap >= needed or (number in taken and not voc):
                    continue
                first = kind == "real" or (voc and kind == "object")
                if not best or (first, overlap) > best[:2]:
                    best = (first, overlap, number, kind)
            if best:
                found[d] = best[3] == "crowd" or best[3] == "object"
                if best[3] != "crowd":
                    taken.add(best[2])
    return found


def pycocotools(
    index: Index, predictions: Predictions, max_detections: Any, rng: np.random.Generator | None = None
) -> tuple[list[float], list[float]]:
    """AP by class and the twelve numbers of what was x, y, width, height; with `rng` annotations in any order."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    regions = index.ignored
    assert regions is not None
    rows: list[dict[str, Any]] = []
    for i, box in enumerate(to_xywh(index.box.astype(np.float64)).tolist()):
        area = float(index.instance_attributes["area"][i])
        rows.append({"image_id": int(index.instance_frame[i]), "category_id": int(index.class_id[i]), "bbox": box})
        rows[-1] |= {"area": area, "iscrowd": 0}
    for r, box in enumerate(to_xywh(regions.box.astype(np.float64)).tolist()):
        rows.append({"image_id": int(regions.frame[r]), "category_id": int(regions.class_id[r]), "bbox": box})
        rows[-1] |= {"area": box[2] * box[3], "iscrowd": 1}
    if rng is not None:
        rng.shuffle(rows)
    found = [
        {"image_id": int(f), "category_id": int(c), "bbox": box, "score": float(s)}
        for f, c, box, s in zip(
            predictions.detection_frame,
            predictions.class_id,
            to_xywh(predictions.box.astype(np.float64)).tolist(),
            predictions.score,
            strict=True,
        )
    ]
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO()
        truth.dataset = {
            "images": [{"id": f} for f in range(index.n_frames)],
            "categories": [{"id": c} for c in range(index.n_classes)],
            "annotations": [row | {"id": i + 1} for i, row in enumerate(rows)],
        }
        truth.createIndex()
        run = COCOeval(truth, truth.loadRes(found), "bbox")
        run.params.maxDets = list(max_detections)
        run.evaluate()
        run.accumulate()
        run.summarize()
    precision = run.eval["precision"][:, :, :, 0, -1]
    ap = [
        float(np.mean(p[p > -1])) if (p := precision[:, :, c]).max() > -1 else math.nan for c in range(index.n_classes)
    ]
    return ap, [math.nan if s == -1 else float(s) for s in run.stats]
