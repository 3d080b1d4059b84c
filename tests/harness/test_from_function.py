import numpy as np
import pytest

from tests.makers import make_classes, make_index
from vidkit.detections import Detections
from vidkit.errors import DetectorError
from vidkit.harness.detector import Detector, DetectorContext, OracleDetector
from vidkit.harness.detector_options import options_of, parse_options
from vidkit.harness.from_function import of_function, per_frame, takes_an_image
from vidkit.harness.run import blank_frames
from vidkit.harness.stopwatch import time_video


def test_a_function_on_one_image_is_a_detector_without_look_ahead():
    index = make_index(videos=1, frames=5)
    waits = []
    detector = per_frame("mine", lambda image: Detections.none(), lambda: waits.append(1))
    assert isinstance(detector, Detector) and not isinstance(detector, OracleDetector)
    run = time_video(detector, blank_frames(index, 0), index, 0)
    assert run.look_ahead.tolist() == [0] * 5
    assert len(waits) >= 5


def test_the_function_sees_each_frame_once():
    index = make_index(videos=1, frames=5)
    seen = []

    def detect(image):
        seen.append(image.shape)
        return Detections(np.zeros((1, 4)), np.ones(1), np.zeros(1, int))

    time_video(per_frame("mine", detect), blank_frames(index, 0), index, 0)
    assert seen == [(240, 320, 3)] * 5


def test_a_function_may_answer_with_plain_columns():
    index = make_index(videos=1, frames=2)
    answers = iter([([[1, 2, 30, 40]], [1], [2]), ([], [], [])])
    run = time_video(per_frame("mine", lambda image: next(answers)), blank_frames(index, 0), index, 0)
    assert run.answers[0].boxes.tolist() == [[1, 2, 30, 40]]
    assert [len(answer) for answer in run.answers] == [1, 0]


def test_what_is_no_answer_is_named():
    index = make_index(videos=1, frames=2)
    with pytest.raises(DetectorError, match=r"builtins\.dict, wanted vidkit\.Detections"):
        time_video(per_frame("mine", lambda image: {}), blank_frames(index, 0), index, 0)


def test_a_function_whose_first_parameter_is_the_image_is_no_factory():
    def on_one(image, threshold=0.5): ...
    def factory(context, image=None): ...

    assert takes_an_image(on_one) and not takes_an_image(factory) and not takes_an_image(lambda: None)


def test_a_function_as_a_factory_has_its_options_and_name():
    def whole(image, *, share: float = 1.0, class_id: int = 0):
        return [[0, 0, image.shape[1] * share, image.shape[0]]], [1.0], [class_id]

    factory = of_function(whole)
    assert parse_options(["share=0.5"], options_of(factory)) == {"share": 0.5, "class_id": 0}
    detector = factory(DetectorContext(make_classes(1)), share=0.5)
    assert detector.name == "whole"
    assert next(detector.detect([np.zeros((4, 6, 3), np.uint8)])).boxes.tolist() == [[0, 0, 3, 4]]
    with pytest.raises(DetectorError, match="whole: a function on one image isn't told --checkpoint or --device"):
        factory(DetectorContext(make_classes(1), device="cuda"))
