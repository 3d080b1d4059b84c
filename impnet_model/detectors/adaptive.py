"""Adaptive keyframes, the paper's future work: a segment ends where propagation no longer holds."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from impnet_model.data.images import Image
from impnet_model.detectors.contributions import Fusion, Keyframe, keyframe_weights
from impnet_model.detectors.engine import Engine, EngineDetector, Frame
from impnet_model.detectors.options import COMMON, EngineOptions, impossible
from impnet_model.nets.aggregation import check_gate
from impnet_model.nets.network import warp_along
from vidkit.detections import Detections
from vidkit.harness.detector import Detector, DetectorContext, KeyframeWeights


def impression_adaptive(
    context: DetectorContext,
    *,
    length: int = 20,
    drift: float = 2.0,
    trust: float = 0.6,
    gate: float = 1.0,
    common: EngineOptions = COMMON,
) -> Detector:
    """The Impression Network with keyframes where propagation no longer holds."""
    engine = common.engine(context, "impression", ("flow", "quality"))
    with impossible():
        return common.finished(adaptive_impression(engine, length, drift, trust, gate))


def adaptive_impression(
    engine: Engine, length: int = 20, drift: float = 2.0, trust: float = 0.6, gate: float = 1.0
) -> EngineDetector:
    """The Impression Network with segments as long as propagation holds, the keyframe first: strict real time.

    A frame becomes a keyframe where the fastest twentieth of the map moved by more than `drift` cells since the last
    one, or after `length` frames; after half as many where the last weight map gave more than `trust` to the new
    keyframe on average, that is, where the impression had been worth little. Which frames are keys depends on what is
    seen, so the cost does too. The flow that shows the drift also warps the impression: nothing is computed twice.

    Raises ValueError for a length below 1, a negative drift, or a gate or trust outside [0, 1].
    """
    gate = check_gate(gate)
    for name, value, fits, wanted in (
        ("length", length, length >= 1, "1 frame or more"),
        ("drift", drift, 0 <= drift < float("inf"), "0 cells or more"),
        ("trust", trust, 0 <= trust <= 1, "a number in [0, 1]"),
    ):
        if not fits:
            raise ValueError(f"{name} {value}; wanted {wanted}")

    def generate(frames: Iterable[Frame]) -> Iterator[Detections]:
        for image, feature, age, _ in adaptive_features(engine, frames, length, drift, trust, gate):
            yield from engine.detect(feature, [image], [-age])

    @torch.inference_mode()
    def weights(frames: Iterable[Frame]) -> Iterator[KeyframeWeights]:
        found = enumerate(adaptive_features(engine, frames, length, drift, trust, gate))
        keyframes = (Keyframe(place, each.image, each.fusion) for place, each in found if each.age == 0)
        yield from keyframe_weights(keyframes, gate, engine.network.feature.stride)

    return EngineDetector(engine, "impression-adaptive", generate, keyframe_weights=weights)


class FrameFeature(NamedTuple):
    """A frame with the feature to detect on."""

    image: Image
    feature: Tensor
    age: int
    """Frames since the last keyframe; 0 at a keyframe."""
    fusion: Fusion | None
    """At a keyframe, but for the first."""


def adaptive_features(
    engine: Engine, frames: Iterable[Frame], length: int, drift: float, trust: float, gate: float
) -> Iterator[FrameFeature]:
    """Yield each frame with its feature: of a keyframe fused with the impression, of any other propagated."""
    network = engine.network
    key: Tensor | None = None
    task = impression = torch.empty(0)
    age, limit = 0, length
    for image in engine.images(frames):
        with engine.stage("forward"):
            fusion: Fusion | None = None
            age += 1
            if key is None:
                feature = task = impression = network.feature(image.pixels)  # Eq. 1
                age = 0
            else:
                motion = network.motion(image.pixels, key)
                if age < limit and drift_of(motion.flow) <= drift:
                    feature = warp_along(task, motion)
                else:
                    warped = warp_along(impression, motion)
                    task, impression, weight = network.fuse(warped, network.feature(image.pixels), gate)
                    feature, fusion, age = task, Fusion(weight, motion.flow), 0
                    limit = length if float(weight.mean()) <= trust else max(1, length // 2)
            if age == 0:
                key = image.pixels
        yield FrameFeature(image, feature, age, fusion)


def drift_of(flow: Tensor) -> float:
    """By how many cells the fastest twentieth of a flow `(1, 2, h, w)` moves at least."""
    return float(flow.float().norm(dim=1).flatten().quantile(0.95))
