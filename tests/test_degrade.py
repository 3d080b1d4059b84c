"""Degraded video: the truth stays, a seed says what is done, and what was done is recorded."""

import filecmp
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from vidkit_cli.main import vidkit

from vidkit.data.frames import frames_of
from vidkit.data.index import Index
from vidkit.data.index_file import read_index, write_index
from vidkit.data.prepare import prepare
from vidkit.errors import ArgumentError, FrameError, VidkitError
from vidkit.synth import CLEAN, Settings, make_dataset
from vidkit.synth.degrade import KINDS, Degradation, camera_step, degrade, motion_blurred, plan_of


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Index:
    folder = tmp_path_factory.mktemp("clips")
    list(make_dataset(folder / "tree", Settings(width=96, height=80, frames=12, dials=CLEAN), train=0, val=2))
    (summary,) = prepare(vid_root=folder / "tree", out=folder, workers=1)
    return read_index(summary.path)


def made(index: Index, out: Path, **how: object) -> Index:
    workers = int(how.pop("workers", 1))  # type: ignore[call-overload]
    list(degrade(index, out, Degradation(**how), workers=workers))  # type: ignore[arg-type]
    return read_index(out / f"{index.dataset}_{index.split}.h5")


def test_the_truth_stays_and_what_was_done_is_told(clip: Index, tmp_path: Path) -> None:
    worse = made(clip, tmp_path / "worse", seed=3)
    for name in ("box", "class_id", "track_id", "frame_number", "instance_start"):
        np.testing.assert_array_equal(getattr(worse, name), getattr(clip, name))
    attributes = worse.frame_attributes
    done = attributes["degraded"] == 1
    assert done.any() and not done.all()
    assert set(attributes["degradation"][done].tolist()) <= {kind.encode() for kind in KINDS}
    assert set(attributes["degradation"][~done].tolist()) == {b"none"}
    for video in range(clip.n_videos):
        rows = clip.frames_of(video)
        for row, a, b in zip(rows, frames_of(clip, video), frames_of(worse, video), strict=True):
            difference = np.abs(a.astype(int) - b).mean()
            assert (difference > 1.5) == bool(done[row])


def test_the_same_seed_gives_the_same_bytes_with_any_number_of_workers(clip: Index, tmp_path: Path) -> None:
    for out, workers, seed in (("a", 1, 1), ("b", 2, 1), ("c", 1, 2)):
        made(clip, tmp_path / out, workers=workers, seed=seed)
    files = [p.relative_to(tmp_path / "a").as_posix() for p in (tmp_path / "a" / "frames").rglob("*.jpg")]
    assert len(files) == clip.n_frames
    same, *_ = filecmp.cmpfiles(tmp_path / "a", tmp_path / "b", files, shallow=False)
    assert len(same) == len(files)
    same, *_ = filecmp.cmpfiles(tmp_path / "a", tmp_path / "c", files, shallow=False)
    assert len(same) < len(files)


def test_a_burst_is_of_one_kind_and_bursts_make_their_share() -> None:
    plan = plan_of("video", 20_000, Degradation(share=0.4))
    done = plan.kind >= 0
    assert abs(done.mean() - 0.4) < 0.02
    begins = np.flatnonzero(done & ~np.append(False, done[:-1]))
    for start in begins.tolist():
        stop = start + int(np.argmin(np.append(done[start:], False)))
        assert len(set(plan.kind[start:stop].tolist())) == 1
        assert 1 <= stop - start <= 7
    assert np.bincount(plan.kind[begins]).min() > len(begins) / 4
    assert ((plan.amount >= 0) & (plan.amount <= 1)).all() and not plan.amount[~done].any()
    nothing = plan_of("video", 50, Degradation(share=0))
    assert (nothing.kind == -1).all()


def test_motion_blur_is_the_mean_of_shifted_pictures() -> None:
    picture = np.zeros((21, 31, 3), np.uint8)
    picture[10, 15] = 240
    along_x = motion_blurred(picture, 4.0, 0.0)
    assert along_x[10, 13:18, 0].tolist() == [48] * 5
    assert not along_x[[9, 11]].any()
    along_y = motion_blurred(picture, 4.0, np.pi / 2)
    assert along_y[8:13, 15, 0].tolist() == [48] * 5
    flat = np.full((9, 9, 3), 77, np.uint8)
    assert (motion_blurred(flat, 3.3, 1.0) == 77).all()  # the border goes on


def test_the_step_of_the_camera_is_found() -> None:
    wide = np.random.default_rng(0).integers(0, 255, (80, 100, 3)).astype(np.uint8)
    before, now = wide[10:70, 10:90], wide[7:67, 15:95]
    assert camera_step(before, now) == (-5, 3)
    assert camera_step(before, before) is None
    assert camera_step(np.zeros((8, 8, 3), np.uint8), np.zeros((8, 8, 3), np.uint8)) is None
    assert camera_step(before, before[1:]) is None


@pytest.mark.parametrize(
    "how", [{"kinds": ()}, {"kinds": ("fog",)}, {"share": 0.9}, {"strength": 0}, {"seed": -1}, {"share": float("nan")}]
)
def test_arguments_have_ranges(how: dict[str, object]) -> None:
    with pytest.raises(ArgumentError):
        Degradation(**how)  # type: ignore[arg-type]


def test_nothing_is_written_where_it_cant_be_done(clip: Index, tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    with pytest.raises(VidkitError, match="is there already"):
        made(clip, tmp_path / "there")
    with pytest.raises(FrameError, match="no known frames"):
        made(replace(clip, files=None), tmp_path / "out")
    with pytest.raises(VidkitError, match=r"leads out of"):
        made(replace(clip, video_name=("../a", "b")), tmp_path / "out")
    first = next(iter(frames_of(clip, 0)))
    assert first.shape == (80, 96, 3)
    assert clip.files is not None
    with pytest.raises(FrameError, match="was the data moved"):
        list(degrade(clip, tmp_path / "out", Degradation(), frames_root=tmp_path))
    assert not (tmp_path / "out").exists()
    assert not list(tmp_path.glob("*.part"))


def test_the_command_says_what_it_did(clip: Index, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_index(tmp_path / "clips.h5", clip)
    asked = ["degrade", tmp_path / "clips.h5", tmp_path / "w", "--kind", "low-light", "--workers", 1, "--json"]
    assert vidkit([str(word) for word in asked], standalone_mode=False) in (None, 0)
    told = json.loads(capsys.readouterr().out)
    assert (told["format"], told["frames"]) == ("vidkit-degraded", clip.n_frames)
    assert read_index(told["index"]).frame_attributes["degraded"].sum() == told["degraded"]
    picture = next((tmp_path / "w" / "frames").rglob("*.jpg"))
    with Image.open(picture) as opened:
        assert opened.size == (96, 80)
