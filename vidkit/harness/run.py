"""A run: a detector over the videos of an index, kept video by video under `PARTS/`, put together at the end.

stamp = begin(parts, run, index)   # makes the folder, or sees that it belongs to this very run
run_videos(…, parts, stamp=stamp)  # one shard a video; what is there already is `finished(parts, index, stamp)`
predictions = collect(done, run, index)
"""

import hashlib
import json
import logging
import resource
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from vidkit.data.index import Index
from vidkit.detections import Detections
from vidkit.errors import ChoiceError, FormatError, FrameError
from vidkit.files import remove_leftovers, write_text
from vidkit.harness.detector import Detector, Image, OracleDetector
from vidkit.harness.recording import record_weights
from vidkit.harness.shards import read_shard, write_shard
from vidkit.harness.stopwatch import Clock, Scenario, VideoRun, is_total, time_video
from vidkit.keyframes.weight_maps import WeightMaps
from vidkit.predictions.table import FrameTimes, Predictions, RunInfo, from_frames
from vidkit.reading_door import reading

LOG = logging.getLogger(__name__)
FORMAT, VERSION = "vidkit-run", 1

Images = Callable[[Index, int], Iterable[Image]]
"""The frames of a video row, such as `vidkit.data.frames.frames_of`."""


@dataclass(frozen=True)
class Timing:
    """How a run is timed: see `time_video` for scenario, limit and clock.

    The first `warm_up` videos of a process aren't timed. Where no other video would be left, the first one is run twice
    instead, and the second time counts.
    """

    scenario: Scenario = "stream"
    warm_up: int = 1
    limit: float = 0
    clock: Clock = perf_counter


def begin(parts: Path, run: RunInfo, index: Index) -> str:
    """The stamp of a run's shards; makes the folder `parts`, or if it is there, sees that it belongs to the same run.

    Raises ChoiceError, saying what differs, if another run was begun there.
    """
    wanted = stamp_of(run, index.fingerprint)
    stamp = hashlib.blake2b(json.dumps(wanted, sort_keys=True).encode(), digest_size=16).hexdigest()
    remove_leftovers(parts)
    file = parts / "run.json"
    if not file.is_file():
        write_text(file, json.dumps(wanted, indent=2))
        return stamp
    with reading(file, FormatError, "the beginning of a run; begin again with --restart"):
        found = dict(json.loads(file.read_text(encoding="utf-8")))
    if differing := differences(found, wanted):
        raise ChoiceError(f"{parts}: another run was begun there: {'; '.join(differing)}. Begin again with --restart")
    return stamp


def stamp_of(run: RunInfo, index_fingerprint: str) -> dict[str, Any]:
    """Return what must be the same for shards to be of one run; how many videos were asked for needn't be."""
    kept = {name: value for name, value in asdict(run).items() if name not in ("limited", "measured")}
    stamp = {"format": FORMAT, "version": VERSION, "index_fingerprint": index_fingerprint, **kept}
    return dict(json.loads(json.dumps(stamp, default=str)))  # as it is read back


