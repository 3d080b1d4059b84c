"""The evaluators as plain loops, written from the rules alone, frame by frame and pair by pair.

They take a list of frames: {"gt": [(box, class, motion)], "det": [(box, class, score)], "size": (width, height)} with
inclusive corners, and return AP by class, NaN where the rules give none.
"""

import contextlib
import io
import math
from typing import Any

import numpy as np

from vidkit.boxes import to_inclusive
from vidkit.data.index import Index
from vidkit.predictions.table import Predictions

EPS = 2.0**-52
Frame = dict[str, Any]
EVERY_AREA = (0.0, 1e10)


def frames_of(index: Index, predictions: Predictions, motion: Any = None) -> list[Frame]:
    gt_box = to_inclusive(index.box.astype(np.float64))
    det_box = to_inclusive(predictions.box.astype(np.float64))
    motion = np.ones(index.n_instances) if motion is None else motion
    frames = []
    for f in range(index.n_frames):
        gts = range(index.instance_start[f], index.instance_start[f + 1])
        dets = range(predictions.detection_start[f], predictions.detection_start[f + 1])
        frames.append(
            {
                "gt": [(tuple(map(float, gt_box[i])), int(index.class_id[i]), float(motion[i])) for i in gts],
                "det": [
                    (tuple(map(float, det_box[i])), int(predictions.class_id[i]), float(predictions.score[i]))
                    for i in dets
                ],
                "size": tuple(map(int, index.video_size[index.frame_video[f]])),
            }
        )
    return frames


# -- pieces ----------------------------------------------------------------------------------------------------------


def area_1(box: Any) -> float:
    return (box[2] - box[0] + 1) * (box[3] - box[1] + 1)


def iou_1(a: Any, b: Any) -> float:
    width = min(a[2], b[2]) - max(a[0], b[0]) + 1
    height = min(a[3], b[3]) - max(a[1], b[1]) + 1
    if width <= 0 or height <= 0:
        return 0.0
    return width * height / (area_1(a) + area_1(b) - width * height)


def iou_mega(a: Any, b: Any) -> np.float32:
    """IoU in float32 with 1 added to x2, y2 and 1 again to each width."""
    one = np.float32(1)
    a, b = [np.float32(v) for v in a], [np.float32(v) for v in b]
    a, b = [a[0], a[1], a[2] + one, a[3] + one], [b[0], b[1], b[2] + one, b[3] + one]
    width = max(np.float32(0), min(a[2], b[2]) - max(a[0], b[0]) + one)
    height = max(np.float32(0), min(a[3], b[3]) - max(a[1], b[1]) + one)
    inside = width * height
    if inside == 0:
        return np.float32(0)
    areas = [(box[2] - box[0] + one) * (box[3] - box[1] + one) for box in (a, b)]
    return inside / (areas[0] + areas[1] - inside)


def loosened(box: Any) -> float:
    width, height = box[2] - box[0] + 1, box[3] - box[1] + 1
    below = (width + 10) * (height + 10)
    return min(width * height / below, 0.5) if below else math.nan


def all_point_ap(entries: list[tuple[float, float]], n_pos: float, added: bool = False) -> float:
    """AP of (true positive, weight of a false positive) in ranked order."""
    recall, precision, tp, fp = [0.0], [0.0], 0.0, 0.0
    for true, false in entries:
        tp, fp = tp + true, fp + false
        recall.append(tp / n_pos)
        precision.append(tp / (tp + fp + EPS) if added else tp / max(tp + fp, EPS))
    recall.append(1.0)
    precision.append(0.0)
    for i in range(len(precision) - 2, -1, -1):
        precision[i] = max(precision[i], precision[i + 1])
    return sum((recall[i + 1] - recall[i]) * precision[i + 1] for i in range(len(recall) - 1))


def by_score(rows: list[int], score: Any) -> list[int]:
    return sorted(rows, key=lambda row: -score(row))  # sorted is stable


# -- (a) FGFA and DFF, imagenet_vid_eval; also VOC -------------------------------------------------------------------


