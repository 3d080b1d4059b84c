import pickle
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import islice

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.makers import make_index
from tests.sampling import oracles
from tests.sampling.indices import clip, index_of, stills
from vidkit.data.index import Index
from vidkit.sampling import offsets
from vidkit.sampling.batches import Dealing, batches
from vidkit.sampling.randomness import OFFSETS
from vidkit.sampling.samplers import Sampler, causal, dff_pair, fgfa, impression_triplet, uniform15
from vidkit.sampling.strata import Epochs

NAMED: list[Callable[..., Sampler]] = [impression_triplet, causal, dff_pair, fgfa, uniform15]


def two_indices(seed: int = 0) -> list[Index]:
    return [index_of([clip(9 + seed % 7), clip(4, 1), [[0], [], [2]]]), stills([0, 1, 3], size=(50, 80))]


@pytest.mark.parametrize("named", NAMED)
def test_samples_equal_the_loop(named: Callable[..., Sampler]) -> None:
    indices = two_indices()
    sampler = named(indices, seed=4)
    for epoch in (0, 3):
        for position in range(len(sampler)):
            sample = sampler.item(epoch, position)
            index = indices[sample.source]
            video = index.frames_of(sample.video)
            assert sample.current in video
            words = np.array([oracles.words_of(4, OFFSETS, epoch, position)], np.uint64)
            assert sample.drawn == tuple(sampler.offsets.draw(words)[0].tolist())
            assert sample.frames == tuple(oracles.clamp(sample.current + d, video) for d in sample.drawn)


@pytest.mark.parametrize("named", NAMED)
def test_reach_is_every_frame_that_a_sample_may_hold(named: Callable[..., Sampler]) -> None:
    sampler = named(two_indices(), seed=4, epochs=Epochs(per_video=2))
    for source in (0, 1):
        wanted = set()
        mine = sampler.candidates.source == source
        rows = zip(*(getattr(sampler.candidates, name)[mine] for name in ("frame", "first", "last")), strict=True)
        for current, first, last in rows:
            for choices in sampler.offsets.ranges:
                wanted |= {min(max(current + offset, first), last) for offset in choices}
        assert sampler.reach(source).tolist() == sorted(wanted)
        asked = {row for e in range(3) for s in sampler.epoch(e) if s.source == source for row in s.frames}
        assert asked <= {*sampler.reach(source).tolist()}


def test_a_still_image_is_three_equal_frames() -> None:
    sampler = impression_triplet([stills([0, 1, 2])])
    assert all(set(sample.frames) == {sample.current} for sample in sampler.epoch(0))
    assert {sample.current for sample in sampler.epoch(0)} == {0, 1, 2}


def test_offsets_are_clamped_at_both_ends() -> None:
    sampler = impression_triplet([index_of([clip(3), clip(2)])], length=10)
    for epoch in range(5):
        for sample in sampler.epoch(epoch):
            ends = (0, 2) if sample.video == 0 else (3, 4)
            assert sample.frames[0] == ends[0]  # the old key lies 5 frames back at least
            assert ends[0] <= sample.frames[2] <= ends[1]


@settings(deadline=None)
@given(seed=st.integers(0, 2**64 - 1), epoch=st.integers(0, 2**40), data=st.data())
def test_a_sample_does_not_depend_on_what_was_asked_before(seed: int, epoch: int, data: st.DataObject) -> None:
    options = data.draw(
        st.builds(
            Epochs,
            shares=st.none() | st.just((1.0, 2.0)),
            class_balance=st.sampled_from([0.0, 0.5, 1.0]),
            size=st.none() | st.integers(1, 40),
            shuffle=st.booleans(),
        )
    )
    used = impression_triplet(two_indices(), epochs=options, seed=seed)
    whole = list(used.epoch(epoch))
    list(used.epoch(epoch + 1))
    for position in data.draw(st.lists(st.integers(0, len(used) - 1), max_size=5)):
        fresh = impression_triplet(two_indices(), epochs=options, seed=seed)
        assert fresh.item(epoch, position) == whole[position] == used.item(epoch, position)
        assert fresh.at(epoch * len(fresh) + position) == whole[position]


def test_columns_are_the_samples() -> None:
    sampler = impression_triplet(two_indices(), epochs=Epochs(class_balance=1.0))
    taken = sampler.take(2, 3, 9)
    assert len(taken) == 6
    for row, position in enumerate(range(3, 9)):
        sample = sampler.item(2, position)
        assert (taken.source[row], taken.video[row], taken.current[row]) == (
            sample.source,
            sample.video,
            sample.current,
        )
        assert tuple(taken.frames[row]) == sample.frames and tuple(taken.drawn[row]) == sample.drawn
        assert sampler.strata[taken.stratum[row]].class_id == sample.of_class
    assert len(sampler.take(0)) == len(sampler) and len(sampler.take(0, 5, 5)) == 0


