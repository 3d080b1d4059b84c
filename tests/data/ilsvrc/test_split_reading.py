import io
import json
import multiprocessing
import shutil
import tarfile
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import numpy as np
import pytest

from tests.data.ilsvrc.test_motion_file import save, values_of
from tests.data.ilsvrc_trees import Thing, annotation_xml, make_tree, write_image, write_video
from vidkit.boxes import to_inclusive
from vidkit.classes import VID_CLASSES, ObjectClass
from vidkit.data.class_list import choose_classes
from vidkit.data.frame_lists import video_lines
from vidkit.data.ilsvrc.motion_file import read_motion_file
from vidkit.data.ilsvrc.split_plan import DUPLICATES, RENAMED, plan_splits
from vidkit.data.ilsvrc.split_reading import prepare_split, read_plan
from vidkit.data.index import Index
from vidkit.data.index_file import read_index
from vidkit.data.noticed import NO_IMAGE, OTHER_CLASSES, SUBCATEGORY
from vidkit.data.prepared import Part
from vidkit.data.reading_processes import reading_processes
from vidkit.errors import AnnotationError, ChoiceError
from vidkit.evaluation.motion_iou import motion_iou
from vidkit.progress import Advance


def read(
    root: Path,
    lists: Sequence[Path] = (),
    splits: Sequence[str] = (),
    classes: Sequence[ObjectClass] | None = None,
    skip_errors: bool = False,
) -> Part:
    """The only split of a tree."""
    (planned,) = plan_splits(root, None, lists, splits, skip_errors)
    return read_plan(planned, classes, skip_errors)


# -- which splits ------------------------------------------------------------------------------------------------------


def test_there_is_a_file_for_every_split(tmp_path: Path) -> None:
    make_tree(tmp_path, split="val")
    make_tree(tmp_path, split="train")
    write_video(tmp_path, "train/ILSVRC2013_train/n1", {0: [], 1: []}, kind="DET")
    assert [p.file_name for p in plan_splits(tmp_path, None)] == ["vid_train.h5", "vid_val.h5", "det_train.h5"]
    assert [p.file_name for p in plan_splits(tmp_path, None, splits=["val"])] == ["vid_val.h5"]
    assert [p.file_name for p in plan_splits(None, tmp_path)] == ["det_train.h5"]
    with pytest.raises(AnnotationError, match="no split 'test' in the tree; there are VID train, VID val, DET train"):
        plan_splits(tmp_path, None, splits=["test"])


def test_a_split_without_annotations_is_prepared_if_asked_for(tmp_path: Path) -> None:
    make_tree(tmp_path)
    write_image(tmp_path / "Data/VID/test/v/000000.JPEG")
    assert [p.file_name for p in plan_splits(tmp_path, None)] == ["vid_val.h5"]
    (planned,) = plan_splits(tmp_path, None, splits=["test"])
    assert read_plan(planned).index.n_frames == 1


# -- reading -----------------------------------------------------------------------------------------------------------


def test_the_result_is_the_same_with_any_number_of_processes(tmp_path: Path) -> None:
    make_tree(tmp_path, videos=40, frames=5)
    (planned,) = plan_splits(tmp_path, None)
    one = read_plan(planned)
    with reading_processes(3) as mapping:
        three = read_plan(planned, mapping=mapping)
    assert three.index.fingerprint == one.index.fingerprint
    assert three.index.video_name == tuple(sorted(three.index.video_name))
    assert (three.n_files, three.counts) == (one.n_files, one.counts) == (200, one.counts)
    assert multiprocessing.active_children() == []


def test_the_first_malformed_file_in_order_stops_all_processes(tmp_path: Path) -> None:
    make_tree(tmp_path, videos=40, frames=3)
    for video in (7, 30):
        (tmp_path / f"Annotations/VID/val/ILSVRC2015_val_{video:08d}/000001.xml").write_text("<annotation>")
    (planned,) = plan_splits(tmp_path, None)
    with reading_processes(3) as mapping, pytest.raises(AnnotationError, match=r"val_00000007/000001\.xml: not well"):
        read_plan(planned, mapping=mapping)
    assert multiprocessing.active_children() == []


