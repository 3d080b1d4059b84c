"""Naive loops that the vectorised parts must equal. Slow on purpose, float64, one box or cell at a time."""

import math

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def warp(feature: Array, flow: Array) -> Array:
    """feature (C, H, W), flow (2, H, W): bilinear, each tap outside the map is zero."""
    height, width = feature.shape[1:]
    out = np.zeros_like(feature)
    for y in range(height):
        for x in range(width):
            sx, sy = x + flow[0, y, x], y + flow[1, y, x]
            left, top = math.floor(sx), math.floor(sy)
            for ty in (top, top + 1):
                for tx in (left, left + 1):
                    if 0 <= ty < height and 0 <= tx < width:
                        out[:, y, x] += feature[:, ty, tx] * (1 - abs(sx - tx)) * (1 - abs(sy - ty))
    return out


def iou(a: Array, b: Array) -> float:
    """Inclusive corners."""
    width = max(0.0, min(a[2], b[2]) - max(a[0], b[0]) + 1)
    height = max(0.0, min(a[3], b[3]) - max(a[1], b[1]) + 1)
    both = width * height
    return both / ((a[2] - a[0] + 1) * (a[3] - a[1] + 1) + (b[2] - b[0] + 1) * (b[3] - b[1] + 1) - both)


def nms(boxes: Array, scores: Array, threshold: float) -> list[int]:
    kept: list[int] = []
    for i in sorted(range(len(boxes)), key=lambda i: -scores[i]):
        if all(iou(boxes[i], boxes[j]) <= threshold for j in kept):
            kept.append(i)
    return kept


def round_half_away(x: float) -> float:
    return math.copysign(math.floor(abs(x) + 0.5), x)


def ps_roi_pool(features: Array, rois: Array, scale: float, bins: int) -> Array:
    """features (B, D * bins², H, W), rois (N, 5). Edges in float32, as the published operator computes them."""
    _, channels, height, width = features.shape
    depth = channels // bins**2
    out = np.zeros((len(rois), depth, bins, bins))
    f = np.float32
    for n, roi in enumerate(rois):
        x1, y1 = (f(round_half_away(v)) * f(scale) for v in roi[1:3])
        x2, y2 = ((f(round_half_away(v)) + f(1)) * f(scale) for v in roi[3:5])
        bin_h, bin_w = (max(f(end - start), f(0.1)) / f(bins) for start, end in ((y1, y2), (x1, x2)))
        for r in range(bins):
            for c in range(bins):
                top = min(max(math.floor(f(r) * bin_h + y1), 0), height)
                bottom = min(max(math.ceil(f(r + 1) * bin_h + y1), 0), height)
                left = min(max(math.floor(f(c) * bin_w + x1), 0), width)
                right = min(max(math.ceil(f(c + 1) * bin_w + x1), 0), width)
                for d in range(depth):
                    cells = features[int(roi[0]), (d * bins + r) * bins + c, top:bottom, left:right]
                    out[n, d, r, c] = cells.mean() if cells.size else 0
    return out


def base_anchors(base: int, scales: list[float], ratios: list[float]) -> list[list[float]]:
    boxes = []
    for ratio in ratios:
        w = math.floor(math.sqrt(base * base / ratio) + 0.5)
        h = math.floor(w * ratio + 0.5)
        for scale in scales:
            centre, half_w, half_h = (base - 1) / 2, (w * scale - 1) / 2, (h * scale - 1) / 2
            boxes.append([centre - half_w, centre - half_h, centre + half_w, centre + half_h])
    return boxes


def proposals(
    foreground: Array,
    deltas: Array,
    anchors: list[list[float]],
    stride: int,
    height: int,
    width: int,
    before: int,
    after: int,
    threshold: float,
) -> Array:
    """foreground (A, H, W); deltas (4A, H, W), not normalised any more."""
    found = []
    n_anchors, rows, columns = foreground.shape
    for y in range(rows):
        for x in range(columns):
            for a in range(n_anchors):
                x1, y1, x2, y2 = (v + stride * (x, y)[i % 2] for i, v in enumerate(anchors[a]))
                w, h = x2 - x1 + 1, y2 - y1 + 1
                dx, dy, dw, dh = deltas[4 * a : 4 * a + 4, y, x]
                cx, cy = x1 + (w - 1) / 2 + dx * w, y1 + (h - 1) / 2 + dy * h
                nw, nh = math.exp(dw) * w, math.exp(dh) * h
                box = [cx - (nw - 1) / 2, cy - (nh - 1) / 2, cx + (nw - 1) / 2, cy + (nh - 1) / 2]
                box = [min(max(v, 0), (width, height)[i % 2] - 1) for i, v in enumerate(box)]
                outside = y >= height // stride or x >= width // stride
                found.append((-1.0 if outside else foreground[a, y, x], box))
    found.sort(key=lambda each: -each[0])
    found = found[:before]
    boxes, scores = np.array([b for _, b in found]).reshape(-1, 4), np.array([s for s, _ in found])
    return np.asarray(boxes[nms(boxes, scores, threshold)[:after]])