def ilsvrc(frames: list[Frame], n_classes: int, voc: bool = False) -> tuple[list[float], float]:
    entries: list[tuple[float, int, float]] = []  # score, class, true
    n_gt = [0] * n_classes
    for frame in frames:
        taken: set[int] = set()
        for _, c, _ in frame["gt"]:
            n_gt[c] += 1
        for d in by_score(list(range(len(frame["det"]))), lambda row, frame=frame: frame["det"][row][2]):
            box, c, score = frame["det"][d]
            best, found = -1.0, -1
            for g, (gt, gt_class, _) in enumerate(frame["gt"]):
                if gt_class != c or (g in taken and not voc):
                    continue
                overlap = iou_1(box, gt)
                if overlap >= (0.5 if voc else loosened(gt)) and overlap > best:
                    best, found = overlap, g
            true = found >= 0 and found not in taken
            taken.add(found)
            entries.append((score, c, float(true)))
    ap = []
    for c in range(n_classes):
        mine = [(true, 1 - true) for _, k, true in sorted(entries, key=lambda entry: -entry[0]) if k == c]
        if n_gt[c]:
            ap.append(all_point_ap(mine, n_gt[c]))
        else:
            ap.append(math.nan if mine or voc else 0.0)
    if voc:
        return ap, mean([a for a in ap if not math.isnan(a)])
    return ap, mean(ap)


# -- (b) FGFA, imagenet_vid_eval_motion ------------------------------------------------------------------------------


def share_of(frames: list[Frame], motion: tuple[float, float]) -> float:
    values = [v for frame in frames for v in ([m for _, _, m in frame["gt"]] or [0.0])]
    return sum(motion[0] <= v <= motion[1] for v in values) / max(len(values), 1)


def fgfa(
    frames: list[Frame],
    n_classes: int,
    motion: tuple[float, float] = (0.0, 1.0),
    area: tuple[float, float] = EVERY_AREA,
    rule: str = "fgfa",
    everything: bool = False,
) -> list[float]:
    """`everything`: the range is that of all motion, where every rule counts all false positives."""
    empty_weight = share_of(frames, motion)
    entries: list[tuple[float, int, float, float]] = []
    n_pos = [0] * n_classes
    for frame in frames:
        moved = [m < motion[0] or m > motion[1] for _, _, m in frame["gt"]]
        sized = [not area[0] <= area_1(gt) <= area[1] for gt, _, _ in frame["gt"]]
        for g, (_, c, _) in enumerate(frame["gt"]):
            n_pos[c] += not (moved[g] or sized[g])
        taken: set[int] = set()
        for d in by_score(list(range(len(frame["det"]))), lambda row, frame=frame: frame["det"][row][2]):
            box, c, score = frame["det"][d]
            best, found = -1.0, -1
            for g, (gt, gt_class, _) in enumerate(frame["gt"]):
                overlap = iou_1(box, gt)
                if gt_class == c and g not in taken and overlap >= loosened(gt) and overlap > best:
                    best, found = overlap, g
            if found >= 0:
                taken.add(found)
                entries.append((score, c, float(not (moved[found] or sized[found])), 0.0))
                continue
            ignored = max([iou_1(box, gt) for g, (gt, _, _) in enumerate(frame["gt"]) if moved[g]], default=-1.0)
            kept = max([iou_1(box, gt) for g, (gt, _, _) in enumerate(frame["gt"]) if not moved[g]], default=-1.0)
            if not area[0] <= area_1(box) <= area[1]:
                weight = 0.0
            elif rule == "all" or everything:
                weight = 1.0
            elif rule == "none":
                weight = 0.0
            elif kept != ignored:
                weight = float(kept > ignored)
            elif not frame["gt"]:
                weight = empty_weight
            else:
                weight = sum(moved) / len(moved)
            entries.append((score, c, 0.0, weight))
    entries.sort(key=lambda entry: -entry[0])
    return [
        all_point_ap([(true, fp) for _, k, true, fp in entries if k == c], n_pos[c]) if n_pos[c] else math.nan
        for c in range(n_classes)
    ]


# -- (c) MEGA, vid_eval ----------------------------------------------------------------------------------------------


