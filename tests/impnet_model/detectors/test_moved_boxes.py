"""Boxes moved by what a map says at them."""

import numpy as np
import pytest
import torch

from impnet_model.detectors.moved_boxes import at_points, inside, means_in_boxes, moved_by_flow, shifted
from vidkit.detections import Detections


def field(height: int = 5, width: int = 7) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(2, height, width))


def found(*boxes: tuple[float, ...]) -> Detections:
    n = len(boxes)
    return Detections(
        np.array(boxes, np.float32).reshape(n, 4), np.linspace(1, 0.5, n).astype(np.float32), np.arange(n)
    )


def mean_by_loop(values: np.ndarray, box: np.ndarray) -> np.ndarray:
    """Cell by cell, each with the area of it that lies in the box."""
    total, area = np.zeros(2), 0.0
    for i in range(values.shape[1]):
        for j in range(values.shape[2]):
            wide = min(box[2], j + 1) - max(box[0], j)
            high = min(box[3], i + 1) - max(box[1], i)
            if wide > 0 and high > 0:
                total += values[:, i, j] * wide * high
                area += wide * high
    return total / area


@pytest.mark.parametrize(("height", "width"), [(5, 7), (1, 1), (1, 6)])
def test_means_are_those_of_the_loop(height: int, width: int) -> None:
    rng, values = np.random.default_rng(1), field(height, width)
    corners = rng.uniform(-2, 9, (40, 2))
    boxes = np.concatenate([corners, corners + rng.uniform(0.2, 6, (40, 2))], axis=1)
    on_map = (np.minimum(boxes[:, 2:], [width, height]) > np.maximum(boxes[:, :2], 0)).all(axis=1)
    wanted = [mean_by_loop(values, box) for box in boxes[on_map]]
    np.testing.assert_allclose(means_in_boxes(values, boxes)[on_map], np.reshape(wanted, (-1, 2)), atol=1e-9)


def test_a_box_without_area_has_what_is_at_its_centre() -> None:
    values = field()
    boxes = np.array([[2.5, 1.5, 2.5, 1.5], [-9, -9, -8, -8], [3, 1, 3, 4]])
    wanted = [values[:, 1, 2], values[:, 0, 0], (values[:, 2, 2] + values[:, 2, 3]) / 2]
    np.testing.assert_allclose(means_in_boxes(values, boxes), wanted, atol=1e-9)
    assert means_in_boxes(values, np.zeros((0, 4))).shape == (0, 2)


def test_pixel_centres_lie_at_halves_and_the_border_goes_on() -> None:
    values = field()
    points = np.array([[0.5, 0.5], [3.5, 2.5], [-4, 2.5], [100, 100], [3.0, 2.5]])
    wanted = [
        values[:, 0, 0],
        values[:, 2, 3],
        values[:, 2, 0],
        values[:, 4, 6],
        (values[:, 2, 2] + values[:, 2, 3]) / 2,
    ]
    np.testing.assert_allclose(at_points(values, points), wanted, atol=1e-12)


def test_boxes_move_as_the_flow_at_their_centres() -> None:
    flow = torch.zeros(1, 2, 8, 8)
    flow[0, :, :, 4:] = torch.tensor([1.0, -0.5]).view(2, 1, 1)
    moved = moved_by_flow(found((0, 0, 8, 8), (20, 4, 28, 12)), flow, (4.0, 2.0))
    assert moved.boxes.tolist() == [[0, 0, 8, 8], [24, 3, 32, 11]]
    assert len(moved_by_flow(found(), flow, (4.0, 2.0))) == 0


def test_what_left_the_frame_is_gone() -> None:
    moved = inside(shifted(found((0, 0, 4, 4), (10, 10, 14, 14)), np.array([[-4.0, 0], [-11, -9]])), 20, 12)
    assert moved.boxes.tolist() == [[0, 1, 3, 5]]
    assert moved.class_ids.tolist() == [1]
