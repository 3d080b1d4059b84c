"""A scene: layers from back to front, each with texture, outline and path, and what the camera does to the picture.

A scene is a pure function of (settings, split, video). Places, looks and each thing that degrades the picture are drawn
from random streams of their own: two sets that differ in a dial or in the scale of the frame only show the same things
in the same places.
"""

import math
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image

from vidkit.synth.dials import CLASSES, Settings
from vidkit.synth.paths import Path, Points, Swing
from vidkit.synth.textures import Texture, background_texture, object_texture, plain_texture

RELATIVE_SPEEDS = ((0.0, 0.009), (0.012, 0.024), (0.034, 0.062))
"""Object sides a frame, so that motion IoU falls above 0.9, between 0.7 and 0.9, and below 0.7."""
SIDES = (24.0, 50.0)
"""Sides of the ellipses that outlines are cut from, in pixels at a shorter side of 128."""
PERIODS = (5.0, 7.0)
"""Periods of the textures that are the classes: finer than defocus, coarse enough for a sharp frame."""
CAMERA_SPEED = 1.2
"""Greatest speed of the camera in pixels a frame and axis at a shorter side of 128."""


@dataclass(frozen=True, eq=False)
class Outline:
    """A round shape: an ellipse whose radius goes up and down by a few harmonics; it is the same for all classes."""

    half_width: float
    half_height: float
    waves: NDArray[np.float64]  # (K, 2) amplitude and phase of the harmonics 2, 3, …

    def contains(self, points: Points) -> NDArray[np.bool_]:
        """Whether `points (..., 2)` in the layer's coordinates are inside."""
        u, v = points[..., 0] / self.half_width, points[..., 1] / self.half_height
        return np.asarray(np.hypot(u, v) <= self._radius(np.arctan2(v, u)))

    @cached_property
    def boundary(self) -> Points:
        """Points `(128, 2)` on the boundary, in the layer's coordinates."""
        angle = np.linspace(0, 2 * math.pi, 128, endpoint=False)
        radius = self._radius(angle)
        return np.stack([self.half_width * radius * np.cos(angle), self.half_height * radius * np.sin(angle)], axis=-1)

    def _radius(self, angle: NDArray[np.float64]) -> NDArray[np.float64]:
        radius = np.ones_like(angle)
        for harmonic, (amplitude, phase) in enumerate(self.waves, start=2):
            radius += amplitude * np.cos(harmonic * angle + phase)
        return np.asarray(radius / (1 + np.abs(self.waves[:, 0]).sum()))


@dataclass(frozen=True, eq=False)
class Layer:
    """One thing that moves as a whole. Its coordinates have their origin at the centre of the texture."""

    texture: Texture  # (h, w, 3)
    path: Path
    outline: Outline | None = None  # None: it fills the frame
    class_id: int = -1  # -1: background and what hides objects
    track_id: int = -1

    def contains(self, points: Points) -> NDArray[np.bool_]:
        """Whether `points (..., 2)` in the layer's coordinates belong to it."""
        return np.ones(points.shape[:-1], bool) if self.outline is None else self.outline.contains(points)

    @cached_property
    def image(self) -> Image.Image:
        """The texture, with the outline as an alpha channel that is smooth at the edge where there is one."""
        image = Image.fromarray(self.texture)
        if self.outline is None:
            return image
        fine = 4
        y, x = (np.mgrid[: image.height * fine, : image.width * fine] + 0.5) / fine
        inside = self.outline.contains(np.stack([x - image.width / 2, y - image.height / 2], axis=-1))
        shares = inside.reshape(image.height, fine, image.width, fine).mean(axis=(1, 3))
        image.putalpha(Image.fromarray(np.rint(shares * 255).astype(np.uint8)))
        return image

    def extent(self, time: float) -> tuple[float, float, float, float]:
        """The corners x1, y1, x2, y2 of the outline in the frame at `time`, not clipped to the frame."""
        if self.outline is None:
            return -math.inf, -math.inf, math.inf, math.inf
        points = self.path.at(time).apply(self.outline.boundary)
        (x1, y1), (x2, y2) = points.min(axis=0), points.max(axis=0)
        return float(x1), float(y1), float(x2), float(y2)


