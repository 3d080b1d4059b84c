"""Flow-Guided Feature Aggregation (FGFA, Alg. 1; Table 3): every frame is the weighted mean of its neighbours."""

from collections import deque
from collections.abc import Iterable, Iterator
from typing import NamedTuple, TypeVar

import torch
from torch import Tensor

from impnet_model.data.images import Image
from impnet_model.detectors.engine import Engine, EngineDetector, Frame
from impnet_model.detectors.options import COMMON, EngineOptions, impossible
from impnet_model.flows.carried import Carried
from impnet_model.flows.warp import flow_warp
from impnet_model.nets.aggregation import cosine_weights
from impnet_model.nets.network import Embedding, FlowNetwork, ImpressionNetwork
from vidkit.detections import Detections
from vidkit.harness.detector import Detector, DetectorContext

T = TypeVar("T")

MOST_RADIUS = 1000
"""The ends of a video are repeated so many times, whatever its length."""


def fgfa(context: DetectorContext, *, radius: int = 10, common: EngineOptions = COMMON) -> Detector:
    """Flow-Guided Feature Aggregation, Table 3; radius 10 in the paper, 9 in the released code."""
    engine = common.engine(context, "fgfa", ("flow", "embedding"))
    with impossible():
        return common.finished(feature_aggregation(engine, radius))


def feature_aggregation(engine: Engine, radius: int = 10) -> EngineDetector:
    """FGFA over the `radius` frames before and after each frame; first and last frame stand in beyond the ends.

    Raises ValueError for an impossible radius, and for a network without an embedding or flow.
    """
    check_radius(radius)
    flow, embedding = parts_of(engine.network)

    def generate(frames: Iterable[Frame]) -> Iterator[Detections]:
        seen = (see(engine, embedding, image) for image in engine.images(frames))
        for window in windows(seen, radius):
            centre = window[radius].image
            with engine.stage("forward"):
                others = torch.cat([each.image.pixels for each in window])
                flows = flow(centre.pixels.expand_as(others), others).flow  # (2 radius + 1, 2, h, w)
                feature = aggregated(engine.network, window, flows, radius)
            yield from engine.detect(Carried(feature, None), [centre], [0])

    return EngineDetector(engine, "fgfa", generate)


def check_radius(radius: int) -> None:
    """Raise ValueError for a number of frames that is no radius."""
    if not 0 <= radius <= MOST_RADIUS:
        raise ValueError(f"radius {radius}; wanted 0 to {MOST_RADIUS} frames")


def parts_of(network: ImpressionNetwork) -> tuple[FlowNetwork, Embedding]:
    """Flow and embedding network. Raises ValueError where one is missing."""
    if network.flow is None or network.embedding is None:
        raise ValueError("FGFA needs a flow and an embedding network; build one with wirings.fgfa")
    return network.flow, network.embedding


class Seen(NamedTuple):
    """A frame with what is computed once for it."""

    image: Image
    cached: Tensor
    """`(1, C + E, h, w)`: feature and embedding, warped together."""


def see(engine: Engine, embedding: Embedding, image: Image) -> Seen:
    """An image with its feature and embedding."""
    with engine.stage("forward"):
        feature = engine.network.feature(image.pixels)
        return Seen(image, torch.cat([feature, embedding(feature)], dim=1))


def aggregated(network: ImpressionNetwork, window: list[Seen], flows: Tensor, centre: int) -> Tensor:
    """The weighted mean of the window's features, `(1, C, h, w)`, each warped along its flow to the centre.

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
