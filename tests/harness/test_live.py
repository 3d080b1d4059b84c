"""A detector on footage: each frame with its own answer, whatever is taken ahead."""

from collections.abc import Iterable, Iterator

import numpy as np
import pytest

from vidkit.classes import ObjectClass
from vidkit.detections import Detections
from vidkit.errors import DetectorError
from vidkit.harness.live import answered, class_names


def found(class_id: int, n: int = 1) -> Detections:
    return Detections(np.zeros((n, 4)), np.ones(n), np.full(n, class_id))


class Numbered:
    """Answers each frame with its number as a class, `ahead` frames late; `extra` answers too many or too few."""

    name = "numbered"

    def __init__(self, ahead: int = 0, extra: int = 0) -> None:
        self.ahead, self.extra = ahead, extra

    def detect(self, frames: Iterable[np.ndarray]) -> Iterator[Detections]:
        waiting = []
        for frame in frames:
            waiting.append(int(frame[0, 0, 0]))
            if len(waiting) > self.ahead:
                yield found(waiting.pop(0))
        yield from map(found, waiting[: len(waiting) + min(self.extra, 0)])
        yield from map(found, range(max(self.extra, 0)))

    def synchronize(self) -> None:
        """Nothing to wait for."""


FRAMES = [np.full((2, 3, 3), t, np.uint8) for t in range(6)]


@pytest.mark.parametrize("ahead", [0, 2, 9])
@pytest.mark.parametrize("limit", [None, 4, 1])
def test_each_frame_has_its_own_answer(ahead: int, limit: int | None) -> None:
    pairs = [*answered(Numbered(ahead), FRAMES, limit)]
    assert len(pairs) == (limit or 6)
    assert [int(frame[0, 0, 0]) for frame, _ in pairs] == [int(answer.class_ids[0]) for _, answer in pairs]


def test_answers_that_are_too_many_or_too_few_are_told() -> None:
    with pytest.raises(DetectorError, match="answer 7 is for a frame that it hasn't taken"):
        [*answered(Numbered(extra=1), FRAMES)]
    with pytest.raises(DetectorError, match="2 frames from frame 4 on have no answer"):
        [*answered(Numbered(ahead=3, extra=-2), FRAMES)]


def test_an_answer_of_another_kind_is_told() -> None:
    class Wrong(Numbered):
        def detect(self, frames: Iterable[np.ndarray]) -> Iterator[Detections]:
            return map(len, frames)  # type: ignore[arg-type]

    with pytest.raises(DetectorError, match=r"frame 0: answered with a builtins\.int"):
        [*answered(Wrong(), FRAMES)]


def test_classes_are_the_detectors_own_or_numbered() -> None:
    assert [each.name for each in class_names(Numbered(), [found(0), found(2), found(0, 0)])] == [
        "class 0",
        "class 1",
        "class 2",
    ]
    assert class_names(Numbered(), []) == ()
    known = Numbered()
    known.classes = (ObjectClass("dog", "n1"),)  # type: ignore[attr-defined]
    assert class_names(known, [found(0)]) == (ObjectClass("dog", "n1"),)
