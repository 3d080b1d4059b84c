"""Classical optical flow by OpenCV: Farnebäck's polynomial expansion, and dense inverse search.

Parameters are those that followed small objects best on real video, composed frame by frame.
"""

from types import ModuleType

import numpy as np
from numpy.typing import NDArray

from impnet_model.flows.memory import Frame, PairFlow
from vidkit.errors import MissingLibraryError


def farneback() -> PairFlow:
    """Farnebäck's flow (2003): four levels, windows of 15 pixels, three iterations, polynomials over 5 pixels.

    Raises MissingLibraryError where OpenCV isn't installed.
    """
    cv2 = _opencv()

    def flow(current: Frame, other: Frame) -> NDArray[np.float32]:
        found = cv2.calcOpticalFlowFarneback(_grey(current), _grey(other), None, 0.5, 4, 15, 3, 5, 1.1, 0)
        return np.asarray(found, np.float32)

    return flow


def dense_inverse_search() -> PairFlow:
    """DIS (Kroeger et al., 2016), ultrafast down to half size; unrefined, since that smooths small objects away.

    Raises MissingLibraryError where OpenCV isn't installed.
    """
    cv2 = _opencv()
    search = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST)
    search.setFinestScale(1)
    search.setVariationalRefinementIterations(0)

    def flow(current: Frame, other: Frame) -> NDArray[np.float32]:
        return np.asarray(search.calc(_grey(current), _grey(other), None), np.float32)

    return flow


def _opencv() -> ModuleType:
    try:
        import cv2
    except ImportError:
        raise MissingLibraryError(
            "classical flow needs OpenCV: pip install opencv-python-headless, or vidkit with its extra [flow]"
        ) from None
    return cv2


def _grey(frame: Frame) -> Frame:
    """Luma (BT.601), as OpenCV's conversion has it."""
    import cv2

    return np.asarray(cv2.cvtColor(np.ascontiguousarray(frame), cv2.COLOR_RGB2GRAY), np.uint8)
