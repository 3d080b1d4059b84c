"""`vidkit plot timeline`: a track through a video."""

from __future__ import annotations

from pathlib import Path

import click

from vidkit.errors import ChoiceError

from ..console import print_json, say
from ..options import index_option
from ..scene_options import open_scene, runs_there, verdict_options, video_row
from .figure_options import picture_options


@click.command("timeline")
@click.argument("runs", nargs=-1, metavar="[RUN]...")
@index_option
@click.option("--video", metavar="NAME", help="The video; default: any.")
@click.option("--track", "track_id", type=click.IntRange(0), metavar="N", help="The track's number in the video.")
@verdict_options
@picture_options
def command(
    runs: tuple[str, ...],
    index_path: Path | None,
    video: str | None,
    track_id: int | None,
    least_score: float,
    protocol: str,
    runs_dir: Path,
    data_dir: Path,
    outputs: tuple[Path, ...],
    width: float,
    as_json: bool,
) -> None:
    """Draw one object through its video: in each frame and for each RUN hit, badly placed, wrong class or missed.

    Keyframes are marked; below stand the object's motion IoU and what the index tells of blur. Without --track it is
    the track on which the runs differ in most frames, or whose state changes most often where there is one run. Without
    any RUN all in the runs folder are drawn. Badly placed and wrong class are TIDE's (docs/errors_and_measures.md).

    \b
    Examples:
      vidkit plot timeline per-frame impression_length=10
      vidkit plot timeline per-frame dff impression --video synth_val_00000003 --track 1 -o track.pdf
      vidkit plot timeline impression --score 0.5 --json
    """
    import numpy as np

    from vidkit.plots.figure import check_endings, write_figure
    from vidkit.plots.timeline import most_telling_track, timeline, timeline_rows, track_called

    outputs = outputs or (runs_dir / "timeline.png",)
    check_endings(outputs)
    if track_id is not None and video is None:
        raise click.UsageError("--track: of which video? name it with --video")
    names = runs or runs_there(runs_dir)
    if not names:
        raise ChoiceError(f"{runs_dir}: no runs there; `vidkit benchmark` makes some")
    scene = open_scene(index_path, names, video, data_dir, runs_dir)
    row = None if video is None else video_row(scene, video)
    verdicts = scene.verdicts(least_score, protocol)
    allowed = np.logical_and.reduce(list(scene.reached().values()))
    if row is not None:
        allowed = np.arange(scene.index.n_videos) == row
    if row is not None and track_id is not None:
        track = track_called(scene.index, row, track_id)
    else:
        track = most_telling_track(verdicts, allowed)
        name = scene.index.video_name[track.video]
        why = "the runs differ on it most" if len(verdicts) > 1 else "its state changes most often"
        say(f"track {track.track_id} of {name}: {why}")
    table = timeline_rows(verdicts, track)
    written = write_figure(outputs, timeline(verdicts, track, width), table)
    if as_json:
        print_json(
            {
                "format": "vidkit-timeline",
                "version": 1,
                "files": written,
                "index": scene.index_file,
                "video": scene.index.video_name[track.video],
                "track": track.track_id,
                "score": least_score,
                "protocol": protocol,
                "frames": table,
            }
        )
        return
    for path in written:
        click.echo(path)
