"""From a keyframe to all frames of its segment: its task feature is moved, or what was found in it (Alg. 1)."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from impnet_model.data.images import Image
from impnet_model.detectors.contributions import Fusion
from impnet_model.detectors.engine import Engine, SegmentImages, batched
from impnet_model.detectors.moved_boxes import inside
from impnet_model.detectors.video_motion import Propagation, VideoMotion
from impnet_model.flows.carried import Carried, Warp, carried_along, fused_remainders, way_of
from impnet_model.flows.field import FlowField
from impnet_model.nets.network import ImpressionNetwork
from vidkit.detections import Detections


def spread(
    engine: Engine, way: Propagation, motion: VideoMotion, task: Carried, segment: SegmentImages, batch: int
) -> Iterator[Detections]:
    """Yield the detections of every frame of a segment, from the task feature of its keyframe.

    The keyframe itself is not warped (docs/decisions.md, 0.5). `batch` frames go through the networks at once.
    """
    if way.boxes == "moved":
        yield from spread_boxes(engine, motion, task, segment)
        return
    key, place = segment.key_image, 0
    for images in batched(segment.images, batch):
        carried = carried_to(engine, motion, way.warp, task, key, images)
        yield from engine.detect(carried, images, [segment.key - place - i for i in range(len(images))])
        place += len(images)


def spread_boxes(engine: Engine, motion: VideoMotion, task: Carried, segment: SegmentImages) -> Iterator[Detections]:
    """Yield the detections of every frame of a segment: those in the keyframe, their boxes moved along the flow."""
    (found,) = engine.detect(task, [segment.key_image], [0])
    for image in segment.images:
        yield boxes_at(engine, motion, found, segment.key_image, image)


def boxes_at(engine: Engine, motion: VideoMotion, found: Detections, key: Image, image: Image) -> Detections:
    """What was found in a keyframe as the answer for a frame."""
    if image is key:
        return found
    with engine.stage(motion.stage):
        moved = motion.moved(found, key, image)
    return replace(inside(moved, image.width, image.height), is_key=False, key_distance=key.place - image.place)


def carried_to(
    engine: Engine, motion: VideoMotion, warp: Warp, task: Carried, key: Image, images: Sequence[Image]
) -> Carried:
    """The task feature at each of B images; at the keyframe itself it stays as it is."""
    others = [image for image in images if image is not key]
    if not others:
        return task
    with engine.stage(motion.stage):
        field = motion.field(others, key)
    with engine.stage("forward"):
        moved = carried_along(repeated(task, len(others)), field, warp)
        if len(others) == len(images):
            return moved
        at = next(i for i, image in enumerate(images) if image is key)
        return put_in(moved, task, at)


def fused(
    network: ImpressionNetwork, impression: Carried, field: FlowField, feature: Tensor, warp: Warp, gate: float
) -> tuple[Carried, Carried, Fusion]:
    """Task feature, new impression, and how they were made of the old one and a keyframe's feature `(1, C, h, w)`.

    field: the flow from the keyframe into the one that the impression belongs to.
    """
    warped = carried_along(impression, field, warp)
    task, new, weight = network.fuse(warped.feature, feature, gate)  # Eq. 2-4
    of_task, of_new = fused_remainders(warped.remainder, weight, gate)
    taken, _ = way_of(impression, field, warp)
    return Carried(task, of_task), Carried(new, of_new), Fusion(weight, taken)


def repeated(carried: Carried, n: int) -> Carried:
    """One feature as that of n images."""
    feature, remainder = carried
    return Carried(feature.expand(n, -1, -1, -1), None if remainder is None else remainder.expand(n, -1, -1, -1))


def put_in(many: Carried, one: Carried, at: int) -> Carried:
    """The features of many images with that of one more at a place among them."""
    feature = torch.cat([many.feature[:at], one.feature, many.feature[at:]])
    if many.remainder is None:
        return Carried(feature, None)
    own = torch.zeros_like(many.remainder[:1]) if one.remainder is None else one.remainder
    return Carried(feature, torch.cat([many.remainder[:at], own, many.remainder[at:]]))