def test_what_has_no_annotations_is_left_out_and_listed(tmp_path: Path) -> None:
    make_tree(tmp_path, videos=1)
    write_image(tmp_path / "Data/VID/val/other/000000.JPEG")
    (tmp_path / "Annotations/VID/val/empty").mkdir()
    part = read(tmp_path)
    assert part.index.video_name == ("ILSVRC2015_val_00000000",)
    assert part.counts["videos without annotations, left out"] == 1
    assert [item.reason for item in part.left_out] == ["no annotations", "a video without frames"]


def test_a_tree_of_nothing_gives_an_empty_index(tmp_path: Path) -> None:
    (tmp_path / "Annotations/VID/val").mkdir(parents=True)
    assert read(tmp_path).index.n_videos == 0


def test_det_is_kept_by_the_wnid_of_the_object(tmp_path: Path) -> None:
    dog, lamp = VID_CLASSES[8].wnid, "n03636649"
    folder = tmp_path / "Annotations/DET/train/ILSVRC2013_train" / lamp
    folder.mkdir(parents=True)
    for name, things in (("a", [Thing(name=dog, subcategory="n02085620")]), ("b", [Thing(name=lamp)]), ("c", [])):
        (folder / f"{name}.xml").write_text(annotation_xml(things))
    write_image(tmp_path / f"Data/DET/train/ILSVRC2013_train/{lamp}/d.JPEG")
    (planned,) = plan_splits(None, tmp_path)
    part = read_plan(planned)
    assert part.index.class_id.tolist() == [8]
    assert np.diff(part.index.instance_start).tolist() == [1, 0, 0]
    assert part.counts == {
        OTHER_CLASSES: 1,
        SUBCATEGORY: 1,
        NO_IMAGE: 3,
        "images without annotations, left out": 1,
    }


def test_nothing_assumes_thirty_classes(tmp_path: Path) -> None:
    write_video(tmp_path, "val/v", {0: [Thing(name="b"), Thing(name=VID_CLASSES[0].wnid), Thing(name="a")]})
    (tmp_path / "classes.txt").write_text("# mine\nb 2 second one\na 1 first\n")
    classes = choose_classes(str(tmp_path / "classes.txt"))
    assert classes == (ObjectClass("first", "a"), ObjectClass("second one", "b"))
    part = read(tmp_path, classes=classes)
    assert part.index.class_id.tolist() == [1, 0]
    assert part.counts[OTHER_CLASSES] == 1
    with pytest.raises(AnnotationError, match="object 0: unknown class 'b'"):
        read(tmp_path)


def test_classes_may_be_chosen_by_name(tmp_path: Path) -> None:
    assert choose_classes("zebra, n02084071") == (VID_CLASSES[29], VID_CLASSES[8])
    with pytest.raises(ChoiceError, match=r"'zebr' is no file .* \(did you mean 'zebra'\?\)"):
        choose_classes("zebr")
    for text, reason in (
        ("a\na\n", "the name 'a' stands twice"),
        ("a 1 x\nb y\n", "in all lines or in none"),
        ("a 1 x\nb 1 y\n", "an id stands twice"),
        ("\n", "no classes"),
    ):
        (tmp_path / "c").write_text(text)
        with pytest.raises(AnnotationError, match=reason):
            choose_classes(str(tmp_path / "c"))


# -- lists -------------------------------------------------------------------------------------------------------------


def _list(tmp_path: Path, *lines: str) -> Path:
    path = tmp_path / "list.txt"
    path.write_text("\n".join(lines))
    return path


