import io
import tarfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.data.ilsvrc_trees import Thing, annotation_xml, make_tree, write_image, write_video
from vidkit.classes import VID_CLASSES
from vidkit.data import noticed
from vidkit.data.ilsvrc.frame_files import list_frames
from vidkit.data.ilsvrc.layout import DET, VID, Split, find_images, find_root, find_splits, find_videos
from vidkit.data.ilsvrc.snippets import ReadingRules, read_image, read_video
from vidkit.data.records import LeftOut, VideoTable
from vidkit.errors import AnnotationError

IDS = {c.wnid.encode(): row for row, c in enumerate(VID_CLASSES)}
STRICT = ReadingRules(IDS, other_classes_allowed=False)
LENIENT = ReadingRules(IDS, other_classes_allowed=True, skip_errors=True)


def val(root: Path) -> Split:
    return Split(root, VID, "val")


# -- layout ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("year", ["2015", "2017"])
def test_both_years_names_are_found(tmp_path: Path, year: str) -> None:
    root = tmp_path / f"ILSVRC{year}"
    train = [f"ILSVRC{year}_VID_train_{n:04d}/ILSVRC{year}_train_{n:05d}000" for n in range(4)]
    for name in train:
        write_video(root, f"train/{name}", {0: []})
    write_video(root, f"val/ILSVRC{year}_val_00000000", {0: []})
    for given in (tmp_path, root):
        found = find_root(given, VID)
        assert found == root
        assert find_splits(found, VID) == ["train", "val"]
    assert find_videos(Split(root, VID, "train")) == train
    assert find_videos(val(root)) == [f"ILSVRC{year}_val_00000000"]


def test_a_folder_without_a_tree_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AnnotationError, match="no ILSVRC VID tree"):
        find_root(tmp_path, VID)
    for year in ("2015", "2017"):
        write_video(tmp_path / f"ILSVRC{year}", "val/a", {0: []})
    with pytest.raises(AnnotationError, match="several ILSVRC VID trees"):
        find_root(tmp_path, VID)


def test_frames_beside_folders_are_refused(tmp_path: Path) -> None:
    write_video(tmp_path, "val/a/b", {0: []})
    write_video(tmp_path, "val/a", {0: []})
    with pytest.raises(AnnotationError, match="holds frames and"):
        read_video(val(tmp_path), find_videos(val(tmp_path))[0], STRICT)


def test_frames_in_the_split_itself_are_refused(tmp_path: Path) -> None:
    write_video(tmp_path, "val", {0: []})
    with pytest.raises(AnnotationError, match="VID has a folder for each video"):
        find_videos(val(tmp_path))


def test_a_link_that_leads_back_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "Annotations/VID/val/a"
    folder.mkdir(parents=True)
    (folder / "a").symlink_to(folder.parent)
    with pytest.raises(AnnotationError, match="folders deep"):
        find_videos(val(tmp_path))


# -- one video ---------------------------------------------------------------------------------------------------------


def test_boxes_become_exclusive_and_attributes_are_kept(tmp_path: Path) -> None:
    things = [Thing((0, 5, 63, 47), VID_CLASSES[4].wnid, 2, 1, 0), Thing((1.5, 2.25, 3.5, 4), track=7, generated=1)]
    write_video(tmp_path, "val/v", {3: things, 5: [], 10: things[:1]})
    table = read_video(val(tmp_path), "v", STRICT)
    assert table.frame_number.tolist() == [3, 5, 10]
    assert table.instance_count.tolist() == [2, 0, 1]
    assert table.box.tolist() == [[0, 5, 64, 48], [1.5, 2.25, 4.5, 5], [0, 5, 64, 48]]
    assert table.class_id.tolist() == [4, 0, 4]
    assert table.track_id.tolist() == [2, 7, 2]
    assert table.occluded.tolist() == [True, False, True]
    assert table.generated.tolist() == [False, True, False]
    assert table.size == (64, 48)
    assert dict(table.counts) == {}
    assert table.files.kind == ""


def test_absent_attributes_have_defaults(tmp_path: Path) -> None:
    write_video(tmp_path, "val/v", {0: [Thing(track=None, occluded=None, generated=None)]}, size=None)
    table = read_video(val(tmp_path), "v", STRICT)
    assert (table.track_id[0], table.occluded[0], table.generated[0], table.size) == (-1, False, False, (0, 0))
    assert dict(table.counts) == {noticed.NO_TRACK: 1, noticed.NO_SIZE: 1}