def test_the_drawn_class_is_in_the_frame() -> None:
    indices = [make_index(1, tracks=5), make_index(2, tracks=5)]
    for sample in impression_triplet(indices, epochs=Epochs(class_balance=1.0)).epoch(0):
        index = indices[sample.source]
        assert sample.of_class in index.class_id[index.instances_of(sample.current)]


def test_uniform15_is_the_published_list() -> None:
    sampler = uniform15([index_of([clip(300), [[], [], []]])])
    assert [sample.current for sample in sampler.epoch(0)] == [*range(10, 300, 20), 300, 301, 302]
    assert [sample.current for sample in sampler.epoch(7)] == [sample.current for sample in sampler.epoch(0)]
    trained = uniform15([index_of([clip(300), [[], [], []]])], Epochs())
    assert sorted(sample.current for sample in trained.epoch(0)) == list(range(10, 300, 20))


@pytest.mark.parametrize("named", NAMED)
def test_a_sampler_travels_to_another_process(named: Callable[..., Sampler]) -> None:
    sampler = named(two_indices(), seed=9)
    copy = pickle.loads(pickle.dumps(sampler))
    assert list(copy.epoch(1)) == list(sampler.epoch(1))


def test_threads_may_share_a_sampler() -> None:
    sampler = impression_triplet([make_index(3, videos=10)])
    steps = [epoch * len(sampler) + i for i in range(len(sampler)) for epoch in range(4)]
    alone = [impression_triplet([make_index(3, videos=10)]).at(step) for step in steps[:40]]
    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(sampler.at, steps))[:40] == alone


def test_each_sample_has_a_generator_of_its_own() -> None:
    sampler = impression_triplet(two_indices(), seed=3)
    flips = [bool(sampler.generator(0, i).random() < 0.5) for i in range(200)]
    assert flips == [bool(sampler.generator(0, i).random() < 0.5) for i in range(200)]
    assert 70 < sum(flips) < 130


@pytest.mark.parametrize(("epoch", "start", "stop"), [(-1, 0, 1), (0, -1, 1), (0, 5, 4), (0, 0, 10_000)])
def test_samples_outside_an_epoch_are_refused(epoch: int, start: int, stop: int) -> None:
    with pytest.raises(ValueError, match="an epoch has 0 …"):
        Sampler(two_indices(), offsets.impression_triplet()).take(epoch, start, stop)


@pytest.mark.parametrize("seed", [-1, 2**64])
def test_seeds_beyond_64_bits_are_refused(seed: int) -> None:
    with pytest.raises(ValueError, match="seed"):
        impression_triplet(two_indices(), seed=seed)


class TestWithTorch:
    """What a trainer does with a sampler: a Dataset of three lines, a DataLoader with any number of workers."""

    @pytest.fixture(autouse=True)
    def _torch(self) -> None:
        pytest.importorskip("torch", reason="needs torch")

    @staticmethod
    def stream(workers: int, skipped: int = 0) -> list[list[int]]:
        from torch.utils.data import DataLoader, Dataset

        sampler = impression_triplet([make_index(6, videos=4, tracks=6)], seed=5)

        class Triplets(Dataset):  # type: ignore[type-arg]
            def __getitem__(self, step: int) -> list[int]:
                return list(sampler.at(step).frames)

        steps = range(skipped, 2 * len(sampler))
        loader = DataLoader(Triplets(), sampler=steps, batch_size=None, num_workers=workers)
        return [list(frames) for frames in loader]

    @pytest.mark.filterwarnings("ignore:This DataLoader will create 4 worker")  # on machines of fewer cores
    def test_the_stream_is_the_same_for_any_number_of_workers_and_after_resuming(self) -> None:
        plain = self.stream(workers=0)
        assert len({tuple(frames) for frames in plain}) > 10
        assert self.stream(workers=1) == plain
        assert self.stream(workers=4) == plain
        assert self.stream(workers=4, skipped=17) == plain[17:]

    def test_batches_of_two_processes_hold_every_sample_once(self) -> None:
        from torch.utils.data import DataLoader, Dataset

        sampler = impression_triplet([make_index(6, videos=4, tracks=6)], seed=5)

        class Steps(Dataset):  # type: ignore[type-arg]
            def __getitem__(self, step: int) -> int:
                return step

        seen = []
        for rank in range(2):
            todo = Dealing(4, 1, rank, 2).passes(islice(batches(sampler, 4), 6))
            seen += [int(step) for part in DataLoader(Steps(), batch_sampler=todo) for step in part]
        assert sorted(seen) == sorted(step for batch in islice(batches(sampler, 4), 6) for step in batch)
        assert len(set(seen)) == 24
