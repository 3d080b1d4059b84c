"""A detector on footage: each frame with its answer, as soon as it is there. No index, no clock."""

from collections import deque
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import NamedTuple

from vidkit.classes import ObjectClass
from vidkit.detections import Detections
from vidkit.errors import DetectorError
from vidkit.harness.answers import fault_of_kind
from vidkit.harness.detector import Detector, Image, Naming


class Answered(NamedTuple):
    """A frame and what was found in it."""

    frame: Image
    answer: Detections


def answered(detector: Detector, frames: Iterable[Image], limit: int | None = None) -> Iterator[Answered]:
    """Yield each of the first `limit` frames with its answer; frames that a detector takes ahead wait for theirs.

    Raises DetectorError where the answers aren't one for each frame, and whatever the frames raise.
    """
    waiting: deque[Image] = deque()
    n = 0

    def taken() -> Iterator[Image]:
        for frame in islice(frames, limit):
            waiting.append(frame)
            yield frame

    for n, answer in enumerate(detector.detect(taken()), start=1):
        if not waiting:
            raise DetectorError(f"detector {detector.name!r}: answer {n} is for a frame that it hasn't taken")
        if wrong := fault_of_kind(answer):
            raise DetectorError(f"detector {detector.name!r}, frame {n - 1}: {wrong}")
        yield Answered(waiting.popleft(), answer)
    if waiting:
        raise DetectorError(f"detector {detector.name!r}: {len(waiting)} frames from frame {n} on have no answer")


def class_names(detector: Detector, found: Iterable[Detections]) -> tuple[ObjectClass, ...]:
    """The classes of a detector's answers: those that it knows, else numbered ones as far as some were found."""
    if isinstance(detector, Naming) and detector.classes:
        return tuple(detector.classes)
    highest = max((int(each.class_ids.max()) for each in found if len(each)), default=-1)
    return tuple(ObjectClass(f"class {i}", f"class{i}") for i in range(highest + 1))
