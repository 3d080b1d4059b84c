"""The loop: what is learned, what is written, going on after a stop, and what stops it."""

import json
import os
import resource
import signal
import subprocess
import sys
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from impnet_model.methods import methods_with
from impnet_model.training.config import PAPER, SMALL, TrainConfig, TrainingError, with_settings
from impnet_model.training.flow_network import train_flow
from impnet_model.training.loop import Learner
from impnet_model.training.optimisation import Optimisation, optimizer_of, set_rate
from impnet_model.training.processes import ALONE
from impnet_model.training.train import Detection, TrainingPlan, network_of, passes_of, replay, sampler_of, train
from impnet_model.weights import checkpoints
from impnet_model.weights.checkpoints import load
from tests.impnet_model.films import make_films
from tests.impnet_model.makers import SMALL as BUILD
from tests.impnet_model.training.two_processes import FLOW_VALUES
from vidkit.data.index import Index
from vidkit.data.index_file import write_index

ROOT = Path(__file__).parents[3]
QUICK = with_settings(
    SMALL, {"iterations": 6, "batch": 2, "workers": 0, "checkpoint_every": 3, "log_every": 2, "warmup": 1, "length": 4}
)


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Index:
    return make_films(tmp_path_factory.mktemp("films"))


def plan_of(index: Index, method: str = "impression", config: TrainConfig = QUICK, **settings: Any) -> TrainingPlan:
    return TrainingPlan(method, BUILD, with_settings(config, settings), [index])


def state_of(path: Path) -> dict[str, torch.Tensor]:
    return load(path).network.state_dict()


def equal(a: Path, b: Path) -> bool:
    ours, theirs = state_of(a), state_of(b)
    return all(torch.equal(ours[name], theirs[name]) for name in ours)


def stop_after(n: int) -> Any:
    """A `should_stop` that is asked before each iteration and at the end."""
    calls = iter(range(10**6))
    return lambda: next(calls) >= n


# -- the schedule ------------------------------------------------------------------------------------------------------


def test_the_default_is_the_papers_schedule() -> None:
    plan = PAPER.optimisation
    assert (plan.iterations, plan.optimizer, plan.momentum, plan.batch) == (120_000, "sgd", 0.9, 8)
    assert [plan.rate_at(i, 0) for i in (0, 69_999)] == [1e-3, 1e-3]
    assert [plan.rate_at(i, 0) for i in (70_000, 119_999)] == pytest.approx([1e-4, 1e-4])
    assert plan.weight_decay == 5e-4 / 4


def test_warm_up_and_drops_and_clock() -> None:
    plan = Optimisation(iterations=100, warmup=4, rate=1.0, drops=(0.5, 0.8), drop_factor=0.5)
    assert [plan.rate_at(i, 0) for i in range(6)] == pytest.approx([0.2, 0.4, 0.6, 0.8, 1, 1])
    assert [plan.rate_at(i, 0) for i in (49, 50, 79, 80)] == [1, 0.5, 0.5, 0.25]
    timed = replace(plan, minutes=2.0)
    assert timed.rate_at(10, 59) == 1 and timed.rate_at(10, 60) == 0.5
    assert timed.share(10, 120) == 1 and plan.share(10, 120) == 0.1


def test_sgd_steps_as_the_published_code_does() -> None:
    """m = momentum m - rate (g + wd w), w += m, with gradients summed over four GPUs; no decay of biases."""
    module = torch.nn.Linear(1, 1).double()
    weight, bias = module.weight.item(), module.bias.item()
    optimizer = optimizer_of(module, Optimisation())
    m = [0.0, 0.0]
    for gradient in (0.3, -0.2, 0.5):
        set_rate(optimizer, 1e-3)
        optimizer.zero_grad()
        module.weight.grad, module.bias.grad = (torch.tensor(g, dtype=torch.float64) for g in ([[gradient]], [2.0]))
        optimizer.step()
        m = [0.9 * m[0] - 2.5e-4 * (4 * gradient + 5e-4 * weight), 0.9 * m[1] - 2.5e-4 * 4 * 2.0]
        weight, bias = weight + m[0], bias + m[1]
    assert module.weight.item() == pytest.approx(weight, abs=1e-12)
    assert module.bias.item() == pytest.approx(bias, abs=1e-12)


