"""Pictures of the weight maps `w_k` (Impression Network, Fig. 4): where the keyframe counts, where the impression."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

IMPRESSION_COLOUR = np.array([33, 102, 172], np.float64)
KEYFRAME_COLOUR = np.array([178, 24, 43], np.float64)
"""The ends of a blue to red scale that the colour-blind can tell apart; grey in the middle is an even share."""


def picture(
    frame: NDArray[np.uint8], weight: NDArray[np.floating[Any]], reach: float | None = None, cell: float | None = None
) -> NDArray[np.uint8]:
    """The frame `(H, W, 3)` in grey, tinted by its weight map `(h, w)`.

    cell: the side of a cell in pixels of the frame; without it the map is stretched over the frame. Red where the new
    keyframe counts more than the impression, blue where less; the full tint at `0.5 ± reach`, by default the largest
    deviation in this map, so that small differences show (the paper's are about 0.016).
    """
    height, width = frame.shape[:2]
    reach = reach or float(np.abs(weight - 0.5).max()) or 1.0
    lean = np.clip((weight.astype(np.float64) - 0.5) / reach, -1, 1).astype(np.float32)  # -1 … 1
    rows, columns = weight.shape
    part = (0.0, 0.0, min(columns, width / cell), min(rows, height / cell)) if cell else None
    image = Image.fromarray(lean, mode="F").resize((width, height), Image.Resampling.BILINEAR, box=part)
    smooth = np.asarray(image, np.float64)
    grey = frame.astype(np.float64).mean(axis=2, keepdims=True).repeat(3, axis=2)
    colour = np.where(smooth[..., None] > 0, KEYFRAME_COLOUR, IMPRESSION_COLOUR)
    share = 0.6 * np.abs(smooth)[..., None]
    return np.asarray(np.round((1 - share) * grey + share * colour), np.uint8)
