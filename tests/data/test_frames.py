"""Frames: every kind of source gives the same pixels; what is damaged or hostile is refused by name."""

import json
import pickle
import sys
import tarfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.makers import make_classes
from vidkit.data.frames import Frame, frame, frames_of, has_frames, read_image
from vidkit.data.index import FrameFiles, Index
from vidkit.errors import FrameError

WIDTH, HEIGHT = 32, 24


def pictures(n: int, seed: int = 0) -> list[Frame]:
    rng = np.random.default_rng(seed)
    return [rng.integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8) for _ in range(n)]


def an_index(files: FrameFiles | None, numbers: Sequence[int] = (0, 1, 2), size: tuple[int, int] = (0, 0)) -> Index:
    """One video without objects."""
    f = len(numbers)
    return Index(
        dataset="made",
        split="val",
        classes=make_classes(1),
        video_name=("clip",),
        video_size=np.array([size], np.int32),
        frame_start=np.array([0, f], np.int64),
        frame_number=np.array(numbers, np.int32),
        instance_start=np.zeros(f + 1, np.int64),
        box=np.zeros((0, 4), np.float32),
        class_id=np.zeros(0, np.int16),
        track_id=np.zeros(0, np.int32),
        occluded=np.zeros(0, bool),
        generated=np.zeros(0, bool),
        files=files,
    )


def folder(root: Path, pattern: str = "{:06d}.png", source: str = "clip") -> FrameFiles:
    return FrameFiles(str(root), ("folder",), (source,), (pattern,))


def still(root: Path, name: str = "a.png") -> FrameFiles:
    return FrameFiles(str(root), ("image",), (name,), ("",))


def one(root: Path, name: str, size: tuple[int, int] = (0, 0)) -> Frame:
    return frame(an_index(still(root, name), (0,), size), 0)


def write_folder(root: Path, images: Sequence[Frame]) -> None:
    (root / "clip").mkdir()
    for number, image in enumerate(images):
        Image.fromarray(image).save(root / "clip" / f"{number:06d}.png")


def write_video(path: Path, images: Sequence[Frame]) -> None:
    """H.264 with B-frames and several keyframes, so that storing order isn't showing order."""
    import av

    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"g": "5", "bf": "2", "crf": "1"})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for image in images:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode())


def levels(n: int) -> list[Frame]:
    """Frames that are told apart by their grey level after a lossy codec."""
    return [np.full((HEIGHT, WIDTH, 3), 10 * i, np.uint8) for i in range(n)]


# -- the kinds of source -----------------------------------------------------------------------------------------------


def test_a_folder_gives_its_frames_in_the_order_of_the_index(tmp_path: Path) -> None:
    images = pictures(5)
    write_folder(tmp_path, images)
    index = an_index(folder(tmp_path), (0, 2, 3), (WIDTH, HEIGHT))
    got = list(frames_of(index, 0))
    assert [np.array_equal(a, images[n]) for a, n in zip(got, (0, 2, 3), strict=True)] == [True] * 3
    assert np.array_equal(frame(index, 1), images[2])
    assert got[0].dtype == np.uint8
    assert got[0].flags.writeable


def test_names_one_by_one_serve_where_no_pattern_fits(tmp_path: Path) -> None:
    images = pictures(2)
    for name, image in zip(("left.png", "right.png"), images, strict=True):
        Image.fromarray(image).save(tmp_path / name)
    index = an_index(FrameFiles(str(tmp_path), ("folder",), (".",), ("",), name=("left.png", "right.png")), (0, 1))
    assert all(np.array_equal(a, b) for a, b in zip(frames_of(index, 0), images, strict=True))


def test_a_tar_is_read_by_offset(tmp_path: Path) -> None:
    images = pictures(3)
    write_folder(tmp_path, images)
    with tarfile.open(tmp_path / "clip.tar", "w") as tar:
        tar.add(tmp_path / "clip", "clip")
    with tarfile.open(tmp_path / "clip.tar") as tar:
        members = [tar.getmember(f"clip/{n:06d}.png") for n in range(3)]
    files = FrameFiles(
        str(tmp_path),
        ("tar",),
        ("clip.tar",),
        ("",),
        offset=np.array([m.offset_data for m in members], np.int64),
        size=np.array([m.size for m in members], np.int64),
    )
    index = an_index(files, (0, 1, 2), (WIDTH, HEIGHT))
    assert all(np.array_equal(a, b) for a, b in zip(frames_of(index, 0), images, strict=True))


