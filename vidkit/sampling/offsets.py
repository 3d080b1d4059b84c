"""Which frames go together into a sample: the offsets from the current frame, method by method.

The current frame is the one whose ground truth is the label. Offsets count frames of the index. Each is uniform over a
range of integers; `ranges` says over which.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from vidkit.sampling.randomness import Words, pick

CURRENT = "current"
_HERE = range(1)  # the current frame: offset 0


class Offsets(Protocol):
    """A method's choice of frames around the current one."""

    @property
    def roles(self) -> tuple[str, ...]:
        """The names of a sample's R frames, in the order in which they are drawn; one is "current"."""

    @property
    def ranges(self) -> tuple[range, ...]:
        """The integers among which the offset of each role is uniform, R ranges."""

    def draw(self, words: Words) -> NDArray[np.int64]:
        """Return the offsets `(n, R)` that the random words `(n, 4)` stand for."""


@dataclass(frozen=True)
class ImpressionTriplet:
    """Old key, current frame, new key: d0 in [-l, -l/2] and d1 in [-l/2, l/2] (Impression Network, Sec. 3.2).

    The two are independent, so that the old key may lie 0 … 3l/2 frames before the new one and, for even l, both may
    be the same frame. For odd l the ends at half a frame are rounded inwards.

    >>> ImpressionTriplet(length=10).ranges
    (range(-10, -4), range(0, 1), range(-5, 6))
    """

    length: int = 10
    roles: ClassVar[tuple[str, ...]] = ("old", CURRENT, "new")

    def __post_init__(self) -> None:
        _check_length(self.length)

    @property
    def ranges(self) -> tuple[range, ...]:
        """Return the ranges of d0, 0 and d1."""
        half = self.length // 2
        return range(-self.length, half - self.length + 1), _HERE, range(-half, half + 1)

    def draw(self, words: Words) -> NDArray[np.int64]:
        """Return (d0, 0, d1) for each row of words, `(n, 3)`."""
        return _independent(words, self.ranges)


@dataclass(frozen=True)
class CausalTriplet:
    """Old key, current frame, new key as a detector without look-ahead meets them (Alg. 1 with keyframe id 0).

    The new key opens the segment of the current frame, d1 in [-(l-1), 0]; the old key is the one before it,
    d0 = d1 - l. No frame lies after the current one.

    >>> CausalTriplet(length=10).ranges
    (range(-19, -9), range(0, 1), range(-9, 1))
    """

    length: int = 10
    roles: ClassVar[tuple[str, ...]] = ("old", CURRENT, "new")

    def __post_init__(self) -> None:
        _check_length(self.length)

    @property
    def ranges(self) -> tuple[range, ...]:
        """Return the ranges of d0, 0 and d1."""
        return range(1 - 2 * self.length, 1 - self.length), _HERE, range(1 - self.length, 1)

    def draw(self, words: Words) -> NDArray[np.int64]:
        """Return (d1 - l, 0, d1) for each row of words, `(n, 3)`."""
        new = pick(words[:, 0], self.ranges[2])
        return np.stack([new - self.length, np.zeros_like(new), new], axis=1)


@dataclass(frozen=True)
class DffPair:
    """Key and current frame: the key in [-(l-1), 0], as far back as it can lie at inference (Deep Feature Flow)."""

    length: int = 10
    roles: ClassVar[tuple[str, ...]] = ("key", CURRENT)

    def __post_init__(self) -> None:
        _check_length(self.length)

    @property
    def ranges(self) -> tuple[range, ...]:
        """Return the ranges of the key's offset and 0."""
        return range(1 - self.length, 1), _HERE

    def draw(self, words: Words) -> NDArray[np.int64]:
        """Return (key, 0) for each row of words, `(n, 2)`."""
        return _independent(words, self.ranges)


@dataclass(frozen=True)
class FgfaNeighbours:
    """Current frame and two others: two different offsets of [-radius, radius], 0 allowed, in either order (FGFA)."""

    radius: int = 9
    roles: ClassVar[tuple[str, ...]] = ("first", CURRENT, "second")

    def __post_init__(self) -> None:
        if self.radius < 1:
            raise ValueError(f"radius {self.radius}: two different offsets need a radius of 1 or more")

    @property
    def ranges(self) -> tuple[range, ...]:
        """Return the ranges of the two neighbours' offsets, with 0 between them."""
        around = range(-self.radius, self.radius + 1)
        return around, _HERE, around

    def draw(self, words: Words) -> NDArray[np.int64]:
        """Return (first, 0, second) for each row of words, `(n, 3)`."""
        first = pick(words[:, 0], self.ranges[0])
        second = pick(words[:, 1], self.ranges[2][:-1])
        second += second >= first  # the range without `first`
        return np.stack([first, np.zeros_like(first), second], axis=1)


@dataclass(frozen=True)
class SingleFrame:
    """The current frame alone: a per-frame detector."""

    roles: ClassVar[tuple[str, ...]] = (CURRENT,)
    ranges: ClassVar[tuple[range, ...]] = (_HERE,)

    def draw(self, words: Words) -> NDArray[np.int64]:
        """Return 0 for each row of words, `(n, 1)`."""
        return np.zeros((len(words), 1), np.int64)


def _independent(words: Words, ranges: tuple[range, ...]) -> NDArray[np.int64]:
    return np.stack([pick(words[:, column], choices) for column, choices in enumerate(ranges)], axis=1)


def _check_length(length: int) -> None:
    if length < 1:
        raise ValueError(f"a segment has 1 frame or more, not {length}")