def test_a_list_restricts_and_orders(tmp_path: Path) -> None:
    make_tree(tmp_path, videos=3, frames=8)
    make_tree(tmp_path, videos=1, split="train")
    b, a = ("ILSVRC2015_val_00000002", "ILSVRC2015_val_00000000")
    index = read(tmp_path, [_list(tmp_path, f"val/{b} 1 2 8", f"val/{b} 1 6 8", f"val/{a} 1 0 8")]).index
    assert index.video_name == (b, a)
    assert index.frame_number.tolist() == [2, 6, 0]
    assert read(tmp_path, [_list(tmp_path, f"val/{b} 1 0 8")]).index.n_frames == 8


def test_what_a_list_wants_and_the_tree_lacks_stops_or_is_listed(tmp_path: Path) -> None:
    make_tree(tmp_path, videos=1, frames=8)
    path = _list(tmp_path, "val/ILSVRC2015_val_00000000 1 0 9", "val/missing 10 0 5")
    with pytest.raises(AnnotationError, match=r"list\.txt:2: val/missing isn't in .* \(1 of 2 entries are missing\)"):
        read(tmp_path, [path])
    part = read(tmp_path, [path], skip_errors=True)
    assert part.index.n_frames == 8
    assert [item.reason.split(" isn't")[0] for item in part.left_out] == [
        "val/missing",
        "has 8 frames, the list says 9",
    ]


def test_lists_of_2015_are_found_under_names_of_2017(tmp_path: Path) -> None:
    write_video(tmp_path, "train/ILSVRC2017_VID_train_0000/ILSVRC2017_train_1", {0: [], 1: []})
    path = _list(tmp_path, "train/ILSVRC2015_VID_train_0000/ILSVRC2015_train_1 1 1 2")
    part = read(tmp_path, [path])
    assert part.index.video_name == ("ILSVRC2017_VID_train_0000/ILSVRC2017_train_1",)
    assert part.counts[RENAMED] == 1


def test_a_det_list_is_taken_once_for_each_image_in_its_order(tmp_path: Path) -> None:
    folder = tmp_path / "Annotations/DET/train/x"
    folder.mkdir(parents=True)
    for name in "abc":
        (folder / f"{name}.xml").write_text(annotation_xml())
    (planned,) = plan_splits(None, tmp_path, [_list(tmp_path, "train/x/c 1", "train/x/a 1", "train/x/c 1")])
    part = read_plan(planned)
    assert part.index.video_name == ("x/c", "x/a")
    assert part.counts == {DUPLICATES: 1}


def test_lists_that_contradict_the_tree_or_each_other_are_refused(tmp_path: Path) -> None:
    make_tree(tmp_path)
    name = "val/ILSVRC2015_val_00000000 1 0 8"
    with pytest.raises(AnnotationError, match="lists VID val already"):
        plan_splits(tmp_path, None, [_list(tmp_path, name), _list(tmp_path, name)])
    with pytest.raises(AnnotationError, match="lists DET val, the tree has VID val"):
        plan_splits(tmp_path, None, [_list(tmp_path, "val/a 1", "val/b 1")])


# -- frames in one tar -------------------------------------------------------------------------------------------------


def test_frames_of_all_videos_may_lie_in_one_tar(tmp_path: Path) -> None:
    make_tree(tmp_path, videos=3, frames=2)
    with tarfile.open(tmp_path / "frames.tar", "w") as tar:
        for video in (0, 2):
            for frame in (0, 1):
                content = f"{video}.{frame}".encode()
                member = tarfile.TarInfo(f"./ILSVRC/Data/VID/val/ILSVRC2015_val_{video:08d}/{frame:06d}.JPEG")
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))
    (planned,) = plan_splits(tmp_path, None, frames_tar=tmp_path / "frames.tar")
    files = read_plan(planned).index.files
    assert files is not None
    assert (files.root, files.kind, files.source) == (
        str(tmp_path),
        ("tar", "", "tar"),
        ("frames.tar", "", "frames.tar"),
    )
    assert files.offset is not None
    assert files.size is not None
    data = (Path(files.root) / files.source[2]).read_bytes()
    assert data[files.offset[5] : files.offset[5] + files.size[5]] == b"2.1"
    assert files.offset[2:4].tolist() == [-1, -1]


