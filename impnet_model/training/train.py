"""Training of the detectors, from an index to a network (Impression Network, Sec. 3.2, 4.1).

for progress in train(plan_of("impression", [index], {"build": "tiny"}), Path("runs/impression")):
    print(progress.iteration, progress.losses)
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from inspect import signature
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn

from impnet_model.data.examples import Batch, Examples, collate, loader
from impnet_model.data.frame_cache import FrameCache, cached_frames
from impnet_model.detectors.moved_boxes import means_in_boxes
from impnet_model.flows.carried import Warp
from impnet_model.methods import method_with, part_of
from impnet_model.nets.build import Build
from impnet_model.nets.network import ImpressionNetwork
from impnet_model.nets.task_network import RFCNTask
from impnet_model.nets.wirings import wired
from impnet_model.training.config import Data, TrainConfig, TrainingError, flat, settings_of
from impnet_model.training.loop import REPLAY, Learner, Progress, Scoring, dealing_of, loop
from impnet_model.training.losses import Selection, Truth, task_losses
from impnet_model.training.processes import ALONE, Processes
from impnet_model.training.run_folder import RunFolder, description_of
from impnet_model.weights import checkpoints
from impnet_model.weights.checkpoints import Checkpoint, content_of
from impnet_model.weights.initial import take_weights
from vidkit.boxes import from_inclusive
from vidkit.data.index import Index
from vidkit.errors import ChoiceError, FormatError
from vidkit.sampling.batches import batches
from vidkit.sampling.offsets import causal, impression_triplet
from vidkit.sampling.samplers import Sampler
from vidkit.sampling.strata import check_same_classes


@dataclass(frozen=True, eq=False)
class TrainingPlan:
    """What is to be trained on what.

    Raises ChoiceError for an unknown method and for indices of different classes, ValueError for no index and for
    roots that are not as many.
    """

    method: str
    build: Build
    config: TrainConfig
    indices: Sequence[Index]
    roots: Sequence[Path | None] | None = None
    """Where the frames of each index were moved to."""
    init: Sequence[Path] = ()
    """Checkpoints to start from, part by part; the later ones win."""
    cache: Path | None = None
    """A folder for decoded frames; None: frames are decoded each time."""
    validation: Index | None = None
    """What the network is scored on every `validate_every` iterations."""

    def __post_init__(self) -> None:
        method_with(self.method, "wiring")
        if self.config.warping.warp == "cells" and not self.method.startswith(("dff", "impression")):
            raise TrainingError(f"warp 'cells': {self.method} carries no feature from keyframe to frame")
        if not self.indices:
            raise ValueError("no index to train on")
        if self.roots is not None and len(self.roots) != len(self.indices):
            raise ValueError(f"{len(self.roots)} roots of frames for {len(self.indices)} indices: wanted one for each")
        check_same_classes(self.indices)
        if self.config.data.validate_every is not None and self.validation is None:
            raise ChoiceError("validate_every wants an index to score the network on: give one as --val-index")
        if self.validation is not None:
            check_same_classes([self.indices[0], self.validation])


def plan_of(
    method: str,
    indices: Sequence[Index],
    values: Mapping[str, Any],
    roots: Sequence[Path] = (),
    init: Sequence[Path] = (),
    cache: Path | None = None,
    validation: Index | None = None,
) -> TrainingPlan:
    """The plan of a run with the settings that `values` ask for by name, see `settings_of` and docs/training.md.

    Errors as of `TrainingPlan` and `settings_of`.
    """
    build, config = settings_of(values, indices[0].n_classes if indices else 0)
    return TrainingPlan(method, build, config, indices, roots or None, init, cache, validation)


class Detection(nn.Module):
    """A network that learns by a method: from a batch to the four losses of its task network."""

    def __init__(self, network: ImpressionNetwork, method: str, selection: Selection, warp: Warp = "bilinear") -> None:
        super().__init__()
        if not isinstance(network.task, RFCNTask):
            raise ValueError(f"a task network of kind {type(network.task).__name__}; the losses are those of R-FCN")
        self.network, self.forward_of, self.selection, self.warp = network, part_of(method, "forward"), selection, warp

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """The losses by name."""
        features, remainder = self.forward_of(self.network, batch.pixels(), batch.rows, self.warp)
        heights, widths = zip(*batch.sizes, strict=True)
        boxes = batch.boxes if remainder is None else seen_at(batch.boxes, remainder, self.network.feature.stride)
        truths = [*map(Truth, boxes, batch.classes, heights, widths, batch.seeds)]
        return task_losses(cast(RFCNTask, self.network.task), features, truths, self.selection)


def seen_at(boxes: Sequence[Tensor], remainder: Tensor, stride: int) -> list[Tensor]:
    """Where the objects of B images are seen in features that a warp of whole cells left off their place.

    boxes: `(G, 4)` of each image, inclusive; remainder `(B, 2, h, w)` in cells of `stride` pixels. What a detector
    takes off its boxes is put on here.
    """
    moved = []
    for each, left in zip(boxes, remainder.detach().float().cpu().numpy(), strict=True):
        means = means_in_boxes(left, from_inclusive(each.cpu().numpy()) / stride) * stride  # (G, 2)
        moved.append(each + torch.from_numpy(means).to(each).repeat(1, 2))
    return moved


def train(
    plan: TrainingPlan,
    out: Path,
    resume: bool = False,
    processes: Processes = ALONE,
    should_stop: Callable[[], bool] = bool,
    command: Sequence[str] = (),
) -> Iterator[Progress]:
    """Train, and yield progress; `out` gets `run.json`, `log.jsonl`, `checkpoint.pt` and, at the end, `model.pt`.

    resume: go on from `out/checkpoint.pt`, or begin where there is none yet. command: what `run.json` names as the
    run's command. Errors: TrainingError, see `loop` and `RunFolder.begin`; FormatError, FrameError for what is read.
    """
    run, config = RunFolder(out), plan.config
    network = network_of(plan.method, plan.build, config.data.seed)
    freeze(network, config.frozen)
    if config.warping.warp == "cells" and network.flow is not None:
        freeze(network, ("flow",))
    if not (resume and run.checkpoint.is_file()):
        check_frozen(network, plan.method, take_weights(network, plan.init))
    passes_from = passes_of(plan, processes)
    indices = [{"dataset": i.dataset, "split": i.split, "fingerprint": i.fingerprint} for i in plan.indices]
    description = description_of(plan.method, plan.build, flat(config), plan.init, command, processes, indices=indices)

    def content() -> dict[str, Any]:
        notes = {"indices": [index.fingerprint for index in plan.indices], "settings": flat(config)}
        return content_of(Checkpoint(network, plan.method, plan.build, plan.indices[0].classes, notes))

    with run.alone(processes):  # now that nothing is wrong
        resumed = run.begin_together(description, resume, processes)
        if resumed is not None:
            network.load_state_dict(checkpoints.load(run.checkpoint).network.state_dict())
        learner = Learner(
            Detection(network, plan.method, config.selection, config.warping.warp), config.optimisation, processes
        )
        scoring = scoring_of(plan, run, content, processes)
        finished = yield from loop(learner, passes_from, run, content, resumed, should_stop, scoring)
        if finished and processes.rank == 0:
            run.save(run.model, content())


def scoring_of(
    plan: TrainingPlan, run: RunFolder, content: Callable[[], dict[str, Any]], processes: Processes
) -> Scoring | None:
    """How the network is scored while it trains; None: not at all."""
    every = plan.config.data.validate_every
    if plan.validation is None or every is None:
        return None
    from impnet_model.training.validation import validation_of  # detectors, which training itself doesn't need

    return Scoring(every, validation_of(plan.validation, plan.method, run, content, processes))


def network_of(method: str, build: Build, seed: int) -> ImpressionNetwork:
    """The network of a method with random weights that follow from the seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        try:
            return wired(method, build)
        except (ValueError, TypeError, RuntimeError, ZeroDivisionError) as error:
            raise TrainingError(f"no network can be built from these numbers: {error}") from None


