from collections import Counter
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.makers import make_index
from tests.sampling import oracles
from tests.sampling.indices import clip, index_of, stills
from vidkit.data.index import Index
from vidkit.errors import ChoiceError
from vidkit.sampling.strata import Epochs, apportion, candidates, order, rows_by_class, strata


def epoch_rows(indices: list[Index], options: Epochs, epoch: int, seed: int = 0) -> list[tuple[int, int]]:
    """The (source, frame) of every sample of an epoch, in order."""
    entries = candidates(indices, options)
    rows, _ = order(strata(indices, entries, options), seed, epoch, options.shuffle)
    return list(zip(entries.source[rows].tolist(), entries.frame[rows].tolist(), strict=True))


@given(total=st.integers(0, 500), weights=st.lists(st.integers(0, 30), min_size=1, max_size=8).filter(any))
def test_apportioned_numbers_sum_up_and_stay_near_their_shares(total: int, weights: list[int]) -> None:
    made = apportion(total, weights)
    remainder = [Fraction(total * w, sum(weights)) - m for m, w in zip(made, weights, strict=True)]
    assert sum(made) == total and all(-1 < r < 1 for r in remainder)
    rounded_up, rounded_down = [r + 1 for r in remainder if r < 0], [r for r in remainder if r >= 0]
    assert min(rounded_up, default=1) >= max(rounded_down, default=0)


def test_of_equal_shares_the_earlier_gets_the_rest() -> None:
    assert apportion(5, [1, 1, 1]) == [2, 2, 1]


@given(seed=st.integers(0, 50), epoch=st.integers(0, 3))
def test_an_epoch_shows_every_frame_with_a_box_once(seed: int, epoch: int) -> None:
    indices = [make_index(seed), make_index(seed + 1, videos=2)]
    labelled = [
        (source, frame)
        for source, index in enumerate(indices)
        for frame in range(index.n_frames)
        if index.instances_of(frame).stop > index.instances_of(frame).start
    ]
    if {0, 1} - {source for source, _ in labelled}:
        return  # an index without boxes is refused, see below
    assert sorted(epoch_rows(indices, Epochs(), epoch, seed)) == labelled
    assert len(epoch_rows(indices, Epochs(labelled=False), epoch, seed)) == sum(i.n_frames for i in indices)


def test_frames_of_a_video_can_be_thinned_to_bin_centres() -> None:
    index = index_of([clip(300), clip(1), clip(6)])
    rows = epoch_rows([index], Epochs(per_video=15, labelled=False, shuffle=False), 0)
    assert [frame for _, frame in rows] == [*range(10, 300, 20), 300, *range(301, 307)]


# As they stand in the published list VID_train_15frames (msracver/Deep-Feature-Flow @9d8ce20).
@pytest.mark.parametrize(
    ("n", "published"),
    [
        (300, list(range(10, 300, 20))),
        (54, [1, 5, 9, 12, 16, 19, 23, 26, 30, 34, 37, 41, 45, 48, 52]),
        (26, [0, 2, 4, 6, 7, 9, 11, 13, 14, 16, 18, 19, 21, 23, 25]),
    ],
)
def test_fifteen_frames_of_a_video_are_the_published_ones(n: int, published: list[int]) -> None:
    rows = epoch_rows([index_of([clip(n)])], Epochs(per_video=15, shuffle=False), 0)
    assert [frame for _, frame in rows] == published


def test_shares_hold_exactly_in_every_epoch() -> None:
    indices = [index_of([clip(90)]), stills([0] * 7)]
    for shares, size, wanted in (
        ((1, 1), 60, (30, 30)),
        ((2, 1), 10, (7, 3)),
        ((0, 1), 9, (0, 9)),
        (None, 97, (90, 7)),
    ):
        for epoch in range(3):
            rows = epoch_rows(indices, Epochs(shares=shares, size=size), epoch)
            counts = Counter(source for source, _ in rows)
            assert (counts[0], counts[1]) == wanted


@given(seed=st.integers(0, 20), size=st.integers(1, 23), frames=st.integers(1, 11))
def test_a_stratum_shows_all_its_frames_before_any_again(seed: int, size: int, frames: int) -> None:
    """Across the ends of epochs too, however long an epoch is."""
    index = index_of([clip(frames)])
    entries = candidates([index], Epochs(size=size))
    (part,) = strata([index], entries, Epochs(size=size))
    seen: Counter[int] = Counter()
    for epoch in range(6):
        rows, _ = order([part], seed, epoch, shuffle=True)
        seen.update(rows.tolist())
        assert max(seen.values()) - min(seen[row] for row in range(frames)) <= 1


