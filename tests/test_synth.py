"""Synthetic video: scenes are pure functions, what is recorded is what is drawn, the set has the layout of ILSVRC."""

import csv
import filecmp
import itertools
import json
import math
from collections import Counter
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import gaussian_filter, map_coordinates

from vidkit.boxes import iou
from vidkit.errors import FormatError, VidkitError
from vidkit.synth import (
    CLEAN,
    HARD,
    STANDARD,
    Dials,
    Scene,
    Settings,
    annotate,
    make_dataset,
    make_scene,
    read_settings,
    render,
    render_clean,
    scene_of,
    true_flow,
)
from vidkit.synth.dials import CLASSES
from vidkit.synth.paths import Path as LayerPath
from vidkit.synth.paths import Similarity, Swing
from vidkit.synth.pixels import LEAST_SEEN
from vidkit.synth.scene import Layer, defocus_bursts
from vidkit.synth.textures import PATTERNS, object_texture

SMALL = Settings(width=96, height=80, frames=12)

# -- the naive ways ----------------------------------------------------------------------------------------------------


def naive_topmost(scene: Scene, time: float, x: float, y: float) -> int:
    """Ask each layer from the front."""
    for place in range(len(scene.layers) - 1, 0, -1):
        layer = scene.layers[place]
        if layer.contains(layer.path.at(time).inverse().apply(np.array([[x, y]])))[0]:
            return place
    return 0


def naive_flow(scene: Scene, a: float, b: float, x: float, y: float) -> tuple[float, float, bool]:
    """Follow one point of one layer by sines and cosines."""
    place = naive_topmost(scene, a, x, y)
    path = scene.layers[place].path
    dx, dy = x - path.x(a), y - path.y(a)
    turn, zoom = path.angle(b) - path.angle(a), path.scale(b) / path.scale(a)
    bx = path.x(b) + zoom * (math.cos(turn) * dx - math.sin(turn) * dy)
    by = path.y(b) + zoom * (math.sin(turn) * dx + math.cos(turn) * dy)
    within = 0 <= bx <= scene.settings.width and 0 <= by <= scene.settings.height
    return bx - x, by - y, within and naive_topmost(scene, b, bx, by) == place


def naive_mask(scene: Scene, layer: Layer, time: float) -> NDArray[np.bool_]:
    """Which pixel centres the layer covers, were nothing in front of it."""
    mask = np.zeros((scene.settings.height, scene.settings.width), bool)
    back = layer.path.at(time).inverse()
    for row, column in np.ndindex(mask.shape):
        mask[row, column] = layer.contains(back.apply(np.array([[column + 0.5, row + 0.5]])))[0]
    return mask


def motion_iou(boxes: dict[int, NDArray[np.float64]], time: int) -> float:
    others = [float(iou(boxes[time], boxes[at])) for at in range(time - 10, time + 11) if at != time and at in boxes]
    return float(np.mean(others)) if others else math.nan


# -- motion ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("speed", [0.3, -2.0, 0.0])
def test_a_swing_stays_within_its_amplitude_and_speed(speed: float) -> None:
    swing = Swing.at_speed(5.0, 3.0, speed, 0.1)
    values = np.array([swing(t) for t in np.arange(0, 200, 0.01)])
    assert values.min() >= 2.0
    assert values.max() <= 8.0
    assert np.abs(np.diff(values)).max() / 0.01 == pytest.approx(abs(speed), rel=1e-3, abs=1e-12)


def test_a_similarity_and_its_inverse_cancel() -> None:
    points = np.random.default_rng(0).normal(size=(20, 2))
    map_ = LayerPath(Swing(3.0), Swing(-4.0), Swing(1.3), Swing(0.7)).at(0)
    assert np.allclose(map_.inverse().apply(map_.apply(points)), points)
    assert np.allclose(Similarity(0.0, 1.0, 0.0, 0.0).apply(np.array([1.0, 0.0])), [0.0, 1.0])


def test_the_boundary_is_the_edge_of_the_outline() -> None:
    outline = make_scene(SMALL, "val", 0).objects[0].outline
    assert outline is not None
    boundary = outline.boundary
    assert outline.contains(boundary * 0.999).all()
    assert not outline.contains(boundary * 1.001).any()


# -- textures ----------------------------------------------------------------------------------------------------------


def test_every_class_has_a_pattern() -> None:
    assert [c.name for c in CLASSES] == list(PATTERNS)
    assert len({c.wnid for c in CLASSES}) == len(CLASSES)


