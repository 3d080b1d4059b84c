from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chisquare

from vidkit.sampling.offsets import Offsets, causal, dff_pair, fgfa, impression_triplet, single_frame
from vidkit.sampling.randomness import OFFSETS, words

LENGTHS = st.integers(1, 40)
METHODS = st.one_of(
    LENGTHS.map(impression_triplet),
    LENGTHS.map(causal),
    LENGTHS.map(dff_pair),
    LENGTHS.map(lambda length: dff_pair(length, "central")),
    LENGTHS.map(fgfa),
    st.just(single_frame()),
)


@given(method=METHODS, seed=st.integers(0, 2**64 - 1))
def test_offsets_stay_within_their_ranges(method: Offsets, seed: int) -> None:
    drawn = method.draw(words(seed, OFFSETS, 0, 0, 50))
    assert drawn.shape == (50, len(method.roles)) and len(method.roles) == len(method.ranges)
    for column, choices in zip(drawn.T.tolist(), method.ranges, strict=True):
        assert set(column) <= set(choices)
    assert (drawn[:, method.roles.index("current")] == 0).all()
    assert method.draw(words(seed, OFFSETS, 0, 0, 0)).shape == (0, len(method.roles))


@pytest.mark.parametrize("length", [1, 2, 3, 5, 10])
@pytest.mark.parametrize("method", [impression_triplet, causal, dff_pair, fgfa])
def test_every_offset_is_uniform_over_its_range(method: Callable[[int], Offsets], length: int) -> None:
    made = method(length)
    drawn = made.draw(words(2026, OFFSETS, 0, 0, 20_000))
    for column, choices in zip(drawn.T, made.ranges, strict=True):
        counts = np.bincount(column - choices.start, minlength=len(choices))
        assert len(counts) == len(choices)
        if len(choices) > 1:
            assert chisquare(counts).pvalue > 1e-3


@pytest.mark.parametrize("length", [1, 2, 3, 5, 10])
def test_the_key_of_dff_lies_as_at_inference(length: int) -> None:
    for key, place in (("first", 0), ("central", length // 2)):
        at_inference = {place - current for current in range(length)}
        assert {*dff_pair(length, key).ranges[0]} == at_inference  # type: ignore[arg-type]


@pytest.mark.parametrize("length", [1, 2, 3, 4, 5, 9, 10, 11, 20])
def test_impression_ranges_are_all_integers_between_the_ends_of_the_paper(length: int) -> None:
    old, _, new = impression_triplet(length).ranges
    around = range(-2 * length, 2 * length)
    assert list(old) == [d for d in around if -length <= d <= -length / 2]
    assert list(new) == [d for d in around if -length / 2 <= d <= length / 2]


def test_the_two_keys_of_an_impression_triplet_are_independent() -> None:
    drawn = impression_triplet(4).draw(words(5, OFFSETS, 0, 0, 20_000))
    counts = Counter(map(tuple, drawn[:, [0, 2]].tolist()))
    assert set(counts) == {(a, b) for a in range(-4, -1) for b in range(-2, 3)}
    assert chisquare(list(counts.values())).pvalue > 1e-3


@given(length=LENGTHS, seed=st.integers(0, 1000))
def test_causal_keys_are_a_segment_apart_and_never_ahead(length: int, seed: int) -> None:
    old, current, new = causal(length).draw(words(seed, OFFSETS, 0, 0, 100)).T
    assert (new - old == length).all() and (new <= current).all()


@pytest.mark.parametrize("radius", [1, 2, 9])
def test_fgfa_neighbours_differ_and_all_pairs_are_as_likely(radius: int) -> None:
    drawn = fgfa(radius).draw(words(11, OFFSETS, 0, 0, 40_000))
    counts = Counter(map(tuple, drawn[:, [0, 2]].tolist()))
    around = range(-radius, radius + 1)
    assert set(counts) == {(a, b) for a in around for b in around if a != b}
    assert chisquare(list(counts.values())).pvalue > 1e-3


@pytest.mark.parametrize("method", [impression_triplet, causal, dff_pair, fgfa])
def test_lengths_below_one_are_refused(method: Callable[[int], Offsets]) -> None:
    with pytest.raises(ValueError, match=r"segment|radius"):
        method(0)
