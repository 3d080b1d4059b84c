from pathlib import Path

import pytest

from tests.data.readers.field_truth import field_case
from tests.fuzz.damaged_values import count_read, damaged_text
from vidkit.classes import ObjectClass
from vidkit.data.readers.found_boxes import ANY, OTHER_CLASS
from vidkit.data.readers.numbered_images import NO_IMAGES
from vidkit.data.readers.uavdt import UAVDT_CLASSES, looks_like, read_uavdt
from vidkit.errors import AnnotationError

WHOLE = """\
1,1,829,11,30,15,1,1,1
3,1,831,11,30,15,2,3,1
1,2,5,6,7,8,1,1,3
"""
IGNORE = "2,-1,0,0,100,50,1,-1,-1\n"


def make_data(folder: Path, ignore: str | None = IGNORE) -> Path:
    """The layout in which UAVDT comes."""
    gt = folder / "UAV-benchmark-MOTD_v1.0" / "GT"
    gt.mkdir(parents=True)
    (gt / "M0101_gt_whole.txt").write_text(WHOLE)
    (gt / "M0101_gt.txt").write_text("1,1,829,11,30,15,1,-1,-1\n")
    if ignore is not None:
        (gt / "M0101_gt_ignore.txt").write_text(ignore)
    return folder


def test_boxes_are_read(tmp_path: Path) -> None:
    source = read_uavdt(make_data(tmp_path))
    (video,) = source.videos
    assert (source.classes, source.class_ids) == (UAVDT_CLASSES, ("1", "2", "3"))
    assert (video.name, video.frame_number.tolist(), video.called.number) == ("M0101", [0, 1, 2], (1, 2, 3))
    assert video.instance_count.tolist() == [2, 0, 1]
    assert video.box.tolist() == [[829, 11, 859, 26], [5, 6, 12, 14], [831, 11, 861, 26]]
    assert [source.classes[c].name for c in video.class_id] == ["car", "bus", "car"]
    assert (video.track_id.tolist(), video.occluded.tolist()) == ([1, 2, 1], [False, False, True])
    assert video.instance_attributes["out_of_view"].tolist() == [1, 1, 2]
    assert video.counts == {NO_IMAGES: 1}


def test_regions_of_gt_ignore_are_ignored(tmp_path: Path) -> None:
    ignored = read_uavdt(make_data(tmp_path)).videos[0].ignored
    assert ignored is not None
    assert (ignored.count.tolist(), ignored.box.tolist()) == ([0, 1, 0], [[0, 0, 100, 50]])
    assert (ignored.class_id.tolist(), ignored.crowd.tolist()) == ([ANY], [True])


@pytest.mark.parametrize("ignore", [None, "", "2,-1,0,0,100,50\n"])
def test_gt_ignore_may_be_missing_empty_or_short(tmp_path: Path, ignore: str | None) -> None:
    ignored = read_uavdt(make_data(tmp_path, ignore)).videos[0].ignored
    assert (ignored is not None) == bool(ignore)


def test_sequences_with_a_gt_folder_each_are_read(tmp_path: Path) -> None:
    gt = tmp_path / "M0101" / "gt"
    gt.mkdir(parents=True)
    (gt / "gt_whole.txt").write_text(WHOLE)
    (gt / "gt_ignore.txt").write_text(IGNORE)
    for path in (tmp_path, tmp_path / "M0101", gt, gt / "gt_whole.txt"):
        assert looks_like(path)
        (video,) = read_uavdt(path).videos
        assert (video.name, video.instance_count.tolist()) == ("M0101", [2, 0, 1])
        assert video.ignored is not None


@pytest.mark.parametrize("below", ["M0101", "UAV-benchmark-M/M0101", "M0101/img1"])
def test_images_are_found(tmp_path: Path, below: str) -> None:
    (tmp_path / below).mkdir(parents=True)
    for number in range(1, 5):
        (tmp_path / below / f"img{number:06d}.jpg").touch()
    for source in (read_uavdt(make_data(tmp_path)), read_uavdt(tmp_path / "UAV-benchmark-MOTD_v1.0", frames=tmp_path)):
        (video,) = source.videos
        assert (source.root, video.files.source, len(video.frame_number)) == (tmp_path, below, 4)
        assert video.called.path is not None
        assert video.called.path[3] == f"{below}/img000004.jpg"


def test_with_classes_of_ones_own_boxes_of_others_are_counted(tmp_path: Path) -> None:
    (video,) = read_uavdt(make_data(tmp_path), classes=[ObjectClass("bus", "bus")]).videos
    assert (video.class_id.tolist(), video.counts) == ([0], {OTHER_CLASS: 2, NO_IMAGES: 1})
    assert video.ignored is not None  # a region of any class


def test_faults_of_both_files_are_told_with_their_line(tmp_path: Path) -> None:
    make_data(tmp_path, "1,1,0,0,5,5\n1,1,0,0,-5,5\n")
    with pytest.raises(AnnotationError, match=r"M0101_gt_ignore\.txt: line 2: a box of -5 x 5 pixels"):
        read_uavdt(tmp_path)
    (tmp_path / "UAV-benchmark-MOTD_v1.0" / "GT" / "M0101_gt_whole.txt").write_text("1,1,1,1,5,5,1,1,4\n")
    with pytest.raises(AnnotationError, match=r"M0101_gt_whole\.txt: line 1: category 4, wanted a whole number from 1"):
        read_uavdt(tmp_path)


def test_two_sequences_of_one_name_are_refused(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "M1_gt_whole.txt").write_text(WHOLE)
    with pytest.raises(AnnotationError, match="wanted UAVDT's"):
        read_uavdt(tmp_path)
    for folder in ("a", "b"):
        (tmp_path / folder / "GT").mkdir()
        (tmp_path / folder / "GT" / "M1_gt_whole.txt").write_text(WHOLE)
    with pytest.raises(AnnotationError, match="two videos are called 'M1'"):
        read_uavdt(tmp_path)


def test_damaged_files_are_read_or_refused(tmp_path: Path) -> None:
    gt = make_data(tmp_path) / "UAV-benchmark-MOTD_v1.0" / "GT"
    read, refused = count_read(lambda _: read_uavdt(gt), gt / "M0101_gt_ignore.txt", damaged_text(IGNORE.encode()))
    assert read > 20 and refused > 50
    (gt / "M0101_gt_ignore.txt").unlink()
    read, refused = count_read(read_uavdt, gt / "M0101_gt_whole.txt", damaged_text(WHOLE.encode()))
    assert read > 20 and refused > 100


def test_other_text_is_not_taken_for_it(tmp_path: Path) -> None:
    (tmp_path / "gt_whole.txt").write_text("1,2,3\n")
    (tmp_path / "other.txt").write_text(WHOLE)
    assert not any(looks_like(path) for path in (tmp_path, tmp_path / "other.txt", tmp_path / "none"))


def test_the_case_of_the_field_test(shared_data: Path) -> None:
    path = field_case(shared_data, "more/UAVDT")
    assert looks_like(path)
    (video,) = read_uavdt(path).videos
    assert (video.name, video.box.tolist()) == ("M0101", [[829, 11, 859, 26]] * 2)
    assert video.track_id.tolist() == [1, 1]
