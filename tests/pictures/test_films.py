"""Films: whole or not at all, in a form that browsers play."""

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from vidkit.errors import VidkitError
from vidkit.pictures.films import write_movie


def greys(n: int, height: int = 48, width: int = 64) -> list[NDArray[np.uint8]]:
    return [np.full((height, width, 3), 20 * i, np.uint8) for i in range(n)]


def test_an_mp4_is_h264_that_browsers_play_from_its_begin(tmp_path: Path) -> None:
    av = pytest.importorskip("av")
    assert write_movie(tmp_path / "a.mp4", iter(greys(7)), fps=12.5) == 7
    with av.open(str(tmp_path / "a.mp4")) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("h264", "yuv420p")
        assert float(stream.average_rate) == 12.5
        levels = [frame.to_ndarray(format="rgb24").mean() for frame in container.decode(stream)]
    assert np.allclose(levels, np.arange(7) * 20, atol=3)
    content = (tmp_path / "a.mp4").read_bytes()
    assert content.index(b"moov") < content.index(b"mdat")


def test_odd_sides_are_made_even(tmp_path: Path) -> None:
    av = pytest.importorskip("av")
    write_movie(tmp_path / "a.mp4", greys(2, height=47, width=63))
    with av.open(str(tmp_path / "a.mp4")) as container:
        assert (container.streams.video[0].width, container.streams.video[0].height) == (64, 48)


def test_a_webp_needs_no_pyav(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    write_movie(tmp_path / "a.webp", greys(5), fps=20)
    with Image.open(tmp_path / "a.webp") as image:
        assert (image.n_frames, image.size) == (5, (64, 48))  # type: ignore[attr-defined]
    with pytest.raises(VidkitError, match=r"vidkit-vod\[video\]'; or name the file \.webp"):
        write_movie(tmp_path / "a.mp4", greys(5))


@pytest.mark.parametrize("suffix", [".mp4", ".webp"])
def test_a_film_that_breaks_off_leaves_no_file(tmp_path: Path, suffix: str) -> None:
    if suffix == ".mp4":
        pytest.importorskip("av")

    def broken() -> Iterator[NDArray[np.uint8]]:
        yield from greys(3)
        raise VidkitError("no more")

    with pytest.raises(VidkitError, match="no more"):
        write_movie(tmp_path / f"a{suffix}", broken())
    with pytest.raises(VidkitError, match="no frames"):
        write_movie(tmp_path / f"a{suffix}", [])
    assert list(tmp_path.iterdir()) == []


def test_other_suffixes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(VidkitError, match=r"\.avi"):
        write_movie(tmp_path / "a.avi", greys(1))
