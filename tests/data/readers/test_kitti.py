from pathlib import Path

import numpy as np
import pytest

from tests.data.readers.field_truth import field_case, rows_of, true_rows
from tests.fuzz.damaged_values import count_read, damaged_text
from vidkit.classes import ObjectClass
from vidkit.data.readers.found_boxes import ANY, OTHER_CLASS
from vidkit.data.readers.kitti import KITTI_TYPES, looks_like, read_kitti
from vidkit.data.readers.numbered_images import NO_IMAGES
from vidkit.errors import AnnotationError

SPACE = "2.0 1.8 4.4 -4.5 1.8 13.4 -2.1"
ROWS = f"""\
0 0 Car 0 0 -1.79 296.74 161.75 455.22 292.37 {SPACE}
2 0 Car 1 2 -1.79 290.5 161.75 455.5 292 {SPACE}
0 -1 DontCare -1 -1 -10 219.31 188.49 245.5 218.56 -1000 -1000 -1000 -10 -1 -1 -1
2 1 Person 0 3 -1.79 1 2 3 4 {SPACE}
"""


def make_split(folder: Path, rows: str = ROWS) -> Path:
    (folder / "label_02").mkdir(parents=True)
    (folder / "label_02" / "0003.txt").write_text(rows)
    return folder


def test_boxes_are_read_with_exclusive_corners(tmp_path: Path) -> None:
    source = read_kitti(make_split(tmp_path))
    (video,) = source.videos
    assert [c.name for c in source.classes] == [*KITTI_TYPES, "Person"]
    assert (video.name, video.frame_number.tolist(), video.called.number) == ("0003", [0, 1, 2], (0, 1, 2))
    assert video.instance_count.tolist() == [1, 0, 2]
    assert video.box.tolist() == [[296.74, 161.75, 455.22, 292.37], [290.5, 161.75, 455.5, 292], [1, 2, 3, 4]]
    assert [source.classes[c].name for c in video.class_id] == ["Car", "Car", "Person"]
    assert (video.track_id.tolist(), video.occluded.tolist()) == ([0, 0, 1], [False, True, True])
    assert video.instance_attributes["truncated"].tolist() == [0, 1, 0]
    assert video.counts == {NO_IMAGES: 1}


def test_dont_care_is_an_ignored_region_of_any_class(tmp_path: Path) -> None:
    ignored = read_kitti(make_split(tmp_path)).videos[0].ignored
    assert ignored is not None
    assert (ignored.count.tolist(), ignored.box.tolist()) == ([1, 0, 0], [[219.31, 188.49, 245.5, 218.56]])
    assert (ignored.class_id.tolist(), ignored.crowd.tolist()) == ([ANY], [True])


def test_images_tell_the_length_and_the_names(tmp_path: Path) -> None:
    split = make_split(tmp_path / "training")
    (split / "image_02" / "0003").mkdir(parents=True)
    for number in range(5):
        (split / "image_02" / "0003" / f"{number:06d}.png").touch()
    for path in (tmp_path, split, split / "label_02", split / "label_02" / "0003.txt"):
        assert looks_like(path)
        source = read_kitti(path)
        assert (source.root, len(source.videos[0].frame_number)) == (split / "image_02", 5)
        assert source.videos[0].files.name == tuple(f"{number:06d}.png" for number in range(5))


def test_a_sequence_without_rows_is_a_video_without_frames(tmp_path: Path) -> None:
    (video,) = read_kitti(make_split(tmp_path, "")).videos
    assert (len(video.frame_number), len(video.class_id)) == (0, 0)


def test_with_classes_of_ones_own_boxes_of_others_are_counted(tmp_path: Path) -> None:
    (video,) = read_kitti(make_split(tmp_path), classes=[ObjectClass("Car", "n02958343")]).videos
    assert (video.class_id.tolist(), video.counts) == ([0, 0], {OTHER_CLASS: 1, NO_IMAGES: 1})
    assert video.ignored is not None


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (f"-1 0 Car 0 0 0 1 2 3 4 {SPACE}", "frame -1, wanted a whole number from 0"),
        (f"0 0 7 0 0 0 1 2 3 4 {SPACE}", "type '7', wanted a word, as in Car"),
        (f"0 0 Car 0 0 0 5 2 3 4 {SPACE}", "a box of -2 x 2 pixels"),
        (f"0 0 Car 0 0 0 1 2 3 4 {SPACE} 0.9", "18 columns, wanted 17"),
        (f"0 0 Car 0 9 0 1 2 3 4 {SPACE}", "occluded 9, wanted a whole number from -1 to 3"),
    ],
)
def test_rows_that_break_the_rules_are_refused_with_their_line(tmp_path: Path, row: str, message: str) -> None:
    with pytest.raises(AnnotationError, match=rf"0003\.txt: line 5: {message}"):
        read_kitti(make_split(tmp_path, ROWS + row))


def test_damaged_files_are_read_or_refused(tmp_path: Path) -> None:
    path = make_split(tmp_path) / "label_02" / "0003.txt"
    read, refused = count_read(read_kitti, path, damaged_text(ROWS.encode(), b" "))
    assert read > 20 and refused > 100


def test_other_text_is_not_taken_for_it(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(" ".join("1" * 17))
    assert not any(looks_like(path) for path in (tmp_path, tmp_path / "a.txt", tmp_path / "none"))


def test_the_case_of_the_field_test(shared_data: Path) -> None:
    path = field_case(shared_data, "kitti_tracking")
    assert looks_like(path)
    source = read_kitti(path)
    names = {"Car": "car", "Pedestrian": "person"}
    found = [[(names[name], track + 1, box) for name, track, box in frame] for frame in rows_of(source)]
    assert found == true_rows(shared_data)  # KITTI's tracks count from 0
    (video,) = source.videos
    assert video.ignored is not None
    np.testing.assert_array_equal(video.ignored.box, [[1, 1, 9, 9]])


def test_the_real_layout_of_the_field_test(shared_data: Path) -> None:
    (video,) = read_kitti(field_case(shared_data, "more/kitti")).videos
    assert video.box.tolist() == [[296.74, 161.75, 455.22, 292.37], [290.74, 161.75, 455.22, 292.37]]
