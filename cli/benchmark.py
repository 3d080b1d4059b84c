"""`vidkit benchmark`: run a detector over an index and time it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .console import echo, json_option, print_json, print_table, say
from .options import FILE, data_dir_option, index_option, runs_dir_option
from .run_options import run_detector, run_options

if TYPE_CHECKING:
    from vidkit.runs.finished_run import FinishedRun


@click.command("benchmark")
@click.argument("name", metavar="DETECTOR")
@index_option
@data_dir_option
@runs_dir_option
@click.option(
    "-o",
    "--output",
    type=FILE,
    help="Where the predictions go; default: RUNS/DETECTOR-AND-OPTIONS/predictions.h5.",
)
@click.option("--option", "options", multiple=True, metavar="NAME=VALUE", help="An option of the detector; repeatable.")
@run_options
@click.option(
    "--score", "score_every", type=click.IntRange(min=1), metavar="N", help="Tell the mAP so far after every N videos."
)
@click.option("--resume", is_flag=True, help="Go on with a run that was interrupted; leave a finished one as it is.")
@click.option("--restart", is_flag=True, help="Throw away an unfinished run, or another run's file, and begin again.")
@json_option
def command(
    name: str,
    index_path: Path | None,
    data_dir: Path,
    settings: Mapping[str, Any],
    as_json: bool,
    **arguments: Any,
) -> None:
    """Run DETECTOR over an index and time it.

    DETECTOR is the name of an installed detector (see `vidkit plugins`) or module:factory. Compute time excludes
    reading and decoding, frames per second are frames / total seconds, and the look-ahead is measured. What is done is
    kept video by video beside the output, in OUTPUT.parts, until the run is finished.

    \b
    Examples:
      vidkit benchmark oracle-jitter
      vidkit benchmark frame-copy --option length=5 --option key_id=0
      vidkit benchmark my_file:my_factory --index vidkit-data/vid_val.h5 -o mine.h5 --limit 3
      vidkit benchmark oracle-jitter --resume
      vidkit benchmark impression --checkpoint impression.pt --record-weights --score 20
    """
    run = run_detector(name, index=index_path, data_dir=data_dir, **arguments, **settings)
    if run.predictions is None:
        say("this process's share of the videos is done")
    elif as_json:
        print_json({"format": "vidkit-benchmark", "version": 1, **_as_json(run)})
    else:
        _print(run)


def _as_json(run: FinishedRun) -> dict[str, Any]:
    predictions = run.predictions
    assert predictions is not None
    about = predictions.run
    return {
        "output": str(run.output),
        "weight_maps": None if run.weight_maps is None else str(run.weight_maps),
        "index": str(run.index_file),
        "index_fingerprint": predictions.index_fingerprint,
        "fingerprint": predictions.fingerprint,
        "detector": about.detector,
        "options": about.options,
        "scenario": about.scenario,
        "limited": about.limited,
        "environment": about.environment,
        "videos": run.index.n_videos,
        "frames": predictions.n_frames,
        "detections": predictions.n_detections,
        **run.measured(),
    }


def _print(run: FinishedRun) -> None:
    from vidkit.runs.finished_run import milliseconds

    for name, value in run.facts():
        echo(f"{name:<18} {value}")
    echo()
    measured = run.measured()
    columns = ("mean", "p50", "p90", "p99")
    rows = [
        [f"{which} frames", times["frames"], *(milliseconds(times[column]) for column in columns)]
        for which, times in measured["seconds"].items()
    ]
    print_table(["compute time, ms", "frames", *columns], rows)
    if stages := _stages(measured):
        echo()
        each = [[name, milliseconds(seconds)] for name, seconds in stages.items()]
        print_table(["stage, ms", "mean of a frame"], each)
    say(f"predictions: {run.output}")
    if run.weight_maps is not None:
        say(f"weight maps: {run.weight_maps}")


def _stages(measured: Mapping[str, Any]) -> dict[str, float]:
    """The mean seconds of a frame in each stage that the detector told, and in none of them."""
    totals = {name.removesuffix("_seconds"): s for name, s in measured["measured"].items() if name.endswith("_seconds")}
    frames, compute = measured["frames_timed"], measured["seconds"]["all"]["mean"]
    if not totals or not frames:
        return {}
    each = {name: seconds / frames for name, seconds in totals.items()}
    return each | {"none of these": compute - sum(each.values())}