@pytest.mark.parametrize("pattern", PATTERNS)
def test_blur_takes_the_pattern_away_and_leaves_about_the_same_colour(pattern: str) -> None:
    rng = np.random.default_rng(1)
    v, u = np.mgrid[:60, :60].astype(float)
    wave = np.tanh(2.5 * PATTERNS[pattern]((u - 30) / 6, (v - 30) / 6, rng))
    assert abs(wave.mean()) < 0.35
    inner = slice(15, -15)
    assert gaussian_filter(wave, 3.0)[inner, inner].std() < 0.2 * wave[inner, inner].std()


def test_an_object_keeps_away_from_the_colour_of_the_background() -> None:
    rng = np.random.default_rng(0)
    against = np.full(3, 128.0)
    for _ in range(20):
        texture = object_texture("checker", 40, 40, 6.0, against, rng)
        assert np.abs(texture.mean(axis=(0, 1)) - against).max() > 30


# -- scenes ------------------------------------------------------------------------------------------------------------


def test_a_frame_is_a_pure_function_of_settings_split_video_and_time() -> None:
    one = render(make_scene(SMALL, "val", 3), 7)
    other = make_scene(SMALL, "val", 3)
    render(other, 2)
    assert np.array_equal(one, render(other, 7))
    for different in (
        make_scene(SMALL, "train", 3),
        make_scene(SMALL, "val", 4),
        make_scene(replace(SMALL, seed=1), "val", 3),
    ):
        assert not np.array_equal(one, render(different, 7))


def test_degradation_moves_nothing() -> None:
    for video in range(4):
        clean = make_scene(replace(SMALL, dials=CLEAN), "val", video)
        hard = make_scene(replace(SMALL, dials=replace(HARD, speed=1.0)), "val", video)
        assert len(clean.objects) == len(hard.objects)
        for a, b in zip(clean.objects, hard.objects, strict=True):
            assert (a.path, a.class_id) == (b.path, b.class_id)
            assert np.array_equal(a.texture, b.texture)


def test_even_a_small_set_has_every_class() -> None:
    settings = replace(SMALL, classes=7)
    for start in (0, 7):
        first = [make_scene(settings, "val", video).objects[0].class_id for video in range(start, start + 7)]
        assert sorted(first) == list(range(7))


def test_everything_grows_with_the_frame() -> None:
    small, large = make_scene(Settings(), "val", 2), make_scene(Settings(width=320, height=256), "val", 2)
    for a, b in zip(small.objects, large.objects, strict=True):
        assert np.allclose(np.array(a.extent(5)) * 2, b.extent(5))
    assert np.allclose(small.defocus * 2, large.defocus)


def test_the_background_covers_every_frame() -> None:
    fast = replace(Settings(frames=400), dials=replace(CLEAN, speed=10))
    for video in range(10):
        background = make_scene(fast, "val", video).layers[0]
        corners = np.array([[0, 0], [160, 0], [0, 128], [160, 128]], float)
        for time in range(0, 400, 7):
            u, v = np.abs(background.path.at(time).inverse().apply(corners)).T
            assert u.max() <= background.image.width / 2
            assert v.max() <= background.image.height / 2


@pytest.mark.parametrize("share", [0.1, 0.4, 0.6, 0.8])
def test_bursts_of_defocus_last_two_to_seven_frames_and_cover_their_share(share: float) -> None:
    blur = defocus_bursts(60_000, share, 3.0, np.random.default_rng(0))
    runs = [len(list(run)) for blurred, run in itertools.groupby(blur > 0) if blurred]
    assert set(runs[1:-1]) == {2, 3, 4, 5, 6, 7}
    assert (blur > 0).mean() == pytest.approx(share, abs=0.02)
    assert blur[blur > 0].mean() == pytest.approx(3.0, abs=0.05)
    assert blur.max() <= 3.0 * 4 / 3 * 1.1


def test_short_videos_meet_the_share_too() -> None:
    blur = [make_scene(replace(SMALL, frames=8), "val", video).defocus > 0 for video in range(200)]
    assert np.mean(blur) == pytest.approx(STANDARD.defocus_share, abs=0.06)


def test_slow_medium_and_fast_are_all_there() -> None:
    speeds: list[float] = []
    for video in range(30):
        scene = make_scene(Settings(), "val", video)
        tracks: dict[int, dict[int, NDArray[np.float64]]] = {}
        for time in range(scene.settings.frames):
            for item in annotate(scene, time):
                tracks.setdefault(item.track_id, {})[time] = np.array(item.box, float)
        speeds += [motion_iou(boxes, time) for boxes in tracks.values() for time in boxes]
    known = np.array(speeds)[~np.isnan(speeds)]
    for group in (known > 0.9, (known >= 0.7) & (known <= 0.9), known < 0.7):
        assert group.mean() > 0.2


