"""Does the harness time right, and what does it cost itself?

A fake detector sleeps known times for key and other frames, with a central keyframe and frames that take known times to
decode. Printed: what the harness measured against what was slept, and the harness's own cost beside a bare loop over
the same detector, in one run, on this machine.

    python benchmarks/harness.py
"""

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from statistics import median

import numpy as np

from vidkit.classes import ObjectClass
from vidkit.data.index import Index
from vidkit.detections import Detections
from vidkit.harness.environment import cpu_model
from vidkit.harness.run import collect
from vidkit.harness.stopwatch import time_video
from vidkit.harness.timing import summary
from vidkit.predictions.table import RunInfo

VIDEOS, FRAMES, LENGTH, KEY_ID = 4, 60, 10, 5
KEY_SECONDS, SECONDS, DECODE_SECONDS = 0.060, 0.010, 0.005
IMAGE = np.zeros((480, 640, 3), np.uint8)
BOXES = np.tile(np.array([10, 10, 50, 50], np.float32), (100, 1))
ANSWER = (BOXES, np.linspace(0, 1, 100, dtype=np.float32), np.zeros(100, np.int64))


@dataclass
class Sleeping:
    """Sleeps for each keyframe and each answer, and keeps what it really slept."""

    length: int = LENGTH
    key_id: int = KEY_ID
    key_seconds: float = KEY_SECONDS
    spinning: bool = False  # compute in place of sleeping, as a detector does
    name: str = "sleeping"
    slept: float = 0.0

    def detect(self, frames: Iterable[np.ndarray]) -> Iterator[Detections]:
        """Yield a hundred boxes for each frame."""
        source = iter(frames)
        while head := list(islice(source, self.key_id + 1)):
            self.sleep(self.key_seconds)
            for place in range(len(head)):
                yield self.answer(len(head) - 1 - place)
            for place, _ in enumerate(islice(source, self.length - len(head))):
                yield self.answer(-1 - place)

    def answer(self, distance: int) -> Detections:
        """Sleep for one answer and return it."""
        self.sleep(SECONDS)
        return Detections(*ANSWER, distance == 0, distance)

    def sleep(self, seconds: float) -> None:
        """Sleep, and keep how long it was."""
        start = time.perf_counter()
        if self.spinning:
            while time.perf_counter() - start < seconds:
                pass
        elif seconds:
            time.sleep(seconds)
        self.slept += time.perf_counter() - start

    def synchronize(self) -> None:
        """Wait for nothing."""


def frames() -> Iterator[np.ndarray]:
    """Yield the frames of a video, each a known time to decode."""
    for _ in range(FRAMES):
        time.sleep(DECODE_SECONDS)
        yield IMAGE


def make_index() -> Index:
    """Return an index without boxes."""
    n, none, flags = VIDEOS * FRAMES, np.zeros(0), np.zeros(0, bool)
    names, sizes = tuple(map(str, range(VIDEOS))), np.full((VIDEOS, 2), 480, np.int32)
    return Index(
        "made", "val", (ObjectClass("thing", "thing"),), names, sizes,
        np.arange(VIDEOS + 1) * FRAMES, np.tile(np.arange(FRAMES, dtype=np.int32), VIDEOS), np.zeros(n + 1, np.int64),
        np.zeros((0, 4), np.float32), none.astype(np.int16), none.astype(np.int32), flags, flags,
    )  # fmt: skip


def accuracy(index: Index) -> None:
    """Print what was measured against what was slept."""
    detector = Sleeping()
    runs = {video: time_video(detector, frames(), index, video) for video in range(VIDEOS)}
    found = summary(collect(runs, RunInfo("sleeping", scenario="stream"), index))
    seconds, n = found["seconds"], VIDEOS * FRAMES
    print(f"{'':24}{'known':>10}{'measured':>10}{'ratio':>8}")
    for what, known, measured in (
        ("key frame answers, ms", 1e3 * SECONDS, 1e3 * seconds["key"]["mean"]),
        ("other, waiting for key", 1e3 * (SECONDS + KEY_SECONDS), 1e3 * seconds["new key"]["mean"]),
        ("all, mean, ms", 1e3 * (SECONDS + KEY_SECONDS / LENGTH), 1e3 * seconds["all"]["mean"]),
        ("all, really slept, ms", 1e3 * detector.slept / n, 1e3 * seconds["all"]["mean"]),
        ("frames per second", 1 / (SECONDS + KEY_SECONDS / LENGTH), found["frames_per_second"]),
        ("decoding, ms", 1e3 * DECODE_SECONDS, 1e3 * found["decode_seconds"]),
        ("look-ahead, most", KEY_ID, found["look_ahead"]["max"]),
        ("look-ahead, mean", sum(range(KEY_ID + 1)) / LENGTH, found["look_ahead"]["mean"]),
    ):
        print(f"{what:24}{known:10.3f}{measured:10.3f}{measured / known:8.3f}")


def cost(index: Index) -> None:
    """Print what the harness adds to each frame of a detector that computes for 10 ms, and to its compute time."""
    detector = Sleeping(length=1, key_id=0, key_seconds=0.0, spinning=True)
    added, counted = [], []
    for _ in range(5):
        detector.slept = 0.0
        start = time.perf_counter()
        for _ in detector.detect(IMAGE for _ in range(FRAMES)):
            pass
        bare = time.perf_counter() - start - detector.slept
        detector.slept = 0.0
        start = time.perf_counter()
        run = time_video(detector, (IMAGE for _ in range(FRAMES)), index, 0)
        added.append((time.perf_counter() - start - detector.slept - bare) / FRAMES)
        counted.append((run.compute_seconds.sum() - detector.slept - bare) / FRAMES)
    for what, values in (("added to a frame", added), ("of it in its compute time", counted)):
        print(f"{what:26}{1e6 * median(values):8.1f} µs = {100 * median(values) / SECONDS:.2f} % of 10 ms")


def main() -> None:
    """Measure both."""
    index = make_index()
    print(f"{cpu_model()}, {VIDEOS} videos of {FRAMES} frames, l = {LENGTH}, keyframe {KEY_ID}\n")
    accuracy(index)
    print()
    cost(index)


if __name__ == "__main__":
    main()
