"""`vidkit eval`: score predictions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from .breakdown_options import breakdowns_of, edges_of, groups_options, names_in
from .console import json_option, print_json, print_table, say
from .places import runs_dir_option
from .prediction_options import Source, reading_options, results_folder, source_options

if TYPE_CHECKING:
    import pandas as pd

    from vidkit.evaluation.result import EvalResult


@click.command("eval")
@source_options
@runs_dir_option
@click.option(
    "--protocol",
    "protocols",
    multiple=True,
    metavar="NAME",
    help="fgfa, voc, ilsvrc, mega, coco, coco-mmdet, coco-xywh, or all; repeatable or with commas. Default: fgfa, voc.",
)
@groups_options
@click.option(
    "--ci", type=click.IntRange(min=0), default=0, metavar="N", help="Intervals from N resamplings of videos."
)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Seed of the resampling.")
@click.option(
    "-o",
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of the results; default: the run's.",
)
@reading_options
@json_option
def command(
    source: Source,
    runs_dir: Path,
    protocols: tuple[str, ...],
    breakdowns: tuple[str, ...],
    bins: tuple[str, ...],
    fp_rule: Literal["fgfa", "mega", "all", "none"] | None,
    ci: int,
    seed: int,
    output: Path | None,
    as_json: bool,
) -> None:
    """Score PREDICTIONS: mAP of all data and by motion speed and other attributes.

    PREDICTIONS is a file of any format of the field, or a folder with predictions.h5 that `vidkit benchmark` made.
    Writes result.json, result.csv and result.md beside the predictions where these lie in the runs folder, else to
    RUNS/NAME; each further protocol gets a result-PROTOCOL.json, and those of an earlier evaluation are removed. The
    rules: docs/protocols.md.

    \b
    Examples:
      vidkit eval runs/oracle-jitter/predictions.h5
      vidkit eval predictions.pkl --index vidkit-data/vid_val.h5 --protocol all
      vidkit eval predictions.pkl --by 'area,motion x area' --bins motion=0.6,0.8
      vidkit eval predictions.pkl --ci 1000 --seed 0 --json
    """
    from vidkit.evaluation.evaluate import evaluate
    from vidkit.evaluation.result import write_result
    from vidkit.pages.result_tables import write_tables

    edges = edges_of(bins)
    names = _protocols(protocols)
    folder = output or results_folder(source.path, runs_dir)
    index_file, index, predictions = source.load()
    by = breakdowns_of(breakdowns, index)
    results = [evaluate(index, predictions, name, by, edges, fp_rule, ci, seed) for name in names]
    file_told = {"predictions_file": str(source.path.resolve())}
    results = [replace(result, data={**result.data, **file_told}) for result in results]
    files = [folder / ("result.json" if i == 0 else f"result-{name}.json") for i, name in enumerate(names)]
    for file, result in zip(files, results, strict=True):
        write_result(file, result)
    files += write_tables(folder, results)
    _remove_older(folder, files)
    if as_json:
        print_json(_as_json(results, index_file, files))
        return
    _print(results, index_file, every_protocol="all" in protocols)
    say(f"written to {folder}: {', '.join(file.name for file in files)}")


def _protocols(given: Sequence[str]) -> list[str]:
    """Return the names of the protocols, checked, each once."""
    from vidkit.evaluation.protocols import HEADLINE, PROTOCOLS, protocol_named

    names = [name for text in given for name in names_in(text)] or list(HEADLINE)
    if "all" in names:
        names = list(PROTOCOLS)
    return [protocol_named(name).name for name in dict.fromkeys(names)]


def _remove_older(folder: Path, files: Sequence[Path]) -> None:
    """Remove what an earlier evaluation made under protocols that this one hasn't: a folder holds one evaluation."""
    from vidkit.evaluation.protocols import PROTOCOLS

    for file in (folder / f"result-{name}.json" for name in PROTOCOLS):
        if file.exists() and file not in files:
            file.unlink()
            say(f"removed {file}: the result of an earlier evaluation")


def _as_json(results: Sequence[EvalResult], index_file: Path, files: Sequence[Path]) -> dict[str, Any]:
    """Return the first result as in result.json, with the others, the index and the files that were written."""
    first, *others = [result.to_json() for result in results]
    return {**first, "others": others, "index": str(index_file), "files": [str(file) for file in files]}


def _print(results: Sequence[EvalResult], index_file: Path, every_protocol: bool) -> None:
    from vidkit.pages.result_tables import (
        LIMITED,
        describe,
        differing_rules,
        groups_table,
        protocols_table,
        stats_table,
    )

    first = results[0]
    title = f"mAP in % on {first.data['dataset']} {first.data['split']}, index {index_file}"
    if first.limited:
        click.echo(f"{LIMITED.upper()}\n")
    _print_frame(protocols_table(results) if every_protocol else groups_table(results), title)
    for result in results:
        if result.stats and not every_protocol:
            _print_frame(stats_table(result), result.protocol.name)
    click.echo()
    for result in results:
        click.echo(describe(result))
        if every_protocol and result.protocol.name != "fgfa":
            click.echo(f"  differs from fgfa: {differing_rules(result)}")


def _print_frame(table: pd.DataFrame, title: str) -> None:
    print_table(list(table.columns), table.to_numpy().tolist(), title)
