"""vidkit: annotation index, evaluation and benchmark for video object detection.

The public names are imported on first use, so that `import vidkit` costs nothing. docs/python.md shows them at work.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from vidkit.version import __version__ as __version__

if TYPE_CHECKING:
    from vidkit.data.export import export as export
    from vidkit.data.index import Index as Index
    from vidkit.data.index_file import read_index as read_index
    from vidkit.data.index_file import write_index as write_index
    from vidkit.data.join import join as join
    from vidkit.data.prepare import prepare as prepare
    from vidkit.detections import Detections as Detections
    from vidkit.errors import DetectorError as DetectorError
    from vidkit.errors import VidkitError as VidkitError
    from vidkit.evaluation.compare import compare as compare
    from vidkit.evaluation.compare_many import compare_many as compare_many
    from vidkit.evaluation.delay import average_delay as average_delay
    from vidkit.evaluation.errors_by_type import decompose as decompose
    from vidkit.evaluation.evaluate import evaluate as evaluate
    from vidkit.evaluation.evaluator import Evaluator as Evaluator
    from vidkit.evaluation.own_attributes import with_attributes as with_attributes
    from vidkit.evaluation.result import EvalResult as EvalResult
    from vidkit.evaluation.stability import stability as stability
    from vidkit.evaluation.streaming import stream as stream
    from vidkit.harness.detector import Detector as Detector
    from vidkit.harness.detector import DetectorContext as DetectorContext
    from vidkit.predictions.predictions_file import read_predictions as read_predictions
    from vidkit.predictions.predictions_file import write_predictions as write_predictions
    from vidkit.predictions.reading import read as read
    from vidkit.predictions.table import Predictions as Predictions
    from vidkit.predictions.writing import write as write
    from vidkit.runs.running import benchmark as benchmark

_HOME_OF = {
    "Detections": "vidkit.detections",
    "Detector": "vidkit.harness.detector",
    "DetectorContext": "vidkit.harness.detector",
    "DetectorError": "vidkit.errors",
    "EvalResult": "vidkit.evaluation.result",
    "Evaluator": "vidkit.evaluation.evaluator",
    "Index": "vidkit.data.index",
    "Predictions": "vidkit.predictions.table",
    "VidkitError": "vidkit.errors",
    "average_delay": "vidkit.evaluation.delay",
    "benchmark": "vidkit.runs.running",
    "compare": "vidkit.evaluation.compare",
    "compare_many": "vidkit.evaluation.compare_many",
    "decompose": "vidkit.evaluation.errors_by_type",
    "evaluate": "vidkit.evaluation.evaluate",
    "export": "vidkit.data.export",
    "join": "vidkit.data.join",
    "prepare": "vidkit.data.prepare",
    "read": "vidkit.predictions.reading",
    "read_index": "vidkit.data.index_file",
    "read_predictions": "vidkit.predictions.predictions_file",
    "stability": "vidkit.evaluation.stability",
    "stream": "vidkit.evaluation.streaming",
    "with_attributes": "vidkit.evaluation.own_attributes",
    "write": "vidkit.predictions.writing",
    "write_index": "vidkit.data.index_file",
    "write_predictions": "vidkit.predictions.predictions_file",
}

__all__ = [*sorted(_HOME_OF), "__version__"]


def __getattr__(name: str) -> object:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'vidkit' has no attribute {name!r}")
    return getattr(import_module(_HOME_OF[name]), name)


def __dir__() -> list[str]:
    return __all__
