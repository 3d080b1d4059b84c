"""Running a detector over one video, frame by frame, with the clock in the harness's hand.

The detector is handed the frames one by one and asked for one answer after the other, so that whatever happens in
between is seen: how many frames were taken before an answer came, and how long it took. Time spent inside the iterator
of frames, that is reading and decoding, never counts as compute time.
"""

import signal
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from vidkit.data.index import Index
from vidkit.detections import Detections
from vidkit.errors import DetectorError, FrameError
from vidkit.harness.answers import fault_of_kind, first_fault
from vidkit.harness.detector import Detector, Image, KeyframeWeights, KnownFrame, Measuring, OracleDetector

Clock = Callable[[], float]
Scenario = Literal["stream", "offline"]
"""stream: frames are decoded when the detector asks for them, the device is synchronised at every frame and answer.
offline: the video is decoded before the clock starts, the device is synchronised only at the video's end."""


@dataclass(frozen=True, eq=False)
class VideoRun:
    """What a detector said of the n frames of a video, and what was measured, `(n,)` each."""

    answers: tuple[Detections, ...]
    compute_seconds: NDArray[np.float64]
    decode_seconds: NDArray[np.float64]
    look_ahead: NDArray[np.int32]
    measured: Mapping[str, float] = field(default_factory=dict)  # what the detector tells of itself, for this video
    warm_up: bool = False  # whether the video is left out of the timing
    keyframes: tuple[KeyframeWeights, ...] | None = None  # where they were recorded


class Handover:
    """The frames of a video as a detector sees them: counted as they are taken, the time to make them kept apart."""

    def __init__(self, frames: Iterable[Image], place: str, n: int, clock: Clock, wait: Callable[[], None]) -> None:
        self.taken = 0
        self.size = (0, 0)  # width, height of the frames; the same in all of a video
        self.seconds: list[float] = []  # to decode each frame
        self.away = 0.0  # all the time that wasn't the detector's
        self.failure: Exception | None = None
        self._frames, self._place, self._n, self._clock, self._wait = iter(frames), place, n, clock, wait

    def __iter__(self) -> Iterator[Image]:
        return self

    def __next__(self) -> Image:
        """Return the next frame. What the device still has to do is waited for first: it must not hide in decoding."""
        self._wait()
        start = self._clock()
        try:
            image = self._next()
        except Exception as error:
            self.failure = error
            raise
        spent = self._clock() - start
        self.away += spent
        if image is None:
            raise StopIteration
        self.seconds.append(spent)
        self.taken += 1
        return image

    def _next(self) -> Image | None:
        """Return the next frame, None after the last; raise FrameError if it isn't what the index tells."""
        image = next(self._frames, None)
        if (image is None) != (self.taken == self._n):
            raise FrameError(
                f"{self._place}: {self.taken} frames and {'no' if image is None else 'one'} more; wanted {self._n}"
            )
        if image is None:
            return None
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
            raise FrameError(f"{self._place}, frame {self.taken}: {image.dtype} {image.shape}, wanted (H, W, 3) uint8")
        size = (image.shape[1], image.shape[0])
        if self.taken and size != self.size:
            raise FrameError(f"{self._place}, frame {self.taken}: {size} pixels, the frames before have {self.size}")
        self.size = size
        return image


def time_video(
    detector: Detector | OracleDetector,
    frames: Iterable[Image],
    index: Index,
    video: int,
    scenario: Scenario = "stream",
    limit: float = 0,
    clock: Clock = time.perf_counter,
) -> VideoRun:
    """Return what `detector` says of video row `video`, of which `frames` yields the images, and what it took.

    The compute time of a frame is all the time that the detector was busy between the answer before and this one; what
    it does after its last answer counts with the last. In the scenario "offline" only the whole is measured, and
    divided evenly among the frames. `limit` is the longest time in seconds that one answer may take, 0 for no limit.

    Raises DetectorError, naming detector, video and frame, if the detector fails or breaks the protocol, and the error
    of `frames` where that fails.
    """
    place = Place(detector.name, index.video_name[video], index.frame_number[index.frames_of(video)].tolist())
    wait = detector.synchronize if scenario == "stream" else _go_on
    decoding = handover = Handover(frames, str(place), place.n, clock, wait)
    if scenario == "offline":
        handover = Handover(list(decoding), str(place), place.n, clock, wait)
    before = _measurements(detector)
    replies = _replies(detector, handover, index, index.frames_of(video))
    answers, seconds, ahead = _listen(_ask(detector, replies, handover, wait, limit, clock), handover, place)
    if wrong := first_fault(answers, *handover.size, index.n_classes):
        raise place.broken(wrong[1], wrong[0])
    return VideoRun(
        tuple(answers),
        _of_frames(seconds, scenario),
        np.array(decoding.seconds, np.float64),
        np.array(ahead, np.int32),
        _spent(before, _measurements(detector)),
    )