# -- writing -----------------------------------------------------------------------------------------------------------


def test_a_summary_tells_what_is_in_the_index(tmp_path: Path) -> None:
    things = [Thing(track=0), Thing(track=1, name=VID_CLASSES[3].wnid)]
    write_video(tmp_path, "val/a", {0: things, 1: [], 2: things[:1]})
    write_video(tmp_path, "val/b", {0: things})
    (planned,) = plan_splits(tmp_path, None)
    out = tmp_path / "out"
    seen: list[int] = []

    def show(title: str, total: int, unit: str) -> AbstractContextManager[Advance]:
        assert (title, total, unit) == ("vid_val.h5", 2, "videos")
        return nullcontext(lambda steps, note="": seen.append(steps))

    summary = prepare_split(planned, out, show_progress=show)
    assert (summary.videos, summary.frames, summary.boxes) == (2, 4, 5)
    assert (summary.tracks, summary.classes, summary.empty_frames) == (4, 2, 1)
    assert sum(seen) == 2
    assert [path.name for path in out.iterdir()] == ["vid_val.h5"]
    assert read_index(summary.path).fingerprint == summary.fingerprint
    assert (summary.state, prepare_split(planned, out).state) == ("new", "unchanged")
    write_video(tmp_path, "val/b", {0: things[:1]})
    assert prepare_split(planned, out).state == "replaced"


def test_what_is_left_out_stands_in_a_report(tmp_path: Path) -> None:
    make_tree(tmp_path, videos=2, frames=3)
    bad = tmp_path / "Annotations/VID/val/ILSVRC2015_val_00000001/000001.xml"
    good = bad.read_text()
    bad.write_text("")
    (planned,) = plan_splits(tmp_path, None)
    summary = prepare_split(planned, tmp_path / "out", skip_errors=True)
    assert summary.frames == 5
    assert summary.report is not None
    report = json.loads(summary.report.read_text())
    assert (report["format"], report["version"], report["index"]) == ("vidkit-prepare-report", 1, "vid_val.h5")
    assert report["left_out"] == [{"place": str(bad), "reason": "empty file"}]
    bad.write_text(good)
    assert prepare_split(planned, tmp_path / "out").report is None
    assert not summary.report.exists()


def test_an_error_leaves_the_index_as_it_was(tmp_path: Path) -> None:
    make_tree(tmp_path)
    (planned,) = plan_splits(tmp_path, None)
    path = prepare_split(planned, tmp_path / "out").path
    before = path.read_bytes()
    (tmp_path / "Annotations/VID/val/ILSVRC2015_val_00000001/000001.xml").write_text("")
    with pytest.raises(AnnotationError):
        prepare_split(planned, tmp_path / "out")
    assert path.read_bytes() == before
    assert [p.name for p in path.parent.iterdir()] == [path.name]


# -- motion IoU --------------------------------------------------------------------------------------------------------


def test_motion_of_a_side_file_comes_into_the_index(tmp_path: Path) -> None:
    make_tree(tmp_path, videos=3, frames=4)
    (planned,) = plan_splits(tmp_path, None)
    whole = read_plan(planned).index
    values = values_of(whole)
    motion = read_motion_file(save(tmp_path / "m.mat", values))
    summary = prepare_split(planned, tmp_path / "out", motion=motion)
    np.testing.assert_array_equal(read_index(summary.path).motion_iou, np.concatenate(values))