def differences(found: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[str]:
    """Return what differs between two nested mappings, in words."""
    said = []
    for name in sorted({*found, *wanted}):
        old, new = found.get(name), wanted.get(name)
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            said += [f"{name}.{inner}" for inner in differences(old, new)]
        elif old != new:
            said.append(f"{name} was {old!r}, is {new!r}")
    return said


def finished(parts: Path, index: Index, stamp: str = "") -> dict[int, VideoRun]:
    """Return what is done, by video row. A shard that is damaged, of another run or video, isn't done."""
    done = {}
    for video in range(index.n_videos):
        path = shard_path(parts, video)
        if not path.is_file():
            continue
        try:
            run = read_shard(path, stamp)
            if len(run.answers) != len(index.frames_of(video)):
                raise FormatError(
                    f"{path}: holds {len(run.answers)} frames, the video has {len(index.frames_of(video))}"
                )
            if any((answer.class_ids >= index.n_classes).any() for answer in run.answers):
                raise FormatError(f"{path}: holds a class that the index doesn't have")
            done[video] = run
        except FormatError as error:
            LOG.warning("%s; this video is run again", error)
    return done


def deal(videos: Sequence[int], index: Index, processes: int) -> list[list[int]]:
    """Return the share of each process: the longest video left goes to the one that has the fewest frames so far.

    It depends on nothing but its arguments: processes that start at different times agree on it.
    """
    shares: list[list[int]] = [[] for _ in range(processes)]
    frames = [0] * processes
    for video in sorted(videos, key=lambda video: -len(index.frames_of(video))):
        least = frames.index(min(frames))
        shares[least].append(video)
        frames[least] += len(index.frames_of(video))
    return [sorted(share) for share in shares]


def shard_path(parts: Path, video: int) -> Path:
    """Return where the shard of a video row is."""
    return parts / f"{video:06d}.shard"


def run_videos(
    detector: Detector | OracleDetector,
    index: Index,
    images: Images,
    videos: Sequence[int],
    parts: Path,
    timing: Timing | None = None,
    weights: bool = False,
    stamp: str = "",
) -> Iterator[tuple[int, VideoRun]]:
    """Run `detector` over the video rows `videos`, writing a shard for each into `parts`; yield each when it is there.

    With `weights` the weight maps are recorded too, in a second pass over each video that isn't timed.

    Raises DetectorError where the detector fails, FrameError where a frame can't be read; the shards before it stay.
    """
    timing = timing or Timing()
    rehearse = 0 < len(videos) <= timing.warm_up
    if rehearse:
        _run_video(detector, index, images, videos[0], timing)
    for place, video in enumerate(videos):
        run = _run_video(detector, index, images, video, timing)
        run = replace(run, warm_up=not rehearse and place < timing.warm_up)
        if weights:
            recorded = record_weights(detector, images(index, video), index, video, run.answers, timing.limit)
            run = replace(run, keyframes=recorded)
        write_shard(shard_path(parts, video), run, stamp)
        yield video, run


def _run_video(
    detector: Detector | OracleDetector, index: Index, images: Images, video: int, timing: Timing
) -> VideoRun:
    run = time_video(detector, images(index, video), index, video, timing.scenario, timing.limit, timing.clock)
    return replace(run, measured={**run.measured, "peak_memory_bytes": _peak_memory()})


def _peak_memory() -> int:
    """Return the most bytes of main memory that this process held so far."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def collect(done: Mapping[int, VideoRun], run: RunInfo, index: Index) -> Predictions:
    """Return the predictions put together from what was done, by video row.

    Frames of a video that wasn't run have no detections, no times, and count as warm-up.
    """
    runs = [done.get(video) or _not_run(len(index.frames_of(video))) for video in range(index.n_videos)]
    times = FrameTimes(
        _joined([r.compute_seconds for r in runs], np.float64),
        _joined([r.decode_seconds for r in runs], np.float64),
        _joined([r.look_ahead for r in runs], np.int32),
        _joined([np.full(len(r.answers), r.warm_up) for r in runs], np.bool_),
    )
    run = replace(run, measured=_measured(done.values()))
    return from_frames((answer for r in runs for answer in r.answers), index.fingerprint, times, run)


def collect_weights(done: Mapping[int, VideoRun], predictions: Predictions, index: Index) -> WeightMaps:
    """Return the weight maps put together from what was done and recorded, by video row.

    predictions: of the same run, as `collect` returns them.
    """
    videos = [(int(index.frame_start[video]), key) for video in sorted(done) for key in done[video].keyframes or ()]
    keys = [key for _, key in videos]
    return WeightMaps(
        frame=np.array([start + key.frame for start, key in videos], np.int64),
        map_size=np.array([key.weight.shape for key in keys], np.int32).reshape(-1, 2),
        weight=_joined([key.weight.ravel() for key in keys], np.float16),
        cell=np.array([key.cell for key in keys], np.float64),
        share_start=np.cumsum([0, *(len(key.shares) for key in keys)]).astype(np.int64),
        share=_joined([key.shares for key in keys], np.float32),
        index_fingerprint=index.fingerprint,
        predictions_fingerprint=predictions.fingerprint,
        run=predictions.run,
    )


def _joined(columns: Sequence[Any], dtype: type) -> Any:
    return np.concatenate([np.zeros(0, dtype), *columns]).astype(dtype)


def _not_run(n: int) -> VideoRun:
    unknown = np.full(n, np.nan)
    return VideoRun((Detections.none(),) * n, unknown, unknown, np.zeros(n, np.int32), warm_up=True)


def _measured(runs: Iterable[VideoRun]) -> dict[str, float]:
    """Return totals added up over the videos that were timed, and peaks over all."""
    measured: dict[str, float] = {}
    for run in runs:
        for name, value in run.measured.items():
            if not is_total(name):
                measured[name] = max(measured.get(name, value), value)
            elif not run.warm_up:
                measured[name] = measured.get(name, 0.0) + value
    return measured


def clear(parts: Path) -> None:
    """Remove what a run keeps in its folder, for another to begin there."""
    for file in [*parts.glob("*.shard"), *parts.glob("*.part"), parts / "run.json"]:
        file.unlink(missing_ok=True)


def remove(parts: Path) -> None:
    """Remove the folder of a run that was put together; other files in it stay, and so does it."""
    clear(parts)
    if parts.is_dir() and not any(parts.iterdir()):
        parts.rmdir()


def blank_frames(index: Index, video: int) -> Iterator[Image]:
    """Yield a black image of the right size for each frame of a video: for detectors that don't look at pixels."""
    width, height = (int(side) for side in index.video_size[video])
    if not width or not height:
        raise FrameError(f"video {index.video_name[video]}: the index doesn't tell its size; it can't be left blank")
    for _ in index.frames_of(video):
        yield np.zeros((height, width, 3), np.uint8)
