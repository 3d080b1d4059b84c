"""The kinds of flow by name: what they see of a texture that moves, and what is said of a wrong name."""

import numpy as np
import pytest

from impnet_model.flows.kinds import steps_of
from impnet_model.flows.memory import FlowMemory
from vidkit.errors import DetectorError, MissingLibraryError

Frame = np.ndarray
STEP = (3, 2)
"""Pixels that the texture moves in a frame, x first."""


def blurred_noise(height: int, width: int) -> np.ndarray:
    """Grey levels `(height, width)` uint8 with something to follow."""
    ground = np.random.default_rng(0).integers(0, 256, (height, width)).astype(float)
    for _ in range(3):
        ground = sum(np.roll(ground, (i, j), (0, 1)) for i in (-1, 0, 1) for j in (-1, 0, 1)) / 9
    return np.asarray((ground - ground.min()) / np.ptp(ground) * 255, np.uint8)


def moving_texture(n: int) -> list[Frame]:
    grey = blurred_noise(180, 220)
    return [np.repeat(grey[40 - STEP[1] * t :, 40 - STEP[0] * t :][:120, :160, None], 3, axis=2) for t in range(n)]


def still_flow(current: Frame, other: Frame) -> np.ndarray:
    return np.zeros((*current.shape[:2], 2))


@pytest.mark.parametrize("kind", ["farneback", "dis"])
@pytest.mark.parametrize(("current", "other"), [(0, 1), (1, 0), (0, 6), (6, 0)])
def test_a_moving_texture_is_followed(kind: str, current: int, other: int) -> None:
    pytest.importorskip("cv2")
    memory = FlowMemory(steps_of(kind, 256)())
    for frame in moving_texture(7):
        memory.see(frame)
    middle = memory.between(current, other)[0, :, 40:80, 50:110].numpy()
    wanted = np.array(STEP)[:, None] * (other - current)
    assert np.abs(np.median(middle.reshape(2, -1), axis=1) - wanted[:, 0]).max() < 0.5


@pytest.mark.parametrize("kind", ["zero", "tests.impnet_model.flows.test_kinds:still_flow"])
def test_nothing_moves(kind: str) -> None:
    memory = FlowMemory(steps_of(kind, 256)())
    for frame in moving_texture(3):
        memory.see(frame)
    assert memory.between(0, 2).shape == (1, 2, 120, 160)
    assert not memory.between(0, 2).any()


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("farnebak", "did you mean 'farneback'"),
        ("nowhere:flow", "can't be imported"),
        ("tests.impnet_model.flows.test_kinds:nothing", "can't be imported"),
        ("tests.impnet_model.flows.test_kinds:STEP", "a tuple was found where a function was wanted"),
    ],
)
def test_a_wrong_name_is_told(kind: str, said: str) -> None:
    with pytest.raises(DetectorError, match=said):
        steps_of(kind, 256)


def test_raft_says_what_it_needs() -> None:
    try:
        import torchvision  # noqa: F401
    except ImportError:
        with pytest.raises(MissingLibraryError, match="needs torchvision"):
            steps_of("raft", 256)
    else:
        pytest.skip("torchvision is here; its weights would be fetched")


def test_frames_of_a_few_pixels_show_no_motion() -> None:
    with pytest.raises(DetectorError, match="flow_side"):
        steps_of("zero", 8)
