from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.makers import make_index
from vidkit.classes import ObjectClass
from vidkit.data.index import FOLDER, IMAGE, FrameFiles, IgnoredRegions, Index, SourceNames
from vidkit.data.index_file import read_index, write_index
from vidkit.data.join import CATEGORIES, DROPPED, IDS, PATHS, join
from vidkit.data.part import of_videos
from vidkit.errors import ArgumentError, ChoiceError

CAR, DOG, CAT, TREE = (
    ObjectClass(name, wnid) for name, wnid in (("car", "n1"), ("dog", "n2"), ("cat", "n3"), ("tree", "tree"))
)


def named(index: Index, dataset: str, *names: str, classes: tuple[ObjectClass, ...], root: str) -> Index:
    kind = (FOLDER,) * len(names)
    files = FrameFiles(root, kind, names, ("{:06d}.jpg",) * len(names))
    return replace(index, dataset=dataset, video_name=names, classes=classes, files=files)


@pytest.fixture
def vid() -> Index:
    return named(make_index(0), "VID", "a", "b", "c", classes=(CAR, DOG, CAT), root="/data/vid")


@pytest.fixture
def det() -> Index:
    return named(make_index(1, videos=2), "DET", "d", "e", classes=(TREE, CAT, CAR), root="/data/det/images")


def test_all_is_there_in_order_with_classes_by_name(vid: Index, det: Index, tmp_path: Path) -> None:
    write_index(tmp_path / "vid.h5", vid)
    joined = join(tmp_path / "vid.h5", det, out=tmp_path / "both.h5")
    index = joined.index
    assert joined.notes == ()
    assert read_index(tmp_path / "both.h5").fingerprint == index.fingerprint
    assert (index.dataset, index.split, index.classes) == ("VID+DET", "val", (CAR, DOG, CAT, TREE))
    for part, videos in ((vid, range(3)), (det, range(3, 5))):
        again = of_videos(index, videos)
        assert again.video_name == part.video_name
        for name in ("box", "track_id", "frame_number", "frame_start", "instance_start", "occluded", "video_size"):
            assert getattr(again, name).tolist() == getattr(part, name).tolist()
        assert [index.classes[c] for c in again.class_id] == [part.classes[c] for c in part.class_id]
    assert index.files is not None
    assert (index.files.root, index.files.source) == (
        "/data",
        ("vid/a", "vid/b", "vid/c", "det/images/d", "det/images/e"),
    )


def test_the_first_order_of_classes_and_names_can_be_given(vid: Index, det: Index) -> None:
    index = join(det, vid, dataset="both", split="train").index
    assert (index.dataset, index.split, index.classes) == ("both", "train", (TREE, CAT, CAR, DOG))
    assert join(vid, replace(det, files=None)).index.files is not None
    none = join(replace(vid, files=None), replace(det, files=None)).index
    assert none.files is None


def test_a_class_may_be_known_by_its_wordnet_id_alone(vid: Index, det: Index) -> None:
    other = replace(det, classes=(TREE, ObjectClass("kitty", "n3"), CAR))
    assert join(vid, other).index.classes == (CAR, DOG, CAT, TREE)
    with pytest.raises(
        ChoiceError, match=r"class 'dog' \(n3\) is 'dog' \(n2\) and 'cat' \(n3\) by name and by WordNet id"
    ):
        join(vid, replace(det, classes=(TREE, ObjectClass("dog", "n3"), CAR)))
    with pytest.raises(ChoiceError, match="two of its classes are one"):
        join(vid, replace(det, classes=(TREE, ObjectClass("cat", "x"), ObjectClass("y", "n3"))))


