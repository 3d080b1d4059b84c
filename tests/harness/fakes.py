"""A clock that only moves when told to, and detectors that move it by known amounts."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice

import numpy as np

from vidkit.data.index import Index
from vidkit.detections import Detections
from vidkit.harness.detector import Image


@dataclass
class FakeClock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now

    def pass_(self, seconds: float) -> None:
        self.now += seconds


def decoded(index: Index, video: int, clock: FakeClock, seconds: float = 0.0) -> Iterator[Image]:
    """Frames that hold their own number, each `seconds` to decode."""
    for number, _ in enumerate(index.frames_of(video)):
        clock.pass_(seconds)
        yield np.full((240, 320, 3), number, np.uint8)


@dataclass
class Timed:
    """A keyframe detector with known costs: `key_seconds` for a keyframe, `seconds` for each answer.

    With `asynchronous` the work is only queued, and done when the harness synchronises.
    """

    clock: FakeClock
    seconds: float = 0.001
    key_seconds: float = 0.0
    length: int = 1
    key_id: int = 0
    setup: float = 0.0
    tail: float = 0.0
    asynchronous: bool = False
    name: str = "timed"
    queued: list[float] = field(default_factory=list)

    def detect(self, frames: Iterable[Image]) -> Iterator[Detections]:
        source = iter(frames)
        self.work(self.setup)
        while head := list(islice(source, self.key_id + 1)):
            key = len(head) - 1
            self.work(self.key_seconds)
            for place in range(key + 1):
                yield self.answer(key - place)
            for place, _ in enumerate(islice(source, self.length - len(head)), start=key + 1):
                yield self.answer(key - place)
        self.work(self.tail)

    def answer(self, distance: int) -> Detections:
        self.work(self.seconds)
        nothing = Detections.none()
        return Detections(nothing.boxes, nothing.scores, nothing.class_ids, distance == 0, distance)

    def work(self, seconds: float) -> None:
        if self.asynchronous:
            self.queued.append(seconds)
        else:
            self.clock.pass_(seconds)

    def synchronize(self) -> None:
        while self.queued:
            self.clock.pass_(self.queued.pop())
