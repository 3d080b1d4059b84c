"""Detectors of `vidkit benchmark` that are told the flow: an ablation, on made-up video, whose flow is known exactly.

    PYTHONPATH=benchmarks vidkit benchmark true_flow:impression --checkpoint impression.pt

What is left of the error with the true flow isn't the flow network's. The scale map stays the network's own. The run
is marked as one that looks at the truth.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool2d

from impnet_model.data.images import to_image
from impnet_model.detectors.dff import deep_feature_flow
from impnet_model.detectors.engine import Engine, EngineDetector
from impnet_model.detectors.impression import impression_network
from impnet_model.detectors.options import COMMON
from impnet_model.flows.field import FlowField
from impnet_model.nets.network import FlowNetwork
from vidkit.data.index import Index
from vidkit.detections import Detections
from vidkit.harness.detector import DetectorContext, KnownFrame
from vidkit.synth import Scene, read_settings, scene_of, true_flow


class TrueFlow(nn.Module):
    """In place of a flow network: the flow of a known scene. Frames are recognised by their content."""

    def __init__(self, learned: FlowNetwork) -> None:
        super().__init__()
        self.learned, self.stride, self.out_channels = learned, learned.stride, learned.out_channels
        self.scene: Scene | None = None
        self.times: dict[bytes, int] = {}
        self.scale = 1.0

    def begin(self, scene: Scene) -> None:
        """Forget the frames of the video before."""
        self.scene, self.times = scene, {}

    def remember(self, pixels: Tensor, time: int, scale: float) -> None:
        """Learn which frame an image `(1, 3, H, W)`, resized by `scale`, is."""
        self.times[_content(pixels[0])], self.scale = time, scale

    def forward(self, current: Tensor, other: Tensor) -> FlowField:
        """Return the true flow in cells, and the scale map of the learned network."""
        if self.scene is None:
            raise ValueError("no scene; call begin first")
        flows = []
        for a, b in zip(current, other, strict=True):
            flow, _ = true_flow(self.scene, self.times[_content(a)], self.times[_content(b)])  # (H, W, 2)
            flows.append(torch.from_numpy(flow).permute(2, 0, 1))
        height, width = (-(-side // self.stride) for side in current.shape[2:])
        cells = adaptive_avg_pool2d(torch.stack(flows), (height, width)) * self.scale / self.stride
        return FlowField(cells.to(current), self.learned(current, other).scale)


def _content(pixels: Tensor) -> bytes:
    return pixels.cpu().numpy().tobytes()


def synth_root(index: Index) -> Path:
    """Return the folder of the synthetic set that an index was made from. Raises ValueError if there is none."""
    if index.files is None:
        raise ValueError("the index knows no frames; wanted one of a `vidkit synth` set")
    return Path(index.files.root)


class Told:
    """A detector whose network has the true flow."""

    def __init__(self, engine: Engine, make: Callable[[Engine], EngineDetector]) -> None:
        self.flow = TrueFlow(engine.network.flow)
        self.engine = replace(engine, network=engine.network.with_parts(flow=self.flow))
        self.inner = make(self.engine)
        self.name = f"{self.inner.name} with true flow"

    def detect_known(self, frames: Iterable[KnownFrame]) -> Iterator[Detections]:
        """Yield the detections of each frame of one video."""
        yield from self.inner.detect(self._remembered(frames))

    def _remembered(self, frames: Iterable[KnownFrame]) -> Iterator[Any]:
        engine = self.engine
        for place, frame in enumerate(frames):
            index = frame.index
            if place == 0:
                root = synth_root(index)
                name = index.video_name[int(index.frame_video[frame.row])]
                self.flow.begin(scene_of(read_settings(root), name.rpartition("/")[2]))
            image = to_image(frame.image, engine.resize, engine.device, engine.dtype)
            self.flow.remember(image.pixels, int(index.frame_number[frame.row]), image.scale)
            yield frame.image

    def synchronize(self) -> None:
        """Wait for the device."""
        self.inner.synchronize()

    def describe(self) -> Mapping[str, Any]:
        """Return what the detector tells of itself, and that it is told the flow."""
        return {**self.inner.describe(), "flow": "true"}


def dff(context: DetectorContext, *, length: int = 10, key_id: int | None = None) -> Told:
    """DFF with the true flow."""
    engine = COMMON.engine(context, "dff", ("flow",))
    return Told(engine, lambda told: deep_feature_flow(told, length, key_id))


def impression(context: DetectorContext, *, length: int = 10, key_id: int | None = None, gate: float = 1.0) -> Told:
    """The Impression Network with the true flow."""
    engine = COMMON.engine(context, "impression", ("flow", "quality"))
    return Told(engine, lambda told: impression_network(told, length, key_id, gate))
