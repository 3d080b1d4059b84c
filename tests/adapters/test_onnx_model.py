import numpy as np
import pytest

from tests.adapters.bright_box import LABEL, SCORE, frame_with, write_model
from tests.makers import make_classes
from vidkit.errors import DetectorError
from vidkit.harness.detector import Describing, Detector, DetectorContext, Measuring

pytest.importorskip("onnx", reason="writing a model needs onnx")
pytest.importorskip("onnxruntime", reason="needs onnxruntime")
from vidkit.adapters.onnx_model import labels_of_metadata, onnx

CLASSES = make_classes(4)  # class0 … class3
BOX = (40, 32, 80, 96)
NAMES = {"names": "{0: 'tree', 1: 'class3', 2: 'class0'}", "task": "detect", "stride": "32"}


def make(path, device="cpu", **options):
    return onnx(DetectorContext(CLASSES, device, path), **{"threads": 1} | options)


def answer(detector, *frames):
    found = list(detector.detect(iter(frames)))
    assert len(found) == len(frames)
    return found[0]


def check(found, box=BOX, class_id=LABEL):
    assert found.boxes.tolist() == [list(box)]
    assert found.scores == pytest.approx([SCORE])
    assert found.class_ids.tolist() == [class_id]


def labels(tmp_path, names="class0\nclass1\nclass2\n"):
    file = tmp_path / "labels.txt"
    file.write_text(names)
    return file


@pytest.mark.parametrize("layout", ["boxes-scores-labels", "yolo", "rows"])
def test_a_known_box_comes_out_the_same(tmp_path, layout):
    detector = make(write_model(tmp_path / "model.onnx", layout), layout=layout, labels=labels(tmp_path))
    check(answer(detector, frame_with(BOX), frame_with((0, 0, 160, 128))))
    check(answer(detector, frame_with((0, 0, 160, 128))), (0, 0, 160, 128))


@pytest.mark.parametrize("resize", ["letterbox", "stretch"])
def test_and_where_the_frame_is_resized(tmp_path, resize):
    detector = make(
        write_model(tmp_path / "model.onnx", shape="1, 3, 640, 640", metadata=NAMES, threshold=0.5), resize=resize
    )
    check(answer(detector, frame_with(BOX)), class_id=3)


def test_a_model_that_takes_any_size_sees_the_frame_as_it_is(tmp_path):
    path = write_model(tmp_path / "model.onnx", "boxes-scores-labels", "1, 3, H, W")
    detector = make(path, labels="index")
    check(answer(detector, frame_with(BOX)))
    assert detector.describe()["input_size"] == "as the frame"
    check(answer(make(path, labels="index", resize="letterbox", input_size="320x320"), frame_with(BOX)))


def test_a_model_of_ultralytics_tells_layout_and_names(tmp_path):
    detector = make(write_model(tmp_path / "best.onnx", metadata=NAMES))
    assert isinstance(detector, Detector) and isinstance(detector, Describing) and isinstance(detector, Measuring)
    check(answer(detector, frame_with(BOX)), class_id=3)
    said = detector.describe()
    assert detector.name == "best"
    assert (said["layout"], said["provider"], said["precision"]) == ("yolo", "CPUExecutionProvider", "float32")
    assert said["input_size"] == "160x128"
    assert said["classes_matched"] == "class3, class0"
    assert (said["classes_missing"], said["classes_dropped"]) == ("class1, class2", "tree")
    assert set(detector.measurements()) == {"preprocess_seconds", "forward_seconds", "postprocess_seconds"}
    assert min(detector.measurements().values()) > 0


def test_pixels_channels_and_normalisation(tmp_path):
    frame = frame_with(BOX, colour=(200, 0, 0))  # red
    red = {"shape": "1, 3, 128, 160", "red_only": True}
    path = write_model(tmp_path / "unit.onnx", metadata=NAMES, threshold=0.78, **red)  # 200 / 255 is 0.784
    check(answer(make(path), frame), class_id=3)
    assert answer(make(path, channels="bgr"), frame).boxes.tolist() == [[0, 0, 160, 128]]  # finds nothing: all of it
    check(answer(make(path, channels="bgr"), frame[..., ::-1]), class_id=3)
    path = write_model(tmp_path / "bytes.onnx", metadata=NAMES, threshold=199.5, **red)
    check(answer(make(path, pixels="0-255"), frame), class_id=3)
    path = write_model(tmp_path / "shifted.onnx", metadata=NAMES, threshold=1.98, **red)
    check(answer(make(path, pixels="0-255", mean="100,0,0", std="50,1,1"), frame), class_id=3)


