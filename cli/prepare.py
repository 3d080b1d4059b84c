"""`vidkit prepare`: ILSVRC annotations → one index for each split."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .console import json_option, print_json, print_table, progress, say

if TYPE_CHECKING:
    from vidkit.data.prepare import Plan, Summary

_folder = click.Path(exists=True, file_okay=False, path_type=Path)
_file = click.Path(exists=True, dir_okay=False, path_type=Path)
SHOWN = 5  # left-out files that are shown; the report has all


@click.command("prepare")
@click.option(
    "--vid-root", type=_folder, help="ILSVRC tree with Annotations/VID (and Annotations/DET, if it has that)."
)
@click.option("--det-root", type=_folder, help="ILSVRC tree with Annotations/DET, if that is another one.")
@click.option("--list", "lists", type=_file, multiple=True, help="Take what a list names, in its order. Repeatable.")
@click.option("--split", "splits", multiple=True, metavar="NAME", help="Only this split: train, val, … Repeatable.")
@click.option(
    "--classes", metavar="FILE|NAMES", help="File of lines `wnid name`, or VID class names; default: VID's 30."
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
def command(
    vid_root: Path | None,
    det_root: Path | None,
    lists: tuple[Path, ...],
    splits: tuple[str, ...],
    classes: str | None,
    motion_iou: Path | None,
    frames_tar: Path | None,
    out: Path,
    workers: int | None,
    on_error: str,
    check_images: bool,
    as_json: bool,
) -> None:
    """Turn the annotations of ILSVRC VID and DET into an index for each split.

    \b
    Examples:
      vidkit prepare --vid-root ILSVRC2015                  # vid_train.h5, vid_val.h5 and DET, as far as they're there
      vidkit prepare --vid-root ILSVRC2015 --split val --on-error skip
      vidkit prepare --vid-root ILSVRC2015 --list VID_train_15frames.txt --list DET_train_30classes.txt
      vidkit prepare --vid-root ILSVRC2015 --split val --motion-iou imagenet_vid_groundtruth_motion_iou.mat
    """
    if vid_root is None and det_root is None:
        raise click.UsageError("give --vid-root ROOT, --det-root ROOT, or both")
    from vidkit.data.class_list import choose_classes
    from vidkit.data.motion_file import read_motion_file
    from vidkit.data.prepare import plan, prepare_split, reading_processes

    chosen = None if classes is None else choose_classes(classes)
    plans = plan(vid_root, det_root, lists, splits, on_error == "skip", frames_tar)
    motion = read_motion_file(motion_iou) if motion_iou else None
    with_motion = _split_with_motion(plans) if motion else None
    if motion and not as_json:
        say(f"{motion.path}: {'the official file' if motion.is_official else 'not the official file'} (by SHA-256)")
    summaries = []
    with reading_processes(workers or min(8, _cpus())) as mapping:
        for planned in plans:
            with _reading(planned) as advance:
                summaries.append(
                    prepare_split(
                        planned,
                        out,
                        chosen,
                        skip_errors=on_error == "skip",
                        check_images=check_images,
                        motion=motion if planned is with_motion else None,
                        mapping=mapping,
                        advance=advance,
                    )
                )
    if as_json:
        print_json(
            {
                "format": "vidkit-prepare",
                "version": 1,
                "indices": [_as_json(s) for s in summaries],
                "motion_iou_is_official": motion and motion.is_official,
            }
        )
    else:
        _show(summaries)


def _cpus() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _split_with_motion(plans: Sequence[Plan]) -> Plan:
    """Return the split that a motion side file is for: the only one of VID, or val."""
    of_vid = [p for p in plans if p.split.kind == "VID"]
    fits = of_vid if len(of_vid) == 1 else [p for p in of_vid if p.split.name == "val"]
    if not fits:
        raise click.UsageError("--motion-iou is for VID val, which isn't among what is to be prepared")
    return fits[0]


@contextmanager
def _reading(planned: Plan) -> Iterator[Callable[[int, int], None]]:
    """Show a bar with videos, files a second and time left while one split is read."""
    started, files = time.perf_counter(), 0
    with progress(planned.file_name, len(planned.items), "videos" if planned.split.kind == "VID" else "images") as bar:

        def advance(videos: int, more_files: int) -> None:
            nonlocal files
            files += more_files
            bar(videos, f"{files / max(time.perf_counter() - started, 1e-3):,.0f} files/s")

        yield advance


def _show(summaries: Sequence[Summary]) -> None:
    columns = ("index", "videos", "frames", "boxes", "tracks", "classes", "empty frames", "left out", "seconds", "")
    rows = [
        (
            str(s.path),
            *(f"{n:,}" for n in (s.videos, s.frames, s.boxes, s.tracks, s.classes, s.empty_frames)),
            f"{len(s.left_out):,}",
            f"{s.seconds:.1f}",
            s.state,
        )
        for s in summaries
    ]
    print_table(columns, rows)
    for s in summaries:
        for what, n in s.counts.items():
            say(f"{s.path.name}: {n:,} {what}")
        for item in s.left_out[:SHOWN]:
            say(f"{s.path.name}: left out: {item.place}: {item.reason}")
        if s.report:
            more = f"{len(s.left_out) - SHOWN:,} more left out, " if len(s.left_out) > SHOWN else ""
            say(f"{s.path.name}: {more}all in {s.report}")


def _as_json(summary: Summary) -> dict[str, object]:
    return {
        name: str(value) if isinstance(value, Path) else value
        for name, value in vars(summary).items()
        if name not in ("left_out", "remarks")
    } | {
        "left_out": [vars(item) for item in summary.left_out],
        "remarks": [vars(item) for item in summary.remarks],
    }