@pytest.mark.parametrize(("offset", "size"), [(-1, 10), (0, 10**15), (10**15, 5), (5, 0), (2**62, 2**62)])
def test_an_offset_outside_the_tar_is_refused(tmp_path: Path, offset: int, size: int) -> None:
    (tmp_path / "clip.tar").write_bytes(bytes(1024))
    files = FrameFiles(
        str(tmp_path), ("tar",), ("clip.tar",), ("",), None, np.array([offset], np.int64), np.array([size], np.int64)
    )
    with pytest.raises(FrameError, match=r"clip\.tar"):
        frame(an_index(files, (0,)), 0)


def test_a_video_file_gives_the_numbered_frames_in_a_row_and_one_by_one(tmp_path: Path) -> None:
    pytest.importorskip("av")
    write_video(tmp_path / "clip.mp4", levels(23))
    numbers = (0, 3, 4, 9, 17, 22)
    index = an_index(FrameFiles(str(tmp_path), ("video",), ("clip.mp4",), ("",)), numbers, (WIDTH, HEIGHT))
    in_a_row = list(frames_of(index, 0))
    assert [round(float(a.mean()) / 10) for a in in_a_row] == list(numbers)
    for row, expected in enumerate(in_a_row):
        assert np.array_equal(frame(index, row), expected)


def test_a_video_file_that_is_too_short_says_how_many_frames_it_has(tmp_path: Path) -> None:
    pytest.importorskip("av")
    write_video(tmp_path / "clip.mp4", levels(4))
    index = an_index(FrameFiles(str(tmp_path), ("video",), ("clip.mp4",), ("",)), (2, 7))
    with pytest.raises(FrameError, match="has 4 frames, the index wants number 7"):
        list(frames_of(index, 0))
    with pytest.raises(FrameError, match="has 4 frames, the index wants number 7"):
        frame(index, 1)


def test_without_pyav_the_error_tells_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    (tmp_path / "clip.mp4").touch()
    index = an_index(FrameFiles(str(tmp_path), ("video",), ("clip.mp4",), ("",)))
    with pytest.raises(FrameError, match="pip install av"):
        list(frames_of(index, 0))


@pytest.mark.parametrize("content", [b"", b"no video", b"#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:9/x.ts\n"])
def test_what_is_no_video_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    pytest.importorskip("av")
    (tmp_path / "clip.mp4").write_bytes(content)
    index = an_index(FrameFiles(str(tmp_path), ("video",), ("clip.mp4",), ("",)))
    with pytest.raises(FrameError, match=r"clip\.mp4"):
        list(frames_of(index, 0))


