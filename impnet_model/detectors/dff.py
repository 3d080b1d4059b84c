"""Deep Feature Flow, Table 1 (b): features of keyframes only, propagated along the flow, nothing remembered."""

from collections.abc import Iterable, Iterator

from impnet_model.detectors.engine import Engine, EngineDetector, Frame, cut, spread
from impnet_model.detectors.options import COMMON, EngineOptions, FlowChoice, impossible
from vidkit.detections import Detections
from vidkit.harness.detector import Detector, DetectorContext
from vidkit.segments import check_key_id


def dff(
    context: DetectorContext,
    *,
    length: int = 10,
    key_id: int | None = 0,
    flow: FlowChoice = "learned",
    batch: int = 1,
    common: EngineOptions = COMMON,
) -> Detector:
    """Deep Feature Flow, Table 1 (b); key_id 0 as published, `none` for the central frame."""
    engine = common.engine(context, "dff", ("flow",), flow)
    with impossible():
        return common.finished(deep_feature_flow(engine, length, key_id, batch))


def deep_feature_flow(engine: Engine, length: int = 10, key_id: int | None = 0, batch: int = 1) -> EngineDetector:
    """DFF over segments of `length` frames.

    key_id: place of the keyframe; 0 in the published code, the centre (None) in Table 1 (b). Raises ValueError for a
    length below 1 or a key_id outside the segment.
    """
    place = check_key_id(length, key_id)

    def generate(frames: Iterable[Frame]) -> Iterator[Detections]:
        for segment in cut(engine.images(frames), length, place):
            with engine.stage("forward"):
                task = engine.network.feature(segment.key_image.pixels)
            yield from spread(engine, task, segment, batch)

    return EngineDetector(engine, "dff", generate, batch)
