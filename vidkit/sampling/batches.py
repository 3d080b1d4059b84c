"""Batches and shards: which steps of a sampler's stream a process asks for."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from vidkit.sampling.samplers import Sampler

Steps = TypeVar("Steps", bound=Sequence[object])

PORTRAIT_LANDSCAPE = (1.0,)
"""Edges of aspect groups: upright images and wide ones, as DFF and FGFA group them."""


def aspect_group(aspect: NDArray[np.float64], edges: Sequence[float] = PORTRAIT_LANDSCAPE) -> NDArray[np.int64]:
    """The group of each width / height: the number of edges that it reaches; `len(edges) + 1` where it is nan.

    Raises ValueError unless the edges rise.
    """
    if not all(a < b for a, b in zip([0.0, *edges], edges, strict=False)):
        raise ValueError(f"aspect edges {tuple(edges)}: wanted rising numbers above 0")
    return np.where(np.isnan(aspect), len(edges) + 1, np.searchsorted(edges, aspect, side="right"))


def batches(
    sampler: Sampler, size: int, edges: Sequence[float] = PORTRAIT_LANDSCAPE, start: int = 0
) -> Iterator[list[int]]:
    """The batches of the endless stream from number `start` on: `size` steps each, all of one aspect group.

    A step is what `sampler.at` takes. Groups fill their batches in the order of the stream. One that doesn't fill its
    batch by the end of an epoch fills it in the next; so each step is in one batch. No edges: batches in plain order.
    """
    if size < 1:
        raise ValueError(f"a batch has 1 sample or more, not {size}")
    waiting: dict[int, list[int]] = {}
    number = epoch = 0
    while True:
        groups = aspect_group(sampler.aspects(epoch), edges).tolist()
        for step, group in enumerate(groups, epoch * len(sampler)):
            filling = waiting.setdefault(group, [])
            filling.append(step)
            if len(filling) == size:
                if number >= start:
                    yield filling
                number += 1
                waiting[group] = []
        epoch += 1


def shard(steps: Steps, rank: int, processes: int, even: bool = False) -> Steps:
    """The part of `steps`, or of batches, that belongs to process `rank` of so many: every `processes`-th.

    The parts are disjoint and together complete. Their lengths differ by one at most; `even` leaves the last few out
    so that all are equal, as collective operations need it.
    """
    if processes < 1 or not 0 <= rank < processes:
        raise ValueError(f"process {rank} of {processes}: wanted 0 … {processes - 1}")
    stop = len(steps) // processes * processes if even else len(steps)
    return steps[rank:stop:processes]  # type: ignore[return-value]  # a slice of a list is a list, of a range a range


@dataclass(frozen=True)
class Dealing:
    """How batches of `size` steps are dealt out to processes, each of which takes its part in `accumulate` passes.

    The batches, and what is learned from them, are the same for any number of processes and passes. Raises ValueError
    where the parts would differ in size.
    """

    size: int
    accumulate: int = 1
    rank: int = 0
    processes: int = 1

    def __post_init__(self) -> None:
        if self.size % (self.accumulate * self.processes):
            raise ValueError(
                f"a batch of {self.size} samples can't be dealt out to {self.processes} processes in "
                f"{self.accumulate} passes each"
            )

    def passes(self, batches: Iterable[list[int]]) -> Iterator[list[int]]:
        """What process `rank` asks for: for each batch `accumulate` lists of steps."""
        at_once = self.size // self.accumulate
        for steps in batches:
            for first in range(0, self.size, at_once):
                yield shard(steps[first : first + at_once], self.rank, self.processes)
