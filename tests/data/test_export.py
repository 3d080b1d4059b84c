from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.data.writers.test_round_trips import again, an_index, assert_same, images
from tests.makers import make_classes
from vidkit.data.export import export
from vidkit.data.index import IMAGE, FrameFiles, Index
from vidkit.data.part import of_videos
from vidkit.data.writers import WRITERS
from vidkit.errors import ArgumentError, ChoiceError, FrameError

__all__ = ["images"]  # a fixture


def test_splits_of_one_data_set_go_into_one_folder(images: Path, tmp_path: Path) -> None:
    val = an_index(images)
    train = replace(an_index(images, seed=1), split="train")
    done = export(train, val, to="yolo", out=tmp_path / "yolo")
    assert [split.split for split in done.splits] == ["train", "val"]
    assert "train: images/train\nval: images/val\n" in (tmp_path / "yolo" / "data.yaml").read_text()
    for n, index in enumerate((train, val)):
        found = again(replace(done, splits=done.splits[n:]), tmp_path)
        assert_same(found, index, "track_id", "occluded", "generated", "wnid", exact=False)
    export(train, val, to="coco-vid", out=tmp_path / "coco")
    assert sorted(p.name for p in (tmp_path / "coco").iterdir()) == ["train.json", "val.json"]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["again", "coco", "yolo"]


def test_one_video_keeps_its_name(images: Path, tmp_path: Path) -> None:
    index = replace(of_videos(an_index(images), [1]), files=None)
    files = FrameFiles(str(images), ("folder",), ("clip_b",), ("{:06d}.png",))
    for form in WRITERS:
        done = export(replace(index, files=files), to=form, out=tmp_path / form)
        named = {} if form == "ilsvrc" else {"name": form}
        assert again(done, tmp_path, **named).video_name == ("clip_b",)


@pytest.mark.parametrize("form", ["coco-vid", "yolo", "ilsvrc"])
def test_still_images_stay_still_images(images: Path, tmp_path: Path, form: str) -> None:
    index = stills(images)
    done = export(index, to=form, out=tmp_path / "out")
    found = again(done, tmp_path, **{} if form == "ilsvrc" else {"name": "x"})
    assert found.video_name == index.video_name
    assert found.files is not None
    assert set(found.files.kind) == {IMAGE}
    np.testing.assert_allclose(found.box, index.box, atol=1e-6)


def stills(root: Path) -> Index:
    """Four of the images, each a video of one frame."""
    index = an_index(root)
    n = int(index.instance_start[4])
    names = ("a/cat", "a/dog", "b/one", "b/other")
    for name in names:
        (root / name).parent.mkdir(exist_ok=True)
        (root / f"{name}.png").write_bytes((root / "clip_a" / "000001.png").read_bytes())
    return Index(
        dataset="made",
        split="val",
        classes=index.classes[:1],
        video_name=names,
        video_size=np.tile(index.video_size[:1], (4, 1)),
        frame_start=np.arange(5),
        frame_number=np.zeros(4, np.int32),
        instance_start=index.instance_start[:5],
        box=index.box[:n],
        class_id=np.zeros(n, np.int16),
        track_id=np.full(n, -1, np.int32),
        occluded=index.occluded[:n],
        generated=index.generated[:n],
        files=FrameFiles(str(root), (IMAGE,) * 4, tuple(f"{name}.png" for name in names), ("",) * 4),
    )


def test_it_is_written_whole_or_not_at_all(images: Path, tmp_path: Path) -> None:
    index = an_index(images)
    (tmp_path / "there").mkdir()
    export(index, to="mot", out=tmp_path / "there", images="none")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(ChoiceError, match="exists already, and what is in it stays"):
        export(index, to="mot", out=tmp_path / "there")
    files = replace(index.files, root=str(tmp_path))
    with pytest.raises(FrameError, match=r"000000\.png: no such image.*--images none"):
        export(replace(index, files=files), to="mot", out=tmp_path / "new")
    assert sorted(tmp_path.rglob("*")) == before
    done = export(replace(index, files=files), to="mot", out=tmp_path / "new", frames_root=images, images="copy")
    assert done.splits[0].images == 8
    assert not (tmp_path / "new/val/clip_a/img1/000001.png").is_symlink()


def test_what_does_not_go_together_is_refused(images: Path, tmp_path: Path) -> None:
    index = an_index(images)
    out = {"out": tmp_path / "out"}
    with pytest.raises(ArgumentError, match=r"'coco' \(did you mean 'coco-vid'\?\): wanted one of"):
        export(index, to="coco", **out)
    with pytest.raises(ArgumentError, match="images 'move': wanted one of link"):
        export(index, to="mot", images="move", **out)  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="must be of different splits"):
        export(index, index, to="mot", **out)
    other = replace(an_index(images), split="train", classes=make_classes(2))
    with pytest.raises(ChoiceError, match="made val has the classes car, traffic light, made train class0"):
        export(index, other, to="mot", **out)
    with pytest.raises(ChoiceError, match="can't be the name of a file"):
        export(replace(index, video_name=("../a", "b")), to="mot", **out)
    with pytest.raises(ChoiceError, match="its size isn't in the index"):
        export(replace(index, video_size=np.zeros((2, 2), np.int32)), to="yolo", **out)
    for form in ("coco-vid", "youtube-vis"):
        none = replace(of_videos(index, []), annotated=np.zeros(0, np.bool_))
        with pytest.raises(ChoiceError, match="no frame is annotated"):
            export(none, to=form, **out)
    assert not (tmp_path / "out").exists()
