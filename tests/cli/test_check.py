import json
import shutil
from pathlib import Path

import pytest
from vidkit_cli.console import BAD_INPUT, BAD_USAGE, DONE, FINDINGS, report_errors
from vidkit_cli.main import vidkit

from tests.check.test_trees import jpeg, make_tree, xml
from tests.makers import make_index
from vidkit.data.index_file import write_index


@pytest.fixture(scope="module")
def sound_tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tree(tmp_path_factory.mktemp("sound") / "ILSVRC2015")


@pytest.fixture
def tree(sound_tree: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(sound_tree, tmp_path / "ILSVRC2015"))


def test_a_sound_tree_ends_with_0(sound_tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert report_errors(vidkit, ["check", str(sound_tree)]) == DONE
    streams = capsys.readouterr()
    assert streams.out.endswith("\nnothing found\n")
    assert "VID val" in streams.out
    assert "2 of 555 (0.36 %)" in streams.out
    assert streams.err == ""


def test_findings_are_grouped_and_end_with_3(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    jpeg(tree).unlink()
    for number in range(6):
        (xml(tree).parent / f"stray{number}.txt").write_text("")
    assert report_errors(vidkit, ["check", str(tree)]) == FINDINGS
    text = capsys.readouterr().out
    assert "error frame-without-image (1): unpack" in text
    assert "  Annotations/VID/val/ILSVRC2015_val_00000000/000002.xml: no image" in text
    assert text.count("stray") == 5
    assert "  … and 1 more: --all tells them" in text
    assert text.endswith("\nfound: 1 errors, 6 warnings, of 2 kinds\n")
    report_errors(vidkit, ["check", str(tree), "--all"])
    assert capsys.readouterr().out.count("stray") == 6


def test_json_tells_the_same(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert report_errors(vidkit, ["check", str(tree), "--json"]) == DONE
    assert json.loads(capsys.readouterr().out)["found"] == 0
    xml(tree).write_bytes(b"")
    assert report_errors(vidkit, ["check", str(tree), "--json"]) == FINDINGS
    told = json.loads(capsys.readouterr().out)
    assert (told["format"], told["version"], told["found"], told["counts"]) == ("vidkit-check", 1, 1, {"xml-empty": 1})
    (finding,) = told["findings"]
    assert set(finding) == {"severity", "kind", "place", "found", "advice"}
    assert finding["place"] == "Annotations/VID/val/ILSVRC2015_val_00000000/000002.xml"
    val = next(split for split in told["splits"] if split["name"] == "val")
    assert (val["folders"], val["frames"], val["official"]["videos"]) == (2, 11, 555)


def test_whole_makes_a_subset_a_finding(sound_tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert report_errors(vidkit, ["check", str(sound_tree), "--whole"]) == FINDINGS
    assert "VID val: 2 snippets, the official split has 555" in capsys.readouterr().out


def test_classes_of_ones_own(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert report_errors(vidkit, ["check", str(tree), "--classes", "dog"]) == FINDINGS
    assert "error unknown-class (20)" in capsys.readouterr().out
    assert report_errors(vidkit, ["check", str(tree), "--classes", "dog,car"]) == DONE
    (tree / "classes.txt").write_text("n02084071 1 dog\n")
    assert report_errors(vidkit, ["check", str(tree)]) == FINDINGS


def test_an_index_is_checked_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "i.h5"
    write_index(path, make_index(tracks=0))
    assert report_errors(vidkit, ["check", str(path)]) == DONE
    assert "note: the index doesn't know where its frames are" in capsys.readouterr().out
    path.write_bytes(b"damaged")
    assert report_errors(vidkit, ["check", str(path)]) == BAD_INPUT


def test_what_is_no_tree_is_bad_input(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert report_errors(vidkit, ["check", str(tmp_path / "none")]) == BAD_INPUT
    assert report_errors(vidkit, ["check", str(tmp_path), "--json"]) == BAD_INPUT
    assert json.loads(capsys.readouterr().out)["error"]["kind"] == "AnnotationError"


@pytest.mark.parametrize("options", [["--frames-root", "x"], []])
def test_options_that_do_not_fit_are_bad_usage(sound_tree: Path, tmp_path: Path, options: list[str]) -> None:
    place = [str(sound_tree), *options] if options else [str(tmp_path / "i.h5"), "--whole"]
    assert report_errors(vidkit, ["check", *place]) == BAD_USAGE
