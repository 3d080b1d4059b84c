import json
from pathlib import Path

import pytest
from vidkit_cli.console import BAD_INPUT, BAD_USAGE, DONE, report_errors
from vidkit_cli.main import vidkit

from tests.data.readers.test_coco import content
from tests.data.readers.test_coco import write as write_coco
from tests.data.readers.test_mot import make_sequence
from tests.data.readers.test_voc import voc_xml
from tests.data.readers.test_voc import write as write_voc
from vidkit.data.index_file import read_index


def prepare(out: Path, *args: str | Path) -> int:
    return report_errors(vidkit, ["prepare", *map(str, args), "--out", str(out)])


def test_coco_files_become_indices_of_their_splits(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "clips" / "annotations").mkdir(parents=True)
    val = write_coco(tmp_path / "clips" / "annotations", content())
    train = val.rename(val.with_name("instances_train2017.json"))
    val = write_coco(tmp_path / "clips", content())
    assert prepare(tmp_path / "out", "--coco", train, "--coco", val, "--json") == DONE
    told = json.loads(capsys.readouterr().out)
    assert [Path(i["path"]).name for i in told["indices"]] == ["clips_train.h5", "clips_val.h5"]
    assert [(i["videos"], i["frames"], i["boxes"], i["state"]) for i in told["indices"]] == [(2, 5, 3, "new")] * 2
    index = read_index(tmp_path / "out" / "clips_val.h5")
    assert (index.dataset, index.split, index.class_names) == ("clips", "val", ("car", "dog"))
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["clips_train.h5", "clips_val.h5"]


def test_names_may_be_given(tmp_path: Path) -> None:
    path = write_coco(tmp_path, content())
    assert prepare(tmp_path / "out", "--coco", path, "--name", "mine", "--split", "holdout") == DONE
    assert read_index(tmp_path / "out" / "mine_holdout.h5").split == "holdout"
    assert prepare(tmp_path / "out", "--coco", path, "--name", "../mine") == BAD_INPUT


def test_videos_without_frames_are_left_out_and_reported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    value = content()
    value["videos"].append({"id": 3, "name": "third"})
    assert prepare(tmp_path / "out", "--coco", write_coco(tmp_path, value), "--name", "x", "--json") == DONE
    (told,) = json.loads(capsys.readouterr().out)["indices"]
    assert told["left_out"] == [{"place": "third", "reason": "a video without frames"}]
    assert json.loads(Path(told["report"]).read_text())["left_out"] == told["left_out"]


def test_frames_that_are_not_found_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write_coco(tmp_path, content())
    said = "2 videos whose frames aren't where the annotations say; --frames DIR says where they are"
    assert prepare(tmp_path / "out", "--coco", path) == DONE
    assert said in capsys.readouterr().err
    for image in content()["images"]:
        (tmp_path / "images" / image["file_name"]).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "images" / image["file_name"]).write_bytes(b"")
    assert prepare(tmp_path / "out", "--coco", path, "--frames", tmp_path / "images") == DONE
    assert "frames aren't where" not in capsys.readouterr().err


def test_a_refused_file_leaves_no_index(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    value = content()
    value["annotations"][0]["image_id"] = 99
    assert prepare(tmp_path / "out", "--coco", write_coco(tmp_path, value)) == BAD_INPUT
    assert "annotations[0]: image_id 99; wanted that of one in the file" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_mot_folder_becomes_an_index(tmp_path: Path) -> None:
    make_sequence(tmp_path / "MOT17" / "train" / "MOT17-02-DPM")
    assert prepare(tmp_path / "out", "--mot", tmp_path / "MOT17" / "train") == DONE
    index = read_index(tmp_path / "out" / "MOT17_train.h5")
    assert (index.n_videos, index.n_frames, index.n_instances) == (1, 4, 4)
    assert "visibility" in index.instance_attributes


def test_a_voc_folder_with_classes_becomes_an_index(tmp_path: Path) -> None:
    write_voc(tmp_path / "own" / "clip" / "000001.xml", voc_xml(("drone", (1, 1, 10, 20))))
    (tmp_path / "classes.txt").write_text("drone\nbird\n")
    options = ("--voc", tmp_path / "own", "--classes", tmp_path / "classes.txt")
    assert prepare(tmp_path / "out", *options, "--split", "val") == DONE
    index = read_index(tmp_path / "out" / "own_val.h5")
    assert (index.class_names, index.box.tolist()) == (("drone", "bird"), [[0, 0, 10, 20]])
    assert prepare(tmp_path / "out", *options, "--first-pixel", "0") == DONE
    assert read_index(tmp_path / "out" / "own_all.h5").box.tolist() == [[1, 1, 11, 21]]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ([], "give one of"),
        (["--coco", "FILE", "--mot", "DIR"], "give one of"),
        (["--voc", "DIR"], "--voc needs --classes"),
        (["--coco", "FILE", "--first-pixel", "0"], "--first-pixel goes with"),
        (["--mot", "DIR", "--frames", "DIR"], "--frames goes with"),
        (["--mot", "DIR", "--on-error", "skip"], "--on-error skip goes with --vid-root"),
        (["--mot", "DIR", "--list", "FILE"], "--list goes with --vid-root"),
        (["--vid-root", "DIR", "--name", "x"], "--name goes with --coco"),
        (["--vid-root", "DIR", "--first-pixel", "0"], "--first-pixel goes with"),
        (["--coco", "FILE", "--coco", "FILE"], "name the splits with --split"),
        (["--coco", "FILE", "--split", "a", "--split", "b"], "--split names the split of each"),
    ],
)
def test_options_that_do_not_fit_are_bad_usage(
    tmp_path: Path, options: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_coco(tmp_path, content())
    given = [{"FILE": str(path), "DIR": str(tmp_path)}.get(option, option) for option in options]
    assert prepare(tmp_path / "out", *given) == BAD_USAGE
    assert words in capsys.readouterr().err
