"""The Impression Network and its rivals, in torch: per-frame R-FCN, Deep Feature Flow, FGFA, FGFA-fast.

A video file in three lines:

    from impnet_model import load_detector, detect_video
    detector = load_detector("impression.pt")
    for detections in detect_video(detector, "video.mp4"): ...

The public names are imported on first use, so that what needs no torch, such as `impnet_model.methods`, loads none.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from impnet_model.api import class_names as class_names
    from impnet_model.api import detect_video as detect_video
    from impnet_model.api import load_detector as load_detector
    from impnet_model.flows.warp import flow_warp as flow_warp
    from impnet_model.nets.network import ImpressionNetwork as ImpressionNetwork
    from impnet_model.weights.checkpoints import Checkpoint as Checkpoint
    from impnet_model.weights.checkpoints import load as load
    from impnet_model.weights.checkpoints import save as save

_HOME_OF = {
    "Checkpoint": "impnet_model.weights.checkpoints",
    "ImpressionNetwork": "impnet_model.nets.network",
    "class_names": "impnet_model.api",
    "detect_video": "impnet_model.api",
    "flow_warp": "impnet_model.flows.warp",
    "load": "impnet_model.weights.checkpoints",
    "load_detector": "impnet_model.api",
    "save": "impnet_model.weights.checkpoints",
}

__all__ = sorted(_HOME_OF)


def __getattr__(name: str) -> object:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'impnet_model' has no attribute {name!r}")
    return getattr(import_module(_HOME_OF[name]), name)


def __dir__() -> list[str]:
    return __all__