@dataclass(frozen=True)
class Place:
    """Where a detector is in its work, for messages."""

    detector: str
    video: str
    numbers: list[int]  # of the video's frames

    def __str__(self) -> str:
        return f"video {self.video!r}"

    @property
    def n(self) -> int:
        """How many frames the video has."""
        return len(self.numbers)

    def broken(self, reason: str, frame: int) -> DetectorError:
        """Return the error that names detector, video and frame; `frame` counts from the video's first."""
        at = f"frame {self.numbers[frame]}" if frame < self.n else "after the last frame"
        return DetectorError(f"detector {self.detector!r}, {self}, {at}: {reason}")


_END = object()


def _replies(detector: Detector | OracleDetector, frames: Handover, index: Index, rows: range) -> Iterator[Any]:
    """Yield the detector's answers; as a generator, so that what `detect` does before its first answer is timed too."""
    if isinstance(detector, OracleDetector):
        yield from detector.detect_known(
            KnownFrame(image, index, row) for image, row in zip(frames, rows, strict=False)
        )
    else:
        yield from detector.detect(frames)


def _ask(
    detector: Detector | OracleDetector,
    replies: Iterator[Any],
    handover: Handover,
    wait: Callable[[], None],
    limit: float,
    clock: Clock,
) -> Iterator[tuple[Any, float]]:
    """Yield each answer with the seconds that it took, and _END with those after the last answer."""
    detector.synchronize()
    answer = None
    while answer is not _END:
        start, away = clock(), handover.away
        with limited(limit):
            answer = next(replies, _END)
            (detector.synchronize if answer is _END else wait)()
        yield answer, clock() - start - (handover.away - away)


def _listen(
    asked: Iterator[tuple[Any, float]], handover: Handover, place: Place
) -> tuple[list[Detections], list[float], list[int]]:
    """Return the n answers, the n + 1 times up to each and after the last, and the n look-aheads.

    Raises DetectorError where an answer is none, or their number isn't n, and the error of the frames where that fails.
    """
    answers: list[Detections] = []
    seconds: list[float] = []
    ahead: list[int] = []
    while True:
        try:
            answer, spent = next(asked)
        except Exception as error:
            raise handover.failure or place.broken(f"{type(error).__name__}: {error}", len(answers)) from error
        if handover.failure:  # and the detector went on as if nothing had happened
            raise handover.failure
        seconds.append(spent)
        if answer is _END:
            break
        if reason := _fault(answer, len(answers), place.n, handover.taken):
            raise place.broken(reason, len(answers))
        answers.append(_kept(answer))
        ahead.append(handover.taken - len(answers))
    if len(answers) < place.n:
        raise place.broken(f"stopped after {len(answers)} answers, the video has {place.n} frames", len(answers))
    return answers, seconds, ahead


def _fault(answer: Any, frame: int, n: int, taken: int) -> str:
    """Return what is wrong with an answer for frame `frame` of the video's `n`, of which `taken` are; "" if nothing."""
    if frame >= n:
        return f"gave another answer; the video has {n} frames"
    if taken <= frame:
        return "answered this frame before it took it"
    if reason := fault_of_kind(answer):
        return reason
    if answer.key_distance is not None and not 0 <= frame + answer.key_distance < n:
        return f"key_distance {answer.key_distance} leads out of the video, which has {n} frames"
    return ""


def _kept(answer: Detections) -> Detections:
    """Return a copy of an answer: a detector may use its arrays again for the next one."""
    return replace(answer, boxes=answer.boxes.copy(), scores=answer.scores.copy(), class_ids=answer.class_ids.copy())


def _of_frames(seconds: list[float], scenario: Scenario) -> NDArray[np.float64]:
    """Return the compute time of each frame, `(n,)`, from the times of the n answers and of what followed the last."""
    if len(seconds) == 1:
        return np.zeros(0)  # a video without frames
    *each, after = seconds
    each[-1] += after
    return np.full(len(each), sum(each) / len(each)) if scenario == "offline" else np.array(each)


def _measurements(detector: Detector | OracleDetector) -> dict[str, float]:
    return dict(detector.measurements()) if isinstance(detector, Measuring) else {}


def _spent(before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, float]:
    """Return totals as what this video added to them, peaks as they are."""
    return {name: value - before.get(name, 0.0) if is_total(name) else value for name, value in after.items()}


def is_total(measurement: str) -> bool:
    """Tell whether a measurement of this name is a total, to be added up, or a peak, of which the highest counts."""
    return measurement.endswith("_seconds")


def _go_on() -> None:
    """Wait for nothing."""


@contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Raise TimeoutError in the block once it has taken `seconds`; 0 sets no limit.

    It works by a signal, so in the main thread only; a detector that hangs inside one call of compiled code is stopped
    when that call returns.
    """
    if not seconds:
        yield
        return

    def stop(_signal: int, _frame: Any) -> None:
        raise TimeoutError(f"no answer within {seconds:g} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
