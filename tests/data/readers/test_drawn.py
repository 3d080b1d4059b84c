"""What the readers of labelling tools' files share, against plain loops."""

import math
import random

import numpy as np
import pytest

from vidkit.data.readers.drawn import MAX_ATTRIBUTES, DrawnBoxes
from vidkit.data.readers.drawn_table import table
from vidkit.data.readers.found_boxes import Frames
from vidkit.data.readers.upright import around, upright
from vidkit.data.records import FrameNames
from vidkit.errors import AnnotationError


@pytest.mark.parametrize("seed", range(10))
def test_the_boxes_of_some_images_equal_a_plain_loop(seed: int) -> None:
    dice = random.Random(seed)
    images = dice.choice([0, 1, 2, 7])
    boxes = [(dice.randrange(images), n) for n in range(dice.choice([0, 1, 20]))] if images else []
    drawn = DrawnBoxes("made")
    for image, n in boxes:
        drawn.add(image, 0, (n, 0, n + 1, 1), track=n, attributes={"half": n / 2} if n % 3 else {})
    columns, starts = drawn.columns().by_image(images)
    chosen = dice.sample(range(images), dice.randint(0, images))
    found = columns.of_images(chosen, starts)
    wanted = [(row, n) for row, image in enumerate(chosen) for where, n in boxes if where == image]
    assert list(zip(found.row.tolist(), found.track.tolist(), strict=True)) == wanted
    assert found.box[:, 0].tolist() == [n for _, n in wanted]
    if boxes:
        halves = found.attributes["half"] if "half" in found.attributes else np.full(len(wanted), np.nan)
        np.testing.assert_array_equal(halves, [n / 2 if n % 3 else np.nan for _, n in wanted])


@pytest.mark.parametrize("about_corner", [False, True])
def test_turned_boxes_equal_a_plain_loop(about_corner: bool) -> None:
    dice = random.Random(5)
    given = [(dice.uniform(0, 50), dice.uniform(0, 50), dice.uniform(1, 30), dice.uniform(1, 30)) for _ in range(20)]
    angles = [0.0, 360.0, 90.0, -30.0, *(dice.uniform(-400, 400) for _ in range(16))]
    drawn = DrawnBoxes("made")
    for (x, y, w, h), angle in zip(given, angles, strict=True):
        drawn.add(0, 0, (x, y, x + w, y + h), angle=angle)
    found = upright(drawn.columns(), about_corner).box
    for (x, y, w, h), angle, box in zip(given, angles, found, strict=True):
        cos, sin = math.cos(math.radians(angle)), math.sin(math.radians(angle))
        px, py = (x, y) if about_corner else (x + w / 2, y + h / 2)
        points = [(cx - px, cy - py) for cx in (x, x + w) for cy in (y, y + h)]
        turned = [(px + dx * cos - dy * sin, py + dx * sin + dy * cos) for dx, dy in points]
        np.testing.assert_allclose(
            box, [*map(min, zip(*turned, strict=True)), *map(max, zip(*turned, strict=True))], atol=1e-9
        )
    assert upright(DrawnBoxes("made").columns()).box.shape == (0, 4)


def test_a_box_around_points_needs_finite_points() -> None:
    assert around([3, 4, 1, 9, 2, 2]) == (1, 2, 3, 9)
    for points in ([], [1, 2], [1, 2, 3], [1, 2, 3, math.nan], [1, 2, math.inf, 4], [1, 2, 3, 1e9]):
        with pytest.raises(ValueError, match="wanted points"):
            around(points)


def test_a_track_twice_in_a_frame_is_refused() -> None:
    drawn = DrawnBoxes("made")
    for x in (0, 1):
        drawn.add(1, 0, (x, 0, 5, 5), track=3)
    with pytest.raises(AnnotationError, match="made: video 'v': track 3 has two boxes in frame 7"):
        table("made", "v", Frames(np.array([4, 7]), FrameNames()), drawn.columns())


def test_too_many_attributes_are_refused() -> None:
    drawn = DrawnBoxes("made")
    with pytest.raises(AnnotationError, match="made: boxes have more than 64 attributes"):
        for n in range(MAX_ATTRIBUTES + 1):
            drawn.add(0, 0, (0, 0, 1, 1), attributes={f"a{n}": 1})
