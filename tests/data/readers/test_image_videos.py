from pathlib import Path

import pytest
from PIL import Image

from vidkit.data.index import FOLDER, IMAGE
from vidkit.data.readers.image_videos import files_of, images_below, natural, size_of, videos_of
from vidkit.errors import AnnotationError


def frames(*paths: str, tracked: bool = False) -> list[tuple[str, list[str], tuple[int, ...]]]:
    return [(v.name, [paths[i] for i in v.images], v.numbers) for v in videos_of(paths, "set", tracked)]


def test_images_numbered_alike_are_a_video() -> None:
    assert frames("a/c_02.jpg", "a/c_01.jpg", "a/d_1.jpg", "a/d_10.jpg", "a/d_2.png", "a/d_3.jpg") == [
        ("a/c", ["a/c_01.jpg", "a/c_02.jpg"], (1, 2)),
        ("a/d", ["a/d_1.jpg", "a/d_2.png", "a/d_3.jpg", "a/d_10.jpg"], (1, 2, 3, 10)),
    ]


def test_a_folder_gives_its_name_where_nothing_stands_before_the_number() -> None:
    assert [name for name, *_ in frames("x/000005.jpg", "x/000010.jpg", "0.jpg", "1.jpg")] == ["set", "x"]
    assert [name for name, *_ in frames("y/frame_1.jpg", "y/frame_2.jpg", "img-1.jpg", "img-2.jpg")] == ["set", "y"]


@pytest.mark.parametrize(
    "paths",
    [
        ("000139.jpg", "000285.jpg", "000632.jpg", "000724.jpg", "000776.jpg", "000785.jpg"),  # all over the place
        ("a_1.jpg", "a_01.jpg"),  # the same number twice
        ("a_1.jpg", "a_002.jpg"),  # written unlike
        ("dog.jpg", "cat.jpg"),
        ("a1.jpg", "b1.jpg"),
    ],
)
def test_other_images_are_stills(paths: tuple[str, ...]) -> None:
    assert sorted(frames(*paths)) == sorted((path[:-4], [path], (0,)) for path in paths)


def test_what_roboflow_adds_to_a_name_doesnt_count() -> None:
    paths = [f"c_{n:04d}_jpg.rf.{hash_}.jpg" for n, hash_ in ((1, "ff00aa3399"), (2, "0123456789"), (3, "abcdef0001"))]
    assert frames(*paths) == [("c", paths, (1, 2, 3))]


def test_tracked_images_are_frames_whatever_their_numbers() -> None:
    assert frames("000139.jpg", "000285.jpg", "000999.jpg", tracked=True)[0][2] == (139, 285, 999)
    paths = ["b/y9.jpg", "b/x.jpg", "b/y10.jpg"]
    assert frames(*paths, tracked=True) == [("b", paths, (0, 1, 2))]
    assert sorted(["10", "9", "b2", "b10", "a"], key=natural) == ["9", "10", "a", "b2", "b10"]


def test_files_are_a_folder_or_a_still() -> None:
    files = files_of((2, 0), ["a/2.jpg", "", "a/1.jpg"])
    assert (files.kind, files.source, files.name) == (FOLDER, "a", ("1.jpg", "2.jpg"))
    assert files_of((2, 0), ["", "", "1.jpg"]).name == ("1.jpg", "")
    assert files_of((2, 0), ["", "", ""]).kind == ""
    assert files_of((1,), ["", "b/x.jpg"]).kind == IMAGE


def test_sizes_come_from_headers(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    Image.new("L", (30, 20)).save(tmp_path / "in" / "a.PNG")
    (tmp_path / "bad.jpg").write_bytes(b"\xff\xd8\xff")
    assert images_below(tmp_path) == {"bad": "bad.jpg", "in/a": "in/a.PNG"}
    assert size_of(tmp_path / "in" / "a.PNG") == (30, 20)
    for name in ("bad.jpg", "none.jpg", "in"):
        with pytest.raises(AnnotationError, match="not an image whose size can be told"):
            size_of(tmp_path / name)
