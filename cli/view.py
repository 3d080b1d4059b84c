"""`vidkit view`: frames with boxes, tracks and labels, or as several runs see them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from .console import json_option, print_json, progress
from .options import FILE, frames_root_option
from .picture_options import FILMS, PICTURES, Span, drawing_options, frames_option, verdict_options
from .prediction_options import workspace_options

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from vidkit.evaluation.verdicts import Verdicts
    from vidkit.runs.loading import Workspace

SHEET_FRAMES = 12
SHEET_SIDE = 300  # pixels of a frame's shorter side on a sheet
SHEET_GAP = 16  # between pictures of several panels


@click.command("view")
@click.argument("index_file", metavar="[INDEX.h5]", required=False, type=FILE)
@click.option("--run", "runs", metavar="RUN", multiple=True, help="A run, drawn in a panel; may be given again.")
@click.option("--video", metavar="NAME", help="Its name in the index; default: the first video that has boxes.")
@click.option("--frame", "numbers", metavar="N", type=int, multiple=True, help="A frame's number; may be given again.")
@frames_option
@click.option("-o", "--output", "out", type=FILE, help="A .png, .mp4 or .webp file.")
@drawing_options
@frames_root_option
@verdict_options
@workspace_options
@json_option
def command(
    index_file: Path | None,
    runs: tuple[str, ...],
    video: str | None,
    numbers: tuple[int, ...],
    span: Span | None,
    out: Path | None,
    by: Literal["track", "class"],
    fps: float,
    zoom: float | None,
    columns: int | None,
    frames_root: Path | None,
    least_score: float,
    protocol: str,
    workspace: Workspace,
    as_json: bool,
) -> None:
    """Draw frames of a video with boxes, tracks and labels, and say where the picture or film is.

    A .png of one --frame is that frame; of several, or of a whole video, a sheet of them. A .mp4 (needs PyAV) or .webp
    is a film. Boxes of occluded objects are dashed; a line follows each track over its last 20 frames. Small frames are
    enlarged. With --run, each frame has a panel for each run instead, with its true and false positives and the objects
    that it misses; `vidkit render` makes films of that.

    \b
    Examples:
      vidkit view                                            # the val index, its first video, as a sheet
      vidkit view vidkit-data/vid_val.h5 --video ILSVRC2015_val_00000000 -o turtle.mp4
      vidkit view --video synth_val_00000003 --frame 12 -o frame.png
      vidkit view --frame 0 --frame 10 --frame 20 --by class
      vidkit view --run per-frame --run impression --frames 10..20 --score 0.5
    """
    from vidkit.pictures.choice import frame_rows, video_row
    from vidkit.pictures.sequence import counts_of, draw_frames, file_stem

    if numbers and span:
        raise click.UsageError("--frame and --frames both choose frames: give one of them")
    if out is not None and out.suffix.lower() not in FILMS + PICTURES:
        raise click.UsageError(f"-o {out}: wanted a name that ends with .png, .mp4 or .webp")
    loaded = replace(workspace, index=index_file or workspace.index).look(runs, video)
    index, row = loaded.index, video_row(loaded, video)
    rows = frame_rows(index, row, numbers, span)
    number = f"_{numbers[0]:06d}" if len(numbers) == 1 else ""
    out = out or Path(f"{file_stem(index.video_name[row])}{number}.png")
    is_film = out.suffix.lower() in FILMS
    if not is_film and len(rows) > SHEET_FRAMES and not numbers:
        rows = [rows[(2 * i + 1) * len(rows) // (2 * SHEET_FRAMES)] for i in range(SHEET_FRAMES)]
    verdicts = loaded.verdicts(least_score, protocol)
    side = SHEET_SIDE if not is_film and len(rows) > 1 else None
    draw = partial(draw_frames, by=by, scale=zoom, side=side, columns=columns)
    with progress("view", len(rows), "frames") as advance:
        _write(out, draw(index, rows, verdicts, frames_root, advance=advance), verdicts, fps if is_film else None)
    if as_json:
        told: dict[str, Any] = {"index": loaded.index_file, "video": index.video_name[row], "frames": len(rows)}
        counts = {"runs": counts_of(verdicts, rows), "score": least_score, "protocol": protocol} if verdicts else {}
        print_json({"format": "vidkit-view", "version": 1, **told, "file": out, **counts})
        return
    click.echo(out)


def _write(out: Path, drawn: Iterator[NDArray[np.uint8]], verdicts: dict[str, Verdicts], fps: float | None) -> None:
    """Write a film of so many frames a second, or a sheet of them all."""
    from vidkit.pictures.drawing import contact_sheet
    from vidkit.pictures.films import write_movie
    from vidkit.pictures.sequence import with_legends, write_png

    if fps is not None:
        write_movie(out, with_legends(drawn, verdicts), fps)
        return
    pictures: Sequence[NDArray[np.uint8]] = list(drawn)
    sheet = contact_sheet(pictures, gap=SHEET_GAP) if verdicts else contact_sheet(pictures)
    write_png(out, next(with_legends([sheet], verdicts)))