def test_a_part_of_the_tree_needs_the_list(tmp_path: Path) -> None:
    make_tree(tmp_path, videos=3, frames=4)
    whole = read(tmp_path).index
    values = values_of(whole)
    motion = read_motion_file(save(tmp_path / "m.mat", values))
    lines = list(video_lines((f"val/{name}", range(4)) for name in whole.video_name))
    shutil.rmtree(tmp_path / "Annotations/VID/val" / whole.video_name[1])
    (planned,) = plan_splits(tmp_path, None)
    with pytest.raises(AnnotationError, match="give the list it was made for"):
        prepare_split(planned, tmp_path / "out", motion=motion)
    own = tmp_path / "ImageSets/VID/VID_val_videos.txt"
    own.parent.mkdir(parents=True)
    own.write_text("\n".join(lines))
    wanted = np.concatenate(values[:4] + values[8:])
    for lists, skip in (((), False), ((own,), True)):
        (planned,) = plan_splits(tmp_path, None, lists, skip_errors=skip)
        path = prepare_split(planned, tmp_path / "out", motion=motion, skip_errors=skip).path
        np.testing.assert_array_equal(read_index(path).motion_iou, wanted)


def test_motion_needs_all_objects(tmp_path: Path) -> None:
    write_video(tmp_path, "val/v", {0: [Thing(), Thing(name=VID_CLASSES[1].wnid)]})
    motion = read_motion_file(save(tmp_path / "m.mat", [np.array([0.5, 0.5])]))
    (planned,) = plan_splits(tmp_path, None)
    with pytest.raises(AnnotationError, match="1 objects of other classes were left out; prepare without --classes"):
        prepare_split(planned, tmp_path / "out", classes=VID_CLASSES[:1], motion=motion)


# -- the real snippets -------------------------------------------------------------------------------------------------


def _truth(shared_data: Path, index: Index) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """The rows of the official ground truth for the frames that `index` has."""
    with np.load(shared_data / "ilsvrc/vid_val_gt_all.npz") as stored:
        truth = {name: stored[name] for name in stored.files}
    start = dict(zip(truth["video_name"].tolist(), truth["video_start"].tolist(), strict=True))
    frames = np.array([start[index.video_name[v]] for v in index.frame_video]) + index.frame_number
    rows = np.flatnonzero(np.isin(truth["frame_index"], frames))
    return truth, rows[np.argsort(truth["frame_index"][rows], kind="stable")]


def test_real_boxes_equal_the_official_ground_truth(shared_data: Path) -> None:
    index = read(shared_data / "ilsvrc", splits=["val"]).index
    truth, rows = _truth(shared_data, index)
    assert index.n_instances == len(rows) > 0
    np.testing.assert_array_equal(to_inclusive(index.box), truth["box_xyxy"][rows])
    np.testing.assert_array_equal(index.class_id + 1, truth["class_id"][rows])


def test_motion_from_tracks_equals_the_published_file(shared_data: Path) -> None:
    index = read(shared_data / "ilsvrc", splits=["val"]).index
    truth, rows = _truth(shared_data, index)
    whole = index.frame_number[index.instance_frame] <= index.frame_number.max() - 10
    assert whole.sum() > 80
    np.testing.assert_allclose(motion_iou(index)[whole], truth["motion_iou"][rows][whole], rtol=0, atol=1e-12)


def test_the_published_values_are_aligned_with_the_real_snippet(shared_data: Path, tmp_path: Path) -> None:
    with np.load(shared_data / "ilsvrc/vid_val_gt_all.npz") as stored:
        frame_index, published = stored["frame_index"], stored["motion_iou"]
        n_frames = int(stored["video_len"].sum())
    order = np.argsort(frame_index, kind="stable")
    counts = np.bincount(frame_index, minlength=n_frames)
    cells = np.split(published[order], np.cumsum(counts)[:-1])
    motion = read_motion_file(save(tmp_path / "m.mat", cells))
    assert (motion.n_frames, len(motion.value)) == (176_126, 273_505)
    (planned,) = plan_splits(shared_data / "ilsvrc", None, splits=["val"])
    index = read_index(prepare_split(planned, tmp_path, motion=motion).path)
    _, rows = _truth(shared_data, index)
    np.testing.assert_array_equal(index.motion_iou, published[rows])
