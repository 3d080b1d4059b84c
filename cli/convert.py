"""`vidkit convert`: read any prediction file, say how it was understood, write any other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from .console import json_option, print_json, print_table, say
from .places import choose_index, data_dir_option, index_option
from .prediction_options import read_options, reading_options


@click.command("convert")
@click.argument("predictions_path", metavar="PREDICTIONS", type=click.Path(exists=True, path_type=Path))
@index_option
@data_dir_option
@click.option(
    "--to",
    metavar="FORMAT",
    help="What to write: vidkit (default), pkl, npz, csv, parquet, mmdet, mmtrack, mega, repp, yolov, fgfa, fgfa-raw, "
    "coco or mot.",
)
@click.option("-o", "--output", type=click.Path(path_type=Path), help="The file to write; without it: only the report.")
@click.option("--report", is_flag=True, help="Only report how the file is understood; the same as no -o.")
@click.option("--full-precision", is_flag=True, help="Write every digit where the format's own tool rounds (fgfa).")
@reading_options
@json_option
def command(
    predictions_path: Path,
    index_path: Path | None,
    data_dir: Path,
    to: str | None,
    output: Path | None,
    report: bool,
    full_precision: bool,
    as_json: bool,
    **reading: Any,
) -> None:
    """Read PREDICTIONS in any format of the field, report how they are understood, and write them in another.

    The format is told by the content. What the file leaves open is guessed and said; the options override each guess.
    All formats, what is lost in them, and their rules: docs/prediction_formats.md.

    \b
    Examples:
      vidkit convert predictions.pth --index val.h5                       # only the report
      vidkit convert results.pkl --index val.h5 -o predictions.h5         # to vidkit's own HDF5
      vidkit convert det.txt --frame-list VID_val_videos.txt --to coco -o results.json
      vidkit convert results.json --image-ids gt.json --to fgfa --full-precision -o det.txt
    """
    from vidkit.data.index_file import read_index
    from vidkit.predictions import open_predictions

    if report and output is not None:
        raise click.UsageError("--report and -o exclude each other")
    if to is not None and output is None:
        raise click.UsageError("--to needs -o FILE")
    if to is None and output is not None and output.suffix not in (".h5", ".hdf5"):
        raise click.UsageError(f"-o {output}: say with --to which format to write (without it only .h5, vidkit's own)")
    opened = open_predictions(predictions_path, read_options(**reading))
    index_file = choose_index(index_path, data_dir, opened.index_fingerprint, opened.n_frames)
    index = read_index(index_file)
    predictions, told = opened.for_index(index)
    if output is not None:
        from vidkit.predictions import write

        write(output, predictions, index, to or "vidkit", full_precision=full_precision)
    if as_json:
        written = None if output is None else {"file": str(output), "format": to or "vidkit"}
        print_json(
            {
                "format": "vidkit-convert",
                "version": 1,
                "index": str(index_file),
                "report": told.to_dict(),
                "written": written,
            }
        )
        return
    print_table(["predictions", str(predictions_path)], [("index", str(index_file)), *told.rows()[1:]], left=2)
    if output is not None:
        say(f"written: {output} ({to or 'vidkit'}, {predictions.n_detections} detections)")
