"""Plain loops that the fast paths of vidkit.predictions must equal."""

import math
from collections.abc import Sequence
from typing import Any

from vidkit.data.index import Index


def duplicates(row: Any, box: Any, score: Any, class_id: Any) -> list[int]:
    """Detections that equal an earlier one of their frame."""
    seen = set()
    found = []
    for d in range(len(score)):
        key = (int(row[d]), *(float(x) for x in box[d]), float(score[d]), int(class_id[d]))
        if key in seen:
            found.append(d)
        seen.add(key)
    return found


def rows_of_frames(index: Index, video: Sequence[int], number: Sequence[int], ranks: bool) -> list[int]:
    """Frame rows by video row and number, found by looking at every frame."""
    rows = []
    for v, n in zip(video, number, strict=True):
        found = -1
        for rank, f in enumerate(index.frames_of(v) if 0 <= v < index.n_videos else ()):
            if (rank if ranks else int(index.frame_number[f])) == n:
                found = f
        rows.append(found)
    return rows


def best_overlap(row: Any, box: Any, class_id: Any, index: Index) -> list[float]:
    """The largest IoU of each detection with an object of its class in its frame."""
    found = []
    for f, mine, c in zip(row.tolist(), box.tolist(), class_id.tolist(), strict=True):
        best = 0.0
        objects = range(*index.instances_of(f).indices(index.n_instances)) if f >= 0 and c >= 0 else ()
        for n in objects if all(map(math.isfinite, mine)) else ():
            theirs = index.box[n].astype(float).tolist()
            if int(index.class_id[n]) == c:
                best = max(best, _iou(mine, theirs))
        found.append(best)
    return found


def _iou(a: list[float], b: list[float]) -> float:
    width = max(min(a[2], b[2]) - max(a[0], b[0]), 0)
    height = max(min(a[3], b[3]) - max(a[1], b[1]), 0)
    areas = [max(x2 - x1, 0) * max(y2 - y1, 0) for x1, y1, x2, y2 in (a, b)]
    union = sum(areas) - width * height
    return width * height / union if union > 0 else 0.0
