"""The detectors as vidkit finds them: one factory each, named in setup.cfg under `vidkit.detectors`.

Options that all have: `batch`, frames of a segment that go through the networks at once (1 for streaming); `precision`;
`score_threshold`; `shorter`, the shorter side of the image where the checkpoint's own isn't wanted; `seq_nms`, Seq-NMS
on top (offline only); `build`, where no checkpoint is given: `shipped`, the small trained network of the method that
comes with the package, or a build with random weights, for timing.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Literal

import torch

from impnet_model.data.images import Resize
from impnet_model.detectors.adaptive import AdaptiveImpression
from impnet_model.detectors.dff import DeepFeatureFlow
from impnet_model.detectors.engine import Engine
from impnet_model.detectors.fgfa import FGFA
from impnet_model.detectors.fgfa_fast import FGFAFast
from impnet_model.detectors.impression import Impression
from impnet_model.detectors.inference import for_inference
from impnet_model.detectors.per_frame import PerFrame
from impnet_model.detectors.seq_nms import SeqNMS
from impnet_model.flows.flownet_s import ZeroFlow
from impnet_model.nets.aggregation import FixedQuality
from impnet_model.nets.build import BUILDS, METHODS, Build
from impnet_model.nets.network import ImpressionNetwork
from impnet_model.nets.task_network import PostProcessing
from impnet_model.weights.checkpoints import Checkpoint, load
from vidkit.benchmark.detector import Detector, DetectorContext, OracleDetector
from vidkit.benchmark.plugins import make
from vidkit.classes import ObjectClass
from vidkit.errors import DetectorError
from vidkit.segments import check_key_id

BuildName = Literal["shipped", "resnet101", "resnet50", "resnet34", "resnet18", "tiny"]
Precision = Literal["float32", "bfloat16", "float16"]
SHIPPED = Path(__file__).parents[1] / "weights"
"""The checkpoints that come with the package, `METHOD.pt`: tiny builds, trained on what `vidkit synth` makes."""
MOST_RADIUS = 1000
"""Of FGFA: the ends of a video are repeated so many times, whatever its length."""
FlowChoice = Literal["learned", "zero"]
"""zero: the ablation in which every pixel is taken to stand still."""


def per_frame(
    context: DetectorContext,
    *,
    batch: int = 1,
    precision: Precision = "float32",
    score_threshold: float = 1e-3,
    shorter: int | None = None,
    seq_nms: bool = False,
    build: BuildName | None = None,
) -> Detector:
    """The per-frame baseline, Table 1 (a)."""
    engine = _engine(context, "per-frame", (), build, precision, _rules(score_threshold, seq_nms), shorter)
    return _finished(PerFrame(engine, _positive("batch", batch)), seq_nms)


def dff(
    context: DetectorContext,
    *,
    length: int = 10,
    key_id: int | None = 0,
    flow: FlowChoice = "learned",
    batch: int = 1,
    precision: Precision = "float32",
    score_threshold: float = 1e-3,
    shorter: int | None = None,
    seq_nms: bool = False,
    build: BuildName | None = None,
) -> Detector:
    """Deep Feature Flow, Table 1 (b); key_id 0 as published, `none` for the central frame."""
    rules = _rules(score_threshold, seq_nms)
    engine = _with_flow(_engine(context, "dff", ("flow",), build, precision, rules, shorter), flow)
    _check_key(length, key_id)
    return _finished(DeepFeatureFlow(engine, length, key_id, _positive("batch", batch)), seq_nms)


def impression(
    context: DetectorContext,
    *,
    length: int = 10,
    key_id: int | None = None,
    gate: float = 1.0,
    weights: Literal["learned", "fixed"] = "learned",
    flow: FlowChoice = "learned",
    batch: int = 1,
    precision: Precision = "float32",
    score_threshold: float = 1e-3,
    shorter: int | None = None,
    seq_nms: bool = False,
    build: BuildName | None = None,
) -> Detector:
    """The Impression Network, Table 1 (d); weights=fixed is (c); key_id `none` is the central frame."""
    rules = _rules(score_threshold, seq_nms)
    parts = ("flow", "quality") if weights == "learned" else ("flow",)
    engine = _with_flow(_engine(context, "impression", parts, build, precision, rules, shorter), flow)
    if weights == "fixed":
        engine = _with_fixed_weights(engine)
    _check_key(length, key_id)
    _share("gate", gate)
    return _finished(Impression(engine, length, key_id, gate, _positive("batch", batch)), seq_nms)


def impression_adaptive(
    context: DetectorContext,
    *,
    length: int = 20,
    drift: float = 2.0,
    trust: float = 0.6,
    gate: float = 1.0,
    precision: Precision = "float32",
    score_threshold: float = 1e-3,
    shorter: int | None = None,
    seq_nms: bool = False,
    build: BuildName | None = None,
) -> Detector:
    """The Impression Network with keyframes where propagation no longer holds."""
    rules = _rules(score_threshold, seq_nms)
    engine = _engine(context, "impression", ("flow", "quality"), build, precision, rules, shorter)
    _share("gate", gate)
    _share("trust", trust)
    if not 0 <= drift < float("inf"):
        raise DetectorError(f"option 'drift': {drift}; wanted 0 or more cells")
    return _finished(AdaptiveImpression(engine, _positive("length", length), drift, trust, gate), seq_nms)


def fgfa(
    context: DetectorContext,
    *,
    radius: int = 10,
    precision: Precision = "float32",
    score_threshold: float = 1e-3,
    shorter: int | None = None,
    seq_nms: bool = False,
    build: BuildName | None = None,
) -> Detector:
    """Flow-Guided Feature Aggregation, Table 3; radius 10 in the paper, 9 in the released code."""
    rules = _rules(score_threshold, seq_nms)
    engine = _engine(context, "fgfa", ("flow", "embedding"), build, precision, rules, shorter)
    return _finished(FGFA(engine, _radius(radius)), seq_nms)


def fgfa_fast(
    context: DetectorContext,
    *,
    radius: int = 10,
    precision: Precision = "float32",
    score_threshold: float = 1e-3,
    shorter: int | None = None,
    seq_nms: bool = False,
    build: BuildName | None = None,
) -> Detector:
    """FGFA with flows of adjacent frames only, composed, Table 3."""
    rules = _rules(score_threshold, seq_nms)
    engine = _engine(context, "fgfa", ("flow", "embedding"), build, precision, rules, shorter)
    return _finished(FGFAFast(engine, _radius(radius)), seq_nms)


def seq_nms(context: DetectorContext, *, base: str, base_options: str = "") -> Detector:
    """Seq-NMS on top of any installed detector, with the detections as it gives them; ours have an option of that name.

    base_options: options of the base, parted by commas. `--option seq_nms=true` of our own detectors is better where it
    can be had: they then give all they have, before any NMS.
    """
    detector, _ = make(base, context, [text for text in base_options.split(",") if text])
    if isinstance(detector, OracleDetector):
        raise DetectorError(
            f"detector {base!r} looks at the ground truth; Seq-NMS goes on top of those that look at frames"
        )
    return SeqNMS(detector)


# -- what they share ---------------------------------------------------------------------------------------------------


def _engine(
    context: DetectorContext,
    method: str,
    parts: tuple[str, ...],
    build: BuildName | None,
    precision: Precision,
    rules: PostProcessing,
    shorter: int | None,
) -> Engine:
    """Return the engine over the context's checkpoint, or over random weights of a build.

    Raises DetectorError where neither or both are given, a part of the network is missing, no class of the checkpoint
    is one of the index, or the device isn't there.
    """
    checkpoint = _checkpoint(context, method, build)
    for part in parts:
        if getattr(checkpoint.network, part) is None:
            raise DetectorError(
                f"{context.checkpoint or build}: made for the method {checkpoint.method!r}, it has no {part} network, "
                f"which {method!r} needs"
            )
    dtype = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}[precision]
    device = _device(context.device)
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)  # what an earlier detector of this process held isn't this one's
    return Engine(
        for_inference(checkpoint.network, device, dtype),
        _resize(checkpoint.build, shorter),
        device,
        dtype,
        rules,
        _class_ids(checkpoint.classes, context),
        context.checkpoint.name if context.checkpoint else "shipped" if build == "shipped" else f"random ({build})",
    )


def _checkpoint(context: DetectorContext, method: str, build: BuildName | None) -> Checkpoint:
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
        return Checkpoint(METHODS[method](numbers), method, numbers, context.classes, {})


def _shipped(method: str) -> Path:
    path = SHIPPED / f"{method}.pt"
    if not path.is_file():
        there = ", ".join(sorted(file.stem for file in SHIPPED.glob("*.pt")))
        raise DetectorError(f"no checkpoint for {method!r} comes with this installation; there are {there or 'none'}")
    return path


def _class_ids(known: tuple[ObjectClass, ...], context: DetectorContext) -> tuple[int, ...]:
    """Return for each class of the network its row in the index, -1 for one that the index doesn't have."""
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
    _positive("shorter", shorter)
    return Resize(shorter, max(shorter, round(shorter * build.longer / build.shorter)))


