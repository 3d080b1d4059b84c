import numpy as np
import pytest

from vidkit.adapters.layouts import corners, read, told_by
from vidkit.errors import DetectorError

BOXES = np.array([[10, 20, 30, 60], [5, 5, 10, 10], [0, 0, 1, 1]], np.float32)
SCORES = np.array([0.9, 0.5, 0.0001], np.float32)
LABELS = np.array([2, 0, 1])


def check(outputs, layout, n_labels=3):
    found = read(outputs, layout, n_labels, 0.001)
    assert np.array_equal(found.boxes, BOXES[:2])
    assert found.scores == pytest.approx(SCORES[:2])
    assert found.labels.tolist() == [2, 0]
    assert (found.boxes.dtype, found.scores.dtype, found.labels.dtype) == (np.float32, np.float32, np.int64)


@pytest.mark.parametrize("names", [("boxes", "labels", "scores"), ("1", "2", "3")])
@pytest.mark.parametrize("batch", [False, True])
def test_boxes_scores_labels_by_name_or_shape(names, batch):
    columns = (BOXES, LABELS, SCORES)
    check({n: c[None] if batch else c for n, c in zip(names, columns, strict=True)}, "boxes-scores-labels")


@pytest.mark.parametrize("n", [0, 1, 4])
def test_few_boxes_are_not_taken_for_something_else(n):
    outputs = {"boxes": np.ones((n, 4)), "scores": np.ones(n), "labels": np.zeros(n, np.int64)}
    assert len(read(outputs, "boxes-scores-labels", 3, 0.0).scores) == n
    batch = {name: column[None] for name, column in outputs.items()}
    assert len(read(batch, "boxes-scores-labels", 3, 0.0).scores) == n


def grid() -> np.ndarray:
    shares = np.zeros((3, 3), np.float32)
    shares[np.arange(3), LABELS] = SCORES
    return np.concatenate([BOXES, shares], axis=1)


def test_yolo_either_way_round():
    check({"output0": grid().T[None]}, "yolo")
    check({"output0": grid()[None]}, "yolo")
    check({"output0": grid().T}, "yolo")


def test_yolov5_multiplies_objectness():
    table = grid()
    table[:, 4:] *= 2
    table = np.insert(table, 4, 0.5, axis=1)
    check({"output": table[None], "feature": np.zeros((1, 3, 4, 4, 8))}, "yolov5")


def test_rows():
    check({"output0": np.column_stack([BOXES, SCORES, LABELS])[None]}, "rows")


def test_half_precision_comes_as_single():
    check({"output0": np.column_stack([BOXES, SCORES, LABELS]).astype(np.float64)}, "rows")


@pytest.mark.parametrize(
    ("outputs", "layout", "wanted"),
    [
        ({"a": np.zeros((1, 9, 100))}, "yolo", r"a float64 \(1, 9, 100\); wanted \(N, 4 \+ 3 labels\)"),
        ({"a": np.zeros((2, 7, 100))}, "yolo", "a batch of one table"),
        ({"a": np.zeros((1, 100, 7))}, "yolov5", r"\(N, 5 \+ 3 labels\)"),
        ({"a": np.zeros((1, 100, 7))}, "rows", r"\(N, 6\)"),
        ({"a": np.zeros((1, 100, 7))}, "boxes-scores-labels", r"\(N, 4\) boxes"),
        ({"boxes": np.zeros((3, 4)), "scores": np.zeros(2), "labels": np.zeros(3, int)}, "boxes-scores-labels", "N"),
        ({}, "yolo", "put out nothing"),
    ],
)
def test_other_shapes_are_told(outputs, layout, wanted):
    with pytest.raises(DetectorError, match=wanted):
        read(outputs, layout, 3, 0.001)


def test_a_label_that_is_no_number():
    with pytest.raises(DetectorError, match="a label that isn't finite"):
        read({"a": np.array([[0, 0, 1, 1, 0.5, np.nan]])}, "rows", 3, 0.001)


def test_a_score_that_is_no_number_stays_to_be_seen():
    assert np.isnan(read({"a": np.array([[0, 0, 1, 1, np.nan, 0]])}, "rows", 3, 0.001).scores).all()


def test_box_formats():
    boxes = np.array([[10, 20, 30, 60]], np.float32)
    assert corners(boxes, "xyxy").tolist() == [[10, 20, 30, 60]]
    assert corners(boxes, "xywh").tolist() == [[10, 20, 40, 80]]
    assert corners(boxes, "cxcywh").tolist() == [[-5, -10, 25, 50]]


def test_what_a_model_tells_of_its_layout():
    ultralytics = {"task": "detect", "names": "{0: 'a'}", "stride": "32"}
    assert told_by({"boxes": 0, "labels": 0, "scores": 0, "masks": 0}, {}) == "boxes-scores-labels"
    assert told_by({"output0": 0}, ultralytics) == "yolo"
    assert told_by({"output0": 0}, ultralytics | {"end2end": "True"}) == "rows"
    assert told_by({"output0": 0}, ultralytics | {"args": "{'batch': 1, 'nms': True}"}) == "rows"
    assert told_by({"output0": 0}, {}) is None
