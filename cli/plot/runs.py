"""Which runs a figure shows: their result files, and the results under one protocol."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from vidkit.evaluation.result import EvalResult

protocol_option = click.option(
    "--protocol", default="fgfa", show_default=True, help="Which results to draw, where there are several."
)
mix_option = click.option(
    "--mix", is_flag=True, help="Draw runs of different devices, scenarios, image sizes or data in one figure."
)
limited_option = click.option("--limited", is_flag=True, help="Draw runs over a part of the data too.")


def result_files(runs: Sequence[str], runs_dir: Path) -> list[Path]:
    """The result files of the named runs, or of all runs in `runs_dir`."""
    from vidkit.runs.finding import find_runs

    found = find_runs(runs, runs_dir, "results")
    return list(dict.fromkeys(file for run in found.values() for file in run.files))


def results_of(files: Sequence[Path], protocol: str) -> dict[str, EvalResult]:
    """Return the results under one protocol, by the name of their run; ChoiceError if there is none."""
    from vidkit.errors import ChoiceError
    from vidkit.evaluation.result import read_result

    found: dict[str, EvalResult] = {}
    protocols = set()
    for file in files:
        result = read_result(file)
        protocols.add(result.protocol.name)
        if result.protocol.name != protocol:
            continue
        source = file.parent.name if file.parent.name not in found else str(file)
        found[source] = result
    if not found:
        raise ChoiceError(f"no result under the protocol {protocol!r}; there are {', '.join(sorted(protocols))}")
    return found
