"""`vidkit train`: a network out of an index."""

from __future__ import annotations

import os
import signal
import sys
import tomllib
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vidkit.progress import Advance

from .console import INTERRUPTED, json_option, print_json, progress, say
from .options import data_dir_option, open_index

if TYPE_CHECKING:
    from impnet_model.training.loop import Report
    from impnet_model.training.processes import Processes

NAMES = ("per-frame", "dff", "impression-fixed", "impression", "impression-frozen", "fgfa", "flow")


@click.command("train")
@click.argument("method", metavar="METHOD", type=click.Choice(NAMES))
@click.option(
    "--index",
    "index_paths",
    type=click.Path(dir_okay=False, path_type=Path),
    multiple=True,
    help="An index; give VID and DET one after the other. Default: the one in the data folder. Not for flow.",
)
@data_dir_option
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), required=True, help="The run's folder.")
@click.option("--set", "settings", metavar="KEY=VALUE", multiple=True, help="A setting, as TOML; may be given often.")
@click.option(
    "--config",
    "config_path",
    type=click.Path(dir_okay=False, path_type=Path),
    help="A TOML file of settings; those of --set come on top.",
)
@click.option("--resume", is_flag=True, help="Go on from the run's checkpoint; begin where there is none yet.")
@click.option(
    "--init",
    type=click.Path(dir_okay=False, path_type=Path),
    multiple=True,
    help="A checkpoint to start from; the parts that it shares with the network. May be given often.",
)
@click.option("--device", help="cpu, cuda, cuda:1 …; default: a GPU where there is one.")
@click.option(
    "--frames-root",
    type=click.Path(file_okay=False, path_type=Path),
    multiple=True,
    help="Where the frames of the indices were moved to, one for each.",
)
@click.option(
    "--cache",
    type=click.Path(file_okay=False, path_type=Path),
    help="A folder to keep decoded frames in: for small data, and for video files.",
)
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
    cache: Path | None,
    tensorboard: bool,
    as_json: bool,
) -> int:
    """Train a network by METHOD: per-frame, dff, impression-fixed, impression, impression-frozen, fgfa; or flow.

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
    values = settings_from(config_path, settings)
    with joined(device) as processes, asked_to_stop() as should_stop:
        reports: Iterator[Report]
        if method == "flow":
            if index_paths or frames_root or cache:
                raise click.UsageError("flow is trained on made-up pairs: it takes no --index, --frames-root, --cache")
            from impnet_model.training.flow import train_flow

            reports = train_flow(values, out, init, resume, processes, should_stop, sys.argv)
        else:
            reports = _detection(
                method, index_paths, data_dir, out, values, resume, init, frames_root, cache, processes, should_stop
            )
        last = _follow(reports, out, tensorboard, processes)
        stopped = should_stop()
    if processes.rank == 0:
        _tell(last, out, stopped, as_json)
    return INTERRUPTED if stopped else 0


def _detection(
    method: str,
    index_paths: Sequence[Path],
    data_dir: Path,
    out: Path,
    values: dict[str, Any],
    resume: bool,
    init: Sequence[Path],
    frames_root: Sequence[Path],
    cache: Path | None,
    processes: Processes,
    should_stop: Callable[[], bool],
) -> Iterator[Report]:
    from impnet_model.training.settings import settings_of
    from impnet_model.training.train import Plan, train
    from vidkit.sampling.strata import check_same_classes

    indices = [open_index(path, data_dir, prefer="train")[1] for path in index_paths or (None,)]
    if frames_root and len(frames_root) != len(indices):
        raise click.UsageError(f"{len(frames_root)} --frames-root for {len(indices)} indices: wanted one for each")
    check_same_classes(indices)
    build, config = settings_of(values, indices[0].n_classes)
    plan = Plan(method, build, config, indices, frames_root or None, init, cache)
    return train(plan, out, resume, processes, should_stop, sys.argv)


def settings_from(config_path: Path | None, given: Sequence[str]) -> dict[str, Any]:
    """Return the settings of a TOML file, its tables laid flat, with those of `--set` on top."""
    from vidkit.errors import FormatError

    values: dict[str, Any] = {}
    if config_path is not None:
        try:
            read = tomllib.loads(config_path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise FormatError(f"{config_path}: not a TOML file: {error}") from None
        for name, value in read.items():
            values |= value if isinstance(value, dict) else {name: value}
    for each in given:
        name, equals, value = each.partition("=")
        if not equals or not name.strip():
            raise click.UsageError(f"--set {each!r}: wanted KEY=VALUE")
        values[name.strip()] = _toml_value(value.strip())
    return values


def _toml_value(text: str) -> Any:
    """Return what a TOML value says; bare words are strings."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


