"""The flow network by itself, on made-up pairs of frames whose flow is known: what FlyingChairs is in the paper.

Textures, motion and degradation are those of `vidkit.synth`; the flow is exact. Half of the loss comes from the
objects, however small they are, since features are judged there: an error over the whole frame says how well nothing
was seen to move. The result is a flow checkpoint, see `initial_weights`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from functools import lru_cache
from itertools import count
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool2d
from torch.utils.data import Dataset

from impnet_model.data.examples import centred, each_tensor, loader
from impnet_model.data.images import resized_levels
from impnet_model.data.resize import Resize
from impnet_model.flows.flownet_s import FLOW_UNIT, FlowNetS
from impnet_model.nets.build import Build
from impnet_model.nets.wirings import flow_network
from impnet_model.training.config import TrainingError, build_named, changed, names_of
from impnet_model.training.loop import Learner, Progress, dealing_of, loop
from impnet_model.training.optimisation import Optimisation
from impnet_model.training.processes import ALONE, Processes
from impnet_model.training.run_folder import RunFolder, description_of
from impnet_model.weights.initial import FLOW_FORMAT, FLOW_VERSION, take_flow
from vidkit.errors import did_you_mean
from vidkit.number_ranges import check_ranges
from vidkit.synth import DIFFICULTIES, Scene, Settings, make_scene, render, true_flow

SHORT = Optimisation(
    iterations=3000,
    batch=8,
    optimizer="adamw",
    rate=1e-3,
    weight_decay=1e-4,
    drops=(0.6, 0.85),
    drop_factor=0.3,
    warmup=50,
    clip=5.0,
)


@dataclass(frozen=True)
class PairSettings:
    """Which pairs of frames are made up. Raises ValueError for a number outside its range."""

    width: int = 160
    height: int = 128
    difficulty: Literal["clean", "standard", "hard"] = "standard"
    speed: float = 1.0
    """Factor on all speeds, on top of the difficulty's."""
    reach: int = 10
    """Largest distance of the two frames."""
    scenes: int = 1000
    """How many different ones they are taken from."""
    pairs: int = 8000
    """How many different ones, each made once and kept; every showing is mirrored anew, in x and in y."""
    object_share: float = 0.5
    """Share of the loss that comes from objects."""
    seed: int = 0
    workers: int = 1

    def __post_init__(self) -> None:
        if min(self.reach, self.scenes, self.pairs) < 1 or self.workers < 0 or not 0 <= self.object_share <= 1:
            raise ValueError(
                f"reach {self.reach}, scenes {self.scenes}, pairs {self.pairs}, workers {self.workers}, object_share "
                f"{self.object_share}: wanted 1 or more of the first three, 0 or more, 0 … 1"
            )
        check_ranges(self, dict.fromkeys(("reach", "scenes", "pairs"), (1, 10_000_000)))
        check_ranges(self, {"width": (1, 2**14), "height": (1, 2**14), "speed": (0, 1e3), "workers": (0, 1024)})
        self.settings()

    def settings(self) -> Settings:
        """What the scenes are made from."""
        dials = DIFFICULTIES[self.difficulty]
        return Settings(self.seed, self.width, self.height, dials=changed(dials, {"speed": dials.speed * self.speed}))


GRAIN = 4
"""Pixels of a cell of the known flow; what reads it is not finer."""


@dataclass(frozen=True, eq=False)
class FlowBatch:
    """B pairs of frames with the flow from the first into the second."""

    images: Tensor
    """`(B, 2, 3, h, w)` uint8, resized."""
    flow: Tensor
    """`(B, 2, h/4, w/4)` in pixels of the resized frames, x first: means over `GRAIN` x `GRAIN` pixels."""
    objects: Tensor
    """`(B, 1, h/4, w/4)`: the share of them that shows an object in the first frame."""

    def to(self, device: torch.device) -> FlowBatch:
        """The batch on a device."""
        return each_tensor(self, lambda tensor: tensor.to(device, non_blocking=True))

    def pin_memory(self) -> FlowBatch:
        """The batch in memory from which a GPU copies by itself."""
        return each_tensor(self, Tensor.pin_memory)

    def pixels(self) -> Tensor:
        """The images in grey levels minus `GREY_MEAN`."""
        return centred(self.images)


