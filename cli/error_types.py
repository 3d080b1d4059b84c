"""`vidkit errors`: what keeps AP below 1, in six types."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from .breakdown_options import GroupChoice, breakdown_options
from .console import echo, json_option, print_json, print_table, say
from .options import FILE, Command, ci_option, protocol_option, seed_option, together
from .prediction_options import run_argument, warn_if_limited, workspace_options

if TYPE_CHECKING:
    from vidkit.evaluation.errors_by_type import ErrorReport, GroupErrors
    from vidkit.runs.loading import Workspace


_THRESHOLDS = (
    click.option(
        "--foreground",
        type=click.FloatRange(0, 1),
        help="IoU that a match needs; default: the protocol's lowest threshold.",
    ),
    click.option(
        "--background",
        type=click.FloatRange(0, 1),
        default=0.1,
        show_default=True,
        help="IoU up to which a detection meets nothing.",
    ),
)


def threshold_options(command: Command) -> Command:
    """Give a command the two thresholds of errors; its function takes them as `foreground` and `background`."""
    return cast(Command, together(*_THRESHOLDS)(command))


def check_thresholds(protocol: str, foreground: float | None, background: float) -> None:
    """Raise a usage error if the background's threshold lies above the foreground's."""
    from vidkit.evaluation.protocols import protocol_named

    highest = min(protocol_named(protocol).iou_thresholds) if foreground is None else foreground
    if math.isnan(background) or not background <= highest:
        raise click.UsageError(f"--background {background}: wanted an IoU of at most {highest}")


@click.command("errors")
@run_argument
@workspace_options
@protocol_option
@breakdown_options
@threshold_options
@ci_option()
@seed_option
@click.option(
    "-o",
    "--output",
    type=FILE,
    help="Write a CSV table with a row for each group, class and type.",
)
@json_option
def command(
    run: str,
    workspace: Workspace,
    protocol: str,
    groups: GroupChoice,
    foreground: float | None,
    background: float,
    ci: int,
    seed: int,
    output: Path | None,
    as_json: bool,
) -> None:
    """Split the errors of RUN into TIDE's six types, and tell what each costs.

    The cost is ΔAP: points of mAP that would be won if the errors of this type, and no others, were mended. Types:
    wrong class, badly placed (localisation), both, duplicates, nothing there (background), missed objects. FP and FN
    are the cost of all false positives and all false negatives. docs/errors_and_measures.md has the definitions;
    `vidkit plot errors` draws it.

    \b
    Examples:
      vidkit errors oracle-jitter
      vidkit errors results.pkl --index vidkit-data/vid_val.h5 --by motion,area
      vidkit errors results.pkl --protocol coco --foreground 0.75 --by none --ci 1000
      vidkit errors results.pkl -o errors.csv --json
    """
    from vidkit.evaluation.errors_by_type import decompose
    from vidkit.files import table_csv, write_text

    check_thresholds(protocol, foreground, background)
    loaded = groups.told(workspace.load([run]))
    index, by = loaded.index, groups.by(loaded.index)
    report = decompose(index, loaded.only, protocol, by, groups.bins, groups.fp_rule, foreground, background, ci, seed)
    if output is not None:
        write_text(output, table_csv(report.to_frame()))
    if as_json:
        files = [] if output is None else [str(output)]
        told = {"limited": bool(loaded.limited), "index": str(loaded.index_file), "files": files}
        print_json({**report.to_json(), **told})
        return
    _print(report, f"{index.dataset} {index.split}, index {loaded.index_file}")
    warn_if_limited(loaded.only)
    if output is not None:
        say(f"written: {output}")


SHORT = {
    "classification": "class",
    "localisation": "place",
    "both": "both",
    "duplicate": "duplicate",
    "background": "nothing there",
    "missed": "missed",
    "false positives": "FP",
    "false negatives": "FN",
}


def _print(report: ErrorReport, data: str) -> None:
    from vidkit.evaluation.intervals import explained
    from vidkit.evaluation.slices import repeats_all

    groups = (report.overall, *(group for group in report.groups if not repeats_all(group.by, group.name)))
    title = f"cost of each type of error in points of mAP, {report.protocol.name}, on {data}"
    columns = ["group", "mAP", *SHORT.values()]
    rows = [_costs(group) for group in groups]
    print_table(columns, rows, title)
    for line in explained(cell for row in rows for cell in row):
        echo(line)
    echo()
    columns = ["group", "ground truth", *(short for kind, short in SHORT.items() if kind in report.overall.count)]
    print_table(columns, [_counts(group) for group in groups], "errors of each type")
    echo(
        f"\nforeground IoU {report.foreground:g}{', loosened for small objects' if report.protocol.tolerance else ''}; "
        f"background IoU {report.background:g}; unmatched detections in groups: rule {report.protocol.fp_rule}"
    )


def _costs(group: GroupErrors) -> list[str]:
    return [_label(group), _points(group.mean_ap), *(_cost(group, kind) for kind in SHORT)]


def _cost(group: GroupErrors, kind: str) -> str:
    from vidkit.shown import with_interval

    value, ends = group.delta[kind], group.interval.get(kind)
    return with_interval(_points(value), ends and [f"{100 * end:.1f}" for end in ends], group.note.get(kind, ""))


def _counts(group: GroupErrors) -> list[str]:
    """Return the numbers of errors; in groups a detection may count in part."""
    counts = [float(group.count[kind].sum()) for kind in SHORT if kind in group.count]
    return [_label(group), str(int(group.n_gt.sum())), *(f"{n:.0f}" if n == int(n) else f"{n:.1f}" for n in counts)]


def _label(group: GroupErrors) -> str:
    return f"{group.by}: {group.name}" if group.by else "all"


def _points(value: float) -> str:
    return "–" if math.isnan(value) else f"{100 * value:.2f}"