def test_the_flow_network_has_a_rate_of_its_own() -> None:
    network = network_of("dff", BUILD, 0)
    optimizer = optimizer_of(network, Optimisation(flow_rate=0.1, optimizer="adamw"))
    set_rate(optimizer, 1.0)
    rates = {id(p): group["lr"] for group in optimizer.param_groups for p in group["params"]}
    names = {name: rates[id(p)] for name, p in network.named_parameters() if p.requires_grad}
    assert {rate for name, rate in names.items() if name.startswith("flow.")} == {0.1}
    assert {rate for name, rate in names.items() if not name.startswith("flow.")} == {1.0}


# -- training ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", methods_with("wiring"))
def test_every_method_learns(index: Index, method: str, tmp_path: Path) -> None:
    config = with_settings(QUICK, {"iterations": 40, "log_every": 10, "checkpoint_every": 40, "rate": 3e-3})
    plan = plan_of(index, method, config)
    if method == "impression-frozen":
        list(train(plan_of(index, "impression", config), tmp_path / "base"))
        plan = replace(plan, init=[tmp_path / "base" / "model.pt"])
    reports = list(train(plan, tmp_path / "run"))
    sums = [sum(report.losses.values()) for report in reports]
    assert len(sums) == 4
    if method != "impression-frozen":  # begins where its start had arrived
        assert sums[-1] < 0.8 * sums[0]
    trained = load(tmp_path / "run" / "model.pt")
    assert (trained.method, trained.classes) == (method, index.classes)
    before = network_of(method, BUILD, 0)
    if plan.init:
        before.load_state_dict(state_of(plan.init[0]))
    moved = {
        name
        for name, value in trained.network.state_dict().items()
        if not torch.equal(value, before.state_dict()[name])
    }
    parts = {name.partition(".")[0] for name in moved}
    own = {name.partition(".")[0] for name, _ in before.named_parameters()}
    assert parts == (own - {"feature", "flow"} if method == "impression-frozen" else own)
    assert "flow.scale.bias" not in moved


def test_a_run_goes_on_to_bit_equal_parameters(index: Index, tmp_path: Path) -> None:
    list(train(plan_of(index, log_every=1), tmp_path / "whole"))
    for leg in (2, 3, None):  # stopped twice, between checkpoints too
        should_stop = stop_after(leg) if leg else bool
        list(train(plan_of(index, log_every=1), tmp_path / "legs", resume=True, should_stop=should_stop))
    assert equal(tmp_path / "whole" / "model.pt", tmp_path / "legs" / "model.pt")
    logs = [
        [json.loads(line) for line in (tmp_path / run / "log.jsonl").read_text().splitlines()]
        for run in ("whole", "legs")
    ]
    assert [line["iteration"] for line in logs[0]] == [1, 2, 3, 4, 5, 6]
    assert [line["losses"] for line in logs[1]] == [line["losses"] for line in logs[0]]


@pytest.mark.parametrize("settings", [{"optimizer": "sgd", "rate": 1e-2}, {"precision": "bfloat16"}])
def test_a_killed_run_goes_on_from_its_last_checkpoint(index: Index, tmp_path: Path, settings: dict[str, Any]) -> None:
    list(train(plan_of(index, "dff", **settings), tmp_path / "whole"))
    reports = train(plan_of(index, "dff", **settings), tmp_path / "killed")
    list(islice(reports, 2))  # iteration 4; the checkpoint is of iteration 3
    reports.close()  # type: ignore[attr-defined]
    assert not (tmp_path / "killed" / "model.pt").exists()
    assert checkpoints.read(tmp_path / "killed" / "checkpoint.pt")["training"]["iteration"] == 3
    again = list(train(plan_of(index, "dff", **settings), tmp_path / "killed", resume=True))
    assert [report.iteration for report in again] == [4, 6]
    assert equal(tmp_path / "whole" / "model.pt", tmp_path / "killed" / "model.pt")
    assert list(train(plan_of(index, "dff", **settings), tmp_path / "killed", resume=True)) == []


