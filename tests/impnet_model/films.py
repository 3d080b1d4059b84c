"""Small annotated videos on disk, made by code: a square of a class's colour moves over noise."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from tests.makers import make_classes
from vidkit.data.index import FrameFiles, Index

COLOURS = np.array([[220, 40, 40], [40, 220, 40], [40, 40, 220]])


def make_films(
    root: Path, frames: Sequence[int] = (6, 5), sizes: Sequence[tuple[int, int]] = ((53, 37),), seed: int = 0
) -> Index:
    """Videos of so many frames; sizes, (width, height), are taken in turns. A video of one frame is a still image."""
    rng = np.random.default_rng(seed)
    boxes, classes, videos = [], [], []
    for video, n in enumerate(frames):
        width, height = sizes[video % len(sizes)]
        videos.append((width, height))
        ground = rng.integers(0, 120, (height, width, 3))
        folder = root / f"video{video}"
        folder.mkdir(parents=True)
        for t in range(n):
            picture = ground + rng.integers(0, 10, ground.shape)
            x, y, side = (4 + 3 * t) % (width - 14), (3 + 2 * t) % (height - 14), 13
            picture[y : y + side, x : x + side] = COLOURS[video % 3]
            Image.fromarray(picture.astype(np.uint8)).save(folder / f"{t:06d}.png")
            boxes.append((x, y, x + side, y + side))
            classes.append(video % 3)
    total = sum(frames)
    return Index(
        dataset="films",
        split="train",
        classes=make_classes(3),
        video_name=tuple(f"video{v}" for v in range(len(frames))),
        video_size=np.array(videos, np.int32),
        frame_start=np.concatenate([[0], np.cumsum(frames)]).astype(np.int64),
        frame_number=np.concatenate([np.arange(n) for n in frames]).astype(np.int32),
        instance_start=np.arange(total + 1, dtype=np.int64),
        box=np.array(boxes, np.float32).reshape(-1, 4),
        class_id=np.array(classes, np.int16),
        track_id=np.zeros(total, np.int32),
        occluded=np.zeros(total, bool),
        generated=np.zeros(total, bool),
        files=FrameFiles(
            str(root),
            ("folder",) * len(frames),
            tuple(f"video{v}" for v in range(len(frames))),
            ("{:06d}.png",) * len(frames),
        ),
    )
