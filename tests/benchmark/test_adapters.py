from __future__ import annotations

import numpy as np

from tests.makers import make_index
from vidkit.benchmark.adapters import per_frame
from vidkit.benchmark.detector import Detector, OracleDetector
from vidkit.benchmark.run import blank_frames
from vidkit.benchmark.stopwatch import time_video
from vidkit.detections import Detections


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
