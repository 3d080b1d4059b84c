"""Features carried in whole cells: copied, never averaged, with what is left of their way beside them."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from impnet_model.flows.carried import Carried, carried_along, fused_remainders, moved_by_cells
from impnet_model.flows.field import FlowField
from impnet_model.flows.warp import flow_warp


def constant(dx: float, dy: float, height: int = 6, width: int = 8) -> FlowField:
    flow = torch.tensor([dx, dy]).view(1, 2, 1, 1).expand(1, 2, height, width).clone()
    return FlowField(flow, None)


def feature(seed: int = 0, batch: int = 1, height: int = 6, width: int = 8) -> Tensor:
    return torch.from_numpy(np.random.default_rng(seed).normal(size=(batch, 3, height, width)).astype(np.float32))


@pytest.mark.parametrize(("height", "width"), [(6, 8), (1, 5), (4, 1), (1, 1)])
def test_cells_are_copied_as_the_loop_does(height: int, width: int) -> None:
    rng = np.random.default_rng(3)
    whole = torch.from_numpy(rng.integers(-9, 10, (2, 2, height, width)).astype(np.float32))
    source = feature(1, 2, height, width)
    wanted = torch.zeros_like(source)
    for b in range(2):
        for i in range(height):
            for j in range(width):
                x, y = j + int(whole[b, 0, i, j]), i + int(whole[b, 1, i, j])
                if 0 <= x < width and 0 <= y < height:
                    wanted[b, :, i, j] = source[b, :, y, x]
    assert torch.equal(moved_by_cells(source, whole), wanted)


def test_whole_flow_is_the_same_either_way() -> None:
    source, field = feature(), constant(2, -1)
    cells = carried_along(Carried(source, None), field, "cells")
    torch.testing.assert_close(cells.feature, flow_warp(source, field.flow), atol=1e-5, rtol=1e-5)
    assert cells.remainder is not None
    assert not cells.remainder.any()


def test_bilinear_is_the_papers_warp_and_leaves_nothing() -> None:
    source, field = feature(), constant(0.4, -1.3)
    scaled = FlowField(field.flow, torch.full_like(source, 1.5))
    found = carried_along(Carried(source, None), scaled, "bilinear")
    assert torch.equal(found.feature, flow_warp(source, field.flow) * 1.5)
    assert found.remainder is None


@given(st.lists(st.tuples(st.floats(-2, 2), st.floats(-2, 2)), min_size=1, max_size=8))
@settings(max_examples=50, deadline=None)
def test_what_is_left_never_adds_up(ways: list[tuple[float, float]]) -> None:
    """After any number of steps cells and remainder add up to the whole way, the remainder to half a cell at most."""
    size = 41
    x = torch.arange(size, dtype=torch.float32).view(1, 1, 1, size).expand(1, 1, size, size)
    carried = Carried(torch.cat([x, x.transpose(2, 3)], dim=1), None)  # each cell tells where it came from
    for dx, dy in ways:
        carried = carried_along(carried, constant(dx, dy, size, size), "cells")
    assert carried.remainder is not None
    assert float(carried.remainder.abs().max()) <= 0.5 + 1e-4
    taken = carried.feature[0, :, size // 2, size // 2] - size // 2
    way = taken + carried.remainder[0, :, size // 2, size // 2]
    np.testing.assert_allclose(way.numpy(), np.sum(ways, axis=0), atol=1e-3)


def test_the_gradient_goes_to_the_feature_and_not_to_the_flow() -> None:
    source, field = feature().requires_grad_(), constant(0.6, 0.2)
    field.flow.requires_grad_()
    carried_along(Carried(source, None), field, "cells").feature.sum().backward()
    assert source.grad is not None
    assert float(source.grad.sum()) == 3 * 6 * 7  # a column of cells went out of the map
    assert field.flow.grad is None


def test_a_fused_feature_lies_as_far_off_as_its_share_of_the_impression() -> None:
    remainder, weight = torch.full((1, 2, 6, 8), 0.4), torch.full((1, 1, 6, 8), 0.75)
    task, impression = fused_remainders(remainder, weight, 0.5)
    assert task is not None
    assert impression is not None
    torch.testing.assert_close(task, torch.full((1, 2, 6, 8), 0.1))
    torch.testing.assert_close(impression, torch.full((1, 2, 6, 8), 0.05))
    assert fused_remainders(None, weight, 0.5) == (None, None)
