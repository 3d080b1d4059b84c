"""`vidkit benchmark`: run a detector over an index and time it."""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from .console import json_option, print_json, print_table, progress, say
from .places import data_dir_option, index_option, open_index, runs_dir_option

if TYPE_CHECKING:
    from vidkit.benchmark.detector import Detector, OracleDetector
    from vidkit.benchmark.run import Images, Timing
    from vidkit.benchmark.stopwatch import VideoRun
    from vidkit.data.index import Index
    from vidkit.predictions.table import Predictions, RunInfo


FILE = "predictions.h5"


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
@click.option("--device", default="cpu", show_default=True, help="Where the detector computes, as torch names it.")
@click.option("--checkpoint", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="A file of weights.")
@click.option(
    "--scenario",
    type=click.Choice(["stream", "offline"]),
    default="stream",
    show_default=True,
    help="stream: each frame is timed. offline: whole videos, decoded beforehand.",
)
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Only the first N videos: for a smoke test.")
@click.option("--warm-up", type=click.IntRange(min=0), default=1, show_default=True, help="Videos that aren't timed.")
@click.option("--timeout", type=click.FloatRange(min=0), default=0, help="Longest seconds for one answer; 0: no limit.")
@click.option("--resume", is_flag=True, help="Go on with a run that was interrupted; leave a finished one as it is.")
@click.option("--restart", is_flag=True, help="Throw away an unfinished run, or another run's file, and begin again.")
@click.option(
    "--frames-root",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Where the frames are, if they were moved since the index was made.",
)
@click.option("--blank-frames", is_flag=True, help="Hand over black frames: for detectors that don't look at pixels.")
@json_option
def command(
    name: str,
    index_path: Path | None,
    data_dir: Path,
    runs_dir: Path,
    output: Path | None,
    options: tuple[str, ...],
    device: str,
    checkpoint: Path | None,
    scenario: Literal["stream", "offline"],
    limit: int | None,
    warm_up: int,
    timeout: float,
    resume: bool,
    restart: bool,
    frames_root: Path | None,
    blank_frames: bool,
    as_json: bool,
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
    """
    if resume and restart:
        raise click.UsageError("--resume goes on, --restart begins again: give one of them")
    if Processes.of_torchrun().count > 1 and not resume:
        raise click.UsageError("several processes of torchrun share a run by its parts: give --resume")
    index_file, index = open_index(index_path, data_dir)
    how = How(index, runs_dir, device, checkpoint, scenario, limit, warm_up, timeout, frames_root, blank_frames)
    predictions, output = run_detector(name, options, how, output, resume, restart)
    if predictions is None:
        say("this process's share of the videos is done")
        return
    _report(predictions, index, index_file, output, as_json)


@dataclass(frozen=True)
class How:
    """What the runs of a sweep have in common."""

    index: Index
    runs_dir: Path
    device: str
    checkpoint: Path | None
    scenario: Literal["stream", "offline"]
    limit: int | None
    warm_up: int
    timeout: float
    frames_root: Path | None
    blank_frames: bool


@dataclass(frozen=True)
class Processes:
    """Which of how many processes this is; the first one puts the run together."""

    rank: int = 0
    count: int = 1
    device: int = 0

    @classmethod
    def of_torchrun(cls) -> Processes:
        """Return what torchrun tells by the environment; without it, one process."""
        names = ("RANK", "WORLD_SIZE", "LOCAL_RANK")
        if not all(os.environ.get(name, "").isdecimal() for name in names):
            return cls()
        return cls(*(int(os.environ[name]) for name in names))


def run_detector(
    name: str, options: Sequence[str], how: How, output: Path | None, resume: bool, restart: bool
) -> tuple[Predictions | None, Path]:
    """Run a detector and return its predictions, and where they were written; a finished run is only read.

    Under torchrun the videos are dealt to the processes by length, "cuda" is the process's own card, and only the first
    process returns predictions, once the shares of all are done.
    """
    from vidkit.benchmark.detector import DetectorContext
    from vidkit.benchmark.environment import environment
    from vidkit.benchmark.plugins import make
    from vidkit.benchmark.run import Timing, remove
    from vidkit.predictions.table import RunInfo

    index = how.index
    _find_modules_here()
    processes = Processes.of_torchrun()
    device = f"cuda:{processes.device}" if how.device == "cuda" and processes.count > 1 else how.device
    context = DetectorContext(index.classes, device, how.checkpoint)
    with redirect_stdout(sys.stderr):  # a detector's own printing must not get between the data
        detector, values = make(name, context, options)
        told = replace(context, device=how.device)  # the same in all processes
        stamp = environment(detector, told, index, _plain(values), how.blank_frames)
    if processes.count > 1:
        stamp["processes"] = processes.count
    limited = how.limit is not None and how.limit < index.n_videos
    run = RunInfo(detector.name, _plain(values), stamp, how.scenario, limited)
    output = output or how.runs_dir / _folder(name, options, how.scenario, how.limit if limited else None) / FILE
    predictions = _kept(output, run, index, resume, restart)
    if predictions is not None:
        remove(_parts(output))  # left where a run was killed after its last step but one
        return predictions, output
    videos = range(index.n_videos if how.limit is None else min(how.limit, index.n_videos))
    images = _images(index, videos, how.frames_root, how.blank_frames)
    timing = Timing(how.scenario, how.warm_up, how.timeout)
    return _run(detector, index, images, videos, output, run, timing, resume, restart, processes), output


def _find_modules_here() -> None:
    """Let `module:factory` find modules of the current folder; installed ones come first."""
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.append(here)


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: str(value) if isinstance(value, Path) else value for name, value in values.items()}


def _folder(name: str, options: Sequence[str], scenario: str, limit: int | None) -> str:
    """Return the folder of a run: its detector and what was chosen, with nothing that a path can't hold."""
    extras = [*(["offline"] if scenario == "offline" else []), *([] if limit is None else [f"limit={limit}"])]
    return re.sub(r"[^\w.,=+-]+", "-", "_".join([name, *options, *extras]))[:200]


def _images(index: Index, videos: Sequence[int], root: Path | None, blank: bool) -> Images:
    """Return where frames come from; a FrameError if the index doesn't tell where they are."""
    from vidkit.benchmark.run import blank_frames
    from vidkit.data.frames import frames_of, has_frames
    from vidkit.errors import FrameError

    if blank:
        return blank_frames
    for video in videos:
        if not has_frames(index, video):
            raise FrameError(
                f"video {index.video_name[video]}: the index doesn't tell where its frames are; prepare it again, "
                "or hand over black frames with --blank-frames (the result says so)"
            )
    return lambda index, video: frames_of(index, video, root)


def _kept(output: Path, run: RunInfo, index: Index, resume: bool, restart: bool) -> Predictions | None:
    """Return the finished predictions at `output` if they are to be left; None if the run is to be made.

    Raises ChoiceError if the file is something else, that would be lost.
    """
    from vidkit.benchmark.run import differences, stamp_of
    from vidkit.data.hdf5 import read_predictions
    from vidkit.errors import ChoiceError, FormatError

    if restart or not output.exists():
        return None
    try:
        there = read_predictions(output)
    except FormatError as error:
        raise ChoiceError(f"{error}; give another --output, or --restart to replace it") from None
    differing = differences(
        stamp_of(there.run, there.index_fingerprint) | {"limited": there.run.limited},
        stamp_of(run, index.fingerprint) | {"limited": run.limited},
    )
    if not differing:
        return there if resume else None
    if lost := [said for said in differing if not said.startswith("environment")]:
        raise ChoiceError(
            f"{output} holds another run: {'; '.join(lost)}; give another --output, or --restart to replace it"
        )
    return None


def _run(
    detector: Detector | OracleDetector,
    index: Index,
    images: Images,
    videos: Sequence[int],
    output: Path,
    run: RunInfo,
    timing: Timing,
    resume: bool,
    restart: bool,
    processes: Processes,
) -> Predictions | None:
    from vidkit.benchmark.run import begin, collect, deal, finished, remove, shard_path
    from vidkit.data.hdf5 import write_predictions
    from vidkit.errors import ChoiceError

    parts = _parts(output)
    if not (resume or restart) and any(parts.glob("*.shard")):
        raise ChoiceError(f"{parts}: an unfinished run is there; go on with --resume, or begin again with --restart")
    if not resume:
        remove(parts)
    begin(parts, run, index)
    done = finished(parts, index)
    left = [video for video in deal(videos, index, processes.count)[processes.rank] if video not in done]
    try:
        _run_left(detector, index, images, left, parts, timing, done)
    except BaseException:
        say(f"{len(done)} of {len(videos)} videos are kept in {parts}; --resume goes on from there")
        raise
    if processes.rank:
        return None
    while not done.keys() >= set(videos):  # the other processes are still at work; torchrun ends all if one fails
        time.sleep(0.5)
        if all(shard_path(parts, video).is_file() for video in videos):
            done = finished(parts, index)
    predictions = collect({video: done[video] for video in videos}, run, index)
    write_predictions(output, predictions)
    if set(done) <= set(videos):
        remove(parts)
    return predictions


def _parts(output: Path) -> Path:
    return output.with_name(output.name + ".parts")


def _run_left(
    detector: Detector | OracleDetector,
    index: Index,
    images: Images,
    left: Sequence[int],
    parts: Path,
    timing: Timing,
    done: dict[int, VideoRun],
) -> None:
    """Run what is left, adding it to `done`, with a progress bar."""
    from vidkit.benchmark.run import run_videos

    total = sum(len(index.frames_of(video)) for video in left)
    with progress(detector.name, total, "frames") as advance, redirect_stdout(sys.stderr):
        for video, result in run_videos(detector, index, images, left, parts, timing):
            done[video] = result
            seconds = result.compute_seconds.sum()
            advance(len(result.answers), f"{len(result.answers) / seconds:.1f} frames/s" if seconds else "")


def _report(predictions: Predictions, index: Index, index_file: Path, output: Path, as_json: bool) -> None:
    from vidkit.benchmark.timing import summary

    run, measured = predictions.run, summary(predictions)
    if as_json:
        print_json(
            {
                "format": "vidkit-benchmark",
                "version": 1,
                "output": str(output),
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
    say(f"predictions: {output}")


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
    return facts


def _look_ahead(frames: Mapping[str, Any]) -> str:
    return "no frames" if frames["max"] is None else f"{frames['max']} frames at most, {frames['mean']:.1f} in the mean"


def _times(seconds: Mapping[str, Mapping[str, Any]]) -> list[list[object]]:
    return [
        [f"{which} frames", times["frames"], *(_ms(times[column]) for column in ("mean", "p50", "p90", "p99"))]
        for which, times in seconds.items()
    ]


def _ms(seconds: float | None) -> str:
    return "–" if seconds is None else f"{1000 * seconds:.2f}"
