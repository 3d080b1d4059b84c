"""Running a detector for `vidkit benchmark` and `vidkit sweep`: resumed, dealt to processes, scored while it runs."""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import click

from .console import progress, say
from .partial_scores import partial_score

if TYPE_CHECKING:
    from vidkit.benchmark.detector import Detector, OracleDetector
    from vidkit.benchmark.run import Images
    from vidkit.benchmark.stopwatch import VideoRun
    from vidkit.data.index import Index
    from vidkit.predictions.table import Predictions, RunInfo

FILE = "predictions.h5"

Command = TypeVar("Command", bound=Callable[..., Any])

_HOW_OPTIONS = (
    click.option("--device", default="cpu", show_default=True, help="Where the detector computes, as torch names it."),
    click.option(
        "--checkpoint", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="A file of weights."
    ),
    click.option(
        "--scenario",
        type=click.Choice(["stream", "offline"]),
        default="stream",
        show_default=True,
        help="stream: each frame is timed. offline: whole videos, decoded beforehand.",
    ),
    click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Only the first N videos: for a smoke test."),
    click.option(
        "--warm-up", type=click.IntRange(min=0), default=1, show_default=True, help="Videos that aren't timed."
    ),
    click.option(
        "--timeout", type=click.FloatRange(min=0), default=0, help="Longest seconds for one answer; 0: no limit."
    ),
    click.option("--record-weights", is_flag=True, help="Keep the weight maps of keyframes too; docs/benchmarking.md."),
    click.option(
        "--frames-root",
        type=click.Path(exists=True, file_okay=False, path_type=Path),
        help="Where the frames are, if they were moved since the index was made.",
    ),
    click.option(
        "--blank-frames", is_flag=True, help="Hand over black frames: for detectors that don't look at pixels."
    ),
)


def how_options(command: Command) -> Command:
    """Give a command the options that a run has; its function takes them as the fields of `How`, by name."""
    for option in reversed(_HOW_OPTIONS):
        command = option(command)
    return command


@dataclass(frozen=True)
class How:
    """What was chosen for a run, or for all runs of a sweep."""

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
    record_weights: bool = False
    score_every: int | None = None


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
    from vidkit.benchmark.recording import weighing
    from vidkit.benchmark.run import remove
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
    if how.record_weights:
        weighing(detector)
        stamp["recorded"] = "weight maps"
    if processes.count > 1:
        stamp["processes"] = processes.count
    limited = how.limit is not None and how.limit < index.n_videos
    run = RunInfo(detector.name, _plain(values), stamp, how.scenario, limited)
    output = output or how.runs_dir / _folder(name, options, how.scenario, how.limit if limited else None) / FILE
    predictions = _kept(output, run, index, resume, restart)
    if predictions is not None:
        remove(parts_folder(output))  # left where a run was killed after its last step but one
        return predictions, output
    if processes.rank == 0:
        _say_classes(stamp)
    videos = range(index.n_videos if how.limit is None else min(how.limit, index.n_videos))
    job = _Job(detector, how, _images(how, videos), videos, output, run, processes)
    return _run(job, resume, restart), output


def _say_classes(stamp: Mapping[str, Any]) -> None:
    """Say which of a detector's classes are which of the index's, where it tells: nobody may overlook what is lost."""
    for name in ("matched", "missing", "dropped"):
        if f"classes_{name}" in stamp:
            say(f"classes {name}: {stamp[f'classes_{name}']}")


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


def _images(how: How, videos: Sequence[int]) -> Images:
    """Return where frames come from; a FrameError if the index doesn't tell where they are."""
    from vidkit.benchmark.run import blank_frames
    from vidkit.data.frames import frames_of, has_frames
    from vidkit.errors import FrameError

    if how.blank_frames:
        return blank_frames
    for video in videos:
        if not has_frames(how.index, video):
            raise FrameError(
                f"video {how.index.video_name[video]}: the index doesn't tell where its frames are; prepare it again, "
                "or hand over black frames with --blank-frames (the result says so)"
            )
    return lambda index, video: frames_of(index, video, how.frames_root)


