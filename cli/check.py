"""`vidkit check`: look for faults in a data set on disk, or in an index."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from .console import DONE, FINDINGS, echo, json_option, print_json, print_table, progress

if TYPE_CHECKING:
    from vidkit.check.findings import Findings
    from vidkit.check.split_counts import CheckReport

SHOWN_OF_A_KIND, KEPT_OF_A_KIND = 5, 1000


@click.command("check")
@click.argument("place", metavar="ROOT|INDEX.h5", type=click.Path(path_type=Path))
@click.option("--images", "decode", is_flag=True, help="Decode every image, not only its header and end.")
@click.option("--whole", is_flag=True, help="ROOT should be all of VID: a missing snippet is a finding.")
@click.option(
    "--classes", metavar="FILE|NAMES", help="As for prepare; default: ROOT/classes.txt if it is there, else VID's 30."
)
@click.option(
    "--frames-root",
    "root",
    type=click.Path(file_okay=False, path_type=Path),
    help="Of an index: where its frames are now.",
)
@click.option("--all", "show_all", is_flag=True, help=f"Tell every finding, not the first {SHOWN_OF_A_KIND} of a kind.")
@json_option
def command(
    place: Path,
    decode: bool,
    whole: bool,
    classes: str | None,
    root: Path | None,
    show_all: bool,
    as_json: bool,
) -> int:
    """Look for faults in the ILSVRC tree at ROOT, or in an index: files, XML, boxes, tracks, sizes, frame lists.

    Nothing is changed. A split that is the whole of VID's is held against the known counts; of a smaller one it is
    said how much is there. Exits with 3 if anything was found, with 0 if nothing was. The kinds of findings are
    explained in docs/checking_data.md.

    \b
    Examples:
      vidkit check ILSVRC2015
      vidkit check ILSVRC2015 --images --all      # decode all images, tell every finding
      vidkit check ILSVRC2015 --json > found.json
      vidkit check vidkit-data/vid_val.h5         # an index, and whether its frames are there
    """
    from vidkit.check.findings import Findings
    from vidkit.check.indices import check_index
    from vidkit.check.trees import check_tree
    from vidkit.data.class_list import choose_classes
    from vidkit.data.index_file import read_index

    findings = Findings(None if show_all else KEPT_OF_A_KIND if as_json else SHOWN_OF_A_KIND)
    if place.suffix == ".h5":
        if whole or classes is not None:
            raise click.UsageError("--whole and --classes go with a tree, not with an index")
        report = check_index(read_index(place), str(place), findings, root, decode)
    else:
        if root is not None:
            raise click.UsageError("--frames-root goes with an index, not with a tree")
        chosen = None if classes is None else choose_classes(classes)
        report = check_tree(place, findings, chosen, decode, whole, show_progress=progress)
    if as_json:
        print_json({"format": "vidkit-check", "version": 1, **report.to_dict()})
    else:
        _print(report)
    return FINDINGS if len(findings) else DONE


def _print(report: CheckReport) -> None:
    from vidkit.check.findings import KINDS

    findings = report.findings
    print_table(
        [report.place, "folders", "frames", "without boxes", "boxes"],
        [
            (
                f"{s.kind} {s.name}",
                _of(s.folders, s.known.videos if s.known else None),
                _of(s.frames, s.known.frames if s.known else None),
                f"{s.empty_frames:,}",
                _of(s.boxes, s.known.boxes if s.known else None),
            )
            for s in report.splits
        ],
    )
    for note in report.notes:
        echo(f"note: {note}")
    for kind in findings.kinds():
        count, shown = findings.counts[kind], findings.of(kind)
        echo(f"\n{KINDS[kind].severity} {kind} ({count:,}): {KINDS[kind].advice}")
        for finding in shown:
            echo(f"  {finding.place}: {finding.found}")
        if count > len(shown):
            echo(f"  … and {count - len(shown):,} more: --all tells them")
    echo(f"\n{_total(findings)}")


def _of(found: int, known: int | None) -> str:
    return f"{found:,}" if known is None else f"{found:,} of {known:,} ({100 * found / known:.3g} %)"


def _total(findings: Findings) -> str:
    from vidkit.check.findings import KINDS

    if not len(findings):
        return "nothing found"
    errors = sum(n for kind, n in findings.counts.items() if KINDS[kind].severity == "error")
    kinds = len(findings.kinds())
    return f"found: {errors:,} errors, {len(findings) - errors:,} warnings, of {kinds} kind{'s' * (kinds > 1)}"
