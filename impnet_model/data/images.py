"""From a video frame to the tensor that the networks see, and back to the frame's own pixels.

Impression Network, Sec. 4.1: the shorter side is 600 pixels for the feature network. The published code of the field
also caps the longer side at 1000 (docs/decisions.md, 0.12).

Every network of this package is fed the same tensor: RGB in grey levels minus `GREY_MEAN`. A network trained with
another pixel pipeline converts it itself, by `Pixels.from_canonical`; so one image tensor serves the feature network
and the flow network, whatever weights they carry.
"""

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from impnet_model.data.resize import Resize

GREY_MEAN = (123.15, 115.90, 103.06)
"""Mean of R, G, B in grey levels, of the published R-FCN, DFF and FGFA networks."""


@dataclass(frozen=True)
class Pixels:
    """A pixel pipeline: `(rgb * scale - mean) / std`, with rgb in 0 … 255."""

    scale: float
    mean: tuple[float, float, float]
    std: tuple[float, float, float]

    def from_canonical(self, images: Tensor) -> Tensor:
        """Images `(B, 3, H, W)` in this pipeline, made from ones in grey levels minus `GREY_MEAN`."""
        if self == CAFFE:
            return images
        shape = (1, 3, 1, 1)
        gain = torch.tensor([self.scale / s for s in self.std], dtype=images.dtype, device=images.device)
        shift = torch.tensor(
            [(g * self.scale - m) / s for g, m, s in zip(GREY_MEAN, self.mean, self.std, strict=True)],
            dtype=images.dtype,
            device=images.device,
        )
        return images * gain.view(shape) + shift.view(shape)


CAFFE = Pixels(1.0, GREY_MEAN, (1.0, 1.0, 1.0))
"""Grey levels minus their mean, as the published Caffe and MXNet weights want them."""
TORCHVISION = Pixels(1 / 255, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
"""torchvision's ImageNet normalisation."""


@dataclass(frozen=True, eq=False)
class Image:
    """One frame, ready for the networks."""

    pixels: Tensor
    """`(1, 3, h, w)`: RGB in grey levels minus `GREY_MEAN`."""
    scale: float
    """Pixels of the resized image for each pixel of the frame."""
    height: int
    """Of the frame."""
    width: int
    """Of the frame."""
    place: int = 0
    """Of the frame in its video, from 0."""


def check_frame(frame: NDArray[np.uint8]) -> None:
    """Raise ValueError unless the frame is `(H, W, 3)` uint8 with at least one pixel."""
    if frame.ndim != 3 or frame.shape[2] != 3 or frame.dtype != np.uint8 or not frame.size:
        raise ValueError(f"frame: {frame.dtype} {frame.shape}; wanted uint8 (H, W, 3), RGB")


def to_image(frame: NDArray[np.uint8], resize: Resize, device: torch.device, dtype: torch.dtype) -> Image:
    """The frame `(H, W, 3)` uint8 RGB resized bilinearly, its grey levels rounded as the published code's are.

    Raises ValueError for anything but such a frame.
    """
    return resized(on_device(frame, device), resize, dtype)


def on_device(frame: NDArray[np.uint8], device: torch.device) -> Tensor:
    """The frame `(H, W, 3)` uint8 RGB as a tensor on the device. Raises ValueError for anything else."""
    check_frame(frame)
    own = np.require(frame, requirements=["C", "W"])  # torch wants no read-only memory; such a frame is copied
    return torch.from_numpy(own).to(device)


def resized(pixels: Tensor, resize: Resize, dtype: torch.dtype, place: int = 0) -> Image:
    """A frame `(H, W, 3)` uint8 RGB as `to_image` does, where it is on its device already; its place in the video."""
    height, width, scale = resize(*pixels.shape[:2])
    rgb = pixels.permute(2, 0, 1)[None]
    levels = resize_bilinear(rgb.float(), height, width, scale).round_()
    mean = torch.tensor(GREY_MEAN, device=pixels.device).view(1, 3, 1, 1)
    return Image((levels - mean).to(dtype), scale, pixels.shape[0], pixels.shape[1], place)


def resized_levels(frame: NDArray[np.uint8], resize: Resize) -> tuple[Tensor, float]:
    """The frame `(H, W, 3)` as `(3, h, w)` uint8, resized to the grey levels that `to_image` has, and the scale.

    Raises ValueError for anything but such a frame.
    """
    check_frame(frame)
    height, width, scale = resize(*frame.shape[:2])
    rgb = torch.from_numpy(np.ascontiguousarray(frame)).permute(2, 0, 1)
    if (height, width) == frame.shape[:2]:
        return rgb.contiguous(), scale
    levels = resize_bilinear(rgb[None].float(), height, width, scale)
    return levels.round_().to(torch.uint8)[0], scale


def resize_bilinear(images: Tensor, height: int, width: int, scale: float) -> Tensor:
    """`(B, C, height, width)`: bilinear, without antialiasing, pixel centres at halves, clamped at the borders.

    The sampling step is `1 / scale` exactly, not the ratio of the rounded sizes; so boxes divided by `scale` fit.
    """
    if images.shape[-2:] == (height, width) and math.isclose(scale, 1.0):
        return images
    resized: Tensor = torch.ops.aten.upsample_bilinear2d(images, [height, width], False, scale, scale)
    return resized