@dataclass(frozen=True, eq=False)
class Scene:
    """What one video shows; `layers` go from back to front, the first is the background."""

    settings: Settings
    layers: tuple[Layer, ...]
    brightness: Swing
    defocus: NDArray[np.float64]  # (frames,) standard deviation in pixels; 0 where the frame is sharp
    noise: float  # standard deviation in grey levels
    noise_seed: int
    quality: int  # of the JPEG

    @property
    def objects(self) -> tuple[Layer, ...]:
        """The layers that are annotated, in the order of their track ids."""
        return tuple(sorted((x for x in self.layers if x.class_id >= 0), key=lambda x: x.track_id))

    def topmost(self, time: float, points: Points) -> NDArray[np.int8]:
        """Which layer is to be seen at `points (..., 2)` of the frame at `time`, as its place in `layers`."""
        top = np.zeros(points.shape[:-1], np.int8)
        for place, layer in enumerate(self.layers[1:], start=1):
            x1, y1, x2, y2 = layer.extent(time)
            x, y = points[..., 0], points[..., 1]
            near = np.nonzero((x >= x1) & (x <= x2) & (y >= y1) & (y <= y2))
            inside = layer.contains(layer.path.at(time).inverse().apply(points[near]))
            top[tuple(axis[inside] for axis in near)] = place
        return top


def make_scene(settings: Settings, split: str, video: int) -> Scene:
    """The scene of video number `video` of `split`."""
    root = np.random.default_rng([settings.seed, zlib.crc32(split.encode()), video])
    where, look, hiding, light, focus, sensor = root.spawn(6)
    dials = settings.dials
    background = _background(settings, where, look)
    against = background.texture.mean(axis=(0, 1), dtype=np.float64)
    classes = where.integers(settings.classes, size=int(where.integers(1, 4)))
    classes[0] = _class_of_first(settings, split, video)
    objects: list[Layer] = []
    for class_id in classes:
        objects.append(_object(settings, int(class_id), objects, against, where, look))
    spread = sensor.uniform(0.7, 1.3), int(sensor.integers(-10, 11))
    return Scene(
        settings=settings,
        layers=(background, *objects, *_occluders(settings, hiding)),
        brightness=Swing(1.0, dials.exposure * light.uniform(0.5, 1), light.uniform(20, 60), light.random()),
        defocus=defocus_bursts(settings.frames, dials.defocus_share, dials.defocus_sigma * settings.unit, focus),
        noise=dials.noise * spread[0],
        noise_seed=int(sensor.integers(2**62)),
        quality=min(95, max(1, dials.quality + spread[1])) if dials.quality < 95 else 95,
    )


def _class_of_first(settings: Settings, split: str, video: int) -> int:
    """The class of a video's first object; so many videos in a row as there are classes have each class once."""
    round_, place = divmod(video, settings.classes)
    turn = np.random.default_rng([settings.seed, zlib.crc32(split.encode()), round_, 1])
    return int(turn.permutation(settings.classes)[place])


def defocus_bursts(frames: int, share: float, sigma: float, rng: Generator) -> NDArray[np.float64]:
    """The deviation of the blur of each frame `(frames,)`: bursts of 2 to 7 frames that cover `share` of them.

    Between two bursts there is at least one sharp frame; the share is met on average. Whatever the share and sigma, the
    same number of random values is drawn.
    """
    blur = np.zeros(frames)
    mean_gap = 4.5 * (1 - share) / share if share else math.inf
    start = -rng.uniform(0, 1) * (4.5 + mean_gap) if share else math.inf
    while start < frames:
        length, strength = int(rng.integers(2, 8)), sigma * rng.uniform(2 / 3, 4 / 3)
        begin = round(start)
        for at in range(max(begin, 0), min(begin + length, frames)):
            blur[at] = strength * rng.uniform(0.9, 1.1)
        start = begin + length + max(1, round(rng.uniform(1, 2 * mean_gap - 1)))
    return blur


