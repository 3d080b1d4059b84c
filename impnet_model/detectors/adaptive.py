"""Adaptive keyframes, the paper's future work: a segment ends where propagation no longer holds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor

from impnet_model.data.images import Image
from impnet_model.detectors.contributions import Fusion, Keyframe, keyframe_weights
from impnet_model.detectors.engine import Engine, Frame
from impnet_model.nets.network import warp_along
from vidkit.benchmark.detector import KeyframeWeights
from vidkit.detections import Detections


class _Step(NamedTuple):
    """A frame with the feature to detect on."""

    image: Image
    feature: Tensor
    age: int  # frames since the last keyframe; 0 at a keyframe
    fusion: Fusion | None  # at a keyframe, but for the first


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
        """Yield the detections of each frame."""
        for image, feature, age, _ in self._steps(frames):
            yield from self.engine.detect(feature, [image], [-age])

    @torch.inference_mode()
    def keyframe_weights(self, frames: Iterable[Frame]) -> Iterator[KeyframeWeights]:
        """Yield the weight map and the mean shares of every keyframe; the task network is not run."""
        steps = enumerate(self._steps(frames))
        keyframes = (Keyframe(place, step.image, step.fusion) for place, step in steps if step.age == 0)
        yield from keyframe_weights(keyframes, self.gate, self.engine.network.feature.stride)

    def _steps(self, frames: Iterable[Frame]) -> Iterator[_Step]:
        network = self.engine.network
        key: Tensor | None = None
        task = impression = torch.empty(0)
        age, limit = 0, self.length
        for image in self.engine.images(frames):
            with self.engine.stage("forward"):
                fusion: Fusion | None = None
                age += 1
                if key is None:
                    feature = task = impression = network.feature(image.pixels)  # Eq. 1
                    age = 0
                else:
                    motion = network.motion(image.pixels, key)
                    if age < limit and drift_of(motion.flow) <= self.drift:
                        feature = warp_along(task, motion)
                    else:
                        warped = warp_along(impression, motion)
                        task, impression, weight = network.fuse(warped, network.feature(image.pixels), self.gate)
                        feature, fusion, age = task, Fusion(weight, motion.flow), 0
                        limit = self.length if float(weight.mean()) <= self.trust else max(1, self.length // 2)
                if age == 0:
                    key = image.pixels
            yield _Step(image, feature, age, fusion)

    def synchronize(self) -> None:
        """Wait for the device."""
        self.engine.synchronize()

    def measurements(self) -> Mapping[str, float]:
        """Return the seconds of each stage so far."""
        return self.engine.measurements()

    def describe(self) -> Mapping[str, Any]:
        """Return what the speed depends on."""
        return {**self.engine.describe(), "batch": 1}


def drift_of(flow: Tensor) -> float:
    """Return by how many cells the fastest twentieth of a flow `(1, 2, h, w)` moves at least."""
    return float(flow.float().norm(dim=1).flatten().quantile(0.95))
