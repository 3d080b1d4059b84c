"""Small indices and predictions, made by code and seed."""

import numpy as np

from vidkit.classes import ObjectClass
from vidkit.data.index import Index
from vidkit.predictions.table import Predictions


def make_classes(n: int) -> tuple[ObjectClass, ...]:
    return tuple(ObjectClass(f"class{c}", f"n{c:08d}") for c in range(n))


def make_index(seed: int = 0, videos: int = 3, frames: int = 12, tracks: int = 3, classes: int = 3) -> Index:
    """An index of moving boxes with whole-pixel corners; some frames are empty, tracks enter and leave."""
    rng = np.random.default_rng(seed)
    rows = []  # video, frame, class, track, box
    for video in range(videos):
        for track in range(tracks):
            class_id = int(rng.integers(classes))
            position, velocity = rng.uniform(0, 200, 2), rng.uniform(-8, 8, 2)
            side = rng.uniform(8, 60, 2)
            first, last = sorted(rng.integers(0, frames + 1, 2))
            for frame in range(first, last):
                corner = position + velocity * frame
                box = np.round(np.concatenate([corner, corner + side]))
                rows.append((video, frame, class_id, track, *box))
    rows.sort(key=lambda row: (row[0], row[1]))
    table = np.array(rows, np.float64).reshape(-1, 8)
    at = (table[:, 0] * frames + table[:, 1]).astype(np.int64)
    n = len(table)
    return Index(
        dataset="made",
        split="val",
        classes=make_classes(classes),
        video_name=tuple(f"video_{v:04d}" for v in range(videos)),
        video_size=np.tile(np.array([320, 240], np.int32), (videos, 1)),
        frame_start=np.arange(videos + 1, dtype=np.int64) * frames,
        frame_number=np.tile(np.arange(frames, dtype=np.int32), videos),
        instance_start=np.searchsorted(at, np.arange(videos * frames + 1)).astype(np.int64),
        box=table[:, 4:].astype(np.float32),
        class_id=table[:, 2].astype(np.int16),
        track_id=table[:, 3].astype(np.int32),
        occluded=rng.random(n) < 0.2,
        generated=rng.random(n) < 0.2,
    )


def make_predictions(index: Index, seed: int = 0, jitter: float = 3.0, extra: int = 2) -> Predictions:
    """Jittered ground truth with misses, duplicates, wrong classes and false positives; scores with ties."""
    rng = np.random.default_rng(seed)
    boxes, scores, classes, counts = [], [], [], []
    for frame in range(index.n_frames):
        rows = index.instances_of(frame)
        kept = np.flatnonzero(rng.random(rows.stop - rows.start) < 0.8) + rows.start
        kept = np.concatenate([kept, kept[rng.random(len(kept)) < 0.2]])
        near = index.box[kept] + rng.normal(0, jitter, (len(kept), 4)).astype(np.float32)
        corner = rng.uniform(0, 200, (extra, 2))
        far = np.concatenate([corner, corner + rng.uniform(5, 80, (extra, 2))], axis=1).astype(np.float32)
        boxes.append(np.concatenate([near, far]))
        right = index.class_id[kept]
        wrong = rng.integers(index.n_classes, size=len(kept))
        classes.append(
            np.concatenate(
                [np.where(rng.random(len(kept)) < 0.1, wrong, right), rng.integers(index.n_classes, size=extra)]
            )
        )
        counts.append(len(kept) + extra)
        scores.append(np.round(rng.random(counts[-1]), 1))
    return Predictions(
        detection_start=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        box=np.concatenate(boxes).astype(np.float32).reshape(-1, 4),
        score=np.concatenate(scores).astype(np.float32),
        class_id=np.concatenate(classes).astype(np.int16),
        index_fingerprint=index.fingerprint,
    )
