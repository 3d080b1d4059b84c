"""The exact flow between two frames of a scene."""

import numpy as np
from numpy.typing import NDArray

from vidkit.synth.pixels import pixel_centres
from vidkit.synth.scene import Scene


def true_flow(scene: Scene, a: float, b: float) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Where the pixels of frame `a` are in frame `b`: `flow (H, W, 2)`, and whether they are seen `(H, W)`.

    What the centre (x, y) of a pixel shows at time `a` lies at (x, y) + flow at time `b`: x to the right, y downwards,
    in pixels. The flow is that of the thing which is seen in `a`; the mask is False where at time `b` the place is
    beyond the border or something else is seen there. So `frame_b(p + flow(p))` looks like `frame_a(p)` where the mask
    is True: it is the flow that the flow network of Deep Feature Flow is to give for (current a, key b).
    """
    width, height = scene.settings.width, scene.settings.height
    points = pixel_centres(0, 0, width, height)
    seen = scene.topmost(a, points)
    there = np.empty_like(points)
    for place, layer in enumerate(scene.layers):
        here = seen == place
        there[here] = layer.path.at(b).apply(layer.path.at(a).inverse().apply(points[here]))
    x, y = there[..., 0], there[..., 1]
    within = (x >= 0) & (x <= width) & (y >= 0) & (y <= height)
    return (there - points).astype(np.float32), within & (scene.topmost(b, there) == seen)
