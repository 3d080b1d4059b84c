from pathlib import Path

import numpy as np
import pytest

from vidkit.classes import ObjectClass
from vidkit.data.frames import frame
from vidkit.data.index import FOLDER
from vidkit.data.readers.found_boxes import NO_AREA
from vidkit.data.readers.mot import MOT_CLASSES, NO_GT, read_mot
from vidkit.data.stack import build_index
from vidkit.errors import AnnotationError

INFO = """[Sequence]
name=MOT17-02-FRCNN
imDir=img1
frameRate=30
seqLength=4
imWidth=64
imHeight=48
imExt=.jpg
"""
ROWS = """\
3,2,11,6,20,10,1,3,0.25
1,1,1,1,10,20,1,1,1
1,2,5.5,6.5,20,10,1,3,0.5
1,9,5,6,20,10,0,8,1
4,1,3,1,10,20,1,1,0.75
4,2,3,1,0,20,1,1,0.75
"""


def make_sequence(folder: Path, rows: str | bytes | None = ROWS, info: str | None = INFO, images: bool = False) -> Path:
    (folder / "gt").mkdir(parents=True)
    if rows is not None:
        (folder / "gt" / "gt.txt").write_bytes(rows if isinstance(rows, bytes) else rows.encode())
    if info is not None:
        (folder / "seqinfo.ini").write_text(info)
    if images:
        from PIL import Image

        (folder / "img1").mkdir()
        for number in range(1, 5):
            Image.new("L", (64, 48), 50 * number).save(folder / "img1" / f"{number:06d}.jpg", quality=95)
    return folder


def test_frames_and_pixels_are_counted_from_0(tmp_path: Path) -> None:
    source = read_mot(make_sequence(tmp_path / "MOT17-02-FRCNN"))
    (video,) = source.videos
    assert (video.name, video.size) == ("MOT17-02-FRCNN", (64, 48))
    assert video.frame_number.tolist() == [0, 1, 2, 3]
    assert video.instance_count.tolist() == [2, 0, 1, 1]
    assert video.box.tolist() == [[0, 0, 10, 20], [4.5, 5.5, 24.5, 15.5], [10, 5, 30, 15], [2, 0, 12, 20]]
    assert video.track_id.tolist() == [1, 2, 2, 1]
    assert [MOT_CLASSES[c].name for c in video.class_id] == ["pedestrian", "car", "car", "pedestrian"]
    assert video.instance_attributes["visibility"].tolist() == [1, 0.5, 0.25, 0.75]
    assert video.counts == {NO_AREA: 1}
    assert video.ignored is not None
    assert video.ignored.count.tolist() == [1, 0, 0, 0]
    assert (video.ignored.box.tolist(), video.ignored.class_id.tolist()) == ([[4, 5, 24, 15]], [0])
    assert (source.class_ids or ())[:3] == ("1", "2", "3")
    assert video.called.number == (1, 2, 3, 4)
    assert (video.called.path or ())[:1] == ("MOT17-02-FRCNN/img1/000001.jpg",)


def test_pixels_counted_from_0_stay(tmp_path: Path) -> None:
    (video,) = read_mot(make_sequence(tmp_path / "s"), first_pixel=0).videos
    assert video.box[0].tolist() == [1, 1, 11, 21]


def test_frame_0_is_the_file_of_frame_1(tmp_path: Path) -> None:
    make_sequence(tmp_path / "train" / "s", images=True)
    for root in (tmp_path / "train", tmp_path / "train" / "s"):
        source = read_mot(root)
        index = build_index(source.videos, source.classes, "mot", "train", str(source.root))
        assert source.videos[0].files.kind == FOLDER
        levels = [int(frame(index, row)[5, 5, 0]) for row in range(4)]
        assert np.allclose(levels, [50, 100, 150, 200], atol=2)


def test_ten_columns_are_those_of_mot15(tmp_path: Path) -> None:
    (video,) = read_mot(make_sequence(tmp_path / "s", "1,7,2,3,10,20,1,5.2,-3.1,0\n1,8,2,3,10,20,1,-1,-1,-1\n")).videos
    assert video.class_id.tolist() == [0, 0]
    assert video.instance_attributes == {}


def test_ten_columns_with_categories_are_those_of_visdrone(tmp_path: Path) -> None:
    rows = "1,7,2,3,10,20,1,2,0,1\n1,8,2,3,10,20,1,0,0,0\n2,9,2,3,10,20,0,1,1,2\n"
    classes = [ObjectClass("pedestrian", "pedestrian"), ObjectClass("car", "car")]
    (video,) = read_mot(make_sequence(tmp_path / "s", rows), classes).videos
    assert video.class_id.tolist() == [1]
    assert video.ignored is not None
    assert (video.ignored.class_id.tolist(), video.ignored.crowd.tolist()) == ([-1, 0], [True, False])
    with pytest.raises(AnnotationError, match=r"look like VisDrone's category.*--classes FILE, or say --from visdrone"):
        read_mot(make_sequence(tmp_path / "t", rows))


def test_classes_of_ones_own_are_numbered_from_1(tmp_path: Path) -> None:
    classes = [ObjectClass("drone", "drone"), ObjectClass("bird", "bird")]
    source = read_mot(make_sequence(tmp_path / "s", "1,1,1,1,5,5,1,2\n"), classes)
    assert source.classes == tuple(classes)
    assert source.videos[0].class_id.tolist() == [1]
    with pytest.raises(AnnotationError, match="line 1: class 3, wanted a whole number from 1 to 2"):
        read_mot(make_sequence(tmp_path / "t", "1,1,1,1,5,5,1,3\n"), classes)


