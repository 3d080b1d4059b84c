from fractions import Fraction
from pathlib import Path

import pytest

from tests.data.ilsvrc_trees import Thing, make_tree, write_video
from vidkit.classes import VID_CLASSES
from vidkit.data.frame_lists import (
    FRAME_IDS,
    FRAMES,
    IMAGES,
    VIDEOS,
    ListEntry,
    every_frame_lines,
    frame_id_lines,
    read_list,
    sampled_lines,
    sampled_ranks,
    video_lines,
)
from vidkit.data.ilsvrc.tree_lists import write_lists
from vidkit.errors import AnnotationError

SPLITS = ("train", "val")


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "list.txt"
    path.write_text(text)
    return path


# -- reading -----------------------------------------------------------------------------------------------------------


def test_fifteen_frames_of_each_video(tmp_path: Path) -> None:
    found = read_list(write(tmp_path, "train/a/b 1 30 300\ntrain/a/b 1 10 300\ntrain/c 1 0 2\n"), SPLITS)
    assert found.form == FRAMES
    assert found.entries == (
        ListEntry("train", "a/b", 1, frames=(10, 30), length=300),
        ListEntry("train", "c", 3, frames=(0,), length=2),
    )


def test_whole_videos(tmp_path: Path) -> None:
    found = read_list(write(tmp_path, "val/b 1 0 464\n\nval/a 465 0 10"), SPLITS)
    assert found.form == VIDEOS
    assert found.entries == (
        ListEntry("val", "b", 1, length=464, first_id=1),
        ListEntry("val", "a", 3, length=10, first_id=465),
    )


def test_every_frame_in_megas_form(tmp_path: Path) -> None:
    found = read_list(write(tmp_path, "val/a 1 0 2\nval/a 2 1 2\nval/b 3 0 1\n"), SPLITS)
    assert found.form == FRAMES
    assert found.entries[0] == ListEntry("val", "a", 1, frames=(0, 1), ids=(1, 2), length=2)


def test_frames_with_ids(tmp_path: Path) -> None:
    found = read_list(write(tmp_path, "val/a/000000 1\nval/a/000001 2\nval/b/000005 3\n"), SPLITS)
    assert found.form == FRAME_IDS
    assert found.entries == (
        ListEntry("val", "a", 1, frames=(0, 1), ids=(1, 2)),
        ListEntry("val", "b", 3, frames=(5,), ids=(3,)),
    )


def test_still_images_with_duplicates(tmp_path: Path) -> None:
    found = read_list(write(tmp_path, "train/x/n01_2 1\ntrain/y 1\ntrain/x/n01_2 1"), SPLITS)
    assert (found.form, found.n_duplicates) == (IMAGES, 1)
    assert [entry.name for entry in found.entries] == ["x/n01_2", "y"]


def test_lists_of_ilsvrc_itself_leave_the_split_out(tmp_path: Path) -> None:
    path = write(tmp_path, "ILSVRC2015_val_00000000/000000 1\nILSVRC2015_val_00000000/000001 2\n")
    assert read_list(path, SPLITS, "val").entries[0].name == "ILSVRC2015_val_00000000"
    with pytest.raises(AnnotationError, match=r"line 1: .* doesn't start with a split of the tree \(train, val\)"):
        read_list(path, SPLITS)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty list"),
        ("val/a\n", "line 1: 1 columns"),
        ("val/a 1 0 2\nval/b 1\n", "line 2: 2 columns"),
        ("val/a x\n", "line 1: 'x' behind the path, wanted whole numbers"),
        ("val/a 1 -1 3\n", "wanted whole numbers"),
        ("val/../../etc/a 1\n", "leads out of the tree"),
        ("/val/a 1\n", "leads out of the tree"),
        ("val/a 1 0 5\nval/a 1 1 6\n", "line 2: val/a has 6 frames, a line before says 5"),
        ("val/a/000001 4\nval/a/000001 5\n", "line 2: id 5 for frame 1, which has the id 4 already"),
    ],
)
def test_malformed_lists_are_refused_with_their_line(tmp_path: Path, text: str, reason: str) -> None:
    with pytest.raises(AnnotationError, match=reason) as caught:
        read_list(write(tmp_path, text), SPLITS)
    assert str(caught.value).startswith(str(tmp_path / "list.txt"))


