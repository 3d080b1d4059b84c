"""The weight maps of a run: how each keyframe was fused with those before it (Impression Network, Eq. 2, Fig. 4, 6)."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vidkit.predictions.table import RunInfo


@dataclass(frozen=True, eq=False)
class WeightMaps:
    """How the K keyframes of a run were fused, in the order of the index's frames. Arrays are read-only.

    Raises ValueError if the columns contradict each other or hold what no weights can be.
    """

    frame: NDArray[np.int64]  # (K,) frame rows of the index, rising
    map_size: NDArray[np.int32]  # (K, 2) height and width of the map, in cells
    weight: NDArray[np.float16]  # all maps, one after the other, row by row; the new keyframe's share, 0 … 1
    cell: NDArray[np.float64]  # (K,) side of a cell in pixels of the frame
    share_start: NDArray[np.int64]  # (K + 1,)
    share: NDArray[np.float32]  # of keyframe k, of the one before it …, for each keyframe
    index_fingerprint: str = ""
    predictions_fingerprint: str = ""
    """Of the predictions that the same run made."""
    run: RunInfo = field(default_factory=RunInfo)

    def __post_init__(self) -> None:
        k = len(self.frame)
        shapes = (self.frame.shape, self.map_size.shape, self.cell.shape, self.share_start.shape)
        if shapes != ((k,), (k, 2), (k,), (k + 1,)) or self.weight.ndim != 1 or self.share.ndim != 1:
            raise ValueError(f"weight maps: frame, map_size, cell, share_start of shapes {shapes}")
        whole = (self.frame, self.map_size, self.share_start)
        if any(c.dtype.kind != "i" for c in whole) or any(
            c.dtype.kind != "f" for c in (self.weight, self.cell, self.share)
        ):
            raise ValueError("weight maps: frame, map_size, share_start must be whole numbers, all others floating")
        if (np.diff(self.frame) <= 0).any() or (self.frame < 0).any():
            raise ValueError("weight maps: frame must rise, from 0 or above")
        cells = self.map_size.astype(np.float64).prod(axis=1).sum()  # float: a false size may overflow
        if (self.map_size < 1).any() or cells != len(self.weight):
            raise ValueError(f"weight maps: map_size tells of {cells:g} cells, there are {len(self.weight)}")
        starts = self.share_start
        if starts[0] != 0 or starts[-1] != len(self.share) or (np.diff(starts) < 1).any():
            raise ValueError(f"weight maps: share_start must rise from 0 to {len(self.share)}")
        for name, column in (("weight", self.weight), ("share", self.share)):
            if not ((column >= 0) & (column <= 1.001)).all():
                raise ValueError(f"weight maps: {name} must lie in 0 … 1")
        if not (np.isfinite(self.cell) & (self.cell > 0)).all():
            raise ValueError("weight maps: cell must be a number of pixels above 0")
        for each in (self.frame, self.map_size, self.weight, self.cell, starts, self.share):
            each.flags.writeable = False

    @property
    def n_keyframes(self) -> int:
        """K."""
        return len(self.frame)

    def map_of(self, keyframe: int) -> NDArray[np.float64]:
        """Return `w_k (h, w)` of a keyframe, by its place among the K."""
        values = self.weight[self._map_start[keyframe] : self._map_start[keyframe + 1]]
        return values.reshape(self.map_size[keyframe]).astype(np.float64)

    @cached_property
    def _map_start(self) -> NDArray[np.int64]:
        return np.concatenate([np.zeros(1, np.int64), np.cumsum(self.map_size.prod(axis=1, dtype=np.int64))])

    def shares_of(self, keyframe: int) -> NDArray[np.float64]:
        """Return the mean shares of a keyframe, of the one before it …, `(n,)`; they sum to 1."""
        return self.share[self.share_start[keyframe] : self.share_start[keyframe + 1]].astype(np.float64)

    @property
    def is_first(self) -> NDArray[np.bool_]:
        """Return which keyframes `(K,)` have none before them in their video: their maps are ones, and say nothing."""
        return np.asarray(np.diff(self.share_start) == 1)


def columns_of(maps: WeightMaps) -> dict[str, NDArray[Any]]:
    """Return the columns by their names."""
    return {name: getattr(maps, name) for name in ("frame", "map_size", "weight", "cell", "share_start", "share")}