# -- drawing -----------------------------------------------------------------------------------------------------------


def test_motion_blur_is_the_mean_over_the_open_shutter() -> None:
    dials = replace(CLEAN, speed=1.6)
    still = make_scene(replace(SMALL, dials=dials), "val", 1)
    blurred = make_scene(replace(SMALL, dials=replace(dials, shutter=1.0)), "val", 1)
    finely = np.mean([render_clean(still, t) for t in np.linspace(4.5, 5.5, 41)], axis=0)
    assert np.abs(render(blurred, 5) - finely).mean() < 1.0
    assert np.abs(render(still, 5) - finely).mean() > 2 * np.abs(render(blurred, 5) - finely).mean()


def test_nothing_is_blurred_that_stands_still() -> None:
    dials = replace(CLEAN, speed=0)
    scene = make_scene(replace(SMALL, dials=dials), "val", 1)
    assert all(item.motion_blur == item.speed == 0 for item in annotate(scene, 3))
    assert not make_scene(replace(SMALL, dials=replace(dials, shutter=1.0)), "val", 1).defocus.any()


@pytest.mark.parametrize(("dial", "value"), [("noise", 8.0), ("exposure", 0.3), ("shutter", 1.0), ("occlusion", 1.0)])
def test_each_dial_changes_the_picture(dial: str, value: float) -> None:
    clean = make_scene(replace(SMALL, dials=CLEAN), "val", 5)
    turned = make_scene(replace(SMALL, dials=replace(CLEAN, **{dial: value})), "val", 5)
    assert any(not np.array_equal(render(clean, time), render(turned, time)) for time in range(4))


def test_noise_has_the_recorded_deviation() -> None:
    clean = make_scene(replace(SMALL, dials=CLEAN), "val", 5)
    noisy = make_scene(replace(SMALL, dials=replace(CLEAN, noise=8.0)), "val", 5)
    difference = render(noisy, 0).astype(float) - render(clean, 0)
    assert difference.std() == pytest.approx(noisy.noise, rel=0.03)


# -- annotations -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("video", range(6))
def test_boxes_and_visible_shares_are_those_of_the_pixels(video: int) -> None:
    scene = make_scene(replace(SMALL, dials=replace(STANDARD, occlusion=1.0, speed=3.0)), "val", video)
    time = 5
    found = {item.track_id: item for item in annotate(scene, time)}
    points = np.stack(np.meshgrid(np.arange(96) + 0.5, np.arange(80) + 0.5), axis=-1)
    top = scene.topmost(time, points)
    for layer in scene.objects:
        mask = naive_mask(scene, layer, time)
        seen = mask & (top == scene.layers.index(layer))
        if layer.track_id not in found:
            x1, y1, x2, y2 = layer.extent(time)
            assert seen.sum() < max(LEAST_SEEN * (x2 - x1) * (y2 - y1), 4)
            continue
        item = found[layer.track_id]
        ys, xs = np.nonzero(mask)
        wanted = np.array([xs.min(), ys.min(), xs.max() + 1, ys.max() + 1])
        assert np.abs(np.array(item.box) - wanted).max() <= 1
        assert item.visible == pytest.approx(seen.sum() / mask.sum())
        assert item.occluded == (item.visible < 0.9)


def test_what_is_hidden_has_no_box() -> None:
    scenes = [make_scene(replace(SMALL, dials=HARD), "val", video) for video in range(40)]
    frames = [(scene, annotate(scene, time)) for scene in scenes for time in range(0, 12, 2)]
    items = [item for _, found in frames for item in found]
    assert min(item.visible * item.inside for item in items) >= LEAST_SEEN
    assert any(item.occluded for item in items)
    assert any(len(found) < len(scene.objects) for scene, found in frames)
    boxes = np.array([item.box for item in items])
    assert boxes.min() >= 0
    assert (boxes[:, 2:] <= [96, 80]).all()
    assert (boxes[:, 2:] > boxes[:, :2]).all()


# -- flow --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("a", "b"), [(0, 1), (3, 8), (11, 0), (4, 4)])
def test_flow_equals_following_one_point_at_a_time(a: int, b: int) -> None:
    scene = make_scene(replace(SMALL, dials=HARD), "val", 2)
    flow, seen = true_flow(scene, a, b)
    rng = np.random.default_rng(0)
    for x, y in zip(rng.integers(96, size=200), rng.integers(80, size=200), strict=True):
        dx, dy, visible = naive_flow(scene, a, b, x + 0.5, y + 0.5)
        assert np.allclose(flow[y, x], (dx, dy), atol=1e-4)
        assert seen[y, x] == visible


