"""`vidkit prepare`: ILSVRC annotations → one index for each split."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .console import json_option, print_json, print_table, progress, say

if TYPE_CHECKING:
    from vidkit.data.prepare import Plan, Summary
    from vidkit.data.source import Source

_folder = click.Path(exists=True, file_okay=False, path_type=Path)
_file = click.Path(exists=True, dir_okay=False, path_type=Path)
SHOWN = 5  # left-out files that are shown; the report has all


@dataclass(frozen=True)
class _Others:
    """The options that speak of sources other than ILSVRC trees."""

    coco: tuple[Path, ...]
    mot: Path | None
    voc: Path | None
    frames: Path | None
    first_pixel: int | None
    name: str | None
    splits: tuple[str, ...]
    classes: str | None

    def given(self) -> list[str]:
        """Return the kinds of sources that were given."""
        return [kind for kind in ("coco", "mot", "voc") if getattr(self, kind)]

    def prepare(self, out: Path) -> list[Summary]:
        """Write an index for each source and return what is in them."""
        from vidkit.data.other_sources import default_name, write_source

        self._check()
        paths = (*self.coco, *(path for path in (self.mot, self.voc) if path is not None))
        names = [(self.name or dataset, split) for dataset, split in map(default_name, paths)]
        if self.splits:
            names = [(dataset, split) for (dataset, _), split in zip(names, self.splits, strict=True)]
        if len(set(names)) != len(names):
            raise click.UsageError(f"{' and '.join('_'.join(n) for n in names)}.h5: name the splits with --split")
        summaries = []
        for path, (dataset, split) in zip(paths, names, strict=True):
            started = time.perf_counter()
            summaries.append(write_source(self._read(path), dataset, split, out, started))
        return summaries

    def _check(self) -> None:
        if self.splits and len(self.splits) != max(len(self.coco), 1):
            raise click.UsageError("--split names the split of each --coco, --mot or --voc, in their order")
        if self.voc is not None and self.classes is None:
            raise click.UsageError("--voc needs --classes FILE: the classes of VOC's form are one's own")
        if self.mot is not None:
            _refuse({"--frames": self.frames}, "--coco or --voc: a MOT sequence tells where its images are")
        if self.coco:
            _refuse({"--first-pixel": self.first_pixel is not None}, "--mot or --voc: COCO counts from the edge")

    def _read(self, path: Path) -> Source:
        from vidkit.data.class_list import choose_classes
        from vidkit.data.readers.coco_vid import read_coco_vid
        from vidkit.data.readers.mot import MOT_CLASSES, read_mot
        from vidkit.data.readers.voc import read_voc

        classes = None if self.classes is None else choose_classes(self.classes)
        first_pixel = 1 if self.first_pixel is None else self.first_pixel
        if self.mot is not None:
            return read_mot(path, classes or MOT_CLASSES, first_pixel)
        if self.voc is not None:
            return read_voc(path, classes or (), self.frames, first_pixel)
        return read_coco_vid(path, self.frames, classes)


def _refuse(options: Mapping[str, object], goes_with: str) -> None:
    """Raise UsageError for the first of these options that was given: it goes with something else."""
    given = next((option for option, value in options.items() if value), None)
    if given is not None:
        raise click.UsageError(f"{given} goes with {goes_with}")


@click.command("prepare")
@click.option(
    "--vid-root", type=_folder, help="ILSVRC tree with Annotations/VID (and Annotations/DET, if it has that)."
)
@click.option("--det-root", type=_folder, help="ILSVRC tree with Annotations/DET, if that is another one.")
@click.option("--coco", type=_file, multiple=True, help="COCO-VID or COCO JSON. Repeatable: one index for each file.")
@click.option("--mot", type=_folder, help="MOTChallenge: a sequence, or a folder of sequences.")
@click.option("--voc", type=_folder, help="XML in VOC's form, with --classes FILE.")
@click.option("--frames", type=_folder, help="Of --coco and --voc: where the images or video files are.")
@click.option("--first-pixel", type=click.IntRange(0, 1), help="Of --mot and --voc: how they count pixels; default: 1.")
@click.option("--name", help="Of --coco, --mot, --voc: the index is called NAME_SPLIT.h5; default: from the path.")
@click.option("--list", "lists", type=_file, multiple=True, help="Take what a list names, in its order. Repeatable.")
@click.option("--split", "splits", multiple=True, metavar="NAME", help="Only this split: train, val, … Repeatable.")
@click.option(
    "--classes",
    metavar="FILE|NAMES",
    help="File of lines `wnid name`, or VID class names; default: ROOT/classes.txt, or VID's 30.",
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
    coco: tuple[Path, ...],
    mot: Path | None,
    voc: Path | None,
    frames: Path | None,
    first_pixel: int | None,
    name: str | None,
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
    """Turn annotations into an index for each split: of ILSVRC VID and DET, COCO-VID, MOTChallenge or VOC.

    \b
    Examples:
      vidkit prepare --vid-root ILSVRC2015                  # vid_train.h5, vid_val.h5 and DET, as far as they're there
      vidkit prepare --vid-root ILSVRC2015 --split val --on-error skip
      vidkit prepare --vid-root ILSVRC2015 --list VID_train_15frames.txt --list DET_train_30classes.txt
      vidkit prepare --vid-root ILSVRC2015 --split val --motion-iou imagenet_vid_groundtruth_motion_iou.mat
      vidkit prepare --coco drone/train.json --coco drone/val.json    # drone_train.h5, drone_val.h5
      vidkit prepare --mot MOT17/train                                # MOT17_train.h5
      vidkit prepare --voc own --classes own/classes.txt --split val  # own_val.h5
    """
    others = _Others(coco, mot, voc, frames, first_pixel, name, splits, classes)
    trees = vid_root is not None or det_root is not None
    if trees + len(others.given()) != 1:
        raise click.UsageError("give one of: --vid-root ROOT (and --det-root ROOT), --coco FILE, --mot DIR, --voc DIR")
    if trees:
        _refuse({"--frames": frames, "--name": name}, "--coco, --mot or --voc")
        _refuse({"--first-pixel": first_pixel is not None}, "--mot or --voc")
    else:
        _refuse({"--list": lists, "--motion-iou": motion_iou, "--frames-tar": frames_tar}, "--vid-root or --det-root")
        _refuse({"--on-error skip": on_error == "skip", "--check-images": check_images}, "--vid-root or --det-root")
        _tell(others.prepare(out), as_json)
        return
    from vidkit.data.class_list import choose_classes, classes_of
    from vidkit.data.motion_file import read_motion_file
    from vidkit.data.prepare import plan, prepare_split, reading_processes

    chosen = classes_of(vid_root or det_root) if classes is None else choose_classes(classes)
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
    _tell(summaries, as_json, motion.is_official if motion else None)


def _tell(summaries: Sequence[Summary], as_json: bool, motion_is_official: bool | None = None) -> None:
    if as_json:
        print_json(
            {
                "format": "vidkit-prepare",
                "version": 1,
                "indices": [_as_json(s) for s in summaries],
                "motion_iou_is_official": motion_is_official,
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


def _as_json(summary: Summary) -> dict[str, object]:
    return {
        name: str(value) if isinstance(value, Path) else value
        for name, value in vars(summary).items()
        if name not in ("left_out", "remarks")
    } | {
        "left_out": [vars(item) for item in summary.left_out],
        "remarks": [vars(item) for item in summary.remarks],
    }
