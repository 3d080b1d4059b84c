"""RAFT (Teed and Deng, 2020), torchvision's small one with its published weights."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import pad

from impnet_model.flows.memory import Frame, PairFlow
from vidkit.errors import DetectorError, MissingLibraryError


def raft() -> PairFlow:
    """RAFT by torchvision, on the CPU; frames are filled up to sides that are multiples of 8, 128 or more.

    Raises MissingLibraryError where torchvision isn't installed, DetectorError where its weights can't be had.
    """
    try:
        from torchvision.models.optical_flow import Raft_Small_Weights, raft_small
    except ImportError:
        raise MissingLibraryError('flow=raft needs torchvision: pip install "vidkit-vod[torchvision]"') from None
    try:
        network = raft_small(weights=Raft_Small_Weights.DEFAULT, progress=False).eval()
    except OSError as error:
        raise DetectorError(f"flow=raft: its weights can't be fetched: {error}") from error

    @torch.inference_mode()
    def flow(current: Frame, other: Frame) -> NDArray[np.float32]:
        height, width = current.shape[:2]
        found = network(_filled_up(current), _filled_up(other))[-1][0]  # (2, H, W)
        return np.asarray(found[:, :height, :width].permute(1, 2, 0).numpy(), np.float32)

    return flow


def _filled_up(frame: Frame) -> Tensor:
    """`(1, 3, H, W)` in -1 … 1, its last row and column repeated."""
    levels = torch.from_numpy(np.require(frame, requirements=["C", "W"])).permute(2, 0, 1)[None].float() / 127.5 - 1
    down, right = (max(128, -(-side // 8) * 8) - side for side in frame.shape[:2])
    return pad(levels, (0, right, 0, down), mode="replicate")
