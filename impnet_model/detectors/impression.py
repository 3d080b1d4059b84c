"""The Impression Network, Alg. 1: one feature that absorbs the video so far, renewed at each keyframe."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Literal, NamedTuple

import torch

from impnet_model.data.images import Image
from impnet_model.detectors.contributions import Fusion, Keyframe, keyframe_weights
from impnet_model.detectors.engine import Engine, EngineDetector, Frame, SegmentImages, cut
from impnet_model.detectors.options import COMMON, EngineOptions, impossible
from impnet_model.detectors.spreading import fused, spread
from impnet_model.detectors.video_motion import MOTION, MotionOptions, Propagation, VideoMotion, as_in_the_paper
from impnet_model.flows.carried import Carried
from impnet_model.nets.aggregation import FixedQuality, check_gate
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
    batch: int = 1,
    motion: MotionOptions = MOTION,
    common: EngineOptions = COMMON,
) -> Detector:
    """The Impression Network, Table 1 (d); weights=fixed is (c); key_id `none` is the central frame."""
    parts = ("quality",) if weights == "learned" else ()
    engine = common.engine(context, "impression", (*motion.parts, *parts))
    if weights == "fixed":
        network = engine.network
        engine = replace(engine, network=network.with_parts(quality=FixedQuality(network.feature.out_channels)))
    with impossible():
        way = motion.propagation(engine)
        return common.finished(impression_network(engine, length, key_id, gate, batch, way))


def impression_network(
    engine: Engine,
    length: int = 10,
    key_id: int | None = None,
    gate: float = 1.0,
    batch: int = 1,
    way: Propagation | None = None,
) -> EngineDetector:
    """The Impression Network over segments of `length` frames.

    key_id: place of the keyframe in its segment, the centre for None; 0 for strict real time. gate: g of Eq. 4. The
    network's quality network says how frames are weighed (Table 1 (c) or (d)). `batch` frames of a segment go through
    flow and task network at once. way: how features get from keyframe to keyframe and to the frames between, as in the
    paper by default.

    Raises ValueError for a length below 1, a key_id outside the segment, or a gate outside [0, 1].
    """
    place, gate, way = check_key_id(length, key_id), check_gate(gate), way or as_in_the_paper(engine)

    def generate(frames: Iterable[Frame]) -> Iterator[Detections]:
        motion = way.follow()
        for segment, task, _ in key_features(engine, way, motion, frames, length, place, gate):
            yield from spread(engine, way, motion, task, segment, batch)
            motion.let_go(segment.key_image.place)

    @torch.inference_mode()
    def weights(frames: Iterable[Frame]) -> Iterator[KeyframeWeights]:
        motion = way.follow()
        keyframes = _keyframes(key_features(engine, way, motion, frames, length, place, gate), motion)
        yield from keyframe_weights(keyframes, gate, engine.network.feature.stride)

    return EngineDetector(engine, "impression", generate, batch, weights)


class KeyFeature(NamedTuple):
    """A segment with what Eq. 1 to 4 make of its keyframe."""

    segment: SegmentImages
    task: Carried
    fusion: Fusion | None
    """None for the first, which has nothing to be fused with."""


def key_features(
    engine: Engine,
    way: Propagation,
    motion: VideoMotion,
    frames: Iterable[Frame],
    length: int,
    key_id: int,
    gate: float = 1.0,
) -> Iterator[KeyFeature]:
    """Yield for each segment its task feature: lines 1 to 8 of Alg. 1."""
    impression: Carried | None = None
    old: Image | None = None  # the last keyframe, that the impression belongs to
    for segment in cut(engine.images(frames, motion.see), length, key_id):
        key = segment.key_image
        with engine.stage("forward"):
            feature = engine.network.feature(key.pixels)
        fusion: Fusion | None = None
        if impression is None or old is None:
            task = impression = Carried(feature, None)  # Eq. 1
        else:
            with engine.stage(motion.stage):
                field = motion.field([key], old)
            with engine.stage("forward"):
                task, impression, fusion = fused(engine.network, impression, field, feature, way.warp, gate)
        old = key
        yield KeyFeature(segment, task, fusion)


def _keyframes(features: Iterable[KeyFeature], motion: VideoMotion) -> Iterator[Keyframe]:
    for segment, _, fusion in features:
        yield Keyframe(segment.key_image.place, segment.key_image, fusion)
        for _image in segment.images:  # taken, so that the next segment begins after them
            pass
        motion.let_go(segment.key_image.place)
