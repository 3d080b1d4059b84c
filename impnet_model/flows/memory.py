"""Flow with memory: handed every frame of a video, it tells the flow between any two that it still holds.

Over several frames the flows of adjacent ones are composed: objects that move further than their own size are lost by a
direct look, and followed from frame to frame.
"""

from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import avg_pool2d, grid_sample, interpolate

F = TypeVar("F")
F_contra = TypeVar("F_contra", contravariant=True)
Frame = NDArray[np.uint8]
"""`(H, W, 3)` RGB."""
PairFlow = Callable[[Frame, Frame], NDArray[np.float32]]
"""Two frames of one size → `(H, W, 2)`: for each pixel of the first its way in pixels into the second, x first."""


class Steps(Protocol[F_contra]):
    """Flow between two frames of one video, looked at directly; frames are counted from 0 as they are seen."""

    def see(self, frame: F_contra) -> None:
        """Take the next frame."""

    def between(self, current: int, other: int) -> Tensor:
        """`(1, 2, h, w)`: the way of each pixel of `current` into `other`, x first, in pixels of this very grid."""

    def let_go(self, before: int) -> None:
        """Keep nothing of the frames before this one."""


class FlowMemory(Generic[F]):
    """The flow of one video between any two frames that were seen and not let go; composed frame by frame, or direct.

    What was computed is kept as long as its frames are.
    """

    def __init__(self, steps: Steps[F], composed: bool = True) -> None:
        self._steps, self._composed = steps, composed
        self._known: dict[tuple[int, int], Tensor] = {}

    def see(self, frame: F) -> None:
        """Take the next frame."""
        self._steps.see(frame)

    def between(self, current: int, other: int) -> Tensor:
        """`(1, 2, h, w)`: as `Steps.between`. `M(t → n)(p) = M(t → t±1)(p) + M(t±1 → n)(p + M(t → t±1)(p))`."""
        if not self._composed or abs(current - other) <= 1:
            return self._step(current, other)
        on = 1 if other > current else -1
        for place in range(other - 2 * on, current - on, -on):
            if (place, other) not in self._known:
                self._known[place, other] = followed(
                    self._step(place, place + on), self._step_or_known(place + on, other)
                )
        return self._known[current, other]

    def let_go(self, before: int) -> None:
        """Keep nothing of the frames before this one."""
        self._steps.let_go(before)
        for pair in [pair for pair in self._known if min(pair) < before]:
            del self._known[pair]

    def _step_or_known(self, current: int, other: int) -> Tensor:
        return self._known[current, other] if abs(current - other) > 1 else self._step(current, other)

    def _step(self, current: int, other: int) -> Tensor:
        if (current, other) not in self._known:
            self._known[current, other] = self._steps.between(current, other)
        return self._known[current, other]


def followed(first: Tensor, second: Tensor) -> Tensor:
    """The flow `(B, 2, h, w)` that follows `first` and then `second`, read where `first` leads.

    In pixels of their own grid. Outside the frame the nearest pixel at its border is read: what leaves goes on.
    """
    height, width = first.shape[2:]
    x = torch.arange(width, device=first.device, dtype=first.dtype) + first[:, 0]  # (B, h, w)
    y = torch.arange(height, device=first.device, dtype=first.dtype)[:, None] + first[:, 1]
    grid = torch.stack([(2 * x + 1) / width - 1, (2 * y + 1) / height - 1], dim=-1)  # pixel centres at halves
    return first + grid_sample(second, grid, mode="bilinear", padding_mode="border", align_corners=False)


class PairSteps:
    """Steps by a function on two frames, which are made small first: their shorter side has at most `side` pixels."""

    def __init__(self, flow: PairFlow, side: int) -> None:
        self._flow, self._side = flow, side
        self._kept: dict[int, Frame] = {}
        self._seen = 0

    def see(self, frame: Frame) -> None:
        """Take the next frame."""
        self._kept[self._seen] = smaller(frame, self._side)
        self._seen += 1

    def between(self, current: int, other: int) -> Tensor:
        """As `Steps.between`. Raises ValueError where the function answers with anything but finite flow."""
        first, second = self._kept[current], self._kept[other]
        if current == other:
            return torch.zeros(1, 2, *first.shape[:2])
        flow = np.asarray(self._flow(first, second), np.float32)
        if flow.shape != (*first.shape[:2], 2) or not np.isfinite(flow).all():
            raise ValueError(f"flow {flow.shape} of frames {first.shape[:2]}; wanted finite numbers (H, W, 2)")
        return torch.from_numpy(np.ascontiguousarray(flow.transpose(2, 0, 1)))[None]

    def let_go(self, before: int) -> None:
        """Keep nothing of the frames before this one."""
        for place in [place for place in self._kept if place < before]:
            del self._kept[place]


def smaller(frame: Frame, side: int) -> Frame:
    """The frame with `side` pixels on its shorter side, averaged; as it is where it has no more."""
    shorter = min(frame.shape[:2])
    if shorter <= side:
        return frame
    size = [max(1, round(length * side / shorter)) for length in frame.shape[:2]]
    levels = torch.from_numpy(np.require(frame, requirements=["C", "W"])).permute(2, 0, 1)[None].float()
    small = interpolate(levels, size, mode="bilinear", align_corners=False, antialias=True)
    return np.asarray(small[0].permute(1, 2, 0).round().clamp(0, 255).to(torch.uint8).numpy())


def on_cells(flow: Tensor, height: int, width: int, stride: int) -> Tensor:
    """Flow `(B, 2, h, w)` in pixels of its grid as the feature map of an image sees it: means, in cells.

    `(B, 2, ceil(height / stride), ceil(width / stride))`; the image is `height` by `width` pixels. A cell is the mean
    over its pixels, those at the border over the ones that they have.
    """
    if flow.shape[2:] != (height, width):
        scale = flow.new_tensor([width / flow.shape[3], height / flow.shape[2]]).view(1, 2, 1, 1)
        flow = interpolate(flow, (height, width), mode="bilinear", align_corners=False) * scale
    return avg_pool2d(flow, stride, ceil_mode=True, count_include_pad=False) / stride
