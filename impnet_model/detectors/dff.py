"""Deep Feature Flow, Table 1 (b): features of keyframes only, propagated along the flow, nothing remembered."""

from collections.abc import Iterable, Iterator

from impnet_model.detectors.engine import Engine, EngineDetector, Frame, cut
from impnet_model.detectors.options import COMMON, EngineOptions, impossible
from impnet_model.detectors.spreading import spread
from impnet_model.detectors.video_motion import MOTION, MotionOptions, Propagation, as_in_the_paper
from impnet_model.flows.carried import Carried
from vidkit.detections import Detections
from vidkit.harness.detector import Detector, DetectorContext
from vidkit.segments import check_key_id


def dff(
    context: DetectorContext,
    *,
    length: int = 10,
    key_id: int | None = 0,
    batch: int = 1,
    motion: MotionOptions = MOTION,
    common: EngineOptions = COMMON,
) -> Detector:
    """Deep Feature Flow, Table 1 (b); key_id 0 as published, `none` for the central frame."""
    engine = common.engine(context, "dff", motion.parts)
    with impossible():
        return common.finished(deep_feature_flow(engine, length, key_id, batch, motion.propagation(engine)))


def deep_feature_flow(
    engine: Engine, length: int = 10, key_id: int | None = 0, batch: int = 1, way: Propagation | None = None
) -> EngineDetector:
    """DFF over segments of `length` frames.

    key_id: place of the keyframe; 0 in the published code, the centre (None) in Table 1 (b). way: how features get to
    the frames between, as in the paper by default. Raises ValueError for a length below 1 or a key_id outside the
    segment.
    """
    place, way = check_key_id(length, key_id), way or as_in_the_paper(engine)

    def generate(frames: Iterable[Frame]) -> Iterator[Detections]:
        motion = way.follow()
        for segment in cut(engine.images(frames, motion.see), length, place):
            with engine.stage("forward"):
                task = Carried(engine.network.feature(segment.key_image.pixels), None)
            yield from spread(engine, way, motion, task, segment, batch)
            motion.let_go(segment.key_image.place)

    return EngineDetector(engine, "dff", generate, batch)
