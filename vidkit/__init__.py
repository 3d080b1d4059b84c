"""vidkit: annotation index, evaluation and benchmark for video object detection.

The public names are imported on first use, so that `import vidkit` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vidkit.benchmark.detector import Detector as Detector
    from vidkit.benchmark.detector import DetectorContext as DetectorContext
    from vidkit.data.hdf5 import read_index as read_index
    from vidkit.data.hdf5 import read_predictions as read_predictions
    from vidkit.data.hdf5 import write_index as write_index
    from vidkit.data.hdf5 import write_predictions as write_predictions
    from vidkit.data.index import Index as Index
    from vidkit.detections import Detections as Detections
    from vidkit.errors import DetectorError as DetectorError
    from vidkit.errors import VidkitError as VidkitError
    from vidkit.evaluation.evaluate import evaluate as evaluate
    from vidkit.evaluation.result import EvalResult as EvalResult
    from vidkit.predictions.table import Predictions as Predictions

__version__ = "0.1.0"

_HOME_OF = {
    "Detections": "vidkit.detections",
    "Detector": "vidkit.benchmark.detector",
    "DetectorContext": "vidkit.benchmark.detector",
    "DetectorError": "vidkit.errors",
    "EvalResult": "vidkit.evaluation.result",
    "Index": "vidkit.data.index",
    "Predictions": "vidkit.predictions.table",
    "VidkitError": "vidkit.errors",
    "evaluate": "vidkit.evaluation.evaluate",
    "read_index": "vidkit.data.hdf5",
    "read_predictions": "vidkit.data.hdf5",
    "write_index": "vidkit.data.hdf5",
    "write_predictions": "vidkit.data.hdf5",
}

__all__ = [*sorted(_HOME_OF), "__version__"]


def __getattr__(name: str) -> object:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'vidkit' has no attribute {name!r}")
    return getattr(import_module(_HOME_OF[name]), name)


def __dir__() -> list[str]:
    return __all__
