"""`vidkit view`: frames with boxes, tracks and labels, or as several runs see them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .console import echo, json_option, print_json, progress
from .options import FILE
from .picture_options import (
    FILMS,
    PICTURES,
    counts_of,
    file_stem,
    fps_option,
    frames_option,
    look_options,
    verdict_options,
)
from .prediction_options import workspace_options

if TYPE_CHECKING:
    from vidkit.pictures.choice import Span
    from vidkit.runs.loading import Workspace

SHEET_FRAMES = 12


@click.command("view")
@click.argument("index_file", metavar="[INDEX.h5]", required=False, type=FILE)
@click.option("--run", "runs", metavar="RUN", multiple=True, help="A run, drawn in a panel; may be given again.")
@click.option("--video", metavar="NAME", help="Its name in the index; default: the first video that has boxes.")
@click.option("--frame", "numbers", metavar="N", type=int, multiple=True, help="A frame's number; may be given again.")
@frames_option
@click.option("-o", "--output", "out", type=FILE, help="A .png, .mp4 or .webp file.")
@fps_option
@look_options
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
    fps: float,
    least_score: float,
    protocol: str,
    workspace: Workspace,
    as_json: bool,
    **look: Any,
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
    from vidkit.pictures.sequences import write_film, write_sheet

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
    with progress("view", len(rows), "frames") as advance:
        if is_film:
            write_film(out, index, [rows], verdicts, fps, advance, **look)
        else:
            write_sheet(out, index, rows, verdicts, advance, **look)
    if not as_json:
        echo(out)
        return
    told = {"index": loaded.index_file, "video": index.video_name[row], "frames": len(rows), "file": out}
    counts = {"runs": counts_of(verdicts, rows), "score": least_score, "protocol": protocol} if verdicts else {}
    print_json({"format": "vidkit-view", "version": 1, **told, **counts})
