"""What each method makes of a training sample: the feature of the current frame, on which the task network is trained.

`methods.METHODS` says which is whose. Each gives the features `(B, C, h, w)` of the current frames of B samples, and
what a warp of whole cells left of their way: `images (B, R, 3, H, W)` are their frames in the order of the method's
sampler, `rows (B, R)` the frame rows. Where two rows are equal the flow network and the warp are passed by
(docs/decisions.md, 0.11): for a still image, and for frames that were clamped to the same end of a video.
"""

import torch
from torch import Tensor

from impnet_model.flows.carried import Carried, Warp, carried_along, fused_remainders
from impnet_model.flows.warp import flow_warp
from impnet_model.nets.aggregation import cosine_weights
from impnet_model.nets.network import ImpressionNetwork


def per_frame(network: ImpressionNetwork, images: Tensor, rows: Tensor, warp: Warp = "bilinear") -> Carried:
    """The current frame's own feature. images: current."""
    return Carried(network.feature(images[:, 0]), None)


def deep_feature_flow(network: ImpressionNetwork, images: Tensor, rows: Tensor, warp: Warp = "bilinear") -> Carried:
    """The key's feature, warped to the current frame. images: key, current (Deep Feature Flow, Sec. 3)."""
    key, current = images.unbind(1)
    return moved(network, Carried(network.feature(key), None), current, key, rows[:, 1] == rows[:, 0], warp)


def impression(network: ImpressionNetwork, images: Tensor, rows: Tensor, warp: Warp = "bilinear") -> Carried:
    """Old and new key fused, warped to the current frame. images: old, current, new.

    Impression Network, Sec. 3.2: Algorithm 1 cut down to one earlier keyframe.
    """
    old, current, new = images.unbind(1)
    f_old, f_new = network.feature(torch.cat([old, new])).chunk(2)
    warped = moved(network, Carried(f_old, None), new, old, rows[:, 2] == rows[:, 0], warp)
    task, _, weight = network.fuse(warped.feature, f_new)  # Eq. 2, 3
    remainder, _ = fused_remainders(warped.remainder, weight.detach(), 1.0)
    return moved(network, Carried(task, remainder), current, new, rows[:, 1] == rows[:, 2], warp)


def fgfa(network: ImpressionNetwork, images: Tensor, rows: Tensor, warp: Warp = "bilinear") -> Carried:
    """The mean of two neighbours' features warped to the current frame. images: first, current, second.

    As in the published code the current frame is only what the neighbours are compared with, nothing is passed by, and
    the embedding is of the warped features.
    """
    if network.flow is None or network.embedding is None:
        raise ValueError("FGFA needs a flow and an embedding network; build one with build.fgfa")
    first, current, second = images.unbind(1)
    batch = len(current)
    features = network.feature(torch.cat([first, second, current]))  # (3B, C, h, w)
    flow = network.flow(current.repeat(2, 1, 1, 1), torch.cat([first, second])).flow
    warped = flow_warp(features[: 2 * batch], flow)  # (2B, C, h, w)
    embedded = network.embedding(torch.cat([warped, features[2 * batch :]]))  # (3B, E, h, w)
    weights = [cosine_weights(embedded[i : 2 * batch : batch], embedded[2 * batch + i, None]) for i in range(batch)]
    return Carried(torch.stack([(weights[i] * warped[i::batch]).sum(dim=0) for i in range(batch)]), None)


def moved(
    network: ImpressionNetwork, carried: Carried, current: Tensor, other: Tensor, same: Tensor, warp: Warp
) -> Carried:
    """What is carried at `other` moved to `current`; as it is for the samples where both are the `same (B,)`.

    The flow network sees all samples, so that each of its parameters has a gradient in every process.
    """
    there = carried_along(carried, network.motion(current, other), warp)
    stays = same[:, None, None, None]
    feature = torch.where(stays, carried.feature, there.feature)
    if there.remainder is None:
        return Carried(feature, None)
    own = torch.zeros_like(there.remainder) if carried.remainder is None else carried.remainder
    return Carried(feature, torch.where(stays, own, there.remainder))
