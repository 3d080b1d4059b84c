"""`vidkit sweep`: a detector with every combination of some options, in one table."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .console import json_option, print_json, print_table, say
from .options import data_dir_option, index_option, open_index, runs_dir_option
from .run_options import find_modules_here, run_detector, run_options

if TYPE_CHECKING:
    from vidkit.predictions.table import Predictions


@click.command("sweep")
@click.argument("name", metavar="DETECTOR")
@index_option
@data_dir_option
@runs_dir_option
@click.option(
    "--option",
    "options",
    multiple=True,
    metavar="NAME=VALUES",
    help="A value, a range 1..20 or 0..1:0.125, or numbers with commas; repeated for several values or options.",
)
@run_options
@json_option
def command(
    name: str,
    index_path: Path | None,
    data_dir: Path,
    runs_dir: Path,
    options: tuple[str, ...],
    settings: Mapping[str, Any],
    as_json: bool,
) -> None:
    """Run DETECTOR with every combination of the options' values and collect one table.

    Each run is one of `vidkit benchmark`, in its own folder; typed again, the sweep goes on where it stopped. The table
    is written to RUNS/sweep-DETECTOR.csv; it has the mAP of the runs that `vidkit eval` has scored.

    \b
    Examples:
      vidkit sweep frame-copy --option length=1..20
      vidkit sweep impression --option length=2,5,10 --option gate=0..1:0.125 --checkpoint weights.pt
    """
    from vidkit.files import csv_text, write_text
    from vidkit.harness.grid import grid
    from vidkit.harness.plugins import request

    runs = grid(options)
    find_modules_here()
    for chosen in runs:
        request(name, chosen)
    index_file, index = open_index(index_path, data_dir)
    rows = []
    for place, chosen in enumerate(runs, start=1):
        say(f"run {place} of {len(runs)}: {name} {' '.join(chosen)}")
        run = run_detector(name, index=index, options=chosen, runs_dir=runs_dir, resume=True, **settings)
        if run.predictions is None:  # a process of torchrun that isn't the first
            continue
        rows.append({**dict(option.split("=", 1) for option in chosen), **_row(run.predictions, run.output)})
    if not rows:
        return
    path = runs_dir / f"sweep-{name.replace(':', '-')}.csv"
    write_text(path, csv_text(rows))
    if as_json:
        print_json(
            {"format": "vidkit-sweep", "version": 1, "index": index_file, "detector": name, "file": path, "runs": rows}
        )
        return
    shown = [column for column in rows[0] if column != "output"]
    print_table(shown, [[_shown(row[column]) for column in shown] for row in rows])
    say(f"written to {path}")


def _row(predictions: Predictions, output: Path) -> dict[str, Any]:
    from vidkit.harness.timing import summary

    measured = summary(predictions)
    all_frames = measured["seconds"]["all"]
    return {
        "mean_ap": _mean_ap(output.with_name("result.json"), predictions),
        "frames_per_second": measured["frames_per_second"],
        **{f"{q}_seconds": all_frames[q] for q in ("p50", "p90", "p99")},
        "look_ahead": measured["look_ahead"]["max"],
        "limited": predictions.run.limited,
        "output": str(output),
    }


def _mean_ap(path: Path, predictions: Predictions) -> float | None:
    """Return the mean AP of these very predictions, where a result of them is there."""
    from vidkit.evaluation.result import read_result

    if not path.is_file():
        return None
    result = read_result(path)
    return result.mean_ap if result.data.get("predictions_fingerprint") == predictions.fingerprint else None


def _shown(value: object) -> str:
    return "–" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)
