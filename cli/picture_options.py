"""What `view` and `render` share: frames drawn one after the other, with ground truth or with a panel a run."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from vidkit.progress import Advance

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from vidkit.data.index import Index
    from vidkit.evaluation.verdicts import Verdicts

FILMS, PICTURES = (".mp4", ".webp"), (".png",)

by_option = click.option(
    "--by",
    default="track",
    show_default=True,
    type=click.Choice(["track", "class"]),
    help="Without runs: what colours tell.",
)
fps_option = click.option(
    "--fps", default=25.0, show_default=True, type=click.FloatRange(0.1, 1000), help="Frames a second of a film."
)
scale_option = click.option(
    "--scale", type=click.FloatRange(0.1, 16), help="Factor on the size; default: what makes it legible."
)
columns_option = click.option(
    "--columns", type=click.IntRange(1, 20), help="Panels side by side; 1 stacks them. Default: up to three in a row."
)
frames_root_option = click.option(
    "--frames-root", type=click.Path(file_okay=False, path_type=Path), help="Where the frames were moved to."
)


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
    from vidkit.pictures.drawing import draw, truth_marks, truth_trails
    from vidkit.pictures.panels import Panel, picture

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
    """Return the images of these rows, which are all of one video."""
    from vidkit.data.frames import frame, frames_of

    video = int(index.frame_video[rows[0]])
    if list(rows) == list(index.frames_of(video)):
        return frames_of(index, video, root)  # much faster where the frames are in a video file
    return (frame(index, row, root) for row in rows)


def with_legends(
    pictures: Iterable[NDArray[np.uint8]], verdicts: Mapping[str, Verdicts]
) -> Iterator[NDArray[np.uint8]]:
    """Yield each picture with the legend below it; without runs as it is."""
    from vidkit.pictures.panels import with_legend

    one = next(iter(verdicts.values()), None)
    return (drawn if one is None else with_legend(drawn, one) for drawn in pictures)


def counts_of(verdicts: Mapping[str, Verdicts], rows: Sequence[int]) -> list[dict[str, Any]]:
    """Return for each run how many true and false positives and misses these frames have."""
    return [
        {"run": name, **{kind: int(column[list(rows)].sum()) for kind, column in run.counts_of_frames().items()}}
        for name, run in verdicts.items()
    ]


def file_stem(video: str) -> str:
    """Return a file name for a video: an index may come from anyone."""
    return re.sub(r"[^\w.-]", "_", video)[-100:]


def write_png(path: Path, picture: NDArray[np.uint8]) -> None:
    """Write a picture, whole or not at all."""
    from PIL import Image

    from vidkit.files import writing

    with writing(path) as part:
        Image.fromarray(picture).save(part, "PNG")
