import csv
import json
from pathlib import Path

import pytest
from vidkit_cli.console import report_errors
from vidkit_cli.main import vidkit

from tests.sampling.indices import clip, index_of, stills
from vidkit.data.index_file import write_index


@pytest.fixture
def vid(tmp_path: Path) -> Path:
    write_index(tmp_path / "vid.h5", index_of([clip(300), clip(20, 1), [[0, 2], [], [1]]], name="vid"))
    return tmp_path / "vid.h5"


@pytest.fixture
def det(tmp_path: Path) -> Path:
    write_index(tmp_path / "det.h5", stills([0, 1, 3, 3], name="det"))
    return tmp_path / "det.h5"


def run(*args: object) -> int:
    return report_errors(vidkit, ["samples", *map(str, args)])


def test_text_tells_offsets_clamping_shares_and_classes(
    vid: Path, det: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("impression_triplet", "--index", vid, "--index", det, "--ratio", "3:1", "--epoch-size", 400) == 0
    out = capsys.readouterr().out
    assert "old: drawn uniformly from -10 … -5" in out and "new: drawn uniformly from -5 … 5" in out
    assert "in 300 samples of videos, clamped at the start" in out
    assert "25.0 %" in out and "75.0 %" in out
    assert "class3" in out and "█" in out


def test_json_is_one_object_with_the_same_counts(vid: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("dff_pair", "--index", vid, "--length", 5, "--seed", 3, "--epochs", 2, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["sampler"], found["seed"], found["epochs"], found["samples"]) == ("dff_pair", 3, [0, 1], 2 * 322)
    (key,) = found["roles"]
    assert key["role"] == "key" and key["declared"] == [-4, 0] and sum(key["drawn"].values()) == 644
    assert found["classes"][3]["frames"] == 0


def test_uniform15_dumps_the_published_list(vid: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("uniform15", "--index", vid, "--dump", "csv") == 0
    out = capsys.readouterr().out
    assert "\r" not in out
    rows = list(csv.DictReader(out.splitlines()))
    assert [int(row["current"]) for row in rows if row["video"] == "vid_0"] == list(range(10, 300, 20))
    assert [row["current"] for row in rows if row["video"] == "vid_2"] == ["0", "1", "2"]
    assert run("uniform15", "--index", vid, "--dump", "csv", "--no-empty", "--shuffle") == 0
    shuffled = list(csv.DictReader(capsys.readouterr().out.splitlines()))
    assert len(shuffled) == len(rows) - 1
    assert [row["current"] for row in shuffled] != [row["current"] for row in rows][: len(shuffled)]


def test_shards_of_a_dump_are_the_dump(vid: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    args = ("causal", "--index", vid, "--dump", "csv", "--class-balance", 1)
    assert run(*args) == 0
    whole = capsys.readouterr().out.splitlines()[1:]
    parts = []
    for rank in range(3):
        out = tmp_path / f"{rank}.csv"
        assert (
            run("causal", "--index", vid, "--dump", "csv", "--class-balance", 1, "--shard", f"{rank}/3", "-o", out) == 0
        )
        parts.append(out.read_text().splitlines()[1:])
    assert "wrote" in capsys.readouterr().err
    assert [parts[place % 3][place // 3] for place in range(len(whole))] == whole
    for row in whole:
        _, _, _, _, old, current, new, old_drawn, new_drawn, class_name = row.split(",")
        assert int(old) <= int(new) <= int(current) and int(new_drawn) - int(old_drawn) == 10
        assert class_name in ("class0", "class1", "class2")


@pytest.mark.parametrize(
    "args",
    [
        ["nonsense"],
        ["fgfa", "--length", "3"],
        ["dff_pair", "--radius", "3"],
        ["uniform15", "--per-video", "7"],
        ["dff_pair", "--ratio", "1:x"],
        ["dff_pair", "--ratio", "1:1"],
        ["dff_pair", "--ratio", "0"],
        ["dff_pair", "--ratio", "inf"],
        ["dff_pair", "--class-balance", "1", "--empty"],
        ["dff_pair", "--class-balance", "2"],
        ["dff_pair", "--shard", "0/2"],
        ["dff_pair", "--dump", "csv", "--shard", "2/2"],
        ["dff_pair", "--dump", "csv", "--shard", "-1/2"],
        ["dff_pair", "--dump", "csv", "--json"],
        ["dff_pair", "--dump", "csv", "--plot"],
        ["dff_pair", "--seed", "-1"],
    ],
)
def test_bad_usage_is_told(vid: Path, args: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(*args, "--index", vid) == 2
    found = capsys.readouterr()
    assert "Traceback" not in found.err and found.err + found.out


def test_bad_input_is_told(vid: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_index(tmp_path / "empty.h5", index_of([[[], []]]))
    write_index(tmp_path / "other.h5", index_of([clip(2)], classes=2))
    for args, message in (
        (["--index", tmp_path / "missing.h5"], "missing.h5"),
        (["--index", tmp_path / "empty.h5"], "none of those chosen has a box"),
        (["--index", vid, "--index", tmp_path / "other.h5"], "differ in class2, class3"),
    ):
        assert run("dff_pair", *args) == 1
        assert message in capsys.readouterr().err


def test_an_output_that_cannot_be_written_is_told(
    vid: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    assert run("dff_pair", "--index", vid, "--dump", "csv", "-o", tmp_path / "file" / "x.csv") == 1
    assert "FileExistsError: " in capsys.readouterr().err


def test_a_picture_has_the_csv_of_what_it_draws_beside_it(
    vid: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    picture = tmp_path / "drawn.svg"
    assert run("impression_triplet", "--index", vid, "--plot", "-o", picture, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert "offset of old from the current frame" in picture.read_text()
    rows = list(csv.DictReader((tmp_path / "drawn.csv").read_text().splitlines()))
    new = {int(row["of"]): float(row["drawn"]) for row in rows if row["panel"] == "new"}
    declared = found["roles"][1]["drawn"]
    assert new == pytest.approx({int(offset): n / found["of_videos"] for offset, n in declared.items()})
    assert sum(float(row["used"]) for row in rows if row["panel"] == "old") == pytest.approx(1)
    assert [row["of"] for row in rows if row["panel"] == "class"] == ["class0", "class1", "class2"]


@pytest.mark.parametrize("sampler", ["uniform15", "fgfa"])
def test_stills_alone_can_be_drawn(det: Path, tmp_path: Path, sampler: str) -> None:
    assert run(sampler, "--index", det, "--plot", "-o", tmp_path / "stills.png") == 0
    assert (tmp_path / "stills.png").stat().st_size > 1000
    assert run(sampler, "--index", det, "--plot", "-o", tmp_path / "stills.txt") == 1


def test_long_histograms_are_drawn_in_runs(vid: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("impression_triplet", "--index", vid, "--length", 200) == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if line.lstrip()[:1] in "+-" and "…" in line]
    assert 40 < len(lines) < 100
    assert lines[0].split()[0] == "-200…-196"
