"""The flow network by itself: pairs that are true, an error that minds objects, a run that learns."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch.nn.functional import grid_sample, interpolate

from impnet_model.data.examples import loader
from impnet_model.data.resize import Resize
from impnet_model.nets.build import TINY
from impnet_model.nets.wirings import flow_network
from impnet_model.training.config import TrainingError
from impnet_model.training.flow_network import (
    FlowBatch,
    FlowPairs,
    PairSettings,
    balanced_error,
    collate_pairs,
    flipped,
    flow_errors,
    flow_settings_of,
    train_flow,
)
from impnet_model.training.train import network_of
from impnet_model.weights import checkpoints
from impnet_model.weights.initial import take_weights
from tests.impnet_model.makers import SMALL
from vidkit.synth import make_scene

SIDES = {"width": 64, "height": 64}
CLEAN = PairSettings(**SIDES, difficulty="clean", scenes=5, workers=0)
VALUES = {
    "build": "tiny", **SIDES, "shorter": 64, "longer": 64, "difficulty": "clean", "scenes": 4, "reach": 3,
    "iterations": 6, "batch": 2, "workers": 0, "checkpoint_every": 3, "log_every": 2,
}  # fmt: skip


def off_along(pair: FlowBatch) -> tuple[float, float]:
    """Return how far the first frame is off the second when that is read along the flow, and when as it is."""
    first, second = pair.pixels().unbind(1)
    height, width = first.shape[2:]
    flow = interpolate(pair.flow, (height, width), mode="bilinear")[0]
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    at = torch.stack([x, y]) + flow
    grid = torch.stack([2 * at[0] / (width - 1) - 1, 2 * at[1] / (height - 1) - 1], dim=-1)[None]
    moved = grid_sample(second, grid, align_corners=True)
    inside = (grid.abs() < 1).all(dim=-1)[:, None].expand_as(first)
    return float((moved - first).abs()[inside].mean()), float((second - first).abs()[inside].mean())


@pytest.mark.parametrize("resize", [Resize(64, 64), Resize(96, 96)])
def test_the_flow_leads_to_what_is_seen(resize: Resize) -> None:
    """Where the second frame is read along the flow, it looks as the first."""
    pairs = FlowPairs(CLEAN, resize)
    each = [pairs.between(make_scene(CLEAN.settings(), "train", number), 2, 12) for number in range(4)]
    along, still = (sum(column) for column in zip(*map(off_along, each), strict=True))
    assert along < 0.6 * still
    assert all(0 < float(pair.objects.mean()) < 0.6 for pair in each)


@pytest.mark.parametrize(("x", "y"), [(True, False), (False, True), (True, True)])
def test_a_mirrored_pair_is_as_true(x: bool, y: bool) -> None:
    pair = FlowPairs(CLEAN, Resize(64, 64)).between(make_scene(CLEAN.settings(), "train", 1), 2, 12)
    along, still = off_along(flipped(pair, x, y))
    assert (along, still) == pytest.approx(off_along(pair), rel=0.02)
    assert along < 0.6 * still


def test_the_stream_shows_its_pairs_again_mirrored_otherwise() -> None:
    pairs = FlowPairs(replace(CLEAN, pairs=2), Resize(64, 64))
    shown = [pairs[number] for number in range(1, 32, 2)]
    assert all(
        torch.equal(torch.sort(each.images.flatten())[0], torch.sort(shown[0].images.flatten())[0]) for each in shown
    )
    assert len({each.images.numpy().tobytes() for each in shown}) == 4
    again = FlowPairs(replace(CLEAN, pairs=2), Resize(64, 64))[31]
    assert torch.equal(again.images, shown[-1].images) and torch.equal(again.flow, shown[-1].flow)


def test_pairs_are_a_pure_function_of_their_number() -> None:
    one, other = FlowPairs(CLEAN, Resize(64, 64)), FlowPairs(CLEAN, Resize(64, 64))
    assert torch.equal(one[7].images, other[7].images) and torch.equal(one[7].flow, other[7].flow)
    assert not torch.equal(one[7].images, one[8].images)
    val = FlowPairs(CLEAN, Resize(64, 64), "val")
    assert not torch.equal(one[7].images, val[7].images)
    batch = next(loader(one, iter([[1, 2, 3]]), collate_pairs))
    assert batch.images.shape == (3, 2, 3, 64, 64) and torch.equal(batch.flow[1], one[2].flow[0])


def test_objects_weigh_as_much_as_all_else() -> None:
    """One cell of an object, off by 3 and 4, and fifteen right ones: half of 5."""
    wanted, objects = torch.zeros(1, 2, 8, 8), torch.zeros(1, 1, 8, 8)
    objects[..., :2, :2] = 1
    flow = torch.zeros(1, 2, 4, 4)
    flow[0, :, 0, 0] = torch.tensor([3.0, 4.0])
    assert float(balanced_error(flow, wanted, objects, 0.5)) == pytest.approx(2.5, abs=1e-4)
    assert float(balanced_error(flow, wanted, objects, 1.0)) == pytest.approx(5, abs=1e-4)
    assert float(balanced_error(flow, wanted, objects, 0.0)) == pytest.approx(0, abs=1e-4)


def test_errors_are_in_pixels_of_the_frame() -> None:
    """A network without motion is off by the motion itself; one that is told the truth by nothing."""
    flow = flow_network(TINY)
    torch.nn.init.zeros_(flow.flow2.weight)
    pairs = FlowPairs(CLEAN, Resize(64, 64), "val")
    near, far = flow_errors(flow, pairs, torch.device("cpu"), (1, 10), n=4)
    assert near.object_error == pytest.approx(near.object_motion, rel=1e-3)
    assert far.frame_error == pytest.approx(far.frame_motion, rel=1e-3)
    assert 0 < near.object_motion < far.object_motion
    pair = pairs[0]
    per_pixel = pair.flow.square().sum(dim=1).sqrt().mean()
    assert float(balanced_error(torch.zeros(1, 2, 8, 8), pair.flow, torch.ones_like(pair.objects), 1.0)) == (
        pytest.approx(float(per_pixel), rel=0.2)
    )


def test_a_run_learns_goes_on_and_gives_its_flow_to_others(tmp_path: Path) -> None:
    reports = list(train_flow(VALUES, tmp_path / "whole"))
    assert [report.iteration for report in reports] == [2, 4, 6]
    calls = iter(range(100))
    list(train_flow(VALUES, tmp_path / "legs", should_stop=lambda: next(calls) >= 4))
    list(train_flow(VALUES, tmp_path / "legs", resume=True))
    states = [checkpoints.read(tmp_path / run / "model.pt")["state"] for run in ("whole", "legs")]
    assert all(torch.equal(value, states[1][name]) for name, value in states[0].items())
    errors = json.loads((tmp_path / "whole" / "log.jsonl").read_text().splitlines()[-1])["errors"]
    assert [each["distance"] for each in errors] == [1, 2, 5, 10]

    build = replace(TINY, shorter=64, longer=64)
    for method in ("dff", "fgfa"):  # one with a scale map, one without
        network = network_of(method, build, 1)
        before = {name: value.clone() for name, value in network.state_dict().items()}
        assert take_weights(network, [tmp_path / "whole" / "model.pt"]) == {"flow"}
        for name, value in network.state_dict().items():
            part, _, own = name.partition(".")
            assert torch.equal(value, states[0][own] if part == "flow" else before[name])
    with pytest.raises(checkpoints.FormatError, match="none of this network's parts"):
        take_weights(network_of("per-frame", build, 1), [tmp_path / "whole" / "model.pt"])
    with pytest.raises(checkpoints.FormatError, match="another build"):
        take_weights(network_of("dff", SMALL, 1), [tmp_path / "whole" / "model.pt"])


def test_a_long_enough_run_is_better_than_no_flow(tmp_path: Path) -> None:
    values = VALUES | {"iterations": 60, "scenes": 1, "batch": 4, "rate": 2e-3, "log_every": 20, "reach": 1}
    reports = list(train_flow(values, tmp_path))
    assert reports[-1].losses["level2"] < 0.8 * reports[0].losses["level2"]


@pytest.mark.parametrize(
    "values",
    [
        {"build": "tinny"},
        {"reach": 0},
        {"pairs": 0},
        {"scenes": "many"},
        {"difficulty": "soft"},
        {"length": 4},
        {"speed": -1.0},
    ],
)
def test_bad_settings_are_told(values: dict[str, object]) -> None:
    with pytest.raises(TrainingError):
        flow_settings_of({"build": "tiny"} | values)
