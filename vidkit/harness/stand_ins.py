"""Two detectors without a network, which make the harness useful at once: `oracle-jitter` and `frame-copy`.

Both can be given a simulated cost in seconds, so that a speed-accuracy curve can be drawn without a network. The
seconds are slept, not computed; they stand in the options of the run.
"""

import hashlib
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from vidkit.data.index import Index
from vidkit.detections import Detections
from vidkit.errors import DetectorError
from vidkit.harness.detector import Describing, Detector, DetectorContext, Image, KnownFrame, OracleDetector
from vidkit.segments import check_key_id

T = TypeVar("T", Image, KnownFrame)
BLUR_SIGMA = "blur_sigma"
"""The frame and instance attribute that tells the blur in pixels (standard deviation), where an index has it."""
MOTION_BLUR = "motion_blur"
"""The instance attribute that tells the way in pixels that an object moves while the shutter is open."""


# -- oracle-jitter -----------------------------------------------------------------------------------------------------


def oracle_jitter(
    context: DetectorContext,
    *,
    noise: float = 0.05,
    miss: float = 0.1,
    false_positives: float = 0.5,
    confusion: float = 0.05,
    blur: float = 1.0,
    seconds: float = 0.0,
    seed: int = 0,
) -> OracleDetector:
    """Ground truth with seeded noise, misses and false positives; it looks at the truth, not at the image."""
    if context.device != "cpu" or context.checkpoint is not None:
        raise DetectorError("oracle-jitter computes on the CPU and has no weights: --device cpu, no --checkpoint")
    _within("noise", noise, 0, 10)
    _within("miss", miss, 0, 1)
    _within("false_positives", false_positives, 0, 1000)
    _within("confusion", confusion, 0, 1)
    _within("blur", blur, 0, 1000)
    _within("seconds", seconds, 0, 3600)
    if seed < 0:
        raise DetectorError(f"option 'seed': {seed}; wanted 0 or more")
    return OracleJitter(noise, miss, false_positives, confusion, blur, seconds, seed)


