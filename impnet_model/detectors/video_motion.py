"""The motion in one video as the methods use it: the flow network's, pair by pair, or a flow with memory."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol

import torch
from torch import Tensor

from impnet_model.data.images import Image
from impnet_model.detectors.engine import Engine, Frame
from impnet_model.detectors.moved_boxes import moved_by_flow
from impnet_model.detectors.stages import Stage
from impnet_model.flows.carried import Warp
from impnet_model.flows.field import FlowField
from impnet_model.flows.kinds import OwnFlow, steps_of
from impnet_model.flows.memory import FlowMemory, Steps, on_cells
from impnet_model.flows.zero import ZeroFlow
from impnet_model.nets.network import ImpressionNetwork
from vidkit.detections import Detections

FlowChoice = Literal["learned"] | OwnFlow | str
"""learned: the network's own. zero: the ablation in which every pixel is taken to stand still."""
BoxesChoice = Literal["detected", "moved"]
"""detected: in each frame, in the feature that was moved there. moved: at the keyframe alone, boxes move."""


class VideoMotion(Protocol):
    """The motion in one video. It is handed every frame."""

    @property
    def stage(self) -> Stage:
        """Where the time of `field` and `moved` counts."""

    def see(self, frame: Frame, image: Image) -> None:
        """Take the next frame, and what the networks see of it."""

    def field(self, currents: Sequence[Image], other: Image) -> FlowField:
        """The flow from each of B images into another one, in cells of the feature map, and its scale map."""

    def moved(self, found: Detections, key: Image, image: Image) -> Detections:
        """What was found in a keyframe, its boxes moved to another image."""

    def let_go(self, before: int) -> None:
        """Forget the frames before this one, which aren't asked for any more."""


class NetworkMotion:
    """F on pairs of images, looked at directly: the paper's."""

    stage: Stage = "forward"

    def __init__(self, network: ImpressionNetwork) -> None:
        self._network, self._stride = network, network.feature.stride

    def see(self, frame: Frame, image: Image) -> None:
        """Nothing to remember: images come with the question."""

    def field(self, currents: Sequence[Image], other: Image) -> FlowField:
        """As `VideoMotion.field`."""
        pixels = torch.cat([each.pixels for each in currents])
        return self._network.motion(pixels, other.pixels.expand(len(currents), -1, -1, -1))

    def moved(self, found: Detections, key: Image, image: Image) -> Detections:
        """As `VideoMotion.moved`."""
        cell = self._stride / key.scale
        return moved_by_flow(found, self._network.motion(key.pixels, image.pixels).flow, (cell, cell))

    def let_go(self, before: int) -> None:
        """Nothing was kept."""


class RememberedMotion:
    """A flow with memory."""

    stage: Stage = "flow"

    def __init__(self, engine: Engine, steps: Steps[Frame], composed: bool) -> None:
        self._engine, self._memory = engine, FlowMemory(steps, composed)

    def see(self, frame: Frame, image: Image) -> None:
        """As `VideoMotion.see`."""
        with self._engine.stage("flow"):
            self._memory.see(frame)

    def field(self, currents: Sequence[Image], other: Image) -> FlowField:
        """As `VideoMotion.field`; without a scale map, which belongs to the network's own flow."""
        height, width = other.pixels.shape[2:]
        flows = [self._memory.between(each.place, other.place) for each in currents]
        cells = on_cells(torch.cat(flows), height, width, self._engine.network.feature.stride)
        return FlowField(cells.to(other.pixels.device), None)

    def moved(self, found: Detections, key: Image, image: Image) -> Detections:
        """As `VideoMotion.moved`."""
        flow = self._memory.between(key.place, image.place)
        return moved_by_flow(found, flow, (key.width / flow.shape[3], key.height / flow.shape[2]))

    def let_go(self, before: int) -> None:
        """As `VideoMotion.let_go`."""
        self._memory.let_go(before)


class ComposedNetworkMotion:
    """F on adjacent frames, composed in cells of the feature map, as in FGFA-fast; the scale map is left out."""

    stage: Stage = "forward"

    def __init__(self, engine: Engine) -> None:
        self._stride, self._memory = engine.network.feature.stride, FlowMemory(NetworkSteps(engine))

    def see(self, frame: Frame, image: Image) -> None:
        """As `VideoMotion.see`."""
        self._memory.see(image)

    def field(self, currents: Sequence[Image], other: Image) -> FlowField:
        """As `VideoMotion.field`."""
        return FlowField(torch.cat([self._memory.between(each.place, other.place) for each in currents]), None)

    def moved(self, found: Detections, key: Image, image: Image) -> Detections:
        """As `VideoMotion.moved`."""
        cell = self._stride / key.scale
        return moved_by_flow(found, self._memory.between(key.place, image.place), (cell, cell))

    def let_go(self, before: int) -> None:
        """As `VideoMotion.let_go`."""
        self._memory.let_go(before)


class NetworkSteps:
    """Steps by the flow network of an engine, on its own images, in cells."""

    def __init__(self, engine: Engine) -> None:
        self._network = engine.network
        self._kept: dict[int, Image] = {}

    def see(self, frame: Image) -> None:
        """Take the next image."""
        self._kept[frame.place] = frame

    def between(self, current: int, other: int) -> Tensor:
        """As `Steps.between`."""
        first, second = self._kept[current].pixels, self._kept[other].pixels
        flow = self._network.motion(first, second).flow.float()
        return torch.zeros_like(flow) if current == other else flow

    def let_go(self, before: int) -> None:
        """Keep nothing of the frames before this one."""
        for place in [place for place in self._kept if place < before]:
            del self._kept[place]


class Propagation(NamedTuple):
    """How what was found at a keyframe gets to the other frames of its segment."""

    follow: Callable[[], VideoMotion]
    """Called for each video."""
    warp: Warp = "bilinear"
    boxes: BoxesChoice = "detected"


def as_in_the_paper(engine: Engine) -> Propagation:
    """The flow network's own flow, pair by pair, and bilinear warping."""
    return Propagation(lambda: NetworkMotion(engine.network))


@dataclass(frozen=True)
class MotionOptions:
    """The options of all methods that propagate: a factory takes them as one argument, a command line one by one."""

    flow: FlowChoice = "learned"
    composed: bool | None = None
    """Flow over several frames from those between adjacent ones; none: all but the learned one."""
    flow_side: int = 256
    """Pixels of the shorter side of the frames that a flow which isn't learned sees, at most."""
    warp: Warp = "bilinear"
    boxes: BoxesChoice = "detected"

    @property
    def parts(self) -> tuple[str, ...]:
        """The parts of a network that are needed for it."""
        return ("flow",) if self.flow == "learned" else ()

    def propagation(self, engine: Engine) -> Propagation:
        """The way that is chosen. Errors as of `steps_of`."""
        return Propagation(self._follow(engine), self.warp, self.boxes)

    def _follow(self, engine: Engine) -> Callable[[], VideoMotion]:
        if self.flow == "learned":
            return lambda: ComposedNetworkMotion(engine) if self.composed else NetworkMotion(engine.network)
        if self.flow == "zero":
            still = engine.network.with_parts(flow=ZeroFlow(engine.network.feature.stride))
            return lambda: NetworkMotion(still)
        steps = steps_of(self.flow, self.flow_side)
        return lambda: RememberedMotion(engine, steps(), self.composed is not False)


MOTION = MotionOptions()