def test_passes_sum_to_the_same_step(index: Index, tmp_path: Path) -> None:
    """Two passes of two samples are one of four, to rounding."""
    settings = {"iterations": 1, "batch": 4, "optimizer": "sgd", "clip": "none"}
    for n in (1, 2, 4):
        list(train(plan_of(index, "impression", accumulate=n, **settings), tmp_path / str(n)))
    one = state_of(tmp_path / "1" / "model.pt")
    for n in (2, 4):
        other = state_of(tmp_path / str(n) / "model.pt")
        assert max(float((one[name] - other[name]).abs().max()) for name in one) < 1e-6


def test_workers_change_nothing(index: Index, tmp_path: Path) -> None:
    for workers in (0, 2):
        list(train(plan_of(index, workers=workers, iterations=3), tmp_path / str(workers)))
    assert equal(tmp_path / "0" / "model.pt", tmp_path / "2" / "model.pt")


def test_a_run_from_before_a_setting_goes_on_as_it_was(index: Index, tmp_path: Path) -> None:
    list(train(plan_of(index, "per-frame"), tmp_path, should_stop=stop_after(3)))
    told = json.loads((tmp_path / "run.json").read_text())
    del told["config"]["jitter"]
    (tmp_path / "run.json").write_text(json.dumps(told))
    with pytest.raises(TrainingError, match=r"jitter 0\.0 → 0\.2"):
        list(train(plan_of(index, "per-frame", jitter=0.2), tmp_path, resume=True))
    assert list(train(plan_of(index, "per-frame"), tmp_path, resume=True))[-1].iteration == 6


def test_float16_is_scaled(index: Index, tmp_path: Path) -> None:
    list(train(plan_of(index, "per-frame", precision="float16", iterations=3), tmp_path))
    kept = checkpoints.read(tmp_path / "checkpoint.pt")["training"]
    assert kept["scaler"]["scale"] > 1
    assert all(torch.isfinite(value).all() for value in state_of(tmp_path / "model.pt").values())


def test_clipping_shortens_the_gradient(index: Index) -> None:
    plan = plan_of(index, "per-frame", clip=1e-3, optimizer="sgd", momentum=0.0, weight_decay=0.0)
    network = network_of("per-frame", BUILD, 0)
    before = {name: value.clone() for name, value in network.named_parameters()}
    learner = Learner(Detection(network, "per-frame", plan.config.selection), plan.config.optimisation, ALONE)
    step = learner.step(passes_of(plan, ALONE)(0), 1.0, [])
    way = sum(
        float((value.detach() - before[name].detach()).square().sum()) for name, value in network.named_parameters()
    )
    assert step.gradient > 1e-3
    assert way**0.5 == pytest.approx(1e-3, rel=1e-3)


def test_minutes_end_a_run(index: Index, tmp_path: Path) -> None:
    reports = list(train(plan_of(index, "per-frame", iterations=10**6, minutes=0.01), tmp_path))
    assert 0 < reports[-1].iteration < 10**6
    assert 0.6 <= reports[-1].seconds < 10 and reports[-1].seconds_left == 0
    assert (tmp_path / "model.pt").is_file()


# -- what a run starts from --------------------------------------------------------------------------------------------


def test_frozen_parts_keep_their_weights(index: Index, tmp_path: Path) -> None:
    list(train(plan_of(index, "per-frame", iterations=1), tmp_path / "base"))
    base = tmp_path / "base" / "model.pt"
    plan = replace(plan_of(index, "dff", iterations=1, frozen=["feature.conv1", "feature.layer1"]), init=[base])
    list(train(plan, tmp_path / "run"))
    before, after = state_of(base), state_of(tmp_path / "run" / "model.pt")
    same = {name for name in before if torch.equal(before[name], after[name])}
    assert {name for name in same if name.startswith("feature")} == {
        name for name in before if name.startswith(("feature.conv1.", "feature.layer1."))
    }


