"""An index written by `prepare`: the file, what is in it, and a report on what was left out or is odd."""

import json
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from vidkit.data.index import Index
from vidkit.data.index_file import read_index_head, write_index
from vidkit.data.index_sense import check_sense
from vidkit.data.records import LeftOut
from vidkit.data.summary import distinct_tracks
from vidkit.errors import AnnotationError, FormatError
from vidkit.files import write_text
from vidkit.reading_door import reading

REPORT_FORMAT, REPORT_VERSION = "vidkit-prepare-report", 1


@dataclass(frozen=True)
class Part:
    """What one process read: the index of some videos, and what it noticed."""

    index: Index
    n_items: int
    n_files: int
    counts: Counter[str]
    left_out: tuple[LeftOut, ...]
    remarks: tuple[LeftOut, ...]


@dataclass(frozen=True)
class Summary:
    """What is in one index that was written, and what isn't and why."""

    path: Path
    state: str  # "new", "unchanged" or "replaced"
    fingerprint: str
    videos: int
    frames: int
    boxes: int
    tracks: int
    classes: int  # that have a box
    empty_frames: int
    counts: Mapping[str, int]
    report: Path | None
    files: int
    seconds: float
    left_out: tuple[LeftOut, ...]
    remarks: tuple[LeftOut, ...]
    motion_iou_is_official: bool | None = None
    """Whether its motion IoU is from the side file as FGFA published it; None: from no file."""

    def to_dict(self) -> dict[str, Any]:
        """What JSON tells of it; whether a side file was official is told once for all indices."""
        told = asdict(self)
        del told["motion_iou_is_official"]
        return told


def write_part(path: Path, part: Part, started: float) -> Summary:
    """What is in the index of what was read, which is written with the report beside it, whole or not at all.

    `started` is the `time.perf_counter()` from which its seconds count.
    """
    index = part.index
    with reading(path.name, AnnotationError, "annotations that make sense"):
        check_sense(index)
    state = _state(path, index.fingerprint)
    report = _write_report(path, index.fingerprint, part)
    write_index(path, index)
    return Summary(
        path=path,
        state=state,
        fingerprint=index.fingerprint,
        videos=index.n_videos,
        frames=index.n_frames,
        boxes=index.n_instances,
        tracks=len(distinct_tracks(index, index.track_id >= 0)),
        classes=len(np.unique(index.class_id)),
        empty_frames=int((np.diff(index.instance_start) == 0).sum()),
        counts=dict(part.counts),
        report=report,
        files=part.n_files,
        seconds=time.perf_counter() - started,
        left_out=part.left_out,
        remarks=part.remarks,
    )


def _state(path: Path, fingerprint: str) -> str:
    if not path.exists():
        return "new"
    try:
        return "unchanged" if read_index_head(path).fingerprint == fingerprint else "replaced"
    except FormatError:
        return "replaced"


def _write_report(path: Path, fingerprint: str, part: Part) -> Path | None:
    report = path.with_suffix(".report.json")
    if not part.left_out and not part.remarks:
        report.unlink(missing_ok=True)
        return None
    content = {
        "format": REPORT_FORMAT,
        "version": REPORT_VERSION,
        "index": path.name,
        "fingerprint": fingerprint,
        "counts": dict(part.counts),
        "left_out": [asdict(item) for item in part.left_out],
        "remarks": [asdict(item) for item in part.remarks],
    }
    write_text(report, json.dumps(content, indent=1, ensure_ascii=False) + "\n")
    return report
