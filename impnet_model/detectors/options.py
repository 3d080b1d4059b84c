"""The options that every detector of this package has, and the engine that they and a checkpoint give."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import torch

from impnet_model.data.resize import Resize
from impnet_model.detectors.engine import Engine
from impnet_model.detectors.inference import for_inference
from impnet_model.detectors.seq_nms import SeqNMS
from impnet_model.nets.build import BUILDS, Build, BuildName
from impnet_model.nets.task_network import PostProcessing
from impnet_model.nets.wirings import wired
from impnet_model.weights.checkpoints import Checkpoint, load
from vidkit.classes import ObjectClass
from vidkit.errors import DetectorError
from vidkit.harness.detector import Detector, DetectorContext

Precision = Literal["float32", "bfloat16", "float16"]
BuildChoice = Literal["shipped"] | BuildName
SHIPPED = Path(__file__).parents[1] / "weights"
"""The checkpoints that come with the package, `METHOD.pt`: tiny builds, trained on what `vidkit synth` makes."""


@dataclass(frozen=True)
class EngineOptions:
    """The options that all have: a factory takes them as one argument, a command line one by one."""

    precision: Precision = "float32"
    """Of all networks but the task network."""
    score_threshold: float = 1e-3
    shorter: int | None = None
    """The shorter side of the image where the checkpoint's own isn't wanted."""
    seq_nms: bool = False
    """Seq-NMS on top (offline only)."""
    build: BuildChoice | None = None
    """Where no checkpoint is given: `shipped`, the small trained network of the method that comes with the package, or
    a build with random weights, for timing."""

    def engine(self, context: DetectorContext, method: str, parts: tuple[str, ...] = ()) -> Engine:
        """The engine over the context's checkpoint, or over the build, for a method that needs some parts of a network.

        Raises DetectorError where checkpoint and build are both given or neither, a part of the network is missing, no
        class of the checkpoint is one of the index, the device isn't there, or an option is outside its range.
        """
        if not 0 <= self.score_threshold <= 1:
            raise DetectorError(f"option 'score_threshold': {self.score_threshold}; wanted a number in [0, 1]")
        checkpoint = _checkpoint(context, method, self.build)
        network = checkpoint.network
        for part in parts:
            if getattr(network, part) is None:
                raise DetectorError(
                    f"{context.checkpoint or self.build}: made for the method {checkpoint.method!r}, it has no {part} "
                    f"network, which {method!r} needs"
                )
        dtype = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}[self.precision]
        device = _device(context.device)
        if device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(device)  # what an earlier detector of this process held isn't this one's
        return Engine(
            for_inference(network, device, dtype),
            _resize(checkpoint.build, self.shorter),
            device,
            dtype,
            PostProcessing(self.score_threshold, None if self.seq_nms else 0.3),
            _class_ids(checkpoint.classes, context) if context.classes else None,
            () if context.classes else checkpoint.classes,
            context.checkpoint.name if context.checkpoint else _weights_of(self.build),
        )

    def finished(self, detector: Detector) -> Detector:
        """The detector, with Seq-NMS on top where that is wanted."""
        return SeqNMS(detector) if self.seq_nms else detector


COMMON = EngineOptions()


@contextmanager
def impossible() -> Iterator[None]:
    """Make of the ValueError about a number that a method can't have a DetectorError: such numbers are options here."""
    try:
        yield
    except ValueError as error:
        raise DetectorError(str(error)) from error


def _weights_of(build: BuildChoice | None) -> str:
    return "shipped" if build == "shipped" else f"random ({build})"


def _checkpoint(context: DetectorContext, method: str, build: BuildChoice | None) -> Checkpoint:
    if (context.checkpoint is None) == (build is None):
        raise DetectorError(
            f"{method}: give --checkpoint FILE, or --option build=shipped for the small network that comes with the "
            f"package, or --option build={'|'.join(BUILDS)} for random weights; not both"
        )
    if build == "shipped":
        return load(_shipped(method))
    if context.checkpoint is not None:
        checkpoint = load(context.checkpoint)
        if fresh := checkpoint.notes.get("fresh"):
            raise DetectorError(
                f"{context.checkpoint}: {len(fresh)} of its tensors were never trained ({fresh[0]} …); it is a "
                "starting point for `vidkit train`, not a detector"
            )
        return checkpoint
    if build is None:
        raise DetectorError(f"{method}: no checkpoint and no build")
    numbers = replace(BUILDS[build], n_classes=max(1, len(context.classes)))
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return Checkpoint(wired(method, numbers), method, numbers, context.classes, {})


def _shipped(method: str) -> Path:
    path = SHIPPED / f"{method}.pt"
    if not path.is_file():
        there = ", ".join(sorted(file.stem for file in SHIPPED.glob("*.pt")))
        raise DetectorError(f"no checkpoint for {method!r} comes with this installation; there are {there or 'none'}")
    return path


def _class_ids(known: tuple[ObjectClass, ...], context: DetectorContext) -> tuple[int, ...]:
    """For each class of the network its row in the index, -1 for one that the index doesn't have."""
    by_wnid = {each.wnid: i for i, each in enumerate(context.classes)}
    by_name = {each.name: i for i, each in enumerate(context.classes)}
    ids = tuple(by_wnid.get(each.wnid, by_name.get(each.name, -1)) for each in known)
    if known and max(ids) < 0:
        own, asked = (", ".join(each.name for each in classes) for classes in (known, context.classes))
        raise DetectorError(
            f"{context.checkpoint or 'shipped'}: none of its classes ({own}) is one of the index's ({asked})"
        )
    return ids


def _device(name: str) -> torch.device:
    try:
        device = torch.device(name)
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise DetectorError(f"device {name!r} can't be used: {reason}") from None
    return device


def _resize(build: Build, shorter: int | None) -> Resize:
    if shorter is None:
        return build.resize()
    if shorter < 1:
        raise DetectorError(f"option 'shorter': {shorter}; wanted 1 or more")
    return Resize(shorter, max(shorter, round(shorter * build.longer / build.shorter)))
