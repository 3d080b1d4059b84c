"""`benchmark`: a detector over an index, timed; resumed where it stopped, dealt to processes, scored while it runs."""

import logging
import time
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from vidkit.data.film import MOST_PIXELS
from vidkit.data.frames import frames_of, has_frames
from vidkit.data.index import Index
from vidkit.data.index_file import read_index
from vidkit.errors import ArgumentError, ChoiceError, FormatError, FrameError
from vidkit.files import only_writer
from vidkit.harness.detector import Detector, DetectorContext, OracleDetector
from vidkit.harness.environment import environment
from vidkit.harness.plugins import make, request
from vidkit.harness.recording import weighing
from vidkit.harness.run import (
    Images,
    Timing,
    begin,
    blank_frames,
    clear,
    collect,
    collect_weights,
    deal,
    differences,
    finished,
    remove,
    run_videos,
    shard_path,
    stamp_of,
)
from vidkit.harness.stopwatch import Scenario, VideoRun
from vidkit.keyframes.weight_maps_file import write_weight_maps
from vidkit.predictions.predictions_file import read_predictions, write_predictions
from vidkit.predictions.table import Predictions, RunInfo
from vidkit.progress import ShowProgress, no_progress
from vidkit.runs.choosing import Tell, choose_index
from vidkit.runs.finished_run import FinishedRun
from vidkit.runs.folder import PREDICTIONS, parts_folder, run_name, weight_maps_file
from vidkit.runs.partial_score import partial_score

LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Share:
    """Which of how many processes this is, and the card that it has; the first one puts the run together."""

    rank: int = 0
    count: int = 1
    card: int = 0


@dataclass(frozen=True)
class RunSettings:
    """What is chosen for a run, or for all runs of a sweep, beside the detector and its options."""

    device: str = "cpu"
    checkpoint: Path | None = None
    scenario: Scenario = "stream"
    """stream: each frame is timed. offline: whole videos, decoded beforehand."""
    limit: int | None = None
    """Only the first so many videos."""
    warm_up: int = 1
    timeout: float = 0
    """The longest seconds for one answer; 0: no limit."""
    record_weights: bool = False
    frames_root: Path | None = None
    blank_frames: bool = False
    most_pixels: int = MOST_PIXELS
    """Of one frame; a larger one is refused."""

    def __post_init__(self) -> None:
        """Refuse numbers out of range."""
        if self.scenario not in ("stream", "offline"):
            raise ArgumentError(f"scenario {self.scenario!r}: wanted stream or offline")
        for name, least in (("limit", 1), ("warm_up", 0), ("timeout", 0), ("most_pixels", 1)):
            value = getattr(self, name)
            if value is not None and not value >= least:
                raise ArgumentError(f"{name} {value}: wanted {least} or more")


def benchmark(
    detector: str,
    index: Index | str | Path | None = None,
    *,
    options: Mapping[str, Any] | Sequence[str] = (),
    output: str | Path | None = None,
    data_dir: str | Path = "vidkit-data",
    runs_dir: str | Path = "runs",
    resume: bool = False,
    restart: bool = False,
    score_every: int | None = None,
    share: Share = Share(),
    tell: Tell = LOG.info,
    show_progress: ShowProgress = no_progress,
    **settings: Any,
) -> FinishedRun:
    """A detector run over an index, and its predictions written to `output`; a finished run is only read on `resume`.

    Args:
        detector: the name of an installed detector, or module:factory.
        index: an index, or its file; by default the one in `data_dir`, see `vidkit.runs.choosing`.
        options: of the detector, as {"length": 5} or ["length=5"].
        output: predictions.h5; by default `runs_dir`/DETECTOR-AND-OPTIONS/predictions.h5.
        resume: go on with an interrupted run; leave a finished one as it is.
        restart: throw away an unfinished run, or another run's file, and begin again.
        score_every: after so many videos each, `tell` is told the mean AP so far.
        share: of several processes that share the run by its parts. "cuda" is then the process's own card, and only the
            first process returns predictions, once the shares of all are done.
        settings: the fields of `RunSettings`, such as device="cuda" or limit=3.

    Raises DetectorError for a detector or an option that there isn't, before anything else is looked at; ChoiceError
    where another or an unfinished run lies at `output`; FrameError where frames are missing.
    """
    if resume and restart:
        raise ArgumentError("--resume goes on, --restart begins again: give one of them")
    if share.count > 1 and not resume:
        raise ArgumentError("several processes of torchrun share a run by its parts: give --resume")
    chosen, texts = RunSettings(**settings), option_texts(options)
    request(detector, texts)
    file = None
    if not isinstance(index, Index):
        file = choose_index(None if index is None else Path(index), Path(data_dir), tell=tell)
        index = read_index(file)
    job = _prepared(detector, texts, index, chosen, share, Path(runs_dir), output)
    predictions = _kept(job, resume, restart)
    if predictions is not None:
        remove(job.parts)  # left where a run was killed after its last step but one
    else:
        if share.rank == 0:
            _tell_classes(job.run.environment, tell)
        predictions = _run(job, resume, restart, score_every, tell, show_progress)
    return FinishedRun(predictions, job.output, index, file)


