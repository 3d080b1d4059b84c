"""A: how features of several frames become one (Impression Network, Sec. 3.1, Eq. 2-4; FGFA, Sec. 3.3)."""

from typing import NamedTuple

import torch
from torch import Tensor, nn


class QualityNetwork(nn.Sequential):
    """N_q: features `(B, in_channels, H, W)` → one raw score for each position `(B, 1, H, W)` (Sec. 3.3).

    A 3x3 convolution and two 1x1, ReLU between them, none at the end (docs/decisions.md, 0.10).
    """

    def __init__(self, in_channels: int = 1024, widths: tuple[int, int] = (256, 16)) -> None:
        super().__init__(
            nn.Conv2d(in_channels, widths[0], 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(widths[0], widths[1], 1),
            nn.ReLU(inplace=True),
            nn.Conv2d(widths[1], 1, 1),
        )
        self.in_channels = in_channels
        for module in self:
            if isinstance(module, nn.Conv2d) and module.bias is not None:
                nn.init.normal_(module.weight, std=0.01)
                nn.init.zeros_(module.bias)


class FixedQuality(nn.Module):
    """The ablation of Table 1 (c): every position of every frame scores the same, so that both weights are 0.5."""

    def __init__(self, in_channels: int = 1024) -> None:
        super().__init__()
        self.in_channels = in_channels

    def forward(self, features: Tensor) -> Tensor:
        """Zeros `(B, 1, H, W)`."""
        return features.new_zeros(features.shape[0], 1, *features.shape[2:])


class Aggregation(NamedTuple):
    """What becomes of a keyframe's feature and the impression so far."""

    task: Tensor
    """`f_k^task (B, C, H, W)`, what the task network sees."""
    impression: Tensor
    """`f_k^imp (B, C, H, W)`, what is carried to the next keyframe."""
    weight: Tensor
    """`w_k (B, 1, H, W)`: the share of the new keyframe, position by position."""


def key_weight(impression_score: Tensor, key_score: Tensor) -> Tensor:
    """`w_k (B, 1, H, W)`, the softmax over two score maps `(B, 1, H, W)`, taken at the key's.   Eq. 2."""
    return torch.softmax(torch.stack([impression_score, key_score]), dim=0)[1]


def check_gate(gate: float) -> float:
    """The gate g of Eq. 4: 1 remembers the whole past, 0 only the last keyframe. Raises ValueError outside [0, 1]."""
    if not 0 <= gate <= 1:
        raise ValueError(f"gate {gate}; wanted a number in [0, 1]")
    return gate


def aggregate(warped: Tensor, feature: Tensor, weight: Tensor, gate: float = 1.0) -> Aggregation:
    """The task feature and the new impression.

    warped: the impression at the new keyframe, `f_{k-1}^imp'`; feature: `f_k`; both `(B, C, H, W)`; weight: `w_k`;
    gate: g, see `check_gate`.
    """
    task = (1 - weight) * warped + weight * feature  # Eq. 3
    impression = task if gate == 1 else (1 - gate) * feature + gate * task  # Eq. 4
    return Aggregation(task, impression, weight)


class EmbeddingNetwork(nn.Sequential):
    """FGFA's embedding: features `(B, in_channels, H, W)` → `(B, out_channels, H, W)`; 1x1, 3x3, 1x1 convolutions."""

    def __init__(self, in_channels: int = 1024, width: int = 512, out_channels: int = 2048) -> None:
        super().__init__(
            nn.Conv2d(in_channels, width, 1),
            nn.ReLU(inplace=True),
            nn.Conv2d(width, width, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(width, out_channels, 1),
        )
        self.in_channels, self.out_channels = in_channels, out_channels
        for module in self:
            if isinstance(module, nn.Conv2d) and module.bias is not None:
                nn.init.kaiming_normal_(module.weight, mode="fan_in")
                nn.init.zeros_(module.bias)


def cosine_weights(embeddings: Tensor, reference: Tensor) -> Tensor:
    """FGFA's weights `(N, 1, H, W)`: a softmax over N frames of their cosine similarity to the reference.

    embeddings `(N, E, H, W)`, warped to the reference frame; reference `(1, E, H, W)`. Lengths are taken as
    sqrt(sum of squares + 1e-10).
    """
    cosine = (_unit(embeddings) * _unit(reference)).sum(dim=1, keepdim=True)  # (N, 1, H, W)
    return torch.softmax(cosine, dim=0)


def _unit(vectors: Tensor) -> Tensor:
    return vectors * (vectors.square().sum(dim=1, keepdim=True) + 1e-10).rsqrt()