def test_no_time_no_flow() -> None:
    flow, seen = true_flow(make_scene(SMALL, "val", 0), 5, 5)
    assert np.abs(flow).max() < 1e-6
    assert seen.all()


def test_flow_takes_one_frame_to_the_other() -> None:
    for video in range(4):
        scene = make_scene(replace(Settings(), dials=CLEAN), "val", video)
        a, b = render(scene, 3).astype(float), render(scene, 9).astype(float)
        flow, seen = true_flow(scene, 3, 9)
        y, x = np.mgrid[:128, :160]
        at = [y + flow[..., 1], x + flow[..., 0]]
        warped = np.stack([map_coordinates(b[..., c], at, order=1, mode="nearest") for c in range(3)], axis=-1)
        assert np.median(np.abs(warped - a)[seen]) < 1.0
        assert np.abs(warped - a)[seen].mean() < 0.5 * np.abs(b - a)[seen].mean()


# -- the set on disk ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("synth") / "tree"
    list(make_dataset(root, SMALL, train=2, val=3))
    return root


def relative_files(root: Path) -> list[Path]:
    return sorted(path.relative_to(root) for path in root.rglob("*") if path.is_file())


def test_the_layout_is_that_of_ilsvrc(tree: Path) -> None:
    places = [f"train/synth_VID_train_0000/synth_train_{n:08d}" for n in range(2)]
    places += [f"val/synth_val_{n:08d}" for n in range(3)]
    expected = {
        Path(kind, "VID", place, f"{frame:06d}.{suffix}")
        for kind, suffix in (("Annotations", "xml"), ("Data", "JPEG"))
        for place in places
        for frame in range(12)
    }
    expected |= {Path("Attributes", "VID", p, n) for p in places for n in ("frames.csv", "instances.csv")}
    lists = ("VID_train_15frames.txt", "VID_val_videos.txt", "VID_val_frames.txt")
    expected |= {Path("ImageSets", "VID", name) for name in lists} | {Path("classes.txt"), Path("synth.json")}
    assert set(relative_files(tree)) == expected


def test_the_xml_says_what_annotate_says_in_inclusive_corners(tree: Path) -> None:
    scene = scene_of(read_settings(tree), "synth_val_00000001")
    for time in range(12):
        root = ElementTree.parse(tree / f"Annotations/VID/val/synth_val_00000001/{time:06d}.xml").getroot()
        assert (root.findtext("size/width"), root.findtext("size/height")) == ("96", "80")
        assert (root.findtext("folder"), root.findtext("filename")) == ("synth_val_00000001", f"{time:06d}")
        objects = root.findall("object")
        for found, item in zip(objects, annotate(scene, time), strict=True):
            assert [child.tag for child in found] == ["trackid", "name", "bndbox", "occluded", "generated"]
            corners = [int(found.findtext(f"bndbox/{c}", "")) for c in ("xmin", "ymin", "xmax", "ymax")]
            assert corners == [item.box[0], item.box[1], item.box[2] - 1, item.box[3] - 1]
            assert found.findtext("name") == CLASSES[item.class_id].wnid
            assert found.findtext("trackid") == str(item.track_id)
            assert found.findtext("occluded") == str(int(item.occluded))


def test_the_jpegs_are_the_rendered_frames(tree: Path) -> None:
    scene = scene_of(read_settings(tree), "val/synth_val_00000002")
    with Image.open(tree / "Data/VID/val/synth_val_00000002/000004.JPEG") as image:
        stored = np.asarray(image.convert("RGB"), float)
    assert np.abs(stored - render(scene, 4)).mean() < 10


def test_the_attributes_are_recorded_for_each_frame_and_object(tree: Path) -> None:
    settings = read_settings(tree)
    for video in range(3):
        name = f"synth_val_{video:08d}"
        scene = scene_of(settings, name)
        with (tree / "Attributes/VID/val" / name / "frames.csv").open() as file:
            rows = list(csv.DictReader(file))
        assert [int(row["frame"]) for row in rows] == list(range(12))
        assert np.allclose([float(row["blur_sigma"]) for row in rows], scene.defocus, rtol=1e-5)
        with (tree / "Attributes/VID/val" / name / "instances.csv").open() as file:
            counts = Counter(int(row["frame"]) for row in csv.DictReader(file))
        assert counts == Counter({t: len(annotate(scene, t)) for t in range(12) if annotate(scene, t)})


