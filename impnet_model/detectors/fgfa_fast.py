"""FGFA-fast (Table 3): as FGFA, but the flow network sees adjacent frames only; longer flows are composed of theirs."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import torch

from impnet_model.data.images import Image
from impnet_model.detectors.engine import Engine, EngineDetector, Frame
from impnet_model.detectors.fgfa import Seen, aggregated, check_radius, parts_of, see, windows
from impnet_model.detectors.options import COMMON, EngineOptions, impossible
from impnet_model.flows.carried import Carried
from impnet_model.flows.composition import AdjacentFlows, composed
from vidkit.detections import Detections
from vidkit.harness.detector import Detector, DetectorContext


def fgfa_fast(context: DetectorContext, *, radius: int = 10, common: EngineOptions = COMMON) -> Detector:
    """FGFA with flows of adjacent frames only, composed, Table 3."""
    engine = common.engine(context, "fgfa", ("flow", "embedding"))
    with impossible():
        return common.finished(fast_feature_aggregation(engine, radius))


def fast_feature_aggregation(engine: Engine, radius: int = 10) -> EngineDetector:
    """FGFA with composed flows: two calls of the flow network for a new frame, whatever the radius.

    Raises ValueError for an impossible radius, and for a network without an embedding or flow.
    """
    check_radius(radius)
    parts_of(engine.network)

    def generate(frames: Iterable[Frame]) -> Iterator[Detections]:
        for window in windows(linked_frames(engine, frames), radius):
            seen = [each.seen for each in window]
            with engine.stage("forward"):
                flows = torch.cat(composed([each.flows for each in window], radius))
                feature = aggregated(engine.network, seen, flows, radius)
            yield from engine.detect(Carried(feature, None), [seen[radius].image], [0])

    return EngineDetector(engine, "fgfa-fast", generate)


class LinkedFrame(NamedTuple):
    """A frame, and the flows between it and the one before it."""

    seen: Seen
    flows: AdjacentFlows


def linked_frames(engine: Engine, frames: Iterable[Frame]) -> Iterator[LinkedFrame]:
    """Yield each frame of a video with its feature, embedding and flows."""
    flow, embedding = parts_of(engine.network)
    before: Image | None = None
    for image in engine.images(frames):
        seen = see(engine, embedding, image)
        if before is None:
            still = seen.cached.new_zeros(1, 2, *seen.cached.shape[2:])
            flows = AdjacentFlows(still, still)
        else:
            pair = torch.cat([before.pixels, image.pixels])
            with engine.stage("forward"):
                both = flow(pair, pair.flip(0)).flow
            flows = AdjacentFlows(both[:1], both[1:])
        yield LinkedFrame(seen, flows)
        before = image
