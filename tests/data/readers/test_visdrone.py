from pathlib import Path

import numpy as np
import pytest

from tests.data.readers.field_truth import field_case, rows_of, true_rows
from tests.fuzz.damaged_values import count_read, damaged_text
from vidkit.classes import ObjectClass
from vidkit.data.index import FOLDER
from vidkit.data.readers.found_boxes import ANY, NO_AREA, OTHER_CLASS
from vidkit.data.readers.numbered_images import NO_IMAGES
from vidkit.data.readers.visdrone import VISDRONE_CLASSES, looks_like, read_visdrone
from vidkit.errors import AnnotationError

ROWS = """\
2,7,10,20,30,50,1,4,1,2
1,7,12,20,30,50,1,4,0,0
1,0,0,0,60,40,0,0,0,0
1,3,5,6,7,8,1,11,0,0
2,4,1,2,3,4,0,1,0,1
1,8,1,2,0,4,1,1,0,0
"""


def make_split(folder: Path, rows: str = ROWS, images: int = 0) -> Path:
    (folder / "annotations").mkdir(parents=True)
    (folder / "annotations" / "uav1.txt").write_text(rows)
    for number in range(1, images + 1):
        (folder / "sequences" / "uav1").mkdir(parents=True, exist_ok=True)
        (folder / "sequences" / "uav1" / f"{number:07d}.jpg").touch()
    return folder


def test_boxes_are_read(tmp_path: Path) -> None:
    source = read_visdrone(make_split(tmp_path))
    (video,) = source.videos
    assert (source.classes, source.class_ids) == (VISDRONE_CLASSES, (*"123456789", "10"))
    assert (video.name, video.frame_number.tolist(), video.called.number) == ("uav1", [0, 1], (1, 2))
    assert video.instance_count.tolist() == [1, 1]
    assert video.box.tolist() == [[12, 20, 42, 70], [10, 20, 40, 70]]
    assert [source.classes[c].name for c in video.class_id] == ["car", "car"]
    assert (video.track_id.tolist(), video.occluded.tolist()) == ([7, 7], [False, True])
    assert video.instance_attributes["truncation"].tolist() == [0, 1]
    assert video.counts == {NO_AREA: 1, NO_IMAGES: 1}


def test_regions_others_and_rows_of_score_0_are_ignored(tmp_path: Path) -> None:
    ignored = read_visdrone(make_split(tmp_path)).videos[0].ignored
    assert ignored is not None
    assert ignored.count.tolist() == [2, 1]
    assert ignored.box.tolist() == [[0, 0, 60, 40], [5, 6, 12, 14], [1, 2, 4, 6]]
    assert ignored.class_id.tolist() == [ANY, ANY, 0]
    assert ignored.crowd.tolist() == [True, False, False]


def test_images_tell_the_length_and_the_names(tmp_path: Path) -> None:
    split = make_split(tmp_path / "val", images=3)
    source = read_visdrone(split)
    (video,) = source.videos
    assert (source.root, video.files.kind, video.files.source) == (split / "sequences", FOLDER, "uav1")
    assert video.files.name == ("0000001.jpg", "0000002.jpg", "0000003.jpg")
    assert video.called.path == ("uav1/0000001.jpg", "uav1/0000002.jpg", "uav1/0000003.jpg")
    assert video.instance_count.tolist() == [1, 1, 0]
    elsewhere = read_visdrone(split / "annotations" / "uav1.txt", frames=tmp_path / "none")
    assert (elsewhere.root, elsewhere.videos[0].files.kind) == (tmp_path / "none", "")


def test_with_classes_of_ones_own_boxes_of_others_are_counted(tmp_path: Path) -> None:
    split = make_split(tmp_path)
    source = read_visdrone(split, classes=[ObjectClass("bus", "bus"), ObjectClass("car", "n02958343")])
    assert source.class_ids == ("9", "4")
    assert source.videos[0].class_id.tolist() == [1, 1]
    assert source.videos[0].counts == {OTHER_CLASS: 2, NO_IMAGES: 1}
    with pytest.raises(AnnotationError, match="none of those that were asked for"):
        read_visdrone(split, classes=[ObjectClass("Car", "Car")])


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("0,1,1,1,5,5,1,1,0,0", "frame 0, wanted a whole number from 1 to 1000000"),
        ("1,1,1,1,5,5,1,12,0,0", "category 12, wanted a whole number from 0 to 11"),
        ("1,1,1,1,5,5,0.5,1,0,0", "score 0.5, wanted a whole number from 0 to 1"),
        ("1,1,1,1,-5,5,1,1,0,0", "a box of -5 x 5 pixels"),
        ("1,1,1,1,5,5,1,1", "8 columns, wanted 10"),
        ("1,1,nan,1,5,5,1,1,0,0", "box nan, 1, nan, 6"),
    ],
)
def test_rows_that_break_the_rules_are_refused_with_their_line(tmp_path: Path, row: str, message: str) -> None:
    with pytest.raises(AnnotationError, match=rf"uav1\.txt: line 2: {message}"):
        read_visdrone(make_split(tmp_path, f"1,1,1,1,5,5,1,1,0,0\n{row}\n"))


def test_a_folder_without_annotations_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AnnotationError, match="wanted VisDrone's annotations"):
        read_visdrone(tmp_path)


def test_damaged_files_are_read_or_refused(tmp_path: Path) -> None:
    path = make_split(tmp_path) / "annotations" / "uav1.txt"
    read, refused = count_read(read_visdrone, path, damaged_text(ROWS.encode()))
    assert read > 20 and refused > 100


def test_the_form_is_known_at_a_glance(tmp_path: Path) -> None:
    split = make_split(tmp_path / "val")
    assert looks_like(split) and looks_like(split / "annotations") and looks_like(split / "annotations" / "uav1.txt")
    for name, row in (("gt.txt", ROWS), ("mot.txt", "1,1,1,1,5,5,1,0.5,0,0"), ("det.txt", "1,1,5,5,1,1,0,0")):
        (tmp_path / name).write_text(row)
        assert not looks_like(tmp_path / name)
    assert not looks_like(tmp_path / "none") and not looks_like(tmp_path / "sequences")


def test_the_case_of_the_field_test(shared_data: Path) -> None:
    path = field_case(shared_data, "visdrone")
    assert looks_like(path)
    source = read_visdrone(path)
    names = {"pedestrian": "person"}
    assert [[(names.get(n, n), t, b) for n, t, b in frame] for frame in rows_of(source)] == true_rows(shared_data)
    assert source.videos[0].ignored is None


def test_the_real_layout_of_the_field_test(shared_data: Path) -> None:
    (video,) = read_visdrone(field_case(shared_data, "more/VisDrone2019-VID-val")).videos
    assert video.box.tolist() == [[10, 20, 40, 70], [12, 20, 42, 70]]
    assert video.ignored is not None
    assert video.ignored.box.tolist() == [[100, 20, 130, 70]]
    np.testing.assert_array_equal(video.ignored.class_id, [ANY])
