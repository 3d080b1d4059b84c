from __future__ import annotations

from fractions import Fraction
from math import floor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vidkit.segments import bin_centres, key_of_frames, segments


@given(n=st.integers(0, 200), length=st.integers(1, 40), data=st.data())
def test_segments_cover_a_video_once_and_hold_their_keys(n: int, length: int, data: st.DataObject) -> None:
    key_id = data.draw(st.none() | st.integers(0, length - 1))
    found = list(segments(n, length, key_id))
    assert [frame for s in found for frame in range(s.start, s.stop)] == list(range(n))
    assert all(len(s) == length for s in found[:-1])
    wanted = length // 2 if key_id is None else key_id
    assert all(s.key == min(s.start + wanted, s.stop - 1) and s.start <= s.key < s.stop for s in found)
    of_frames = [s.key for s in found for _ in range(len(s))]
    assert key_of_frames(n, length, key_id).tolist() == of_frames


@pytest.mark.parametrize(("n", "length", "key_id"), [(-1, 10, None), (5, 0, None), (5, 4, 4), (5, 4, -1)])
def test_impossible_segments_are_refused(n: int, length: int, key_id: int | None) -> None:
    with pytest.raises(ValueError, match=r"segment|frames"):
        list(segments(n, length, key_id))


# Video lengths and frames as they stand in the published list VID_train_15frames (msracver/Deep-Feature-Flow @9d8ce20).
@pytest.mark.parametrize(
    ("n", "published"),
    [
        (300, range(10, 300, 20)),
        (48, [1, 4, 8, 11, 14, 17, 20, 24, 27, 30, 33, 36, 40, 43, 46]),
        (26, [0, 2, 4, 6, 7, 9, 11, 13, 14, 16, 18, 19, 21, 23, 25]),
        (1749, [58, 174, 291, 408, 524, 641, 757, 874, 991, 1107, 1224, 1340, 1457, 1574, 1690]),
    ],
)
def test_bin_centres_are_the_published_frames(n: int, published: list[int]) -> None:
    assert bin_centres(n).tolist() == list(published)


@given(n=st.integers(0, 3000), bins=st.integers(1, 40))
def test_bin_centres_are_the_frames_in_which_the_centres_lie(n: int, bins: int) -> None:
    naive = {floor(Fraction(n, bins) * (i + Fraction(1, 2))) for i in range(bins)} if n else set()
    assert bin_centres(n, bins).tolist() == sorted(naive)
    assert len(naive) == min(n, bins)


@pytest.mark.parametrize(("n", "bins"), [(-1, 15), (10, 0)])
def test_impossible_bins_are_refused(n: int, bins: int) -> None:
    with pytest.raises(ValueError, match="bins"):
        bin_centres(n, bins)
