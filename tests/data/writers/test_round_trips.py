"""Each form is written, read by `prepare`, and must give the same index again, but for what it says is lost."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import vidkit
from tests.made_films import write_film
from vidkit.classes import ObjectClass
from vidkit.data.export import Exported, export
from vidkit.data.frames import frames_of
from vidkit.data.index import FOLDER, VIDEO, FrameFiles, IgnoredRegions, Index, SourceNames
from vidkit.data.prepare import prepare
from vidkit.data.writers import WRITERS

WIDTH, HEIGHT, FRAMES = 64, 48, 4
NAMES = ("clip_a", "clip_b")


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The images of two videos, each of its own grey."""
    root = tmp_path_factory.mktemp("images")
    for video, name in enumerate(NAMES):
        (root / name).mkdir()
        for number in range(FRAMES):
            grey = np.full((HEIGHT, WIDTH, 3), 40 * video + 10 * number, np.uint8)
            Image.fromarray(grey).save(root / name / f"{number:06d}.png")
    return root


def an_index(root: Path, seed: int = 0, step: float = 1) -> Index:
    """Two videos of moving boxes in multiples of `step` pixels; the last frame of each is empty."""
    rng = np.random.default_rng(seed)
    rows = [(f, t, c) for f in range(2 * FRAMES) for t, c in ((3, 0), (8, 1), (9, 1)) if f % FRAMES < FRAMES - 1]
    frame = np.array([row[0] for row in rows])
    first = np.round(rng.uniform(0, 20, (len(rows), 2)) / step) * step
    side = np.round(rng.uniform(4, 20, (len(rows), 2)) / step) * step
    return Index(
        dataset="made",
        split="val",
        classes=(ObjectClass("car", "n02958343"), ObjectClass("traffic light", "traffic light")),
        video_name=NAMES,
        video_size=np.tile(np.array([WIDTH, HEIGHT], np.int32), (2, 1)),
        frame_start=np.array([0, FRAMES, 2 * FRAMES]),
        frame_number=np.tile(np.arange(FRAMES, dtype=np.int32), 2),
        instance_start=np.searchsorted(frame, np.arange(2 * FRAMES + 1)).astype(np.int64),
        box=np.concatenate([first, first + side], axis=1),
        class_id=np.array([row[2] for row in rows], np.int16),
        track_id=np.array([row[1] for row in rows], np.int32),
        occluded=rng.random(len(rows)) < 0.3,
        generated=rng.random(len(rows)) < 0.3,
        files=FrameFiles(str(root), (FOLDER, FOLDER), NAMES, ("{:06d}.png", "{:06d}.png")),
    )


def again(done: Exported, tmp_path: Path, **options: object) -> Index:
    """The index that the command makes which `export` tells."""
    words = done.splits[0].prepare.split()[2:]
    options_of = {"--from": "form", "--split": "splits"}
    given: dict[str, object] = {
        options_of.get(word, word.removeprefix("--").replace("-", "_")): words[n + 1]
        for n, word in enumerate(words)
        if word.startswith("--")
    }
    if "splits" in given:
        given["splits"] = [given["splits"]]
    paths = [] if words[0].startswith("--") else words[:1]
    (summary,) = prepare(*paths, **given | options, out=tmp_path / "again", workers=1)
    return vidkit.read_index(summary.path)


def assert_same(found: Index, wanted: Index, *but: str, exact: bool = True) -> None:
    close: Callable[..., None] = np.testing.assert_array_equal if exact else np.testing.assert_allclose
    close(found.box, wanted.box, **{} if exact else {"atol": 1e-6})
    for name in {"frame_start", "frame_number", "instance_start", "class_id", "track_id", "video_size"} - {*but}:
        assert getattr(found, name).tolist() == getattr(wanted, name).tolist(), name
    for name in {"occluded", "generated"} - {*but}:
        assert getattr(found, name).tolist() == getattr(wanted, name).tolist(), name
    assert found.video_name == wanted.video_name
    if "wnid" not in but:
        assert found.classes == wanted.classes
    assert found.class_names == wanted.class_names


def assert_same_pictures(found: Index, wanted: Index) -> None:
    for video in range(wanted.n_videos):
        pairs = zip(frames_of(found, video), frames_of(wanted, video), strict=True)
        assert all(np.array_equal(a, b) for a, b in pairs)


def with_words(index: Index) -> Index:
    """With the ids of classes that are one word, as lists of classes want them."""
    return replace(index, classes=tuple(ObjectClass(c.name, c.wnid.replace(" ", "_")) for c in index.classes))