def test_an_unknown_class_is_refused_or_left_out(tmp_path: Path) -> None:
    write_video(tmp_path, "val/v", {0: [Thing()], 1: [Thing(), Thing(name="n99999999")]})
    with pytest.raises(AnnotationError, match=r"000001\.xml: object 1: unknown class 'n99999999' \(30 classes"):
        read_video(val(tmp_path), "v", STRICT)
    table = read_video(val(tmp_path), "v", LENIENT)
    assert table.instance_count.tolist() == [1, 1]
    assert dict(table.counts) == {noticed.OTHER_CLASSES: 1}


def test_inverted_boxes_are_kept_and_counted(tmp_path: Path) -> None:
    write_video(tmp_path, "val/v", {0: [Thing((10, 5, 3, 9)), Thing((4, 4, 4, 4))]})
    table = read_video(val(tmp_path), "v", STRICT)
    assert table.box.tolist() == [[10, 5, 4, 10], [4, 4, 5, 5]]
    assert dict(table.counts) == {noticed.INVERTED: 1}


def test_a_malformed_file_stops_with_its_place_or_is_listed(tmp_path: Path) -> None:
    folder = write_video(tmp_path, "val/v", {0: [], 1: [Thing()], 2: []})
    (folder / "000001.xml").write_text("<annotation><object>")
    with pytest.raises(AnnotationError, match=r"val/v/000001\.xml: not well-formed"):
        read_video(val(tmp_path), "v", STRICT)
    table = read_video(val(tmp_path), "v", LENIENT)
    assert table.frame_number.tolist() == [0, 2]
    assert [item.place for item in table.left_out] == [str(folder / "000001.xml")]


@pytest.mark.parametrize("name", ["frame.xml", "1234567890.xml"])
def test_a_file_without_a_frame_number_is_refused(tmp_path: Path, name: str) -> None:
    (write_video(tmp_path, "val/v", {0: []}) / name).write_text(annotation_xml())
    with pytest.raises(AnnotationError, match="no frame number"):
        read_video(val(tmp_path), "v", STRICT)


def test_a_frame_in_two_files_is_refused(tmp_path: Path) -> None:
    (write_video(tmp_path, "val/v", {1: []}) / "1.xml").write_text(annotation_xml())
    with pytest.raises(AnnotationError, match=r"frame 1 is in two files, 000001\.xml and 1\.xml"):
        read_video(val(tmp_path), "v", STRICT)


def test_other_files_are_ignored_and_counted(tmp_path: Path) -> None:
    folder = write_video(tmp_path, "val/v", {0: []})
    (folder / "notes.txt").write_text("?")
    (folder / ".DS_Store").write_text("?")
    table = read_video(val(tmp_path), "v", STRICT)
    assert dict(table.counts) == {noticed.OTHER_FILES: 1}


def test_a_list_takes_some_frames(tmp_path: Path) -> None:
    write_video(tmp_path, "val/v", {frame: [Thing(track=frame)] for frame in range(6)})
    table = read_video(val(tmp_path), "v", STRICT, frames=(1, 4), length=6)
    assert table.track_id.tolist() == [1, 4]
    with pytest.raises(AnnotationError, match="no file of frame 9, which the list wants"):
        read_video(val(tmp_path), "v", STRICT, frames=(1, 9))
    with pytest.raises(AnnotationError, match="has 6 frames, the list says 7"):
        read_video(val(tmp_path), "v", STRICT, length=7)


# -- images ------------------------------------------------------------------------------------------------------------


def test_images_are_paired_with_annotations(tmp_path: Path) -> None:
    write_video(tmp_path, "val/v", {0: [], 1: [], 2: []}, images=[1, 2, 3, 4])
    table = read_video(val(tmp_path), "v", STRICT)
    assert table.frame_number.tolist() == [0, 1, 2]
    assert dict(table.counts) == {noticed.NO_XML: 2, noticed.NO_IMAGE: 1}
    assert (table.files.kind, table.files.source, table.files.pattern) == ("folder", "Data/VID/val/v", "{:06d}.JPEG")


def test_file_names_that_follow_no_pattern_are_kept_one_by_one(tmp_path: Path) -> None:
    write_video(tmp_path, "val/v", {0: [], 1: [], 2: []})
    for name in ("a_0.png", "b_01.jpg"):
        write_image(tmp_path / "Data/VID/val/v" / name)
    table = read_video(val(tmp_path), "v", STRICT)
    assert (table.files.pattern, table.files.name) == ("", ("a_0.png", "b_01.jpg", ""))


