"""`vidkit plot gate`: mAP against the memory gate (Impression Network, Figure 7)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..console import print_json, say
from ..options import runs_dir_option
from .figure_options import picture_options
from .runs import limited_option, protocol_option, result_files, results_of

if TYPE_CHECKING:
    from vidkit.evaluation.result import EvalResult


@click.command("gate")
@click.argument("runs", nargs=-1, metavar="[RUN]...")
@runs_dir_option
@protocol_option
@limited_option
@picture_options
def command(
    runs: tuple[str, ...],
    runs_dir: Path,
    protocol: str,
    limited: bool,
    outputs: tuple[Path, ...],
    width: float,
    as_json: bool,
) -> None:
    """Draw mAP against the memory gate g, with the intervals that the results have.

    A RUN is a folder with a result.json, the file itself, or a name under the runs folder; without any, all whose
    detector has a gate are drawn. One line for each set of other options.

    \b
    Examples:
      vidkit sweep impression --option gate=0..1:0.125 --checkpoint impression.pt
      vidkit plot gate
      vidkit plot gate impression_gate=* -o figure7.png -o figure7.svg
    """
    from vidkit.plots.figure import check_endings, write_figure
    from vidkit.plots.gate import gate, gate_points, gate_rows

    check_endings(outputs)
    results = results_of(result_files(runs, runs_dir), protocol)
    if not runs:
        results = _with_gate(results, runs_dir, limited)
    points = gate_points(results, limited)
    rows = gate_rows(points)
    partial = any(result.limited for result in results.values())
    written = write_figure(outputs or [runs_dir / "gate.png"], gate(points, protocol, partial, width), rows)
    if as_json:
        print_json({"format": "vidkit-plot-gate", "version": 1, "limited": partial, "files": written, "points": rows})
        return
    for path in written:
        click.echo(path)


def _with_gate(results: dict[str, EvalResult], runs_dir: Path, limited: bool) -> dict[str, EvalResult]:
    """Return the results of runs with a gate, without limited runs unless these are wanted."""
    from vidkit.errors import ChoiceError
    from vidkit.plots.gate import gate_of, options_of

    found = {name: result for name, result in results.items() if gate_of(options_of(result)) is not None}
    for name in [name for name, result in found.items() if result.limited and not limited]:
        say(f"left out: {name}: limited to a part of the data, so no score; --limited draws it")
        del found[name]
    if not found:
        raise ChoiceError(f"{runs_dir}: no scored run there with a gate; `vidkit sweep … --option gate=0..1:0.125`")
    return found
