"""Targets, sampling, hard examples and losses, against naive loops and worked cases."""

import math

import numpy as np
import pytest
import torch

from impnet_model.nets.anchors import base_anchors, grid_anchors
from impnet_model.training.assignment import (
    Targets,
    anchor_targets,
    class_and_box_loss,
    hard_examples,
    region_targets,
    sample_anchors,
)
from tests.impnet_model import oracles


def boxes_in(n: int, seed: int, size: float = 150) -> torch.Tensor:
    rng = np.random.default_rng(seed)
    corner = rng.uniform(0, size * 0.7, (n, 2))
    return torch.from_numpy(np.concatenate([corner, corner + rng.uniform(10, size * 0.5, (n, 2))], axis=1))


def small_anchors() -> torch.Tensor:
    return grid_anchors(base_anchors(16, (1, 2, 4), (0.5, 1, 2)), 8, 10, 16).double()


@pytest.mark.parametrize("n", [0, 1, 4])
@pytest.mark.parametrize("seed", range(3))
def test_anchor_targets_equal_the_loop(n: int, seed: int) -> None:
    anchors, boxes = small_anchors(), boxes_in(n, seed)
    targets = anchor_targets(anchors, boxes, 128, 160, 0.7, 0.3)
    labels, deltas = oracles.anchor_targets(anchors.numpy(), boxes.numpy(), 128, 160, 0.7, 0.3)
    assert targets.labels.tolist() == labels
    np.testing.assert_allclose(targets.deltas, deltas, atol=1e-12)
    assert n == 0 or 1 in labels


def test_anchors_tied_for_an_object_are_all_positive() -> None:
    anchors = torch.tensor([[0.0, 0, 15, 15], [16, 0, 31, 15], [40, 0, 55, 15]])
    targets = anchor_targets(anchors, torch.tensor([[8.0, 0, 23, 15]]), 20, 60)
    assert targets.labels.tolist() == [1, 1, 0]


def test_an_object_far_from_all_anchors_makes_them_positive_as_published() -> None:
    anchors = torch.tensor([[0.0, 0, 15, 15], [16, 0, 31, 15]])
    assert anchor_targets(anchors, torch.tensor([[90.0, 90, 99, 99]]), 100, 100).labels.tolist() == [1, 1]


def test_no_anchor_inside_the_image() -> None:
    anchors = torch.tensor([[-5.0, 0, 15, 15], [0, 0, 100, 10]])
    for boxes in (torch.zeros(0, 4), torch.tensor([[0.0, 0, 5, 5]])):
        assert anchor_targets(anchors, boxes, 50, 50).labels.tolist() == [-1, -1]


def test_sampling_keeps_so_many_and_is_repeatable() -> None:
    labels = torch.tensor([1] * 40 + [0] * 500 + [-1] * 60)
    targets = Targets(labels, torch.ones(600, 4))
    drawn = [sample_anchors(targets, torch.Generator().manual_seed(s), 64, 16) for s in (1, 1, 2)]
    assert [int((d.labels == 1).sum()) for d in drawn] == [16] * 3
    assert [int((d.labels == 0).sum()) for d in drawn] == [48] * 3
    assert torch.equal(drawn[0].labels, drawn[1].labels)
    assert not torch.equal(drawn[0].labels, drawn[2].labels)
    assert ((drawn[0].labels == labels) | (drawn[0].labels == -1)).all()
    assert torch.equal(drawn[0].deltas[:, 0] == 1, drawn[0].labels == 1)


def test_sampling_takes_what_there_is() -> None:
    targets = Targets(torch.tensor([1, 0, 0, -1]), torch.zeros(4, 4))
    assert sample_anchors(targets, torch.Generator()).labels.tolist() == [1, 0, 0, -1]


@pytest.mark.parametrize("n", [0, 1, 5])
@pytest.mark.parametrize("m", [0, 1, 30])
def test_region_targets_equal_the_loop(n: int, m: int) -> None:
    boxes, classes = boxes_in(n, 1), torch.arange(n)
    regions = torch.cat([boxes_in(m, 2), boxes + 2])
    targets = region_targets(regions, boxes, classes)
    labels, deltas = oracles.region_targets(regions.numpy(), boxes.numpy(), classes.numpy(), 0.5)
    assert targets.labels.tolist() == labels
    np.testing.assert_allclose(targets.deltas, np.array(deltas).reshape(-1, 4), atol=1e-12)


def test_hard_examples_are_those_of_largest_loss() -> None:
    generator = torch.Generator().manual_seed(0)
    logits, deltas = torch.randn(50, 4, generator=generator), torch.randn(50, 4, generator=generator)
    labels = torch.randint(0, 4, (50,), generator=generator)
    targets = Targets(labels, torch.randn(50, 4, generator=generator) * (labels > 0)[:, None])
    losses = []
    for i in range(50):
        loss = -math.log(math.exp(logits[i, labels[i]]) / sum(math.exp(v) for v in logits[i]))
        for ours, wanted in zip(deltas[i].tolist(), targets.deltas[i].tolist(), strict=True):
            d = abs(ours - wanted)
            loss += (0.5 * d * d if d < 1 else d - 0.5) * (labels[i].item() > 0)
        losses.append(loss)
    hardest = sorted(range(50), key=lambda i: -losses[i])[:10]
    hard = hard_examples(logits, deltas, targets, keep=10)
    assert (hard.labels >= 0).nonzero()[:, 0].tolist() == sorted(hardest)
    assert hard_examples(logits, deltas, targets, keep=99).labels.tolist() == labels.tolist()


def test_losses_of_a_worked_case() -> None:
    """Two anchors count; at even logits the class loss is log 2. One box is off by 0.5 and 2 in two coordinates."""
    targets = Targets(torch.tensor([1, 0, -1]), torch.zeros(3, 4))
    deltas = torch.tensor([[0.5, 2, 0, 0], [9, 9, 9, 9], [9, 9, 9, 9]])
    class_loss, box_loss = class_and_box_loss(torch.zeros(3, 2), deltas, targets, total=10)
    assert float(class_loss) == pytest.approx(math.log(2))
    assert float(box_loss) == pytest.approx((0.125 + 1.5) / 10)


def test_losses_of_nothing_are_zero() -> None:
    targets = Targets(torch.full((3,), -1), torch.zeros(3, 4))
    losses = class_and_box_loss(torch.randn(3, 2), torch.randn(3, 4), targets, 128)
    assert [float(loss) for loss in losses] == [0, 0]
