"""`vidkit plot speed-accuracy`: mAP against frames per second (Impression Network, Figure 8)."""

from __future__ import annotations

import json
from pathlib import Path

import click

from ..console import print_json, say
from ..options import runs_dir_option
from .figure_options import picture_options
from .runs import limited_option, mix_option, protocol_option, result_files, results_of


@click.command("speed-accuracy")
@click.argument("runs", nargs=-1, metavar="[RUN]...")
@runs_dir_option
@protocol_option
@mix_option
@limited_option
@picture_options
def command(
    runs: tuple[str, ...],
    runs_dir: Path,
    protocol: str,
    mix: bool,
    limited: bool,
    outputs: tuple[Path, ...],
    width: float,
    as_json: bool,
) -> None:
    """Draw mAP against frames per second, one curve a method, points labelled with the segment length l.

    A RUN is a folder with a result.json, the file itself, or a name under the runs folder; without any, all that are
    there are drawn.

    \b
    Examples:
      vidkit plot speed-accuracy
      vidkit plot speed-accuracy frame-copy_length=5 oracle-jitter -o picture.svg -o picture.pdf
      vidkit plot speed-accuracy --protocol voc --json
    """
    from vidkit.errors import ChoiceError
    from vidkit.plots.figure import write_figure
    from vidkit.plots.speed_accuracy import speed_accuracy, speed_accuracy_rows
    from vidkit.plots.speed_points import check_comparable, speed_point

    points = []
    for source, result in results_of(result_files(runs, runs_dir), protocol).items():
        try:
            point = speed_point(result, source)
        except ChoiceError as error:
            if runs:
                raise
            say(f"left out: {error}")
            continue
        if point.limited and not runs and not limited:
            say(f"left out: {source}: limited to a part of the data, so no score; --limited draws it")
            continue
        points.append(point)
    if not points:
        raise ChoiceError(f"{runs_dir}: no run there that was timed and scored; `vidkit benchmark`, then `vidkit eval`")
    check_comparable(points, mix, limited)
    rows = speed_accuracy_rows(points)
    written = write_figure(outputs or [runs_dir / "speed-accuracy.png"], speed_accuracy(points, width), rows)
    if as_json:
        drawn = [row | {"options": dict(json.loads(row["options"]))} for row in rows]
        print_json({"format": "vidkit-speed-accuracy", "version": 1, "files": written, "points": drawn})
        return
    for path in written:
        click.echo(path)
