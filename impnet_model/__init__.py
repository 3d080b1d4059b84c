"""The Impression Network and its rivals, in torch: per-frame R-FCN, Deep Feature Flow, FGFA, FGFA-fast.

A video file in three lines:

    from impnet_model import load_detector, detect_video
    detector = load_detector("impression.pt")
    for detections in detect_video(detector, "video.mp4"): ...

The public names, those of `impnet_model.api`, are imported on first use: `impnet_model.methods` needs no torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from impnet_model.api import (
        Checkpoint,
        ImpressionNetwork,
        class_names,
        detect_live,
        detect_video,
        draw_weight_maps,
        flow_warp,
        load,
        load_detector,
        load_live_detector,
        save,
    )

__all__ = [
    "Checkpoint",
    "ImpressionNetwork",
    "class_names",
    "detect_live",
    "detect_video",
    "draw_weight_maps",
    "flow_warp",
    "load",
    "load_detector",
    "load_live_detector",
    "save",
]


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module 'impnet_model' has no attribute {name!r}")
    return getattr(import_module("impnet_model.api"), name)
