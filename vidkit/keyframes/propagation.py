"""Feature propagation in closed form: how far features travel and how long keyframes are remembered.

Impression Network, Sec. 4.2 (Table 2, Eq. 5) and Fig. 6. What it costs is in `vidkit.keyframes.costs`.
"""

import numpy as np
from numpy.typing import NDArray

from vidkit.segments import check_key_id


def mean_distance(length: int, key_id: int) -> float:
    """Return the mean propagation distance, in frames, for keyframe `key_id` of segments of `length` frames (Table 2).

    The impression travels `length` frames from key to key; the keyframe's feature travels to every other frame:
    `(Σ_{d=1..k} d + Σ_{d=1..l-1-k} d + l) / l`.

    >>> [mean_distance(10, key_id) for key_id in range(6)]
    [5.5, 4.7, 4.1, 3.7, 3.5, 3.5]

    Raises ValueError for a length below 1 or a keyframe outside the segment.
    """
    before = check_key_id(length, key_id)
    after = length - 1 - before
    return (before * (before + 1) / 2 + after * (after + 1) / 2 + length) / length


def best_key_ids(length: int) -> tuple[int, ...]:
    """Return the keyframe ids of the smallest mean distance: the integers next to `(length - 1) / 2` (Eq. 5).

    One for an odd length, two that are equally good for an even one.
    """
    check_key_id(length, None)
    return tuple(sorted({(length - 1) // 2, length // 2}))


def contributions(weight: float, gate: float, key: int | None = None, offsets: int = 10) -> NDArray[np.float64]:
    """Return the share of keyframes k, k - 1, … in the task feature of keyframe k, `(offsets,)` (Fig. 6).

    `weight` is the new keyframe's weight w, the same at every keyframe, and `gate` the memory gate g. From Eq. 3 and 4:
    `w` at offset 0 and `(1 - w) a b^(o-1)` at offset o, where `a = 1 - g + g w` and `b = g (1 - w) = 1 - a`. `key`
    is k; then the first keyframe, at offset k, has what remains, `(1 - w) b^(k-1)`, and the shares sum to 1. Without
    `key` the video has no beginning.

    >>> contributions(0.5, gate=1.0, offsets=4).tolist()
    [0.5, 0.25, 0.125, 0.0625]
    >>> contributions(0.5, gate=0.0, offsets=4).tolist()
    [0.5, 0.5, 0.0, 0.0]

    Raises ValueError for a weight or a gate outside 0 … 1, a negative `key` or fewer than 1 offset.
    """
    if not (0 <= weight <= 1 and 0 <= gate <= 1):
        raise ValueError(f"weight {weight}, gate {gate}: both lie in 0 … 1")
    if offsets < 1 or (key is not None and key < 0):
        raise ValueError(f"{offsets} offsets of keyframe {key}: wanted 1 or more offsets, and no key before the first")
    offset = np.arange(1, offsets)
    kept, passed = 1 - gate + gate * weight, gate * (1 - weight)  # a, b: imp_k = a f_k + b imp_(k-1)
    shares = np.concatenate([[weight], (1 - weight) * kept * passed ** (offset - 1)])
    if key is not None:
        shares[key + 1 :] = 0
        if key < offsets:
            shares[key] = 1.0 if key == 0 else (1 - weight) * passed ** (key - 1)
    return shares


def mean_memory(weight: float, gate: float) -> float:
    """Return how many keyframes back a task feature lies on average: `Σ o · share = (1 - w) / a`; inf at w 0, g 1."""
    contributions(weight, gate, offsets=1)
    kept = 1 - gate + gate * weight
    return (1 - weight) / kept if kept else float("inf")
