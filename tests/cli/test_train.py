import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from vidkit_cli.console import report_errors
from vidkit_cli.main import vidkit

from impnet_model.training.config import settings_from
from impnet_model.weights.checkpoints import load
from tests.impnet_model.films import make_films
from vidkit.data.index_file import write_index

QUICK = (
    "build=tiny", "channels=16", "widths=[8, 8, 8, 8]", "shorter=40", "longer=80", "flow_widths=[4, 4, 6, 6, 8, 8]",
    "iterations=4", "batch=2", "workers=0", "log_every=2", "checkpoint_every=2",
)  # fmt: skip


@pytest.fixture
def index(tmp_path: Path) -> Path:
    write_index(tmp_path / "films.h5", make_films(tmp_path / "films", [4, 3]))
    return tmp_path / "films.h5"


def arguments(*args: object, settings: tuple[str, ...] = QUICK) -> list[str]:
    return ["train", *map(str, args), *(part for each in settings for part in ("--set", each))]


def run(*args: object, settings: tuple[str, ...] = QUICK) -> int:
    return report_errors(vidkit, arguments(*args, settings=settings))


def test_a_run_leaves_all_that_tells_of_it(index: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "run"
    assert run("per-frame", "--index", index, "--out", out) == 0
    said = capsys.readouterr()
    assert said.out == ""
    lines = said.err.splitlines()
    assert lines[0].startswith("2/4  rpn_class ") and lines[-1] == f"wrote {out / 'model.pt'}"
    for part in ("rfcn_box", "images/s", "data", "left", "rate"):
        assert part in lines[0]
    assert sorted(path.name for path in out.iterdir()) == ["checkpoint.pt", "log.jsonl", "model.pt", "run.json"]
    log = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
    assert [line["iteration"] for line in log] == [2, 4]
    assert set(log[0]["losses"]) == {"rpn_class", "rpn_box", "rfcn_class", "rfcn_box"}
    told = json.loads((out / "run.json").read_text())
    assert told["method"] == "per-frame" and told["build"]["channels"] == 16 and told["config"]["batch"] == 2
    assert len(told["indices"][0]["fingerprint"]) == 32
    assert {"torch", "numpy", "h5py", "vidkit", "python"} <= set(told["versions"])
    assert load(out / "model.pt").build.n_classes == 3


def test_tensorboard_gets_the_numbers_of_the_log(index: Path, tmp_path: Path) -> None:
    events = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator", reason="needs TensorBoard")
    out = tmp_path / "run"
    assert run("per-frame", "--index", index, "--out", out, "--tensorboard") == 0
    found = events.EventAccumulator(str(out / "tensorboard"))
    found.Reload()
    for line in map(json.loads, (out / "log.jsonl").read_text().splitlines()):
        values = {f"loss/{name}": value for name, value in line["losses"].items()}
        values |= {name: line[name] for name in ("gradient", "rate", "images_per_second", "wait_share")}
        for name, value in values.items():
            told = {each.step: each.value for each in found.Scalars(name)}
            assert told[line["iteration"]] == pytest.approx(value, rel=1e-6)


def test_without_tensorboard_nothing_begins(
    index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)  # importing it fails
    assert run("per-frame", "--index", index, "--out", tmp_path / "run", "--tensorboard") == 1
    assert "pip install 'vidkit-vod[tb]'" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_a_video_method_starts_from_a_per_frame_network(
    index: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("per-frame", "--index", index, "--out", tmp_path / "base") == 0
    base = tmp_path / "base" / "model.pt"
    cache = tmp_path / "cache"
    out = tmp_path / "run"
    assert run("impression", "--index", index, "--out", out, "--init", base, "--cache", cache, "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["last"]["iteration"] == 4 and not told["stopped"] and told["out"].endswith("model.pt")
    assert len(list(cache.iterdir())) == 2
    assert run("impression", "--index", index, "--out", out, "--init", base, "--cache", cache, "--resume") == 0
    assert "nothing left to do" in capsys.readouterr().err


def test_settings_of_a_file_lie_below_those_of_the_command(tmp_path: Path) -> None:
    path = tmp_path / "run.toml"
    path.write_text(
        'build = "tiny"\nfrozen = []\n[optimisation]\nrate = 0.5\niterations = 7\n[data]\nshares = [1, 1]\n'
    )
    found = settings_from(path, ["iterations=9", "optimizer=sgd", 'precision = "bfloat16"', "clip=none"])
    assert found == {
        "build": "tiny", "frozen": [], "rate": 0.5, "iterations": 9, "shares": [1, 1],
        "optimizer": "sgd", "precision": "bfloat16", "clip": "none",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (("build=tinny",), "did you mean 'tiny'"),
        (("build=tiny", "iteration=3"), "did you mean 'iterations'"),
        (("build=tiny", "iterations=0"), "iterations 0: wanted 1 …"),
        (("build=tiny", "iterations=1.5"), "wanted int"),
        (("build=tiny", "iterations=true"), "wanted int"),
        (("build=tiny", "optimizer=adam"), "'sgd' or 'adamw'"),
        (("build=tiny", "rate=nan"), "rate nan: wanted 0 …"),
        (("build=tiny", "minutes=-1"), "minutes -1.0: wanted 0 …"),
        (("build=tiny", "batch=3", "accumulate=2"), "equal passes"),
        (("build=tiny", "stride=5"), "stride"),
        (("build=tiny", "n_classes=5"), "n_classes"),
        (("build=tiny", "shares=[1, 1]"), "shares"),
        (("build=tiny", 'frozen=["nonsense"]'), "no such part"),
        ((), "give --init CHECKPOINT"),
    ],
)
def test_bad_settings_are_one_line(
    index: Path, tmp_path: Path, settings: tuple[str, ...], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    small = ("blocks=[1, 1, 1, 1]", "widths=[4, 4, 4, 4]", "channels=8", "bottleneck=false", "stem_width=4")
    settings = settings or ("build=resnet18", *small)
    assert run("per-frame", "--index", index, "--out", tmp_path / "run", settings=settings) == 1
    said = capsys.readouterr().err
    assert message in said and "Traceback" not in said and len(said.strip().splitlines()) == 1
    assert not (tmp_path / "run" / "model.pt").exists()


@pytest.mark.parametrize(
    "args",
    [
        ["nonsense"],
        ["per-frame", "--set", "batch"],
        ["flow", "--index", "x.h5"],
        ["per-frame", "--frames-root", "a", "--frames-root", "b"],
    ],
)
def test_bad_usage_is_told(index: Path, tmp_path: Path, args: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    where = [] if "--index" in args else ["--index", index]
    assert run(*args, *where, "--out", tmp_path / "run", settings=("build=tiny",)) == 2
    assert "Traceback" not in capsys.readouterr().err


def test_bad_input_is_told(index: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "bad.toml").write_text("a = = b")
    (tmp_path / "bad.pt").write_bytes(b"nonsense")
    (tmp_path / "taken").write_text("")
    for args, message in (
        (["--index", tmp_path / "none.h5", "--out", tmp_path / "run"], "none.h5"),
        (["--index", index, "--out", tmp_path / "run", "--config", tmp_path / "bad.toml"], "wanted a TOML file"),
        (["--index", index, "--out", tmp_path / "run", "--init", tmp_path / "bad.pt"], "bad.pt"),
        (["--index", index, "--out", tmp_path / "run2", "--device", "nonsense"], "device 'nonsense'"),
        (["--index", index, "--out", tmp_path / "taken" / "run"], "taken"),
    ):
        assert run("per-frame", *args) == 1
        said = capsys.readouterr().err
        assert message in said and "Traceback" not in said


def test_flow_needs_no_index(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = (*QUICK, "width=64", "height=64", "scenes=2", "reach=2")
    assert run("flow", "--out", tmp_path / "flow", settings=settings) == 0
    assert run("flow", "--out", tmp_path / "flow", settings=settings) == 1
    said = capsys.readouterr().err
    assert "level2" in said and "give --resume" in said


def test_a_request_to_end_leaves_a_checkpoint_to_go_on_from(index: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    settings = (*QUICK, "iterations=100000")
    command = [sys.executable, "-m", "vidkit_cli.main"]
    command += arguments("per-frame", "--index", index, "--out", out, settings=settings)
    root = Path(__file__).parents[2]
    with subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True, cwd=root, env={**os.environ, "OMP_NUM_THREADS": "1"}
    ) as process:
        deadline = time.monotonic() + 60
        while not (out / "log.jsonl").is_file() and time.monotonic() < deadline:
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=60)[1]
    assert process.returncode == 130, said
    assert f"go on with --resume from {out / 'checkpoint.pt'}" in said and "Traceback" not in said
    done = load(out / "checkpoint.pt")
    assert done.method == "per-frame" and not (out / "model.pt").exists()
