"""Frames drawn one after the other, with ground truth or with a panel for each run."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vidkit.data.frames import frame, frames_of
from vidkit.data.index import Index
from vidkit.evaluation.verdicts import Verdicts
from vidkit.files import writing
from vidkit.pictures.drawing import draw, truth_marks, truth_trails
from vidkit.pictures.panels import Panel, picture, with_legend
from vidkit.progress import Advance


def draw_frames(
    index: Index,
    rows: Sequence[int],
    verdicts: Mapping[str, Verdicts],
    root: Path | None,
    *,
    by: Literal["track", "class"] = "track",
    scale: float | None = None,
    side: int | None = None,
    columns: int | None = None,
    advance: Advance | None = None,
) -> Iterator[NDArray[np.uint8]]:
    """Yield the frames of these rows, all of one video: a panel for each run, or with the ground truth without runs.

    `side` is what a frame's shorter side is to have, where no `scale` is given.
    """
    panels = [Panel(name, run) for name, run in verdicts.items()]
    for row, image in zip(rows, images_of(index, rows, root), strict=True):
        factor = scale or (side / min(image.shape[:2]) if side else None)
        if panels:
            yield picture(image, row, panels, factor, columns)
        else:
            caption = f"{index.video_name[index.frame_video[row]]}  {index.frame_number[row]}"
            trails = truth_trails(index, row) if by == "track" else []
            yield draw(image, truth_marks(index, row, by), trails, caption, factor)
        if advance is not None:
            advance(1)


def images_of(index: Index, rows: Sequence[int], root: Path | None) -> Iterator[NDArray[np.uint8]]:
    """The images of these rows, which are all of one video."""
    video = int(index.frame_video[rows[0]])
    if list(rows) == list(index.frames_of(video)):
        return frames_of(index, video, root)  # much faster where the frames are in a video file
    return (frame(index, row, root) for row in rows)


def with_legends(
    pictures: Iterable[NDArray[np.uint8]], verdicts: Mapping[str, Verdicts]
) -> Iterator[NDArray[np.uint8]]:
    """Yield each picture with the legend below it; without runs as it is."""
    one = next(iter(verdicts.values()), None)
    return (drawn if one is None else with_legend(drawn, one) for drawn in pictures)


def counts_of(verdicts: Mapping[str, Verdicts], rows: Sequence[int]) -> list[dict[str, Any]]:
    """For each run how many true and false positives and misses these frames have."""
    return [
        {"run": name, **{kind: int(column[list(rows)].sum()) for kind, column in run.counts_of_frames().items()}}
        for name, run in verdicts.items()
    ]


def file_stem(video: str) -> str:
    """A file name for a video: an index may come from anyone."""
    return re.sub(r"[^\w.-]", "_", video)[-100:]


def write_png(path: Path, picture: NDArray[np.uint8]) -> None:
    """Write a picture, whole or not at all."""
    with writing(path) as part:
        Image.fromarray(picture).save(part, "PNG")