def test_a_truncated_video_file_is_refused_by_name(tmp_path: Path) -> None:
    pytest.importorskip("av")
    write_video(tmp_path / "clip.mp4", pictures(8))
    whole = (tmp_path / "clip.mp4").read_bytes()
    (tmp_path / "clip.mp4").write_bytes(whole[: len(whole) // 2])
    index = an_index(FrameFiles(str(tmp_path), ("video",), ("clip.mp4",), ("",)), range(8))
    with pytest.raises(FrameError, match=r"clip\.mp4"):
        list(frames_of(index, 0))


def test_another_root_takes_the_place_of_the_stated_one(tmp_path: Path) -> None:
    images = pictures(3)
    write_folder(tmp_path, images)
    index = an_index(folder(Path("gone")))
    assert np.array_equal(frame(index, 0, root=tmp_path), images[0])
    with pytest.raises(FrameError, match="was the data moved"):
        frame(index, 0)


def test_reading_is_lazy(tmp_path: Path) -> None:
    write_folder(tmp_path, pictures(1))
    frames = frames_of(an_index(folder(tmp_path)), 0)
    next(frames)
    with pytest.raises(FrameError, match=r"000001\.png"):
        next(frames)


def test_an_index_with_frames_goes_to_another_process(tmp_path: Path) -> None:
    images = pictures(3)
    write_folder(tmp_path, images)
    files = pickle.loads(pickle.dumps(folder(tmp_path)))
    assert np.array_equal(frame(an_index(files), 2), images[2])


# -- kinds of image ----------------------------------------------------------------------------------------------------


def test_grey_gets_three_equal_channels(tmp_path: Path) -> None:
    grey = pictures(1)[0][..., 0]
    Image.fromarray(grey).save(tmp_path / "a.png")
    assert np.array_equal(one(tmp_path, "a.png"), np.repeat(grey[..., None], 3, 2))


def test_16_bit_grey_keeps_its_upper_bits(tmp_path: Path) -> None:
    deep = np.arange(HEIGHT * WIDTH, dtype=np.uint16).reshape(HEIGHT, WIDTH) * 85
    Image.fromarray(deep).save(tmp_path / "a.png")
    assert np.array_equal(one(tmp_path, "a.png")[..., 1], (deep >> 8).astype(np.uint8))


def test_cmyk_becomes_rgb(tmp_path: Path) -> None:
    Image.new("CMYK", (WIDTH, HEIGHT), (0, 255, 255, 0)).save(tmp_path / "a.jpg")
    red = one(tmp_path, "a.jpg").mean(axis=(0, 1))
    assert red[0] > 200
    assert red[1:].max() < 60


def test_a_palette_with_transparency_becomes_rgb_without_a_warning(tmp_path: Path) -> None:
    image = Image.fromarray(pictures(1)[0]).quantize(8)
    image.save(tmp_path / "a.png", transparency=bytes(range(8)))
    assert np.array_equal(one(tmp_path, "a.png"), np.array(image.convert("RGB")))


def test_exif_orientation_is_ignored(tmp_path: Path) -> None:
    image = Image.fromarray(pictures(1)[0])
    exif = Image.Exif()
    exif[0x0112] = 6  # "rotate by 90 degrees to show"
    image.save(tmp_path / "a.jpg", exif=exif)
    assert one(tmp_path, "a.jpg").shape == (HEIGHT, WIDTH, 3)


def test_a_scaled_decode_is_never_smaller_than_wanted(tmp_path: Path) -> None:
    Image.new("RGB", (640, 480), (200, 10, 10)).save(tmp_path / "a.jpg")
    index = an_index(still(tmp_path, "a.jpg"), (0,), (640, 480))
    assert frame(index, 0, at_least=(160, 120)).shape == (120, 160, 3)
    assert frame(index, 0, at_least=(161, 120)).shape == (240, 320, 3)
    assert frame(index, 0, at_least=(2000, 2000)).shape == (480, 640, 3)


# -- what is refused ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("share", [0.0, 0.02, 0.5, 0.99])
@pytest.mark.parametrize("suffix", ["jpg", "png"])
def test_a_truncated_image_is_refused_by_name(tmp_path: Path, share: float, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    Image.fromarray(pictures(1)[0]).save(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(FrameError, match=path.name):
        one(tmp_path, path.name)


def test_random_damage_never_raises_anything_but_frame_error(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for suffix in ("jpg", "png"):
        path = tmp_path / f"a.{suffix}"
        Image.fromarray(pictures(1)[0]).save(path)
        whole = np.frombuffer(path.read_bytes(), np.uint8)
        for _ in range(100):
            damaged = whole.copy()
            damaged[rng.integers(len(whole), size=5)] = rng.integers(256, size=5)
            path.write_bytes(damaged.tobytes())
            try:
                one(tmp_path, path.name, (WIDTH, HEIGHT))
            except FrameError as error:
                assert path.name in str(error)


def test_formats_beyond_plain_images_are_not_opened(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_text("%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n")
    with pytest.raises(FrameError, match="wanted an image"):
        one(tmp_path, "a.jpg")


def test_a_size_other_than_the_indexs_is_refused(tmp_path: Path) -> None:
    write_folder(tmp_path, pictures(3))
    with pytest.raises(FrameError, match=r"32x24 pixels, the index says 31x24"):
        frame(an_index(folder(tmp_path), size=(31, 24)), 0)


def test_a_decompression_bomb_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_folder(tmp_path, pictures(3))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", WIDTH * HEIGHT // 3)
    with pytest.raises(FrameError, match="decompression bomb"):
        frame(an_index(folder(tmp_path)), 0)


@pytest.mark.parametrize("source", ["../secret", "/etc", "clip/../../secret", "clip\0"])
def test_a_source_outside_the_root_is_refused(tmp_path: Path, source: str) -> None:
    with pytest.raises(FrameError, match="outside its root"):
        frame(an_index(folder(tmp_path, source=source)), 0)


def test_a_name_outside_the_root_is_refused(tmp_path: Path) -> None:
    files = FrameFiles(str(tmp_path), ("folder",), ("clip",), ("",), name=("../../secret.png",))
    with pytest.raises(FrameError, match="outside its root"):
        frame(an_index(files, (0,)), 0)


@pytest.mark.parametrize("pattern", ["{}{}", "{0.__class__}", "{:999999999d}", "{:06d}{:06d}", "{name}", "{:{}}", "}{"])
def test_a_pattern_with_more_than_a_number_in_it_is_refused(tmp_path: Path, pattern: str) -> None:
    with pytest.raises(FrameError, match="frame pattern"):
        frame(an_index(folder(tmp_path, pattern)), 0)


def test_a_pattern_that_climbs_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FrameError, match="outside its root"):
        frame(an_index(folder(tmp_path, "../../{:06d}.png")), 0)


def test_an_index_without_frames_says_so(tmp_path: Path) -> None:
    with pytest.raises(FrameError, match="where its frames are"):
        frames_of(an_index(None), 0)
    unknown = an_index(FrameFiles(str(tmp_path), ("",), ("",), ("",)))
    assert not has_frames(unknown, 0)
    with pytest.raises(FrameError, match="no known frames"):
        frames_of(unknown, 0)


# -- real data ---------------------------------------------------------------------------------------------------------


def test_drone_clips_have_the_frames_that_their_annotations_count(shared_data: Path) -> None:
    pytest.importorskip("av")
    drone = shared_data / "drone"
    clips = json.loads((drone / "val.json").read_text())["videos"]
    for clip in clips[::5]:
        files = FrameFiles(str(drone), ("video",), (clip["file"],), ("",))
        size = (clip["width"], clip["height"])
        index = an_index(files, range(clip["length"]), size)
        some = [0, 1, clip["length"] // 2, clip["length"] - 1]
        kept = {i: image for i, image in enumerate(frames_of(index, 0)) if i in some}
        assert all(np.array_equal(frame(index, i), kept[i]) for i in some)
        with pytest.raises(FrameError, match=f"has {clip['length']} frames"):
            list(frames_of(an_index(files, [clip["length"]], size), 0))


def test_ilsvrc_jpegs_are_read_in_full_and_scaled(shared_data: Path) -> None:
    source = "Data/VID/train/ILSVRC2015_VID_train_0000/ILSVRC2015_train_00001000"
    index = an_index(folder(shared_data / "ilsvrc", "{:06d}.JPEG", source), range(48), (1280, 720))
    assert sum(1 for _ in frames_of(index, 0)) == 48
    assert frame(index, 47, at_least=(300, 200)).shape == (360, 640, 3)


def test_images_of_too_many_pixels_are_refused_before_they_are_decoded(tmp_path: Path) -> None:
    Image.new("1", (13_000, 13_000)).save(tmp_path / "big.png")
    with pytest.raises(FrameError, match=r"big\.png: 13000x13000 pixels; at most 100,000,000 in all are read"):
        read_image(tmp_path / "big.png")
    Image.new("L", (30, 20)).save(tmp_path / "small.png")
    assert read_image(tmp_path / "small.png", most_pixels=600).shape == (20, 30, 3)
    with pytest.raises(FrameError, match="30x20 pixels; at most 599"):
        read_image(tmp_path / "small.png", most_pixels=599)
