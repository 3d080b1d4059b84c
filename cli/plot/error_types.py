"""`vidkit plot errors`: what each type of error costs."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import click

from ..breakdown_options import breakdowns_of, edges_of, groups_options
from ..console import print_json
from ..error_types import check_thresholds, threshold_options
from .figure_options import picture_options
from .predictions import load_runs, runs_options
from .runs import limited_option


@click.command("errors")
@runs_options
@groups_options
@threshold_options
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
    foreground: float | None,
    background: float,
    limited: bool,
    outputs: tuple[Path, ...],
    width: float,
    as_json: bool,
    **reading: Any,
) -> None:
    """Draw what each type of error costs in points of mAP, as `vidkit errors` tells it.

    Of one RUN there is a bar for each group, of several a panel for each group, with a bar for each run. A RUN is a
    folder with predictions.h5, a prediction file of any format, or a name under the runs folder.

    \b
    Examples:
      vidkit plot errors impression
      vidkit plot errors per-frame impression --by none -o errors.pdf
      vidkit plot errors results.pkl --index vidkit-data/vid_val.h5 --protocol coco --json
    """
    from vidkit.evaluation.errors_by_type import decompose
    from vidkit.plots.error_types import error_types, error_types_rows
    from vidkit.plots.figure import check_endings, write_figure

    check_endings(outputs)
    check_thresholds(protocol, foreground, background)
    edges = edges_of(bins)
    index, predictions = load_runs(runs, runs_dir, index_path, data_dir, limited, **reading)
    by = breakdowns_of(breakdowns, index)
    thresholds = (foreground, background)
    reports = {
        run: decompose(index, one, protocol, by, edges, fp_rule, *thresholds) for run, one in predictions.items()
    }
    partial = any(one.run.limited for one in predictions.values())
    rows = error_types_rows(reports)
    written = write_figure(outputs or [runs_dir / "errors.png"], error_types(reports, width, partial), rows)
    if as_json:
        print_json(
            {"format": "vidkit-plot-errors", "version": 1, "protocol": protocol, "files": written, "costs": rows}
        )
        return
    for path in written:
        click.echo(path)
