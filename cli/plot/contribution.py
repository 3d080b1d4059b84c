"""`vidkit plot contribution`: the share of earlier keyframes in a task feature (Impression Network, Figure 6)."""

from __future__ import annotations

from pathlib import Path

import click

from ..console import print_json, print_table
from ..options import runs_dir_option
from .figure_options import picture_options
from .recorded import recorded
from .runs import limited_option


@click.command("contribution")
@click.argument("runs", nargs=-1, metavar="[RUN]...")
@runs_dir_option
@click.option("--offsets", type=click.IntRange(1, 64), default=6, show_default=True, help="How many keyframes to show.")
@limited_option
@picture_options
def command(
    runs: tuple[str, ...],
    runs_dir: Path,
    offsets: int,
    limited: bool,
    outputs: tuple[Path, ...],
    width: float,
    as_json: bool,
) -> None:
    """Draw the mean share that keyframe k - o has in the task feature of keyframe k, measured, against the offset o.

    One line a run, mostly one for each memory gate; dashed beside it the closed form for weights that are all equal to
    the run's mean w. The mean is over the keyframes that have one so far back. RUN is a folder with weight maps, the
    file itself, or a name under the runs folder; without any, all that recorded some are drawn.

    \b
    Examples:
      vidkit plot contribution
      vidkit plot contribution impression_gate=0 impression_gate=0.5 impression --offsets 4 -o figure6.pdf
      vidkit plot contribution --json
    """
    from vidkit.errors import ChoiceError
    from vidkit.keyframes.map_statistics import shares_by_offset
    from vidkit.plots.comparable import refuse_differences
    from vidkit.plots.contribution import RunShares, contribution, contribution_rows
    from vidkit.plots.figure import check_endings, write_figure
    from vidkit.plots.gate import gate_of

    check_endings(outputs)
    found = recorded(runs, runs_dir, limited)
    refuse_differences("data", ((name, maps.index_fingerprint) for name, maps in found.items()), "choose some of them")
    drawn = []
    for name, maps in found.items():
        gate = gate_of(maps.run.options)
        if gate is None:
            raise ChoiceError(f"{name}: its run has no option gate in 0 … 1")
        weight, shares = shares_by_offset(maps, gate, offsets)
        if not shares:
            raise ChoiceError(f"{name}: no keyframe that was fused with another: its videos have one keyframe each")
        drawn.append(RunShares(name, gate, weight, shares))
    drawn.sort(key=lambda run: run.gate)
    rows = contribution_rows(drawn)
    partial = any(maps.run.limited for maps in found.values())
    written = write_figure(outputs or [runs_dir / "contribution.png"], contribution(drawn, partial, width), rows)
    if as_json:
        print_json(
            {"format": "vidkit-plot-contribution", "version": 1, "limited": partial, "files": written, "rows": rows}
        )
        return
    print_table(
        ["run", "gate", "offset", "keyframes", "share", "constant w"],
        [
            (r["run"], f"{r['gate']:g}", r["offset"], r["keyframes"], f"{r['share']:.4f}", f"{r['closed_form']:.4f}")
            for r in rows
        ],
    )
    for path in written:
        click.echo(path)
