"""`vidkit eval`: score predictions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .breakdown_options import GroupChoice, breakdown_options, names_in
from .choices import ListingOption, protocols
from .console import echo, json_option, print_json, print_table, say
from .options import FOLDER, ci_option, seed_option
from .prediction_options import runs_argument, workspace_options

if TYPE_CHECKING:
    import pandas as pd

    from vidkit.evaluation.result import EvalResult
    from vidkit.runs.loading import LoadedRuns, Workspace


@click.command("eval")
@runs_argument
@workspace_options
@click.option(
    "--protocol",
    "wanted",
    cls=ListingOption,
    listing=protocols,
    multiple=True,
    metavar="NAME",
    help="{names}, or all; repeatable or with commas. Default: fgfa, voc.",
)
@breakdown_options
@ci_option()
@seed_option
@click.option(
    "--fps",
    type=click.FloatRange(min=0, min_open=True),
    help="State the speed of one RUN that wasn't timed here, in frames per second; with --device.",
)
@click.option("--device", metavar="NAME", help="What the stated speed was measured on, as 'Titan X'.")
@click.option(
    "-o",
    "--output",
    type=FOLDER,
    help="Folder of the results, of one RUN; default: the run's.",
)
@json_option
def command(
    runs: tuple[str, ...],
    workspace: Workspace,
    wanted: tuple[str, ...],
    groups: GroupChoice,
    ci: int,
    seed: int,
    fps: float | None,
    device: str | None,
    output: Path | None,
    as_json: bool,
) -> None:
    """Score predictions: mAP of all data and by motion speed and other attributes.

    RUN is a prediction file of any format of the field, a run's folder, or a name under the runs folder; several are
    scored on the same index. Writes result.json, result.csv and result.md beside the predictions where these lie in the
    runs folder, else to RUNS/NAME; each further protocol gets a result-PROTOCOL.json, and those of an earlier
    evaluation are removed. The rules: docs/protocols.md.

    \b
    Examples:
      vidkit eval oracle-jitter
      vidkit eval predictions.pkl --index vidkit-data/vid_val.h5 --protocol all
      vidkit eval predictions.pkl --by 'area,motion x area' --bins motion=0.6,0.8
      vidkit eval per-frame dff impression --ci 1000 --seed 0 --json
      vidkit eval predictions.pkl --fps 12.3 --device 'Titan X'
    """
    names, speed = _protocols(wanted), _stated(fps, device, len(runs))
    if output is not None and len(runs) > 1:
        raise click.UsageError("-o names the folder of one RUN; those of several are their own")
    loaded = groups.told(workspace.load(runs))
    by = groups.by(loaded.index)
    told: dict[str, dict[str, Any]] = {}
    for run in loaded.predictions:
        results = _with_speed(_scored(loaded, run, names, by, groups, ci, seed), speed)
        folder, files = _write(results, output, loaded.file_of(run), workspace.runs_dir)
        told[run] = _as_json(results, loaded.index_file, files)
        if not as_json:
            _print(results, loaded.index_file, every_protocol="all" in wanted)
            say(f"written to {folder}: {', '.join(file.name for file in files)}")
    if as_json:
        several = {"format": "vidkit-results", "version": 1, "runs": told}
        print_json(next(iter(told.values())) if len(told) == 1 else several)


def _stated(fps: float | None, device: str | None, runs: int) -> tuple[float, str] | None:
    """The speed that was stated, with its device."""
    if fps is None and device is None:
        return None
    if fps is None or not device or not device.strip() or not math.isfinite(fps):
        raise click.UsageError("--fps and --device go together: a speed, and what it was measured on")
    if runs > 1:
        raise click.UsageError("--fps states the speed of one RUN")
    return fps, device


def _with_speed(results: list[EvalResult], speed: tuple[float, str] | None) -> list[EvalResult]:
    from vidkit.evaluation.result import with_stated_speed

    return results if speed is None else [with_stated_speed(result, *speed) for result in results]


def _protocols(given: Sequence[str]) -> list[str]:
    """The names of the protocols, checked, each once."""
    from vidkit.evaluation.protocols import HEADLINE, PROTOCOLS, protocol_named

    names = [name for text in given for name in names_in(text)] or list(HEADLINE)
    if "all" in names:
        names = list(PROTOCOLS)
    return [protocol_named(name).name for name in dict.fromkeys(names)]


def _scored(
    loaded: LoadedRuns, run: str, protocols: Sequence[str], by: Sequence[str], groups: GroupChoice, ci: int, seed: int
) -> list[EvalResult]:
    """The results of a run, one for each protocol; they tell the file that they were made of."""
    from vidkit.evaluation.evaluate import evaluate

    told = {"predictions_file": str(loaded.file_of(run).resolve())}
    predictions = loaded.predictions[run]
    results = (
        evaluate(loaded.index, predictions, protocol, by, groups.bins, groups.fp_rule, ci, seed)
        for protocol in protocols
    )
    reading = loaded.reports[run].summary()
    return [replace(result, data={**result.data, **told}, reading=reading) for result in results]


def _write(results: Sequence[EvalResult], output: Path | None, file: Path, runs_dir: Path) -> tuple[Path, list[Path]]:
    """Write the results of one run and their tables; where to, and the files."""
    from vidkit.evaluation.result import write_result
    from vidkit.pages.result_tables import write_tables
    from vidkit.runs.finding import results_folder

    folder = output or results_folder(file, runs_dir)
    names = [result.protocol.name for result in results]
    files = [folder / ("result.json" if i == 0 else f"result-{name}.json") for i, name in enumerate(names)]
    for place, result in zip(files, results, strict=True):
        write_result(place, result)
    files += write_tables(folder, results)
    _remove_older(folder, files)
    return folder, files


def _remove_older(folder: Path, files: Sequence[Path]) -> None:
    """Remove what an earlier evaluation made under protocols that this one hasn't: a folder holds one evaluation."""
    from vidkit.evaluation.protocols import PROTOCOLS

    for file in (folder / f"result-{name}.json" for name in PROTOCOLS):
        if file.exists() and file not in files:
            file.unlink()
            say(f"removed {file}: the result of an earlier evaluation")


