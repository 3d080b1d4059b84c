import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.sampling import oracles
from vidkit.sampling import randomness

BIG = st.integers(0, 2**64 - 1)


@given(seed=BIG, epoch=BIG, start=st.integers(0, 2**40), n=st.integers(0, 20), stream=st.integers(0, 3))
def test_words_of_a_run_are_the_words_of_its_items(seed: int, epoch: int, start: int, n: int, stream: int) -> None:
    drawn = randomness.words(seed, stream, epoch, start, n)
    assert drawn.tolist() == [oracles.words_of(seed, stream, epoch, start + i) for i in range(n)]


def test_words_differ_between_seeds_epochs_streams_and_items() -> None:
    drawn = {
        tuple(randomness.words(seed, stream, epoch, item, 1)[0].tolist())
        for seed in range(3)
        for epoch in range(3)
        for item in range(3)
        for stream in range(4)
    }
    assert len(drawn) == 3 * 3 * 3 * 4


def test_words_are_the_same_for_ever() -> None:
    """A change here changes the training of everyone who gave a seed."""
    first_two = randomness.words(7, randomness.OFFSETS, 2, 41, 1)[0, :2]
    assert first_two.tolist() == [
        3983472783536152025,
        2724409255874964377,
    ]
    assert randomness.permutation(7, randomness.SLOTS, 2, 0, 8).tolist() == [7, 3, 2, 6, 5, 4, 0, 1]


@given(word=BIG, start=st.integers(-50, 50), n=st.integers(1, 60))
def test_pick_equals_the_exact_fraction(word: int, start: int, n: int) -> None:
    choices = range(start, start + n)
    assert randomness.pick(np.array([word], np.uint64), choices)[0] == oracles.pick_one(word, choices)


def test_pick_reaches_both_ends() -> None:
    ends = np.array([0, 2**64 - 1], np.uint64)
    assert randomness.pick(ends, range(-10, -4)).tolist() == [-10, -5]


@pytest.mark.parametrize("choices", [range(0), range(0, 10, 2)])
def test_pick_refuses_what_is_no_run_of_integers(choices: range) -> None:
    with pytest.raises(ValueError, match="consecutive"):
        randomness.pick(np.zeros(1, np.uint64), choices)


@given(n=st.integers(0, 300), which=st.integers(0, 5), epoch=st.integers(0, 5))
def test_a_permutation_holds_everything_once(n: int, which: int, epoch: int) -> None:
    assert sorted(randomness.permutation(1, randomness.STRATA, epoch, which, n).tolist()) == list(range(n))


def test_first_places_of_permutations_are_uniform() -> None:
    n, repeats = 6, 3000
    firsts = [int(randomness.permutation(3, randomness.STRATA, e, 0, n)[0]) for e in range(repeats)]
    counts = np.bincount(firsts, minlength=n)
    assert ((counts - repeats / n) ** 2 / (repeats / n)).sum() < 20.5  # chi-square, 5 degrees of freedom, p = 0.001


def test_generators_belong_to_their_sample() -> None:
    first = randomness.generator(1, 2, 3).random(4)
    assert (first == randomness.generator(1, 2, 3).random(4)).all()
    assert not (first == randomness.generator(1, 2, 4).random(4)).any()


@pytest.mark.parametrize("numbers", [(-1, 0, 0), (0, -1, 0), (0, 0, -1), (2**64, 0, 0)])
def test_numbers_beyond_64_bits_are_refused(numbers: tuple[int, int, int]) -> None:
    seed, epoch, item = numbers
    with pytest.raises(ValueError, match="lies outside"):
        randomness.words(seed, 0, epoch, item, 1)
