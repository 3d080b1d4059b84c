"""`vidkit plot`: the figures."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .console import json_option, print_json, say
from .places import runs_dir_option

if TYPE_CHECKING:
    from vidkit.evaluation.result import EvalResult


@click.group("plot")
def command() -> None:
    """Draw the figures. Beside each picture stands a CSV of what it shows.

    \b
    Examples:
      vidkit plot speed-accuracy
      vidkit plot speed-accuracy runs/dff* runs/per-frame -o figure8.pdf
    """


@command.command("speed-accuracy")
@click.argument("runs", nargs=-1, metavar="[RUN]...")
@runs_dir_option
@click.option("--protocol", default="fgfa", show_default=True, help="Which results to draw, where there are several.")
@click.option(
    "-o",
    "--output",
    "outputs",
    multiple=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="FILE.png, .svg or .pdf, repeatable; default: RUNS/speed-accuracy.png.",
)
@click.option("--width", type=click.FloatRange(1, 20), default=3.5, show_default=True, help="Inches.")
@click.option(
    "--mix", is_flag=True, help="Draw runs of different devices, scenarios, image sizes or data in one figure."
)
@click.option("--limited", is_flag=True, help="Draw runs over a part of the data too.")
@json_option
def speed_accuracy_command(
    runs: tuple[str, ...],
    runs_dir: Path,
    protocol: str,
    outputs: tuple[Path, ...],
    width: float,
    mix: bool,
    limited: bool,
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
    from vidkit.plots import check_comparable, speed_accuracy, speed_accuracy_rows, speed_point, write_figure

    points = []
    for source, result in _results(_files(runs, runs_dir), protocol).items():
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


def _files(runs: Sequence[str], runs_dir: Path) -> list[Path]:
    """Return the result files of the named runs, or of all runs in `runs_dir`."""
    from vidkit.errors import ChoiceError, did_you_mean

    if not runs:
        found = sorted(runs_dir.glob("*/result*.json"))
        if not found:
            raise ChoiceError(f"{runs_dir}: no result there; `vidkit benchmark`, then `vidkit eval`, make some")
        return found
    files: list[Path] = []
    for run in runs:
        place = next((path for path in (Path(run), runs_dir / run) if path.exists()), None)
        inside = [] if place is None else [place] if place.is_file() else sorted(place.glob("result*.json"))
        if not inside:
            known = sorted(path.parent.name for path in runs_dir.glob("*/result*.json"))
            why = "no such run" if place is None else "no result.json in it; score it with `vidkit eval`"
            raise ChoiceError(
                f"{run}: {why}{did_you_mean(run, known)}; runs with results: {', '.join(known) or 'none'}"
            )
        files += inside
    return list(dict.fromkeys(files))


def _results(files: Sequence[Path], protocol: str) -> dict[str, EvalResult]:
    """Return the results under one protocol, by the name of their run; ChoiceError if there is none."""
    from vidkit.errors import ChoiceError
    from vidkit.evaluation.result import read_result

    found: dict[str, EvalResult] = {}
    protocols = set()
    for file in files:
        result = read_result(file)
        protocols.add(result.protocol.name)
        if result.protocol.name != protocol:
            continue
        source = file.parent.name if file.parent.name not in found else str(file)
        found[source] = result
    if not found:
        raise ChoiceError(f"no result under the protocol {protocol!r}; there are {', '.join(sorted(protocols))}")
    return found
