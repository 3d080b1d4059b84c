"""The options of every command that reads predictions: what the file leaves open, and what becomes of faults."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import click

from .console import say
from .places import choose_index, data_dir_option, index_option

if TYPE_CHECKING:
    from vidkit.data.index import Index
    from vidkit.predictions import ReadOptions
    from vidkit.predictions.reading import OpenedPredictions
    from vidkit.predictions.table import Predictions

Command = TypeVar("Command", bound=Callable[..., Any])
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)

_OPTIONS = {
    "format_name": click.option(
        "--format",
        "format_name",
        metavar="FORMAT",
        help="What the file is, where its content leaves it open: vidkit, pkl, npz, csv, parquet, mmdet, mmdet1, mega, "
        "repp, yolov, fgfa, fgfa-raw, coco or mot.",
    ),
    "boxes": click.option(
        "--boxes",
        type=click.Choice(["exclusive", "inclusive", "xywh", "xywh-inclusive"]),
        help="What the four numbers of a box are.",
    ),
    "scale": click.option(
        "--scale", type=click.Choice(["pixels", "normalised", "network"]), help="The scale of the boxes."
    ),
    "classes_from": click.option(
        "--classes-from",
        metavar="0|1|FILE",
        help="The label of the first class, or class names: one a line, or a COCO JSON.",
    ),
    "frame_list": click.option("--frame-list", type=_FILE, help="The frame list that the detector ran over."),
    "image_ids": click.option("--image-ids", type=_FILE, help="The COCO ground truth that tells which image an id is."),
    "video": click.option(
        "--video", metavar="NAME", help="The video that a MOT file is about; default: the file's name."
    ),
    "invalid": click.option(
        "--invalid",
        type=click.Choice(["refuse", "drop", "keep"]),
        default="refuse",
        show_default=True,
        help="What to do with invalid detections; keep: those that peers score too (negative sizes, duplicates).",
    ),
    "partial": click.option("--partial", is_flag=True, help="The predictions may be of a part of the frames only."),
    "reordered": click.option(
        "--reordered", is_flag=True, help="The frame list may have another order than the index."
    ),
    "trust_pickle": click.option(
        "--trust-pickle",
        is_flag=True,
        help="Import and run what a pickle names: only for files of your own making, where its packages are.",
    ),
    "any_index": click.option(
        "--any-index", is_flag=True, help="Take predictions that were made for another index of equal frames."
    ),
}
"""The options by their names in Python."""


def reading_options(command: Command) -> Command:
    """Give a command the options; its function takes them as keywords and hands them to `read_options`."""
    for option in reversed(_OPTIONS.values()):
        command = option(command)
    return command


@dataclass(frozen=True)
class Source:
    """The predictions that a command is about: their file, the index as it was named, what the options say of both."""

    path: Path
    index_path: Path | None
    data_dir: Path
    options: Mapping[str, Any]

    def load(self) -> tuple[Path, Index, Predictions]:
        """Return the index that fits the predictions, with its path, and the predictions for its frames."""
        return load(self.path, read_options(**self.options), self.index_path, self.data_dir)


def source_options(command: Command) -> Command:
    """Give a command PREDICTIONS, a file or a run's folder, and the index; its function takes one `source`.

    The command must have `reading_options` too, which `source` takes up.
    """

    @wraps(command)
    def collected(predictions_path: Path, index_path: Path | None, data_dir: Path, **given: Any) -> Any:
        reading = {name: given.pop(name) for name in _OPTIONS}
        return command(source=Source(run_file(predictions_path), index_path, data_dir, reading), **given)

    wrapped = index_option(data_dir_option(collected))
    there = click.Path(exists=True, path_type=Path)
    return cast(Command, click.argument("predictions_path", metavar="PREDICTIONS", type=there)(wrapped))


def warn_if_limited(predictions: Predictions) -> None:
    """Say so if only a part of the data was run."""
    if predictions.run.limited:
        say("warning: limited run: only a part of the data was run")


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
    from vidkit.data.index_file import read_index
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