@contextmanager
def joined(device: str | None) -> Iterator[Processes]:
    """Yield this process: alone, or as torchrun started it, in its group."""
    import torch

    from impnet_model.training.processes import Processes, joined_group
    from vidkit.errors import ChoiceError

    count = int(os.environ.get("WORLD_SIZE", "1"))
    local = os.environ.get("LOCAL_RANK", "0")
    name = device or (f"cuda:{local}" if torch.cuda.is_available() else "cpu")
    try:
        chosen = torch.device(name)
        torch.empty(0, device=chosen)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise ChoiceError(f"device {name!r}: {str(error).splitlines()[0]}") from None
    if chosen.type == "cuda":
        torch.cuda.set_device(chosen)
    if count == 1:
        yield Processes(device=chosen)
        return
    with joined_group(chosen) as processes:
        yield processes


@contextmanager
def asked_to_stop() -> Iterator[Callable[[], bool]]:
    """Yield a function that tells whether Ctrl-C or a request to end came; a second one ends at once."""
    asked: list[int] = []

    def note(number: int, frame: object) -> None:
        if asked:
            raise KeyboardInterrupt
        asked.append(number)

    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: bool(asked)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _follow(reports: Iterator[Report], out: Path, tensorboard: bool, processes: Processes) -> Report | None:
    """Show each report, and return the last one; None where there was nothing left to do."""
    last = None
    board = _board(out / "tensorboard") if tensorboard and processes.rank == 0 else None
    first = next(reports, None)
    if first is None:
        return None
    with (
        progress("training", first.iterations, "iterations") as advance,
        nullcontext() if board is None else closing(board),
    ):
        for report in _again(first, reports):
            if processes.rank == 0:
                _show(report, last, advance)
                if board is not None:
                    _write(board, report)
            last = report
    return last


def _again(first: Report, rest: Iterator[Report]) -> Iterator[Report]:
    yield first
    yield from rest


def _show(report: Report, before: Report | None, advance: Advance) -> None:
    losses = "  ".join(f"{name} {value:.3f}" for name, value in report.losses.items())
    line = f"{losses}  {report.images_per_second:.1f} images/s  data {report.wait_share:.0%}"
    if sys.stderr.isatty():
        advance(report.iteration - (before.iteration if before else 0), f"{line}  {_time(report.seconds_left)} left")
    else:
        say(
            f"{report.iteration}/{report.iterations}  {line}  rate {report.rate:.1e}  {_time(report.seconds_left)} left"
        )


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


def _write(board: Any, report: Report) -> None:
    for name, value in report.losses.items():
        board.add_scalar(f"loss/{name}", value, report.iteration)
    for name in ("gradient", "rate", "images_per_second", "wait_share"):
        board.add_scalar(name, getattr(report, name), report.iteration)


def _tell(last: Report | None, out: Path, stopped: bool, as_json: bool) -> None:
    made = out / ("checkpoint.pt" if stopped else "model.pt")
    if as_json:
        print_json({"out": str(made), "stopped": stopped, "last": None if last is None else vars(last)})
    elif stopped:
        say(f"stopped; go on with --resume from {made}" if made.is_file() else "stopped before the first iteration")
    else:
        say(f"wrote {made}" if last is not None else f"nothing left to do; {made} is there")
