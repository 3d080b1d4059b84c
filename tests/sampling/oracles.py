"""Plain loops that the sampling code must equal."""

from collections.abc import Sequence
from fractions import Fraction
from math import floor

import numpy as np

from vidkit.data.index import Index
from vidkit.sampling.batches import Steps
from vidkit.sampling.samplers import Sampler


def words_of(seed: int, stream: int, epoch: int, item: int) -> list[int]:
    """The four words of one item, from a generator made for it alone."""
    key = np.array([seed, 0], np.uint64)
    counter = np.array([item, 0, epoch, stream], np.uint64)
    return [int(word) for word in np.random.Philox(counter=counter, key=key).random_raw(4)]


def pick_one(word: int, choices: range) -> int:
    """One of the choices: word / 2**64, cut to 32 bits, of the way through them."""
    return choices[floor(Fraction(word >> 32, 2**32) * len(choices))]


def clamp(frame: int, video: range) -> int:
    while frame < video.start:
        frame += 1
    while frame > video.stop - 1:
        frame -= 1
    return frame


def frames_of_class(index: Index, frames: Sequence[int]) -> dict[int, list[int]]:
    """The frames that show each class."""
    found: dict[int, list[int]] = {}
    for frame in frames:
        for class_id in sorted(set(index.class_id[index.instances_of(frame)].tolist())):
            found.setdefault(class_id, []).append(frame)
    return found


def batches(sampler: Sampler, epochs: int, size: int, edges: Sequence[float]) -> list[list[int]]:
    """Walk through some epochs, putting each sample into the open batch of its aspect group."""
    open_batches: dict[int, list[int]] = {}
    full = []
    for epoch in range(epochs):
        for position, aspect in enumerate(sampler.aspects(epoch).tolist()):
            group = len(edges) + 1 if aspect != aspect else sum(aspect >= edge for edge in edges)
            open_batches.setdefault(group, []).append(epoch * len(sampler) + position)
            if len(open_batches[group]) == size:
                full.append(open_batches.pop(group))
    return full


def shard(steps: Steps, rank: int, processes: int) -> list[object]:
    """Deal the steps like cards."""
    return [step for place, step in enumerate(steps) if place % processes == rank]
