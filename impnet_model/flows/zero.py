"""No flow at all: the ablation that tells what a flow network is worth."""

from torch import Tensor, nn

from impnet_model.flows.field import FlowField


class ZeroFlow(nn.Module):
    """A flow network that sees no motion and scales nothing: the ablation "zero flow"."""

    def __init__(self, stride: int = 16) -> None:
        super().__init__()
        self.stride, self.out_channels = stride, 0

    def forward(self, current: Tensor, other: Tensor) -> FlowField:
        """A flow of zeros for images `(B, 3, H, W)`."""
        height, width = (-(-side // self.stride) for side in current.shape[2:])
        return FlowField(current.new_zeros(len(current), 2, height, width), None)