@pytest.mark.parametrize("names", [("0.png", "10.png"), ("img_00.jpg", "img_10.jpg")])
def test_other_patterns_are_found(tmp_path: Path, names: tuple[str, str]) -> None:
    write_video(tmp_path, "val/v", {0: [], 10: []})
    for name in names:
        write_image(tmp_path / "Data/VID/val/v" / name)
    files = read_video(val(tmp_path), "v", STRICT).files
    assert [files.pattern.format(number) for number in (0, 10)] == list(names)


def test_a_size_that_contradicts_the_image_is_noted(tmp_path: Path) -> None:
    write_video(tmp_path, "val/v", {0: [], 1: []}, images=[0, 1])
    write_image(tmp_path / "Data/VID/val/v/000001.JPEG", (99, 48))
    assert dict(read_video(val(tmp_path), "v", STRICT).counts) == {}
    table = read_video(val(tmp_path), "v", ReadingRules(IDS, False, check_images=True))
    assert dict(table.counts) == {noticed.IMAGE_DIFFERS: 1}
    assert table.remarks[0].reason == "99×48 pixels, its XML tells 64×48"
    assert table.size == (64, 48)


def test_a_broken_image_is_noted(tmp_path: Path) -> None:
    write_video(tmp_path, "val/v", {0: []}, images=[0])
    (tmp_path / "Data/VID/val/v/000000.JPEG").write_bytes(b"\xff\xd8nothing")
    assert dict(read_video(val(tmp_path), "v", STRICT).counts) == {noticed.IMAGE_BROKEN: 1}


def test_frames_of_several_sizes_are_counted(tmp_path: Path) -> None:
    folder = write_video(tmp_path, "val/v", {0: [], 1: [], 2: []})
    (folder / "000001.xml").write_text(annotation_xml(size=(48, 64)))
    table = read_video(val(tmp_path), "v", STRICT)
    assert table.size == (64, 48)
    assert dict(table.counts) == {noticed.SIZES_DIFFER: 1}
    assert table.remarks[0].reason == "64×48 in 2 frames, 48×64 in 1"


def test_a_split_without_annotations_has_the_images_as_frames(tmp_path: Path) -> None:
    for frame in (0, 2):
        write_image(tmp_path / f"Data/VID/test/v/{frame:06d}.JPEG")
    split = Split(tmp_path, VID, "test")
    assert find_videos(split) == ["v"]
    table = read_video(split, "v", STRICT)
    assert (table.frame_number.tolist(), table.instance_count.tolist(), table.size) == ([0, 2], [0, 0], (64, 48))


def _jpeg(size: tuple[int, int]) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", size).save(file, "JPEG")
    return file.getvalue()


def _tar(path: Path, names: list[str], mode: str = "w") -> dict[str, bytes]:
    contents = {name: _jpeg((64 + place, 48)) for place, name in enumerate(names)}
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, mode) as tar:
        for name, content in contents.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return contents


def test_frames_in_a_tar_are_found_by_offset(tmp_path: Path) -> None:
    write_video(tmp_path, "val/v", {0: [], 1: [], 2: []})
    long = "x" * 120  # a name that needs a header of its own
    path = tmp_path / "Data/VID/val/v.tar"
    contents = _tar(path, [f"{long}/000002.JPEG", f"{long}/000000.JPEG", f"{long}/readme.txt"])
    table = read_video(val(tmp_path), "v", STRICT)
    assert (table.files.kind, table.files.source) == ("tar", "Data/VID/val/v.tar")
    assert table.files.offset is not None
    assert table.files.size is not None
    data = path.read_bytes()
    for row, frame in enumerate((0, 1, 2)):
        offset, size = table.files.offset[row], table.files.size[row]
        if frame == 1:
            assert (offset, size) == (-1, -1)
        else:
            assert data[offset : offset + size] == contents[f"{long}/{frame:06d}.JPEG"]
    assert dict(table.counts) == {noticed.NO_IMAGE: 1, noticed.IMAGE_DIFFERS: 1}
    assert table.remarks[0].reason == "65×48 pixels, its XML tells 64×48"


@pytest.mark.parametrize(("suffix", "mode"), [(".tar.gz", "w:gz"), (".tar", "w:gz")])
def test_a_compressed_tar_is_refused_with_what_to_do(tmp_path: Path, suffix: str, mode: str) -> None:
    write_video(tmp_path, "val/v", {0: []})
    _tar(tmp_path / f"Data/VID/val/v{suffix}", ["000000.JPEG"], mode)
    with pytest.raises(AnnotationError, match=r"unpack it to a"):
        read_video(val(tmp_path), "v", STRICT)


