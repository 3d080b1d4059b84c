"""What the paper reports: Hetang, Qin, Liu, Yan: Impression Network for Video Object Detection, 2017.

On the validation set of ImageNet VID, mAP in percent at IoU 0.5, times on a GTX 1060.
"""

from typing import NamedTuple

LENGTH = 10
"""Frames in a segment, l, wherever the paper doesn't vary it (Sec. 4.1)."""


class Reported(NamedTuple):
    """One method as the paper reports it."""

    mean_ap: float
    milliseconds: float | None = None
    """Of one frame; None where the table has no times."""

    @property
    def frames_per_second(self) -> float | None:
        """The speed that the milliseconds are."""
        return None if self.milliseconds is None else 1000 / self.milliseconds


TABLE_1 = {
    "a": Reported(74.2, 156),
    "b": Reported(73.6, 48),
    "c": Reported(75.2, 50),
    "d": Reported(75.5, 50),
    "e": Reported(70.3, 50),
}
"""By the letter of the method."""

TABLE_2 = {
    0: Reported(73.9),
    1: Reported(74.4),
    2: Reported(74.9),
    3: Reported(75.2),
    4: Reported(75.5),
    5: Reported(75.5),
}
"""By keyframe id; the ids beyond are symmetric to these."""

TABLE_2_DISTANCES = {0: 5.5, 1: 4.7, 2: 4.1, 3: 3.7, 4: 3.5, 5: 3.5}
"""Mean propagation distance in frames by keyframe id."""

TABLE_3 = {"fgfa": Reported(76.3, 733), "fgfa-fast": Reported(75.3, 356), "impression": Reported(75.5, 50)}
"""By detector. FGFA's times are of another GPU than the Impression Network's (docs/decisions.md, 0.13)."""

FIGURES = {
    "figure4": "Weight maps w_k on keyframes: blurred ones get less. On VID validation w_k is distributed about as "
    "N(0.5, 0.016²).",
    "figure5": "Detections beside the per-frame baseline's.",
    "figure6": "The mean contribution of earlier keyframes by their offset, for several gates g.",
    "figure7": "mAP rises with the gate g, from about 74.9 % at 0 to about 75.5 % at 1 (read off the figure).",
    "figure8": "The Impression Network lies above Deep Feature Flow at every l from 1 to 20; accuracy falls a little "
    "as l nears 1, since training aggregates sparse frames. From Table 1: per-frame 74.2 % at 6.4 frames per second, "
    "Deep Feature Flow 73.6 % at 20.8 and the Impression Network 75.5 % at 20 with l = 10.",
}
"""What each figure shows in the paper, in words."""

CONDITIONS = {
    "device": "GTX 1060",
    "data": "ImageNet VID validation: 555 videos, 30 classes",
    "image size": "shorter side 600 pixels, 300 for the flow network",
    "networks": "ResNet-101 with 1024 channels at stride 16, FlowNet-S, R-FCN with 300 proposals",
    "training": "ImageNet VID and DET, 120 000 iterations of SGD on 8 GPUs, from networks trained on ImageNet and "
    "FlyingChairs",
    "score": "mAP at IoU 0.5",
    "time": "milliseconds a frame",
}
"""What its numbers were made with (Sec. 4.1)."""