class FlowPairs(Dataset[FlowBatch]):
    """`pairs[n]` is pair number n of an endless stream, a pure function of (settings, split, n); of training or "val".

    Frames are at most `reach` apart, in either order.
    """

    def __init__(self, pairs: PairSettings, resize: Resize, split: Literal["train", "val"] = "train") -> None:
        self.pairs, self.resize, self.split = pairs, resize, split
        self._made: dict[int, FlowBatch] = {}  # making a pair takes longer than learning from it

    def __getitem__(self, number: int) -> FlowBatch:
        """One pair, as a batch of one."""
        showing, which = divmod(number, self.pairs.pairs)
        if which not in self._made:
            self._made[which] = self.made(which)
        mirrored = np.random.default_rng([self.pairs.seed, which, showing]).random(2) < 0.5
        return flipped(self._made[which], *mirrored.tolist())

    def made(self, number: int) -> FlowBatch:
        """One of the pairs that the stream repeats, not mirrored."""
        rng = np.random.default_rng([self.pairs.seed, number])
        settings = self.pairs.settings()
        scene = _scene(settings, self.split, int(rng.integers(self.pairs.scenes)))
        a = int(rng.integers(settings.frames))
        near = [t for t in range(settings.frames) if 1 <= abs(t - a) <= self.pairs.reach]
        return self.between(scene, a, int(rng.choice(near)))

    def between(self, scene: Scene, a: int, b: int) -> FlowBatch:
        """Frames a and b of a scene."""
        images, scales = zip(*(resized_levels(render(scene, t), self.resize) for t in (a, b)), strict=True)
        flow, _ = true_flow(scene, a, b)  # (H, W, 2)
        maps = np.concatenate([flow * scales[0], _objects(scene, a)], axis=2).transpose(2, 0, 1)
        _, height, width = images[0].shape
        size = (-(-height // GRAIN), -(-width // GRAIN))
        sampled = adaptive_avg_pool2d(torch.from_numpy(np.ascontiguousarray(maps)), size)
        return FlowBatch(torch.stack(images)[None], sampled[None, :2], sampled[None, 2:])


def flipped(pair: FlowBatch, x: bool, y: bool) -> FlowBatch:
    """A pair mirrored left to right (x) and upside down (y), the flow along with it."""
    axes = [axis for axis, wanted in ((-1, x), (-2, y)) if wanted]
    sign = torch.tensor([-1.0 if x else 1.0, -1.0 if y else 1.0]).view(1, 2, 1, 1)
    return FlowBatch(pair.images.flip(axes), pair.flow.flip(axes) * sign, pair.objects.flip(axes))


@lru_cache(maxsize=1000)
def _scene(settings: Settings, split: str, number: int) -> Scene:
    return make_scene(settings, split, number)


def _objects(scene: Scene, time: int) -> NDArray[np.float32]:
    """`(H, W, 1)`: 1 where an object is to be seen, 0 for background and what hides objects."""
    height, width = scene.settings.height, scene.settings.width
    centres = np.stack(np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5), axis=-1)
    is_object = np.array([layer.class_id >= 0 for layer in scene.layers], np.float32)
    return is_object[scene.topmost(time, centres)][..., None]


def collate_pairs(pairs: Sequence[FlowBatch]) -> FlowBatch:
    """Pairs as one batch."""
    return FlowBatch(*(torch.cat([getattr(pair, each.name) for pair in pairs]) for each in fields(FlowBatch)))


class FlowLearning(nn.Module):
    """A flow network that learns known flow: from a batch to one loss for each level of its decoder."""

    def __init__(self, flow: FlowNetS, object_share: float) -> None:
        super().__init__()
        self.flow, self.object_share = flow, object_share

    def forward(self, batch: FlowBatch) -> dict[str, Tensor]:
        """The end-point errors of the levels, coarse to fine, in units of `FLOW_UNIT` pixels."""
        current, other = batch.pixels().unbind(1)
        levels = self.flow.pyramid(self.flow.prepare(current, other))
        wanted = batch.flow / (self.flow.input_pool * FLOW_UNIT)
        return {
            f"level{6 - place}": balanced_error(flow.float(), wanted, batch.objects, self.object_share)
            for place, flow in enumerate(levels)
        }


def balanced_error(flow: Tensor, wanted: Tensor, objects: Tensor, object_share: float) -> Tensor:
    """The mean end-point error of flow `(B, 2, h, w)`, objects together weighing `object_share` in each image.

    wanted `(B, 2, H, W)` and objects `(B, 1, H, W)` are averaged down to the size of the flow. An image in which one of
    the two doesn't occur loses its share.
    """
    size = (flow.shape[2], flow.shape[3])
    wanted, weight = adaptive_avg_pool2d(wanted, size), adaptive_avg_pool2d(objects, size)
    errors = (flow - wanted).square().sum(dim=1, keepdim=True).add(1e-12).sqrt()  # (B, 1, h, w)
    on, off = (
        (errors * part).sum(dim=(1, 2, 3)) / part.sum(dim=(1, 2, 3)).clamp(min=1e-6) for part in (weight, 1 - weight)
    )
    return (object_share * on + (1 - object_share) * off).mean()


# -- a run -------------------------------------------------------------------------------------------------------------


def flow_settings_of(values: Mapping[str, Any]) -> tuple[Build, Optimisation, PairSettings]:
    """What `values` ask for. Raises TrainingError for an unknown name and for a value that doesn't fit."""
    base = build_named(values.get("build", "resnet101"))
    known = names_of(Build) | names_of(Optimisation) | names_of(PairSettings) | {"build"}
    if strange := sorted(set(values) - known):
        raise TrainingError(f"no setting {strange[0]!r}{did_you_mean(strange[0], sorted(known))} for the flow network")
    build, optimisation, pairs = (
        changed(group, {key: value for key, value in values.items() if key in names_of(type(group))})
        for group in (base, SHORT, PairSettings())
    )
    return build, optimisation, pairs  # type: ignore[return-value]  # the three keep their kinds


def train_flow(
    values: Mapping[str, Any],
    out: Path,
    init: Sequence[Path] = (),
    resume: bool = False,
    processes: Processes = ALONE,
    should_stop: Callable[[], bool] = bool,
    command: Sequence[str] = (),
) -> Iterator[Progress]:
    """Train a flow network, and yield progress; `out/model.pt` is a flow checkpoint whose notes tell its errors.

    init: checkpoints with a flow network to start from. Errors as of `train.train`.
    """
    build, optimisation, pairs = flow_settings_of(values)
    run, dealing = RunFolder(out), dealing_of(optimisation, processes)
    config = asdict(optimisation) | asdict(pairs)
    description = description_of("flow", build, config, init, command, processes)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(pairs.seed)
        flow = flow_network(build)
    if flow.scale is not None:
        flow.scale.requires_grad_(False)  # pairs teach nothing about it, and processes wait for each gradient

    def passes_from(start: int) -> Iterator[FlowBatch]:
        numbers = ([*range(n * optimisation.batch, (n + 1) * optimisation.batch)] for n in count(start))
        examples, on_gpu = FlowPairs(pairs, build.resize()), processes.device.type == "cuda"
        return loader(examples, dealing.passes(numbers), collate_pairs, pairs.workers, on_gpu)

    def content(notes: Mapping[str, Any] | None = None) -> dict[str, Any]:
        state = {name: tensor.detach().cpu().clone() for name, tensor in flow.state_dict().items()}
        kept = {"build": asdict(build), "state": state, "notes": dict(notes or {})}
        return {"format": FLOW_FORMAT, "version": FLOW_VERSION, **kept}

    with run.alone(processes):
        resumed = run.begin_together(description, resume, processes)
        if resumed is None:
            take_flow(flow, init)
        else:
            flow.load_state_dict(resumed["state"])
        learner = Learner(FlowLearning(flow, pairs.object_share), optimisation, processes)
        finished = yield from loop(learner, passes_from, run, content, resumed, should_stop)
        if finished and processes.rank == 0:
            errors = flow_errors(flow, FlowPairs(pairs, build.resize(), "val"), processes.device)
            run.save(run.model, content({"pairs": asdict(pairs), "errors": [asdict(each) for each in errors]}))
            run.add_to_log({"iteration": optimisation.iterations, "errors": [asdict(each) for each in errors]})


@dataclass(frozen=True)
class FlowErrors:
    """How far off a flow network is at one distance of frames: medians over pairs, in pixels of the resized frame."""

    distance: int
    """Frames."""
    object_motion: float
    """Of the objects' pixels: the error of a flow of zero."""
    object_error: float
    frame_motion: float
    """Of all pixels."""
    frame_error: float


@torch.no_grad()
def flow_errors(
    flow: FlowNetS, pairs: FlowPairs, device: torch.device, distances: Sequence[int] = (1, 2, 5, 10), n: int = 24
) -> list[FlowErrors]:
    """The errors of the flow that features are warped by, on `n` scenes of the pairs' split, by distance.

    It is compared at the resolution of the features, with the true flow averaged over their cells.
    """
    settings = pairs.pairs.settings()
    found = []
    for distance in distances:
        rows = []
        for number in range(n):
            at = (7 * number) % (settings.frames - distance)
            rows.append(
                _errors(flow, pairs.between(_scene(settings, pairs.split, number), at, at + distance).to(device))
            )
        objects, frames = np.median(np.array(rows, np.float64).reshape(-1, 2, 2), axis=0)
        found.append(FlowErrors(distance, *objects.tolist(), *frames.tolist()))
    return found


def _errors(flow: FlowNetS, pair: FlowBatch) -> list[float]:
    """Error of zero flow and error of the network's: at the objects, then everywhere; in pixels."""
    current, other = pair.pixels().unbind(1)
    cells = flow(current, other).flow.float()
    pixels, zero = cells * flow.stride, torch.zeros_like(cells)
    return [
        float(balanced_error(each, pair.flow, mask, 1.0))
        for mask in (pair.objects, torch.ones_like(pair.objects))
        for each in (zero, pixels)
    ]
