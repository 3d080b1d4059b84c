"""Flow between the frames of a video by name, the learned one too, for those that have frames and no networks."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from impnet_model.data.images import to_image
from impnet_model.detectors.engine import Engine, Frame
from impnet_model.detectors.options import EngineOptions
from impnet_model.detectors.video_motion import NetworkSteps
from impnet_model.flows.kinds import steps_of
from impnet_model.flows.memory import Steps
from vidkit.harness.detector import DetectorContext


def frame_steps(
    name: str, side: int, checkpoint: Path | None = None, device: str = "cpu"
) -> Callable[[], Steps[Frame]]:
    """What makes the steps of a video by a kind of flow; "learned" is that of a checkpoint, or of the shipped DFF.

    Errors as of `steps_of` and `EngineOptions.engine`.
    """
    if name != "learned":
        return steps_of(name, side)
    options = EngineOptions(build=None if checkpoint else "shipped")
    engine = options.engine(DetectorContext((), device, checkpoint), "dff", ("flow",))
    return lambda: FrameNetworkSteps(engine)


class FrameNetworkSteps:
    """Steps by the flow network of an engine on frames, in pixels of a grid that covers the frame."""

    def __init__(self, engine: Engine) -> None:
        self._engine, self._steps = engine, NetworkSteps(engine)
        self._covered: list[Tensor] = []
        self._seen = 0

    def see(self, frame: Frame) -> None:
        """Take the next frame."""
        image = to_image(frame, self._engine.resize, self._engine.device, self._engine.dtype)
        self._steps.see(replace(image, place=self._seen))
        self._seen += 1
        stride = self._engine.network.feature.stride
        height, width = image.pixels.shape[2:]
        cells = torch.tensor([-(-width // stride), -(-height // stride)])
        # The last cells may reach beyond the frame: a pixel of a grid that just covers it is a little smaller.
        self._covered[:] = [cells * stride / torch.tensor([width, height])]

    @torch.inference_mode()
    def between(self, current: int, other: int) -> Tensor:
        """As `Steps.between`."""
        return self._steps.between(current, other).cpu() * self._covered[0].view(1, 2, 1, 1)

    def let_go(self, before: int) -> None:
        """Keep nothing of the frames before this one."""
        self._steps.let_go(before)
