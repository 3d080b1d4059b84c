"""A JSON list of flat objects, one a detection, whose keys name columns: supervision's JSON sink and its kin."""

from pathlib import Path

import numpy as np

from vidkit.errors import PredictionError
from vidkit.predictions.formats import FileReader, PredictionFormat
from vidkit.predictions.formats.tabular import from_columns, names_columns
from vidkit.predictions.json_results import elements, first_keys
from vidkit.predictions.raw import RawPredictions


def _looks(text: str) -> str:
    keys = first_keys(text)
    return "a JSON list of rows with named columns" if names_columns(keys) and "bbox" not in keys else ""


def read_rows(path: Path) -> RawPredictions:
    """The detections of a list of rows, each with the keys of the first."""
    rows = list(elements(path))
    names = list(rows[0]) if rows and isinstance(rows[0], dict) else []
    for k, row in enumerate(rows):
        if not isinstance(row, dict) or row.keys() < set(names):
            raise PredictionError(f"{path}: row {k}: wanted an object with {', '.join(names[:12])}")
    columns = {name: np.array([row[name] for row in rows]) for name in names if not isinstance(rows[0][name], dict)}
    return from_columns(columns, path, {})


FORMATS = {"json-rows": PredictionFormat(FileReader(lambda path, _: read_rows(path), json=_looks))}
