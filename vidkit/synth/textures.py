"""Textures: the fine patterns that are the classes, and backgrounds.

A class is nothing but its pattern: colours, contrast, outline, size and motion are drawn alike for all classes, and
each pattern covers about half of the object. So blur that is wider than the period takes the class away and leaves the
object in its place. No pattern becomes another one when it is mirrored.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image, ImageDraw

Plane = NDArray[np.floating[Any]]
Texture = NDArray[np.uint8]
"""`(h, w, 3)` RGB."""

TAU = 2 * math.pi


def _brick(u: Plane, v: Plane) -> Plane:
    row = np.floor(v / 0.9)
    to_joint = np.minimum(np.abs(v / 0.9 - row - 0.5) * 0.9, np.abs((u / 1.8 + row / 2) % 1 - 0.5) * 1.8)
    return np.asarray((to_joint - 0.22) * 8)


PATTERNS: Mapping[str, Callable[[Plane, Plane, Generator], Any]] = {
    "level": lambda u, v, rng: np.sin(TAU * v),
    "pillar": lambda u, v, rng: np.sin(TAU * u),
    "slant": lambda u, v, rng: np.sin(TAU * (u + rng.choice([-1, 1]) * v) / math.sqrt(2)),
    "checker": lambda u, v, rng: 2 * np.sin(TAU * u / 1.5) * np.sin(TAU * v / 1.5),
    "ring": lambda u, v, rng: np.sin(TAU * np.hypot(u, v)),
    "dot": lambda u, v, rng: np.cos(TAU * u / 1.4) + np.cos(TAU * v / 1.4) + 0.35,
    "zigzag": lambda u, v, rng: np.sin(TAU * (v + np.abs(u / 1.5 % 2 - 1))),
    "ray": lambda u, v, rng: np.sin(round(0.6 * TAU * float(np.abs(u).max())) * np.arctan2(v, u)),
    "brick": lambda u, v, rng: _brick(u, v),
    "lattice": lambda u, v, rng: 0.75 - 1.2 * np.maximum(np.cos(TAU * (u + v) / 2), np.cos(TAU * (u - v) / 2)),
}
"""The pattern of each class: a wave over coordinates that count in periods; one colour above 0, another below."""


def object_texture(
    pattern: str, width: int, height: int, period: float, against: NDArray[np.float64], rng: Generator
) -> Texture:
    """The texture `(height, width, 3)` of an object of a class, its pattern repeated every `period` pixels.

    `against` is the mean colour of the background, from which the mean of the object's two colours keeps away.
    """
    v, u = np.mgrid[:height, :width].astype(np.float32)
    shift = rng.uniform(-0.5, 0.5, 2)
    u, v = (u - width / 2) / period + shift[0], (v - height / 2) / period + shift[1]
    wave = np.tanh(2.5 * PATTERNS[pattern](u, v, rng)) / 2 + 0.5
    base = _colour_away_from(against, rng)
    contrast = rng.uniform(45, 70) * rng.uniform(0.75, 1.0, 3) * rng.choice([-1, 1])
    shade = _smooth_noise(width, height, max(width, height) / 2, rng)[..., :1] * 10
    return _to_bytes(base + (2 * wave[..., None] - 1) * contrast + shade)


def background_texture(width: int, height: int, unit: float, rng: Generator) -> Texture:
    """A background `(height, width, 3)`: noise at several scales over patches of other colours."""
    base = rng.uniform(50, 205) + rng.uniform(-25, 25, 3)
    canvas = Image.new("RGB", (width, height), tuple(int(c) for c in base))
    draw = ImageDraw.Draw(canvas)
    for _ in range(int(width * height / (28 * unit) ** 2)):
        x, y = rng.uniform(0, width), rng.uniform(0, height)
        w, h = rng.uniform(4, 32, 2) * unit
        fill = tuple(int(c) for c in np.clip(base + rng.normal(0, 16) + rng.normal(0, 7, 3), 0, 255))
        (draw.ellipse if rng.random() < 0.5 else draw.rectangle)((x - w / 2, y - h / 2, x + w / 2, y + h / 2), fill)
    noise = sum(
        (_smooth_noise(width, height, cell * unit, rng) * strength for cell, strength in ((50, 14), (14, 9), (4, 6))),
        start=np.zeros((height, width, 3), np.float32),
    )
    return _to_bytes(np.asarray(canvas) + noise)


def plain_texture(width: int, height: int, unit: float, rng: Generator) -> Texture:
    """A dull texture `(height, width, 3)` for what hides objects: one colour with coarse noise."""
    base = rng.uniform(30, 220) + rng.uniform(-20, 20, 3)
    return _to_bytes(base + _smooth_noise(width, height, 7 * unit, rng) * 10)


def _colour_away_from(other: NDArray[np.float64], rng: Generator) -> NDArray[np.float64]:
    while True:
        colour = rng.uniform(75, 180) + rng.uniform(-45, 45, 3)
        if np.abs(colour - other).max() > 55:
            return colour


def _smooth_noise(width: int, height: int, cell: float, rng: Generator) -> Plane:
    """Noise `(height, width, 3)` of about unit deviation that changes over `cell` pixels."""
    coarse = (max(2, round(height / cell) + 1), max(2, round(width / cell) + 1))
    shared, own = rng.standard_normal((*coarse, 1)), rng.standard_normal((*coarse, 3))
    small = (0.9 * shared + 0.45 * own).astype(np.float32)
    planes = [Image.fromarray(small[..., c]).resize((width, height), Image.Resampling.BICUBIC) for c in range(3)]
    return np.stack([np.asarray(plane) for plane in planes], axis=-1)


def _to_bytes(values: Plane) -> Texture:
    return np.asarray(np.clip(np.rint(values), 0, 255), np.uint8)
