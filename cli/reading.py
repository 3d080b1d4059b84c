"""The options of every command that reads predictions: what the file leaves open, and what becomes of faults."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from .console import say
from .places import choose_index

if TYPE_CHECKING:
    from vidkit.data.index import Index
    from vidkit.predictions import ReadOptions
    from vidkit.predictions.reading import OpenedPredictions
    from vidkit.predictions.table import Predictions

Command = TypeVar("Command", bound=Callable[..., Any])
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)

_OPTIONS = (
    click.option(
        "--format",
        "format_name",
        metavar="FORMAT",
        help="What the file is, where its content leaves it open: vidkit, pkl, npz, csv, parquet, mmdet, mmdet1, mega, "
        "repp, yolov, fgfa, fgfa-raw, coco or mot.",
    ),
    click.option(
        "--boxes",
        type=click.Choice(["exclusive", "inclusive", "xywh", "xywh-inclusive"]),
        help="What the four numbers of a box are.",
    ),
    click.option("--scale", type=click.Choice(["pixels", "normalised", "network"]), help="The scale of the boxes."),
    click.option(
        "--classes-from",
        metavar="0|1|FILE",
        help="The label of the first class, or class names: one a line, or a COCO JSON.",
    ),
    click.option("--frame-list", type=_FILE, help="The frame list that the detector ran over."),
    click.option("--image-ids", type=_FILE, help="The COCO ground truth that tells which image an id is."),
    click.option("--video", metavar="NAME", help="The video that a MOT file is about; default: the file's name."),
    click.option(
        "--invalid",
        type=click.Choice(["refuse", "drop", "keep"]),
        default="refuse",
        show_default=True,
        help="What to do with invalid detections; keep: those that peers score too (negative sizes, duplicates).",
    ),
    click.option("--partial", is_flag=True, help="The predictions may be of a part of the frames only."),
    click.option("--reordered", is_flag=True, help="The frame list may have another order than the index."),
    click.option(
        "--trust-pickle",
        is_flag=True,
        help="Import and run what a pickle names: only for files of your own making, where its packages are.",
    ),
    click.option(
        "--any-index", is_flag=True, help="Take predictions that were made for another index of equal frames."
    ),
)


def reading_options(command: Command) -> Command:
    """Give a command the options; its function takes them as keywords and hands them to `read_options`."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def read_options(format_name: str | None, **others: Any) -> ReadOptions:
    """Return what the options say."""
    from vidkit.predictions import ReadOptions

    return ReadOptions(format=format_name, **others)


def run_file(path: Path) -> Path:
    """Return the prediction file that `path` is, or the one in the run folder that it is."""
    from vidkit.errors import ChoiceError

    if not path.is_dir():
        return path
    if not (path / "predictions.h5").is_file():
        raise ChoiceError(f"{path}: no predictions.h5 in this folder; give the prediction file itself")
    return path / "predictions.h5"


def load(path: Path, options: ReadOptions, index_path: Path | None, data_dir: Path) -> tuple[Path, Index, Predictions]:
    """Return the index that fits the predictions at `path`, with its path, and the predictions for its frames."""
    from vidkit.data.hdf5 import read_index
    from vidkit.predictions.reading import open_predictions

    opened = open_predictions(path, options)
    index_file = choose_index(index_path, data_dir, opened.index_fingerprint, opened.n_frames)
    index = read_index(index_file)
    return index_file, index, fit(opened, index)


def fit(opened: OpenedPredictions, index: Index) -> Predictions:
    """Return the predictions of an opened file for the frames of `index`, and say what was guessed or is doubtful."""
    predictions, report = opened.for_index(index)
    for name in ("frames", "boxes", "scale", "classes"):
        finding = getattr(report, name)
        if finding.how == "guessed":
            say(f"{name}: {finding}")
    for warning in report.warnings:
        say(f"warning: {warning}")
    return predictions


def results_folder(predictions: Path, runs_dir: Path) -> Path:
    """Return the predictions' own folder if it lies inside the runs folder, else one of their name in there.

    Raises ChoiceError if the latter holds the results of another file, of the same name, that is still there.
    """
    from vidkit.errors import ChoiceError

    parent, runs = predictions.resolve().parent, runs_dir.resolve()
    if runs in parent.parents:
        return predictions.parent
    folder = runs_dir / predictions.stem
    other = _scored_in(folder)
    if other is not None and other != predictions.resolve() and other.exists():
        raise ChoiceError(f"{folder} holds the results of {other}, not of {predictions}; name another folder with -o")
    return folder


def _scored_in(folder: Path) -> Path | None:
    """Return the prediction file whose results are in a folder; None if there are none, or they don't tell."""
    from vidkit.errors import FormatError
    from vidkit.evaluation.result import read_result

    try:
        file = read_result(folder / "result.json").data.get("predictions_file")
    except FormatError:
        return None
    return Path(file) if isinstance(file, str) and file else None