def test_a_binary_list_is_refused(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_bytes(b"\xff\xfe\0")
    with pytest.raises(AnnotationError, match="not UTF-8"):
        read_list(tmp_path / "list.txt", SPLITS)


# -- writing -----------------------------------------------------------------------------------------------------------


def test_sampled_ranks_are_the_centres_of_equal_bins() -> None:
    assert sampled_ranks(300) == list(range(10, 300, 20))
    for length in range(60):
        ranks = sampled_ranks(length)
        if length <= 15:
            assert ranks == list(range(length))
        else:
            centres = [Fraction((2 * k + 1) * length, 30) for k in range(15)]
            for rank, centre in zip(ranks, centres, strict=True):
                assert rank <= centre <= rank + 1  # a centre on a border may go to either frame, as published


def test_each_form_reads_back(tmp_path: Path) -> None:
    videos = [("val/a", [0, 1, 2]), ("val/b/c", [4, 7, 8, 9])]
    ids = [(1, 2, 3), (4, 5, 6, 7)]
    for lines, form in ((frame_id_lines(videos), FRAME_IDS), (every_frame_lines(videos), FRAMES)):
        found = read_list(write(tmp_path, "\n".join(lines)), SPLITS)
        assert found.form == form
        assert [entry.frames for entry in found.entries] == [(0, 1, 2), (4, 7, 8, 9)]
        assert [entry.ids for entry in found.entries] == ids
    found = read_list(write(tmp_path, "\n".join(video_lines(videos))), SPLITS)
    assert [(entry.first_id, entry.length) for entry in found.entries] == [(1, 3), (4, 4)]
    found = read_list(write(tmp_path, "\n".join(sampled_lines(videos, 2))), SPLITS)
    assert [entry.frames for entry in found.entries] == [(0, 2), (7, 9)]


def test_lists_of_a_tree(tmp_path: Path) -> None:
    make_tree(tmp_path / "t", videos=2, frames=20, split="train")
    det = tmp_path / "t/Annotations/DET/train"
    for name, wnid in (("a", VID_CLASSES[0].wnid), ("b", "n03636649")):
        write_video(tmp_path / "t", "train", {0: [Thing(name=wnid)]}, kind="DET")
        (det / "000000.xml").rename(det / f"{name}.xml")
    written = write_lists(tmp_path / "t", tmp_path / "lists")
    assert {path.name: lines for path, lines in written} == {
        "VID_train_15frames.txt": 30,
        "VID_train_videos.txt": 2,
        "VID_train_frames.txt": 40,
        "VID_train_every_frame.txt": 40,
        "DET_train_30classes.txt": 1,
    }
    assert (tmp_path / "lists/DET_train_30classes.txt").read_text() == "train/a 1\n"
    with pytest.raises(AnnotationError, match="no split 'val'; there are VID train, DET train"):
        write_lists(tmp_path / "t", tmp_path / "lists", ["val"])


# -- the published lists -----------------------------------------------------------------------------------------------


def test_every_row_of_the_published_15_frame_list_comes_out(shared_data: Path) -> None:
    path = shared_data / "ilsvrc/ImageSets/VID/VID_train_15frames.txt"
    found = read_list(path, SPLITS)
    assert (len(found.entries), sum(entry.length or 0 for entry in found.entries)) == (3862, 1_122_397)
    videos = [(f"{entry.split}/{entry.name}", range(entry.length or 0)) for entry in found.entries]
    assert list(sampled_lines(videos)) == path.read_text().splitlines()


def test_the_published_val_list_comes_out(shared_data: Path) -> None:
    path = shared_data / "ilsvrc/ImageSets/VID/VID_val_videos.txt"
    found = read_list(path, SPLITS)
    assert (found.form, len(found.entries)) == (VIDEOS, 555)
    videos = [(f"{entry.split}/{entry.name}", range(entry.length or 0)) for entry in found.entries]
    assert list(video_lines(videos)) == path.read_text().splitlines()


def test_the_published_det_list_has_402_duplicates(shared_data: Path) -> None:
    found = read_list(shared_data / "ilsvrc/ImageSets/VID/DET_train_30classes.txt", SPLITS)
    assert (found.form, len(found.entries), found.n_duplicates) == (IMAGES, 53_237, 402)
