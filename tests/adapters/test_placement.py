import numpy as np
import pytest

from tests.adapters import oracles
from vidkit.adapters.placement import GREY, letterboxed, resized, stretched, unchanged


@pytest.mark.parametrize(("width", "height"), [(16, 12), (7, 5), (31, 40), (1, 1), (15, 11)])
def test_resizing_equals_the_loop(width, height):
    frame = np.random.default_rng(0).integers(0, 256, (11, 15, 3)).astype(np.uint8)
    assert (
        np.abs(resized(frame, width, height) - oracles.resized(frame, width, height)).max() < 1.001
    )  # Pillow rounds down


def test_a_frame_of_the_right_size_is_left_alone():
    frame = np.random.default_rng(0).integers(0, 256, (11, 15, 3)).astype(np.uint8)
    assert np.array_equal(unchanged(15, 11).pixels(frame), frame)
    assert np.array_equal(letterboxed(15, 11, 15, 11).pixels(frame), frame)


@pytest.mark.parametrize(("width", "height"), [(160, 128), (128, 160), (33, 500), (640, 640), (1, 700), (1279, 719)])
@pytest.mark.parametrize("place", [letterboxed, stretched])
def test_the_whole_frame_comes_back_as_the_whole_frame(place, width, height):
    placement = place(width, height, 640, 480)
    inner = [
        placement.left,
        placement.top,
        placement.left + placement.inner_width,
        placement.top + placement.inner_height,
    ]
    assert placement.back(np.array([inner], np.float32))[0] == pytest.approx([0, 0, width, height], abs=1e-3)
    assert placement.pixels(np.zeros((height, width, 3), np.uint8)).shape == (480, 640, 3)


def test_a_known_box_comes_back_the_same():
    frame = np.zeros((128, 160, 3), np.uint8)
    frame[32:96, 40:80] = 255  # the box (40, 32, 80, 96), x2 and y2 exclusive
    placement = letterboxed(160, 128, 640, 640)
    y, x = np.nonzero(placement.pixels(frame)[..., 0] > 127)  # the grey around it is darker
    box = np.array([[x.min(), y.min(), x.max() + 1, y.max() + 1]], np.float32)
    assert placement.back(box)[0].tolist() == [40, 32, 80, 96]


def test_the_frame_lies_in_the_middle_of_grey():
    pixels = letterboxed(10, 4, 20, 15).pixels(np.full((4, 10, 3), 200, np.uint8))
    rows = pixels[:, 0, 0].tolist()
    assert rows == [GREY] * 3 + [200] * 8 + [GREY] * 4  # the odd row is below
