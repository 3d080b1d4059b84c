"""The Impression Network and its rivals, in torch: per-frame R-FCN, Deep Feature Flow, FGFA, FGFA-fast.

A video file in three lines:

    from impnet_model import load_detector, detect_video
    detector = load_detector("impression.pt")
    for detections in detect_video(detector, "video.mp4"): ...
"""

from impnet_model.api import class_names, detect_video, load_detector
from impnet_model.flows.warp import flow_warp
from impnet_model.nets.network import ImpressionNetwork
from impnet_model.weights.checkpoints import Checkpoint, load, save

__all__ = [
    "Checkpoint",
    "ImpressionNetwork",
    "class_names",
    "detect_video",
    "flow_warp",
    "load",
    "load_detector",
    "save",
]
