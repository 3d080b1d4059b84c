"""What each method trains on: the same as its detector would compute, with gradients where they belong."""

from typing import Any

import pytest
import torch
from torch import Tensor

from impnet_model.flows.carried import Carried, Warp, carried_along, fused_remainders
from impnet_model.methods import methods_with, part_of
from impnet_model.nets.aggregation import cosine_weights
from impnet_model.nets.network import ImpressionNetwork
from impnet_model.training.losses import Selection, Truth, task_losses
from impnet_model.training.train import seen_at
from tests.impnet_model.makers import make_network

ROLES = {"per-frame": 1, "dff": 2, "fgfa": 3}


def images(method: str, batch: int = 2, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(batch, ROLES.get(method, 3), 3, 40, 56, generator=generator) * 50


def lively(method: str) -> ImpressionNetwork:
    """With flows and scales that aren't trivial."""
    network = make_network(method)
    flow: Any = network.flow
    if flow is not None:
        with torch.no_grad():
            flow.flow2.weight.mul_(3)
            if flow.scale is not None:
                flow.scale.weight.normal_(std=0.1, generator=torch.Generator().manual_seed(1))
    return network


def feature_by(
    method: str, network: ImpressionNetwork, frames: Tensor, rows: Tensor, warp: Warp = "bilinear"
) -> Tensor:
    feature: Tensor = part_of(method, "forward")(network, frames, rows, warp).feature
    return feature


DIFFERENT = torch.tensor([[0, 1, 2], [3, 4, 5]])


@torch.no_grad()
def test_dff_is_the_key_moved_to_the_current_frame() -> None:
    network, pair = lively("dff"), images("dff")
    ours = feature_by("dff", network, pair, DIFFERENT[:, :2])
    for i in range(2):
        key, current = pair[i, 0:1], pair[i, 1:2]
        assert torch.allclose(ours[i, None], network.propagate(network.feature(key), current, key), atol=1e-5)
    assert not torch.allclose(ours, network.feature(pair[:, 1]), atol=1e-3)


@torch.no_grad()
@pytest.mark.parametrize("method", ["impression", "impression-fixed"])
def test_impression_is_one_step_of_algorithm_1(method: str) -> None:
    network, triplet = lively(method), images(method)
    ours = feature_by(method, network, triplet, DIFFERENT)
    for i in range(2):
        old, current, new = triplet[i].split(1)
        impression = network.propagate(network.feature(old), new, old)
        task = network.fuse(impression, network.feature(new)).task
        assert torch.allclose(ours[i, None], network.propagate(task, current, new), atol=1e-5)


@torch.no_grad()
def test_equal_frames_are_passed_by() -> None:
    """A still image gives its own feature; old = new needs no first warp, new = current no second."""
    network = lively("impression")
    still = images("per-frame").expand(-1, 3, -1, -1, -1)
    for method in ("impression", "dff"):
        n = ROLES.get(method, 3)
        ours = feature_by(method, network, still[:, :n], torch.zeros(2, n, dtype=torch.int64))
        assert torch.allclose(ours, network.feature(still[:, 0]), atol=1e-5)
    triplet = images("impression", 1)
    triplet[:, 0] = triplet[:, 2]
    old, current, new = triplet[0].split(1)
    ours = feature_by("impression", network, triplet, torch.tensor([[7, 8, 7]]))
    assert torch.allclose(ours, network.propagate(network.feature(new), current, new), atol=1e-5)
    ours = feature_by("impression", network, images("impression", 1), torch.tensor([[5, 7, 7]]))
    old, current, new = images("impression", 1)[0].split(1)
    wanted = network.fuse(network.propagate(network.feature(old), new, old), network.feature(new)).task
    assert torch.allclose(ours, wanted, atol=1e-5)


@torch.no_grad()
def test_fgfa_weighs_two_neighbours_by_their_likeness_to_the_current_frame() -> None:
    network, triplet = lively("fgfa"), images("fgfa")
    ours = feature_by("fgfa", network, triplet, DIFFERENT)
    embedding: Any = network.embedding
    for i in range(2):
        first, current, second = triplet[i].split(1)
        warped = torch.cat([network.propagate(network.feature(f), current, f) for f in (first, second)])
        weights = cosine_weights(embedding(warped), embedding(network.feature(current)))
        assert torch.allclose(ours[i], (weights * warped).sum(dim=0), atol=1e-5)


@pytest.mark.parametrize("method", methods_with("forward"))
def test_every_part_that_is_trained_has_a_gradient(method: str) -> None:
    """Also where all frames are the same: a process without a gradient would stop the others."""
    network = lively(method)
    n = ROLES.get(method, 3)
    for rows in (DIFFERENT[:, :n], torch.zeros(2, n, dtype=torch.int64)):
        network.zero_grad()
        features = feature_by(method, network, images(method), rows)
        features.square().mean().backward()
        missing = {
            name
            for name, p in network.named_parameters()
            if p.requires_grad and p.grad is None and not name.startswith("task")
        }
        assert missing == set()
        if method == "impression-frozen":
            assert all(p.grad is None for name, p in network.named_parameters() if name.startswith(("feature", "flow")))


# -- whole cells -------------------------------------------------------------------------------------------------------


def test_in_whole_cells_the_key_is_moved_as_the_detector_moves_it() -> None:
    network, pair = lively("dff"), images("dff")
    ours = part_of("dff", "forward")(network, pair, DIFFERENT[:, :2], "cells")
    key, current = pair.unbind(1)
    with torch.no_grad():
        wanted = carried_along(Carried(network.feature(key), None), network.motion(current, key), "cells")
    torch.testing.assert_close(ours.feature.detach(), wanted.feature, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(ours.remainder, wanted.remainder)
    same = part_of("dff", "forward")(network, pair, torch.zeros(2, 2, dtype=torch.int64), "cells")
    assert not same.remainder.any()


def test_in_whole_cells_the_remainders_of_both_moves_are_carried() -> None:
    network, triplet = lively("impression"), images("impression")
    ours = part_of("impression", "forward")(network, triplet, DIFFERENT, "cells")
    old, current, new = triplet.unbind(1)
    with torch.no_grad():
        warped = carried_along(Carried(network.feature(old), None), network.motion(new, old), "cells")
        task, _, weight = network.fuse(warped.feature, network.feature(new))
        left, _ = fused_remainders(warped.remainder, weight, 1.0)
        wanted = carried_along(Carried(task, left), network.motion(current, new), "cells")
    torch.testing.assert_close(ours.feature.detach(), wanted.feature, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(ours.remainder, wanted.remainder, atol=1e-4, rtol=1e-4)
    assert not ours.remainder.requires_grad
    ours.feature.square().mean().backward()
    assert network.get_parameter("flow.flow2.weight").grad is None
    assert network.get_parameter("feature.conv1.weight").grad is not None


def test_objects_are_learned_where_they_are_seen() -> None:
    """What the detector takes off its boxes is put on the objects."""
    boxes = torch.tensor([[8.0, 8, 23, 23], [0, 16, 7, 31]])
    remainder = torch.zeros(2, 2, 5, 7)
    remainder[0, 0] = 0.25
    remainder[0, 1, :, 1:] = -0.5
    moved, still = seen_at([boxes, boxes[:0]], remainder, 8)
    assert moved.tolist() == [[10, 4, 25, 19], [2, 16, 9, 31]]
    assert still.shape == (0, 4)


# -- losses ------------------------------------------------------------------------------------------------------------


def truth(seed: int, boxes: list[list[float]], size: tuple[int, int] = (40, 56)) -> Truth:
    return Truth(torch.tensor(boxes, dtype=torch.float32).reshape(-1, 4), torch.arange(len(boxes)) % 3, *size, seed)


def test_losses_of_a_batch_are_the_mean_of_its_images() -> None:
    network: Any = make_network("per-frame")
    features = network.feature(images("per-frame")[:, 0])
    truths = [truth(1, [[3, 4, 20, 30], [30, 5, 50, 25]]), truth(2, [])]
    together = task_losses(network.task, features, truths, Selection())
    alone = [task_losses(network.task, features[i, None], [truths[i]], Selection()) for i in range(2)]
    for name, value in together.items():
        assert torch.isfinite(value)
        assert float(value.detach()) == pytest.approx(
            sum(float(each[name].detach()) for each in alone) / 2, rel=1e-5, abs=1e-7
        )
    assert float(alone[1]["rfcn_box"].detach()) == float(alone[1]["rpn_box"].detach()) == 0


def test_what_a_batch_was_filled_up_with_counts_for_nothing() -> None:
    """Anchors and proposals beyond the image's own size are neither learned from nor proposed."""
    network: Any = make_network("per-frame")
    features = network.feature(images("per-frame", 1)[:, 0])
    small = truth(1, [[3, 4, 20, 30]], (32, 40))
    changed = features.clone()
    changed[..., 5:] = 0  # cells that lie beyond 40 pixels
    names = ("rpn_class", "rpn_box")
    a, b = (task_losses(network.task, each, [small], Selection()) for each in (features, changed))
    assert all(torch.equal(a[name], b[name]) for name in names)
    whole = task_losses(network.task, features, [small._replace(height=40, width=56)], Selection())
    assert not torch.equal(a["rpn_class"], whole["rpn_class"])


def test_losses_fall_where_the_answer_is_right() -> None:
    """Features are free: what is learned from the losses is then found by the detector's own path."""
    from impnet_model.nets.task_network import PostProcessing, View

    network: Any = make_network("per-frame")
    features = torch.zeros(1, 16, 5, 7, requires_grad=True)
    objects = truth(1, [[4, 6, 19, 27], [30, 8, 49, 25]])
    optimizer = torch.optim.Adam([features, *network.task.parameters()], 0.03)
    for _ in range(150):
        optimizer.zero_grad()
        torch.stack([*task_losses(network.task, features, [objects], Selection()).values()]).sum().backward()
        optimizer.step()
    (found,) = network.task.detect(features.detach(), View(40, 56, 1.0), PostProcessing(0.5))
    assert len(found.boxes) == 2
    order = found.boxes[:, 0].argsort()
    assert found.labels[order].tolist() == [0, 1]
    assert torch.allclose(found.boxes[order], objects.boxes, atol=2.0)
