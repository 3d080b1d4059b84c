"""RUN and what reads it: the argument, the places, and what is said of prediction files, alike in all commands."""

from __future__ import annotations

from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from .choices import ListingOption, OneOf, box_conventions, read_formats
from .console import say
from .options import FILE_THERE, Command, data_dir_option, index_option, runs_dir_option, together

if TYPE_CHECKING:
    from vidkit.predictions.table import Predictions
    from vidkit.runs.loading import Workspace


run_argument = click.argument("run")
runs_argument = click.argument("runs", nargs=-1, required=True, metavar="RUN...")
all_runs_argument = click.argument("runs", nargs=-1, metavar="[RUN]...")

_READING = {
    "format": click.option(
        "--format",
        "format",
        cls=ListingOption,
        listing=read_formats,
        metavar="FORMAT",
        help="What the file is, where its content leaves it open: {names}.",
    ),
    "boxes": click.option("--boxes", type=OneOf(box_conventions), help="What the four numbers of a box are."),
    "scale": click.option(
        "--scale",
        metavar="WHAT",
        help="The scale of the boxes: pixels, normalised, network, or the size that they are in pixels of, as 640x480.",
    ),
    "first_pixel": click.option(
        "--first-pixel",
        type=click.IntRange(0, 1),
        help="The number of a frame's first pixel; default: 1 in MOT text, elsewhere 0.",
    ),
    "frames_from": click.option(
        "--frames-from",
        metavar="0|1|WHAT",
        help="The number of the first frame; or numbers and ids are those of the source of the annotations, of the "
        "index, of the files' names: source, index, files; of a list: order of the index, or of the image ids: ids.",
    ),
    "classes_from": click.option(
        "--classes-from",
        metavar="0|1|WHAT",
        help="The label of the first class; or source: labels are its category ids; or a FILE of class names, one a "
        "line, or a COCO JSON.",
    ),
    "frame_list": click.option("--frame-list", type=FILE_THERE, help="The frame list that the detector ran over."),
    "image_ids": click.option(
        "--image-ids", type=FILE_THERE, help="The COCO ground truth that tells which image an id is."
    ),
    "video": click.option(
        "--mot-video", "video_of_file", metavar="NAME", help="The video that a MOT file is about; default: its name."
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
"""What may be said of a prediction file, by the fields of `ReadOptions`."""


def reading_options(command: Command) -> Command:
    """Give a command what may be said of prediction files."""
    return cast(Command, together(*_READING.values())(command))


def workspace_options(command: Command) -> Command:
    """Give a command the places and what is said of prediction files; its function takes one `workspace`.

    It has what a command needs to load RUN: `workspace.load([run])`.
    """

    @wraps(command)
    def collected(*, index_path: Path | None, data_dir: Path, runs_dir: Path, **given: Any) -> Any:
        reading = {name: given.pop(name) for name in (*_READING, "video_of_file") if name != "video"}
        return command(workspace=workspace_of(index_path, data_dir, runs_dir, reading), **given)

    return cast(Command, index_option(data_dir_option(runs_dir_option(reading_options(collected)))))


def workspace_of(index_path: Path | None, data_dir: Path, runs_dir: Path, reading: dict[str, Any]) -> Workspace:
    """The places, and what the reading options say."""
    from vidkit.predictions.read_options import ReadOptions
    from vidkit.runs.loading import Workspace

    options = {name: reading["video_of_file" if name == "video" else name] for name in _READING}
    return Workspace(data_dir, runs_dir, index_path, ReadOptions(**options), say)


def warn_if_limited(predictions: Predictions) -> None:
    """Say so if only a part of the data was run."""
    if predictions.run.limited:
        say("warning: limited run: only a part of the data was run")
