"""Large data: seconds, peaks of memory, and what the harness costs a frame.

    python benchmarks/load.py             # all cases at their full size: some minutes, up to 4 GB
    python benchmarks/load.py --share 0.01

Each case runs in a process of its own, whose peak of memory is printed. `eval` is 1.1 million frames with 50 million
detections; `long` one video of 500 000 frames; `harness` an index of VID val's size, 555 videos and 176 126 frames,
with a detector that does nothing; `soak` the same detector over one endless video for --minutes, its memory watched.
"""

import argparse
import multiprocessing
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np

from vidkit.classes import VID_CLASSES
from vidkit.data.index import Index
from vidkit.detections import Detections
from vidkit.evaluation.evaluate import evaluate
from vidkit.harness.detector import Image
from vidkit.harness.run import Timing, begin, collect, run_videos
from vidkit.harness.stopwatch import time_video
from vidkit.predictions.predictions_file import read_predictions, write_predictions
from vidkit.predictions.table import Predictions, RunInfo

ONE = np.zeros((120, 160, 3), np.uint8)


def made_index(videos: int, frames: int, boxes: int = 1) -> Index:
    """An index of `boxes` tracks a video, each seen in all of its frames."""
    f, n = videos * frames, videos * frames * boxes
    corner = np.random.default_rng(0).uniform(0, 60, (n, 2)).astype(np.float32)
    return Index(
        dataset="load",
        split="val",
        classes=VID_CLASSES,
        video_name=tuple(f"video_{v:06d}" for v in range(videos)),
        video_size=np.tile(np.array([160, 120], np.int32), (videos, 1)),
        frame_start=np.arange(videos + 1, dtype=np.int64) * frames,
        frame_number=np.tile(np.arange(frames, dtype=np.int32), videos),
        instance_start=np.arange(f + 1, dtype=np.int64) * boxes,
        box=np.concatenate([corner, corner + 40], axis=1),
        class_id=(np.arange(n) // (frames * boxes) % len(VID_CLASSES)).astype(np.int16),
        track_id=np.tile(np.arange(boxes, dtype=np.int32), f),
        occluded=np.zeros(n, bool),
        generated=np.zeros(n, bool),
    )


def made_predictions(index: Index, each: int) -> Predictions:
    """`each` detections a frame, at random."""
    rng, n = np.random.default_rng(1), index.n_frames * each
    corner = rng.uniform(0, 60, (n, 2)).astype(np.float32)
    return Predictions(
        detection_start=np.arange(index.n_frames + 1, dtype=np.int64) * each,
        box=np.concatenate([corner, corner + 40], axis=1),
        score=rng.random(n, np.float32),
        class_id=rng.integers(0, len(VID_CLASSES), n).astype(np.int16),
        index_fingerprint=index.fingerprint,
    )


class Nothing:
    """A detector that sees nothing, at once."""

    name = "nothing"

    def detect(self, frames: Iterable[Image]) -> Iterator[Detections]:
        """Yield no detections for each frame."""
        return (Detections.none() for _ in frames)

    def synchronize(self) -> None:
        """There is nothing to wait for."""


def evaluated(share: float, minutes: float) -> str:
    """Write, read and evaluate many detections."""
    index = made_index(max(int(11_000 * share), 1), 100)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "p.h5"
        write_predictions(path, made_predictions(index, 45))
        return f"{_scored(index, path)}, {index.n_frames} frames, {45 * index.n_frames} detections"


def _scored(index: Index, path: Path) -> str:
    start = time.process_time()
    result = evaluate(index, read_predictions(path), by=("motion",))
    return f"{time.process_time() - start:.1f} s of the processor, mAP {result.mean_ap:.4f}"


def long_video(share: float, minutes: float) -> str:
    """One video of many frames."""
    index = made_index(1, max(int(500_000 * share), 10))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "p.h5"
        write_predictions(path, made_predictions(index, 3))
        return f"{_scored(index, path)}, {index.n_frames} frames"


def harness(share: float, minutes: float) -> str:
    """What it costs to hand over a frame and to keep the answer, shards and all."""
    videos = max(int(555 * share), 2)
    index = made_index(videos, 317)
    with tempfile.TemporaryDirectory() as folder:
        parts, run = Path(folder) / "parts", RunInfo("nothing")
        stamp = begin(parts, run, index)
        early, start = 0, time.process_time()
        done = {}
        images = lambda index, video: (ONE for _ in index.frames_of(video))  # noqa: E731
        for video, result in run_videos(Nothing(), index, images, range(videos), parts, Timing(warm_up=0), stamp=stamp):
            done[video] = result
            early = _peak() if video == videos // 4 else early
        seconds = time.process_time() - start
        collect(done, run, index)
    each = 1e6 * seconds / index.n_frames
    peaks = f"peak {early} MB after a quarter, {_peak()} MB at the end"
    return f"{each:.1f} µs of the processor a frame, {index.n_frames} frames; {peaks}"


def soak(share: float, minutes: float) -> str:
    """One endless video: the memory must not grow with it."""
    told, until = [], time.monotonic() + 60 * minutes
    while time.monotonic() < until:
        index = made_index(1, 20_000, 0)
        time_video(Nothing(), (ONE for _ in range(20_000)), index, 0)
        told.append(_now())
    memory = f"memory {told[0]} MB at first, {max(told)} at most, {told[-1]} at last"
    return f"{len(told) * 20_000} frames in {minutes:g} minutes; {memory}"


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def _now() -> int:
    pages = Path("/proc/self/statm")
    return int(pages.read_text().split()[1]) * resource.getpagesize() // 2**20 if pages.is_file() else _peak()


CASES: dict[str, Callable[[float, float], str]] = {
    "eval": evaluated,
    "long": long_video,
    "harness": harness,
    "soak": soak,
}


def _case(name: str, share: float, minutes: float) -> None:
    print(f"{name:<8} {CASES[name](share, minutes)}; peak {_peak()} MB", flush=True)


def main() -> int:
    """Run the cases."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=CASES)
    parser.add_argument("--share", type=float, default=1.0, help="of the full size")
    parser.add_argument("--minutes", type=float, default=60.0, help="of the soak")
    given = parser.parse_args()
    context, codes = multiprocessing.get_context("spawn"), []
    for name in [given.only] if given.only else CASES:
        process = context.Process(target=_case, args=(name, given.share, given.minutes))
        process.start()
        process.join()
        codes.append(process.exitcode)
    return int(any(codes))


if __name__ == "__main__":
    sys.exit(main())
