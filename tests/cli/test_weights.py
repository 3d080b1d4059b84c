import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from vidkit_cli.console import BAD_INPUT, BAD_USAGE, DONE, report_errors
from vidkit_cli.main import vidkit

from impnet_model.nets.build import BLOCKS, BUILDS
from impnet_model.nets.wirings import wired
from impnet_model.weights import tensor_names
from impnet_model.weights.checkpoints import Checkpoint, load, save
from tests.impnet_model.makers import SMALL, make_network, make_video
from vidkit.classes import VID_CLASSES, ObjectClass
from vidkit.pictures.heat_maps import picture


def resnet18() -> dict[str, torch.Tensor]:
    with torch.device("meta"):
        state = wired("per-frame", BUILDS["resnet18"]).state_dict()
    return {
        name: torch.full(state[f"feature.{name}"].shape, 0.5)
        for name in tensor_names.torchvision_resnet(BLOCKS[18], False)
    }


@pytest.fixture
def source(tmp_path: Path) -> Path:
    torch.save(resnet18(), tmp_path / "resnet18.pth")
    return tmp_path / "resnet18.pth"


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    path = tmp_path / "impression.pt"
    classes = tuple(ObjectClass(f"thing{i}", f"n{i}") for i in range(3))
    save(Checkpoint(make_network(), "impression", SMALL, classes, {"step": 7}), path)
    return path


@pytest.fixture
def movie(tmp_path: Path) -> Path:
    pytest.importorskip("av")
    from vidkit.pictures.films import write_movie

    write_movie(tmp_path / "clip.mp4", make_video(9, 38, 54))
    return tmp_path / "clip.mp4"


def convert(source: Path, output: Path, *more: str) -> int:
    args = ["weights", "convert", str(source), "--kind", "torchvision-resnet", "--build", "resnet18", "-o", str(output)]
    return report_errors(vidkit, [*args, *more])


def test_convert_writes_a_checkpoint_and_says_what_is_fresh(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "start.pt"
    assert convert(source, output, "--json", "--half") == DONE
    told = json.loads(capsys.readouterr().out)
    assert (told["method"], told["verified"]) == ("impression", False)
    loaded = load(output)
    assert loaded.classes == VID_CLASSES
    assert told["fresh"] == loaded.notes["fresh"]
    assert "feature.feat_conv.weight" in told["fresh"]
    assert set(told["filled"]) | set(told["fresh"]) == set(loaded.network.state_dict())


def test_convert_tells_in_a_table(source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert convert(source, tmp_path / "start.pt") == DONE
    streams = capsys.readouterr()
    assert "freshly initialised" in streams.out
    assert "SHA-256" in streams.err


def test_half_of_the_weights_writes_nothing(source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    state = resnet18()
    del state["layer2.0.conv1.weight"]
    torch.save(state, source)
    assert convert(source, tmp_path / "start.pt") == BAD_INPUT
    assert "1 missing: layer2.0.conv1.weight" in capsys.readouterr().err
    assert not (tmp_path / "start.pt").exists()


def test_a_wrong_digest_is_refused(source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert convert(source, tmp_path / "start.pt", "--sha256", "0" * 64) == BAD_INPUT
    assert "SHA-256" in capsys.readouterr().err


def test_show(checkpoint: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert report_errors(vidkit, ["weights", "show", str(checkpoint)]) == DONE
    assert "parameters of flow" in capsys.readouterr().out
    assert report_errors(vidkit, ["weights", "show", str(checkpoint), "--json"]) == DONE
    told = json.loads(capsys.readouterr().out)
    assert (told["method"], told["notes"]) == ("impression", {"step": 7})
    assert told["classes"] == ["thing0", "thing1", "thing2"]


def test_packed_weights_are_half_as_large_and_keep_their_notes(
    checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    packed = tmp_path / "small.pt"
    args = ["weights", "pack", str(checkpoint), "-o", str(packed), "--note", "scores=a = 1", "--json"]
    assert report_errors(vidkit, args) == DONE
    told = json.loads(capsys.readouterr().out)
    assert (told["output"], told["bytes"], told["notes"]["scores"]) == (str(packed), packed.stat().st_size, "a = 1")
    assert packed.stat().st_size < 0.7 * checkpoint.stat().st_size
    before, after = load(checkpoint), load(packed)
    assert after.method == before.method and dict(after.notes) == {**before.notes, "scores": "a = 1"}
    for name, value in after.network.state_dict().items():
        assert torch.equal(value, before.network.state_dict()[name].half().to(value.dtype))
    assert (
        report_errors(vidkit, ["weights", "pack", str(checkpoint), "-o", str(tmp_path / "no.pt"), "--note", "scores"])
        == BAD_USAGE
    )
    assert not (tmp_path / "no.pt").exists()


def test_maps(checkpoint: Path, movie: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    args = ["weights", "maps", str(checkpoint), "--source", str(movie), "--length", "3", "-o", str(tmp_path / "maps")]
    assert report_errors(vidkit, [*args, "--json"]) == DONE
    told = json.loads(capsys.readouterr().out)
    assert [each["frame"] for each in told["keyframes"]] == [4, 7]
    assert sorted(path.name for path in (tmp_path / "maps").iterdir()) == ["000004.png", "000007.png"]
    with Image.open(tmp_path / "maps" / "000004.png") as drawn:
        assert drawn.size == (54, 38)
    assert report_errors(vidkit, [*args, "--key-id", "3"]) == BAD_USAGE


def test_pictures_are_red_where_the_keyframe_counts_more() -> None:
    frame = np.full((40, 80, 3), 128, np.uint8)
    weight = np.tile(np.array([0.4, 0.4, 0.6, 0.6], np.float32), (2, 1))
    drawn = picture(frame, weight).astype(int)
    assert drawn[20, 5, 2] > drawn[20, 5, 0]
    assert drawn[20, 75, 0] > drawn[20, 75, 2]
    np.testing.assert_array_equal(picture(frame, np.full((2, 4), 0.5, np.float32)), frame)
