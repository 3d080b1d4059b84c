"""The networks from Python: a detector from a checkpoint, and its answers for a video file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from impnet_model.data.video import frames_of
from impnet_model.detectors import entry_points
from impnet_model.weights.checkpoints import load
from vidkit.benchmark.detector import Detector, DetectorContext
from vidkit.detections import Detections
from vidkit.errors import ChoiceError, did_you_mean

DETECTORS: dict[str, Callable[..., Detector]] = {
    "per-frame": entry_points.per_frame,
    "dff": entry_points.dff,
    "impression": entry_points.impression,
    "impression-adaptive": entry_points.impression_adaptive,
    "fgfa": entry_points.fgfa,
    "fgfa-fast": entry_points.fgfa_fast,
}


def load_detector(checkpoint: str | Path, method: str = "impression", device: str = "cpu", **options: Any) -> Detector:
    """Return a detector over a checkpoint; its class ids are those of the checkpoint, see `class_names`.

    options: as the factory in `entry_points` has them, such as length=5. Raises ChoiceError for an unknown method,
    FormatError for what is no checkpoint, DetectorError where the two don't fit.
    """
    if method not in DETECTORS:
        raise ChoiceError(f"no method {method!r}{did_you_mean(method, [*DETECTORS])}; known are {', '.join(DETECTORS)}")
    path = Path(checkpoint)
    context = DetectorContext(load(path).classes, device, path)
    return DETECTORS[method](context, **options)


def class_names(checkpoint: str | Path) -> tuple[str, ...]:
    """Return the names of a checkpoint's classes, in the order of their ids."""
    return tuple(each.name for each in load(Path(checkpoint)).classes)


def detect_video(detector: Detector, source: str | Path) -> Iterator[Detections]:
    """Yield the detections of each frame of a video file, or of the "camera", in order.

    Raises FrameError where the source can't be read.
    """
    return detector.detect(frames_of(source))