def full(index: Index) -> Index:
    """The same with all that an index may hold beside boxes, tracks and classes."""
    counts = np.zeros(index.n_frames, np.int32)
    counts[[0, 2]] = 1, 2
    return replace(
        index,
        instance_attributes={
            "visibility": np.linspace(0, 1, index.n_instances),
            "kind": np.full(index.n_instances, b"x"),
        },
        frame_attributes={"blur": np.zeros(index.n_frames)},
        ignored=IgnoredRegions(
            count=counts,
            box=np.array([[1, 2, 30, 20], [0, 0, 5, 5], [6, 6, 9, 9]], np.float32),
            class_id=np.array([0, 1, -1], np.int16),
            crowd=np.array([True, False, True]),
        ),
        called=SourceNames(
            frame_id=np.array([b"%d" % n for n in range(100, 100 + index.n_frames)]), class_id=("3", "7")
        ),
    )


# -- one form after the other ------------------------------------------------------------------------------------------


def test_coco_vid_keeps_all_but_attributes_of_frames_and_texts(images: Path, tmp_path: Path) -> None:
    index = full(an_index(images, step=0.1))
    done = export(index, to="coco-vid", out=tmp_path / "coco")
    assert done.splits[0].lost == ("attributes of boxes: kind", "attributes of frames: blur")
    found = again(done, tmp_path)
    assert_same(found, index)
    assert_same_pictures(found, index)
    np.testing.assert_array_equal(found.instance_attributes["visibility"], index.instance_attributes["visibility"])
    assert found.called.frame_id is not None
    assert found.called.frame_id.tolist() == [b"%d" % n for n in range(100, 108)]
    assert found.called.class_id == ("3", "7")
    assert found.ignored is not None
    assert found.ignored.count.tolist() == [1, 0, 3, 0, 0, 0, 0, 0]
    assert found.ignored.class_id.tolist() == [0, 1, 0, 1]  # what is about every class is about each
    assert found.ignored.crowd.tolist() == [True, False, True, True]


def test_youtube_vis_keeps_boxes_and_tracks(images: Path, tmp_path: Path) -> None:
    index = full(an_index(images, step=0.1))
    done = export(index, to="youtube-vis", out=tmp_path / "ytvis")
    found = again(done, tmp_path)
    order = np.lexsort((index.track_id, index.instance_frame))  # the form goes track by track
    assert order.tolist() == list(range(index.n_instances))
    assert_same(found, index, "track_id", "occluded", "generated", "wnid")
    assert_same_pictures(found, index)
    pairs = set(
        zip(found.track_id.tolist(), index.frame_video[index.instance_frame], index.track_id.tolist(), strict=True)
    )
    assert len(pairs) == len({pair[0] for pair in pairs}) == 6
    assert done.splits[0].lost[:2] == (
        f"{index.occluded.sum()} boxes' mark as occluded",
        f"{index.generated.sum()} boxes' mark as generated",
    )
    assert done.splits[0].notes[1:] == ("1 ignored objects that are no crowds, left out",)


def test_youtube_vis_makes_tracks_of_what_has_none(images: Path, tmp_path: Path) -> None:
    index = an_index(images)
    track, class_id = index.track_id.copy(), index.class_id.copy()
    track[0], track[1], class_id[3] = -1, 9, 1  # none, twice in a frame, another class
    done = export(replace(index, track_id=track, class_id=class_id), to="youtube-vis", out=tmp_path / "ytvis")
    assert done.splits[0].notes[1:] == (
        "1 boxes without a track: each is a track of its own",
        "2 boxes that stand in their frame twice or change their track's class: a track of their own",
    )
    found = again(done, tmp_path)
    assert sorted(found.box.tolist()) == sorted(index.box.tolist())
    assert sorted(found.class_id.tolist()) == sorted(class_id.tolist())


