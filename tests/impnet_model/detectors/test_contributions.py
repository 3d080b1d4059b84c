"""What each keyframe has in a task feature: against loops, against the closed form, and against the features."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch

from impnet_model.detectors import contributions
from impnet_model.detectors.adaptive import adaptive_impression
from impnet_model.detectors.contributions import Fusion, fused_shares, keyframe_weights, mean_shares
from impnet_model.detectors.impression import impression_network
from impnet_model.flows.zero import ZeroFlow
from tests.impnet_model import oracles
from tests.impnet_model.makers import key_features_of, make_engine, make_video
from vidkit.harness.detector import Weighing
from vidkit.keyframes.propagation import contributions as closed_form

L = 3


def random_fusion(rng: np.random.Generator, height: int, width: int, reach: float = 3.0) -> Fusion:
    weight = torch.from_numpy(rng.random((1, 1, height, width)))
    return Fusion(weight.float(), torch.from_numpy(rng.uniform(-reach, reach, (1, 2, height, width))).float())


@pytest.mark.parametrize("size", [(4, 5), (1, 1), (1, 6)])
@pytest.mark.parametrize("gate", [0.0, 0.4, 1.0])
def test_shares_are_those_of_the_loop(gate: float, size: tuple[int, int]) -> None:
    """The loop carries, for each keyframe by itself, a feature that is 1 where it is its own and 0 elsewhere."""
    rng = np.random.default_rng(1)
    fusions = [random_fusion(rng, *size) for _ in range(4)]
    impression = torch.ones(1, 1, *size)
    expected = [np.ones(size)]  # of each keyframe in the impression, the oldest first
    for fusion in fusions:
        task, impression = fused_shares(impression, fusion, gate)
        w, flow = fusion.weight[0, 0].double().numpy(), fusion.flow[0].double().numpy()
        warped = [oracles.warp(each[None], flow)[0] for each in expected]
        in_task = [(1 - w) * each for each in warped] + [w]
        expected = [gate * each for each in in_task]
        expected[-1] = expected[-1] + (1 - gate)
        np.testing.assert_allclose(task[0].numpy(), in_task[::-1], atol=1e-5)
        np.testing.assert_allclose(impression[0].numpy(), expected[::-1], atol=1e-5)
        sums = np.array([each.sum() for each in in_task[::-1]])
        np.testing.assert_allclose(mean_shares(task), sums / sums.sum(), atol=1e-5)


def test_nothing_at_all_is_the_keyframes_own() -> None:
    nowhere = Fusion(torch.zeros(1, 1, 2, 2), torch.full((1, 2, 2, 2), 9.0))
    task, _ = fused_shares(torch.ones(1, 1, 2, 2), nowhere, 1.0)
    assert mean_shares(task).tolist() == [1.0, 0.0]


@pytest.mark.parametrize("gate", [0.0, 0.375, 1.0])
def test_equal_weights_and_no_motion_give_the_closed_form(gate: float) -> None:
    engine = make_engine("impression-fixed")
    still = replace(engine, network=engine.network.with_parts(flow=ZeroFlow(8)))
    found = list(impression_network(still, L, gate=gate).keyframe_weights(make_video(5 * L)))
    assert len(found) == 5
    for k, each in enumerate(found):
        np.testing.assert_allclose(each.shares, closed_form(0.5, gate, key=k, offsets=k + 1), atol=1e-6)


def test_shares_are_those_that_make_the_feature() -> None:
    """Of a network without scale map the task feature is the sum of the keyframes' features times their shares, as far
    as these were moved; here nothing moves."""
    engine = make_engine()
    engine = replace(engine, network=engine.network.with_parts(flow=ZeroFlow(8)))
    with torch.inference_mode():
        keys = key_features_of(engine, make_video(4 * L), L, L // 2, 0.7)
        features = [engine.network.feature(each.segment.key_image.pixels) for each in keys]
        impression = torch.ones(1, 1, *features[0].shape[2:])
        for k, key in enumerate(keys[1:], start=1):
            assert key.fusion is not None
            task, impression = fused_shares(impression, key.fusion, 0.7)
            mixed = sum(task[:, o : o + 1] * features[k - o] for o in range(k + 1))
            torch.testing.assert_close(mixed, key.task.feature, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("make", [lambda e: impression_network(e, L), lambda e: adaptive_impression(e, L, drift=1e9)])
def test_keyframes_are_those_of_the_answers(make) -> None:
    detector, video = make(make_engine()), make_video(3 * L + 1)
    assert isinstance(detector, Weighing)
    keys = [frame for frame, answer in enumerate(detector.detect(video)) if answer.is_key]
    found = list(detector.keyframe_weights(video))
    assert [each.frame for each in found] == keys
    assert [len(each.shares) for each in found] == [1, 2, 3, 4]
    assert all(abs(each.shares.sum() - 1) < 1e-5 for each in found)
    assert all(each.weight.shape == (6, 8) and each.cell == pytest.approx(8 * 37 / 44) for each in found)


def test_old_keyframes_are_told_together(monkeypatch: pytest.MonkeyPatch) -> None:
    detector, video = impression_network(make_engine(), 1), make_video(7)
    apart = [each.shares for each in detector.keyframe_weights(video)]
    monkeypatch.setattr(contributions, "MOST_KEYFRAMES", 3)
    together = [each.shares for each in detector.keyframe_weights(video)]
    assert [len(each) for each in together] == [1, 2, 3, 3, 3, 3, 3]
    for a, b in zip(apart, together, strict=True):
        np.testing.assert_allclose(np.append(a[:2], a[2:].sum())[: len(b)], b, atol=1e-5)


def test_no_keyframes() -> None:
    assert list(keyframe_weights([], 1.0, 8)) == []
    assert all(
        a.frame < b.frame for a, b in pairwise(impression_network(make_engine(), L).keyframe_weights(make_video(9)))
    )
