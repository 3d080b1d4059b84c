from pathlib import Path

import numpy as np
import pytest

from tests.data.readers.field_truth import field_case
from tests.fuzz.damaged_values import count_read, damaged_text
from vidkit.classes import ObjectClass
from vidkit.data.readers.found_boxes import NO_AREA, OTHER_CLASS
from vidkit.data.readers.numbered_images import NO_IMAGES
from vidkit.data.readers.single_object import ABSENT, looks_like, read_single_object
from vidkit.errors import AnnotationError

TRUTH = "10,20,30,20\n14,20,30,20.5\n0,0,0,0\n18,20,30,20\nNaN,NaN,NaN,NaN\n"


def make_sequence(folder: Path, truth: str = TRUTH, images: str = "", n: int = 5, **flags: str) -> Path:
    folder.mkdir(parents=True)
    (folder / "groundtruth.txt").write_text(truth)
    for name, text in flags.items():
        (folder / name.replace("__", ".")).write_text(text)
    if images:
        (folder / images).mkdir(exist_ok=True)
        for number in range(1, n + 1):
            (folder / images / f"{number:08d}.jpg").touch()
    return folder


def test_a_line_is_the_box_of_its_frame(tmp_path: Path) -> None:
    source = read_single_object(make_sequence(tmp_path / "LaSOT" / "car-1").parent)
    (video,) = source.videos
    assert [c.name for c in source.classes] == ["car"]
    assert (video.name, video.frame_number.tolist(), video.called.number) == ("car-1", [0, 1, 2, 3, 4], (1, 2, 3, 4, 5))
    assert video.instance_count.tolist() == [1, 1, 0, 1, 0]
    assert video.box.tolist() == [[10, 20, 40, 40], [14, 20, 44, 40.5], [18, 20, 48, 40]]
    assert video.track_id.tolist() == [0, 0, 0]
    assert video.counts == {NO_AREA: 1, ABSENT: 1, NO_IMAGES: 1}


def test_an_object_that_is_not_seen_has_no_box(tmp_path: Path) -> None:
    folder = make_sequence(
        tmp_path / "car-1",
        full_occlusion__txt="0,1,0,0,0\n",
        out_of_view__txt="0,0,0,1,0",
        absence__label="0\n0\n0\n0\n0\n",
    )
    (video,) = read_single_object(folder).videos
    assert (video.box.tolist(), video.counts[ABSENT]) == ([[10, 20, 40, 40]], 3)
    make_sequence(tmp_path / "got" / "a", absence__label="1\n0\n0\n1\n0\n")
    (video,) = read_single_object(tmp_path / "got").videos
    assert video.instance_count.tolist() == [0, 1, 0, 0, 0]


@pytest.mark.parametrize("images", [".", "img"])
@pytest.mark.parametrize("depth", ["car-1", "car/car-1"])
def test_images_are_found(tmp_path: Path, images: str, depth: str) -> None:
    folder = make_sequence(tmp_path / "LaSOT" / depth, images=images)
    source = depth if images == "." else f"{depth}/img"
    given = read_single_object(tmp_path / "LaSOT")
    assert (given.root, given.videos[0].files.source) == (tmp_path / "LaSOT", source)
    assert given.videos[0].files.name == tuple(f"{n:08d}.jpg" for n in range(1, 6))
    assert looks_like(tmp_path / "LaSOT") and looks_like(folder)
    for path in (folder, folder / "groundtruth.txt"):
        alone = read_single_object(path)
        assert (alone.root / alone.videos[0].files.source / "00000001.jpg").exists()
    (tmp_path / "other").mkdir()
    (folder / "groundtruth.txt").rename(tmp_path / "other" / "groundtruth.txt")
    (tmp_path / "other").rename(tmp_path / "car-1")
    assert read_single_object(tmp_path / "car-1", frames=folder.parent).videos[0].files.kind == "folder"


def test_images_may_be_counted_from_any_number(tmp_path: Path) -> None:
    folder = make_sequence(tmp_path / "David", TRUTH)
    for number in range(300, 305):
        (folder / f"{number:04d}.jpg").touch()
    (video,) = read_single_object(folder).videos
    assert (video.frame_number.tolist(), video.called.number) == ([0, 1, 2, 3, 4], (300, 301, 302, 303, 304))
    assert video.files.name is not None and video.files.name[0] == "0300.jpg"


def test_sequences_for_testing_are_left_out(tmp_path: Path) -> None:
    make_sequence(tmp_path / "GOT-10k_Test_000001", "1,2,3,4\n", images=".")
    make_sequence(tmp_path / "GOT-10k_Val_000001", images=".")
    source = read_single_object(tmp_path)
    assert ([v.name for v in source.videos], [c.name for c in source.classes]) == (["GOT-10k_Val_000001"], ["object"])
    assert [left.reason for left in source.left_out] == [
        "1 lines in groundtruth.txt for 5 images: a sequence for testing?"
    ]


