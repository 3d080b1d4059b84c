"""`vidkit plot pr`: precision against recall."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import click

from ..breakdown_options import breakdowns_of, edges_of, groups_options
from ..console import print_json
from .figure_options import picture_options
from .predictions import load_runs, runs_options
from .runs import limited_option


@click.command("pr")
@runs_options
@groups_options
@click.option("--class", "classes", multiple=True, metavar="NAME", help="This class, not the mean; repeatable.")
@limited_option
@picture_options
def command(
    runs: tuple[str, ...],
    runs_dir: Path,
    index_path: Path | None,
    data_dir: Path,
    protocol: str,
    breakdowns: tuple[str, ...],
    bins: tuple[str, ...],
    fp_rule: Literal["fgfa", "mega", "all", "none"] | None,
    classes: tuple[str, ...],
    limited: bool,
    outputs: tuple[Path, ...],
    width: float,
    as_json: bool,
    **reading: Any,
) -> None:
    """Draw precision against recall: of one RUN a line for each group, of several a panel, with a line for each run.

    A RUN is a folder with predictions.h5, a prediction file of any format, or a name under the runs folder. The
    precision is the highest at each recall or above, the mean over the classes, or that of each --class.

    \b
    Examples:
      vidkit plot pr impression
      vidkit plot pr per-frame impression --by none -o pr.pdf
      vidkit plot pr per-frame impression --class car --class bus --width 7
      vidkit plot pr results.pkl --index vidkit-data/vid_val.h5 --by area --json
    """
    from vidkit.errors import ChoiceError, did_you_mean
    from vidkit.evaluation.curves import precision_recall as curves_of
    from vidkit.plots.figure import check_endings, write_figure
    from vidkit.plots.precision_recall import precision_recall, precision_recall_rows

    check_endings(outputs)
    edges = edges_of(bins)
    index, predictions = load_runs(runs, runs_dir, index_path, data_dir, limited, **reading)
    for name in classes:
        if name not in index.class_names:
            raise ChoiceError(f"--class {name}: no class of the index{did_you_mean(name, list(index.class_names))}")
    by = breakdowns_of(breakdowns, index)
    curves = {run: curves_of(index, one, protocol, by, edges, fp_rule) for run, one in predictions.items()}
    partial = any(one.run.limited for one in predictions.values())
    rows = precision_recall_rows(curves, classes)
    if not rows:
        raise ChoiceError(f"nothing to draw: no ground truth {'of ' + ', '.join(classes) if classes else 'there'}")
    figure = precision_recall(curves, classes, width, partial)
    written = write_figure(outputs or [runs_dir / "pr.png"], figure, rows)
    if as_json:
        print_json({"format": "vidkit-plot-pr", "version": 1, "protocol": protocol, "files": written, "points": rows})
        return
    for path in written:
        click.echo(path)
