import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import pytest

from tests.harness.fakes import FakeClock, Timed, decoded
from tests.makers import make_index
from vidkit.detections import Detections
from vidkit.errors import DetectorError, FrameError
from vidkit.harness.detector import Detector, Image
from vidkit.harness.stopwatch import VideoRun, time_video

INDEX = make_index(videos=2, frames=12)


def run(detector: Detector, clock: FakeClock | None = None, decode: float = 0.0, **options: object) -> VideoRun:
    clock = clock or FakeClock()
    return time_video(detector, decoded(INDEX, 1, clock, decode), INDEX, 1, clock=clock, **options)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Answering:
    """A detector whose `detect` is a function."""

    function: Callable[[Iterable[Image]], Iterator[Detections]]
    name: str = "answering"

    def detect(self, frames: Iterable[Image]) -> Iterator[Detections]:
        return self.function(frames)

    def synchronize(self) -> None:
        pass


def one(
    box: tuple[float, ...] = (0, 0, 5, 5), score: float = 0.5, class_id: int = 0, dtype: type = np.float32
) -> Detections:
    return Detections(np.array([box], dtype), np.array([score], dtype), np.array([class_id]))


# -- times -------------------------------------------------------------------------------------------------------------


def test_compute_time_is_the_detectors_own():
    clock = FakeClock()
    result = run(Timed(clock, seconds=0.25), clock, decode=2.0)
    assert result.compute_seconds == pytest.approx([0.25] * 12)
    assert result.decode_seconds == pytest.approx([2.0] * 12)


def test_decoding_of_frames_taken_ahead_is_not_compute_time():
    clock = FakeClock()
    result = run(Timed(clock, seconds=0.25, key_seconds=3, length=6, key_id=4), clock, decode=2.0)
    assert result.compute_seconds == pytest.approx([3.25, *[0.25] * 5] * 2)
    assert result.decode_seconds == pytest.approx([2.0] * 12)


def test_queued_work_is_waited_for():
    clock = FakeClock()
    result = run(Timed(clock, seconds=0.25, key_seconds=3, length=6, asynchronous=True), clock, decode=2.0)
    assert result.compute_seconds == pytest.approx([3.25, *[0.25] * 5] * 2)


def test_setup_counts_with_the_first_answer_and_the_tail_with_the_last():
    clock = FakeClock()
    result = run(Timed(clock, seconds=0.25, setup=1, tail=4), clock)
    assert result.compute_seconds == pytest.approx([1.25, *[0.25] * 10, 4.25])


def test_work_done_before_the_generator_is_returned_counts():
    clock = FakeClock()

    def detect(frames: Iterable[Image]) -> Iterator[Detections]:
        answers = []
        for _ in frames:
            clock.pass_(0.5)
            answers.append(Detections.none())
        return iter(answers)

    result = run(Answering(detect), clock)
    assert result.compute_seconds.sum() == pytest.approx(6)
    assert result.look_ahead.tolist() == list(range(11, -1, -1))


def test_offline_divides_the_whole_evenly_and_decodes_beforehand():
    clock = FakeClock()
    detector = Timed(clock, seconds=0.25, key_seconds=3, length=6, tail=1, asynchronous=True)
    result = run(detector, clock, decode=2.0, scenario="offline")
    assert result.compute_seconds == pytest.approx([10 / 12] * 12)
    assert result.decode_seconds == pytest.approx([2.0] * 12)


@pytest.mark.parametrize(
    ("length", "key_id", "wanted"),
    [
        (1, 0, [0] * 12),
        (6, 0, [0] * 12),
        (6, 3, [3, 2, 1, 0, 0, 0] * 2),
        (10, 5, [5, 4, 3, 2, 1, 0, 0, 0, 0, 0, 1, 0]),
    ],
)
def test_look_ahead_is_measured(length, key_id, wanted):
    clock = FakeClock()
    assert run(Timed(clock, length=length, key_id=key_id), clock).look_ahead.tolist() == wanted


def test_a_detector_is_handed_each_frame_once_in_order():
    seen = []

    def detect(frames):
        for image in frames:
            seen.append(int(image[0, 0, 0]))
            yield Detections.none()

    run(Answering(detect))
    assert seen == list(range(12))


def test_a_detector_may_use_its_arrays_again():
    def detect(frames):
        scores = np.zeros(1)
        for number, _ in enumerate(frames):
            scores[0] = number
            yield Detections(np.zeros((1, 4)), scores, np.zeros(1, int))

    assert [a.scores[0] for a in run(Answering(detect)).answers] == list(range(12))


def test_what_a_detector_measures_is_taken_video_by_video():
    class Measured(Answering):
        totals = iter(
            ({"forward_seconds": 2.0, "peak_device_bytes": 7}, {"forward_seconds": 5.0, "peak_device_bytes": 9})
        )

        def measurements(self):
            return next(self.totals)

    result = run(Measured(lambda frames: (Detections.none() for _ in frames)))
    assert result.measured == {"forward_seconds": 3.0, "peak_device_bytes": 9}


# -- broken detectors --------------------------------------------------------------------------------------------------


def fails(function: Callable[[Iterable[Image]], Iterator[Detections]], message: str, **options: object) -> None:
    with pytest.raises(DetectorError, match=message) as caught:
        run(Answering(function), **options)  # type: ignore[arg-type]
    assert "detector 'answering', video 'video_0001', " in str(caught.value)


