"""The formats of predictions in the field: a row for each in `FORMATS`, a module here for each family of them.

A new format is a module that declares it, in a `FORMATS` of its own, and a row in this one. Names and what they stand
for are known without importing a module.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from vidkit.data.index import Index
    from vidkit.pickles.content import Origin
    from vidkit.predictions.raw import RawPredictions
    from vidkit.predictions.read_options import ReadOptions
    from vidkit.predictions.table import Predictions


@dataclass(frozen=True)
class FormatRow:
    """Where a format is declared, and what it is, for people."""

    module: str
    what: str
    only: Literal["read", "written"] | None = None


FORMATS: Mapping[str, FormatRow] = {
    "vidkit": FormatRow("vidkit_h5", "vidkit HDF5, predictions.h5"),
    "pkl": FormatRow("vidkit_pkl", "vidkit pkl: a list over frames of dicts of arrays"),
    "npz": FormatRow("npz", "arrays of detections, vidkit's or with named columns"),
    "csv": FormatRow("tabular", "CSV with a line of column names"),
    "parquet": FormatRow("tabular", "Parquet with named columns"),
    "mmdet": FormatRow("mmdet", "mmdet and mmtracking results.pkl, 0.x: arrays for each frame and class"),
    "mmdet1": FormatRow("mmdet", "mmdet and mmtracking results.pkl, 1.x: a dict with instances for each frame", "read"),
    "mmtrack": FormatRow("mmdet", "mmtracking 0.x: mmdet's list in a dict, as det_bboxes", "written"),
    "mega": FormatRow("mega", "MEGA predictions.pth: a list of BoxLists"),
    "repp": FormatRow("repp", "REPP pickle stream with a score for each class"),
    "yolov": FormatRow("repp", "YOLOV pickle stream with objectness, score and class"),
    "fgfa": FormatRow("fgfa_files", "FGFA text lines: id class score x1 y1 x2 y2"),
    "fgfa-raw": FormatRow("fgfa_files", "FGFA's pickled cache: (all_boxes, frame_ids)"),
    "detectron2": FormatRow("detectron2", "detectron2's instances_predictions.pth", "read"),
    "youtube-vis": FormatRow("youtube_vis_results", "YouTube-VIS results JSON: tracks with bboxes or masks", "read"),
    "scalabel": FormatRow("scalabel_results", "Scalabel (BDD100K) results JSON: frames of labels with box2d", "read"),
    "ultralytics-json": FormatRow("ultralytics_json", "ultralytics to_json: a list over frames", "read"),
    "json-rows": FormatRow("json_rows", "JSON list of rows with named columns, as supervision's JSON sink", "read"),
    "coco": FormatRow("coco_results", "COCO results JSON"),
    "ultralytics-txt": FormatRow(
        "ultralytics_txt", "ultralytics text folder, a file a frame: class cx cy w h score, in shares", "read"
    ),
    "kitti": FormatRow("kitti_results", "KITTI text with scores: DeepStream's folder, KITTI tracking's files", "read"),
    "mot": FormatRow("mot_results", "MOTChallenge text lines: frame, id, left, top, width, height, score …"),
}
"""All formats by the names that `--format` and `--to` take, in the order in which they are asked whether they fit."""

READ = {name: row.what for name, row in FORMATS.items() if row.only != "written"}
WRITTEN = {name: row.what for name, row in FORMATS.items() if row.only != "read"}


@dataclass(frozen=True)
class FileReader:
    """A format that is read from a file or folder, and how it shows there.

    Given are the looks that may find it; each returns the evidence, "" where it isn't this format.
    """

    read: Callable[[Path, ReadOptions], RawPredictions]
    head: Callable[[bytes], str] | None = None
    """At the first bytes of a binary file."""
    zipped: Callable[[Sequence[str]], str] | None = None
    """At the names of the members of a zip file."""
    json: Callable[[str], str] | None = None
    """At the beginning of a JSON text."""
    text: Callable[[str], str] | None = None
    """At the beginning of any other text."""
    folder: Callable[[Path], str] | None = None


@dataclass(frozen=True)
class PickleReader:
    """A format that is read from the unpickled content of a file, a torch file too; of a stream, from a list of all."""

    fits: Callable[[Any], bool]
    read: Callable[[Any, Origin], RawPredictions]
    is_stream: bool = False


Writer = Callable[[Path, "Predictions", "Index"], None]


@dataclass(frozen=True)
class PredictionFormat:
    """How a format is read and written, as far as it is."""

    reader: FileReader | PickleReader | None = None
    write: Writer | None = None
    write_in_full: Writer | None = None
    """Write every digit, where `write` rounds as the format's own tool does."""
    options: tuple[str, ...] = ()
    """The fields of `ReadOptions` that are for such a format only."""


def format_named(name: str) -> PredictionFormat:
    """The format of this name, which must be in `FORMATS`."""
    declared: Mapping[str, PredictionFormat] = import_module(f"{__name__}.{FORMATS[name].module}").FORMATS
    return declared[name]


def file_readers() -> Iterator[tuple[str, FileReader]]:
    """The formats that are read from a file itself, by name."""
    for name in READ:
        if isinstance(reader := format_named(name).reader, FileReader):
            yield name, reader


def pickle_readers(streams: bool) -> dict[str, PickleReader]:
    """The formats that are read from one pickle, or from a stream of them, by name."""
    found = {name: format_named(name).reader for name in READ}
    return {name: r for name, r in found.items() if isinstance(r, PickleReader) and r.is_stream == streams}
