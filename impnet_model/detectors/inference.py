"""A network made ready for inference: the same function, computed faster. Applied to every method alike."""

import copy

import torch
from torch import nn

from impnet_model.nets.feature_network import BasicBlock, Bottleneck, FixedBatchNorm, ResNetFeatures
from impnet_model.nets.network import ImpressionNetwork


def for_inference(
    network: ImpressionNetwork, device: torch.device, dtype: torch.dtype = torch.float32
) -> ImpressionNetwork:
    """A copy of the network in evaluation mode, fixed batch norm folded into the convolutions before it.

    dtype is for all but the task network, which stays in float32: it costs little, and its boxes are pixels. On a GPU
    convolutions run channels-last, which its tensor cores want; on a CPU that is slower.
    """
    ready = copy.deepcopy(network).eval().requires_grad_(False)
    for module in list(ready.modules()):
        fold_batch_norm(module)
    layout = torch.channels_last if device.type == "cuda" else torch.contiguous_format
    ready.to(device=device).to(memory_format=layout)  # type: ignore[call-overload]  # the stubs don't know it alone
    for name, part in ready.named_children():
        if name != "task":
            part.to(dtype)
    return ready


def fold_batch_norm(module: nn.Module) -> None:
    """Fold the fixed batch norms that are direct children of a residual block, a stem or a shortcut, in place."""
    if isinstance(module, BasicBlock | Bottleneck | ResNetFeatures):
        pairs = [(f"conv{i}", f"bn{i}") for i in (1, 2, 3) if hasattr(module, f"bn{i}")]
    elif isinstance(module, nn.Sequential) and len(module) == 2 and isinstance(module[1], FixedBatchNorm):
        pairs = [("0", "1")]
    else:
        return
    for conv_name, norm_name in pairs:
        conv, norm = module.get_submodule(conv_name), module.get_submodule(norm_name)
        if isinstance(conv, nn.Conv2d) and isinstance(norm, FixedBatchNorm):
            setattr(module, conv_name, _folded(conv, norm))
            setattr(module, norm_name, nn.Identity())


def _folded(conv: nn.Conv2d, norm: FixedBatchNorm) -> nn.Conv2d:
    """One convolution that does what `norm(conv(x))` does; the product is formed in float64."""
    gain = norm.weight.double() * (norm.running_var.double() + norm.eps).rsqrt()
    bias = norm.bias.double() - norm.running_mean.double() * gain
    folded = copy.deepcopy(conv)
    folded.weight = nn.Parameter((conv.weight.double() * gain.view(-1, 1, 1, 1)).to(conv.weight.dtype), False)
    folded.bias = nn.Parameter(bias.to(conv.weight.dtype), False)
    return folded