def test_order_is_shuffled_anew_each_epoch() -> None:
    index = index_of([clip(50)])
    first, second, other = (epoch_rows([index], Epochs(), e, s) for e, s in ((0, 0), (1, 0), (0, 1)))
    assert first == epoch_rows([index], Epochs(), 0, 0)
    assert first != second and first != other and sorted(first) == sorted(second)


@given(seed=st.integers(0, 50))
def test_rows_by_class_equal_the_loop(seed: int) -> None:
    index = make_index(seed, tracks=4)
    options = Epochs(labelled=False)
    entries = candidates([index], options)
    rows = np.arange(len(entries))[seed % 3 :: 2]
    found = rows_by_class(index, entries, rows)
    naive = oracles.frames_of_class(index, rows.tolist())
    assert {c: r.tolist() for c, r in found.items()} == naive


def test_rows_by_class_hold_for_more_frames_than_a_class_id_can_count() -> None:
    index = index_of([clip(20_000, 3), clip(5, 2)])
    entries = candidates([index], Epochs())
    found = rows_by_class(index, entries, np.arange(len(entries)))
    assert {c: (len(r), int(r[0])) for c, r in found.items()} == {2: (5, 20_000), 3: (20_000, 0)}


def test_class_balance_gives_each_class_its_number_of_samples() -> None:
    index = index_of([clip(80, 0), clip(20, 2), [[2, 3]] * 4])
    counts = {0: 80, 2: 24, 3: 4}
    for balance in (1e-9, 0.5, 1.0):
        entries = candidates([index], Epochs(class_balance=balance, size=90))
        parts = strata([index], entries, Epochs(class_balance=balance, size=90))
        weights = np.array(list(counts.values())) ** (1 - balance)
        assert [part.class_id for part in parts] == list(counts)
        assert [part.quota for part in parts] == apportion(90, weights)
        for part in parts:
            assert len(part.rows) == counts[part.class_id]
    assert [part.quota for part in parts] == [30, 30, 30]


def test_balance_keeps_the_shares_of_the_indices() -> None:
    indices = [index_of([clip(80, 0), clip(20, 2)]), stills([1, 1, 1, 0])]
    options = Epochs(class_balance=1.0, shares=(3, 1), size=80)
    parts = strata(indices, candidates(indices, options), options)
    assert [(p.source, p.class_id, p.quota) for p in parts] == [(0, 0, 30), (0, 2, 30), (1, 0, 10), (1, 1, 10)]


@pytest.mark.parametrize(
    ("index", "options", "message"),
    [
        (index_of([]), Epochs(), "nothing to sample: 0 frames"),
        (index_of([[[], []]]), Epochs(), "2 frames, none of those chosen has a box"),
        (index_of([[[0], [], [0]]]), Epochs(per_video=1), "none of those chosen has a box"),
    ],
)
def test_an_index_without_candidates_is_refused(index: Index, options: Epochs, message: str) -> None:
    with pytest.raises(ChoiceError, match=message):
        candidates([index_of([clip(3)]), index], options)


def test_indices_with_other_classes_are_refused() -> None:
    with pytest.raises(ChoiceError, match="they differ in class3"):
        candidates([index_of([clip(3)]), index_of([clip(3)], classes=3)], Epochs())
    with pytest.raises(ValueError, match="no index"):
        candidates([], Epochs())


@pytest.mark.parametrize(
    "options",
    [
        {"per_video": 0},
        {"class_balance": 1.5},
        {"class_balance": float("nan")},
        {"class_balance": 0.5, "labelled": False},
        {"size": 0},
        {"shares": (1.0, -1.0)},
        {"shares": (0.0, 0.0)},
        {"shares": (1.0, float("inf"))},
        {"shares": ()},
    ],
)
def test_impossible_epochs_are_refused(options: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"wanted|needs|an epoch has"):
        Epochs(**options)  # type: ignore[arg-type]  # the values are wrong on purpose


def test_there_must_be_a_share_for_each_index() -> None:
    index = index_of([clip(3)])
    with pytest.raises(ValueError, match="2 shares for 1 indices"):
        strata([index], candidates([index], Epochs()), Epochs(shares=(1, 1)))