def option_texts(options: Mapping[str, Any] | Sequence[str]) -> list[str]:
    """A detector's options as they are typed, such as "length=5"."""
    if not isinstance(options, Mapping):
        return list(options)
    return [f"{name}={'none' if value is None else value}" for name, value in options.items()]


@dataclass(frozen=True, eq=False)
class _Job:
    """A run, as this process has it to do."""

    detector: Detector | OracleDetector
    index: Index
    settings: RunSettings
    videos: Sequence[int]
    """All of the run's, whoever does them."""
    output: Path
    run: RunInfo
    share: Share

    @property
    def parts(self) -> Path:
        """Where the shards are."""
        return parts_folder(self.output)


def _prepared(
    name: str,
    options: Sequence[str],
    index: Index,
    chosen: RunSettings,
    share: Share,
    runs_dir: Path,
    output: str | Path | None,
) -> _Job:
    """The detector made, and what is to be done with it."""
    device = f"cuda:{share.card}" if chosen.device == "cuda" and share.count > 1 else chosen.device
    context = DetectorContext(index.classes, device, chosen.checkpoint)
    detector, values = make(name, context, options)
    told = replace(context, device=chosen.device)  # the same in all processes
    plain = {option: str(value) if isinstance(value, Path) else value for option, value in values.items()}
    stamp = environment(detector, told, index, plain, chosen.blank_frames)
    if chosen.record_weights:
        weighing(detector)
        stamp["recorded"] = "weight maps"
    if share.count > 1:
        stamp["processes"] = share.count
    limited = chosen.limit is not None and chosen.limit < index.n_videos
    videos = range(index.n_videos if chosen.limit is None else min(chosen.limit, index.n_videos))
    folder = run_name(name, options, chosen.scenario, chosen.limit if limited else None)
    return _Job(
        detector=detector,
        index=index,
        settings=chosen,
        videos=videos,
        output=Path(output) if output is not None else runs_dir / folder / PREDICTIONS,
        run=RunInfo(detector.name, plain, stamp, chosen.scenario, limited),
        share=share,
    )


def _tell_classes(stamp: Mapping[str, Any], tell: Tell) -> None:
    """Tell which of a detector's classes are which of the index's: nobody may overlook what is lost."""
    for name in ("matched", "missing", "dropped"):
        if f"classes_{name}" in stamp:
            tell(f"classes {name}: {stamp[f'classes_{name}']}")


def _images(job: _Job) -> Images:
    """Where frames come from; a FrameError if the index doesn't tell where they are."""
    if job.settings.blank_frames:
        return blank_frames
    for video in job.videos:
        if not has_frames(job.index, video):
            raise FrameError(
                f"video {job.index.video_name[video]}: the index doesn't tell where its frames are; prepare it again, "
                "or hand over black frames with --blank-frames (the result says so)"
            )
    return lambda index, video: frames_of(index, video, job.settings.frames_root, most_pixels=job.settings.most_pixels)


