"""`vidkit convert`: read any prediction file, say how it was understood, write any other."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from .choices import ListingOption, written_formats
from .console import json_option, print_json, print_table, say
from .prediction_options import run_argument, workspace_options

if TYPE_CHECKING:
    from vidkit.runs.loading import Workspace


@click.command("convert")
@run_argument
@workspace_options
@click.option(
    "--to",
    cls=ListingOption,
    listing=written_formats,
    metavar="FORMAT",
    help="What to write: {names}. Default: vidkit.",
)
@click.option("-o", "--output", type=click.Path(path_type=Path), help="The file to write; without it: only the report.")
@click.option("--report", is_flag=True, help="Only report how the file is understood; the same as no -o.")
@click.option("--full-precision", is_flag=True, help="Write every digit where the format's own tool rounds (fgfa).")
@json_option
def command(
    run: str,
    workspace: Workspace,
    to: str | None,
    output: Path | None,
    report: bool,
    full_precision: bool,
    as_json: bool,
) -> None:
    """Read the predictions of RUN in any format, report how they are understood, and write them in another.

    The format is told by the content. What the file leaves open is guessed and said; the options override each guess.
    All formats, what is lost in them, and their rules: docs/prediction_formats.md.

    \b
    Examples:
      vidkit convert predictions.pth --index val.h5                       # only the report
      vidkit convert results.pkl --index val.h5 -o predictions.h5         # to vidkit's own HDF5
      vidkit convert impression --to coco -o results.json                 # a run in the runs folder
      vidkit convert results.json --image-ids gt.json --to fgfa --full-precision -o det.txt
    """
    from vidkit.data.index_file import read_index
    from vidkit.predictions.writing import write
    from vidkit.runs.finding import find_run

    if report and output is not None:
        raise click.UsageError("--report and -o exclude each other")
    if to is not None and output is None:
        raise click.UsageError("--to needs -o FILE")
    if to is None and output is not None and output.suffix not in (".h5", ".hdf5"):
        raise click.UsageError(f"-o {output}: say with --to which format to write (without it only .h5, vidkit's own)")
    found = find_run(run, workspace.runs_dir)
    opened = workspace.open(found)
    index_file = workspace.choose_index(opened.index_fingerprint, opened.n_frames)
    index = read_index(index_file)
    predictions, told = opened.for_index(index)
    form = to or "vidkit"
    if output is not None:
        write(output, predictions, index, form, full_precision=full_precision)
    if as_json:
        written = None if output is None else {"file": str(output), "format": form}
        content = {"index": str(index_file), "report": told.to_dict(), "written": written}
        print_json({"format": "vidkit-convert", "version": 1, **content})
        return
    print_table(["predictions", str(found.files[0])], [("index", str(index_file)), *told.rows()[1:]], left=2)
    if output is not None:
        say(f"written: {output} ({form}, {predictions.n_detections} detections)")
