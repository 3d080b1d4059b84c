from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.makers import make_index
from vidkit.detections import Detections
from vidkit.errors import DetectorError
from vidkit.harness.detector import DetectorContext
from vidkit.harness.environment import environment, image_sizes
from vidkit.harness.from_function import per_frame
from vidkit.harness.plugins import make

INDEX = make_index(videos=3)
CONTEXT = DetectorContext(INDEX.classes, "cuda:1")


class Telling:
    name = "telling"

    def detect(self, frames):
        return (Detections.none() for _ in frames)

    def synchronize(self):
        pass

    def describe(self):
        return {"device": "a card", "precision": "bfloat16", "batch": 4}


def test_the_detector_tells_more():
    stamp = environment(Telling(), CONTEXT, INDEX, {"precision": "float32"})
    assert (stamp["device"], stamp["precision"], stamp["batch"]) == ("a card", "bfloat16", 4)


def test_options_tell_what_the_detector_does_not():
    detector = per_frame("mine", lambda image: Detections.none())
    stamp = environment(detector, CONTEXT, INDEX, {"precision": "float16"})
    assert (stamp["device"], stamp["precision"], stamp["batch"]) == ("cuda:1", "float16", "not told")
    assert "sees_truth" not in stamp and "blank_frames" not in stamp


def test_oracles_and_blank_frames_are_marked():
    context = DetectorContext(INDEX.classes)
    stamp = environment(make("oracle-jitter", context, [])[0], context, INDEX, {}, blank_frames=True)
    assert stamp["sees_truth"] is True and stamp["blank_frames"] is True


@pytest.mark.parametrize("context", [CONTEXT, DetectorContext(INDEX.classes, checkpoint=Path("weights.pt"))])
def test_a_stand_in_refuses_a_device_and_weights_that_it_would_not_use(context):
    with pytest.raises(DetectorError, match="computes on the CPU and has no weights"):
        make("oracle-jitter", context, [])


def test_a_checkpoint_is_known_by_its_content(tmp_path):
    stamps = []
    for content in (b"a", b"b"):
        (tmp_path / "weights.pt").write_bytes(content)
        context = replace(CONTEXT, checkpoint=tmp_path / "weights.pt")
        stamps.append(environment(Telling(), context, INDEX, {})["checkpoint"])
    assert stamps[0] != stamps[1] and stamps[0].startswith("weights.pt blake2b:")


@pytest.mark.parametrize(
    ("sizes", "wanted"),
    [
        ([[4, 3]] * 3, "4x3"),
        ([[40, 30], [4, 3], [4, 30]], "4x3 … 40x30 (3 sizes)"),
    ],
)
def test_image_sizes(sizes, wanted):
    assert image_sizes(replace(INDEX, video_size=np.array(sizes, np.int32))) == wanted


def test_image_sizes_of_no_videos():
    assert image_sizes(make_index(videos=0, tracks=0)) == "no videos"