def test_of_the_copies_of_mot17_one_is_taken_and_the_others_are_told(tmp_path: Path) -> None:
    for name in ("MOT17-02-SDP", "MOT17-02-DPM", "MOT17-04-DPM", "MOT17-02-FRCNN"):
        make_sequence(tmp_path / name)
    make_sequence(tmp_path / "MOT17-01-DPM", rows=None)
    (tmp_path / "no sequence").mkdir()
    source = read_mot(tmp_path)
    assert [v.name for v in source.videos] == ["MOT17-02-DPM", "MOT17-04-DPM"]
    told = {Path(item.place).name: item.reason for item in source.left_out}
    assert told == {
        "MOT17-01-DPM": NO_GT,
        "MOT17-02-FRCNN": "the same frames and boxes as MOT17-02-DPM",
        "MOT17-02-SDP": "the same frames and boxes as MOT17-02-DPM",
    }


def test_without_seqinfo_the_last_row_ends_the_sequence(tmp_path: Path) -> None:
    (video,) = read_mot(make_sequence(tmp_path / "s", info=None)).videos
    assert (video.size, len(video.frame_number), video.files.kind) == ((0, 0), 4, "")


def test_no_rows_are_a_sequence_without_boxes(tmp_path: Path) -> None:
    (video,) = read_mot(make_sequence(tmp_path / "s", "\n")).videos
    assert video.instance_count.tolist() == [0, 0, 0, 0]
    assert video.box.shape == (0, 4)


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ("1,1,1,1,5\n", "line 1: 5 columns, wanted 7 to 10"),
        ("1,1,1,1,5,5,1,1,1\n\n1,2,1,x,5,5,1,1,1\n", "line 3: 'x' is no number; wanted frame, id"),
        ("0,1,1,1,5,5,1,1,1\n", "line 1: frame 0, wanted a whole number from 1"),
        ("1.5,1,1,1,5,5,1,1,1\n", "line 1: frame 1.5"),
        ("5,1,1,1,5,5,1,1,1\n", "line 1: frame 5, but seqinfo.ini tells 4 frames"),
        ("1e300,1,1,1,5,5,1,1,1\n", r"line 1: frame 1e\+300, wanted a whole number"),
        ("1,nan,1,1,5,5,1,1,1\n", "line 1: id nan, wanted a whole number"),
        ("1,1,1,inf,5,5,1,1,1\n", "line 1: box 0, inf, 5, inf; wanted finite pixels"),
        ("1,1,1,1,-5,5,1,1,1\n", "line 1: a box of -5 x 5 pixels; no side can be negative"),
        ("1,1,1,1,5,5,1,99,1\n", "line 1: class 99, wanted a whole number from 1 to 13"),
        ("1,1,1,1,5,5,1,1,1\n1,1,2,1,5,5,1,1,1\n", "line 2: id 1 is in frame 1 already, in line 1"),
        (b"\x89PNG\r\n\x00\xff", "byte 0: not UTF-8"),
    ],
)
def test_malformed_rows_are_refused_with_their_line(tmp_path: Path, rows: str | bytes, words: str) -> None:
    with pytest.raises(AnnotationError, match=words) as caught:
        read_mot(make_sequence(tmp_path / "s", rows))
    assert "gt.txt" in str(caught.value)


@pytest.mark.parametrize(
    ("info", "words"),
    [
        ("hello", "no section headers"),
        ("[Other]\na=1\n", r"no section \[Sequence\]"),
        ("[Sequence]\nseqLength=many\n", "seqLength 'many', wanted a whole number"),
        ("[Sequence]\nseqLength=9999999\n", "seqLength '9999999'"),
        ("[Sequence]\nimWidth=-3\n", "imWidth '-3'"),
        ("[Sequence]\nimDir=../../secret\n", "wanted a folder"),
        ("[Sequence]\nimExt=/x\n", "wanted a folder and a suffix"),
    ],
)
def test_a_malformed_seqinfo_is_refused(tmp_path: Path, info: str, words: str) -> None:
    with pytest.raises(AnnotationError, match=words) as caught:
        read_mot(make_sequence(tmp_path / "s", info=info))
    assert "seqinfo.ini" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_holds_no_sequence_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AnnotationError, match="no such folder"):
        read_mot(tmp_path / "none")
    with pytest.raises(AnnotationError, match=r"no sequences with gt/gt\.txt"):
        read_mot(tmp_path)
    make_sequence(tmp_path / "test", rows=None)
    with pytest.raises(AnnotationError, match=r"\(1 without\)"):
        read_mot(tmp_path)


def test_sequences_of_splits_and_of_cvat_are_named(tmp_path: Path) -> None:
    make_sequence(tmp_path / "data" / "val" / "s")
    with pytest.raises(AnnotationError, match="there are in val: give one of these folders"):
        read_mot(tmp_path / "data")
    (tmp_path / "data" / "val" / "s" / "gt" / "labels.txt").write_text("car\n")
    with pytest.raises(AnnotationError, match=r"labels\.txt: this is CVAT's MOT export.*--from cvat-mot"):
        read_mot(tmp_path / "data" / "val")