def _background(settings: Settings, rng: Generator, look: Generator) -> Layer:
    unit, width, height = settings.unit, settings.width, settings.height
    speed = rng.uniform(0, CAMERA_SPEED, 2) * unit * settings.dials.speed
    reach = rng.uniform(15, 40) * unit
    turn, zoom = math.radians(rng.uniform(0, 2)), rng.uniform(0, 0.04)
    path = Path(
        Swing.at_speed(width / 2, reach, float(speed[0]), rng.random()),
        Swing.at_speed(height / 2, reach, float(speed[1]), rng.random()),
        Swing(1.0, zoom, rng.uniform(60, 160), rng.random()),
        Swing(0.0, turn, rng.uniform(60, 160), rng.random()),
    )
    # Large enough that the frame's corners stay on it at the least scale, the greatest angle and the furthest shift.
    half_width = (width / 2 + reach + math.sin(turn) * (height / 2 + reach)) / (1 - zoom) + 3
    half_height = (height / 2 + reach + math.sin(turn) * (width / 2 + reach)) / (1 - zoom) + 3
    return Layer(background_texture(2 * math.ceil(half_width), 2 * math.ceil(half_height), unit, look), path)


def _object(
    settings: Settings,
    class_id: int,
    others: Sequence[Layer],
    against: NDArray[np.float64],
    rng: Generator,
    look: Generator,
) -> Layer:
    side = rng.uniform(*SIDES) * settings.unit
    stretch = math.sqrt(rng.uniform(0.7, 1.4))
    group = int(rng.integers(3))
    outline = _blob(side * stretch, side / stretch, 0.12, rng)
    period = rng.uniform(*PERIODS) * settings.unit
    width, height = 2 * math.ceil(side * stretch / 2 + 2), 2 * math.ceil(side / stretch / 2 + 2)
    texture = object_texture(CLASSES[class_id].name, width, height, period, against, look)
    path = _free_path(settings, [other.path for other in others], side, group, rng)
    return Layer(texture, path, outline, class_id, track_id=len(others))


def _free_path(settings: Settings, taken: Sequence[Path], side: float, group: int, rng: Generator) -> Path:
    """A path that begins at least a side away from those that are taken, or any where there is no room."""
    for _ in range(20):
        path = _object_path(settings, side, group, rng)
        if all(math.hypot(path.x(0) - other.x(0), path.y(0) - other.y(0)) > side for other in taken):
            break
    return path


def _object_path(settings: Settings, side: float, group: int, rng: Generator) -> Path:
    """A path of the wanted speed that turns near the border; fast things may leave the frame for a while."""
    speed = side * rng.uniform(*RELATIVE_SPEEDS[group]) * settings.dials.speed
    direction = rng.uniform(0, 2 * math.pi)
    reach = [
        max(size / 2 - side * rng.uniform(0.3, 0.6) + (group == 2) * side * rng.uniform(0, 0.9), side / 4)
        for size in (settings.width, settings.height)
    ]
    growth = (0.02, 0.06, 0.12)[group]
    return Path(
        Swing.at_speed(settings.width / 2, reach[0], speed * math.cos(direction), rng.random()),
        Swing.at_speed(settings.height / 2, reach[1], speed * math.sin(direction), rng.random()),
        Swing(1 - growth, growth, rng.uniform(50, 120), rng.random()),
        Swing(0.0, math.radians(rng.uniform(2, (4, 8, 12)[group])), rng.uniform(50, 120), rng.random()),
    )


def _occluders(settings: Settings, rng: Generator) -> list[Layer]:
    """What hides objects: in a share of the videos, one or two upright dull things that move past."""
    wanted = rng.random() < settings.dials.occlusion
    layers = [_occluder(settings, rng) for _ in range(int(rng.integers(1, 3)))]
    return layers if wanted else []


def _occluder(settings: Settings, rng: Generator) -> Layer:
    unit = settings.unit
    width, height = rng.uniform(14, 32) * unit, rng.uniform(60, 150) * unit
    speed = rng.uniform(0.4, 1.6, 2) * (1, 0.3) * unit * settings.dials.speed
    texture = plain_texture(2 * math.ceil(width / 2 + 2), 2 * math.ceil(height / 2 + 2), unit, rng)
    path = Path(
        Swing.at_speed(settings.width / 2, settings.width / 2, float(speed[0]), rng.random()),
        Swing.at_speed(settings.height / 2, settings.height / 3, float(speed[1]), rng.random()),
        angle=Swing(rng.uniform(-0.3, 0.3)),
    )
    return Layer(texture, path, _blob(width, height, 0.06, rng))


def _blob(width: float, height: float, roughness: float, rng: Generator) -> Outline:
    waves = np.stack([rng.uniform(0, roughness, 4), rng.uniform(0, 2 * math.pi, 4)], axis=-1)
    return Outline(width / 2, height / 2, waves)