@dataclass(frozen=True)
class OracleJitter:
    """Ground truth made worse: what it says of a frame is a pure function of seed, video name and frame number.

    `noise` is the standard deviation of each box edge as a share of the object's size (the square root of its area),
    `miss` the probability that an object isn't found, `false_positives` their mean number in a frame, `confusion` the
    probability of a wrong class. `blur` says how much blur harms: where the index tells a blur sigma (of the frame, of
    the instance, or both), an object is found with a probability that is smaller by the factor `clearness`, and its box
    and score get worse likewise.
    """

    noise: float
    miss: float
    false_positives: float
    confusion: float
    blur: float
    seconds: float
    seed: int
    name: str = "oracle-jitter"

    def detect_known(self, frames: Iterable[KnownFrame]) -> Iterator[Detections]:
        """Yield the worsened truth of each frame."""
        for frame in frames:
            _pay(self.seconds)
            height, width = frame.image.shape[:2]
            yield self.answer(frame.index, frame.row, width, height)

    def synchronize(self) -> None:
        """Wait for nothing: there is no device."""

    def answer(self, index: Index, row: int, width: int, height: int) -> Detections:
        """Return what is said of frame row `row`, an image of `width` by `height` pixels."""
        entropy = self._entropy(index, row)
        found, scores, classes = self._objects(index, row, np.random.default_rng([*entropy, 0]))
        ghosts, ghost_scores, ghost_classes = self._ghosts(
            index.n_classes, width, height, np.random.default_rng([*entropy, 1])
        )
        boxes = np.concatenate([found, ghosts]).clip(0, [width, height, width, height]).astype(np.float32)
        visible = (boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1])
        return Detections(
            boxes[visible],
            np.concatenate([scores, ghost_scores]).astype(np.float32)[visible],
            np.concatenate([classes, ghost_classes]).astype(np.int64)[visible],
        )

    def _entropy(self, index: Index, row: int) -> list[int]:
        name = index.video_name[index.frame_video[row]]
        video = int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest())
        return [self.seed, video, int(index.frame_number[row])]

    def _objects(
        self, index: Index, row: int, rng: np.random.Generator
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
        """Return boxes, scores and classes of the objects that are found, drawing the same numbers whatever happens."""
        rows = index.instances_of(row)
        boxes, classes = index.box[rows].astype(np.float64), index.class_id[rows].astype(np.int64)
        n = len(classes)
        size = np.sqrt(np.prod(np.maximum(boxes[:, 2:] - boxes[:, :2], 1), axis=1))
        clear = clearness(index, row, size, self.blur)
        found = rng.random(n) < (1 - self.miss) * clear
        spread = self.noise * size * (3 - 2 * clear)
        boxes = boxes + rng.normal(size=(n, 4)) * spread[:, None]
        boxes = np.concatenate([np.minimum(boxes[:, :2], boxes[:, 2:]), np.maximum(boxes[:, :2], boxes[:, 2:])], axis=1)
        scores = rng.beta(5, 2, n) * (0.3 + 0.7 * clear)
        wrong = rng.integers(index.n_classes, size=n) if index.n_classes else classes
        classes = np.where(rng.random(n) < self.confusion, wrong, classes)
        return boxes[found], scores[found], classes[found]

    def _ghosts(
        self, n_classes: int, width: int, height: int, rng: np.random.Generator
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
        """Return boxes, scores and classes of false positives, which lie anywhere in the frame."""
        n = int(rng.poisson(self.false_positives)) if n_classes else 0
        frame = np.array([width, height])
        sides = frame * np.exp(rng.uniform(np.log(0.05), np.log(0.5), (n, 2)))
        corner = rng.random((n, 2)) * (frame - sides)
        boxes = np.concatenate([corner, corner + sides], axis=1)
        return boxes, rng.beta(2, 5, n), rng.integers(max(n_classes, 1), size=n)


def clearness(index: Index, row: int, size: NDArray[np.float64], blur: float) -> NDArray[np.float64]:
    """Return how clearly each object of a frame is seen, `(n,)`: 1 without blur, 1/e where the blur is a tenth of it.

    `size (n,)` are the objects' sizes in pixels, `blur` multiplies the blur sigma that the index tells; where it tells
    none, everything is clear. Blur of the frame, of the instance and of its motion add up as variances.
    """
    variance = np.zeros(len(size))
    if BLUR_SIGMA in index.frame_attributes:
        variance += np.nan_to_num(float(index.frame_attributes[BLUR_SIGMA][row])) ** 2
    for name, per_pixel in ((BLUR_SIGMA, 1), (MOTION_BLUR, 1 / 12)):  # a streak of length w has the variance w² / 12
        if name in index.instance_attributes:
            values = index.instance_attributes[name][index.instances_of(row)].astype(np.float64)
            variance += per_pixel * np.nan_to_num(values) ** 2
    return np.asarray(np.exp(-blur * np.sqrt(variance) / (0.1 * size)))


# -- frame-copy --------------------------------------------------------------------------------------------------------


def frame_copy(
    context: DetectorContext,
    *,
    length: int = 10,
    key_id: int | None = None,
    base: str = "oracle-jitter",
    base_options: str = "",
    seconds: float = 0.0,
) -> Detector | OracleDetector:
    """A keyframe's boxes repeated in its whole segment, on top of any other detector: what propagation must beat."""
    from vidkit.harness.plugins import make

    try:
        place = check_key_id(length, key_id)
    except ValueError as error:
        raise DetectorError(str(error)) from None
    _within("seconds", seconds, 0, 3600)
    detector, _ = make(base, context, [text for text in base_options.split(",") if text])
    if isinstance(detector, OracleDetector):
        return OracleFrameCopy(detector, length, place, seconds)
    return FrameCopy(detector, length, place, seconds)


@dataclass(frozen=True)
class FrameCopy:
    """`base` on the keyframe of each segment of `length` frames, its boxes repeated for the other frames.

    The base sees each keyframe as a video of one frame. With `key_id > 0` the frames before the keyframe are answered
    after it: that is the look-ahead. `seconds` is the simulated cost of each copy.
    """

    base: Detector
    length: int
    key_id: int
    seconds: float
    name: str = "frame-copy"

    def detect(self, frames: Iterable[Image]) -> Iterator[Detections]:
        """Yield the boxes of the keyframe of each frame's segment."""
        return _copies(frames, self.base.detect, self.length, self.key_id, self.seconds)

    def synchronize(self) -> None:
        """Wait for the base."""
        self.base.synchronize()

    def describe(self) -> Mapping[str, Any]:
        """Return what the base's speed depends on, as far as it tells."""
        return self.base.describe() if isinstance(self.base, Describing) else {}


@dataclass(frozen=True)
class OracleFrameCopy:
    """`FrameCopy` on top of a detector that looks at the ground truth of the keyframes, so does this."""

    base: OracleDetector
    length: int
    key_id: int
    seconds: float
    name: str = "frame-copy"

    def detect_known(self, frames: Iterable[KnownFrame]) -> Iterator[Detections]:
        """Yield the boxes of the keyframe of each frame's segment."""
        return _copies(frames, self.base.detect_known, self.length, self.key_id, self.seconds)

    def synchronize(self) -> None:
        """Wait for the base."""
        self.base.synchronize()

    def describe(self) -> Mapping[str, Any]:
        """Return what the base's speed depends on, as far as it tells."""
        return self.base.describe() if isinstance(self.base, Describing) else {}


def _copies(
    frames: Iterable[T],
    detect: Callable[[Iterable[T]], Iterator[Detections]],
    length: int,
    key_id: int,
    seconds: float,
) -> Iterator[Detections]:
    source = iter(frames)
    while head := list(islice(source, key_id + 1)):  # a short last segment has its last frame as key
        key = len(head) - 1
        answers = list(detect(head[-1:]))
        if len(answers) != 1:
            raise DetectorError(f"the base gave {len(answers)} answers for one keyframe")
        yield from (_copy(answers[0], key - place, seconds) for place in range(key + 1))
        rest = islice(source, length - len(head))
        yield from (_copy(answers[0], key - place, seconds) for place, _ in enumerate(rest, start=key + 1))


def _copy(answer: Detections, distance: int, seconds: float) -> Detections:
    if distance:
        _pay(seconds)
    return replace(answer, is_key=distance == 0, key_distance=distance)


def _pay(seconds: float) -> None:
    if seconds:
        time.sleep(seconds)


def _within(option: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise DetectorError(f"option {option!r}: {value}; wanted {low} … {high}")
