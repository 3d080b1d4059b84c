"""Plain loops that the fast paths of vidkit.predictions must equal."""

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


def agreement(class_id: Any, row: Any, index: Index) -> float:
    """Share of detections whose class is annotated in their frame."""
    right = 0
    for c, f in zip(class_id.tolist(), row.tolist(), strict=True):
        right += f >= 0 and c >= 0 and c in index.class_id[index.instances_of(f)].tolist()
    return right / len(class_id) if len(class_id) else 0.0
