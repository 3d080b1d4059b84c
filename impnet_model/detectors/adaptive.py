"""Adaptive keyframes, the paper's future work: a segment ends where propagation no longer holds."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from impnet_model.data.images import Image
from impnet_model.detectors.contributions import Fusion, Keyframe, keyframe_weights
from impnet_model.detectors.engine import Engine, EngineDetector, Frame
from impnet_model.detectors.options import COMMON, EngineOptions, impossible
from impnet_model.detectors.spreading import boxes_at, fused
from impnet_model.detectors.video_motion import MOTION, MotionOptions, Propagation, VideoMotion, as_in_the_paper
from impnet_model.flows.carried import Carried, carried_along
from impnet_model.nets.aggregation import check_gate
from vidkit.detections import Detections
from vidkit.harness.detector import Detector, DetectorContext, KeyframeWeights


def impression_adaptive(
    context: DetectorContext,
    *,
    length: int = 20,
    drift: float = 2.0,
    trust: float = 0.6,
    gate: float = 1.0,
    motion: MotionOptions = MOTION,
    common: EngineOptions = COMMON,
) -> Detector:
    """The Impression Network with keyframes where propagation no longer holds."""
    engine = common.engine(context, "impression", (*motion.parts, "quality"))
    with impossible():
        way = motion.propagation(engine)
        return common.finished(adaptive_impression(engine, length, drift, trust, gate, way))


def adaptive_impression(
    engine: Engine,
    length: int = 20,
    drift: float = 2.0,
    trust: float = 0.6,
    gate: float = 1.0,
    way: Propagation | None = None,
) -> EngineDetector:
    """The Impression Network with segments as long as propagation holds, the keyframe first: strict real time.

    A frame becomes a keyframe where the fastest twentieth of the map moved by more than `drift` cells since the last
    one, or after `length` frames; after half as many where the last weight map gave more than `trust` to the new
    keyframe on average, that is, where the impression had been worth little. Which frames are keys depends on what is
    seen, so the cost does too. The flow that shows the drift also warps the impression: nothing is computed twice. way:
    how features get from frame to frame, as in the paper by default.

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

    rules = Rules(length, drift, trust, gate)
    way = way or as_in_the_paper(engine)

    def generate(frames: Iterable[Frame]) -> Iterator[Detections]:
        found = Detections.none()
        motion = way.follow()
        for image, task, key, _ in adaptive_features(engine, way, motion, frames, rules):
            if way.boxes == "moved" and image is not key:
                yield boxes_at(engine, motion, found, key, image)
                continue
            (found,) = engine.detect(task, [image], [key.place - image.place])
            yield found

    @torch.inference_mode()
    def weights(frames: Iterable[Frame]) -> Iterator[KeyframeWeights]:
        found = adaptive_features(engine, way, way.follow(), frames, rules)
        keyframes = (Keyframe(each.image.place, each.image, each.fusion) for each in found if each.image is each.key)
        yield from keyframe_weights(keyframes, gate, engine.network.feature.stride)

    return EngineDetector(engine, "impression-adaptive", generate, keyframe_weights=weights)


class Rules(NamedTuple):
    """When a frame becomes a keyframe, see `adaptive_impression`, and the gate."""

    length: int
    drift: float
    trust: float
    gate: float


class FrameFeature(NamedTuple):
    """A frame with the feature to detect on."""

    image: Image
    task: Carried
    key: Image
    """The keyframe that it came from; the image itself at a keyframe."""
    fusion: Fusion | None
    """At a keyframe, but for the first."""


def adaptive_features(
    engine: Engine, way: Propagation, motion: VideoMotion, frames: Iterable[Frame], rules: Rules
) -> Iterator[FrameFeature]:
    """Yield each frame with its feature: of a keyframe fused with the impression, of any other propagated."""
    key: Image | None = None
    task = impression = Carried(torch.empty(0), None)
    limit = rules.length
    for image in engine.images(frames, motion.see):
        if key is None:
            with engine.stage("forward"):
                task = impression = Carried(engine.network.feature(image.pixels), None)  # Eq. 1
            key = image
            yield FrameFeature(image, task, key, None)
            continue
        with engine.stage(motion.stage):
            field = motion.field([image], key)
        with engine.stage("forward"):
            if image.place - key.place < limit and drift_of(field.flow) <= rules.drift:
                feature, fusion = carried_along(task, field, way.warp), None
            else:
                own = engine.network.feature(image.pixels)
                task, impression, fusion = fused(engine.network, impression, field, own, way.warp, rules.gate)
                feature, key = task, image
                limit = rules.length if float(fusion.weight.mean()) <= rules.trust else max(1, rules.length // 2)
                motion.let_go(key.place)
        yield FrameFeature(image, feature, key, fusion)


def drift_of(flow: Tensor) -> float:
    """By how many cells the fastest twentieth of a flow `(1, 2, h, w)` moves at least."""
    return float(flow.float().norm(dim=1).flatten().quantile(0.95))
