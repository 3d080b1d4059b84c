"""`vidkit render`: films of videos as several runs see them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from .console import json_option, print_json, print_table, progress
from .options import FILE, frames_root_option
from .picture_options import FILMS, Span, drawing_options, frames_option, verdict_options
from .prediction_options import all_runs_argument, workspace_options

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

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
@drawing_options
@frames_root_option
@verdict_options
@workspace_options
@json_option
def command(
    runs: tuple[str, ...],
    videos: tuple[str, ...],
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
    from vidkit.pictures.films import write_movie
    from vidkit.pictures.sequence import counts_of, draw_frames, file_stem, with_legends

    if out is not None and out.suffix.lower() not in FILMS:
        raise click.UsageError(f"-o {out}: wanted a name that ends with .mp4 or .webp; pictures are `vidkit view`'s")
    loaded = workspace.look(runs, videos[0] if videos else None)
    index = loaded.index
    chosen = list(dict.fromkeys(video_row(loaded, name) for name in videos or [None]))
    rows = [frame_rows(index, video, span=span) for video in chosen]
    more = f"_and_{len(chosen) - 1}_more" if len(chosen) > 1 else ""
    out = out or Path(f"{file_stem(index.video_name[chosen[0]])}{more}.mp4")
    verdicts = loaded.verdicts(least_score, protocol)
    n_frames = sum(map(len, rows))
    draw = partial(draw_frames, index, verdicts=verdicts, root=frames_root, by=by, scale=zoom, columns=columns)
    with progress("render", n_frames, "frames") as advance:
        drawn: Iterator[NDArray[np.uint8]] = chain.from_iterable(draw(part, advance=advance) for part in rows)
        if len(rows) > 1:
            drawn = _on_one_canvas(drawn, [next(draw(part[:1])).shape for part in rows])
        write_movie(out, with_legends(drawn, verdicts), fps)
    counts = counts_of(verdicts, [row for part in rows for row in part])
    if as_json:
        head = {"index": loaded.index_file, "videos": [index.video_name[video] for video in chosen]}
        shown = {"frames": n_frames, "fps": fps, "score": least_score, "protocol": protocol, "runs": counts}
        print_json({"format": "vidkit-render", "version": 1, **head, **shown, "file": out})
        return
    if counts:
        lines = [[c["run"], c["true"], c["false"], c["missed"]] for c in counts]
        title = f"{n_frames} frames, scores from {least_score:g}, protocol {protocol}"
        print_table(["run", "true positives", "false positives", "missed"], lines, title)
    click.echo(out)


def _on_one_canvas(
    pictures: Iterable[NDArray[np.uint8]], shapes: Sequence[tuple[int, ...]]
) -> Iterator[NDArray[np.uint8]]:
    """Yield the pictures, made as large as the largest of the shapes by white to the right and below."""
    import numpy as np

    height, width = (max(shape[axis] for shape in shapes) for axis in (0, 1))
    for picture in pictures:
        margins = ((0, max(0, height - picture.shape[0])), (0, max(0, width - picture.shape[1])), (0, 0))
        yield np.pad(picture, margins, constant_values=255)
