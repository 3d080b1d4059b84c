import pytest
from hypothesis import given
from hypothesis import strategies as st

from vidkit.segments import key_of_frames, segments


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
