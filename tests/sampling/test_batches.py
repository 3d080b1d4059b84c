from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.sampling import oracles
from tests.sampling.indices import clip, index_of
from vidkit.sampling.batches import aspect_group, batches, shard
from vidkit.sampling.samplers import Sampler, impression_triplet

SIZES = [(320, 240), (240, 320), (500, 500), (1280, 720), (0, 0)]


def sampler_of(lengths: list[int], seed: int = 0) -> Sampler:
    sizes = [SIZES[place % len(SIZES)] for place in range(len(lengths))]
    return impression_triplet([index_of([clip(n) for n in lengths], sizes)], seed=seed)


@given(
    lengths=st.lists(st.integers(1, 12), min_size=1, max_size=8),
    size=st.integers(1, 6),
    edges=st.sampled_from([(), (1.0,), (0.9, 1.1, 1.5)]),
    epoch=st.integers(0, 3),
)
def test_batches_equal_the_loop_and_hold_every_step_once(
    lengths: list[int], size: int, edges: tuple[float, ...], epoch: int
) -> None:
    sampler = sampler_of(lengths)
    made = batches(sampler, epoch, size, edges)
    assert made == oracles.batches(sampler, epoch, size, edges)
    assert sorted(step for batch in made for step in batch) == list(
        range(epoch * len(sampler), (epoch + 1) * len(sampler))
    )
    groups = aspect_group(sampler.aspects(epoch), edges)
    assert all(len(set(groups[np.array(batch) % len(sampler)].tolist())) == 1 for batch in made)
    assert batches(sampler, epoch, size, edges, whole=True) == [batch for batch in made if len(batch) == size]


def test_aspects_fall_into_groups() -> None:
    aspect = np.array([0.5, 1.0, 1.01, np.nan])
    assert aspect_group(aspect).tolist() == [0, 1, 1, 2]
    assert aspect_group(aspect, ()).tolist() == [0, 0, 0, 1]


@given(n=st.integers(0, 60), processes=st.integers(1, 9))
def test_shards_are_disjoint_and_complete(n: int, processes: int) -> None:
    steps = range(n)
    parts = [shard(steps, rank, processes) for rank in range(processes)]
    assert [list(part) for part in parts] == [oracles.shard(steps, rank, processes) for rank in range(processes)]
    assert sorted(step for part in parts for step in part) == list(steps)
    assert max(map(len, parts)) - min(map(len, parts)) <= 1
    even = [shard(list(steps), rank, processes, even=True) for rank in range(processes)]
    assert {len(part) for part in even} == {n // processes}
    assert sorted(step for part in even for step in part) == list(range(n // processes * processes))


def test_shards_of_batches_train_on_every_sample_once() -> None:
    sampler = sampler_of([9, 8, 7, 6, 5])
    parts = [shard(batches(sampler, 1, 4), rank, 3) for rank in range(3)]
    seen = [sampler.at(step).current for part in parts for batch in part for step in batch]
    assert sorted(seen) == list(range(35))


@pytest.mark.parametrize(("rank", "processes"), [(0, 0), (3, 3), (-1, 2)])
def test_impossible_processes_are_refused(rank: int, processes: int) -> None:
    with pytest.raises(ValueError, match="wanted 0 …"):
        shard(range(5), rank, processes)


def test_impossible_batches_are_refused() -> None:
    with pytest.raises(ValueError, match="a batch has"):
        batches(sampler_of([3]), 0, 0)
    for edges in ((0.0,), (1.0, 1.0), (2.0, 1.0)):
        with pytest.raises(ValueError, match="rising"):
            batches(sampler_of([3]), 0, 1, edges)
