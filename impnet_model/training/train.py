"""Training of the detectors, from an index to a network (Impression Network, Sec. 3.2, 4.1).

for report in train(Plan("impression", build, config, [index]), Path("runs/impression")):
    print(report.iteration, report.losses)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn

from impnet_model.data.examples import Batch, Examples, Passes, collate, loader
from impnet_model.data.frame_cache import FrameCache, cached_frames
from impnet_model.nets.build import METHODS, Build
from impnet_model.nets.network import ImpressionNetwork
from impnet_model.nets.task_network import RFCNTask
from impnet_model.training.forwards import FORWARDS
from impnet_model.training.loop import REPLAY, Report, learner_of, loop
from impnet_model.training.losses import Selection, Truth, task_losses
from impnet_model.training.processes import ALONE, Processes
from impnet_model.training.run_folder import RunFolder, description_of
from impnet_model.training.settings import Data, TrainConfig, TrainingError, flat
from impnet_model.weights import checkpoints
from impnet_model.weights.checkpoints import Checkpoint, content_of
from impnet_model.weights.initial import take_weights
from vidkit.data.index import Index
from vidkit.errors import FormatError
from vidkit.sampling import samplers
from vidkit.sampling.offsets import SingleFrame
from vidkit.sampling.samplers import Sampler


@dataclass(frozen=True, eq=False)
class Plan:
    """What is to be trained on what. Raises ValueError for an unknown method or no index."""

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

    def __post_init__(self) -> None:
        if self.method not in METHODS or not self.indices:
            raise ValueError(f"method {self.method!r}, {len(self.indices)} indices; wanted one of {', '.join(METHODS)}")


class Detection(nn.Module):
    """A network that learns by a method: from a batch to the four losses of its task network."""

    def __init__(self, network: ImpressionNetwork, method: str, selection: Selection) -> None:
        super().__init__()
        if not isinstance(network.task, RFCNTask):
            raise ValueError(f"a task network of kind {type(network.task).__name__}; the losses are those of R-FCN")
        self.network, self.method, self.selection = network, method, selection

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """Return the losses by name."""
        features = FORWARDS[self.method](self.network, batch.pixels(), batch.rows)
        heights, widths = zip(*batch.sizes, strict=True)
        truths = [*map(Truth, batch.boxes, batch.classes, heights, widths, batch.seeds)]
        return task_losses(cast(RFCNTask, self.network.task), features, truths, self.selection)


def train(
    plan: Plan,
    out: Path,
    resume: bool = False,
    processes: Processes = ALONE,
    should_stop: Callable[[], bool] = bool,
    command: Sequence[str] = (),
) -> Iterator[Report]:
    """Train, and yield reports; `out` gets `run.json`, `log.jsonl`, `checkpoint.pt` and, at the end, `model.pt`.

    resume: go on from `out/checkpoint.pt`, or begin where there is none yet. command: what `run.json` names as the
    run's command. Errors: TrainingError, see `loop` and `RunFolder.begin`; FormatError, FrameError for what is read.
    """
    run, config = RunFolder(out), plan.config
    network = network_of(plan.method, plan.build, config.data.seed)
    freeze(network, config.frozen)
    if not (resume and run.checkpoint.is_file()):
        check_frozen(network, plan.method, take_weights(network, plan.init))
    passes_from = passes_of(plan, processes)
    found = run.begin_together(described(plan, processes, command), resume, processes)  # now that nothing is wrong
    if found is not None:
        network.load_state_dict(checkpoints.load(run.checkpoint).network.state_dict())
    resumed = None if found is None else found["training"]
    learner = learner_of(
        Detection(network, plan.method, config.selection).to(processes.device), config.optimisation, processes
    )
    if resumed is not None:
        learner.load(resumed)
    passes = passes_from(0 if resumed is None else int(resumed["iteration"]))

    def content() -> dict[str, Any]:
        notes = {"indices": [index.fingerprint for index in plan.indices], "settings": flat(config)}
        return content_of(Checkpoint(network, plan.method, plan.build, plan.indices[0].classes, notes))

    finished = yield from loop(learner, passes, run, content, resumed, should_stop)
    if finished and processes.rank == 0:
        run.save(run.model, content())


def described(plan: Plan, processes: Processes, command: Sequence[str]) -> dict[str, Any]:
    """Return what `run.json` says of a run."""
    return description_of(
        method=plan.method,
        build=asdict(plan.build),
        config=flat(plan.config),
        indices=[{"dataset": i.dataset, "split": i.split, "fingerprint": i.fingerprint} for i in plan.indices],
        init=[path.name for path in plan.init],
        command=list(command),
        processes=processes.count,
        device=str(processes.device),
    )


def network_of(method: str, build: Build, seed: int) -> ImpressionNetwork:
    """Return the network of a method with random weights that follow from the seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        try:
            return METHODS[method](build)
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
    """Return the sampler that a method is trained with."""
    epochs = data.epochs()
    match method:
        case "per-frame":
            return Sampler(indices, SingleFrame(), epochs, data.seed)
        case "dff":
            return samplers.dff_pair(indices, data.length, epochs, data.seed)
        case "fgfa":
            return samplers.fgfa(indices, data.radius, epochs, data.seed)
        case _:
            return samplers.impression_triplet(indices, data.length, epochs, data.seed)