def test_the_lists_are_those_of_the_field(tree: Path) -> None:
    lists = tree / "ImageSets/VID"
    videos = [row.split() for row in (lists / "VID_val_videos.txt").read_text().splitlines()]
    assert videos == [[f"val/synth_val_{v:08d}", str(v * 12 + 1), "0", "12"] for v in range(3)]
    frames = [row.split() for row in (lists / "VID_val_frames.txt").read_text().splitlines()]
    assert frames[12] == ["val/synth_val_00000001/000000", "13"]
    assert [int(number) for _, number in frames] == list(range(1, 37))
    first = [row.split() for row in (lists / "VID_train_15frames.txt").read_text().splitlines()][:12]
    assert [int(frame) for _, _, frame, _ in first] == list(range(12))


def test_fifteen_frames_are_spread_as_in_the_published_list(tmp_path: Path) -> None:
    list(make_dataset(tmp_path / "tree", replace(SMALL, width=64, height=64, frames=48, dials=CLEAN), 1, 0))
    rows = (tmp_path / "tree/ImageSets/VID/VID_train_15frames.txt").read_text().splitlines()
    published = [1, 4, 8, 11, 14, 17, 20, 24, 27, 30, 33, 36, 40, 43, 46]  # of a real snippet of 48 frames
    assert [int(row.split()[2]) for row in rows] == published


def test_the_bytes_dont_depend_on_the_number_of_workers(tree: Path, tmp_path: Path) -> None:
    list(make_dataset(tmp_path / "again", SMALL, train=2, val=3, workers=2))
    files = relative_files(tree)
    assert relative_files(tmp_path / "again") == files
    _, different, missing = filecmp.cmpfiles(tree, tmp_path / "again", [str(f) for f in files], shallow=False)
    assert (different, missing) == ([], [])


def test_an_interrupted_set_leaves_nothing(tmp_path: Path) -> None:
    for workers in (1, 2):
        videos = make_dataset(tmp_path / "tree", SMALL, train=2, val=2, workers=workers)
        next(videos)
        videos.close()  # type: ignore[attr-defined]
        assert list(tmp_path.iterdir()) == []


def test_what_is_there_is_not_overwritten(tree: Path, tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("dear")
    with pytest.raises(VidkitError, match="isn't a synthetic set"):
        next(make_dataset(tmp_path, SMALL, 1, 0, replace=True))
    with pytest.raises(VidkitError, match="already"):
        next(make_dataset(tree, SMALL, 1, 0))
    with pytest.raises(VidkitError, match="a folder of its own"):
        next(make_dataset(Path(), SMALL, 1, 0))
    (tmp_path / "other").mkdir()
    list(make_dataset(tmp_path / "other", SMALL, 1, 0))
    list(make_dataset(tmp_path / "other", SMALL, 0, 1, replace=True))
    assert not (tmp_path / "other/Data/VID/train").exists()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"format": "vidkit-synth", "version": 2}',
        '{"format": "vidkit-synth", "version": 1, "settings": {"dials": {"smell": 1}}}',
        '{"format": "vidkit-synth", "version": 1, "settings": {"width": 1, "dials": {}}}',
        '{"format": "vidkit-synth", "version": 1, "settings": {"width": "w", "dials": {}}}',
    ],
)
def test_a_damaged_description_is_refused_by_name(tmp_path: Path, text: str) -> None:
    (tmp_path / "synth.json").write_text(text)
    with pytest.raises(FormatError, match=r"synth\.json"):
        read_settings(tmp_path)


def test_the_description_makes_the_scenes_again(tree: Path) -> None:
    assert read_settings(tree) == SMALL
    assert json.loads((tree / "synth.json").read_text())["videos"] == {"train": 2, "val": 3}
    with pytest.raises(ValueError, match="wanted a name like"):
        scene_of(SMALL, "ILSVRC2015_val_00000000")


@pytest.mark.parametrize(
    "dials",
    [{"speed": -1}, {"shutter": 2}, {"defocus_share": 0.9}, {"noise": float("nan")}, {"quality": 0}, {"occlusion": -1}],
)
def test_dials_out_of_range_are_refused(dials: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(dials))):
        Dials(**dials)  # type: ignore[arg-type]


@pytest.mark.parametrize("settings", [{"classes": 0}, {"classes": 11}, {"width": 10}, {"frames": 0}, {"seed": -1}])
def test_settings_out_of_range_are_refused(settings: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=str(next(iter(settings.values())))):
        Settings(**settings)  # type: ignore[arg-type]