def test_videos_of_one_name_are_refused_or_told_apart(vid: Index, det: Index) -> None:
    same = replace(det, video_name=("b", "e"))
    with pytest.raises(ChoiceError, match=r"two videos are called 'b', in VID val and DET val.*--prefix"):
        join(vid, same)
    assert join(vid, same, prefix=True).index.video_name == (
        "VID_val/a",
        "VID_val/b",
        "VID_val/c",
        "DET_val/b",
        "DET_val/e",
    )
    with pytest.raises(ChoiceError, match="give data sets or splits different names"):
        join(vid, vid, prefix=True)
    with pytest.raises(ArgumentError, match="1 index to join"):
        join(vid)


def test_ignored_regions_and_unannotated_frames_are_kept(vid: Index, det: Index) -> None:
    regions = IgnoredRegions(
        count=np.array([2] + [0] * (det.n_frames - 1), np.int32),
        box=np.zeros((2, 4), np.float32),
        class_id=np.array([0, -1], np.int16),
        crowd=np.ones(2, np.bool_),
    )
    annotated = np.diff(vid.instance_start) > 0
    index = join(replace(vid, annotated=annotated), replace(det, ignored=regions)).index
    assert index.ignored is not None
    assert index.ignored.class_id.tolist() == [3, -1]
    assert index.ignored.frame.tolist() == [vid.n_frames, vid.n_frames]
    assert index.annotated is not None
    assert index.annotated.tolist() == [*annotated, *[True] * det.n_frames]


def called(index: Index, first: int, **more: object) -> Index:
    ids = np.array([b"%d" % n for n in range(first, first + index.n_frames)])
    return replace(index, called=SourceNames(frame_id=ids, **more))  # type: ignore[arg-type]


def test_the_sources_names_are_kept_where_they_are_one_of_each(vid: Index, det: Index) -> None:
    joined = join(called(vid, 0, class_id=("1", "2", "3")), called(det, 1000, class_id=("9", "3", "1")))
    assert joined.notes == ()
    assert joined.index.called.class_id == ("1", "2", "3", "9")
    assert joined.index.called.frame_id is not None
    assert joined.index.called.frame_id[[0, vid.n_frames]].tolist() == [b"0", b"1000"]
    paths = replace(vid, called=SourceNames(frame_path=np.array([b"x"] + [b""] * (vid.n_frames - 1))))
    assert join(paths, det).index.called.frame_path is not None
    clash = join(called(vid, 0, class_id=("1", "2", "3")), called(det, 5, class_id=("1", "2", "3")))
    assert clash.notes == (DROPPED.format(IDS), CATEGORIES)
    assert (clash.index.called.frame_id, clash.index.called.class_id) == (None, None)
    more = replace(det, called=SourceNames(frame_path=np.array([b"x"] * det.n_frames)))
    assert join(paths, more).notes == (DROPPED.format(PATHS),)


def test_what_only_some_have_is_filled_or_refused(vid: Index, det: Index) -> None:
    index = join(vid, replace(det, instance_attributes={"blur": np.ones(det.n_instances)})).index
    assert np.isnan(index.instance_attributes["blur"][: vid.n_instances]).all()
    texts = replace(vid, instance_attributes={"blur": np.full(vid.n_instances, b"high")})
    with pytest.raises(ChoiceError, match="attribute 'blur': text in one index, numbers in DET val"):
        join(texts, replace(det, instance_attributes={"blur": np.ones(det.n_instances)}))
    with pytest.raises(ChoiceError, match="only VID val has motion IoU of a side file"):
        join(replace(vid, motion_iou=np.ones(vid.n_instances)), det)
    with pytest.raises(ChoiceError, match="which have no folder in common"):
        join(vid, named(det, "DET", "d", "e", classes=det.classes, root="images"))


def test_stills_and_videos_go_together(vid: Index, det: Index) -> None:
    still = FrameFiles("/data/vid", (IMAGE, ""), ("d.jpg", ""), ("", ""))
    index = join(vid, replace(det, files=still)).index
    assert index.files is not None
    assert index.files.root == "/data/vid"
    assert index.files.source[3:] == ("d.jpg", "")
