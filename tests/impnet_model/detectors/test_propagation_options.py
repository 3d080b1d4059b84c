"""Another flow, another warp, boxes that move: an image that is moved gives boxes that are moved."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from torch import Tensor

import impnet_model
from impnet_model.detectors.impression import impression_network
from impnet_model.detectors.options import EngineOptions
from impnet_model.detectors.video_motion import BoxesChoice, MotionOptions
from impnet_model.methods import METHODS
from impnet_model.weights.checkpoints import load
from tests.impnet_model.makers import make_engine
from vidkit.detections import Detections
from vidkit.errors import DetectorError
from vidkit.harness.detector import Detector, DetectorContext
from vidkit.harness.plugins import make

HERE = "tests.impnet_model.detectors.test_propagation_options"
WEIGHTS = Path(impnet_model.__file__).parent / "weights"
Frame = np.ndarray


def told_flow(current: Frame, other: Frame) -> np.ndarray:
    """The flow between two frames that tell, in their first pixel, how far the disc was moved: all around it.

    The border of the frame stands still, so that nothing leaves it.
    """
    here = current[0, 0, :2].astype(np.float32) - 100
    way = other[0, 0, :2].astype(np.float32) - 100 - here
    y, x = np.mgrid[: current.shape[0], : current.shape[1]]
    near = (x - 90 - here[0]) ** 2 + (y - 70 - here[1]) ** 2 < 52**2
    return near[..., None] * way


def moved_frames(*ways: tuple[int, int]) -> list[Frame]:
    """A picture of a disc moved by ways from the first; the first pixel tells the way."""
    y, x = np.mgrid[:160, :200]
    frames = []
    for dx, dy in ways:
        frame = np.full((160, 200, 3), 90, np.uint8)
        frame[(x - 90 - dx) ** 2 + (y - 70 - dy) ** 2 < 14**2] = (220, 60, 40)
        frame[0, 0] = (100 + dx, 100 + dy, 0)
        frames.append(frame)
    return frames


def made(method: str, *options: str) -> Detector:
    """A method on the impression's checkpoint, which has all parts."""
    file = WEIGHTS / "impression.pt"
    detector, _ = make(METHODS[method].detector, DetectorContext(load(file).classes, "cpu", file), options)
    assert isinstance(detector, Detector)
    return detector


def best(found: Detections) -> np.ndarray:
    """The box with the highest score."""
    return found.boxes[int(np.argmax(found.scores))]


WAYS = [(0, 0), (3, -2), (13, 9), (-11, 5)]


@pytest.mark.parametrize(
    ("method", "options"),
    [
        ("dff", ["warp=cells"]),
        ("dff", ["warp=cells", "batch=3"]),
        ("impression", ["warp=cells"]),
        ("dff", ["boxes=moved"]),
    ],
)
def test_a_moved_image_has_moved_boxes(method: str, options: list[str]) -> None:
    detector = made(method, f"flow={HERE}:told_flow", "shorter=160", "length=5", "key_id=0", *options)
    answers = [*detector.detect(moved_frames(*WAYS))]
    for way, answer in zip(WAYS, answers, strict=True):
        assert np.abs(best(answer) - best(answers[0]) - np.tile(way, 2)).max() < 0.5
        assert answer.scores.max() == pytest.approx(float(answers[0].scores.max()), abs=0.02)


class TheImpressionAlone:
    """A quality network by which a new keyframe weighs nothing: it is asked about the impression first."""

    in_channels = 128

    def __init__(self) -> None:
        self.asked = 0

    def __call__(self, features: Tensor) -> Tensor:
        self.asked += 1
        return features.new_full((1, 1, *features.shape[2:]), 50.0 if self.asked % 2 else -50.0)


@pytest.mark.parametrize("boxes", ["detected", "moved"])
def test_an_impression_carried_in_cells_is_found_where_the_image_is(boxes: BoxesChoice) -> None:
    """What is left of the way from keyframe to keyframe goes on to the next, and into the boxes of keyframes too."""
    file = WEIGHTS / "impression.pt"
    context = DetectorContext(load(file).classes, "cpu", file)
    engine = EngineOptions(shorter=160).engine(context, "impression")
    engine = replace(engine, network=engine.network.with_parts(quality=TheImpressionAlone()))
    way = MotionOptions(f"{HERE}:told_flow", warp="cells", boxes=boxes).propagation(engine)
    ways = [(0, 0), (3, -2), (6, -4), (9, -6), (12, -8), (15, -10), (18, -12)]
    answers = [*impression_network(engine, 2, 0, way=way).detect(moved_frames(*ways))]
    for moved, answer in zip(ways, answers, strict=True):
        assert np.abs(best(answer) - best(answers[0]) - np.tile(moved, 2)).max() < 0.5


def test_the_adaptive_method_takes_the_options_too() -> None:
    options = [f"flow={HERE}:told_flow", "shorter=160", "length=5", "drift=9", "warp=cells", "boxes=moved"]
    answers = [*made("impression-adaptive", *options).detect(moved_frames(*WAYS))]
    for way, answer in zip(WAYS, answers, strict=True):
        assert np.abs(best(answer) - best(answers[0]) - np.tile(way, 2)).max() < 0.5
    assert [answer.key_distance for answer in answers] == [0, -1, -2, -3]


def test_a_flow_that_is_not_the_networks_needs_no_flow_network_and_has_a_stage() -> None:
    file = WEIGHTS / "per-frame.pt"
    context = DetectorContext(load(file).classes, "cpu", file)
    detector, _ = make(METHODS["dff"].detector, context, ["flow=zero", "length=2"])
    assert len([*detector.detect(moved_frames(*WAYS[:3]))]) == 3  # type: ignore[union-attr]
    with pytest.raises(DetectorError, match="has no flow network"):
        make(METHODS["dff"].detector, context, [])
    detector, _ = make(METHODS["dff"].detector, context, [f"flow={HERE}:told_flow", "length=2"])
    [*detector.detect(moved_frames(*WAYS[:3]))]  # type: ignore[union-attr]
    measured = detector.measurements()  # type: ignore[union-attr]
    assert measured["flow_seconds"] > 0


def test_the_learned_flow_can_be_composed() -> None:
    frames = moved_frames((0, 0), (3, -2), (6, -4), (9, -6))
    composed, direct = ([*made("dff", "length=4", f"composed={value}").detect(frames)] for value in ("true", "false"))
    np.testing.assert_array_equal(composed[0].boxes, direct[0].boxes)
    assert any(len(a) != len(b) or not np.array_equal(a.boxes, b.boxes) for a, b in zip(composed, direct, strict=True))


@pytest.mark.parametrize("option", ["warp=nearest", "boxes=held", "composed=often"])
def test_what_there_is_not_is_refused(option: str) -> None:
    with pytest.raises(DetectorError, match=r"option '\w+'"):
        made("dff", option)


@pytest.mark.parametrize(
    "wrong", [MotionOptions("farnebak"), MotionOptions("nowhere:flow"), MotionOptions("zero:", flow_side=3)]
)
def test_a_flow_that_there_is_not_is_refused(wrong: MotionOptions) -> None:
    with pytest.raises(DetectorError):
        wrong.propagation(make_engine())
