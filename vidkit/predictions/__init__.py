"""Predictions of any detector, tied to the frames of an index: readers and writers of the field's formats."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vidkit.predictions.formats.vidkit_pkl import write_pkl as write_pkl
    from vidkit.predictions.read_options import ReadOptions as ReadOptions
    from vidkit.predictions.reading import OpenedPredictions as OpenedPredictions
    from vidkit.predictions.reading import open_predictions as open_predictions
    from vidkit.predictions.reading import read as read
    from vidkit.predictions.reading import read_with_report as read_with_report
    from vidkit.predictions.reading_report import ReadingReport as ReadingReport
    from vidkit.predictions.table import Predictions as Predictions
    from vidkit.predictions.writing import write as write

_HOME_OF = {
    "OpenedPredictions": "vidkit.predictions.reading",
    "Predictions": "vidkit.predictions.table",
    "ReadOptions": "vidkit.predictions.read_options",
    "ReadingReport": "vidkit.predictions.reading_report",
    "open_predictions": "vidkit.predictions.reading",
    "read": "vidkit.predictions.reading",
    "read_with_report": "vidkit.predictions.reading",
    "write": "vidkit.predictions.writing",
    "write_pkl": "vidkit.predictions.formats.vidkit_pkl",
}

__all__ = sorted(_HOME_OF)


def __getattr__(name: str) -> object:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'vidkit.predictions' has no attribute {name!r}")
    return getattr(import_module(_HOME_OF[name]), name)