@pytest.mark.parametrize("method", ["per-frame", "impression-frozen"])
def test_random_weights_are_never_kept_frozen(index: Index, method: str, tmp_path: Path) -> None:
    frozen = ["feature.conv1"] if method == "per-frame" else []
    with pytest.raises(TrainingError, match=r"feature.* would keep random weights.*--init"):
        list(train(plan_of(index, method, frozen=frozen), tmp_path))
    with pytest.raises(TrainingError, match="no such part"):
        list(train(plan_of(index, method, frozen=["nonsense"]), tmp_path / "other"))


def test_another_build_is_no_start(index: Index, tmp_path: Path) -> None:
    list(train(plan_of(index, "per-frame", iterations=1), tmp_path / "base"))
    plan = TrainingPlan("dff", replace(BUILD, channels=24), QUICK, [index], init=[tmp_path / "base" / "model.pt"])
    with pytest.raises(checkpoints.FormatError, match=r"of another shape.*another build"):
        list(train(plan, tmp_path / "run"))


# -- what stops a run --------------------------------------------------------------------------------------------------


def test_another_run_is_never_overwritten(index: Index, tmp_path: Path) -> None:
    list(train(plan_of(index, "per-frame"), tmp_path))
    before = (tmp_path / "model.pt").read_bytes()
    for resume, plan, message in (
        (False, plan_of(index, "per-frame"), "give --resume"),
        (True, plan_of(index, "dff"), "other settings: method"),
        (True, plan_of(index, "per-frame", rate=0.5), "rate 0.001 → 0.5"),
        (True, TrainingPlan("per-frame", replace(BUILD, shorter=40), QUICK, [index]), "shorter 44 → 40"),
        (True, TrainingPlan("per-frame", BUILD, QUICK, [index, index]), "indices"),
    ):
        with pytest.raises(TrainingError, match=message):
            list(train(plan, tmp_path, resume))
    assert (tmp_path / "model.pt").read_bytes() == before
    more = list(train(plan_of(index, "per-frame", iterations=8, workers=1), tmp_path, resume=True))
    assert more[-1].iteration == 8


