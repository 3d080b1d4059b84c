from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.data.readers.reference import the_reference
from tests.fuzz.broken_copies import check
from vidkit.classes import ObjectClass
from vidkit.data.index import FOLDER
from vidkit.data.readers.cvat_mot import NO_LABEL, looks_like, read_cvat_mot
from vidkit.data.readers.found_boxes import NO_AREA, OTHER_CLASS
from vidkit.errors import AnnotationError

ROWS = """1,1,10.0,20.0,30.0,50.0,1,1,0.86
3,1,12.0,20.0,30.0,50.0,1,1,1.0
1,2,0,0,5,5,1,2,0.5
1,3,100,20,30,50,0,1,1.0
"""


def make(folder: Path, rows: str = ROWS, labels: str = "cat\ndog\n", images: int = 0) -> Path:
    (folder / "gt").mkdir(parents=True)
    (folder / "gt" / "gt.txt").write_text(rows, encoding="utf-8")
    (folder / "gt" / "labels.txt").write_text(labels, encoding="utf-8")
    for n in range(images):
        (folder / "img1").mkdir(exist_ok=True)
        Image.new("L", (100, 80)).save(folder / "img1" / f"any {n}.PNG")
    return folder


def test_pixels_count_from_0_and_classes_are_lines_of_labels_txt(tmp_path: Path) -> None:
    source = read_cvat_mot(make(tmp_path / "task1", images=12))
    assert ([c.name for c in source.classes], source.class_ids) == (["cat", "dog"], ("1", "2"))
    (video,) = source.videos
    assert (video.name, video.size, video.instance_count.tolist()) == ("task1", (100, 80), [2, 0, 1] + [0] * 9)
    assert video.box.tolist() == [[10, 20, 40, 70], [0, 0, 5, 5], [12, 20, 42, 70]]
    assert (video.class_id.tolist(), video.track_id.tolist()) == ([0, 1, 0], [1, 2, 1])
    np.testing.assert_array_equal(video.instance_attributes["visibility"], [0.86, 0.5, 1])
    assert (video.files.kind, video.files.source) == (FOLDER, "task1/img1")
    assert video.files.name == tuple(f"any {n}.PNG" for n in range(12))  # any 10 comes behind any 9
    assert (video.called.number, video.called.path and video.called.path[0]) == (
        tuple(range(1, 13)),
        "task1/img1/any 0.PNG",
    )
    assert source.root == tmp_path


def test_rows_to_be_ignored_are_objects_that_need_not_be_found(tmp_path: Path) -> None:
    (video,) = read_cvat_mot(make(tmp_path / "t")).videos
    assert video.ignored is not None
    assert video.ignored.count.tolist() == [1, 0, 0]
    assert video.ignored.box.tolist() == [[100, 20, 130, 70]]
    assert (video.ignored.class_id.tolist(), video.ignored.crowd.tolist()) == ([0], [False])


def test_several_tasks_and_images_elsewhere(tmp_path: Path) -> None:
    make(tmp_path / "all" / "a")
    make(tmp_path / "all" / "b", labels="bird\ncat\n", images=3)
    source = read_cvat_mot(tmp_path / "all")
    assert [v.name for v in source.videos] == ["a", "b"]
    assert [c.name for c in source.classes] == ["cat", "dog", "bird"]
    assert source.videos[1].class_id.tolist() == [2, 0, 2]
    elsewhere = read_cvat_mot(tmp_path / "all" / "a", frames=tmp_path / "all" / "b" / "img1")
    assert (elsewhere.videos[0].files.source, elsewhere.root) == (".", tmp_path / "all" / "b" / "img1")
    assert elsewhere.videos[0].called.path == ("any 0.PNG", "any 1.PNG", "any 2.PNG")


def test_what_is_left_out_is_counted(tmp_path: Path) -> None:
    rows = "1,1,1,1,2,2,1,1,1\n1,2,1,1,2,2,1,2,1\n1,3,1,1,0,2,1,1,1\n1,-1,1,1,2,2,1,-1,1\n"
    source = read_cvat_mot(make(tmp_path / "t", rows), classes=[ObjectClass("dog", "n1"), ObjectClass("cow", "n2")])
    assert source.videos[0].counts == {NO_LABEL: 1, OTHER_CLASS: 2}
    assert source.class_ids == ("2", "")
    assert read_cvat_mot(make(tmp_path / "u", rows)).videos[0].counts == {NO_LABEL: 1, NO_AREA: 1}


@pytest.mark.parametrize(
    ("rows", "labels", "words"),
    [
        ("1,1,1,1,2,2,1,3,1", "a\nb\n", r"gt\.txt: line 1: class 3, wanted a whole number from -1 to 2"),
        ("0,1,1,1,2,2,1,1,1", "a", r"line 1: frame 0, wanted a whole number from 1"),
        ("\n1,1,1,1,2,2", "a", r"line 2: 6 columns, wanted 8 to 10.*: frame, track"),
        ("1,1,1,1,nan,2,1,1,1", "a", "line 1: box .* wanted finite pixels"),
        ("1,1,1,1,2,-2,1,1,1", "a", "line 1: a box of 2 x -2 pixels"),
        ("1,1,1,1,2,2,1,1,1\n1,1,3,1,2,2,1,1,1", "a", r"gt\.txt: line 2: id 1 is in frame 1 already, in line 1"),
        ("1,1,1,1,2,2,1,1,1", "a\n\nb", r"labels\.txt: line 2: '', wanted a label"),
        ("1,1,1,1,2,2,1,1,1", "a\na", r"labels\.txt: line 2: 'a', wanted a label that comes once"),
        ("99,1,1,1,2,2,1,1,1", "a", r"gt\.txt: frame 99, but .*img1 has 2 images"),
    ],
)
def test_what_breaks_the_rules_is_refused_with_its_place(tmp_path: Path, rows: str, labels: str, words: str) -> None:
    with pytest.raises(AnnotationError, match=words):
        read_cvat_mot(make(tmp_path / "t", rows, labels, images=2))


@pytest.mark.parametrize("name", ["gt.txt", "labels.txt"])
def test_a_file_broken_in_any_way_is_refused_or_read(tmp_path: Path, name: str) -> None:
    task = make(tmp_path / "t")
    path = task / "gt" / name
    assert check(path, path.read_bytes(), lambda: read_cvat_mot(task)) > 10


def test_the_form_is_known_by_its_names(tmp_path: Path) -> None:
    assert not looks_like(tmp_path / "none")
    assert not looks_like(tmp_path)
    task = make(tmp_path / "t")
    assert looks_like(task)
    assert looks_like(tmp_path)
    (task / "gt" / "labels.txt").unlink()
    assert not looks_like(task)  # MOTChallenge
    with pytest.raises(AnnotationError, match=r"no gt/gt\.txt with gt/labels\.txt"):
        read_cvat_mot(task)


def test_the_field(shared_data: Path) -> None:
    source = read_cvat_mot(shared_data / "field" / "cvat_mot")
    the_reference(shared_data, source)
    assert source.videos[0].files.name == tuple(f"frame_{n:06d}.PNG" for n in range(6))
    source = read_cvat_mot(shared_data / "field" / "more" / "cvatmot" / "task1")
    (video,) = source.videos
    assert [source.classes[c].name for c in video.class_id] == ["cat", "dog"]
    assert video.box.tolist() == [[10, 20, 40, 70], [12, 20, 42, 70]]
    assert video.ignored is not None
    assert video.ignored.count.tolist() == [1, 0]
    assert video.files.name == ("000001.jpg", "000002.jpg")