def _kept(job: _Job, resume: bool, restart: bool) -> Predictions | None:
    """The finished predictions if they are to be left; None if the run is to be made.

    Raises ChoiceError if the file is something else, that would be lost.
    """
    output, run = job.output, job.run
    if restart or not output.exists():
        return None
    try:
        there = read_predictions(output)
    except FormatError as error:
        raise ChoiceError(f"{error}; give another --output, or --restart to replace it") from None
    differing = differences(
        stamp_of(there.run, there.index_fingerprint) | {"limited": there.run.limited},
        stamp_of(run, job.index.fingerprint) | {"limited": run.limited},
    )
    if not differing:
        whole = "recorded" not in run.environment or weight_maps_file(output).is_file()
        return there if resume and whole else None
    if lost := [said for said in differing if not said.startswith("environment")]:
        raise ChoiceError(
            f"{output} holds another run: {'; '.join(lost)}; give another --output, or --restart to replace it"
        )
    return None


def _run(
    job: _Job, resume: bool, restart: bool, score_every: int | None, tell: Tell, show: ShowProgress
) -> Predictions | None:
    """The predictions of all videos, once all shares are done; None where another process puts them together."""
    images = _images(job)
    with nullcontext() if job.share.rank else only_writer(job.parts):
        return _run_alone(job, images, resume, restart, score_every, tell, show)


def _run_alone(
    job: _Job, images: Images, resume: bool, restart: bool, score_every: int | None, tell: Tell, show: ShowProgress
) -> Predictions | None:
    """The same, where no other run writes into the parts."""
    parts, share = job.parts, job.share
    if not (resume or restart) and any(parts.glob("*.shard")):
        raise ChoiceError(f"{parts}: an unfinished run is there; go on with --resume, or begin again with --restart")
    if not resume:
        clear(parts)
    stamp = begin(parts, job.run, job.index)
    done = finished(parts, job.index, stamp)
    left = [video for video in deal(job.videos, job.index, share.count)[share.rank] if video not in done]
    try:
        _run_left(job, images, left, done, score_every, tell, show, stamp)
    except BaseException:
        tell(f"{len(done)} of {len(job.videos)} videos are kept in {parts}; --resume goes on from there")
        raise
    if share.rank:
        return None
    while not done.keys() >= set(job.videos):  # the others are still at work; torchrun ends all if one fails
        time.sleep(0.5)
        if all(shard_path(parts, video).is_file() for video in job.videos):
            done = finished(parts, job.index, stamp)
    predictions = _write(job, {video: done[video] for video in job.videos})
    if set(done) <= set(job.videos):
        remove(parts)
    return predictions


def _run_left(
    job: _Job,
    images: Images,
    left: Sequence[int],
    done: dict[int, VideoRun],
    score_every: int | None,
    tell: Tell,
    show: ShowProgress,
    stamp: str,
) -> None:
    """Run what is left, adding it to `done`, with progress and the scores so far."""
    chosen, index = job.settings, job.index
    timing = Timing(chosen.scenario, chosen.warm_up, chosen.timeout)
    total = sum(len(index.frames_of(video)) for video in left)
    with show(job.detector.name, total, "frames") as advance:
        results = run_videos(job.detector, index, images, left, job.parts, timing, chosen.record_weights, stamp)
        for video, result in results:
            done[video] = result
            seconds = result.compute_seconds.sum()
            advance(len(result.answers), f"{len(result.answers) / seconds:.1f} frames/s" if seconds else "")
            if score_every and not job.share.rank and len(done) % score_every == 0:
                tell(partial_score(done, index, len(job.videos)))


def _write(job: _Job, done: Mapping[int, VideoRun]) -> Predictions:
    """Write what the videos of a run add up to, the predictions last: once they are there the run is finished."""
    predictions = collect(done, job.run, job.index)
    if job.settings.record_weights:
        write_weight_maps(weight_maps_file(job.output), collect_weights(done, predictions, job.index))
    write_predictions(job.output, predictions)
    return predictions
