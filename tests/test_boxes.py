import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vidkit import boxes

CORNERS = st.tuples(*[st.integers(-20, 20)] * 4)


def naive_iou(a: tuple[int, ...], b: tuple[int, ...]) -> float:
    """Count the pixels: the boxes have whole corners."""

    def pixels(box: tuple[int, ...]) -> set[tuple[int, int]]:
        return {(x, y) for x in range(box[0], box[2]) for y in range(box[1], box[3])}

    both, either = pixels(a) & pixels(b), pixels(a) | pixels(b)
    return len(both) / len(either) if either else 0.0


@given(CORNERS, CORNERS)
def test_iou_equals_counting_pixels(a: tuple[int, ...], b: tuple[int, ...]) -> None:
    assert float(boxes.iou(np.array(a, float), np.array(b, float))) == pytest.approx(naive_iou(a, b), abs=1e-15)


def test_iou_broadcasts() -> None:
    a, b = np.random.default_rng(0).uniform(0, 9, (2, 5, 4))
    table = boxes.iou(a[:, None], b[None])
    assert table.shape == (5, 5)
    assert table[2, 3] == boxes.iou(a[2], b[3])


def test_a_one_pixel_box_in_both_conventions() -> None:
    exclusive = boxes.from_inclusive(np.array([[3.0, 5.0, 3.0, 5.0]]))
    assert exclusive.tolist() == [[3, 5, 4, 6]]
    assert boxes.area(exclusive).tolist() == [1]
    assert boxes.to_inclusive(exclusive).tolist() == [[3, 5, 3, 5]]
    assert boxes.to_xywh(exclusive).tolist() == [[3, 5, 1, 1]]
    assert boxes.from_xywh(boxes.to_xywh(exclusive)).tolist() == exclusive.tolist()


def test_no_boxes_stay_no_boxes() -> None:
    none = np.zeros((0, 4))
    for function in (boxes.from_inclusive, boxes.to_inclusive, boxes.from_xywh, boxes.to_xywh):
        assert function(none).shape == (0, 4)
    assert boxes.area(none).shape == (0,)


def test_inverted_boxes_have_no_area() -> None:
    assert boxes.area(np.array([[5.0, 5.0, 1.0, 9.0], [5.0, 5.0, 1.0, 1.0]])).tolist() == [0, 0]


def test_float32_is_taken_only_where_it_loses_nothing() -> None:
    assert boxes.lossless_float(np.array([0.5, 1e6])).dtype == np.float32
    assert boxes.lossless_float(np.array([0.1])).dtype == np.float64
    assert boxes.lossless_float(np.array([1e300])).dtype == np.float64
    assert boxes.lossless_float(np.array([np.nan, np.inf])).dtype == np.float32
    assert boxes.lossless_float(np.zeros((0, 4))).dtype == np.float32