def test_a_frame_twice_in_a_tar_is_refused(tmp_path: Path) -> None:
    write_video(tmp_path, "val/v", {0: []})
    _tar(tmp_path / "Data/VID/val/v.tar", ["0.JPEG", "000000.JPEG"])
    with pytest.raises(AnnotationError, match="frame 0 stands twice"):
        read_video(val(tmp_path), "v", STRICT)


# -- attributes beside the XML -----------------------------------------------------------------------------------------


def test_attributes_are_joined_by_frame_and_track(tmp_path: Path) -> None:
    write_video(tmp_path, "val/v", {0: [Thing(track=0), Thing(track=1)], 1: [Thing(track=1)]})
    folder = tmp_path / "Attributes/VID/val/v"
    folder.mkdir(parents=True)
    (folder / "frames.csv").write_text("frame,blur\n1,2.5\n")
    (folder / "instances.csv").write_text("trackid,frame,speed\n1,1,3\n1,0,4\n9,9,9\n")
    table = read_video(val(tmp_path), "v", STRICT)
    np.testing.assert_array_equal(table.frame_attributes["blur"], [np.nan, 2.5])
    np.testing.assert_array_equal(table.instance_attributes["speed"], [np.nan, 4, 3])


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("blur\n1\n", "no column 'frame'"),
        ("frame,a/b\n", "a name of letters"),
        ("frame,a,a\n", "a column name stands twice"),
        ("frame,a\n1\n", r"line 2: 1 columns, wanted 2"),
        ("frame,a\n1,x\n", "line 2: could not convert"),
        ("frame,a\n1,2\n1,3\n", "line 3: frame 1 stands twice"),
        ("frame,a\n0.5,2\n", "line 2: invalid literal"),
    ],
)
def test_malformed_attributes_are_refused(tmp_path: Path, text: str, reason: str) -> None:
    write_video(tmp_path, "val/v", {0: []})
    folder = tmp_path / "Attributes/VID/val/v"
    folder.mkdir(parents=True)
    (folder / "frames.csv").write_text(text)
    with pytest.raises(AnnotationError, match=reason) as caught:
        read_video(val(tmp_path), "v", STRICT)
    assert "frames.csv: line" in str(caught.value)


# -- DET ---------------------------------------------------------------------------------------------------------------


def _det(root: Path, name: str, things: list[Thing], image: str = "") -> Split:
    path = root / "Annotations/DET/train" / f"{name}.xml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(annotation_xml(things))
    if image:
        write_image(root / "Data/DET/train" / f"{name}{image}")
    return Split(root, DET, "train")


def _det_thing(name: str, subcategory: str | None = None) -> Thing:
    return Thing(name=name, track=None, occluded=None, generated=None, subcategory=subcategory)


def test_a_still_image_is_a_video_of_one_frame(tmp_path: Path) -> None:
    dog, lamp = VID_CLASSES[8].wnid, "n03636649"
    name = f"ILSVRC2013_train/{lamp}/{lamp}_10"  # the folder's wnid is not the object's
    split = _det(tmp_path, name, [_det_thing(lamp), _det_thing(dog, "n02085620"), _det_thing(dog)], ".JPEG")
    _det(tmp_path, "ILSVRC2014_train_0000/ILSVRC2014_train_00000001", [])
    assert find_images(split) == [name, "ILSVRC2014_train_0000/ILSVRC2014_train_00000001"]
    table = read_image(split, name, ReadingRules(IDS, other_classes_allowed=True))
    assert isinstance(table, VideoTable)
    assert table.frame_number.tolist() == [0]
    assert table.class_id.tolist() == [8, 8]
    assert table.track_id.tolist() == [-1, -1]
    assert table.instance_attributes["subcategory"].tolist() == [b"n02085620", b""]
    assert table.counts[noticed.OTHER_CLASSES] == 1
    assert (table.files.kind, table.files.source) == ("image", f"Data/DET/train/{name}.JPEG")


def test_a_malformed_still_image_is_left_out(tmp_path: Path) -> None:
    split = _det(tmp_path, "a", [])
    (split.annotations / "a.xml").write_bytes(b"")
    with pytest.raises(AnnotationError, match=r"a\.xml: empty file"):
        read_image(split, "a", STRICT)
    assert isinstance(read_image(split, "a", LENIENT), LeftOut)


def test_frames_are_listed_without_reading(tmp_path: Path) -> None:
    make_tree(tmp_path, videos=1, frames=4)
    assert list_frames(val(tmp_path), "ILSVRC2015_val_00000000") == [0, 1, 2, 3]
