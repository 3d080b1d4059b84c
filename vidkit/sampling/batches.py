"""Batches and shards: which steps of a sampler's stream a process asks for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from vidkit.sampling.samplers import Sampler

Steps = TypeVar("Steps", bound=Sequence[object])

PORTRAIT_LANDSCAPE = (1.0,)
"""Edges of aspect groups: upright images and wide ones, as DFF and FGFA group them."""


def aspect_group(aspect: NDArray[np.float64], edges: Sequence[float] = PORTRAIT_LANDSCAPE) -> NDArray[np.int64]:
    """Return the group of each width / height: the number of edges that it reaches; `len(edges) + 1` where it is nan.

    Raises ValueError unless the edges rise.
    """
    if not all(a < b for a, b in zip([0.0, *edges], edges, strict=False)):
        raise ValueError(f"aspect edges {tuple(edges)}: wanted rising numbers above 0")
    return np.where(np.isnan(aspect), len(edges) + 1, np.searchsorted(edges, aspect, side="right"))


def batches(
    sampler: Sampler, epoch: int, batch_size: int, edges: Sequence[float] = PORTRAIT_LANDSCAPE, whole: bool = False
) -> list[list[int]]:
    """Return the batches of an epoch: lists of steps for `sampler.at`, each step once, one aspect group to a batch.

    Groups fill their batches in the order of the stream, and a batch stands where its last sample came. What is left
    over at the end makes smaller batches, which `whole` leaves out. No edges: batches in plain order.
    """
    if batch_size < 1:
        raise ValueError(f"a batch has 1 sample or more, not {batch_size}")
    group = aspect_group(sampler.aspects(epoch), edges)
    made: list[NDArray[np.int64]] = []
    for members in (np.flatnonzero(group == g) for g in np.unique(group)):
        made += np.split(members, range(batch_size, len(members), batch_size))
    kept = [batch for batch in made if not whole or len(batch) == batch_size]
    kept.sort(key=lambda batch: (len(batch) < batch_size, int(batch[-1])))
    return [(batch + epoch * len(sampler)).tolist() for batch in kept]


def shard(steps: Steps, rank: int, processes: int, even: bool = False) -> Steps:
    """Return the part of `steps`, or of batches, that belongs to process `rank` of so many: every `processes`-th.

    The parts are disjoint and together complete. Their lengths differ by one at most; `even` leaves the last few out
    so that all are equal, as collective operations need it.
    """
    if processes < 1 or not 0 <= rank < processes:
        raise ValueError(f"process {rank} of {processes}: wanted 0 … {processes - 1}")
    stop = len(steps) // processes * processes if even else len(steps)
    return steps[rank:stop:processes]  # type: ignore[return-value]  # a slice of a list is a list, of a range a range