def freeze(network: ImpressionNetwork, prefixes: Sequence[str]) -> None:
    """Keep the parameters under `prefixes` from training. Raises TrainingError for a prefix that no parameter has."""
    for prefix in prefixes:
        own = [p for name, p in network.named_parameters() if name == prefix or name.startswith(prefix + ".")]
        if not own:
            raise TrainingError(f"frozen {prefix!r}: no such part of the network; wanted names like feature.layer1")
        for parameter in own:
            parameter.requires_grad_(False)


def check_frozen(network: ImpressionNetwork, method: str, known: set[str]) -> None:
    """Raise TrainingError where random weights would be kept as they are; `known`: the parts that were loaded."""
    kept = {name for name, p in network.named_parameters() if not p.requires_grad} - {"flow.scale.bias"}
    if random := sorted({name.partition(".")[0] for name in kept} - known):
        raise TrainingError(
            f"{method}: {' and '.join(random)} would keep random weights, since they are frozen "
            f"({', '.join(sorted(kept)[:2])}, …); give --init CHECKPOINT, or train from scratch with "
            "--set frozen=[] or --set build=tiny"
        )


def sampler_of(method: str, indices: Sequence[Index], data: Data) -> Sampler:
    """The sampler that a method is trained with. Raises ChoiceError for an unknown method."""
    offsets = part_of(method, "offsets")
    if data.causal:
        if offsets is not impression_triplet:
            raise TrainingError(f"causal: its samples are for the impression, not for {method}")
        offsets = causal
    if data.key != "first" and "key" not in signature(offsets).parameters:
        raise TrainingError(f"key {data.key!r}: {method} has no such choice, dff has")
    numbers = {name: getattr(data, name) for name in signature(offsets).parameters}  # a length, a radius …
    return Sampler(indices, offsets(**numbers), data.epochs(), data.seed)


