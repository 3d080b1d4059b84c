import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from vidkit_cli.console import report_errors
from vidkit_cli.main import vidkit

from tests.data.ilsvrc_trees import Thing, annotation_xml, make_tree, write_video
from vidkit.data.index_file import read_index
from vidkit.errors import FormatError

PREPARE = [sys.executable, "-m", "vidkit_cli.main", "prepare"]


def prepare(*args: object) -> int:
    return report_errors(vidkit, ["prepare", *map(str, args)])


def as_json(capsys: pytest.CaptureFixture[str], *args: object) -> dict[str, Any]:
    assert prepare(*args, "--json") == 0
    result: dict[str, Any] = json.loads(capsys.readouterr().out)
    return result


def test_bare_it_writes_every_split_to_the_default_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("VIDKIT_DATA", raising=False)
    make_tree(tmp_path / "ILSVRC2015", split="val")
    make_tree(tmp_path / "ILSVRC2015", split="train")
    write_video(tmp_path / "ILSVRC2015", "train/n1", {0: [Thing(name="n03636649")]}, kind="DET")
    assert prepare("--vid-root", "ILSVRC2015") == 0
    assert {p.name for p in (tmp_path / "vidkit-data").iterdir()} == {"vid_train.h5", "vid_val.h5", "det_train.h5"}
    shown = capsys.readouterr()
    assert shown.out.startswith("vidkit-data\n")
    assert "vid_val.h5" in shown.out
    assert "det_train.h5: 1 objects of other classes, left out" in shown.err
    assert prepare("--vid-root", ".", "--split", "val", "--out", "elsewhere") == 0
    assert [p.name for p in (tmp_path / "elsewhere").iterdir()] == ["vid_val.h5"]


def test_json_tells_what_is_in_the_index(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_tree(tmp_path, videos=2, frames=3)
    (found,) = as_json(capsys, "--vid-root", tmp_path, "--out", tmp_path / "o")["indices"]
    index = read_index(tmp_path / "o/vid_val.h5")
    assert (found["videos"], found["frames"], found["boxes"]) == (2, 6, index.n_instances)
    assert (found["fingerprint"], found["state"], found["left_out"]) == (index.fingerprint, "new", [])


HOSTILE = {
    "cut": annotation_xml([Thing()]).encode()[:150],
    "empty": b"",
    "binary": bytes(range(256)) * 4,
    "bomb": b'<!DOCTYPE a [<!ENTITY x "' + b"y" * 999 + b'"><!ENTITY z "&x;&x;">]><annotation>&z;</annotation>',
    "encoding": annotation_xml([Thing()]).encode("utf-16"),
    "100 MB": b" " * 100_000_000,
}


@pytest.mark.parametrize("what", HOSTILE)
def test_a_malformed_file_is_one_line_with_place_and_reason(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], what: str
) -> None:
    make_tree(tmp_path, videos=2, frames=3)
    bad = tmp_path / "Annotations/VID/val/ILSVRC2015_val_00000001/000001.xml"
    bad.write_bytes(HOSTILE[what])
    given = ("--vid-root", tmp_path, "--out", tmp_path / "o")
    assert prepare(*given) == 1
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith(f"AnnotationError: {bad}: ")
    assert shown.err.count("\n") == 1
    assert not (tmp_path / "o").exists()
    (found,) = as_json(capsys, *given, "--on-error", "skip")["indices"]
    assert found["frames"] == 5
    assert [item["place"] for item in found["left_out"]] == [str(bad)]
    assert Path(found["report"]).name == "vid_val.report.json"


@pytest.mark.parametrize(
    ("args", "code", "reason"),
    [
        ([], 2, "give one of: --vid-root ROOT"),
        (["--vid-root", "{}/out"], 1, "no ILSVRC VID tree"),
        (["--vid-root", "{}", "--split", "nope"], 1, "no split 'nope' in the tree; there are VID val"),
        (["--vid-root", "{}", "--classes", "zebr"], 1, "did you mean 'zebra'?"),
        (["--vid-root", "{}", "--motion-iou", "{}/x"], 1, "x: not a MATLAB 5 file"),
        (["--vid-root", "{}", "--workers", "0"], 2, "Invalid value for '--workers'"),
    ],
)
def test_bad_use_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], args: list[str], code: int, reason: str
) -> None:
    make_tree(tmp_path, videos=1, frames=1)
    (tmp_path / "x").write_text("x")
    (tmp_path / "out").mkdir()
    assert prepare(*(arg.format(tmp_path) for arg in args), "--out", tmp_path / "out") == code
    assert reason in capsys.readouterr().err


def _children(process: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{process}/task/{process}/children").read_text().split()]


def _gone(processes: list[int], seconds: float = 10) -> bool:
    """Whether all have ended, zombies counting as ended, within so many seconds."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        states = [Path(f"/proc/{one}/stat") for one in processes]
        if all(not s.exists() or s.read_text().rpartition(")")[2].split()[0] == "Z" for s in states):
            return True
        time.sleep(0.05)
    return False


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="looks for processes in /proc")
def test_killed_at_any_moment_it_leaves_no_wrong_index_and_no_process(tmp_path: Path) -> None:
    make_tree(tmp_path, videos=60, frames=40)
    command = [*PREPARE, "--vid-root", str(tmp_path), "--out", str(tmp_path / "o"), "--workers", "2"]
    path = tmp_path / "o/vid_val.h5"
    started = time.monotonic()
    subprocess.run(command, check=True, capture_output=True)
    whole, wanted = time.monotonic() - started, read_index(path).fingerprint
    rng = random.Random(0)
    killed = 0
    for _ in range(20):
        path.unlink(missing_ok=True)
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            time.sleep(rng.uniform(0.2, 1.05) * whole)
            workers = _children(process.pid) if process.poll() is None else []
            process.kill()
            process.wait()
            killed += process.returncode == -signal.SIGKILL
        assert _gone(workers)
        if path.exists():
            assert read_index(path).fingerprint == wanted
        for part in (tmp_path / "o").glob("*.part"):
            with contextlib.suppress(FormatError):
                assert read_index(part).fingerprint == wanted  # it was about to be renamed
    assert killed >= 5
    subprocess.run(command, check=True, capture_output=True)
    assert read_index(path).fingerprint == wanted
    assert [p.name for p in path.parent.iterdir()] == ["vid_val.h5"]


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="looks for processes in /proc")
def test_interrupted_it_leaves_with_130_and_no_workers(tmp_path: Path) -> None:
    make_tree(tmp_path, videos=80, frames=40)
    out = tmp_path / "o"
    command = [*PREPARE, "--vid-root", str(tmp_path), "--out", str(out), "--workers", "2"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, start_new_session=True, preexec_fn=_hear) as process:
        end = time.monotonic() + 20
        while not (workers := _children(process.pid)) and time.monotonic() < end:
            time.sleep(0.005)
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does
        _, shown = process.communicate(timeout=30)
    assert workers
    assert (process.returncode, shown.strip()) == (130, b"interrupted")
    assert _gone(workers)
    assert not list(out.glob("*"))


def _hear() -> None:
    """Undo what a shell does to programs in the background: they ignore Ctrl-C, and so would their children."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_help_shows_examples(capsys: pytest.CaptureFixture[str]) -> None:
    assert prepare("--help") == 0
    assert "vidkit prepare --vid-root ILSVRC2015" in capsys.readouterr().out
