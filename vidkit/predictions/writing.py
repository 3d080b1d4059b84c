"""`write`: predictions of an index in any format that can be written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from vidkit.data.index import Index
from vidkit.errors import ChoiceError, did_you_mean
from vidkit.predictions.table import Predictions

Writer = Callable[[Path, Predictions, Index], None]

WRITTEN = {
    "vidkit": "vidkit HDF5: everything that vidkit knows of a run",
    "pkl": "vidkit pkl: a list over frames of dicts of arrays",
    "npz": "arrays, without pickles",
    "csv": "one row a detection",
    "parquet": "one row a detection; needs pyarrow",
    "mmdet": "mmdet's list over frames and classes of arrays",
    "mmtrack": "mmtracking 0.x: the same in a dict, as det_bboxes",
    "mega": "MEGA predictions.pth; its BoxLists by name, without MEGA's code",
    "repp": "REPP pickle stream, a one-hot score vector a detection",
    "yolov": "YOLOV pickle stream: objectness 1, score, class",
    "fgfa": "FGFA text, 4 and 2 decimals (all digits with --full-precision)",
    "fgfa-raw": "FGFA's pickled cache",
    "coco": "COCO results JSON as mmtracking writes for VID",
    "mot": "MOTChallenge text, one file a video in a folder",
}
"""The formats that can be written, by the name that `--to` takes."""


def write(
    path: Path, predictions: Predictions, index: Index, to: str = "vidkit", *, full_precision: bool = False
) -> None:
    """Write `predictions` to `path` in the format `to`, whole or not at all; `docs/prediction_formats.md` has each one.

    `full_precision` writes every digit where the format's own tool rounds (FGFA text). Raises ChoiceError for a format
    that isn't known, PredictionError for one that needs a package that isn't there.
    """
    if to not in WRITTEN:
        raise ChoiceError(f"--to {to}: no such format{did_you_mean(to, list(WRITTEN))}; there are {', '.join(WRITTEN)}")
    _writer(to, full_precision)(path, predictions, index)


def _writer(to: str, full_precision: bool) -> Writer:
    from vidkit.predictions.formats import (
        coco_results,
        fgfa_files,
        mega,
        mmdet,
        mot_results,
        npz,
        repp,
        tabular,
        vidkit_pkl,
    )
    from vidkit.predictions.predictions_file import write_predictions

    writers: dict[str, Writer] = {
        "vidkit": lambda path, predictions, _: write_predictions(path, predictions),
        "pkl": vidkit_pkl.write_pkl,
        "npz": npz.write,
        "csv": tabular.write_csv,
        "parquet": tabular.write_parquet,
        "mmdet": mmdet.write_list,
        "mmtrack": mmdet.write_dict,
        "mega": mega.write,
        "repp": repp.write_vectors,
        "yolov": repp.write_triples,
        "fgfa": lambda path, predictions, index: fgfa_files.write_text(path, predictions, index, full_precision),
        "fgfa-raw": fgfa_files.write_raw_cache,
        "coco": coco_results.write_results,
        "mot": mot_results.write_folder,
    }
    return writers[to]