def passes_of(plan: TrainingPlan, processes: Processes) -> Callable[[int], Iterator[Batch]]:
    """The endless passes of one process, from those of an iteration on.

    Raises TrainingError for a batch that can't be dealt out to the processes, and for shares that don't fit.
    """
    data, batch = plan.config.data, plan.config.optimisation.batch
    try:
        sampler = sampler_of(plan.method, plan.indices, data)
    except ValueError as error:
        raise TrainingError(f"{error}; set shares") from None
    dealing = dealing_of(plan.config.optimisation, processes)

    def passes_from(start: int) -> Iterator[Batch]:
        caches = caches_of(plan, sampler, processes)
        examples = Examples(plan.indices, sampler, plan.build.resize(), data.flips, plan.roots, caches, data.jitter)
        steps = dealing.passes(batches(sampler, batch, start=start))
        return loader(examples, steps, collate, data.workers, pin=processes.device.type == "cuda")

    return passes_from


def caches_of(plan: TrainingPlan, sampler: Sampler, processes: Processes) -> list[FrameCache] | None:
    """The cache of each index with the frames that the sampler can ask for, None without a folder for it.

    The first process makes what isn't there yet.
    """
    folder, roots = plan.cache, plan.roots or [None] * len(plan.indices)
    if folder is None:
        return None
    if processes.rank > 0:
        processes.wait()
    caches = [
        cached_frames(index, plan.build.resize(), folder, root, sampler.reach(source))
        for source, (index, root) in enumerate(zip(plan.indices, roots, strict=True))
    ]
    if processes.rank == 0:
        processes.wait()
    return caches


def replay(path: Path) -> dict[str, float]:
    """The losses that the batch in a `nonfinite.pt` has with the network that was kept with it."""
    kept = checkpoints.read(path)
    if (kept.get("format"), kept.get("version")) != (REPLAY, 1):
        raise FormatError(f"{path}: format {kept.get('format')!r}; wanted {REPLAY!r}")
    model = kept["model"]
    network = wired(model["method"], Build(**model["build"]))
    network.load_state_dict(model["state"])
    names = {each.name for each in fields(Selection)}
    selection = Selection(**{name: v for name, v in model["notes"]["settings"].items() if name in names})
    learner = Detection(network, model["method"], selection, model["notes"]["settings"].get("warp", "bilinear"))
    losses = [learner(Batch(**each)) for each in kept["passes"]]
    return {name: sum(float(each[name].detach()) for each in losses) / len(losses) for name in losses[0]}
