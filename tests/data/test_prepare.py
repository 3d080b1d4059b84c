"""`vidkit.prepare`: the command's arguments and checks, from Python."""

from pathlib import Path
from typing import Any

import pytest

import vidkit
from tests.data.ilsvrc.test_motion_file import save, values_of
from tests.data.ilsvrc_trees import Thing, make_tree, write_video
from tests.data.readers.test_forms import examples
from vidkit.errors import AnnotationError, ArgumentError, ChoiceError


def test_trees_are_prepared_into_the_default_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    make_tree(tmp_path / "tree", split="val")
    make_tree(tmp_path / "tree", split="train")
    write_video(tmp_path / "tree", "train/n1", {0: [Thing(name="n03636649")]}, kind="DET")
    summaries = vidkit.prepare(vid_root="tree", workers=1)
    assert [str(s.path) for s in summaries] == [f"vidkit-data/{n}.h5" for n in ("vid_train", "vid_val", "det_train")]
    index = vidkit.read_index("vidkit-data/vid_val.h5")
    assert (summaries[1].boxes, summaries[1].fingerprint) == (index.n_instances, index.fingerprint)
    (only,) = vidkit.prepare(det_root=tmp_path / "tree", out=tmp_path / "elsewhere", workers=1)
    assert only.path == tmp_path / "elsewhere" / "det_train.h5"


def test_any_form_is_an_argument(tmp_path: Path) -> None:
    paths = examples(tmp_path)
    (tmp_path / "classes.txt").write_text("drone\n")
    classes = {"voc": str(tmp_path / "classes.txt")}
    for form, path in paths.items():
        (summary,) = vidkit.prepare(**{form: path}, classes=classes.get(form), out=tmp_path / form)
        assert vidkit.read_index(summary.path).fingerprint == summary.fingerprint
    two = vidkit.prepare(coco=[str(paths["coco"])] * 2, splits=["a", "b"], name="n", out=tmp_path / "o")
    assert [s.path.name for s in two] == ["n_a.h5", "n_b.h5"]


def test_the_side_file_is_told_of_and_its_kind_kept(tmp_path: Path) -> None:
    make_tree(tmp_path, videos=2, frames=3)
    (plain,) = vidkit.prepare(vid_root=tmp_path, out=tmp_path / "o", workers=1)
    side = save(tmp_path / "m.mat", values_of(vidkit.read_index(plain.path)))
    told: list[str] = []
    (summary,) = vidkit.prepare(vid_root=tmp_path, motion_iou=side, out=tmp_path / "o", workers=1, tell=told.append)
    assert told == [f"{side}: not the official file (by SHA-256)"]
    assert (plain.motion_iou_is_official, summary.motion_iou_is_official) == (None, False)
    assert vidkit.read_index(summary.path).motion_iou is not None


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({}, "give one of: --vid-root ROOT"),
        ({"coco": "a.json", "mot": "b"}, "give one of"),
        ({"vid_root": "a", "mot": "b"}, "give one of"),
        ({"cooc": "a.json"}, r"no form of annotations 'cooc' \(did you mean 'coco'\?\)"),
        ({"mot": ["a", "b"]}, "mot: 2 paths, wanted one"),
        ({"voc": "a"}, "--voc needs --classes FILE: the classes of VOC's form are one's own"),
        ({"mot": "a", "frames": "b"}, "--frames goes with --coco or --voc: a MOT sequence tells where its images are"),
        ({"coco": "a", "first_pixel": 0}, "--first-pixel goes with --mot or --voc: COCO counts from the edge"),
        ({"vid_root": "a", "frames": "b"}, "--frames goes with --coco or --voc"),
        ({"vid_root": "a", "first_pixel": 0}, "--first-pixel goes with --mot or --voc"),
        ({"vid_root": "a", "name": "b"}, "--name goes with --coco, --mot, --voc or --video"),
        ({"mot": "a", "lists": ["b"]}, "--list goes with --vid-root or --det-root"),
        ({"mot": "a", "on_error": "skip"}, "--on-error skip goes with --vid-root or --det-root"),
        ({"mot": "a", "check_images": True}, "--check-images goes with"),
        ({"vid_root": "a", "on_error": "raise"}, "on_error 'raise': wanted stop or skip"),
        ({"vid_root": "a", "workers": 0}, "workers 0: wanted 0 or 1, and 1 or more"),
        ({"mot": "a", "first_pixel": 2}, "first_pixel 2, workers None: wanted 0 or 1"),
        ({"coco": ["a.json", "a.json"]}, "name the splits with --split"),
        ({"coco": "a.json", "splits": ["a", "b"]}, "--split names the split of each --coco, --mot, --voc or --video"),
    ],
)
def test_arguments_that_do_not_fit_are_the_callers_mistake(arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(ArgumentError, match=words):
        vidkit.prepare(**arguments)


def test_a_motion_file_needs_vid_val(tmp_path: Path) -> None:
    write_video(tmp_path, "train/n1", {0: []}, kind="DET")
    with pytest.raises(ArgumentError, match="--motion-iou is for VID val"):
        vidkit.prepare(det_root=tmp_path, motion_iou=save(tmp_path / "m.mat", []), out=tmp_path / "o")


def test_names_must_be_fit_for_files(tmp_path: Path) -> None:
    path = examples(tmp_path)["coco"]
    with pytest.raises(ChoiceError, match="can't be part of a file's name"):
        vidkit.prepare(coco=path, name="../mine", out=tmp_path / "o")


def test_a_tree_of_imagenet_is_found_by_looking(tmp_path: Path) -> None:
    make_tree(tmp_path / "tree")
    told: list[str] = []
    (summary,) = vidkit.prepare(tmp_path / "tree", out=tmp_path / "out", tell=told.append)
    assert told == [f"{tmp_path / 'tree'}: ImageNet's tree (VID)"]
    assert summary.path.name == "vid_val.h5"


def test_classes_have_names_of_their_own(tmp_path: Path) -> None:
    paths = examples(tmp_path)
    (tmp_path / "classes.txt").write_text("n1 drone\nn2 drone\n")
    with pytest.raises((AnnotationError, ChoiceError), match="drone"):
        vidkit.prepare(voc=paths["voc"], classes=tmp_path / "classes.txt", out=tmp_path / "out")
    assert not list((tmp_path / "out").glob("*.h5"))
