"""The baseline of Table 1 (a): every frame by itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch

from impnet_model.detectors.engine import Engine, Frame, batched
from vidkit.detections import Detections


@dataclass(frozen=True)
class PerFrame:
    """Feature and task network on every frame; `batch` frames at once."""

    engine: Engine
    batch: int = 1
    name: str = "per-frame"

    @torch.inference_mode()
    def detect(self, frames: Iterable[Frame]) -> Iterator[Detections]:
        """Yield the detections of each frame."""
        for images in batched(self.engine.images(frames), self.batch):
            with self.engine.stage("forward"):
                features = self.engine.network.feature(torch.cat([image.pixels for image in images]))
            yield from self.engine.detect(features, images, [0] * len(images))

    def synchronize(self) -> None:
        """Wait for the device."""
        self.engine.synchronize()

    def measurements(self) -> Mapping[str, float]:
        """Return the seconds of each stage so far."""
        return self.engine.measurements()

    def describe(self) -> Mapping[str, Any]:
        """Return what the speed depends on."""
        return {**self.engine.describe(), "batch": self.batch}
