"""What `benchmark` and `sweep` share: the options of a run, this process's share, and running with a progress bar."""

from __future__ import annotations

import os
import sys
from contextlib import redirect_stdout
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from .console import progress, say
from .options import FILE_THERE, Command, frames_root_option, together

if TYPE_CHECKING:
    from vidkit.runs.finished_run import FinishedRun
    from vidkit.runs.running import Share


_OPTIONS = {
    "device": click.option(
        "--device", default="cpu", show_default=True, help="Where the detector computes, as torch names it."
    ),
    "checkpoint": click.option("--checkpoint", type=FILE_THERE, help="A file of weights."),
    "scenario": click.option(
        "--scenario",
        type=click.Choice(["stream", "offline"]),
        default="stream",
        show_default=True,
        help="stream: each frame is timed. offline: whole videos, decoded beforehand.",
    ),
    "limit": click.option(
        "--limit", type=click.IntRange(min=1), metavar="N", help="Only the first N videos: for a smoke test."
    ),
    "warm_up": click.option(
        "--warm-up", type=click.IntRange(min=0), default=1, show_default=True, help="Videos that aren't timed."
    ),
    "timeout": click.option(
        "--timeout", type=click.FloatRange(min=0), default=0, help="Longest seconds for one answer; 0: no limit."
    ),
    "record_weights": click.option(
        "--record-weights", is_flag=True, help="Keep the weight maps of keyframes too; docs/benchmarking.md."
    ),
    "frames_root": frames_root_option,
    "blank_frames": click.option(
        "--blank-frames", is_flag=True, help="Hand over black frames: for detectors that don't look at pixels."
    ),
    "most_pixels": click.option(
        "--most-pixels",
        type=click.IntRange(1, 178_956_970),  # from there on Pillow refuses
        default=100_000_000,
        show_default=True,
        metavar="N",
        help="Refuse frames of more pixels.",
    ),
}
"""The options of a run, by the fields of `vidkit.runs.running.RunSettings`."""


def run_options(command: Command) -> Command:
    """Give a command the options of a run; its function takes them as one mapping, `settings`."""

    @wraps(command)
    def collected(**given: Any) -> Any:
        return command(settings={name: given.pop(name) for name in _OPTIONS}, **given)

    return cast(Command, together(*_OPTIONS.values())(collected))


def run_detector(name: str, **arguments: Any) -> FinishedRun:
    """The run that `vidkit.harness` makes of these arguments, with a progress bar and messages for people."""
    from vidkit.runs.running import benchmark

    find_modules_here()
    with redirect_stdout(sys.stderr):  # a detector's own printing must not get between the data
        return benchmark(name, share=share_of_torchrun(), tell=say, show_progress=progress, **arguments)


def find_modules_here() -> None:
    """Let `module:factory` find modules of the current folder; installed ones come first."""
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.append(here)


def share_of_torchrun() -> Share:
    """This process's share as torchrun tells it by the environment; without it, all of a run."""
    from vidkit.runs.running import Share

    names = ("RANK", "WORLD_SIZE", "LOCAL_RANK")
    if not all(os.environ.get(name, "").isdecimal() for name in names):
        return Share()
    return Share(*(int(os.environ[name]) for name in names))