def _kept(output: Path, run: RunInfo, index: Index, resume: bool, restart: bool) -> Predictions | None:
    """Return the finished predictions at `output` if they are to be left; None if the run is to be made.

    Raises ChoiceError if the file is something else, that would be lost.
    """
    from vidkit.benchmark.run import differences, stamp_of
    from vidkit.errors import ChoiceError, FormatError
    from vidkit.predictions.predictions_file import read_predictions

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
        whole = "recorded" not in run.environment or weights_file(output).is_file()
        return there if resume and whole else None
    if lost := [said for said in differing if not said.startswith("environment")]:
        raise ChoiceError(
            f"{output} holds another run: {'; '.join(lost)}; give another --output, or --restart to replace it"
        )
    return None


@dataclass(frozen=True, eq=False)
class _Job:
    """A run, as this process has it to do."""

    detector: Detector | OracleDetector
    how: How
    images: Images
    videos: Sequence[int]
    """All of the run's, whoever does them."""
    output: Path
    run: RunInfo
    processes: Processes

    @property
    def parts(self) -> Path:
        """Where the shards are."""
        return parts_folder(self.output)


def _run(job: _Job, resume: bool, restart: bool) -> Predictions | None:
    from vidkit.benchmark.run import begin, deal, finished, remove, shard_path
    from vidkit.errors import ChoiceError

    index, parts, processes = job.how.index, job.parts, job.processes
    if not (resume or restart) and any(parts.glob("*.shard")):
        raise ChoiceError(f"{parts}: an unfinished run is there; go on with --resume, or begin again with --restart")
    if not resume:
        remove(parts)
    begin(parts, job.run, index)
    done = finished(parts, index)
    left = [video for video in deal(job.videos, index, processes.count)[processes.rank] if video not in done]
    try:
        _run_left(job, left, done)
    except BaseException:
        say(f"{len(done)} of {len(job.videos)} videos are kept in {parts}; --resume goes on from there")
        raise
    if processes.rank:
        return None
    while not done.keys() >= set(job.videos):  # the others are still at work; torchrun ends all if one fails
        time.sleep(0.5)
        if all(shard_path(parts, video).is_file() for video in job.videos):
            done = finished(parts, index)
    predictions = _write(job, {video: done[video] for video in job.videos})
    if set(done) <= set(job.videos):
        remove(parts)
    return predictions


def _write(job: _Job, done: Mapping[int, VideoRun]) -> Predictions:
    """Write what the videos of a run come to, the predictions last: once they are there the run is finished."""
    from vidkit.benchmark.run import collect, collect_weights
    from vidkit.keyframes.weight_maps_file import write_weight_maps
    from vidkit.predictions.predictions_file import write_predictions

    predictions = collect(done, job.run, job.how.index)
    if job.how.record_weights:
        write_weight_maps(weights_file(job.output), collect_weights(done, predictions, job.how.index))
    write_predictions(job.output, predictions)
    return predictions


def parts_folder(output: Path) -> Path:
    """Return where the shards of an unfinished run are."""
    return output.with_name(output.name + ".parts")


def weights_file(output: Path) -> Path:
    """Return where the weight maps of a run are, whose predictions are at `output`."""
    return output.with_suffix(".weights.h5")


def _run_left(job: _Job, left: Sequence[int], done: dict[int, VideoRun]) -> None:
    """Run what is left, adding it to `done`, with a progress bar and the scores so far."""
    from vidkit.benchmark.run import Timing, run_videos

    how, index = job.how, job.how.index
    timing = Timing(how.scenario, how.warm_up, how.timeout)
    total = sum(len(index.frames_of(video)) for video in left)
    with progress(job.detector.name, total, "frames") as advance, redirect_stdout(sys.stderr):
        results = run_videos(job.detector, index, job.images, left, job.parts, timing, how.record_weights)
        for video, result in results:
            done[video] = result
            seconds = result.compute_seconds.sum()
            advance(len(result.answers), f"{len(result.answers) / seconds:.1f} frames/s" if seconds else "")
            if how.score_every and not job.processes.rank and len(done) % how.score_every == 0:
                say(partial_score(done, index, len(job.videos)))
