"""Frames of videos drawn one after the other, as a film or on one sheet: with ground truth, or with a panel a run."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vidkit.data.frames import frame, frames_of
from vidkit.data.index import Index
from vidkit.evaluation.verdicts import Verdicts
from vidkit.files import writing
from vidkit.pictures.drawing import contact_sheet, draw, truth_marks, truth_trails
from vidkit.pictures.films import write_movie
from vidkit.pictures.panels import Panel, Pixels, picture, with_legend

SHEET_SIDE = 300  # pixels of a frame's shorter side on a sheet
SHEET_GAP = 16  # between pictures of several panels


def draw_frames(
    index: Index,
    rows: Sequence[int],
    runs: Mapping[str, Verdicts],
    *,
    frames_root: Path | None = None,
    by: Literal["track", "class"] = "track",
    zoom: float | None = None,
    side: int | None = None,
    columns: int | None = None,
    advance: Callable[[int], None] | None = None,
) -> Iterator[Pixels]:
    """Yield the frames of these rows, all of one video: a panel for each run, or with the ground truth without runs.

    `side` is what a frame's shorter side is to have, where no `zoom` is given; `frames_root` is where the frames were
    moved to. `advance(1)` is called after each.
    """
    panels = [Panel(name, run) for name, run in runs.items()]
    for row, image in zip(rows, _images(index, rows, frames_root), strict=True):
        factor = zoom or (side / min(image.shape[:2]) if side else None)
        if panels:
            yield picture(image, row, panels, factor, columns)
        else:
            caption = f"{index.video_name[index.frame_video[row]]}  {index.frame_number[row]}"
            trails = truth_trails(index, row) if by == "track" else []
            yield draw(image, truth_marks(index, row, by), trails, caption, factor)
        if advance is not None:
            advance(1)


def _images(index: Index, rows: Sequence[int], root: Path | None) -> Iterator[NDArray[np.uint8]]:
    """The images of these rows, which are all of one video."""
    video = int(index.frame_video[rows[0]])
    if list(rows) == list(index.frames_of(video)):
        return frames_of(index, video, root)  # much faster where the frames are in a video file
    return (frame(index, row, root) for row in rows)


def write_film(
    path: Path,
    index: Index,
    parts: Sequence[Sequence[int]],
    runs: Mapping[str, Verdicts],
    fps: float,
    advance: Callable[[int], None] | None = None,
    **look: Any,
) -> None:
    """Write a film of the frames of these rows, each part of one video; `look` is that of `draw_frames`."""
    drawn: Iterator[Pixels] = chain.from_iterable(
        draw_frames(index, rows, runs, advance=advance, **look) for rows in parts
    )
    if len(parts) > 1:
        drawn = _on_one_canvas(drawn, [next(draw_frames(index, rows[:1], runs, **look)).shape for rows in parts])
    write_movie(path, (_with_legend(each, runs) for each in drawn), fps)


def write_sheet(
    path: Path,
    index: Index,
    rows: Sequence[int],
    runs: Mapping[str, Verdicts],
    advance: Callable[[int], None] | None = None,
    **look: Any,
) -> None:
    """Write a PNG of the frames of these rows, all of one video; `look` is that of `draw_frames`."""
    side = SHEET_SIDE if len(rows) > 1 else None
    drawn = list(draw_frames(index, rows, runs, side=side, advance=advance, **look))
    sheet = contact_sheet(drawn, gap=SHEET_GAP) if runs else contact_sheet(drawn)
    with writing(path) as part:
        Image.fromarray(_with_legend(sheet, runs)).save(part, "PNG")


def _with_legend(drawn: Pixels, runs: Mapping[str, Verdicts]) -> Pixels:
    """The picture with the legend below it; without runs as it is."""
    return with_legend(drawn, next(iter(runs.values()))) if runs else drawn


def _on_one_canvas(pictures: Iterable[Pixels], shapes: Sequence[tuple[int, ...]]) -> Iterator[Pixels]:
    """Yield the pictures, made as large as the largest of the shapes by white to the right and below."""
    height, width = (max(shape[axis] for shape in shapes) for axis in (0, 1))
    for each in pictures:
        margins = ((0, max(0, height - each.shape[0])), (0, max(0, width - each.shape[1])), (0, 0))
        yield np.pad(each, margins, constant_values=255)