def mega(frames: list[Frame], n_classes: int, motion: tuple[float, float] = (0.0, 1.0)) -> list[float]:
    empty_weight = share_of(frames, motion)
    if empty_weight == 1:
        empty_weight = 0.0
    at_most_one = all(len(frame["gt"]) <= 1 for frame in frames)
    score: list[list[np.float32]] = [[] for _ in range(n_classes)]
    outcome: list[list[tuple[bool, float]]] = [[] for _ in range(n_classes)]  # matched, ignore value
    n_pos = [0] * n_classes
    for frame in frames:
        width, height = frame["size"]
        for c in range(n_classes):
            gt = [
                (max(b[0], 0), max(b[1], 0), min(b[2], width - 1), min(b[3], height - 1))
                for b, k, _ in frame["gt"]
                if k == c
            ]
            ignore = [
                float(m < motion[0] or m > motion[1]) if not (at_most_one and m == 0) else 0.0
                for _, k, m in frame["gt"]
                if k == c
            ]
            det = [(b, np.float32(s)) for b, k, s in frame["det"] if k == c]
            det = sorted(det, key=lambda one: one[1])[::-1]
            n_pos[c] += len(gt) - int(sum(ignore))
            taken: set[int] = set()
            for box, s in det:
                score[c].append(s)
                if not gt:
                    outcome[c].append((False, empty_weight))
                    continue
                overlap = [iou_mega(box, g) for g in gt]
                best, found = np.float32(0.5), -1
                for g in range(len(gt)):
                    if g in taken or overlap[g] < best:
                        continue
                    if overlap[g] == best and found >= 0 and not ignore[found]:
                        continue
                    best, found = overlap[g], g
                if found >= 0:
                    taken.add(found)
                    outcome[c].append((True, ignore[found]))
                    continue
                ignored = max([o for o, i in zip(overlap, ignore, strict=True) if i == 1], default=-1)
                kept = max([o for o, i in zip(overlap, ignore, strict=True) if i == 0], default=-1)
                tie = sum(ignore) / len(ignore)
                outcome[c].append((False, 0.0 if kept > ignored else 1.0 if ignored > kept else tie))
    ap = []
    for c in range(n_classes):
        order = sorted(range(len(score[c])), key=lambda i, c=c: score[c][i])[::-1]
        entries = []
        for i in order:
            matched, value = outcome[c][i]
            counts = value != 1
            entries.append((float(matched and counts), (value or 1.0) * float(not matched and counts)))
        ap.append(all_point_ap(entries, n_pos[c], added=True) if n_pos[c] else math.nan)
    return ap


# -- COCO: the real thing --------------------------------------------------------------------------------------------


def pycocotools(frames: list[Frame], n_classes: int, max_detections: Any) -> tuple[list[float], list[float]]:
    """AP by class and the twelve numbers; boxes are x1, y1, x2 - x1, y2 - y1 of the inclusive corners."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    def annotation(image: int, box: Any, c: int) -> dict[str, Any]:
        width, height = box[2] - box[0], box[3] - box[1]
        return {
            "image_id": image,
            "category_id": c + 1,
            "bbox": [box[0], box[1], width, height],
            "area": width * height,
            "iscrowd": 0,
        }

    gts = [annotation(f, box, c) for f, frame in enumerate(frames) for box, c, _ in frame["gt"]]
    dets = [annotation(f, box, c) | {"score": s} for f, frame in enumerate(frames) for box, c, s in frame["det"]]
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO()
        truth.dataset = {
            "images": [{"id": f} for f in range(len(frames))],
            "categories": [{"id": c + 1} for c in range(n_classes)],
            "annotations": [one | {"id": i + 1} for i, one in enumerate(gts)],
        }
        truth.createIndex()
        found = truth.loadRes(dets)
        run = COCOeval(truth, found, "bbox")
        run.params.maxDets = list(max_detections)
        run.evaluate()
        run.accumulate()
        run.summarize()
    precision = run.eval["precision"][:, :, :, 0, -1]
    ap = [float(np.mean(p[p > -1])) if (p := precision[:, :, c]).max() > -1 else math.nan for c in range(n_classes)]
    return ap, [math.nan if s == -1 else float(s) for s in run.stats]


def mean(values: list[float]) -> float:
    return sum(values) / len(values) if values else math.nan


# -- motion IoU ------------------------------------------------------------------------------------------------------


def motion_iou(index: Index, window: int = 10, include_self: bool = False) -> list[float]:
    box = to_inclusive(index.box.astype(np.float64))
    frame = index.instance_frame
    values = []
    for i in range(index.n_instances):
        overlaps = []
        for k in range(index.n_instances):
            same = index.frame_video[frame[i]] == index.frame_video[frame[k]] and index.track_id[i] == index.track_id[k]
            step = int(index.frame_number[frame[k]]) - int(index.frame_number[frame[i]])
            if same and abs(step) <= window and (step != 0 or (include_self and i == k)):
                overlaps.append(iou_1(box[i], box[k]))
        if not overlaps:
            values.append(1.0)
        else:
            values.append((sum(overlaps) or 1e-10) / len(overlaps))
    return values
