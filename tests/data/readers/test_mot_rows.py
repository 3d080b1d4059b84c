import numpy as np
import pytest

from vidkit.data.readers.mot_rows import CROWDS, DISTRACTORS, kinds_of

PEDESTRIAN, ON_VEHICLE, CAR, STATIC, DISTRACTOR, OCCLUDER, REFLECTION, CROWD = 1, 2, 3, 7, 8, 9, 12, 13


def one(class_number: float, flag: float, pedestrians: bool = True) -> tuple[bool, int, bool]:
    """Whether a row is ignored, the class it is about, and whether it is a crowd."""
    kinds = kinds_of(np.array([class_number]), np.array([flag]), pedestrians)
    return bool(kinds.ignored[0]), int(kinds.class_id[0]), bool(kinds.crowd[0])


@pytest.mark.parametrize(
    ("class_number", "flag", "what"),
    [
        (PEDESTRIAN, 1, (False, 0, False)),
        (PEDESTRIAN, 0, (True, 0, False)),
        (ON_VEHICLE, 0, (True, 0, False)),
        (STATIC, 0, (True, 0, False)),
        (DISTRACTOR, 0, (True, 0, False)),
        (REFLECTION, 0, (True, 0, False)),
        (STATIC, 1, (True, 0, False)),
        (CAR, 0, (True, CAR - 1, False)),
        (CAR, 1, (False, CAR - 1, False)),
        (OCCLUDER, 0, (True, OCCLUDER - 1, False)),
        (CROWD, 0, (True, 0, True)),
        (-1, 0, (True, 0, False)),
        (-1, 1, (False, 0, False)),
    ],
)
def test_what_each_kind_of_row_is(class_number: int, flag: float, what: tuple[bool, int, bool]) -> None:
    assert one(class_number, flag) == what


def test_classes_of_ones_own_have_no_distractors() -> None:
    assert one(2, 1, pedestrians=False) == (False, 1, False)
    assert one(13, 0, pedestrians=False) == (True, 12, False)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("n", [0, 1, 200])
def test_kinds_equal_a_loop_over_the_rows(seed: int, n: int) -> None:
    draw = np.random.default_rng(seed)
    class_number, flag = draw.integers(-1, 14, n).astype(float), draw.integers(0, 2, n).astype(float)
    kinds = kinds_of(class_number, flag, pedestrians=True)
    for row in range(n):
        special = class_number[row] in DISTRACTORS or class_number[row] in CROWDS
        assert kinds.ignored[row] == (special or flag[row] == 0)
        assert kinds.crowd[row] == (class_number[row] in CROWDS)
        assert kinds.class_id[row] == (0 if special or class_number[row] < 1 else class_number[row] - 1)
