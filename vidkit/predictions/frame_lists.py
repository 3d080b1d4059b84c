"""Frame lists: which entry of a detector's run is which frame of the index."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vidkit.data.index import Index
from vidkit.errors import PredictionError


@dataclass(frozen=True, eq=False)
class FrameList:
    """The frames of a list, in its order: `row (L,)` in the index, and `id (L,)` as detectors number them."""

    path: Path
    kind: str
    row: NDArray[np.int64]
    id: NDArray[np.int64]
    n_lines: int


def read_frame_list(path: Path, index: Index, reordered: bool, partial: bool) -> FrameList:
    """Return the list at `path`, tied to the frames of `index`.

    Raises PredictionError if it isn't a frame list or doesn't fit the index: frames that the index doesn't have, frames
    of the index that it doesn't have (unless `partial`), another order (unless `reordered`), or a frame twice.
    """
    raise PredictionError(f"{path}: frame lists can't be read yet")
