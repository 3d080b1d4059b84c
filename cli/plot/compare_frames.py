"""`vidkit plot compare-frames`: two detectors on the same frames (Impression Network, Figure 5)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from vidkit.errors import ChoiceError

from ..console import print_json, say
from ..options import index_option
from ..picture_options import frames_root_option
from ..scene_options import Scene, frame_rows, open_scene, runs_there, verdict_options, video_row
from .figure_options import picture_options

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@click.command("compare-frames")
@click.argument("runs", nargs=-1, metavar="[RUN RUN]")
@index_option
@click.option("--video", metavar="NAME", help="Frames of this video; default: of all videos.")
@click.option(
    "--frame", "numbers", metavar="N", type=int, multiple=True, help="A frame's number in the video; repeatable."
)
@click.option(
    "--count",
    type=click.IntRange(1, 40),
    default=4,
    show_default=True,
    help="How many frames, where they aren't named: those on which the runs differ most, of different videos.",
)
@frames_root_option
@verdict_options
@picture_options
def command(
    runs: tuple[str, ...],
    index_path: Path | None,
    video: str | None,
    numbers: tuple[int, ...],
    count: int,
    frames_root: Path | None,
    least_score: float,
    protocol: str,
    runs_dir: Path,
    data_dir: Path,
    outputs: tuple[Path, ...],
    width: float,
    as_json: bool,
) -> None:
    """Draw two runs side by side over the same frames, with their true and false positives and what they miss.

    Without --frame these are the frames on which they differ most: by the number of objects that only one of them finds
    plus the difference in false positives. So that nobody takes them for typical, a line below tells of all objects how
    many both find, only one of them, and neither. Without any RUN, the runs folder must hold just two.

    \b
    Examples:
      vidkit plot compare-frames per-frame impression_length=10
      vidkit plot compare-frames per-frame dff --video synth_val_00000003 --frame 12 --frame 20 -o figure5.pdf
      vidkit plot compare-frames per-frame impression --score 0.5 --count 8 --width 7 --json
    """
    from vidkit.data.frames import frame
    from vidkit.plots.compare_frames import agreement, compare_frames, compare_frames_rows, most_different
    from vidkit.plots.figure import check_endings, write_figure

    outputs = outputs or (runs_dir / "compare-frames.png",)
    check_endings(outputs)
    if numbers and video is None:
        raise click.UsageError("--frame: of which video? name it with --video")
    scene = open_scene(index_path, runs or runs_there(runs_dir), video, data_dir, runs_dir)
    if len(scene.runs) != 2:
        raise ChoiceError(
            f"{len(scene.runs)} runs; name the two to compare. There are {', '.join(runs_there(runs_dir))}"
        )
    allowed = _allowed(scene, video)
    verdicts = scene.verdicts(least_score, protocol)
    first, second = verdicts.values()
    rows = frame_rows(scene.index, video_row(scene, video), numbers) if numbers else []
    rows = rows or most_different(first, second, count, allowed)
    if not rows:
        raise ChoiceError("the runs find the same objects in every frame, and as many false positives: name --frame")
    shares = agreement(first, second, allowed)
    images = [frame(scene.index, row, frames_root) for row in rows]
    table = compare_frames_rows(rows, verdicts)
    written = write_figure(
        outputs, compare_frames(rows, images, verdicts, _note(shares, least_score, protocol), width), table
    )
    if as_json:
        print_json(
            {
                "format": "vidkit-compare-frames",
                "version": 1,
                "files": written,
                "index": scene.index_file,
                "runs": list(verdicts),
                "score": least_score,
                "protocol": protocol,
                "objects": shares,
                "marks": table,
            }
        )
        return
    say(_note(shares, least_score, protocol))
    for path in written:
        click.echo(path)


def _allowed(scene: Scene, video: str | None) -> NDArray[np.bool_]:
    """Return `(F,)` the frames that may be chosen: of the video, or of all videos that both runs reached."""
    import numpy as np

    if video is not None:
        return np.asarray(scene.index.frame_video == video_row(scene, video))
    reached = np.logical_and.reduce(list(scene.reached().values()))
    return np.asarray(reached[scene.index.frame_video])


def _note(shares: dict[str, int], least_score: float, protocol: str) -> str:
    return (
        f"{sum(shares.values()):,} objects: found by both {shares['both']:,}, left only {shares['only_first']:,}, "
        f"right only {shares['only_second']:,}, neither {shares['neither']:,}; scores from {least_score:g}, {protocol}"
    )
