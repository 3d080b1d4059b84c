"""FGFA-fast (Table 3): as FGFA, but the flow network sees adjacent frames only; longer flows are composed of theirs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor

from impnet_model.data.images import Image
from impnet_model.detectors.engine import Engine, Frame
from impnet_model.detectors.fgfa import Seen, aggregated, check_network, see, windows
from impnet_model.flows.warp import flow_warp
from vidkit.detections import Detections


class Step(NamedTuple):
    """A frame, and the flows between it and the one before it."""

    seen: Seen
    forward: Tensor
    """`(1, 2, h, w)`, from the frame before into this one."""
    backward: Tensor
    """`(1, 2, h, w)`, from this one into the frame before."""


@dataclass(frozen=True)
class FGFAFast:
    """FGFA with composed flows: two calls of the flow network for a new frame, whatever the radius.

    Raises ValueError for a negative radius, and for a network without an embedding or flow.
    """

    engine: Engine
    radius: int = 10
    name: str = "fgfa-fast"

    def __post_init__(self) -> None:
        check_network(self.engine.network, self.radius)

    @torch.inference_mode()
    def detect(self, frames: Iterable[Frame]) -> Iterator[Detections]:
        """Yield the detections of each frame."""
        for window in windows(self._steps(frames), self.radius):
            seen = [step.seen for step in window]
            with self.engine.stage("forward"):
                flows = torch.cat(composed(window, self.radius))
                feature = aggregated(self.engine.network, seen, flows, self.radius)
            yield from self.engine.detect(feature, [seen[self.radius].image], [0])

    def _steps(self, frames: Iterable[Frame]) -> Iterator[Step]:
        before: Image | None = None
        for image in self.engine.images(frames):
            seen = see(self.engine, image)
            yield Step(seen, *self._between(before, image, seen))
            before = image

    def _between(self, before: Image | None, image: Image, seen: Seen) -> tuple[Tensor, Tensor]:
        flow = self.engine.network.flow
        if before is None or flow is None:
            still = seen.cached.new_zeros(1, 2, *seen.cached.shape[2:])
            return still, still
        pair = torch.cat([before.pixels, image.pixels])
        with self.engine.stage("forward"):
            both = flow(pair, pair.flip(0)).flow
        return both[:1], both[1:]

    def synchronize(self) -> None:
        """Wait for the device."""
        self.engine.synchronize()

    def measurements(self) -> Mapping[str, float]:
        """Return the seconds of each stage so far."""
        return self.engine.measurements()

    def describe(self) -> Mapping[str, Any]:
        """Return what the speed depends on."""
        return {**self.engine.describe(), "batch": 1}


def composed(window: list[Step], centre: int) -> list[Tensor]:
    """Return the flow from the window's centre into each of its frames.

    `M(t → t+n)(p) = M(t → t+n-1)(p) + M(t+n-1 → t+n)(p + M(t → t+n-1)(p))`, outwards in both directions.
    """
    still = torch.zeros_like(window[centre].forward)
    after, before = [still], [still]
    for left, right in zip(window[centre:], window[centre + 1 :], strict=False):
        after.append(after[-1] if left is right else compose(after[-1], right.forward))
    for left, right in zip(window[centre - 1 :: -1] if centre else [], window[centre:0:-1], strict=True):
        before.append(before[-1] if left is right else compose(before[-1], right.backward))
    return before[:0:-1] + after


def compose(first: Tensor, second: Tensor) -> Tensor:
    """Return the flow `(B, 2, h, w)` that follows `first` and then `second`, which is read where `first` leads."""
    return first + flow_warp(second, first)