def test_got_10k_tells_its_class(tmp_path: Path) -> None:
    make_sequence(
        tmp_path / "GOT-10k_Val_000001", meta_info__ini="[METAINFO]\nurl: https://a%20b\nobject_class: pan dog\n"
    )
    assert [c.name for c in read_single_object(tmp_path).classes] == ["pan dog"]
    for text in (
        "",
        "[METAINFO]\n",
        "x",
        "[METAINFO]\nobject_class:\n",
        "[METAINFO]\nobject_class: a\nobject_class: b\n",
    ):
        (tmp_path / "GOT-10k_Val_000001" / "meta_info.ini").write_text(text)
        with pytest.raises(AnnotationError, match=r"meta_info\.ini: .*object_class"):
            read_single_object(tmp_path)


@pytest.mark.parametrize(
    ("name", "class_name"),
    [
        ("airplane-1", "airplane"),
        ("licenseplate-12", "licenseplate"),
        ("car_2", "car"),
        ("David", "object"),
        ("7", "object"),
    ],
)
def test_lasot_names_the_class_in_the_folder(tmp_path: Path, name: str, class_name: str) -> None:
    assert [c.name for c in read_single_object(make_sequence(tmp_path / name)).classes] == [class_name]


def test_with_classes_of_ones_own_boxes_of_others_are_counted(tmp_path: Path) -> None:
    for name in ("car-1", "dog-1"):
        make_sequence(tmp_path / name)
    car, dog = read_single_object(tmp_path, classes=[ObjectClass("dog", "dog")]).videos
    assert (len(car.class_id), car.counts[OTHER_CLASS], dog.class_id.tolist()) == (0, 4, [0, 0, 0])


@pytest.mark.parametrize(
    ("truth", "flags", "message"),
    [
        ("1,2,3\n", "0", r"groundtruth\.txt: line 1: 3 columns, wanted 4"),
        ("1,2,3,4\n1,2,-3,4\n", "0\n0", r"groundtruth\.txt: line 2: a box of -3 x 4 pixels"),
        ("1,2,3,4\n1,2,inf,4\n", "0\n0", r"groundtruth\.txt: line 2: box 1, 2, inf, 6"),
        ("1,2,3,4\n1,2,3,4\n", "0", r"absence\.label: 1 numbers; wanted 0 or 1 for each of the 2 lines"),
        ("1,2,3,4\n", "2", r"absence\.label: 1 numbers; wanted 0 or 1"),
        ("1,2,3,4\n", "x", r"absence\.label: line 1: 'x' is no number; wanted 0 or 1 for each frame"),
    ],
)
def test_what_breaks_the_rules_is_refused_with_its_place(tmp_path: Path, truth: str, flags: str, message: str) -> None:
    with pytest.raises(AnnotationError, match=message):
        read_single_object(make_sequence(tmp_path / "a-1", truth, absence__label=flags))


def test_damaged_files_are_read_or_refused(tmp_path: Path) -> None:
    path = make_sequence(tmp_path / "car-1") / "groundtruth.txt"
    read, refused = count_read(read_single_object, path, damaged_text(TRUTH.encode()))
    assert read > 20 and refused > 80
    path.write_text("1,2,3,4\n5,6,7,8\n")
    for name, data in (("absence.label", b"0\n1\n"), ("meta_info.ini", b"[METAINFO]\nobject_class: dog\n")):
        (tmp_path / "car-1" / name).touch()
        read, refused = count_read(lambda _: read_single_object(path), path.parent / name, damaged_text(data))
        assert read > 10 and refused > 80
        path.with_name(name).unlink()


def test_other_text_is_not_taken_for_it(tmp_path: Path) -> None:
    (tmp_path / "groundtruth.txt").write_text("1,2,3,4,5,6,7,8\n")  # corners, as in VOT
    (tmp_path / "a.txt").write_text(TRUTH)
    assert not any(looks_like(path) for path in (tmp_path, tmp_path / "a.txt", tmp_path / "none"))


def test_the_case_of_the_field_test(shared_data: Path) -> None:
    path = field_case(shared_data, "lasot")
    assert looks_like(path)
    source = read_single_object(path)
    (video,) = source.videos
    assert ([c.name for c in source.classes], video.name) == (["car"], "car-1")
    assert video.instance_count.tolist() == [1] * 6
    np.testing.assert_array_equal(video.box, [[x, 20, x + 30, 40] for x in range(10, 34, 4)])
