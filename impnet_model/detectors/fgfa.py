"""Flow-Guided Feature Aggregation (FGFA, Alg. 1; Table 3): every frame is the weighted mean of its neighbours."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

import torch
from torch import Tensor

from impnet_model.data.images import Image
from impnet_model.detectors.engine import Engine, Frame
from impnet_model.flows.warp import flow_warp
from impnet_model.nets.aggregation import cosine_weights
from impnet_model.nets.network import Embedding, ImpressionNetwork
from vidkit.detections import Detections

T = TypeVar("T")


class Seen(NamedTuple):
    """A frame with what is computed once for it."""

    image: Image
    cached: Tensor
    """`(1, C + E, h, w)`: feature and embedding, warped together."""


@dataclass(frozen=True)
class FGFA:
    """FGFA over the `radius` frames before and after each frame; first and last frame stand in beyond the ends.

    Raises ValueError for a negative radius, and for a network without an embedding or flow.
    """

    engine: Engine
    radius: int = 10
    name: str = "fgfa"

    def __post_init__(self) -> None:
        check_network(self.engine.network, self.radius)

    @torch.inference_mode()
    def detect(self, frames: Iterable[Frame]) -> Iterator[Detections]:
        """Yield the detections of each frame."""
        seen = (see(self.engine, image) for image in self.engine.images(frames))
        for window in windows(seen, self.radius):
            centre = window[self.radius].image
            with self.engine.stage("forward"):
                feature = aggregated(self.engine.network, window, self._flows(centre, window), self.radius)
            yield from self.engine.detect(feature, [centre], [0])

    def _flows(self, centre: Image, window: list[Seen]) -> Tensor:
        """Return the flow from the centre into each frame of the window, itself too, `(2 radius + 1, 2, h, w)`."""
        flow = self.engine.network.flow
        assert flow is not None  # see __post_init__
        others = torch.cat([each.image.pixels for each in window])
        return flow(centre.pixels.expand_as(others), others).flow

    def synchronize(self) -> None:
        """Wait for the device."""
        self.engine.synchronize()

    def measurements(self) -> Mapping[str, float]:
        """Return the seconds of each stage so far."""
        return self.engine.measurements()

    def describe(self) -> Mapping[str, Any]:
        """Return what the speed depends on."""
        return {**self.engine.describe(), "batch": 1}


def check_network(network: ImpressionNetwork, radius: int) -> None:
    """Raise ValueError unless the network has flow and embedding and the radius isn't negative."""
    if radius < 0:
        raise ValueError(f"radius {radius}; wanted 0 or more frames")
    if network.flow is None or network.embedding is None:
        raise ValueError("FGFA needs a flow and an embedding network; build one with build.fgfa")


def embedding_of(network: ImpressionNetwork) -> Embedding:
    """Return the embedding network, which `check_network` has found to be there."""
    if network.embedding is None:
        raise ValueError("FGFA needs an embedding network")
    return network.embedding


def see(engine: Engine, image: Image) -> Seen:
    """Return an image with its feature and embedding."""
    network = engine.network
    with engine.stage("forward"):
        feature = network.feature(image.pixels)
        return Seen(image, torch.cat([feature, embedding_of(network)(feature)], dim=1))


def aggregated(network: ImpressionNetwork, window: list[Seen], flows: Tensor, centre: int) -> Tensor:
    """Return the weighted mean of the window's features, `(1, C, h, w)`, each warped along its flow to the centre.

    flows `(N, 2, h, w)`: from the centre into each of the N frames.
    """
    warped = flow_warp(torch.cat([each.cached for each in window]), flows)
    n_features = network.feature.out_channels
    features, embeddings = warped[:, :n_features], warped[:, n_features:]
    weights = cosine_weights(embeddings, embeddings[centre : centre + 1])
    return (weights * features).sum(dim=0, keepdim=True)


def windows(items: Iterable[T], radius: int) -> Iterator[list[T]]:
    """Yield for each item the `2 radius + 1` items around it, the first and last repeated beyond the ends."""
    window: deque[T] = deque(maxlen=2 * radius + 1)
    for item in _padded(items, radius):
        window.append(item)
        if len(window) == 2 * radius + 1:
            yield list(window)


def _padded(items: Iterable[T], n: int) -> Iterator[T]:
    last: list[T] = []
    for item in items:
        yield from [] if last else [item] * n
        yield item
        last = [item]
    yield from last * n
