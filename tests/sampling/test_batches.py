from itertools import islice

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.sampling import oracles
from tests.sampling.indices import clip, index_of
from vidkit.sampling.batches import Dealing, aspect_group, batches, shard
from vidkit.sampling.samplers import Sampler, impression_triplet

SIZES = [(320, 240), (240, 320), (500, 500), (1280, 720), (0, 0)]


def sampler_of(lengths: list[int], seed: int = 0) -> Sampler:
    sizes = [SIZES[place % len(SIZES)] for place in range(len(lengths))]
    return impression_triplet([index_of([clip(n) for n in lengths], sizes)], seed=seed)


@given(
    lengths=st.lists(st.integers(1, 12), min_size=1, max_size=8),
    size=st.integers(1, 6),
    edges=st.sampled_from([(), (1.0,), (0.9, 1.1, 1.5)]),
    start=st.integers(0, 5),
)
def test_batches_equal_the_loop_and_hold_every_step_once(
    lengths: list[int], size: int, edges: tuple[float, ...], start: int
) -> None:
    sampler, epochs = sampler_of(lengths), 4
    wanted = oracles.batches(sampler, epochs, size, edges)
    made = list(islice(batches(sampler, size, edges), len(wanted)))
    assert made == wanted
    assert list(islice(batches(sampler, size, edges, start), len(wanted[start:]))) == wanted[start:]
    steps = [step for batch in made for step in batch]
    assert len(set(steps)) == len(steps)
    left = set(range(epochs * len(sampler))) - set(steps)
    assert len(left) < size * (len(edges) + 2)  # those of the groups that wait for a full batch
    for batch in made:
        groups = {int(aspect_group(sampler.aspects(s // len(sampler)), edges)[s % len(sampler)]) for s in batch}
        assert len(groups) == 1 and len(batch) == size


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


@given(processes=st.integers(1, 4), accumulate=st.integers(1, 3), each=st.integers(1, 3))
def test_a_batch_is_dealt_out_whole(processes: int, accumulate: int, each: int) -> None:
    """The passes of all processes together are the batches, whatever their number."""
    sampler, size = sampler_of([9, 8, 7, 6, 5]), processes * accumulate * each
    whole = list(islice(batches(sampler, size), 5))
    parts = [list(Dealing(size, accumulate, rank, processes).passes(whole)) for rank in range(processes)]
    assert [len(part) for part in parts] == [5 * accumulate] * processes
    for number, batch in enumerate(whole):
        dealt = [steps for part in parts for steps in part[number * accumulate : (number + 1) * accumulate]]
        assert sorted(step for steps in dealt for step in steps) == sorted(batch)
        assert {len(steps) for steps in dealt} == {each}


def test_what_cannot_be_dealt_out_evenly_is_refused() -> None:
    with pytest.raises(ValueError, match="a batch of 4 samples can't be dealt out to 3 processes in 1 passes"):
        Dealing(4, 1, 0, 3)


@pytest.mark.parametrize(("rank", "processes"), [(0, 0), (3, 3), (-1, 2)])
def test_impossible_processes_are_refused(rank: int, processes: int) -> None:
    with pytest.raises(ValueError, match="wanted 0 …"):
        shard(range(5), rank, processes)


def test_impossible_batches_are_refused() -> None:
    with pytest.raises(ValueError, match="a batch has"):
        next(batches(sampler_of([3]), 0))
    for edges in ((0.0,), (1.0, 1.0), (2.0, 1.0)):
        with pytest.raises(ValueError, match="rising"):
            next(batches(sampler_of([3]), 1, edges))