def test_a_loss_that_is_not_finite_stops_with_its_batch(
    index: Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    forward, calls = Detection.forward, iter(range(100))

    def spoiled(self: Detection, batch: Any) -> dict[str, torch.Tensor]:
        losses = forward(self, batch)
        return losses | {"rpn_box": losses["rpn_box"] * float("nan")} if next(calls) == 4 else losses

    with monkeypatch.context() as patch:
        patch.setattr(Detection, "forward", spoiled)
        with pytest.raises(TrainingError, match=r"iteration 5: not finite: .*rpn_box nan.*nonfinite\.pt.*--resume"):
            list(train(plan_of(index), tmp_path))
    assert checkpoints.read(tmp_path / "checkpoint.pt")["training"]["iteration"] == 3
    kept = checkpoints.read(tmp_path / "nonfinite.pt")
    assert kept["iteration"] == 4
    again = replay(tmp_path / "nonfinite.pt")  # now without the fault
    assert again["rpn_class"] == pytest.approx(kept["losses"]["rpn_class"], abs=0) and np.isfinite(again["rpn_box"])
    list(train(plan_of(index), tmp_path, resume=True))
    list(train(plan_of(index), tmp_path / "whole"))
    assert equal(tmp_path / "model.pt", tmp_path / "whole" / "model.pt")


def test_a_gradient_that_is_not_finite_changes_nothing(index: Index, tmp_path: Path) -> None:
    plan = plan_of(index, "per-frame")
    network = network_of("per-frame", BUILD, 0)
    network.task.rpn.bbox_pred.weight.register_hook(lambda g: g * float("inf"))  # type: ignore[attr-defined]
    learner = Learner(Detection(network, "per-frame", plan.config.selection), plan.config.optimisation, ALONE)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    with pytest.raises(ArithmeticError, match="gradient"):
        learner.step(passes_of(plan, ALONE)(0), 1.0, [])
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"),
        RuntimeError("[enforce fail at alloc_cpu.cpp:118] err == 0. DefaultCPUAllocator: can't allocate memory"),
        RuntimeError("DataLoader worker (pid 7) is killed by signal: Killed."),
    ],
)
def test_out_of_memory_is_told(index: Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    list(train(plan_of(index), tmp_path, should_stop=stop_after(4)))

    def fail(self: Detection, batch: Any) -> None:
        raise error

    monkeypatch.setattr(Detection, "forward", fail)
    with pytest.raises(TrainingError, match=r"iteration 5.*(memory).*the last checkpoint stays"):
        list(train(plan_of(index), tmp_path, resume=True))
    assert checkpoints.read(tmp_path / "checkpoint.pt")["training"]["iteration"] == 4


def test_other_failures_are_not_hidden(index: Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: Detection, batch: Any) -> None:
        raise RuntimeError("a mistake")

    monkeypatch.setattr(Detection, "forward", fail)
    with pytest.raises(RuntimeError, match="a mistake"):
        list(train(plan_of(index), tmp_path))


def test_a_full_disk_leaves_the_last_checkpoint(index: Index, tmp_path: Path) -> None:
    """The limit on the size of a file stands for a disk that is full: both fail in the middle of writing."""
    plan = plan_of(index)
    reports = train(plan, tmp_path)
    list(islice(reports, 2))
    size = (tmp_path / "checkpoint.pt").stat().st_size
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size // 2, hard))
    try:
        with pytest.raises(TrainingError, match=r"checkpoint\.pt: can't be written: .*the last checkpoint stays"):
            list(reports)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["checkpoint.pt", "log.jsonl", "run.json"]
    list(train(plan, tmp_path, resume=True))
    list(train(plan, tmp_path / "whole"))
    assert equal(tmp_path / "model.pt", tmp_path / "whole" / "model.pt")


@pytest.mark.parametrize("workers", [0, 1])
def test_a_missing_frame_is_named(tmp_path: Path, workers: int) -> None:
    index = make_films(tmp_path / "films", [3])
    (tmp_path / "films" / "video0" / "000001.png").unlink()
    with pytest.raises(checkpoints.FormatError.__base__, match=r"^[^\n]*000001\.png: can't be read[^\n]*$"):
        list(train(plan_of(index, "per-frame", workers=workers), tmp_path / "run"))


# -- what real video needs ---------------------------------------------------------------------------------------------


def test_in_whole_cells_the_flow_network_keeps_its_weights(index: Index, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="dff: flow would keep random weights"):
        list(train(plan_of(index, "dff", warp="cells"), tmp_path / "run"))
    list(train(plan_of(index, "dff"), tmp_path / "flow"))
    start = tmp_path / "flow" / "model.pt"
    list(train(replace(plan_of(index, "dff", warp="cells"), init=[start]), tmp_path / "run"))
    before, after = state_of(start), state_of(tmp_path / "run" / "model.pt")
    changed = {name.partition(".")[0] for name in before if not torch.equal(before[name], after[name])}
    assert changed == {"feature", "task"}
    assert json.loads((tmp_path / "run" / "run.json").read_text())["config"]["warp"] == "cells"


def test_samples_are_those_of_the_key_that_is_chosen(index: Index) -> None:
    data = QUICK.data
    assert sampler_of("dff", [index], data).offsets.ranges[0] == range(-3, 1)
    assert sampler_of("dff", [index], replace(data, key="central")).offsets.ranges[0] == range(-1, 3)
    assert sampler_of("impression", [index], replace(data, causal=True)).offsets.ranges[2] == range(-3, 1)


@pytest.mark.parametrize(
    ("method", "settings", "said"),
    [
        ("dff", {"causal": True}, "causal: its samples are for the impression"),
        ("impression", {"key": "central"}, "impression has no such choice"),
        ("per-frame", {"warp": "cells"}, "per-frame carries no feature"),
        ("dff", {"key": "last"}, "wanted 'first' or 'central'"),
    ],
)
def test_what_does_not_go_together_is_refused(index: Index, method: str, settings: dict[str, Any], said: str) -> None:
    with pytest.raises(TrainingError, match=said):
        passes_of(plan_of(index, method, **settings), ALONE)


def test_the_cache_holds_what_the_sampler_can_ask_for(index: Index, tmp_path: Path) -> None:
    plan = replace(plan_of(index, "per-frame", per_video=1), cache=tmp_path)
    sampler = sampler_of("per-frame", [index], plan.config.data)
    next(passes_of(plan, ALONE)(0))
    sizes = np.load(next(tmp_path.glob("*.npy")))
    assert np.flatnonzero(sizes.all(axis=1)).tolist() == sampler.reach(0).tolist()
    assert len(sampler.reach(0)) == 2 < index.n_frames


# -- many processes ----------------------------------------------------------------------------------------------------


def torchrun(*arguments: str, restarts: int = 0) -> str:
    """Run tests/impnet_model/training/two_processes.py in two processes of this machine."""
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    command += ["--max-restarts", str(restarts), "-m", "tests.impnet_model.training.two_processes", *arguments]
    # Without the variable processes that start again may find the addresses of those that died, see docs/training.md.
    env = {**os.environ, "OMP_NUM_THREADS": "1", "TORCH_DISABLE_SHARE_RDZV_TCP_STORE": "1"}
    with subprocess.Popen(
        command, cwd=ROOT, env=env, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, start_new_session=True
    ) as process:
        try:
            said = process.communicate(timeout=300)[1]
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGTERM)
    assert process.returncode == 0, said[-3000:]
    return said


