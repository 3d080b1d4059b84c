"""Motion in closed form: where a layer is at any time, so that blur and flow are exact. Time counts in frames."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]
"""`(..., 2)` x, y in pixels; pixel i covers i … i + 1, its centre is i + 0.5."""

ROUNDING = 0.97
"""Below 1 it rounds the turning points of the triangle wave; at 1 a thing would bounce."""
STEEPEST = 2 * math.pi * ROUNDING / math.asin(ROUNDING)
"""The greatest slope of the wave, for an amplitude and a period of 1 (an unrounded triangle has 4)."""


@dataclass(frozen=True)
class Swing:
    """A number that goes steadily from `mean - amplitude` to `mean + amplitude` and back, in `period` frames."""

    mean: float
    amplitude: float = 0.0
    period: float = 1.0
    phase: float = 0.0

    def __call__(self, time: float) -> float:
        """The number at `time`."""
        wave = math.asin(ROUNDING * math.sin(2 * math.pi * (time / self.period + self.phase)))
        return self.mean + self.amplitude * wave / math.asin(ROUNDING)

    @classmethod
    def at_speed(cls, mean: float, amplitude: float, speed: float, phase: float) -> Swing:
        """A swing whose greatest speed is `speed` a frame; one that stands still where it is 0."""
        if speed * amplitude == 0:
            return cls(cls(mean, amplitude, 1.0, phase)(0.0))
        return cls(mean, amplitude, STEEPEST * amplitude / abs(speed), phase)


@dataclass(frozen=True)
class Similarity:
    """A map of the plane: turn and scale by the matrix `[[a, -b], [b, a]]`, then shift by (x, y)."""

    a: float
    b: float
    x: float
    y: float

    def apply(self, points: Points) -> Points:
        """The images of `points (..., 2)`."""
        u, v = points[..., 0], points[..., 1]
        return np.stack([self.a * u - self.b * v + self.x, self.b * u + self.a * v + self.y], axis=-1)

    def inverse(self) -> Similarity:
        """The map back."""
        square = self.a**2 + self.b**2
        a, b = self.a / square, -self.b / square
        return Similarity(a, b, -(a * self.x - b * self.y), -(b * self.x + a * self.y))


@dataclass(frozen=True)
class Path:
    """Where a layer's own coordinates, with the origin at its centre, lie in the frame at any time."""

    x: Swing
    y: Swing
    scale: Swing = Swing(1.0)
    angle: Swing = Swing(0.0)

    def at(self, time: float) -> Similarity:
        """The map from the layer to the frame at `time`."""
        scale, angle = self.scale(time), self.angle(time)
        return Similarity(scale * math.cos(angle), scale * math.sin(angle), self.x(time), self.y(time))
