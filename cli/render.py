"""`vidkit render`: films of videos as several runs see them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .console import echo, json_option, print_json, print_table, progress
from .options import FILE
from .picture_options import (
    FILMS,
    counts_of,
    file_stem,
    fps_option,
    frames_option,
    look_options,
    verdict_options,
)
from .prediction_options import all_runs_argument, workspace_options

if TYPE_CHECKING:
    from vidkit.pictures.choice import Span
    from vidkit.runs.loading import Workspace


@click.command("render")
@all_runs_argument
@click.option(
    "--video",
    "videos",
    metavar="NAME",
    multiple=True,
    help="Its name in the index; may be given again. Default: the first video that has boxes.",
)
@frames_option
@click.option("-o", "--output", "out", type=FILE, help="A .mp4 or .webp; default: VIDEO.mp4.")
@fps_option
@look_options
@verdict_options
@workspace_options
@json_option
def command(
    runs: tuple[str, ...],
    videos: tuple[str, ...],
    span: Span | None,
    out: Path | None,
    fps: float,
    least_score: float,
    protocol: str,
    workspace: Workspace,
    as_json: bool,
    **look: Any,
) -> None:
    """Make a film of videos as each RUN sees them: true positives, false positives with their type of error, misses.

    Each RUN has a panel, under a bar that is black on keyframes. What is true or false is what AP counts, see
    docs/viewing.md. Without any RUN the film shows the ground truth. Several videos follow each other in one film. A
    .mp4 needs PyAV, a .webp nothing.

    \b
    Examples:
      vidkit render per-frame impression --video synth_val_00000003
      vidkit render per-frame dff_length=10 impression_length=10 --score 0.5 --fps 10 -o three.mp4
      vidkit render impression --video synth_val_00000001 --video synth_val_00000003 -o both.mp4
      vidkit render results.pkl --index vidkit-data/vid_val.h5 --frames 20..60 --columns 1 -o part.webp
    """
    from vidkit.pictures.choice import frame_rows, video_row
    from vidkit.pictures.sequences import write_film

    if out is not None and out.suffix.lower() not in FILMS:
        raise click.UsageError(f"-o {out}: wanted a name that ends with .mp4 or .webp; pictures are `vidkit view`'s")
    loaded = workspace.look(runs, videos[0] if videos else None)
    index = loaded.index
    chosen = list(dict.fromkeys(video_row(loaded, name) for name in videos or [None]))
    parts = [frame_rows(index, video, span=span) for video in chosen]
    more = f"_and_{len(chosen) - 1}_more" if len(chosen) > 1 else ""
    out = out or Path(f"{file_stem(index.video_name[chosen[0]])}{more}.mp4")
    verdicts = loaded.verdicts(least_score, protocol)
    rows = [row for part in parts for row in part]
    with progress("render", len(rows), "frames") as advance:
        write_film(out, index, parts, verdicts, fps, advance, **look)
    counts = counts_of(verdicts, rows)
    if as_json:
        names = [index.video_name[video] for video in chosen]
        told = {"index": loaded.index_file, "videos": names, "frames": len(rows), "fps": fps}
        rules = {"score": least_score, "protocol": protocol}
        print_json({"format": "vidkit-render", "version": 1, **told, **rules, "runs": counts, "file": out})
        return
    if counts:
        lines = [[c["run"], c["true"], c["false"], c["missed"]] for c in counts]
        title = f"{len(rows)} frames, scores from {least_score:g}, protocol {protocol}"
        print_table(["run", "true positives", "false positives", "missed"], lines, title)
    echo(out)