@pytest.fixture(scope="module")
def index_file(index: Index, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("index") / "films.h5"
    write_index(path, index)
    return str(path)


@pytest.mark.parametrize("accumulate", [1, 2])
def test_two_processes_are_one_with_the_double_batch(
    index: Index, index_file: str, tmp_path: Path, accumulate: int
) -> None:
    settings = {"iterations": 1, "batch": 4, "accumulate": accumulate, "rate": 0.1, "warmup": 0}
    torchrun(index_file, str(tmp_path / "two"), "method=impression", *(f"{k}={v}" for k, v in settings.items()))
    alone = {**settings, "accumulate": 1, "optimizer": "sgd", "length": 4}
    list(train(plan_of(index, "impression", SMALL, workers=0, **alone), tmp_path / "one"))
    one, two = (state_of(tmp_path / run / "model.pt") for run in ("one", "two"))
    before = network_of("impression", BUILD, 0).state_dict()
    assert max(float((one[name] - before[name]).abs().max()) for name in one) > 1e-3
    assert max(float((one[name] - two[name]).abs().max()) for name in one) < 1e-6


def test_a_killed_process_is_started_again_and_training_goes_on(index_file: str, tmp_path: Path) -> None:
    settings = ["method=per-frame", "iterations=8", "batch=2", "checkpoint_every=3", "log_every=2"]
    said = torchrun(index_file, str(tmp_path / "killed"), *settings, "kill=1", restarts=1)
    assert "exitcode: -9" in said or "Signal 9" in said
    torchrun(index_file, str(tmp_path / "whole"), *settings)
    assert equal(tmp_path / "whole" / "model.pt", tmp_path / "killed" / "model.pt")
    lines = [json.loads(line)["iteration"] for line in (tmp_path / "killed" / "log.jsonl").read_text().splitlines()]
    assert lines == sorted(set(lines)) and lines[-1] == 8


def test_two_processes_learn_flow_as_one_does(tmp_path: Path) -> None:
    """Of all parts of the flow network that pairs teach nothing about, none keeps the processes waiting."""
    torchrun("-", str(tmp_path / "two"), "method=flow")
    list(train_flow(FLOW_VALUES, tmp_path / "one"))
    one, two = (checkpoints.read(tmp_path / run / "model.pt")["state"] for run in ("one", "two"))
    assert max(float((one[name] - two[name]).abs().max()) for name in one) < 1e-5


def test_training_imports_only_what_it_needs() -> None:
    code = (
        "import sys, impnet_model.training.train, impnet_model.training.flow_network; "
        "print(sorted({'pandas', 'matplotlib', 'pycocotools', 'click', 'rich', 'scipy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "[]"
