"""`vidkit benchmark`: run a detector over an index and time it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .console import json_option, print_json, print_table, say
from .places import data_dir_option, index_option, open_index, runs_dir_option
from .run_options import How, Processes, how_options, run_detector, weights_file

if TYPE_CHECKING:
    from vidkit.data.index import Index
    from vidkit.predictions.table import Predictions


@click.command("benchmark")
@click.argument("name", metavar="DETECTOR")
@index_option
@data_dir_option
@runs_dir_option
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where the predictions go; default: RUNS/DETECTOR-AND-OPTIONS/predictions.h5.",
)
@click.option("--option", "options", multiple=True, metavar="NAME=VALUE", help="An option of the detector; repeatable.")
@how_options
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
    runs_dir: Path,
    output: Path | None,
    options: tuple[str, ...],
    score_every: int | None,
    resume: bool,
    restart: bool,
    as_json: bool,
    **how: Any,
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
    if resume and restart:
        raise click.UsageError("--resume goes on, --restart begins again: give one of them")
    if Processes.of_torchrun().count > 1 and not resume:
        raise click.UsageError("several processes of torchrun share a run by its parts: give --resume")
    index_file, index = open_index(index_path, data_dir)
    chosen = How(index, runs_dir, score_every=score_every, **how)
    predictions, output = run_detector(name, options, chosen, output, resume, restart)
    if predictions is None:
        say("this process's share of the videos is done")
        return
    _report(predictions, index, index_file, output, as_json)


def _report(predictions: Predictions, index: Index, index_file: Path, output: Path, as_json: bool) -> None:
    from vidkit.benchmark.timing import summary

    run, measured = predictions.run, summary(predictions)
    if as_json:
        print_json(
            {
                "format": "vidkit-benchmark",
                "version": 1,
                "output": str(output),
                "weight_maps": str(weights_file(output)) if "recorded" in run.environment else None,
                "index": str(index_file),
                "index_fingerprint": predictions.index_fingerprint,
                "fingerprint": predictions.fingerprint,
                "detector": run.detector,
                "options": run.options,
                "scenario": run.scenario,
                "limited": run.limited,
                "environment": run.environment,
                "videos": index.n_videos,
                "frames": predictions.n_frames,
                "detections": predictions.n_detections,
                **measured,
            }
        )
        return
    for name, value in _facts(predictions, measured):
        click.echo(f"{name:<18} {value}")
    click.echo()
    print_table(["compute time, ms", "frames", "mean", "p50", "p90", "p99"], _times(measured["seconds"]))
    if stages := _stages(measured):
        click.echo()
        print_table(["stage, ms", "mean of a frame"], stages)
    say(f"predictions: {output}")
    if "recorded" in run.environment:
        say(f"weight maps: {weights_file(output)}")


def _facts(predictions: Predictions, measured: Mapping[str, Any]) -> list[tuple[str, str]]:
    run = predictions.run
    options = " ".join(f"{name}={value}" for name, value in run.options.items())
    speed = measured["frames_per_second"]
    facts = [
        ("detector", run.detector),
        ("options", options or "none"),
        (
            "scenario",
            run.scenario + (", LIMITED: not all videos were run, a score of it is none" if run.limited else ""),
        ),
        ("device", f"{run.environment['device']}, {run.environment['cpu']}"),
        ("image size", str(run.environment["image_size"])),
        ("frames", f"{predictions.n_frames}, {measured['frames_timed']} of them timed"),
        ("detections", str(predictions.n_detections)),
        ("frames per second", "not measured" if speed is None else f"{speed:.1f}"),
        ("look-ahead", _look_ahead(measured["look_ahead"])),
        ("decoding", _ms(measured["decode_seconds"]) + " ms per frame, not part of the speed"),
        ("peak memory", f"{measured['measured'].get('peak_memory_bytes', 0) / 2**20:.0f} MiB"),
    ]
    if run.environment.get("sees_truth"):
        facts.insert(1, ("", "looks at the ground truth: a stand-in, no method"))
    if device_bytes := measured["measured"].get("peak_device_bytes"):
        facts.append(("device memory", f"{device_bytes / 2**20:.0f} MiB at most"))
    return facts


def _stages(measured: Mapping[str, Any]) -> list[list[object]]:
    """Return the mean time of a frame in each stage that the detector told, and in none of them."""
    totals = {name.removesuffix("_seconds"): s for name, s in measured["measured"].items() if name.endswith("_seconds")}
    frames, compute = measured["frames_timed"], measured["seconds"]["all"]["mean"]
    if not totals or not frames:
        return []
    each = {name: seconds / frames for name, seconds in totals.items()}
    return [[name, _ms(seconds)] for name, seconds in (each | {"none of these": compute - sum(each.values())}).items()]


def _look_ahead(frames: Mapping[str, Any]) -> str:
    return "no frames" if frames["max"] is None else f"{frames['max']} frames at most, {frames['mean']:.1f} in the mean"


def _times(seconds: Mapping[str, Mapping[str, Any]]) -> list[list[object]]:
    return [
        [f"{which} frames", times["frames"], *(_ms(times[column]) for column in ("mean", "p50", "p90", "p99"))]
        for which, times in seconds.items()
    ]


def _ms(seconds: float | None) -> str:
    return "–" if seconds is None else f"{1000 * seconds:.2f}"
