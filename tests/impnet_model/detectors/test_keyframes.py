"""Any detector on keyframes only: which frames it sees, when answers come, and where the boxes are between."""

from collections.abc import Iterable, Iterator

import numpy as np
import pytest

from impnet_model.detectors.keyframes import keyframes
from vidkit.detections import Detections
from vidkit.errors import DetectorError
from vidkit.harness.detector import Detector, DetectorContext
from vidkit.harness.plugins import make
from vidkit.segments import key_of_frames

HERE = "tests.impnet_model.detectors.test_keyframes"
Frame = np.ndarray


def bright(image: Frame) -> Detections:
    """The one box around all bright pixels: a detector that is never wrong, on one image."""
    rows, columns = (np.flatnonzero((image[..., 0] > 128).any(axis=axis)) for axis in (1, 0))
    if not len(rows):
        return Detections.none()
    box = [columns[0], rows[0], columns[-1] + 1, rows[-1] + 1]
    return Detections(np.array([box], np.float32), np.ones(1, np.float32), np.zeros(1, np.int64))


class Ahead:
    """A detector that looks `ahead` frames ahead, and notes what it was given."""

    name = "ahead"

    def __init__(self, ahead: int = 0) -> None:
        self.ahead = ahead
        self.given: list[Frame] = []

    def detect(self, frames: Iterable[Frame]) -> Iterator[Detections]:
        waiting: list[Frame] = []
        for frame in frames:
            self.given.append(frame)
            waiting.append(frame)
            if len(waiting) > self.ahead:
                yield bright(waiting.pop(0))
        yield from map(bright, waiting)

    def synchronize(self) -> None:
        """Nothing to wait for."""


def ahead_of(context: DetectorContext, *, ahead: int = 0) -> Detector:
    return Ahead(ahead)


def film(n: int, step: tuple[int, int] = (2, 1), size: tuple[int, int] = (60, 80)) -> list[Frame]:
    """A bright rectangle of 9 x 7 pixels that moves by `step` a frame."""
    frames = np.zeros((n, *size, 3), np.uint8)
    for t in range(n):
        frames[t, 5 + step[1] * t : 12 + step[1] * t, 3 + step[0] * t : 12 + step[0] * t] = 255
    return [*frames]


def made(*options: str) -> Detector:
    detector, _ = make("impnet_model.detectors.keyframes:keyframes", DetectorContext(()), options)
    assert isinstance(detector, Detector)
    return detector


def look_ahead(detector: Detector, frames: list[Frame]) -> list[int]:
    """How many frames after its own were taken when each answer came."""
    taken = 0

    def counted() -> Iterator[Frame]:
        nonlocal taken
        for frame in frames:
            taken += 1
            yield frame

    return [taken - 1 - place for place, _ in enumerate(detector.detect(counted()))]


@pytest.mark.parametrize("ahead", [0, 1, 3])
@pytest.mark.parametrize("between", ["interpolate", "velocity", "copy"])
@pytest.mark.parametrize("key_id", ["0", "2", "none"])
@pytest.mark.parametrize("n", [0, 1, 2, 3, 5, 6, 11])
def test_each_frame_has_one_answer_and_keyframes_are_those_of_the_segments(
    n: int, key_id: str, between: str, ahead: int
) -> None:
    detector = made(
        f"detector={HERE}:ahead_of", f"inner.ahead={ahead}", "length=5", f"key_id={key_id}", f"between={between}"
    )
    answers = [*detector.detect(film(n))]
    assert len(answers) == n
    place = {"0": 0, "2": 2, "none": 2}[key_id]
    if between == "interpolate":
        keys = sorted({*range(place, n, 5), *([n - 1] if n else [])})
        wanted = [min(keys, key=lambda key: (abs(key - t), key)) for t in range(n)]
    else:
        wanted = key_of_frames(n, 5, place).tolist()
    assert [t + answer.key_distance for t, answer in enumerate(answers)] == wanted
    assert [answer.is_key for answer in answers] == [key == t for t, key in enumerate(wanted)]


