"""`vidkit eval`: score predictions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from .console import json_option, print_json, print_table, say
from .places import choose_index, data_dir_option, index_option, runs_dir_option
from .reading import read_options, reading_options

if TYPE_CHECKING:
    import pandas as pd

    from vidkit.data.index import Index
    from vidkit.evaluation.result import EvalResult
    from vidkit.predictions import ReadOptions
    from vidkit.predictions.table import Predictions


@click.command("eval")
@click.argument("predictions_path", metavar="PREDICTIONS", type=click.Path(exists=True, path_type=Path))
@index_option
@data_dir_option
@runs_dir_option
@click.option(
    "--protocol",
    "protocols",
    multiple=True,
    metavar="NAME",
    help="fgfa, voc, ilsvrc, mega, coco, coco-mmdet, coco-xywh, or all; repeatable or with commas. Default: fgfa, voc.",
)
@click.option(
    "--by",
    "breakdowns",
    multiple=True,
    metavar="ATTRIBUTES",
    help="Groups: motion, area, class, video, occluded, generated, track_length, any attribute of the index, or a "
    "cross as in 'motion x area'; with commas. Default: motion; none: no groups.",
)
@click.option("--bins", multiple=True, metavar="NAME=EDGES", help="Edges of groups, as in motion=0.7,0.9; repeatable.")
@click.option(
    "--fp-rule",
    type=click.Choice(["fgfa", "mega", "all", "none"]),
    help="How unmatched detections count in groups; default: the protocol's rule.",
)
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
    predictions_path: Path,
    index_path: Path | None,
    data_dir: Path,
    runs_dir: Path,
    protocols: tuple[str, ...],
    breakdowns: tuple[str, ...],
    bins: tuple[str, ...],
    fp_rule: Literal["fgfa", "mega", "all", "none"] | None,
    ci: int,
    seed: int,
    output: Path | None,
    as_json: bool,
    **reading: Any,
) -> None:
    """Score PREDICTIONS: mAP of all data and by motion speed and other attributes.

    PREDICTIONS is a file of any format of the field, or a folder with predictions.h5 that `vidkit benchmark` made.
    Writes result.json, result.csv and result.md beside the predictions where these lie in the runs folder, else to
    RUNS/NAME; each further protocol gets a result-PROTOCOL.json. The rules: docs/protocols.md.

    \b
    Examples:
      vidkit eval runs/oracle-jitter/predictions.h5
      vidkit eval predictions.pkl --index vidkit-data/vid_val.h5 --protocol all
      vidkit eval predictions.pkl --by 'area,motion x area' --bins motion=0.6,0.8
      vidkit eval predictions.pkl --ci 1000 --seed 0 --json
    """
    from vidkit.evaluation.evaluate import evaluate
    from vidkit.evaluation.result import write_result
    from vidkit.tables import write_tables

    predictions_path = _file_of(predictions_path)
    edges = _bins(bins)
    names = _protocols(protocols)
    index_file, index, predictions = _load(predictions_path, read_options(**reading), index_path, data_dir)
    by = _breakdowns(breakdowns, index)
    results = [evaluate(index, predictions, name, by, edges, fp_rule, ci, seed) for name in names]
    folder = output or _folder(predictions_path, runs_dir)
    files = [folder / ("result.json" if i == 0 else f"result-{name}.json") for i, name in enumerate(names)]
    for file, result in zip(files, results, strict=True):
        write_result(file, result)
    files += write_tables(folder, results)
    if as_json:
        print_json(_as_json(results, index_file, files))
        return
    _print(results, index_file, every_protocol="all" in protocols)
    say(f"written to {folder}: {', '.join(file.name for file in files)}")


def _file_of(path: Path) -> Path:
    """Return the prediction file that `path` is, or the one in the run folder that it is."""
    from vidkit.errors import ChoiceError

    if not path.is_dir():
        return path
    if not (path / "predictions.h5").is_file():
        raise ChoiceError(f"{path}: no predictions.h5 in this folder; give the prediction file itself")
    return path / "predictions.h5"


def _protocols(given: Sequence[str]) -> list[str]:
    """Return the names of the protocols, checked, each once."""
    from vidkit.evaluation.protocols import HEADLINE, PROTOCOLS, protocol_named

    names = [name for text in given for name in _split(text)] or list(HEADLINE)
    if "all" in names:
        names = list(PROTOCOLS)
    return [protocol_named(name).name for name in dict.fromkeys(names)]


def _breakdowns(given: Sequence[str], index: Index) -> list[str]:
    """Return what to break down by: as given, or by motion where the index tells it."""
    if given:
        names = list(dict.fromkeys(name for text in given for name in _split(text)))
        return [] if names == ["none"] else names
    if index.motion_iou is None and bool((index.track_id < 0).any()):
        say("no groups by motion: the index has neither track ids nor a column of motion IoU")
        return []
    return ["motion"]


def _bins(given: Sequence[str]) -> dict[str, tuple[float, ...]]:
    """Return the edges of --bins by attribute; a usage error for what isn't NAME=A,B with rising numbers."""
    bins = {}
    for text in given:
        name, _, edges = text.partition("=")
        try:
            numbers = tuple(float(edge) for edge in edges.split(","))
        except ValueError:
            numbers = ()
        rising = all(low < high for low, high in pairwise(numbers))
        if not name or not numbers or not rising or not all(map(math.isfinite, numbers)):
            raise click.BadParameter(f"{text!r}: wanted NAME=EDGES with rising numbers, as in motion=0.7,0.9")
        bins[name.strip()] = numbers
    return bins


def _load(path: Path, options: ReadOptions, index_path: Path | None, data_dir: Path) -> tuple[Path, Index, Predictions]:
    """Return the index that fits the predictions at `path`, with its path, and the predictions for its frames."""
    from vidkit.data.hdf5 import read_index
    from vidkit.predictions.reading import open_predictions

    opened = open_predictions(path, options)
    index_file = choose_index(index_path, data_dir, opened.index_fingerprint, opened.n_frames)
    index = read_index(index_file)
    predictions, report = opened.for_index(index)
    for name in ("frames", "boxes", "scale", "classes"):
        finding = getattr(report, name)
        if finding.how == "guessed":
            say(f"{name}: {finding}")
    for warning in report.warnings:
        say(f"warning: {warning}")
    return index_file, index, predictions


def _folder(predictions: Path, runs_dir: Path) -> Path:
    """Return the predictions' own folder if it lies inside the runs folder, else one of their name in there."""
    parent, runs = predictions.resolve().parent, runs_dir.resolve()
    return predictions.parent if runs in parent.parents else runs_dir / predictions.stem


def _as_json(results: Sequence[EvalResult], index_file: Path, files: Sequence[Path]) -> dict[str, Any]:
    """Return the first result as in result.json, with the others, the index and the files that were written."""
    first, *others = [result.to_json() for result in results]
    return {**first, "others": others, "index": str(index_file), "files": [str(file) for file in files]}


def _print(results: Sequence[EvalResult], index_file: Path, every_protocol: bool) -> None:
    from vidkit.tables import LIMITED, describe, differing_rules, groups_table, protocols_table, stats_table

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


def _split(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]
