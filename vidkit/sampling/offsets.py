"""Which frames go together into a sample: the offsets from the current frame, method by method.

The current frame is the one whose ground truth is the label. Offsets count frames of the index. Each is uniform over a
range of integers; `ranges` says over which.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from vidkit.sampling.randomness import Words, pick

CURRENT = "current"
_HERE = range(1)  # the current frame: offset 0


@dataclass(frozen=True)
class Offsets:
    """A method's choice of frames around the current one."""

    roles: tuple[str, ...]
    """The names of a sample's R frames, in the order in which they are drawn; one is "current"."""
    ranges: tuple[range, ...]
    """The integers among which the offset of each role is uniform, R ranges."""
    drawn: Callable[[Words, tuple[range, ...]], NDArray[np.int64]]
    """Random words `(n, 4)` and the ranges → offsets `(n, R)`."""

    def draw(self, words: Words) -> NDArray[np.int64]:
        """The offsets `(n, R)` that the random words `(n, 4)` stand for."""
        return self.drawn(words, self.ranges)


def impression_triplet(length: int = 10) -> Offsets:
    """Old key, current frame, new key: d0 in [-l, -l/2] and d1 in [-l/2, l/2] (Impression Network, Sec. 3.2).

    The two are independent, so that the old key may lie 0 … 3l/2 frames before the new one and, for even l, both may
    be the same frame. For odd l the ends at half a frame are rounded inwards.

    >>> impression_triplet(length=10).ranges
    (range(-10, -4), range(0, 1), range(-5, 6))
    """
    half = _checked(length) // 2
    return Offsets(
        ("old", CURRENT, "new"),
        (range(-length, half - length + 1), _HERE, range(-half, half + 1)),
        _independent,
    )


def causal(length: int = 10) -> Offsets:
    """Old key, current frame, new key as a detector without look-ahead meets them (Alg. 1 with keyframe id 0).

    The new key opens the segment of the current frame, d1 in [-(l-1), 0]; the old key is the one before it,
    d0 = d1 - l. No frame lies after the current one.

    >>> causal(length=10).ranges
    (range(-19, -9), range(0, 1), range(-9, 1))
    """
    ranges = range(1 - 2 * _checked(length), 1 - length), _HERE, range(1 - length, 1)
    return Offsets(("old", CURRENT, "new"), ranges, _a_segment_apart)


def dff_pair(length: int = 10, key: Literal["first", "central"] = "first") -> Offsets:
    """Key and current frame, as they lie at inference where the key is the first or the central frame of its segment.

    The key in [-(l-1), 0], as published (Deep Feature Flow), or in [l/2 - (l-1), l/2], rounded down.

    >>> dff_pair(length=10, key="central").ranges
    (range(-4, 6), range(0, 1))
    """
    place = {"first": 0, "central": _checked(length) // 2}[key]
    return Offsets(("key", CURRENT), (range(place - length + 1, place + 1), _HERE), _independent)


def fgfa(radius: int = 9) -> Offsets:
    """Current frame and two others: two different offsets of [-radius, radius], 0 allowed, in either order (FGFA)."""
    if radius < 1:
        raise ValueError(f"radius {radius}: two different offsets need a radius of 1 or more")
    around = range(-radius, radius + 1)
    return Offsets(("first", CURRENT, "second"), (around, _HERE, around), _different)


def single_frame() -> Offsets:
    """The current frame alone: a per-frame detector."""
    return Offsets((CURRENT,), (_HERE,), _independent)


def _checked(length: int) -> int:
    if length < 1:
        raise ValueError(f"a segment has 1 frame or more, not {length}")
    return length


def _independent(words: Words, ranges: tuple[range, ...]) -> NDArray[np.int64]:
    return np.stack([pick(words[:, column], choices) for column, choices in enumerate(ranges)], axis=1)


def _a_segment_apart(words: Words, ranges: tuple[range, ...]) -> NDArray[np.int64]:
    old, _, new = ranges
    drawn = pick(words[:, 0], new)
    return np.stack([drawn + (old.start - new.start), np.zeros_like(drawn), drawn], axis=1)


def _different(words: Words, ranges: tuple[range, ...]) -> NDArray[np.int64]:
    first = pick(words[:, 0], ranges[0])
    second = pick(words[:, 1], ranges[2][:-1])
    second += second >= first  # the range without `first`
    return np.stack([first, np.zeros_like(first), second], axis=1)
