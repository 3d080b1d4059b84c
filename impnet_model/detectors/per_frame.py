"""The baseline of Table 1 (a): every frame by itself."""

from collections.abc import Iterable, Iterator

import torch

from impnet_model.detectors.engine import Engine, EngineDetector, Frame, batched
from impnet_model.detectors.options import COMMON, EngineOptions, impossible
from impnet_model.flows.carried import Carried
from vidkit.detections import Detections
from vidkit.harness.detector import Detector, DetectorContext


def per_frame(context: DetectorContext, *, batch: int = 1, common: EngineOptions = COMMON) -> Detector:
    """The per-frame baseline, Table 1 (a)."""
    engine = common.engine(context, "per-frame")
    with impossible():
        return common.finished(per_frame_rfcn(engine, batch))


def per_frame_rfcn(engine: Engine, batch: int = 1) -> EngineDetector:
    """Feature and task network on every frame; `batch` frames at once."""

    def generate(frames: Iterable[Frame]) -> Iterator[Detections]:
        for images in batched(engine.images(frames), batch):
            with engine.stage("forward"):
                features = engine.network.feature(torch.cat([image.pixels for image in images]))
            yield from engine.detect(Carried(features, None), images, [0] * len(images))

    return EngineDetector(engine, "per-frame", generate, batch)
