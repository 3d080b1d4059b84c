"""Films as people have them: odd sizes, uneven times, turned, cut short, empty; folders of images."""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vidkit.data.footage import Footage, footage_of, frames_of
from vidkit.errors import FrameError

av = pytest.importorskip("av")


def film(
    path: Path, n: int = 12, size: tuple[int, int] = (48, 64), time: Callable[[int], int] = int, turned: int = 0
) -> Path:
    """A film of noise, its upper left corner red; `time` gives the time stamp of each frame, in 25ths of a second."""
    noise = np.random.default_rng(0)
    with av.open(str(path), "w", options={"movflags": "+faststart"}) as container:
        codec = "libx264" if not (size[0] % 2 or size[1] % 2) else "ffv1"
        stream = container.add_stream(codec, rate=25)
        stream.pix_fmt = "yuv420p" if codec == "libx264" else "yuv444p"
        stream.height, stream.width = size
        stream.time_base = Fraction(1, 25)
        if turned:
            stream.set_display_rotation(turned)
        for t in range(n):
            picture = noise.integers(0, 255, (*size, 3)).astype(np.uint8)
            picture[:16, :16] = (255, 0, 0)
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = time(t), Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def red_corner(frame: np.ndarray) -> tuple[str, str]:
    """Where the red corner is."""
    height, width = frame.shape[:2]
    for i, row in ((4, "upper"), (height - 5, "lower")):
        for j, side in ((4, "left"), (width - 5, "right")):
            red, green, blue = frame[i, j].astype(int)
            if red > 150 and green < 100 and blue < 100:
                return row, side
    return "", ""


def test_a_film_tells_its_rate_and_its_frames(tmp_path: Path) -> None:
    found = Footage(str(film(tmp_path / "a.mp4")))
    assert (found.name, found.rate(), found.promised(), found.is_camera) == ("a", 25.0, 12, False)
    frames = [*found.frames()]
    assert [frame.shape for frame in frames] == [(48, 64, 3)] * 12
    assert red_corner(frames[0]) == ("upper", "left")


def test_odd_sizes_stay_odd(tmp_path: Path) -> None:
    assert [frame.shape for frame in frames_of(film(tmp_path / "odd.mkv", 3, (47, 61)))] == [(47, 61, 3)] * 3


def test_a_variable_rate_is_told_as_its_mean_and_no_frame_is_doubled_or_lost(tmp_path: Path) -> None:
    found = Footage(str(film(tmp_path / "uneven.mp4", time=lambda t: t + 4 * (t // 3))))
    assert found.rate() == pytest.approx(25 * 12 / 24, rel=0.1)
    assert len([*found.frames()]) == 12


def test_a_film_that_begins_late_has_all_its_frames(tmp_path: Path) -> None:
    assert len([*frames_of(film(tmp_path / "late.mp4", time=lambda t: t + 60))]) == 12


@pytest.mark.parametrize(
    ("turned", "corner", "shape"),
    [
        (90, ("lower", "left"), (64, 48, 3)),
        (180, ("lower", "right"), (48, 64, 3)),
        (-90, ("upper", "right"), (64, 48, 3)),
    ],
)
def test_what_is_to_be_turned_is_turned(
    tmp_path: Path, turned: int, corner: tuple[str, str], shape: tuple[int, int, int]
) -> None:
    frames = [*frames_of(film(tmp_path / "turned.mp4", 2, turned=turned))]
    assert [frame.shape for frame in frames] == [shape] * 2
    assert red_corner(frames[0]) == corner


def test_a_film_that_was_cut_short_gives_what_is_there_and_then_says_so(tmp_path: Path) -> None:
    whole = film(tmp_path / "whole.mp4", 40).read_bytes()
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(whole[: len(whole) * 2 // 3])
    frames = frames_of(cut)
    first = [next(frames) for _ in range(10)]
    assert len(first) == 10
    with pytest.raises(FrameError, match=r"cut\.mp4: (broken after|cut short, ).* frames.* --limit"):
        list(frames)


@pytest.mark.parametrize(
    ("content", "said"), [(b"", "wanted a video"), (b"hello", "wanted a video"), (None, "no such file; wanted a video")]
)
def test_what_is_no_film(tmp_path: Path, content: bytes | None, said: str) -> None:
    if content is not None:
        (tmp_path / "no.mp4").write_bytes(content)
    with pytest.raises(FrameError, match=said):
        [*frames_of(tmp_path / "no.mp4")]


def test_a_film_without_video_or_without_a_frame(tmp_path: Path) -> None:
    silent = tmp_path / "sound.mp4"
    with av.open(str(silent), "w") as container:
        stream = container.add_stream("aac", rate=8000)
        sound = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        sound.sample_rate = 8000
        container.mux([*stream.encode(sound), *stream.encode()])
    with pytest.raises(FrameError, match="no video in it"):
        [*frames_of(silent)]
    empty = tmp_path / "empty.avi"
    with av.open(str(empty), "w") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.height, stream.width, stream.pix_fmt = 48, 64, "yuv420p"
        container.start_encoding()
    with pytest.raises(FrameError, match=r"no frame in it|a video that can be decoded"):
        [*frames_of(empty)]


def test_of_a_folder_its_films_or_else_its_images(tmp_path: Path) -> None:
    for name in ("b.png", "a.png", "c.txt"):
        Image.new("RGB", (8, 6), (int(name[0] == "a") * 255, 0, 0)).save(tmp_path / name, format="png")
    (images,) = footage_of([str(tmp_path)])
    assert (images.name, images.promised(), images.rate()) == (tmp_path.name, 2, None)
    assert [int(frame[0, 0, 0]) for frame in images.frames()] == [255, 0]
    film(tmp_path / "z.mp4", 1)
    film(tmp_path / "y.mkv", 1)
    assert [each.name for each in footage_of([str(tmp_path), "camera:/dev/video7"])] == ["y", "z", "camera"]
    (tmp_path / "nothing").mkdir()
    with pytest.raises(FrameError, match="neither films"):
        footage_of([str(tmp_path / "nothing")])
