"""`vidkit export`: indices → annotations in another form."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from vidkit.data.writers import WRITERS

from .choices import OneOf
from .console import json_option, print_json, print_table, say
from .options import FILE, FOLDER, frames_root_option

if TYPE_CHECKING:
    from vidkit.data.export import Exported
    from vidkit.data.writers.placed_images import Placing


@click.command("export")
@click.argument("indices", metavar="INDEX.h5...", nargs=-1, required=True, type=FILE)
@click.option(
    "--to", metavar="FORM", required=True, type=OneOf(lambda: WRITERS), help=f"What to write: {', '.join(WRITERS)}."
)
@click.option(
    "-o", "--output", type=FOLDER, required=True, help="The folder to write; there must be nothing in it yet."
)
@click.option(
    "--images",
    type=click.Choice(["link", "copy", "none"]),  # vidkit.data.writers.placed_images.Placing
    default="link",
    show_default=True,
    help="Where the form has a folder for images: links, copies, or nothing.",
)
@frames_root_option
@json_option
def command(
    indices: tuple[Path, ...], to: str, output: Path, images: Placing, frames_root: Path | None, as_json: bool
) -> None:
    """Write the annotations of an index in another form, for trainers and evaluators that want it.

    Several indices are several splits of one data set. It is said what the form has no place for, and how
    `vidkit prepare` makes an index of it again. Frames that nobody annotated are left out: other tools would take them
    for frames without objects. What each form keeps: docs/exporting.md.

    \b
    Examples:
      vidkit export vidkit-data/drone_val.h5 --to coco-vid -o drone-coco        # drone-coco/val.json
      vidkit export drone_train.h5 drone_val.h5 --to yolo -o drone-yolo         # images, labels, data.yaml
      vidkit export clip_all.h5 --to mot -o clip-mot --images copy
    """
    from vidkit.data.export import export

    done = export(*indices, to=to, out=output, images=images, frames_root=frames_root)
    if as_json:
        print_json({"format": "vidkit-export", "version": 1, **done.to_dict()})
        return
    _show(done)


def _show(done: Exported) -> None:
    columns = [str(done.folder), "videos", "frames", "boxes", "images"]
    rows = [(s.split, *(f"{n:,}" for n in (s.videos, s.frames, s.boxes, s.images))) for s in done.splits]
    print_table(columns, rows)
    for split in done.splits:
        for lost in split.lost:
            say(f"{split.split}: {done.form} has no place for: {lost}")
        for note in split.notes:
            say(f"{split.split}: {note}")
        say(f"{split.split}: an index again: {split.prepare}")