def test_yolo_keeps_boxes_within_the_image(images: Path, tmp_path: Path) -> None:
    index = an_index(images, step=0.1)
    done = export(full(index), to="yolo", out=tmp_path / "yolo")
    found = again(done, tmp_path, name="x")
    assert_same(found, index, "track_id", "occluded", "generated", "wnid", exact=False)
    assert_same_pictures(found, index)
    assert (tmp_path / "yolo" / "data.yaml").read_text() == (
        'path: .\nval: images/val\nnames:\n  0: "car"\n  1: "traffic light"\n'
    )
    assert len((tmp_path / "yolo/labels/val/clip_a/000000.txt").read_text().splitlines()[0].split()) == 5
    box = index.box.copy()
    box[0], box[1] = (-5, 2, 10, 60), (70, 2, 80, 9)
    done = export(replace(index, box=box), to="yolo", out=tmp_path / "cut")
    assert done.splits[0].notes[1:] == (
        "1 boxes were cut at the edge of the image",
        "1 boxes outside of the image, left out",
    )
    found = again(done, tmp_path, name="cut")
    np.testing.assert_allclose(found.box[0], [0, 2, 10, 48], atol=1e-6)


def test_mot_keeps_boxes_tracks_and_what_is_ignored(images: Path, tmp_path: Path) -> None:
    index = full(an_index(images, step=0.25))
    done = export(index, to="mot", out=tmp_path / "mot")
    assert done.splits[0].notes == ("2 crowds, written as objects that needn't be found",)
    found = again(done, tmp_path)
    assert_same(found, with_words(index), "occluded", "generated")
    assert_same_pictures(found, index)
    np.testing.assert_array_equal(found.instance_attributes["visibility"], index.instance_attributes["visibility"])
    assert found.ignored is not None
    assert found.ignored.class_id.tolist() == [0, 1, 0, 1]
    assert not found.ignored.crowd.any()


def test_ilsvrc_keeps_whole_pixels(images: Path, tmp_path: Path) -> None:
    index = an_index(images)
    done = export(full(index), to="ilsvrc", out=tmp_path / "tree")
    assert done.splits[0].notes == ()
    found = again(done, tmp_path)
    assert_same(found, with_words(index))
    assert_same_pictures(found, index)
    fine = an_index(images, step=0.25)
    done = export(fine, to="ilsvrc", out=tmp_path / "fine")
    assert "boxes were rounded to whole pixels, by 0.5 at most" in done.splits[0].notes[0]
    np.testing.assert_allclose(again(done, tmp_path).box, fine.box, atol=0.5)


# -- what all forms have in common -------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", WRITERS)
def test_frames_that_nobody_annotated_are_left_out(images: Path, tmp_path: Path, form: str) -> None:
    index = an_index(images)
    annotated = np.ones(index.n_frames, np.bool_)
    annotated[[3, 7]] = False
    done = export(replace(index, annotated=annotated), to=form, out=tmp_path / "out")
    assert "2 frames that nobody annotated, left out" in done.splits[0].lost
    assert done.splits[0].frames == 6
    found = again(done, tmp_path, name="x") if form != "ilsvrc" else again(done, tmp_path)
    shown = found.n_frames if found.annotated is None else found.annotated.sum()
    assert (shown, found.n_instances) == (6, index.n_instances)
    if form in ("coco-vid", "youtube-vis"):  # the folder has frame 3 … and it is after the last that is listed
        assert found.n_frames in (6, 8)


@pytest.mark.parametrize("form", WRITERS)
def test_an_index_without_a_box_or_file_is_written_too(tmp_path: Path, form: str) -> None:
    index = an_index(tmp_path)
    bare = replace(
        index,
        instance_start=np.zeros(2 * FRAMES + 1, np.int64),
        files=None,
        **{name: getattr(index, name)[:0] for name in ("box", "class_id", "track_id", "occluded", "generated")},
    )
    done = export(bare, to=form, out=tmp_path / "out")
    assert (done.splits[0].boxes, done.splits[0].images) == (0, 0)
    if form != "yolo":  # whose sizes are those of images
        assert again(done, tmp_path, **{} if form == "ilsvrc" else {"name": "x"}).n_frames in (0, 8)


@pytest.mark.parametrize("form", ["yolo", "mot", "ilsvrc"])
def test_frames_of_a_film_become_images(tmp_path: Path, form: str) -> None:
    for name in NAMES:
        write_film(tmp_path / f"{name}.mp4", FRAMES)
    films = tuple(f"{name}.mp4" for name in NAMES)
    index = replace(an_index(tmp_path), files=FrameFiles(str(tmp_path), (VIDEO, VIDEO), films, ("", "")))
    done = export(index, to=form, out=tmp_path / "out")
    assert done.splits[0].images == 2 * FRAMES
    found = again(done, tmp_path, **{} if form == "ilsvrc" else {"name": "x"})
    for video in range(2):
        for a, b in zip(frames_of(found, video), frames_of(index, video), strict=True):
            assert np.abs(a.astype(int) - b).mean() < 2
