import pytest

from vidkit.data.readers.track_numbers import MOST, track_numbers


@pytest.mark.parametrize(
    ("written", "numbers"),
    [
        ([], []),
        ([7, 3, 7, 0], [7, 3, 7, 0]),
        (["0012", "7", "0012"], [12, 7, 12]),
        ([None, 5, -1, ""], [-1, 5, -1, -1]),
        ([None, None], [-1, -1]),
        (["t9", "t1", None, "t9"], [0, 1, -1, 0]),
        (["7", "07", 7], [0, 1, 2]),
        ([5, "x", 5], [0, 1, 0]),
        ([-2, 4], [0, 1]),
        ([MOST, MOST + 1], [0, 1]),
        ([10**400, 3], [0, 1]),
        (["٣", "²"], [0, 1]),
        ([MOST, "0"], [MOST, 0]),
    ],
)
def test_numbers_are_kept_where_they_are_whole_and_differ(written: list[int | str | None], numbers: list[int]) -> None:
    assert track_numbers(written).tolist() == numbers
