"""The Impression Network: four networks and how they meet (Impression Network, Fig. 2 and Sec. 3.1).

Each of the four keeps a contract, written down here as a Protocol. Anything that keeps it drops in without a change to
this file: another backbone, another flow network, another detection head. Images are `(B, 3, H, W)`, RGB in grey levels
minus `images.GREY_MEAN`; a feature map of stride s is `(B, C, ceil(H / s), ceil(W / s))`.
"""

from __future__ import annotations

from typing import Any, Protocol

from torch import Tensor, nn

from impnet_model.flows.field import FlowField
from impnet_model.flows.warp import flow_warp
from impnet_model.nets.aggregation import Aggregation, aggregate, key_weight
from impnet_model.nets.task_network import Found, PostProcessing, View


class FeatureNetwork(Protocol):
    """N_feat: images `(B, 3, H, W)` → features `(B, out_channels, ceil(H / stride), ceil(W / stride))`."""

    out_channels: int
    stride: int

    def __call__(self, images: Tensor) -> Tensor:
        """The features."""


class FlowNetwork(Protocol):
    """F: two batches of images `(B, 3, H, W)` → the flow from the first into the second, at `stride`.

    flow `(B, 2, ceil(H / stride), ceil(W / stride))` in cells of that map, x first; scale map `(B, out_channels, …)` or
    None. out_channels is 0 for a network without a scale map, else the channels of the features that are warped.
    """

    out_channels: int
    stride: int

    def __call__(self, current: Tensor, other: Tensor) -> FlowField:
        """The flow and the scale map."""


class QualityScore(Protocol):
    """N_q: features `(B, in_channels, H, W)` → one raw score for each position `(B, 1, H, W)`."""

    in_channels: int

    def __call__(self, features: Tensor) -> Tensor:
        """The scores."""


class Embedding(Protocol):
    """FGFA's stand-in for N_q: features `(B, in_channels, H, W)` → vectors `(B, out_channels, H, W)`."""

    in_channels: int
    out_channels: int

    def __call__(self, features: Tensor) -> Tensor:
        """The vectors, compared by their cosine."""


class TaskNetwork(Protocol):
    """N_task: features `(B, in_channels, H, W)` at `stride` → what is in each image, in two steps, timed apart."""

    in_channels: int
    stride: int

    def score(self, features: Tensor, view: View) -> list[Any]:
        """What the network says of each image, in a form of its own."""

    def select(self, scored: Any, view: View, rules: PostProcessing) -> Found:
        """The detections of one image, boxes in pixels of the frame, from what `score` says of it."""


class ImpressionNetwork(nn.Module):
    """N_feat, N_task, F and N_q, and the steps of Algorithm 1 that join them.

    A rival needs fewer of them: the per-frame network has no flow, DFF no quality network, FGFA has an embedding in its
    place. Raises ValueError where channels or strides don't agree.
    """

    feature: FeatureNetwork
    task: TaskNetwork

    def __init__(
        self,
        feature: FeatureNetwork,
        task: TaskNetwork,
        flow: FlowNetwork | None = None,
        quality: QualityScore | None = None,
        embedding: Embedding | None = None,
    ) -> None:
        super().__init__()
        self.feature, self.task, self.flow, self.quality, self.embedding = feature, task, flow, quality, embedding
        channels = {"task network": task.in_channels}
        strides = {"task network": task.stride}
        if flow is not None:
            strides["flow network"] = flow.stride
            if flow.out_channels:
                channels["scale map"] = flow.out_channels
        if quality is not None:
            channels["quality network"] = quality.in_channels
        if embedding is not None:
            channels["embedding network"] = embedding.in_channels
        _check_agreement("channels", feature.out_channels, channels)
        _check_agreement("stride", feature.stride, strides)

    def with_parts(self, **parts: Any) -> ImpressionNetwork:
        """The same networks but for those given by name, as in `network.with_parts(flow=ZeroFlow(16))`."""
        own = {name: getattr(self, name) for name in ("feature", "task", "flow", "quality", "embedding")}
        return ImpressionNetwork(**own | parts)

    def propagate(self, feature: Tensor, current: Tensor, other: Tensor) -> Tensor:
        """`W(feature, F(current, other))`: the feature of the images `other`, moved to the images `current`.

        feature `(B, C, h, w)`; current, other `(B, 3, H, W)`. Raises ValueError if the network has no flow network.
        """
        return warp_along(feature, self.motion(current, other))

    def motion(self, current: Tensor, other: Tensor) -> FlowField:
        """`F(current, other)` of images `(B, 3, H, W)`. Raises ValueError if there is no flow network."""
        if self.flow is None:
            raise ValueError("this network has no flow network; build one with it, as build.deep_feature_flow does")
        return self.flow(current, other)

    def fuse(self, warped: Tensor, feature: Tensor, gate: float = 1.0) -> Aggregation:
        """Eq. 2 to 4 for the warped impression and a keyframe's feature, both `(B, C, h, w)`.

        Raises ValueError if the network has no quality network.
        """
        if self.quality is None:
            raise ValueError("this network has no quality network; build one with it, as build.impression does")
        return aggregate(warped, feature, key_weight(self.quality(warped), self.quality(feature)), gate)


def warp_along(feature: Tensor, field: FlowField) -> Tensor:
    """W: the feature `(B, C, h, w)` warped along the flow and multiplied by the scale map."""
    warped = flow_warp(feature, field.flow)
    return warped if field.scale is None else warped * field.scale


def _check_agreement(what: str, wanted: int, found: dict[str, int]) -> None:
    for name, value in found.items():
        if value != wanted:
            raise ValueError(f"{what}: the feature network gives {wanted}, the {name} is made for {value}")
