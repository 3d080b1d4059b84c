"""`vidkit train`: a network out of an index."""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Iterator
from contextlib import closing, nullcontext
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from impnet_model.methods import methods_with
from vidkit.progress import Advance

from .console import INTERRUPTED, json_option, print_json, progress, say
from .options import FILE, FOLDER, data_dir_option, open_index

if TYPE_CHECKING:
    from impnet_model.training.loop import Progress
    from impnet_model.training.processes import Processes

FLOW = "flow"
"""What stands for the flow network by itself, in place of a method."""


@click.command("train")
@click.argument("method", metavar="METHOD", type=click.Choice([*methods_with("wiring"), FLOW]))
@click.option(
    "--index",
    "index_paths",
    type=FILE,
    multiple=True,
    help="An index; give VID and DET one after the other. Default: the one in the data folder. Not for flow.",
)
@data_dir_option
@click.option("--out", type=FOLDER, required=True, help="The run's folder.")
@click.option("--set", "settings", metavar="KEY=VALUE", multiple=True, help="A setting, as TOML; may be given often.")
@click.option("--config", "config_path", type=FILE, help="A TOML file of settings; those of --set come on top.")
@click.option("--resume", is_flag=True, help="Go on from the run's checkpoint; begin where there is none yet.")
@click.option(
    "--init",
    type=FILE,
    multiple=True,
    help="A checkpoint to start from; the parts that it shares with the network. May be given often.",
)
@click.option("--device", help="cpu, cuda, cuda:1 …; default: a GPU where there is one.")
@click.option(
    "--frames-root", type=FOLDER, multiple=True, help="Where the frames of the indices were moved to, one for each."
)
@click.option(
    "--val-index",
    type=FILE,
    help="What the network is scored on with --set validate_every=N; default: the one of val in the data folder.",
)
@click.option("--cache", type=FOLDER, help="A folder to keep decoded frames in: for small data, and for video files.")
@click.option("--tensorboard", is_flag=True, help="Write RUN/tensorboard, too; needs `pip install 'vidkit-vod[tb]'`.")
@json_option
def command(
    method: str,
    index_paths: tuple[Path, ...],
    data_dir: Path,
    out: Path,
    settings: tuple[str, ...],
    config_path: Path | None,
    resume: bool,
    init: tuple[Path, ...],
    device: str | None,
    frames_root: tuple[Path, ...],
    val_index: Path | None,
    cache: Path | None,
    tensorboard: bool,
    as_json: bool,
) -> int:
    """Train a network by METHOD: {methods}; or flow.

    impression-frozen keeps feature and flow networks as --init gives them. flow trains the flow network by itself, on
    made-up pairs. Settings, their defaults, and runs on many GPUs: docs/training.md. Ctrl-C ends a run after the
    iteration it is in, with a checkpoint.

    \b
    Examples:
      vidkit train per-frame --index vid.h5 --out runs/base --set build=tiny
      vidkit train impression --index vid.h5 --out runs/imp --set build=tiny --init runs/base/model.pt
      vidkit train impression --index vid.h5 --index det.h5 --out runs/paper --init resnet101.pt
      vidkit train impression --index vid.h5 --out runs/paper --init resnet101.pt --resume
      vidkit train flow --out runs/flow --set build=tiny --set minutes=5
      torchrun --nproc-per-node 8 -m vidkit_cli.main train impression --index vid.h5 --out runs/paper
    """
    from impnet_model.training.config import settings_from
    from impnet_model.training.processes import asked_to_stop, joined

    try:
        values = settings_from(config_path, settings)
    except ValueError as error:
        raise click.UsageError(f"--set {error}") from None
    many, local = (int(os.environ.get(name, default)) for name, default in (("WORLD_SIZE", "1"), ("LOCAL_RANK", "0")))
    with joined(device, many, local) as processes, asked_to_stop() as should_stop:
        if method == FLOW:
            if index_paths or frames_root or cache or val_index:
                raise click.UsageError("flow is trained on made-up pairs: it takes no indices, frames or cache of them")
            from impnet_model.training.flow_network import train_flow

            steps = train_flow(values, out, init, resume, processes, should_stop, sys.argv)
        else:
            from impnet_model.training.train import plan_of, train

            indices = [open_index(path, data_dir, prefer="train")[1] for path in index_paths or (None,)]
            n, given = len(indices), len(frames_root)
            if given not in (0, n):
                raise click.UsageError(f"{given} --frames-root for {n} indices: wanted one for each")
            scored = val_index is not None or "validate_every" in values
            val = open_index(val_index, data_dir)[1] if scored else None
            plan = plan_of(method, indices, values, frames_root, init, cache, val)
            steps = train(plan, out, resume, processes, should_stop, sys.argv)
        last = _follow(steps, out, tensorboard, processes)
        stopped = should_stop()
    if processes.rank == 0:
        _tell(last, out, stopped, as_json)
    return INTERRUPTED if stopped else 0


command.help = (command.help or "").replace("{methods}", ", ".join(methods_with("wiring")))


def _follow(steps: Iterator[Progress], out: Path, tensorboard: bool, processes: Processes) -> Progress | None:
    """Show the progress, and return what was told last; None where there was nothing left to do."""
    last = None
    board = _board(out / "tensorboard") if tensorboard and processes.rank == 0 else None
    first = next(steps, None)
    if first is None:
        return None
    with (
        progress("training", first.iterations, "iterations") as advance,
        nullcontext() if board is None else closing(board),
    ):
        for now in chain([first], steps):
            if processes.rank == 0:
                _show(now, last, advance)
                if board is not None:
                    _write(board, now)
            last = now
    return last


def _show(now: Progress, before: Progress | None, advance: Advance) -> None:
    from vidkit.shown import percent

    losses = "  ".join(f"{name} {value:.3f}" for name, value in now.losses.items())
    if now.validation is not None:
        scores = {name: math.nan if value is None else value for name, value in now.validation.items()}
        losses += "  val " + "  ".join(f"{name} {percent(value)}" for name, value in scores.items())
    line = f"{losses}  {now.images_per_second:.1f} images/s  data {now.wait_share:.0%}"
    if sys.stderr.isatty():
        advance(now.iteration - (before.iteration if before else 0), f"{line}  {_time(now.seconds_left)} left")
    else:
        say(f"{now.iteration}/{now.iterations}  {line}  rate {now.rate:.1e}  {_time(now.seconds_left)} left")


def _time(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}"


def _board(folder: Path) -> Any:
    from vidkit.errors import ChoiceError

    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        raise ChoiceError("--tensorboard needs TensorBoard: pip install 'vidkit-vod[tb]'") from None
    return SummaryWriter(folder)


def _write(board: Any, now: Progress) -> None:
    for name, value in now.losses.items():
        board.add_scalar(f"loss/{name}", value, now.iteration)
    for name, score in (now.validation or {}).items():
        board.add_scalar(f"validation/{name}", math.nan if score is None else score, now.iteration)
    for name in ("gradient", "rate", "images_per_second", "wait_share"):
        board.add_scalar(name, getattr(now, name), now.iteration)


def _tell(last: Progress | None, out: Path, stopped: bool, as_json: bool) -> None:
    made = out / ("checkpoint.pt" if stopped else "model.pt")
    if as_json:
        told = {"out": str(made), "stopped": stopped, "last": None if last is None else last.line()}
        print_json({"format": "vidkit-train", "version": 1, **told})
    elif stopped:
        say(f"stopped; go on with --resume from {made}" if made.is_file() else "stopped before the first iteration")
    else:
        say(f"wrote {made}" if last is not None else f"nothing left to do; {made} is there")