def _as_json(results: Sequence[EvalResult], index_file: Path, files: Sequence[Path]) -> dict[str, Any]:
    """The first result as in result.json, with the others, the index and the files that were written."""
    first, *others = [result.to_json() for result in results]
    return {**first, "others": others, "index": str(index_file), "files": [str(file) for file in files]}


def _print(results: Sequence[EvalResult], index_file: Path, every_protocol: bool) -> None:
    from vidkit.evaluation.result import STATED
    from vidkit.pages.result_tables import (
        LIMITED,
        describe,
        differing_rules,
        groups_table,
        notes,
        protocols_table,
        stats_table,
        understood,
    )

    first = results[0]
    title = f"mAP in % on {first.data['dataset']} {first.data['split']}, index {index_file}"
    if first.limited:
        echo(f"{LIMITED.upper()}\n")
    _print_frame(protocols_table(results) if every_protocol else groups_table(results), title)
    for result in results:
        if result.stats and not every_protocol:
            _print_frame(stats_table(result), result.protocol.name)
    echo()
    if first.run.get("scenario") == STATED:
        device = first.run["environment"]["device"]
        echo(f"{first.run['frames_per_second']:g} frames per second on {device}: stated, not measured here")
    for result in results:
        echo(describe(result))
        if every_protocol and result.protocol.name != "fgfa":
            echo(f"  differs from fgfa: {differing_rules(result)}")
    for line in (*understood(first), *notes(results)):
        echo(line)


def _print_frame(table: pd.DataFrame, title: str) -> None:
    print_table(list(table.columns), table.to_numpy().tolist(), title)
