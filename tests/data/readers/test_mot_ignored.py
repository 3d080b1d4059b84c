import numpy as np
import pytest

from vidkit.data.readers.mot_ignored import CROWDS, DISTRACTORS, ignored_rows

PEDESTRIAN, ON_VEHICLE, CAR, STATIC, DISTRACTOR, OCCLUDER, REFLECTION, CROWD = 1, 2, 3, 7, 8, 9, 12, 13
BOX = (0.0, 0.0, 10.0, 20.0)


def one(class_number: int, flag: float) -> tuple[bool, int | None, bool]:
    """Whether a row is ignored, the class it is about, and whether it is a crowd."""
    ignored, regions = ignored_rows(np.array([0]), np.array([BOX]), np.array([class_number]), np.array([flag]), 1)
    if regions is None:
        return bool(ignored[0]), None, False
    return bool(ignored[0]), int(regions.class_id[0]), bool(regions.crowd[0])


@pytest.mark.parametrize(
    ("class_number", "flag", "what"),
    [
        (PEDESTRIAN, 1, (False, None, False)),
        (PEDESTRIAN, 0, (True, 0, False)),
        (ON_VEHICLE, 0, (True, 0, False)),
        (STATIC, 0, (True, 0, False)),
        (DISTRACTOR, 0, (True, 0, False)),
        (REFLECTION, 0, (True, 0, False)),
        (STATIC, 1, (True, 0, False)),
        (CAR, 0, (True, CAR - 1, False)),
        (CAR, 1, (False, None, False)),
        (OCCLUDER, 0, (True, OCCLUDER - 1, False)),
        (CROWD, 0, (True, 0, True)),
        (-1, 0, (True, 0, False)),
        (-1, 1, (False, None, False)),
    ],
)
def test_what_each_kind_of_row_is(class_number: int, flag: float, what: tuple[bool, int | None, bool]) -> None:
    assert one(class_number, flag) == what


def test_classes_of_ones_own_have_no_distractors() -> None:
    ignored, regions = ignored_rows(
        np.array([0, 0]), np.array([BOX, BOX]), np.array([2, 13]), np.array([1, 0]), 1, distractors=(), crowds=()
    )
    assert regions is not None
    assert (ignored.tolist(), regions.class_id.tolist(), regions.crowd.tolist()) == ([False, True], [12], [False])


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize(("n", "n_frames"), [(0, 0), (0, 3), (1, 1), (200, 15)])
def test_regions_equal_a_loop_over_the_rows(seed: int, n: int, n_frames: int) -> None:
    draw = np.random.default_rng(seed)
    frame = draw.integers(0, max(n_frames, 1), n)
    corner = draw.integers(0, 50, (n, 2)).astype(float)
    box = np.concatenate([corner, corner + draw.integers(0, 6, (n, 2))], axis=1)
    class_number, flag = draw.integers(-1, 14, n), draw.integers(0, 2, n)
    ignored, regions = ignored_rows(frame, box, class_number, flag, n_frames, person=4)
    expected: list[list[tuple[list[float], int, bool]]] = [[] for _ in range(n_frames)]
    for row in range(n):
        number = int(class_number[row])
        special = number in DISTRACTORS or number in CROWDS
        assert ignored[row] == (special or flag[row] == 0)
        if ignored[row] and box[row, 2] > box[row, 0] and box[row, 3] > box[row, 1]:
            about = 4 if special or number < 1 else number - 1
            expected[frame[row]].append((box[row].tolist(), about, number in CROWDS))
    if not any(expected):
        assert regions is None
        return
    assert regions is not None
    assert regions.count.tolist() == [len(rows) for rows in expected]
    found = zip(regions.box.tolist(), regions.class_id.tolist(), regions.crowd.tolist(), strict=True)
    assert list(found) == [row for rows in expected for row in rows]
