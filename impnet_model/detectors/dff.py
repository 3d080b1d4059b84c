"""Deep Feature Flow, Table 1 (b): features of keyframes only, propagated along the flow, nothing remembered."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch

from impnet_model.detectors.engine import Engine, Frame, cut, spread
from vidkit.detections import Detections
from vidkit.segments import check_key_id


@dataclass(frozen=True)
class DeepFeatureFlow:
    """DFF over segments of `length` frames.

    key_id: place of the keyframe; 0 in the published code, the centre (None) in Table 1 (b). Raises ValueError for a
    length below 1 or a key_id outside the segment.
    """

    engine: Engine
    length: int = 10
    key_id: int | None = 0
    batch: int = 1
    name: str = "dff"

    def __post_init__(self) -> None:
        check_key_id(self.length, self.key_id)

    @torch.inference_mode()
    def detect(self, frames: Iterable[Frame]) -> Iterator[Detections]:
        """Yield the detections of each frame."""
        key_id = check_key_id(self.length, self.key_id)
        for segment in cut(self.engine.images(frames), self.length, key_id):
            with self.engine.stage("forward"):
                task = self.engine.network.feature(segment.key_image.pixels)
            yield from spread(self.engine, task, segment, self.batch)

    def synchronize(self) -> None:
        """Wait for the device."""
        self.engine.synchronize()

    def measurements(self) -> Mapping[str, float]:
        """Return the seconds of each stage so far."""
        return self.engine.measurements()

    def describe(self) -> Mapping[str, Any]:
        """Return what the speed depends on."""
        return {**self.engine.describe(), "batch": self.batch}
