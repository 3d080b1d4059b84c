"""A detector of one box around the brightest pixels of each frame: an example of a vidkit plug-in."""

import numpy as np

from vidkit import Detections, Detector, DetectorContext
from vidkit.harness.from_function import per_frame


def brightest_spot(context: DetectorContext, *, share: float = 0.01, class_id: int = 0) -> Detector:
    """One box around the brightest pixels, SHARE of the frame."""

    def detect(image: np.ndarray) -> Detections:
        grey = image.mean(axis=2)
        y, x = np.nonzero(grey >= np.quantile(grey, 1 - share))
        box = np.array([[x.min(), y.min(), x.max() + 1, y.max() + 1]], np.float32)
        return Detections(box, np.array([grey.max() / 255]), np.array([class_id]))

    return per_frame("brightest-spot", detect)