def test_relative_boxes_and_their_format(tmp_path):
    path = write_model(tmp_path / "model.onnx", "boxes-scores-labels")
    found = answer(make(path, labels="index", relative=True), frame_with((0, 0, 1, 1)))
    assert found.boxes.tolist() == [[0, 0, 160, 128]]
    found = answer(make(path, labels="index", box_format="xywh"), frame_with((10, 20, 40, 50)))
    assert found.boxes.tolist() == [[10, 20, 50, 70]]


def test_the_score_threshold(tmp_path):
    path = write_model(tmp_path / "model.onnx", metadata=NAMES)
    assert len(answer(make(path, score_threshold=0.8), frame_with(BOX))) == 0


@pytest.mark.parametrize(
    ("model", "options", "message"),
    [
        ({}, {"labels": "index"}, "say what that is by --option layout="),
        ({}, {"layout": "yolo"}, "doesn't tell the names of its labels; give --option labels=FILE"),
        ({"metadata": NAMES}, {"input_size": "640x480"}, "the model takes 160x128 only"),
        ({"metadata": NAMES}, {"input_size": "640"}, "wanted WIDTHxHEIGHT"),
        ({"metadata": NAMES}, {"mean": "1,2"}, "wanted three numbers"),
        ({"metadata": NAMES}, {"std": "1,2,nan"}, "wanted three numbers"),
        ({"metadata": NAMES}, {"std": "1,0,1"}, "something to divide by"),
        ({"metadata": NAMES}, {"nms_iou": 2.0}, "'nms_iou': wanted 0 … 1"),
        ({"metadata": NAMES}, {"max_detections": 0}, "'max_detections': wanted 1 or more"),
        ({"metadata": NAMES}, {"device": "tpu"}, "--device tpu: this onnxruntime has"),
        ({"metadata": NAMES, "shape": "1, 1, 128, 160"}, {}, "wanted one image"),
    ],
)
def test_what_does_not_fit_is_told(tmp_path, model, options, message):
    with pytest.raises(DetectorError, match=message):
        make(write_model(tmp_path / "model.onnx", **model), **options)


def test_outputs_of_another_layout_are_told_at_the_first_frame(tmp_path):
    detector = make(write_model(tmp_path / "model.onnx"), layout="rows", labels="index")
    with pytest.raises(DetectorError, match=r"put out output0 float32 \(1, 7, 1\); wanted \(N, 6\)"):
        answer(detector, frame_with(BOX))


def test_a_frame_of_a_size_that_the_model_does_not_take(tmp_path):
    detector = make(write_model(tmp_path / "model.onnx", metadata=NAMES), resize="keep")
    with pytest.raises(DetectorError, match="onnxruntime: "):
        answer(detector, frame_with(BOX, 200, 100))


def test_a_file_that_is_no_model(tmp_path):
    path = tmp_path / "model.onnx"
    path.write_bytes(b"not a model")
    with pytest.raises(DetectorError, match=r"model\.onnx: onnxruntime can't load it"):
        make(path)
    with pytest.raises(DetectorError, match=r"--checkpoint MODEL\.onnx"):
        make(None)


@pytest.mark.parametrize(
    "text",
    ["{0: 'a', 2: 'b'}", "__import__('os').getpid()", "[" * 100_000, "x" * 300_000, "{0: 'a'", "7", "{'a': 'b'}"],
)
def test_hostile_names_of_a_model_are_refused_and_never_run(tmp_path, text):
    with pytest.raises(DetectorError, match="its list of names can't be read"):
        labels_of_metadata(text, tmp_path)


def test_names_of_a_model(tmp_path):
    assert labels_of_metadata("{0: 'a', 1: 'b c'}", tmp_path) == ("a", "b c")
    assert labels_of_metadata("{1: 'b', 0: 'a'}", tmp_path) == ("a", "b")


def test_frames_are_not_changed(tmp_path):
    frame = frame_with(BOX)
    frame.flags.writeable = False
    check(answer(make(write_model(tmp_path / "model.onnx", metadata=NAMES)), np.asarray(frame)), class_id=3)
