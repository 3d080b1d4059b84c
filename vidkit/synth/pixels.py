"""From a scene and a frame number to pixels and annotations."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from vidkit.synth.paths import Points
from vidkit.synth.scene import Layer, Scene

MOST_SUBFRAMES = 8
LEAST_SEEN = 0.1
"""Less than this share of an object to be seen, behind others or beyond the border: no box."""
OCCLUDED_BELOW = 0.9
"""Less than this share of what is within the frame to be seen: flagged as occluded."""


@dataclass(frozen=True)
class SeenObject:
    """One object in one frame, in the middle of its exposure."""

    track_id: int
    class_id: int
    box: tuple[int, int, int, int]
    """x1, y1, x2, y2 in vidkit's convention: the whole outline, also behind what hides it, clipped to the frame."""
    occluded: bool
    visible: float
    """Share of its area within the frame that nothing hides."""
    inside: float
    """Share of its area that lies within the frame."""
    speed: float
    """Pixels a frame of its centre."""
    motion_blur: float
    """Pixels that its centre moves while the shutter is open."""


def render(scene: Scene, time: int) -> NDArray[np.uint8]:
    """Frame `time` `(H, W, 3)` RGB as the camera gives it, before compression.

    Motion blur is the mean of sub-frames over the time that the shutter is open, with the frame's time in the middle;
    then come defocus, brightness and noise.
    """
    picture = _exposed(scene, time)
    sigma = float(scene.defocus[time])
    if sigma:
        picture = picture.filter(ImageFilter.GaussianBlur(sigma))
    brightness = scene.brightness(time)
    if brightness == 1 and scene.noise == 0:
        return np.array(picture)
    values = np.asarray(picture, np.float32) * np.float32(brightness)
    if scene.noise:
        rng = np.random.default_rng([scene.noise_seed, time])
        values += rng.standard_normal(values.shape, np.float32) * np.float32(scene.noise)
    return np.asarray(np.clip(np.rint(values), 0, 255), np.uint8)


def render_clean(scene: Scene, time: float) -> NDArray[np.uint8]:
    """What the scene shows at one moment `(H, W, 3)` RGB: no blur, no change of brightness, no noise.

    Fit for training on flow; `time` needn't be a whole number.
    """
    return np.array(_drawn(scene, time))


def annotate(scene: Scene, time: int) -> list[SeenObject]:
    """The objects of frame `time`, in the order of their track ids, without those that are not to be seen."""
    settings = scene.settings
    found = []
    for layer in scene.objects:
        x1, y1, x2, y2 = layer.extent(time)
        left, top = max(math.floor(x1), 0), max(math.floor(y1), 0)
        right, bottom = min(math.ceil(x2), settings.width), min(math.ceil(y2), settings.height)
        if left >= right or top >= bottom:
            continue
        visible, inside = _seen(scene, layer, time, pixel_centres(left, top, right, bottom))
        if visible * inside < LEAST_SEEN:
            continue
        box = (max(round(x1), 0), max(round(y1), 0), min(round(x2), settings.width), min(round(y2), settings.height))
        found.append(
            SeenObject(
                track_id=layer.track_id,
                class_id=layer.class_id,
                box=box,
                occluded=visible < OCCLUDED_BELOW,
                visible=visible,
                inside=inside,
                speed=_way(layer, time, 1.0),
                motion_blur=_way(layer, time, settings.dials.shutter),
            )
        )
    return found


def pixel_centres(left: int, top: int, right: int, bottom: int) -> Points:
    """The centres `(bottom - top, right - left, 2)` of a window of pixels."""
    y, x = np.mgrid[top:bottom, left:right] + 0.5
    return np.stack([x, y], axis=-1)


def _seen(scene: Scene, layer: Layer, time: int, points: Points) -> tuple[float, float]:
    """Which share of the layer within the frame is to be seen, and which share is within the frame."""
    to_layer = layer.path.at(time).inverse()
    own = layer.contains(to_layer.apply(points))
    n_own = int(own.sum())
    if n_own == 0:
        return 0.0, 0.0
    n_seen = int((scene.topmost(time, points[own]) == scene.layers.index(layer)).sum())
    boundary = layer.path.at(time).apply(layer.outline.boundary) if layer.outline else points.reshape(-1, 2)
    return n_seen / n_own, min(n_own / _polygon_area(boundary), 1.0)


def _polygon_area(points: Points) -> float:
    x, y = points[:, 0], points[:, 1]
    return float(abs((x * np.roll(y, -1) - y * np.roll(x, -1)).sum()) / 2)


def _way(layer: Layer, time: float, duration: float) -> float:
    """The pixels that the layer's centre moves in an interval about `time`."""
    before, after = layer.path.at(time - duration / 2), layer.path.at(time + duration / 2)
    return math.hypot(after.x - before.x, after.y - before.y)


# -- drawing -----------------------------------------------------------------------------------------------------------


def _exposed(scene: Scene, time: int) -> Image.Image:
    """The mean of the sub-frames while the shutter is open."""
    shutter = scene.settings.dials.shutter
    way = max(_way(layer, time, shutter) for layer in scene.layers)
    n = min(1 + math.ceil(way), MOST_SUBFRAMES)
    instants = [time + ((k + 0.5) / n - 0.5) * shutter for k in range(n)]
    if n == 1:
        return _drawn(scene, instants[0])
    total = np.zeros((scene.settings.height, scene.settings.width, 3), np.uint16)
    for moment in instants:
        total += np.asarray(_drawn(scene, moment))
    return Image.fromarray(((total + n // 2) // n).astype(np.uint8))


def _drawn(scene: Scene, time: float) -> Image.Image:
    """The layers one over the other, without anything that degrades them."""
    width, height = scene.settings.width, scene.settings.height
    canvas = _window(scene.layers[0], time, (0, 0, width, height))
    for layer in scene.layers[1:]:
        x1, y1, x2, y2 = layer.extent(time)
        left, top = max(math.floor(x1) - 1, 0), max(math.floor(y1) - 1, 0)
        right, bottom = min(math.ceil(x2) + 1, width), min(math.ceil(y2) + 1, height)
        if left < right and top < bottom:
            patch = _window(layer, time, (left, top, right, bottom))
            canvas.paste(patch, (left, top), patch)
    return canvas


def _window(layer: Layer, time: float, window: tuple[int, int, int, int]) -> Image.Image:
    """What a window of the frame shows of one layer: RGB for the background, RGBA for the others."""
    image = layer.image
    to_layer = layer.path.at(time).inverse()
    x, y = to_layer.apply(np.array([float(window[0]), float(window[1])]))
    a, b = to_layer.a, to_layer.b
    return image.transform(
        (window[2] - window[0], window[3] - window[1]),
        Image.Transform.AFFINE,
        (a, -b, float(x) + image.width / 2, b, a, float(y) + image.height / 2),
        Image.Resampling.BILINEAR,
    )
