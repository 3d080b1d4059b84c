"""Indices with few, known frames, for samplers."""

from collections.abc import Sequence

import numpy as np

from tests.makers import make_classes
from vidkit.data.index import Index


def index_of(
    labels: Sequence[Sequence[Sequence[int]]],
    sizes: Sequence[tuple[int, int]] | None = None,
    classes: int = 4,
    name: str = "made",
) -> Index:
    """An index of videos of frames of class ids: `[[[0], [0, 1], []]]` is a video of three frames, the last empty."""
    frames = [frame for video in labels for frame in video]
    n = sum(len(frame) for frame in frames)
    box = np.tile(np.array([1, 2, 11, 22], np.float32), (n, 1))
    return Index(
        dataset=name,
        split="train",
        classes=make_classes(classes),
        video_name=tuple(f"{name}_{v}" for v in range(len(labels))),
        video_size=np.array(sizes or [(320, 240)] * len(labels), np.int32).reshape(-1, 2),
        frame_start=np.cumsum([0, *(len(video) for video in labels)]).astype(np.int64),
        frame_number=np.concatenate([np.arange(len(video)) for video in labels] or [np.zeros(0)]).astype(np.int32),
        instance_start=np.cumsum([0, *(len(frame) for frame in frames)]).astype(np.int64),
        box=box,
        class_id=np.array([c for frame in frames for c in frame], np.int16),
        track_id=np.full(n, -1, np.int32),
        occluded=np.zeros(n, bool),
        generated=np.zeros(n, bool),
    )


def stills(class_ids: Sequence[int], name: str = "stills", size: tuple[int, int] = (100, 200)) -> Index:
    """An index of still images with one box each."""
    return index_of([[[c]] for c in class_ids], [size] * len(class_ids), name=name)


def clip(n: int, class_id: int = 0) -> list[list[int]]:
    """A video of n frames with one box each."""
    return [[class_id]] * n
