"""The Impression Network, Alg. 1: one feature that absorbs the video so far, renewed at each keyframe."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor

from impnet_model.detectors.contributions import Fusion, Keyframe, keyframe_weights
from impnet_model.detectors.engine import Engine, Frame, Segment, cut, spread
from impnet_model.nets.network import warp_along
from vidkit.benchmark.detector import KeyframeWeights
from vidkit.detections import Detections
from vidkit.segments import check_key_id


class KeyFeature(NamedTuple):
    """A segment with what Eq. 1 to 4 make of its keyframe."""

    segment: Segment
    task: Tensor
    fusion: Fusion | None
    """None for the first, which has nothing to be fused with."""


@dataclass(frozen=True)
class Impression:
    """The Impression Network over segments of `length` frames.

    key_id: place of the keyframe in its segment, the centre for None; 0 for strict real time. gate: g of Eq. 4. The
    network's quality network says how frames are weighed (Table 1 (c) or (d)). `batch` frames of a segment go through
    flow and task network at once.

    Raises ValueError for a length below 1, a key_id outside the segment, or a gate outside [0, 1].
    """

    engine: Engine
    length: int = 10
    key_id: int | None = None
    gate: float = 1.0
    batch: int = 1
    name: str = "impression"

    def __post_init__(self) -> None:
        check_key_id(self.length, self.key_id)
        if not 0 <= self.gate <= 1:
            raise ValueError(f"gate {self.gate}; wanted a number in [0, 1]")

    @torch.inference_mode()
    def detect(self, frames: Iterable[Frame]) -> Iterator[Detections]:
        """Yield the detections of each frame."""
        for segment, task, _ in self.key_features(frames):
            yield from spread(self.engine, task, segment, self.batch)

    def key_features(self, frames: Iterable[Frame]) -> Iterator[KeyFeature]:
        """Yield for each segment its task feature: lines 1 to 8 of Alg. 1."""
        network = self.engine.network
        key_id = check_key_id(self.length, self.key_id)
        impression: Tensor | None = None
        old: Tensor | None = None  # the last keyframe, that the impression belongs to
        for segment in cut(self.engine.images(frames), self.length, key_id):
            key = segment.key_image.pixels
            with self.engine.stage("forward"):
                feature = network.feature(key)
                if impression is None or old is None:
                    task = impression = feature  # Eq. 1
                    fusion = None
                else:
                    motion = network.motion(key, old)
                    warped = warp_along(impression, motion)
                    task, impression, weight = network.fuse(warped, feature, self.gate)  # Eq. 2-4
                    fusion = Fusion(weight, motion.flow)
            old = key
            yield KeyFeature(segment, task, fusion)

    @torch.inference_mode()
    def keyframe_weights(self, frames: Iterable[Frame]) -> Iterator[KeyframeWeights]:
        """Yield the weight map and the mean shares of every keyframe; the task network is not run."""
        yield from keyframe_weights(self._keyframes(frames), self.gate, self.engine.network.feature.stride)

    def _keyframes(self, frames: Iterable[Frame]) -> Iterator[Keyframe]:
        start = 0
        for segment, _, fusion in self.key_features(frames):
            yield Keyframe(start + segment.key, segment.key_image, fusion)
            start += sum(1 for _ in segment.images)

    def synchronize(self) -> None:
        """Wait for the device."""
        self.engine.synchronize()

    def measurements(self) -> Mapping[str, float]:
        """Return the seconds of each stage so far."""
        return self.engine.measurements()

    def describe(self) -> Mapping[str, Any]:
        """Return what the speed depends on."""
        return {**self.engine.describe(), "batch": self.batch}
