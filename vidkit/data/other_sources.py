"""COCO-VID, MOTChallenge and VOC into an index file, with the summary and the report that `prepare` gives."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

from vidkit.data.prepare import Part, Summary, write_part
from vidkit.data.records import LeftOut
from vidkit.data.source import Source
from vidkit.data.stack import build_index
from vidkit.errors import ChoiceError

NO_FRAMES = "a video without frames"
SPLITS = ("train", "val", "test")
_NAME = re.compile(r"\w[\w.-]*")


def default_name(path: Path) -> tuple[str, str]:
    """Return data set and split, as far as the path of an annotation file or folder tells them; else "all" for a split.

    ("drone", "val") for drone/val.json and drone/annotations/instances_val.json, ("MOT17", "train") for MOT17/train.
    """
    path = path.resolve()
    if path.is_dir() and path.name not in SPLITS:
        return path.name, "all"
    split = next((s for s in SPLITS if re.search(rf"(?<![a-z]){s}(?![a-z])", path.stem)), path.stem)
    parents = [parent.name for parent in path.parents if parent.name.lower() not in ("annotations", "")]
    return (parents or ["data"])[0], split


def write_source(source: Source, dataset: str, split: str, out: Path, started: float) -> Summary:
    """Write `out/DATASET_SPLIT.h5`, whole or not at all, and return what is in it.

    Videos without frames are left out and listed. `started` is the `time.perf_counter()` from which its seconds count.
    Raises ChoiceError if one of the names can't be part of a file's name.
    """
    for name in (dataset, split):
        if not _NAME.fullmatch(name):
            raise ChoiceError(f"{name!r} can't be part of a file's name; give --name NAME and --split NAME")
    return write_part(out / f"{dataset}_{split}.h5", as_part(source, dataset, split), started)


def as_part(source: Source, dataset: str, split: str) -> Part:
    """Return the index of a source and what was noticed."""
    videos = [video for video in source.videos if len(video.frame_number)]
    empty = tuple(LeftOut(video.name, NO_FRAMES) for video in source.videos if not len(video.frame_number))
    index = build_index(videos, source.classes, dataset, split, str(source.root.resolve()))
    return Part(
        index=index,
        n_items=len(source.videos),
        n_files=index.n_frames,
        counts=sum((Counter(video.counts) for video in source.videos), Counter()),
        left_out=(*source.left_out, *empty),
        remarks=(),
    )
