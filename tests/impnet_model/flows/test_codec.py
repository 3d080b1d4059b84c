"""Motion vectors of films that the test makes: a texture that moves by (4, 2) pixels a frame, with and without B."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch

from impnet_model.flows.codec import BLOCK, CodecSteps, filled, painted, reversed_way
from impnet_model.flows.memory import FlowMemory
from tests.impnet_model.flows.test_kinds import blurred_noise
from vidkit.data.footage import frames_of
from vidkit.errors import FrameError

av = pytest.importorskip("av")
STEP = (4, 2)
VECTOR = np.dtype(
    [(name, "<i4") for name in ("source", "w", "h", "dst_x", "dst_y", "motion_x", "motion_y", "motion_scale")]
)


def film(path: Path, n: int, b_frames: int) -> Path:
    ground = blurred_noise(256, 320)
    with av.open(str(path), "w") as container:
        options = {
            "crf": "12",
            "g": "8",
            "bf": str(b_frames),
            "refs": "1",
            "x264-params": "b-adapt=0:b-pyramid=none:scenecut=0",
        }
        stream = container.add_stream("libx264", rate=25, options=options)
        stream.height, stream.width, stream.pix_fmt = 128, 192, "yuv420p"
        for t in range(n):
            y, x = 60 - STEP[1] * t, 80 - STEP[0] * t
            picture = np.repeat(ground[y : y + 128, x : x + 192, None], 3, axis=2)
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = t, Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


@pytest.mark.parametrize("b_frames", [0, 2])
def test_vectors_lead_where_the_texture_went(tmp_path: Path, b_frames: int) -> None:
    memory = FlowMemory(CodecSteps())
    kinds = ""
    for frame in frames_of(film(tmp_path / "film.mp4", 12, b_frames)):
        memory.see(frame)
        kinds += frame.kind  # type: ignore[attr-defined]
    assert ("B" in kinds) == (b_frames > 0) and kinds.count("I") == 2
    for current, other in ((4, 3), (6, 5), (8, 7), (5, 6), (11, 6), (6, 11)):
        middle = memory.between(current, other)[0, :, 4:-4, 4:-4].reshape(2, -1) * BLOCK
        wanted = np.array(STEP) * (other - current)
        assert np.abs(np.median(middle.numpy(), axis=1) - wanted).max() < 0.25 * abs(other - current) + 0.25


def test_frames_that_are_of_no_film_are_refused() -> None:
    with pytest.raises(FrameError, match="frame 0: no frame of a film file"):
        CodecSteps().see(np.zeros((16, 16, 3), np.uint8))


def vectors(*rows: tuple[int, ...]) -> np.ndarray:
    return np.array([(*row, 4) for row in rows], VECTOR)


def test_blocks_are_painted_in_cells_a_frame_apart() -> None:
    """A block of 16 pixels two frames after its reference, one of 8 with a reference after it; the rest is filled."""
    told = vectors((-1, 16, 16, 8, 8, 64, -32), (1, 8, 8, 28, 4, -16, 0), (-1, 16, 16, 8, 40, 0, 0))
    found = painted(told, 6, 4, (2, 2), np.array([8, 8]))
    assert found is not None
    assert found.shape == (1, 2, 6, 4)
    np.testing.assert_allclose(found[0, :, :2, :2].numpy(), np.array([1.0, -0.5])[:, None, None] * np.ones((2, 2, 2)))
    assert found[0, :, 0, 3].tolist() == [0.25, 0]
    assert torch.isfinite(found).all()
    assert found[0, 0, 0, 2] == pytest.approx((1 + 1 + 0.25) / 3)  # three neighbours are known


def test_a_reference_after_that_is_nowhere_known_is_not_used() -> None:
    assert painted(vectors((1, 8, 8, 28, 4, -16, 0)), 6, 4, (2, None), np.array([8, 8])) is None


def test_where_nothing_is_known_nothing_is_made_up() -> None:
    way = torch.zeros(1, 2, 3, 4)
    assert torch.equal(filled(way, torch.zeros(1, 1, 3, 4)), way)
    assert torch.equal(filled(way + 1, torch.ones(1, 1, 3, 4)), way + 1)


def test_a_constant_way_is_reversed_to_its_negative() -> None:
    way = torch.tensor([0.7, -1.2]).view(1, 2, 1, 1).expand(1, 2, 6, 8)
    torch.testing.assert_close(reversed_way(way), -way)
