from pathlib import Path

import numpy as np
import pytest

from vidkit.classes import ObjectClass
from vidkit.errors import DetectorError
from vidkit.harness.detector import Describing, Detector, DetectorContext, Measuring

try:
    from ultralytics import YOLO

    from vidkit.adapters.ultralytics_model import ultralytics
except (ImportError, RuntimeError, DetectorError) as error:  # RuntimeError: a torchvision that doesn't fit this torch
    pytest.skip(f"needs ultralytics: {error}", allow_module_level=True)

pytestmark = pytest.mark.filterwarnings("default")  # ultralytics' own
CLASSES = (ObjectClass("car", "car"), ObjectClass("fox", "n02118333"))


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "mine.pt"
    model = YOLO("yolov8n.yaml")
    model.model.names = {0: "Car", **{n: f"thing{n}" for n in range(1, 80)}}
    model.save(path)
    return path


def make(path=None, **options):
    return ultralytics(DetectorContext(CLASSES, "cpu", path), **options)


def test_without_consent_a_checkpoint_is_not_read(tmp_path):
    path = tmp_path / "best.pt"
    path.write_bytes(b"whatever it is")
    with pytest.raises(DetectorError, match=r"--option trust_pickle=true. If not: .*--checkpoint best\.onnx"):
        make(path)


def test_a_checkpoint_finds_what_ultralytics_finds(checkpoint):
    frame = np.random.default_rng(0).integers(0, 256, (96, 128, 3)).astype(np.uint8)
    detector = make(checkpoint, trust_pickle=True, input_size=128, score_threshold=0.0)
    assert isinstance(detector, Detector) and isinstance(detector, Describing) and isinstance(detector, Measuring)
    ours = next(detector.detect([frame]))
    (theirs,) = YOLO(checkpoint).predict(frame[..., ::-1], imgsz=128, conf=0.0, iou=0.7, max_det=300, verbose=False)
    is_car = theirs.boxes.cls.numpy() == 0
    assert is_car.sum() == len(ours)
    assert np.allclose(ours.boxes, theirs.boxes.xyxy.numpy()[is_car])
    said = detector.describe()
    assert (said["classes_matched"], said["classes_missing"]) == ("Car → car", "fox")
    assert (detector.name, said["weights"], said["input_size"]) == ("mine", "mine.pt", "longer side 128")
    assert detector.measurements()["forward_seconds"] > 0


class FindsRed:
    """What `predict` of ultralytics does, for one red box: it is handed BGR, and its boxes have continuous edges."""

    def predict(self, image, **settings):
        from ultralytics.engine.results import Results

        y, x = np.nonzero(image[..., 2] > 127)
        import torch

        box = torch.tensor([[x.min(), y.min(), x.max() + 1, y.max() + 1, 0.5, 0]], dtype=torch.float32)
        speed = {"preprocess": 1.0, "inference": 2.0, "postprocess": 3.0}
        return [Results(image, "", {0: "Car"}, boxes=box, speed=speed)]


def test_a_known_box_comes_out_the_same_and_red_is_red(checkpoint):
    from dataclasses import replace

    from tests.adapters.bright_box import frame_with

    detector = replace(make(checkpoint, trust_pickle=True), network=FindsRed())
    (found,) = detector.detect([frame_with((40, 32, 80, 96), colour=(255, 0, 0))])
    assert found.boxes.tolist() == [[40, 32, 80, 96]]
    assert found.class_ids.tolist() == [0]


def test_random_weights_for_timing():
    detector = make(model="yolov8n.yaml", input_size=64)
    list(detector.detect([np.zeros((48, 64, 3), np.uint8)] * 2))
    assert (detector.name, detector.describe()["weights"]) == ("yolov8n", "random")
    assert detector.describe()["classes_matched"] == "none"


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        (None, {}, "not both"),
        ("model.onnx", {}, "vidkit benchmark onnx --checkpoint"),
        ("model.engine", {}, "wanted a checkpoint of ultralytics"),
        ("damaged.pt", {"trust_pickle": True}, "ultralytics can't load it"),
        (None, {"model": "../evil.yaml"}, "wanted the name of one of ultralytics' models"),
        (None, {"model": "yolov8n.yaml", "input_size": 3}, "'input_size': wanted 32"),
        (None, {"model": "yolov8n-cls.yaml"}, "made for the task 'classify'"),
    ],
)
def test_what_does_not_fit_is_told(tmp_path, name, options, message):
    path = None
    if name:
        path = tmp_path / name
        path.write_bytes(b"damaged")
    with pytest.raises(DetectorError, match=message):
        make(path, **options)


def test_an_architecture_of_ones_own_is_not_taken(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("yolov8n.yaml").write_text("nc: 1\n")
    with pytest.raises(DetectorError, match="wanted the name of one of ultralytics' models"):
        make(model="yolov8n.yaml")
