"""`vidkit lists`: the frame lists of the field, for any tree."""

from pathlib import Path

import click

from .console import json_option, print_json, print_table, say


@click.command("lists")
@click.argument("root", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("vidkit-lists"),
    show_default=True,
    help="Where the lists go.",
)
@click.option("--split", "splits", multiple=True, metavar="NAME", help="Only this split. Repeatable.")
@click.option("--classes", metavar="FILE|NAMES", help="Whose images the DET list takes; default: VID's 30.")
@click.option("--frames", type=click.IntRange(min=1), default=15, show_default=True, help="Frames sampled of a video.")
@json_option
def command(root: Path, out: Path, splits: tuple[str, ...], classes: str | None, frames: int, as_json: bool) -> None:
    """Write the frame lists of the field for an ILSVRC tree.

    \b
    For each split S of VID:
      VID_S_15frames.txt     path 1 frame length       15 frames of each video, at the centres of equal bins
      VID_S_videos.txt       path first-id 0 length    whole videos
      VID_S_frames.txt       path/frame id             every frame
      VID_S_every_frame.txt  path id frame length      every frame, in MEGA's form
    For each split S of DET:
      DET_S_30classes.txt    path 1                    images with an object of the classes

    \b
    Examples:
      vidkit lists ILSVRC2015 --out ILSVRC2015/ImageSets/VID
      vidkit lists my-data --frames 5 --split train
    """
    from vidkit.classes import VID_CLASSES
    from vidkit.data.class_list import choose_classes
    from vidkit.data.ilsvrc.tree_lists import write_lists

    chosen = VID_CLASSES if classes is None else choose_classes(classes)
    written = write_lists(root, out, splits, chosen, frames, say)
    if as_json:
        lists = [{"path": str(path), "lines": lines} for path, lines in written]
        print_json({"format": "vidkit-lists", "version": 1, "lists": lists})
    else:
        print_table(("list", "lines"), [(str(path), f"{lines:,}") for path, lines in written])