def passes_of(plan: Plan, processes: Processes) -> Callable[[int], Iterator[Batch]]:
    """Return what gives the endless passes of one process, from those of an iteration on.

    Raises TrainingError for a batch that can't be dealt out to the processes, and for shares that don't fit.
    """
    data, optimisation = plan.config.data, plan.config.optimisation
    try:
        sampler = sampler_of(plan.method, plan.indices, data)
        steps = Passes(sampler, optimisation.batch, optimisation.accumulate, processes.rank, processes.count)
    except ValueError as error:
        raise TrainingError(f"{error}; set shares, batch or accumulate") from None
    roots = plan.roots or [None] * len(plan.indices)

    def passes_from(start: int) -> Iterator[Batch]:
        caches = caches_of(plan, processes)
        examples = Examples(plan.indices, sampler, plan.build.resize(), data.flips, roots, caches, data.jitter)
        on_gpu = processes.device.type == "cuda"
        return loader(examples, replace(steps, start=start), collate, data.workers, pin=on_gpu)

    return passes_from


def caches_of(plan: Plan, processes: Processes) -> list[FrameCache | None]:
    """Return the cache of each index, None without a folder for it; the first process makes what isn't there yet."""
    folder, roots = plan.cache, plan.roots or [None] * len(plan.indices)
    if folder is None:
        return [None] * len(plan.indices)
    if processes.rank > 0:
        processes.wait()
    caches = [cached_frames(i, plan.build.resize(), folder, root) for i, root in zip(plan.indices, roots, strict=True)]
    if processes.rank == 0:
        processes.wait()
    return [*caches]


def replay(path: Path) -> dict[str, float]:
    """Return the losses that the batch in a `nonfinite.pt` has with the network that was kept with it."""
    kept = checkpoints.read(path)
    if (kept.get("format"), kept.get("version")) != (REPLAY, 1):
        raise FormatError(f"{path}: format {kept.get('format')!r}; wanted {REPLAY!r}")
    model = kept["model"]
    network = METHODS[model["method"]](Build(**model["build"]))
    network.load_state_dict(model["state"])
    names = {each.name for each in fields(Selection)}
    selection = Selection(**{name: v for name, v in model["notes"]["settings"].items() if name in names})
    learner = Detection(network, model["method"], selection)
    losses = [learner(Batch(**each)) for each in kept["passes"]]
    return {name: sum(float(each[name].detach()) for each in losses) / len(losses) for name in losses[0]}
