"""`vidkit plot motion`: mAP by motion speed, or by any other attribute."""

from __future__ import annotations

import re
from pathlib import Path

import click

from ..console import print_json, say
from ..options import runs_dir_option
from .figure_options import picture_options
from .runs import limited_option, mix_option, protocol_option, result_files, results_of


@click.command("motion")
@click.argument("runs", nargs=-1, metavar="[RUN]...")
@runs_dir_option
@protocol_option
@click.option(
    "--by", default="motion", show_default=True, metavar="ATTRIBUTE", help="Any that `vidkit eval --by` was given."
)
@mix_option
@limited_option
@picture_options
def command(
    runs: tuple[str, ...],
    runs_dir: Path,
    protocol: str,
    by: str,
    mix: bool,
    limited: bool,
    outputs: tuple[Path, ...],
    width: float,
    as_json: bool,
) -> None:
    """Draw the mAP of slow, medium and fast objects, a marker for each run, with the intervals that the results have.

    A RUN is a folder with a result.json, the file itself, or a name under the runs folder; without any, all that are
    there are drawn.

    \b
    Examples:
      vidkit plot motion
      vidkit plot motion per-frame impression -o motion.pdf
      vidkit plot motion per-frame impression --by 'motion x area' --width 7
      vidkit plot motion per-frame impression --by class --json
    """
    from vidkit.errors import ChoiceError
    from vidkit.evaluation.slices import attribute_names
    from vidkit.plots.figure import write_figure
    from vidkit.plots.motion import check_groups, motion, motion_rows

    by = " x ".join(attribute_names(by))
    results = results_of(result_files(runs, runs_dir), protocol)
    if not runs and not limited:
        for name in [name for name, result in results.items() if result.limited]:
            say(f"left out: {name}: limited to a part of the data, so no score; --limited draws it")
            del results[name]
        if not results:
            raise ChoiceError(f"{runs_dir}: only limited runs there; --limited draws them")
    check_groups(results, by, mix, limited)
    rows = motion_rows(results, by)
    default = runs_dir / (re.sub(r"[^\w-]+", "-", by) + ".png")
    written = write_figure(outputs or [default], motion(results, by, width), rows)
    if as_json:
        print_json({"format": "vidkit-plot-motion", "version": 1, "by": by, "files": written, "groups": rows})
        return
    for path in written:
        click.echo(path)
