"""`vidkit prepare`: annotations → one index for each split."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vidkit.data.readers import BY_OPTION, FORMS, forms_taking

from .choices import OneOf
from .console import json_option, print_json, print_table, progress, say
from .options import SizeType

if TYPE_CHECKING:
    from vidkit.data.prepared import Summary

_folder = click.Path(exists=True, file_okay=False, path_type=Path)
_file = click.Path(exists=True, dir_okay=False, path_type=Path)
_PLACES = {"FILE": _file, "DIR": _folder, "PATH": click.Path(exists=True, path_type=Path)}
SHOWN = 5  # left-out files that are shown; the report has all


def _form_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give the command an option for each form of annotations, and for what their readers take."""
    options = []
    for name, form in BY_OPTION.items():
        of_several = " Repeatable: all are one index." if form.together else ""
        more = " Repeatable: one index for each file." if form.several else of_several
        several = form.several or form.together
        options.append(
            click.option(f"--{name}", type=_PLACES[form.place], multiple=several, help=form.what + "." + more)
        )
    images, pixels = (" and ".join(_flags(forms_taking(option))) for option in ("frames", "first_pixel"))
    options += [
        click.option("--frames", type=_folder, help=f"Of {images}: where the images or video files are."),
        click.option(
            "--first-pixel", type=click.IntRange(0, 1), help=f"Of {pixels}: how they count pixels; default: 1."
        ),
        click.option("--size", type=SizeType(), help="Of Label Studio's JSON: pixels of films that aren't there."),
        click.option("--name", help="Of all but trees: the index is called NAME_SPLIT.h5; default: from the path."),
    ]
    for option in reversed(options):
        command = option(command)
    return command


def _flags(forms: Iterable[str]) -> list[str]:
    return [f"--{form}" for form in forms]


@click.command("prepare")
@click.argument("paths", nargs=-1, metavar="[PATH]...", type=click.Path(path_type=Path))
@click.option(
    "--from",
    "form",
    metavar="FORM",
    type=OneOf(lambda: FORMS),
    help=f"What PATH is, where looking doesn't tell: {', '.join(FORMS)}.",
)
@click.option(
    "--vid-root", type=_folder, help="ILSVRC tree with Annotations/VID (and Annotations/DET, if it has that)."
)
@click.option("--det-root", type=_folder, help="ILSVRC tree with Annotations/DET, if that is another one.")
@_form_options
@click.option("--list", "lists", type=_file, multiple=True, help="Take what a list names, in its order. Repeatable.")
@click.option("--split", "splits", multiple=True, metavar="NAME", help="Only this split: train, val, … Repeatable.")
@click.option(
    "--classes",
    metavar="FILE|NAMES",
    help="File of lines `wnid name`, or names; default: those of PATH; of trees ROOT/classes.txt, or VID's 30.",
)
@click.option("--motion-iou", type=_file, help="FGFA's side file of motion IoUs, for VID val.")
@click.option("--frames-tar", type=_file, help="Plain tar that holds the images, to be read from inside it.")
@click.option(
    "--out",
    "--data-dir",
    "out",
    type=click.Path(file_okay=False, path_type=Path),
    envvar="VIDKIT_DATA",
    default=Path("vidkit-data"),
    show_default=True,
    show_envvar=True,
    help="Where the indices go.",
)
@click.option("--workers", type=click.IntRange(1, 256), help="Processes; default: one for each CPU, at most 8.")
@click.option(
    "--on-error",
    type=click.Choice(["stop", "skip"]),
    default="stop",
    show_default=True,
    help="At a malformed file: stop, or leave it out and list it in a report.",
)
@click.option("--check-images", is_flag=True, help="Read the header of every image, not only the first of each video.")
@json_option
def command(paths: tuple[Path, ...], as_json: bool, **given: Any) -> None:
    """Turn annotations into an index for each split: of an ILSVRC tree (VID, DET), or of another form.

    The form of PATH, a file or folder, is found by looking and said: exports of labelling tools, published data sets.

    \b
    Examples:
      vidkit prepare --vid-root ILSVRC2015                  # vid_train.h5, vid_val.h5 and DET, as far as they're there
      vidkit prepare --vid-root ILSVRC2015 --split val --on-error skip
      vidkit prepare --vid-root ILSVRC2015 --list VID_train_15frames.txt --list DET_train_30classes.txt
      vidkit prepare --vid-root ILSVRC2015 --split val --motion-iou imagenet_vid_groundtruth_motion_iou.mat
      vidkit prepare --coco drone/train.json --coco drone/val.json    # drone_train.h5, drone_val.h5
      vidkit prepare --mot MOT17/train                                # MOT17_train.h5
      vidkit prepare --voc own --classes own/classes.txt --split val  # own_val.h5
      vidkit prepare annotations.xml --frames clips                   # CVAT's, Label Studio's, YOLO's …
      vidkit prepare --video clip.mp4 --classes person,car            # clip_all.h5: frames without annotation
    """
    from vidkit.data.prepare import prepare

    summaries = prepare(*paths, **given, tell=_say_nothing if as_json else say, show_progress=progress)
    if as_json:
        official = next((s.motion_iou_is_official for s in summaries if s.motion_iou_is_official is not None), None)
        content = {"indices": [s.to_dict() for s in summaries], "motion_iou_is_official": official}
        print_json({"format": "vidkit-prepare", "version": 1, **content})
    else:
        _show(summaries)


def _say_nothing(_message: str) -> None:
    """JSON is all that is printed."""


def _show(summaries: Sequence[Summary]) -> None:
    columns = ("index", "videos", "frames", "boxes", "tracks", "classes", "empty frames", "left out")
    rows = [
        (
            s.path.name,
            *(f"{n:,}" for n in (s.videos, s.frames, s.boxes, s.tracks, s.classes, s.empty_frames, len(s.left_out))),
        )
        for s in summaries
    ]
    print_table(columns, rows, title=f"{summaries[0].path.parent}" if summaries else "")
    for s in summaries:
        if s.state != "new":
            say(f"{s.path.name}: {s.state}")
        for what, n in s.counts.items():
            say(f"{s.path.name}: {n:,} {what}")
        for item in s.left_out[:SHOWN]:
            say(f"{s.path.name}: left out: {item.place}: {item.reason}")
        if s.report:
            more = f"{len(s.left_out) - SHOWN:,} more left out, " if len(s.left_out) > SHOWN else ""
            say(f"{s.path.name}: {more}all in {s.report}")