def test_the_detector_sees_keyframes_only() -> None:
    detector = made(f"detector={HERE}:ahead_of", "length=4", "between=copy")
    frames = film(10)
    [*detector.detect(frames)]
    assert [id(frame) for frame in detector.inner.given] == [id(frames[place]) for place in (0, 4, 8)]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        (["between=copy"], [0, 0, 0, 0, 0, 0, 0]),
        (["between=velocity"], [0, 0, 0, 0, 0, 0, 0]),
        (["between=copy", "key_id=none"], [1, 0, 0, 1, 0, 0, 0]),
        (["between=interpolate"], [0, 2, 1, 0, 2, 1, 0]),
    ],
)
def test_look_ahead_is_what_the_way_needs(options: list[str], wanted: list[int]) -> None:
    assert look_ahead(made(f"detector={HERE}:ahead_of", "length=3", *options), film(7)) == wanted


def test_steady_motion_is_interpolated_exactly() -> None:
    frames = film(13, (3, -0))
    answers = made(f"detector={HERE}:ahead_of", "length=6", "between=interpolate").detect(frames)
    for frame, answer in zip(frames, answers, strict=True):
        np.testing.assert_allclose(answer.boxes, bright(frame).boxes, atol=1e-4)


def test_velocity_goes_on_from_the_second_keyframe() -> None:
    frames = film(12)
    answers = [*made(f"detector={HERE}:ahead_of", "length=4", "between=velocity").detect(frames)]
    for frame, answer in zip(frames[4:], answers[4:], strict=True):
        np.testing.assert_allclose(answer.boxes, bright(frame).boxes, atol=1e-4)
    np.testing.assert_allclose(answers[3].boxes, bright(frames[0]).boxes)


@pytest.mark.parametrize("key_id", ["0", "none"])
def test_boxes_move_along_the_flow(key_id: str) -> None:
    frames = film(11)
    options = ["length=5", f"key_id={key_id}", "between=flow", f"flow={HERE}:steady"]
    detector = made(f"detector={HERE}:ahead_of", *options)
    answers = [*detector.detect(frames)]
    for frame, answer in zip(frames, answers, strict=True):
        np.testing.assert_allclose(answer.boxes, bright(frame).boxes, atol=1e-3)
    assert [t + answer.key_distance for t, answer in enumerate(answers)] == key_of_frames(
        11, 5, {"0": 0, "none": 2}[key_id]
    ).tolist()
    assert detector.measurements()["flow_seconds"] > 0
    assert (
        look_ahead(made(f"detector={HERE}:ahead_of", *options), film(7))
        == {
            "0": [0] * 7,
            "none": [2, 1, 0, 0, 0, 1, 0],
        }[key_id]
    )


def steady(current: Frame, other: Frame) -> np.ndarray:
    """The flow of `film`: (2, 1) pixels for each frame that the rectangle went."""
    way = bright(other).boxes[0, :2] - bright(current).boxes[0, :2]
    return np.broadcast_to(way, (*current.shape[:2], 2))


def test_nothing_is_known_from_the_video_before() -> None:
    detector = made(f"detector={HERE}:ahead_of", "length=4", "between=velocity")
    [*detector.detect(film(12))]
    again = [*detector.detect(film(6, (0, 2)))]
    alone = [*made(f"detector={HERE}:ahead_of", "length=4", "between=velocity").detect(film(6, (0, 2)))]
    for one, other in zip(again, alone, strict=True):
        np.testing.assert_array_equal(one.boxes, other.boxes)


def test_what_is_wrong_with_the_options_is_said() -> None:
    with pytest.raises(DetectorError, match="no option 'aheads'"):
        made(f"detector={HERE}:ahead_of", "inner.aheads=2")
    with pytest.raises(DetectorError, match="'detector' must be given"):
        made("length=3")
    with pytest.raises(DetectorError, match="keyframe id 5 lies outside"):
        made(f"detector={HERE}:ahead_of", "length=5", "key_id=5")
    with pytest.raises(DetectorError, match="looks at the ground truth"):
        made("detector=vidkit.harness.stand_ins:oracle_jitter")


class Forgetful(Ahead):
    """Answers no more than once."""

    def detect(self, frames: Iterable[Frame]) -> Iterator[Detections]:
        yield from map(bright, [*frames][:1])


def test_a_detector_that_leaves_keyframes_out_is_named() -> None:
    def forgetful(context: DetectorContext) -> Detector:
        return Forgetful()

    globals()["forgetful"] = forgetful
    detector = made(f"detector={HERE}:forgetful", "length=2", "between=copy")
    with pytest.raises(DetectorError, match="ahead left 2 keyframes without an answer"):
        [*detector.detect(film(5))]


def test_the_factory_names_detector_and_way() -> None:
    assert keyframes(DetectorContext(()), detector=f"{HERE}:ahead_of", between="copy").name == "ahead+copy"
