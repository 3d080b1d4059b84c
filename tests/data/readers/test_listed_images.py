import pytest

from vidkit.data.index import FOLDER
from vidkit.data.readers.listed_images import ListedImage, by_number, folder_of, listed_frames, numbers_in
from vidkit.errors import AnnotationError


def image(number: int, path: str, **fields: object) -> ListedImage:
    return ListedImage(f"images[{number}]", number, path, **fields)  # type: ignore[arg-type]


def test_images_of_one_folder() -> None:
    frames = listed_frames([image(0, "a/b/1.jpg", written=1, id="x"), image(4, "a/b/5.jpg", written=5, id="y")])
    assert (frames.number.tolist(), frames.called.number, frames.called.id) == ([0, 4], (1, 5), ("x", "y"))
    assert frames.called.path == ("a/b/1.jpg", "a/b/5.jpg")
    assert (frames.files.kind, frames.files.source, frames.files.name) == (FOLDER, "a/b", ("1.jpg", "5.jpg"))


def test_images_of_several_folders_or_none() -> None:
    for paths in (("a/1.jpg", "b/2.jpg"), ("1.jpg", "2.jpg")):
        frames = listed_frames([image(n, path) for n, path in enumerate(paths)])
        assert (frames.files.source, frames.files.name) == (".", paths)
        assert (frames.called.id, frames.called.number) == (None, None)
    assert folder_of([]) == ""
    assert listed_frames([]).files.kind == ""


def test_one_size_is_told_by_video_or_images() -> None:
    told = image(0, "1.jpg", size=(64, 48))
    assert listed_frames([image(1, "2.jpg"), told]).size == (64, 48)
    assert listed_frames([image(0, "1.jpg")], (64, 48)).size == (64, 48)
    assert listed_frames([told], (64, 48)).size == (64, 48)
    assert listed_frames([told], (64, 0)).size == (64, 48)
    with pytest.raises(AnnotationError, match=r"images\[0\]: 64x48 pixels, others of the same video 60x48;"):
        listed_frames([told], (60, 48))


def test_numbers_are_sorted_and_stand_once() -> None:
    images = {"a": image(5, "5"), "b": image(1, "1"), "c": image(3, "3")}
    assert list(by_number(images)) == ["b", "c", "a"]
    assert by_number({}) == {}
    with pytest.raises(AnnotationError, match=r"images\[1\]: frame 1 stands twice in its video, first in 'a'"):
        by_number({"a": image(1, "a"), "b": image(1, "b")})


@pytest.mark.parametrize(
    ("paths", "numbers"),
    [
        (["v/00000.jpg", "v/00005.jpg"], [0, 5]),
        (["img_0000001.jpg", "img_0000002.jpg"], [1, 2]),
        (["2.jpg", "1.jpg"], None),
        (["1.jpg", "1.png"], None),
        (["a.jpg", "1.jpg"], None),
        ([], []),
    ],
)
def test_numbers_in_names_count_where_they_rise(paths: list[str], numbers: list[int] | None) -> None:
    assert numbers_in(paths) == numbers