def answering_with(answer: object) -> Callable[[Iterable[Image]], Iterator[Detections]]:
    """Four good answers, then this one."""

    def detect(frames):
        for number, _ in enumerate(frames):
            yield answer if number == 4 else Detections.none()

    return detect


def test_too_few_answers():
    fails(
        lambda frames: (Detections.none() for _, _ in zip(range(9), frames, strict=False)),
        "frame 9: stopped after 9 answ",
    )


def test_too_many_answers():
    def detect(frames):
        for _ in frames:
            yield Detections.none()
        yield Detections.none()

    fails(detect, "after the last frame: gave another answer; the video has 12 frames")


def test_answers_before_frames():
    fails(lambda frames: (Detections.none() for _ in range(12)), "frame 0: answered this frame before it took it")


def test_a_crash_is_named_with_its_frame():
    def detect(frames):
        for number, _ in enumerate(frames):
            yield Detections.none() if number < 3 else Detections.none()[0]

    fails(detect, "frame 3: TypeError: 'Detections' object is not subscriptable")


def test_a_crash_before_the_first_answer():
    def detect(frames):
        raise RuntimeError("no weights")

    fails(detect, "frame 0: RuntimeError: no weights")


def test_an_answer_of_none_iterable():
    fails(lambda frames: None, "frame 0: TypeError")  # type: ignore[arg-type, return-value]


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (None, "NoneType, wanted vidkit.Detections"),
        ({"boxes": []}, "dict, wanted vidkit.Detections"),
        (one(score=np.nan), r"frame 4: detection 0 isn't finite: box \[0.0, 0.0, 5.0, 5.0\], score nan"),
        (one(box=(0, 0, np.inf, 5)), "isn't finite"),
        (one(class_id=3), "class id 3; the index has the classes 0 … 2"),
        (one(class_id=-1), "class id -1"),
        (one(box=(5, 0, 4, 5)), "inverted box"),
        (one(box=(0, 0, 321.5, 5)), r"outside the frame of 320x240 pixels; clip"),
        (one(box=(0, -1.5, 5, 5)), "outside the frame"),
        (one(dtype=np.int64), "boxes is of int64, wanted floating numbers"),
        (Detections(np.zeros((1, 4)), np.zeros(1), np.zeros(1)), "class_ids is of float64, wanted integer"),
        (replace(one(), is_key="yes"), "is_key is 'yes', wanted True or False"),
        (replace(one(), key_distance=1.0), "key_distance is 1.0, wanted a whole number"),
        (replace(one(), key_distance=8), "frame 4: key_distance 8 leads out of the video, which has 12 frames"),
        (replace(one(), key_distance=-5), "key_distance -5 leads out"),
    ],
)
def test_wrong_answers_are_named(answer, message):
    fails(answering_with(answer), message)


@pytest.mark.parametrize(
    "answer", [one(), one(dtype=np.float16), one(box=(-0.9, 0, 320.9, 240.9)), one(box=(5, 5, 5, 5)), Detections.none()]
)
def test_answers_on_the_border_are_taken(answer):
    assert len(run(Answering(answering_with(answer))).answers) == 12


def test_arrays_of_another_library_are_named():
    class Tensor:
        shape = (0,)
        dtype = np.dtype("f4")

        def __len__(self):
            return 0

    answer = Detections(np.zeros((0, 4)), Tensor(), np.zeros(0, int))  # type: ignore[arg-type]
    fails(answering_with(answer), "scores is a .*Tensor, wanted a numpy array")


def test_a_hanging_detector_is_stopped():
    def detect(frames):
        for number, _ in enumerate(frames):
            if number == 2:
                time.sleep(60)
            yield Detections.none()

    fails(detect, "frame 2: TimeoutError: no answer within 1 s", limit=1)


# -- broken frames -----------------------------------------------------------------------------------------------------


def test_an_error_of_the_frames_is_not_the_detectors():
    def frames():
        yield np.zeros((240, 320, 3), np.uint8)
        raise FrameError("000001.JPEG: damaged")

    detector = Answering(lambda images: (Detections.none() for _ in images))
    with pytest.raises(FrameError, match="damaged"):
        time_video(detector, frames(), INDEX, 0)


def test_a_detector_that_hides_an_error_of_the_frames():
    def detect(images):
        try:
            for _ in images:
                yield Detections.none()
        except FrameError:
            yield Detections.none()

    with pytest.raises(FrameError, match="0 frames and no more; wanted 12"):
        time_video(Answering(detect), iter([]), INDEX, 0)


@pytest.mark.parametrize("count", [11, 13])
def test_a_wrong_number_of_frames(count):
    detector = Answering(lambda images: (Detections.none() for _ in images))
    with pytest.raises(FrameError, match="wanted 12"):
        time_video(detector, iter([np.zeros((4, 4, 3), np.uint8)] * count), INDEX, 0)


@pytest.mark.parametrize(
    ("second", "message"),
    [
        (np.zeros((4, 4, 3), np.float32), "float32"),
        (np.zeros((4, 4), np.uint8), r"\(4, 4\), wanted"),
        (np.zeros((5, 4, 3), np.uint8), "the frames before"),
    ],
)
def test_frames_of_a_wrong_form(second, message):
    detector = Answering(lambda images: (Detections.none() for _ in images))
    with pytest.raises(FrameError, match=message):
        time_video(detector, iter([np.zeros((4, 4, 3), np.uint8), second]), INDEX, 0)
