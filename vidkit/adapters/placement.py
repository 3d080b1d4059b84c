"""A frame inside a network's input: where it lies there, its pixels brought there, and boxes brought back."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vidkit.boxes import Boxes
from vidkit.harness.detector import Image as Frame

GREY = 114
"""What surrounds a letterboxed frame, in the networks of the YOLO family."""


@dataclass(frozen=True)
class Placement:
    """A frame of `width` by `height` pixels, scaled to `inner_width` by `inner_height`, whose corner is (left, top)."""

    width: int
    height: int
    inner_width: int
    inner_height: int
    left: int
    top: int
    input_width: int
    input_height: int

    def pixels(self, frame: Frame) -> NDArray[np.uint8]:
        """Return the input `(input_height, input_width, 3)`: the frame in its place, grey around it."""
        inner = resized(frame, self.inner_width, self.inner_height)
        if inner.shape[:2] == (self.input_height, self.input_width):
            return inner
        canvas = np.full((self.input_height, self.input_width, 3), GREY, np.uint8)
        canvas[self.top : self.top + self.inner_height, self.left : self.left + self.inner_width] = inner
        return canvas

    def back(self, boxes: Boxes) -> Boxes:
        """Return boxes `(N, 4)` in pixels of the frame, made from boxes in pixels of the input; not clipped."""
        corner = np.array([self.left, self.top] * 2, np.float32)
        scale = np.array([self.width / self.inner_width, self.height / self.inner_height] * 2, np.float32)
        return np.asarray((boxes - corner) * scale)


def unchanged(width: int, height: int) -> Placement:
    """Return the placement of a frame that is its network's input."""
    return Placement(width, height, width, height, 0, 0, width, height)


def stretched(width: int, height: int, input_width: int, input_height: int) -> Placement:
    """Return the placement of a frame that is scaled to the input's size, whatever its sides' ratio."""
    return Placement(width, height, input_width, input_height, 0, 0, input_width, input_height)


def letterboxed(width: int, height: int, input_width: int, input_height: int) -> Placement:
    """Return the placement of a frame that is scaled until it fits, and lies in the middle of the input.

    An odd row or column that is left over is below, or to the right, as in the networks of the YOLO family.
    """
    scale = min(input_width / width, input_height / height)
    inner_width, inner_height = max(round(width * scale), 1), max(round(height * scale), 1)
    left, top = (input_width - inner_width) // 2, (input_height - inner_height) // 2
    return Placement(width, height, inner_width, inner_height, left, top, input_width, input_height)


def resized(frame: Frame, width: int, height: int) -> NDArray[np.uint8]:
    """Return a frame `(H, W, 3)` as `(height, width, 3)`: bilinear between pixel centres, without smoothing.

    So detectors' own code resizes; Pillow's `resize` would smooth where it makes smaller.
    """
    if frame.shape[:2] == (height, width):
        return frame
    scale = (frame.shape[1] / width, 0.0, 0.0, 0.0, frame.shape[0] / height, 0.0)
    image = Image.fromarray(np.ascontiguousarray(frame))
    return np.asarray(image.transform((width, height), Image.Transform.AFFINE, scale, Image.Resampling.BILINEAR))
