"""What the figure of flows is made of: flows, measured at the objects of an index."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from ..console import say
from ..options import FILE_THERE, data_dir_option, frames_root_option, index_option, runs_dir_option
from .inputs import Inputs

_FLOWS = ("zero", "learned", "farneback", "dis")


def _measured(
    flows: Sequence[str],
    index_path: Path | None,
    data_dir: Path,
    runs_dir: Path,
    frames_root: Path | None,
    checkpoint: Path | None,
    distances: Sequence[int],
    every: int,
    direct: bool,
    flow_side: int,
) -> dict[str, Any]:
    from impnet_model.detectors.frame_flows import frame_steps
    from impnet_model.detectors.track_errors import DISTANCES, FAR, MakeFlow, track_errors
    from impnet_model.flows.memory import FlowMemory
    from vidkit.data.index_file import read_index
    from vidkit.runs.choosing import choose_index

    def of(name: str) -> MakeFlow:
        steps = frame_steps(name, flow_side, checkpoint if name == "learned" else None)
        return lambda: FlowMemory(steps(), composed=not direct)

    makers = {name: of(name) for name in flows or _FLOWS}
    file = choose_index(index_path, data_dir, tell=say)
    rows = [
        asdict(row)
        for row in track_errors(read_index(file), makers, sorted(set(distances)) or DISTANCES, every, frames_root)
    ]
    return {"rows": rows, "far": FAR, "told": {"index": file, "composed": not direct, "every": every}}


FLOWS = Inputs(
    (
        click.argument("flows", nargs=-1, metavar="[FLOW]..."),
        index_option,
        data_dir_option,
        runs_dir_option,
        frames_root_option,
        click.option("--checkpoint", type=FILE_THERE, help="Whose flow network is the learned one; default: shipped."),
        click.option(
            "--distance", "distances", type=click.IntRange(1, 100), multiple=True, help="Frames; default: 1, 2, 5, 10."
        ),
        click.option(
            "--every", type=click.IntRange(1), default=10, show_default=True, help="Objects of every N-th frame."
        ),
        click.option("--direct", is_flag=True, help="Look at both frames, don't compose what is between them."),
        click.option(
            "--flow-side",
            type=click.IntRange(16),
            default=256,
            show_default=True,
            help="Pixels of the shorter side that a flow which isn't learned sees, at most.",
        ),
    ),
    _measured,
    "A FLOW is zero, learned, farneback, dis, or module:function; without any, all four. The index must have tracks.",
)
