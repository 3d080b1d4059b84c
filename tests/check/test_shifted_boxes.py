import re
from collections import Counter
from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from vidkit.check.shifted_boxes import LEAST_TRACKS, LEAST_VOTES, verdict, votes

HEIGHT, WIDTH, FRAMES, SIDE = 120, 160, 16, 24
Boxes = dict[int, dict[int, NDArray[np.float64]]]


def scene(seed: int = 0) -> tuple[list[NDArray[np.float32]], Boxes]:
    """Six textured squares that move over a textured ground, and where they are."""
    rng = np.random.default_rng(seed)
    ground = rough(rng, (HEIGHT, WIDTH))
    squares = [rough(rng, (SIDE, SIDE)) for _ in range(6)]
    ways = [(3, 0), (-3, 1), (0, 3), (2, -2), (-4, 0), (0, -3)]
    starts = [(5, 5), (130, 8), (40, 10), (60, 90), (130, 60), (100, 90)]
    pictures, boxes = [], Boxes()
    for number in range(FRAMES):
        picture = ground.copy()
        boxes[number] = {}
        for track, ((x, y), (dx, dy)) in enumerate(zip(starts, ways, strict=True)):
            x, y = x + dx * number, y + dy * number
            if 0 <= x <= WIDTH - SIDE and 0 <= y <= HEIGHT - SIDE:
                picture[y : y + SIDE, x : x + SIDE] = squares[track]
                boxes[number][track] = np.array([x, y, x + SIDE, y + SIDE], float)
        pictures.append(picture)
    return pictures, boxes


def rough(rng: np.random.Generator, size: tuple[int, int]) -> NDArray[np.float32]:
    """Noise whose grains are some pixels large."""
    small = rng.uniform(0, 255, (size[0] // 4, size[1] // 4))
    return np.kron(small, np.ones((4, 4))).astype(np.float32)


def numbered(pictures: list[NDArray[np.float32]]) -> Iterator[tuple[int, NDArray[np.float32]]]:
    return iter(enumerate(pictures))


def all_votes(seed: int, shift: int) -> list[Counter[int]]:
    pictures, boxes = scene(seed)
    return list(votes(numbered(pictures), {number + shift: of for number, of in boxes.items()}).values())


def test_votes_are_for_the_frame_that_boxes_belong_to() -> None:
    for shift in (-1, 0, 1):
        total = sum(all_votes(0, shift), Counter[int]())
        assert total.total() > 20
        assert total[-shift] > 0.8 * total.total()


@pytest.mark.parametrize("shift", [0, 1, -1])
def test_boxes_off_by_one_are_suspected(shift: int) -> None:
    found = verdict([of for seed in range(4) for of in all_votes(seed, shift)])
    assert bool(found) == bool(shift)
    assert not found or re.fullmatch(
        r"of \d+ moving objects .* \d+ times of \d+, .* before \d+, .* after \d+ times", found
    )


def test_little_evidence_is_no_suspicion() -> None:
    wrong = Counter({-1: LEAST_VOTES // LEAST_TRACKS})
    assert verdict([wrong] * LEAST_TRACKS)
    assert verdict([wrong] * (LEAST_TRACKS - 1)) == ""
    assert verdict([Counter({-1: 5})] * LEAST_TRACKS) == ""
    assert verdict([Counter({-1: 2})] * 1000) == ""
    assert verdict([wrong] * LEAST_TRACKS + [Counter({0: 12})] * 2) == ""
    assert verdict([Counter({-1: 13, 1: 12, 0: 2})] * LEAST_TRACKS)
    assert verdict([]) == ""


def test_what_stands_still_or_is_small_or_outside_has_no_vote() -> None:
    pictures, boxes = scene()
    still = {number: {0: np.array([5.0, 5, 29, 29])} for number in boxes}
    small = {number: {0: np.array([number * 3.0, 5, number * 3 + 4, 9])} for number in boxes}
    outside = {number: {0: np.array([number * 3.0 - 900, 5, number * 3 - 870, 30])} for number in boxes}
    for of in (still, small, outside, {}):
        assert votes(numbered(pictures), of) == {}
    assert votes(numbered(pictures[:3]), boxes) == {}
