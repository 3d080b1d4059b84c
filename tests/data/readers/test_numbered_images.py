from pathlib import Path

import pytest

from vidkit.data.index import FOLDER
from vidkit.data.readers.numbered_images import (
    NO_IMAGE,
    NO_IMAGES,
    NumberedImages,
    numbered_frames,
    numbered_images,
)


def touch(folder: Path, *names: str) -> None:
    folder.mkdir(parents=True)
    for name in names:
        (folder / name).touch()


def test_the_first_folder_with_images_is_taken(tmp_path: Path) -> None:
    touch(tmp_path / "a", "readme.txt", "thumbs.db")
    touch(tmp_path / "b" / "seq", "img000002.jpg", "img000001.JPG", "cover.jpg", "9999999.jpg", "3.txt")
    touch(tmp_path / "c", "1.png")
    images = numbered_images(tmp_path, ["none", "a", "b/seq", "c"])
    assert (images.folder, images.name) == ("b/seq", {1: "img000001.JPG", 2: "img000002.jpg"})


def test_of_two_images_of_one_number_the_first_by_name_is_taken(tmp_path: Path) -> None:
    touch(tmp_path / "a", "x1.png", "x1.jpg", "x01.jpg")
    assert numbered_images(tmp_path, ["a"]).name == {1: "x01.jpg"}


def test_frames_go_to_the_last_image_and_count_from_0() -> None:
    frames = numbered_frames(1, 2, NumberedImages("s", {1: "1.jpg", 2: "2.jpg", 3: "3.jpg"}))
    assert (frames.number.tolist(), frames.called.number) == ([0, 1, 2], (1, 2, 3))
    assert (frames.files.kind, frames.files.source, frames.files.name) == (FOLDER, "s", ("1.jpg", "2.jpg", "3.jpg"))
    assert frames.called.path == ("s/1.jpg", "s/2.jpg", "s/3.jpg")
    assert frames.counts == {NO_IMAGE: 0}


def test_missing_images_are_counted() -> None:
    frames = numbered_frames(1, 4, NumberedImages("s", {2: "2.jpg"}))
    assert (frames.files.name, frames.called.path) == (("", "2.jpg", "", ""), None)
    assert frames.counts == {NO_IMAGE: 3}


@pytest.mark.parametrize(("first", "last", "numbers"), [(0, 2, (0, 1, 2)), (1, 2, (1, 2)), (1, 0, ()), (0, -1, ())])
def test_without_images_the_last_annotation_ends_the_video_which_is_told(
    first: int, last: int, numbers: tuple[int, ...]
) -> None:
    frames = numbered_frames(first, last, NumberedImages())
    assert frames.called.number == numbers
    assert (frames.files.kind, frames.counts) == ("", {NO_IMAGES: 1})
