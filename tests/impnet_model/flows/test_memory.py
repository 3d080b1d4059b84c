"""Flow with memory: composed frame by frame, held only as long as it is wanted, brought to the grid of the features."""

import numpy as np
import pytest
import torch
from torch import Tensor

from impnet_model.flows.memory import FlowMemory, PairSteps, followed, on_cells, smaller


def some_flow(seed: int, height: int = 5, width: int = 7, size: float = 2.0) -> Tensor:
    return torch.from_numpy(np.random.default_rng(seed).normal(0, size, (1, 2, height, width)).astype(np.float32))


def read(field: np.ndarray, x: float, y: float) -> np.ndarray:
    """A map `(2, h, w)` at one point, bilinear, clamped at the border."""
    height, width = field.shape[1:]
    x, y = min(max(x, 0), width - 1), min(max(y, 0), height - 1)
    j, i = int(x), int(y)
    right, below = min(j + 1, width - 1), min(i + 1, height - 1)
    u, v = x - j, y - i
    top = (1 - u) * field[:, i, j] + u * field[:, i, right]
    return (1 - v) * top + v * ((1 - u) * field[:, below, j] + u * field[:, below, right])


@pytest.mark.parametrize(("height", "width"), [(5, 7), (1, 4), (3, 1), (1, 1)])
def test_one_flow_followed_by_another_is_the_loop(height: int, width: int) -> None:
    first, second = some_flow(1, height, width), some_flow(2, height, width)
    a, b = first[0].numpy(), second[0].numpy()
    wanted = np.zeros_like(a)
    for i in range(height):
        for j in range(width):
            wanted[:, i, j] = a[:, i, j] + read(b, j + a[0, i, j], i + a[1, i, j])
    np.testing.assert_allclose(followed(first, second)[0].numpy(), wanted, atol=1e-4)


class Random:
    """Steps of random flow, counted."""

    def __init__(self) -> None:
        self.asked: list[tuple[int, int]] = []

    def see(self, frame: None) -> None:
        """Nothing to see."""

    def between(self, current: int, other: int) -> Tensor:
        self.asked.append((current, other))
        return some_flow(100 * current + other) * (current != other)

    def let_go(self, before: int) -> None:
        """Nothing is kept."""


@pytest.mark.parametrize(("current", "other"), [(3, 7), (7, 3), (4, 5), (5, 4), (2, 2)])
def test_composed_flow_goes_frame_by_frame(current: int, other: int) -> None:
    steps = Random()
    found = FlowMemory(steps).between(current, other)
    on = 1 if other > current else -1
    wanted = torch.zeros(1, 2, 5, 7)
    for place in range(other - on, current - on, -on) if current != other else ():
        wanted = followed(some_flow(100 * place + place + on), wanted)
    torch.testing.assert_close(found, wanted)
    assert all(abs(a - b) <= 1 for a, b in steps.asked)


def test_direct_flow_is_what_is_seen_of_the_pair() -> None:
    steps = Random()
    torch.testing.assert_close(FlowMemory(steps, composed=False).between(3, 7), some_flow(307))
    assert steps.asked == [(3, 7)]


def test_each_step_is_taken_once_until_it_is_let_go() -> None:
    steps = Random()
    memory = FlowMemory(steps)
    for place in (1, 2, 3, 4, 3):
        memory.between(place, 0)
    assert steps.asked == [(1, 0), (2, 1), (3, 2), (4, 3)]
    memory.let_go(3)
    memory.between(5, 3)
    assert steps.asked[4:] == [(5, 4)]


def shifted(current: np.ndarray, other: np.ndarray) -> np.ndarray:
    """A flow whose size tells which frames it was asked about."""
    return np.full((*current.shape[:2], 2), int(other[0, 0, 0]) - int(current[0, 0, 0]), np.float32)


def test_pairs_are_of_the_frames_that_were_seen() -> None:
    steps = PairSteps(shifted, 256)
    for level in (10, 11, 14):
        steps.see(np.full((4, 6, 3), level, np.uint8))
    assert steps.between(0, 2).shape == (1, 2, 4, 6)
    assert float(steps.between(0, 2).mean()) == 4
    assert float(steps.between(2, 1).mean()) == -3
    assert not steps.between(1, 1).any()
    steps.let_go(1)
    with pytest.raises(KeyError):
        steps.between(0, 1)


@pytest.mark.parametrize("wrong", [np.zeros((4, 6)), np.zeros((6, 4, 2)), np.full((4, 6, 2), np.nan)])
def test_what_is_no_flow_is_refused(wrong: np.ndarray) -> None:
    steps = PairSteps(lambda current, other: wrong, 256)
    for _ in range(2):
        steps.see(np.zeros((4, 6, 3), np.uint8))
    with pytest.raises(ValueError, match="wanted finite numbers"):
        steps.between(0, 1)


def test_frames_are_made_smaller_never_larger() -> None:
    frame = np.random.default_rng(0).integers(0, 256, (40, 61, 3), dtype=np.uint8)
    assert smaller(frame, 40) is frame
    small = smaller(frame, 20)
    assert small.shape == (20, 30, 3)
    assert abs(float(small.mean()) - float(frame.mean())) < 2
    assert smaller(np.full((9, 900, 3), 77, np.uint8), 4).tolist() == np.full((4, 400, 3), 77).tolist()


@pytest.mark.parametrize(("height", "width", "stride"), [(16, 24, 8), (13, 21, 8), (5, 5, 8)])
def test_a_cell_has_the_mean_of_its_pixels(height: int, width: int, stride: int) -> None:
    flow = some_flow(4, height, width, 9.0)
    rows, columns = -(-height // stride), -(-width // stride)
    wanted = np.zeros((2, rows, columns))
    for i in range(rows):
        for j in range(columns):
            part = flow[0, :, i * stride : (i + 1) * stride, j * stride : (j + 1) * stride]
            wanted[:, i, j] = part.mean(dim=(1, 2)).numpy() / stride
    found = on_cells(flow, height, width, stride)[0].numpy()
    np.testing.assert_allclose(found, wanted, atol=1e-5)


def test_pixels_of_a_smaller_grid_count_more() -> None:
    half = torch.tensor([1.0, 2.0]).view(1, 2, 1, 1).expand(1, 2, 16, 20)
    cells = on_cells(half, 32, 60, 8)
    assert cells.shape == (1, 2, 4, 8)
    np.testing.assert_allclose(cells[0, 0].numpy(), 3 / 8, atol=1e-6)
    np.testing.assert_allclose(cells[0, 1].numpy(), 4 / 8, atol=1e-6)
