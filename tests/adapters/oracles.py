"""The plain loops that the adapters' fast paths must equal."""

import math

import numpy as np


def resized(frame: np.ndarray, width: int, height: int) -> np.ndarray:
    """Bilinear between pixel centres, edges repeated, as a number a pixel."""
    h, w = frame.shape[:2]
    out = np.zeros((height, width, 3))
    for y in range(height):
        for x in range(width):
            sx, sy = (x + 0.5) * w / width - 0.5, (y + 0.5) * h / height - 0.5
            x0, y0 = math.floor(sx), math.floor(sy)
            for dy, wy in ((0, 1 - (sy - y0)), (1, sy - y0)):
                for dx, wx in ((0, 1 - (sx - x0)), (1, sx - x0)):
                    pixel = frame[min(max(y0 + dy, 0), h - 1), min(max(x0 + dx, 0), w - 1)]
                    out[y, x] += wy * wx * pixel.astype(float)
    return out


def suppressed(boxes: np.ndarray, scores: np.ndarray, labels: np.ndarray, threshold: float, limit: int) -> list[int]:
    """Greedy suppression, pair by pair."""
    kept: list[int] = []
    for i in sorted(range(len(scores)), key=lambda i: (-scores[i], i)):
        if all(labels[i] != labels[j] or overlap(boxes[i], boxes[j]) <= threshold for j in kept):
            kept.append(i)
    return kept[:limit]


def overlap(a: np.ndarray, b: np.ndarray) -> float:
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    common = max(width, 0) * max(height, 0)
    union = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - common
    return common / union if union > 0 else 0.0
