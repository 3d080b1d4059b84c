"""Small networks and videos, made by code and seed."""

from dataclasses import replace

import numpy as np
import torch
from torch import nn

from impnet_model.detectors.engine import Engine
from impnet_model.detectors.impression import KeyFeature, key_features
from impnet_model.detectors.video_motion import as_in_the_paper
from impnet_model.nets.build import TINY
from impnet_model.nets.network import ImpressionNetwork
from impnet_model.nets.task_network import PostProcessing
from impnet_model.nets.wirings import wired

SMALL = replace(
    TINY,
    n_classes=3,
    blocks=(1, 1, 1, 1),
    widths=(8, 8, 8, 8),
    stem_width=8,
    channels=16,
    flow_widths=(4, 4, 6, 6, 8, 8),
    flow_up_widths=(6, 6, 4, 4),
    after_nms=15,
    quality_widths=(6, 4),
    embedding_widths=(8, 8),
    shorter=44,
    longer=90,
)


def make_network(method: str = "impression", seed: int = 0) -> ImpressionNetwork:
    """A network of random weights, lively enough that what it sees shows in what it says."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = wired(method, SMALL).eval()
        for module in (network.task, network.quality):
            for conv in module.modules() if isinstance(module, nn.Module) else ():
                if isinstance(conv, nn.Conv2d):
                    nn.init.normal_(conv.weight, std=0.2)
        return network


def make_engine(method: str = "impression", seed: int = 0) -> Engine:
    return Engine(make_network(method, seed), SMALL.resize(), rules=PostProcessing(0.05))


def key_features_of(
    engine: Engine, frames: list[np.ndarray], length: int, key_id: int, gate: float = 1.0
) -> list[KeyFeature]:
    """The task features of a video, as in the paper."""
    way = as_in_the_paper(engine)
    return list(key_features(engine, way, way.follow(), frames, length, key_id, gate))


def make_video(n: int, height: int = 37, width: int = 53, seed: int = 0) -> list[np.ndarray]:
    """A textured square that moves over noise."""
    rng = np.random.default_rng(seed)
    ground = rng.integers(0, 120, (height, width, 3))
    square = rng.integers(80, 256, (12, 12, 3))
    frames = []
    for t in range(n):
        frame = ground + rng.integers(0, 10, ground.shape)
        y, x = (3 + 2 * t) % (height - 12), (5 + 3 * t) % (width - 12)
        frame[y : y + 12, x : x + 12] = square
        frames.append(frame.astype(np.uint8))
    return frames
