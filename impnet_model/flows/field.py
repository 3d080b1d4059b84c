"""What a flow network says of two images: a displacement for each cell of the feature map, and a scale."""

from typing import NamedTuple

from torch import Tensor


class FlowField(NamedTuple):
    """What a flow network says of a pair of images."""

    flow: Tensor
    """`(B, 2, h, w)`: displacement in cells of the feature map, x first, from the current image into the other."""
    scale: Tensor | None
    """`(B, C, h, w)`: what the warped feature is multiplied by; None where the network has no scale map."""
