"""What a detector says of one frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Detections:
    """The detections of one frame: `boxes (N, 4)`, `scores (N,)`, `class_ids (N,)`, in any order.

    Boxes are in vidkit's convention (see `vidkit.boxes`), in pixels of the frame as it was handed over; class ids count
    from 0 in the order of the index's classes, there is no background class.

    Raises ValueError if the shapes don't agree.
    """

    boxes: NDArray[np.floating[Any]]
    scores: NDArray[np.floating[Any]]
    class_ids: NDArray[np.integer[Any]]
    is_key: bool = False
    """Whether features were computed on this very frame, for methods that propagate them from keyframes."""
    key_distance: int | None = None
    """Frames from this one to the keyframe that its features came from (key minus this, signed); None if not known."""

    def __post_init__(self) -> None:
        n = len(self.scores)
        if self.boxes.shape != (n, 4) or self.scores.shape != (n,) or self.class_ids.shape != (n,):
            raise ValueError(
                f"detections: boxes {self.boxes.shape}, scores {self.scores.shape}, class_ids {self.class_ids.shape}; "
                "wanted (N, 4), (N,), (N,)"
            )

    def __len__(self) -> int:
        return len(self.scores)

    @classmethod
    def none(cls) -> Detections:
        """Return no detections."""
        return cls(np.zeros((0, 4), np.float32), np.zeros(0, np.float32), np.zeros(0, np.int64))
