"""Where the boxes of a keyframe are in the frames of its segment: held, going on as they came, or along a flow."""

from collections.abc import Callable
from typing import NamedTuple, Protocol

from impnet_model.detectors.engine import Frame
from impnet_model.detectors.links import extrapolated, linked
from impnet_model.detectors.moved_boxes import moved_by_flow
from impnet_model.detectors.stages import Stage
from impnet_model.flows.memory import FlowMemory
from vidkit.detections import Detections


class KeyDetections(NamedTuple):
    """A keyframe's place in the video, and what was found in it."""

    place: int
    found: Detections


GoOn = Callable[[int, Frame], Detections]
"""From a frame and its place in the video to the boxes there."""


class AfterKey(Protocol):
    """A way from keyframes to the frames of their segments, for one video."""

    @property
    def stage(self) -> Stage:
        """Where its time counts."""

    def see(self, frame: Frame) -> None:
        """Take the next frame of the video."""

    def go_on(self, key: KeyDetections, first: int) -> GoOn:
        """What leads from the next keyframe to the frames of its segment, which begins with frame `first`."""


class Held:
    """The boxes stay where they are."""

    stage: Stage = "postprocess"

    def see(self, frame: Frame) -> None:
        """Nothing is looked at."""

    def go_on(self, key: KeyDetections, first: int) -> GoOn:
        """As `AfterKey.go_on`."""
        return lambda place, frame: key.found


class WithVelocity:
    """The boxes go on as they came from the keyframe before; those of the first keyframe stay."""

    stage: Stage = "postprocess"

    def __init__(self) -> None:
        self._before: list[KeyDetections] = []

    def see(self, frame: Frame) -> None:
        """Nothing is looked at."""

    def go_on(self, key: KeyDetections, first: int) -> GoOn:
        """As `AfterKey.go_on`."""
        last = self._before[-1] if self._before else key
        self._before[:] = [key]
        pairs = linked(last.found, key.found)
        frames = max(1, key.place - last.place)
        return lambda place, frame: extrapolated(last.found, key.found, pairs, (place - key.place) / frames)


class AlongFlow:
    """The boxes move as the flow from the keyframe into each frame goes at their centres."""

    stage: Stage = "flow"

    def __init__(self, memory: FlowMemory[Frame]) -> None:
        self._memory = memory

    def see(self, frame: Frame) -> None:
        """Remember the frame."""
        self._memory.see(frame)

    def go_on(self, key: KeyDetections, first: int) -> GoOn:
        """As `AfterKey.go_on`."""
        self._memory.let_go(first)

        def moved(place: int, frame: Frame) -> Detections:
            if place == key.place:
                return key.found
            flow = self._memory.between(key.place, place)
            return moved_by_flow(key.found, flow, (frame.shape[1] / flow.shape[3], frame.shape[0] / flow.shape[2]))

        return moved
