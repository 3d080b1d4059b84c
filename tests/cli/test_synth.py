"""`vidkit synth` as it is called."""

import json
from pathlib import Path

import pytest
from vidkit_cli.console import BAD_INPUT, BAD_USAGE, DONE, report_errors
from vidkit_cli.main import vidkit

from vidkit.data.frames import frame
from vidkit.data.index_file import read_index
from vidkit.synth import HARD, annotate, read_settings, render, scene_of

SMALL = ["--videos", "1", "--val-videos", "1", "--frames", "3", "--size", "64x64", "--workers", "1"]


def test_a_set_is_made_and_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "with a space" / "tree"
    assert report_errors(vidkit, ["synth", str(out), *SMALL, "--json"]) == DONE
    answer = json.loads(capsys.readouterr().out)
    assert (answer["format"], answer["version"]) == ("vidkit-synth-made", 1)
    assert answer["splits"]["train"]["frames"] == answer["splits"]["val"]["frames"] == 3
    boxes = sum(path.read_text().count("<object>") for path in (out / "Annotations/VID/val").rglob("*.xml"))
    assert answer["splits"]["val"]["boxes"] == boxes


def test_a_dial_turns_one_thing_of_a_difficulty(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    args = ["--difficulty", "hard", "--noise", "3", "--quality", "70", "--seed", "5", "--classes", "7"]
    assert report_errors(vidkit, ["synth", str(tmp_path / "tree"), *SMALL, *args]) == DONE
    settings = read_settings(tmp_path / "tree")
    assert (settings.seed, settings.classes, settings.width) == (5, 7, 64)
    assert (settings.dials.noise, settings.dials.quality, settings.dials.speed) == (3, 70, HARD.speed)
    assert len((tmp_path / "tree/classes.txt").read_text().splitlines()) == 7
    captured = capsys.readouterr()
    assert "train" in captured.out
    assert "vidkit prepare --vid-root" in captured.err


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--size", "big"], "wanted a size like 160x128"),
        (["--size", "9x9"], "wanted 64"),
        (["--classes", "99"], "99 classes"),
        (["--shutter", "2"], "shutter"),
        (["--noise", "nan"], "noise"),
        (["--frames", "0"], "0 frames"),
        (["--difficulty", "impossible"], "clean"),
        (["--videos", "-1"], "-1"),
    ],
)
def test_wrong_options_are_bad_usage(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], args: list[str], message: str
) -> None:
    assert report_errors(vidkit, ["synth", str(tmp_path / "tree"), *args]) == BAD_USAGE
    assert message in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_only_a_synthetic_set_is_replaced_and_only_by_force(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "tree"
    assert report_errors(vidkit, ["synth", str(out), *SMALL]) == DONE
    assert report_errors(vidkit, ["synth", str(out), *SMALL]) == BAD_INPUT
    assert "--force" in capsys.readouterr().err
    assert report_errors(vidkit, ["synth", str(out), *SMALL, "--seed", "1", "--force"]) == DONE
    assert read_settings(out).seed == 1
    (out / "synth.json").unlink()
    assert report_errors(vidkit, ["synth", str(out), *SMALL, "--force"]) == BAD_INPUT
    assert (out / "classes.txt").exists()


def test_a_place_that_cant_be_written_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    assert report_errors(vidkit, ["synth", str(tmp_path / "file" / "tree"), *SMALL]) == BAD_INPUT
    assert "can't be written" in capsys.readouterr().err


def test_prepare_reads_a_set_with_all_that_was_recorded(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = tmp_path / "tree"
    assert report_errors(vidkit, ["synth", str(tree), *SMALL, "--frames", "6", "--val-videos", "3"]) == DONE
    monkeypatch.chdir(tmp_path)
    assert report_errors(vidkit, ["prepare", "--vid-root", str(tree), "--workers", "1"]) == DONE
    index = read_index(tmp_path / "vidkit-data" / "vid_val.h5")
    assert index.n_videos == 3
    settings = read_settings(tree)
    assert index.classes == settings.object_classes
    for row in range(index.n_frames):
        video = int(index.frame_video[row])
        scene = scene_of(settings, index.video_name[video])
        time = int(index.frame_number[row])
        assert index.frame_attributes["blur_sigma"][row] == pytest.approx(scene.defocus[time], rel=1e-5)
        rows = index.instances_of(row)
        items = annotate(scene, time)
        assert [tuple(box) for box in index.box[rows].tolist()] == [item.box for item in items]
        assert index.class_id[rows].tolist() == [item.class_id for item in items]
        assert index.track_id[rows].tolist() == [item.track_id for item in items]
        assert index.occluded[rows].tolist() == [item.occluded for item in items]
        visible = index.instance_attributes["visible"][rows]
        assert visible.tolist() == pytest.approx([item.visible for item in items], rel=1e-5)
        assert abs(frame(index, row).astype(float) - render(scene, time)).mean() < 10
