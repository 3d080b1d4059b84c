"""Adaptive keyframes, the paper's future work: a segment ends where propagation no longer holds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from impnet_model.detectors.engine import Engine, Frame
from impnet_model.network import warp_along
from vidkit.detections import Detections


@dataclass(frozen=True)
class AdaptiveImpression:
    """The Impression Network with segments as long as propagation holds, the keyframe first: strict real time.

    A frame becomes a keyframe where the fastest twentieth of the map moved by more than `drift` cells since the last
    one, or after `length` frames; after half as many where the last weight map gave more than `trust` to the new
    keyframe on average, that is, where the impression had been worth little. Which frames are keys depends on what is
    seen, so the cost does too. The flow that shows the drift also warps the impression: nothing is computed twice.

    Raises ValueError for a length below 1, a negative drift, or a gate or trust outside [0, 1].
    """

    engine: Engine
    length: int = 20
    drift: float = 2.0
    trust: float = 0.6
    gate: float = 1.0
    name: str = "impression-adaptive"

    def __post_init__(self) -> None:
        if self.length < 1 or self.drift < 0 or not 0 <= self.gate <= 1 or not 0 <= self.trust <= 1:
            raise ValueError(
                f"length {self.length}, drift {self.drift}, gate {self.gate}, trust {self.trust}; wanted length >= 1, "
                "drift >= 0, gate and trust in [0, 1]"
            )
        if self.engine.network.flow is None:
            raise ValueError("adaptive keyframes need a flow network; build one with build.impression")

    @torch.inference_mode()
    def detect(self, frames: Iterable[Frame]) -> Iterator[Detections]:
        """Yield the detections of each frame, before the next is taken."""
        network = self.engine.network
        flow = network.flow
        assert flow is not None  # see __post_init__
        key: Tensor | None = None
        task = impression = torch.empty(0)
        age, limit = 0, self.length
        for image in self.engine.images(frames):
            if key is None:
                task = impression = network.feature(image.pixels)  # Eq. 1
                key = image.pixels
            else:
                age += 1
                field = flow(image.pixels, key)
                if age < limit and drift_of(field.flow) <= self.drift:
                    yield from self.engine.detect(warp_along(task, field), [image], [-age])
                    continue
                warped = warp_along(impression, field)
                task, impression, weight = network.fuse(warped, network.feature(image.pixels), self.gate)
                limit = self.length if float(weight.mean()) <= self.trust else max(1, self.length // 2)
                key, age = image.pixels, 0
            yield from self.engine.detect(task, [image], [0])

    def synchronize(self) -> None:
        """Wait for the device."""
        self.engine.synchronize()

    def describe(self) -> Mapping[str, Any]:
        """Return what the speed depends on."""
        return {**self.engine.describe(), "batch": 1}


def drift_of(flow: Tensor) -> float:
    """Return by how many cells the fastest twentieth of a flow `(1, 2, h, w)` moves at least."""
    return float(flow.float().norm(dim=1).flatten().quantile(0.95))