def _rules(score_threshold: float, seq_nms: bool) -> PostProcessing:
    _share("score_threshold", score_threshold)
    return PostProcessing(score_threshold, None if seq_nms else 0.3)


def _with_flow(engine: Engine, choice: FlowChoice) -> Engine:
    if choice == "learned":
        return engine
    old = engine.network
    still = ZeroFlow(old.feature.stride)
    return replace(engine, network=ImpressionNetwork(old.feature, old.task, still, old.quality, old.embedding))


def _with_fixed_weights(engine: Engine) -> Engine:
    old = engine.network
    equal = FixedQuality(old.feature.out_channels)
    return replace(engine, network=ImpressionNetwork(old.feature, old.task, old.flow, equal, old.embedding))


def _finished(detector: Detector, seq_nms: bool) -> Detector:
    return SeqNMS(detector) if seq_nms else detector


def _positive(option: str, value: int) -> int:
    if value < 1:
        raise DetectorError(f"option {option!r}: {value}; wanted 1 or more")
    return value


def _share(option: str, value: float) -> None:
    if not 0 <= value <= 1:
        raise DetectorError(f"option {option!r}: {value}; wanted a number in [0, 1]")


def _radius(radius: int) -> int:
    if not 0 <= radius <= MOST_RADIUS:
        raise DetectorError(f"option 'radius': {radius}; wanted 0 to {MOST_RADIUS} frames")
    return radius


def _check_key(length: int, key_id: int | None) -> None:
    try:
        check_key_id(length, key_id)
    except ValueError as error:
        raise DetectorError(str(error)) from None