def resize_bilinear(image: Array, height: int, width: int, scale: float) -> Array:
    """image (H, W, C): pixel centres at halves, step 1 / scale, clamped."""
    rows, columns = image.shape[:2]
    out = np.zeros((height, width, image.shape[2]))
    for y in range(height):
        for x in range(width):
            sy, sx = max((y + 0.5) / scale - 0.5, 0), max((x + 0.5) / scale - 0.5, 0)
            top, left = min(int(sy), rows - 1), min(int(sx), columns - 1)
            bottom, right = min(top + 1, rows - 1), min(left + 1, columns - 1)
            fy, fx = min(sy - top, 1.0), min(sx - left, 1.0)
            upper = image[top, left] * (1 - fx) + image[top, right] * fx
            lower = image[bottom, left] * (1 - fx) + image[bottom, right] * fx
            out[y, x] = upper * (1 - fy) + lower * fy
    return out


def seq_nms(
    boxes: list[Array], scores: list[Array], link: float, suppress: float, least: float
) -> list[dict[int, float]]:
    """For each frame the boxes left, by their place, with their new scores. Chains are listed one by one."""
    n_frames = len(boxes)
    alive = [dict(enumerate(map(float, each))) for each in scores]  # place → score
    used: list[set[int]] = [set() for _ in boxes]
    links = {
        (t, i, j)
        for t in range(n_frames - 1)
        for i in range(len(boxes[t]))
        for j in range(len(boxes[t + 1]))
        if iou(boxes[t][i], boxes[t + 1][j]) >= link
    }
    while links:
        start, path, total = longest(alive, used, links)
        if total < least:
            break
        for t, box in enumerate(path, start=start):
            gone = {i for i in alive[t] if iou(boxes[t][box], boxes[t][i]) >= suppress}
            links = {e for e in links if not ((e[0] == t and e[1] in gone) or (e[0] == t - 1 and e[2] in gone))}
            alive[t] = {i: s for i, s in alive[t].items() if i not in gone or i == box}
            alive[t][box] = total / len(path)
            used[t].add(box)
    return alive


def longest(
    alive: list[dict[int, float]], used: list[set[int]], links: set[tuple[int, int, int]]
) -> tuple[int, list[int], float]:
    best: dict[tuple[int, int], tuple[float, list[int]]] = {}
    for t, here in enumerate(alive):
        for j, score in here.items():
            best[t, j] = (0.0 if j in used[t] else score, [j])
            for i in alive[t - 1] if t else ():
                if (t - 1, i, j) in links and best[t - 1, i][0] + score > best[t, j][0]:
                    best[t, j] = (best[t - 1, i][0] + score, [*best[t - 1, i][1], j])
    (t, _), (total, path) = max(best.items(), key=lambda each: each[1][0])
    return t - len(path) + 1, path, total


def encode(anchor: Array, box: Array) -> list[float]:
    w, h = anchor[2] - anchor[0] + 1, anchor[3] - anchor[1] + 1
    bw, bh = box[2] - box[0] + 1, box[3] - box[1] + 1
    dx = (box[0] + (bw - 1) / 2 - anchor[0] - (w - 1) / 2) / w
    dy = (box[1] + (bh - 1) / 2 - anchor[1] - (h - 1) / 2) / h
    return [dx, dy, math.log(bw / w), math.log(bh / h)]


def anchor_targets(
    anchors: Array, boxes: Array, height: float, width: float, positive: float, negative: float
) -> tuple[list[int], list[list[float]]]:
    inside = [a[0] >= 0 and a[1] >= 0 and a[2] < width and a[3] < height for a in anchors]
    best_of_box = [max((iou(a, b) for a, i in zip(anchors, inside, strict=True) if i), default=-1.0) for b in boxes]
    labels, deltas = [], []
    for anchor, is_inside in zip(anchors, inside, strict=True):
        ious = [iou(anchor, b) for b in boxes]
        best = max(ious, default=0.0)
        label = 0 if best < negative or not len(boxes) else -1
        if best >= positive or any(v == top for v, top in zip(ious, best_of_box, strict=True)):
            label = 1
        labels.append(label if is_inside else -1)
        std = (0.1, 0.1, 0.4, 0.4)
        nearest = boxes[ious.index(best)] if ious else anchor
        offsets = [d / s for d, s in zip(encode(anchor, nearest), std, strict=True)]
        deltas.append(offsets if labels[-1] == 1 else [0.0] * 4)
    return labels, deltas


def region_targets(
    regions: Array, boxes: Array, classes: NDArray[np.int64], foreground: float
) -> tuple[list[int], list[list[float]]]:
    labels, deltas = [], []
    for region in regions:
        ious = [iou(region, b) for b in boxes]
        best = max(ious, default=0.0)
        is_object = bool(ious) and best >= foreground
        of = ious.index(best) if ious else -1
        labels.append(int(classes[of]) + 1 if is_object else 0)
        std = (0.1, 0.1, 0.2, 0.2)
        offsets = [d / s for d, s in zip(encode(region, boxes[of]), std, strict=True)] if is_object else [0.0] * 4
        deltas.append(offsets)
    return labels, deltas


def with_light(levels: NDArray[np.uint8], brightness: float, contrast: float) -> NDArray[np.uint8]:
    """One level at a time."""
    out = np.zeros_like(levels)
    for at, level in np.ndenumerate(levels):
        value = (float(level) * brightness - 128) * contrast + 128
        out[at] = min(255, max(0, round(value)))
    return out
