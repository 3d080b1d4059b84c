"""The Impression Network, Alg. 1: one feature that absorbs the video so far, renewed at each keyframe."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from impnet_model.detectors.contributions import Fusion, Keyframe, keyframe_weights
from impnet_model.detectors.engine import Engine, EngineDetector, Frame, SegmentImages, cut, spread
from impnet_model.detectors.options import COMMON, EngineOptions, FlowChoice, impossible
from impnet_model.nets.aggregation import FixedQuality, check_gate
from impnet_model.nets.network import warp_along
from vidkit.detections import Detections
from vidkit.harness.detector import Detector, DetectorContext, KeyframeWeights
from vidkit.segments import check_key_id


def impression(
    context: DetectorContext,
    *,
    length: int = 10,
    key_id: int | None = None,
    gate: float = 1.0,
    weights: Literal["learned", "fixed"] = "learned",
    flow: FlowChoice = "learned",
    batch: int = 1,
    common: EngineOptions = COMMON,
) -> Detector:
    """The Impression Network, Table 1 (d); weights=fixed is (c); key_id `none` is the central frame."""
    parts = ("flow", "quality") if weights == "learned" else ("flow",)
    engine = common.engine(context, "impression", parts, flow)
    if weights == "fixed":
        network = engine.network
        engine = replace(engine, network=network.with_parts(quality=FixedQuality(network.feature.out_channels)))
    with impossible():
        return common.finished(impression_network(engine, length, key_id, gate, batch))


def impression_network(
    engine: Engine, length: int = 10, key_id: int | None = None, gate: float = 1.0, batch: int = 1
) -> EngineDetector:
    """The Impression Network over segments of `length` frames.

    key_id: place of the keyframe in its segment, the centre for None; 0 for strict real time. gate: g of Eq. 4. The
    network's quality network says how frames are weighed (Table 1 (c) or (d)). `batch` frames of a segment go through
    flow and task network at once.

    Raises ValueError for a length below 1, a key_id outside the segment, or a gate outside [0, 1].
    """
    place, gate = check_key_id(length, key_id), check_gate(gate)

    def generate(frames: Iterable[Frame]) -> Iterator[Detections]:
        for segment, task, _ in key_features(engine, frames, length, place, gate):
            yield from spread(engine, task, segment, batch)

    @torch.inference_mode()
    def weights(frames: Iterable[Frame]) -> Iterator[KeyframeWeights]:
        keyframes = _keyframes(key_features(engine, frames, length, place, gate))
        yield from keyframe_weights(keyframes, gate, engine.network.feature.stride)

    return EngineDetector(engine, "impression", generate, batch, weights)


class KeyFeature(NamedTuple):
    """A segment with what Eq. 1 to 4 make of its keyframe."""

    segment: SegmentImages
    task: Tensor
    fusion: Fusion | None
    """None for the first, which has nothing to be fused with."""


def key_features(
    engine: Engine, frames: Iterable[Frame], length: int, key_id: int, gate: float = 1.0
) -> Iterator[KeyFeature]:
    """Yield for each segment its task feature: lines 1 to 8 of Alg. 1."""
    network = engine.network
    impression: Tensor | None = None
    old: Tensor | None = None  # the last keyframe, that the impression belongs to
    for segment in cut(engine.images(frames), length, key_id):
        key = segment.key_image.pixels
        with engine.stage("forward"):
            feature = network.feature(key)
            if impression is None or old is None:
                task = impression = feature  # Eq. 1
                fusion = None
            else:
                motion = network.motion(key, old)
                warped = warp_along(impression, motion)
                task, impression, weight = network.fuse(warped, feature, gate)  # Eq. 2-4
                fusion = Fusion(weight, motion.flow)
        old = key
        yield KeyFeature(segment, task, fusion)


def _keyframes(features: Iterable[KeyFeature]) -> Iterator[Keyframe]:
    start = 0
    for segment, _, fusion in features:
        yield Keyframe(start + segment.key, segment.key_image, fusion)
        start += sum(1 for _ in segment.images)
