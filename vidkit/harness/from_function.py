"""A plain function on one image as a detector. Adapters for other libraries are in `vidkit.adapters`."""

import inspect
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial, wraps
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from vidkit.detections import Detections
from vidkit.errors import DetectorError
from vidkit.harness.detector import Detector, DetectorContext, Image

Columns = tuple[ArrayLike, ArrayLike, ArrayLike]
"""Boxes `(N, 4)`, scores `(N,)` and class ids `(N,)`, as whatever makes arrays."""
Function = Callable[[Image], Detections | Columns]


def per_frame(name: str, function: Function, synchronize: Callable[[], None] | None = None) -> Detector:
    """Return the detector that calls `function` for each frame; `synchronize` waits for its device, if it has one.

    The function returns `Detections`, or a tuple of boxes, scores and class ids.
    """
    return PerFrame(name, function, synchronize or _go_on)


@dataclass(frozen=True)
class PerFrame:
    """A function on one image as a detector: it takes no frame ahead and remembers none."""

    name: str
    function: Function
    wait: Callable[[], None]

    def detect(self, frames: Iterable[Image]) -> Iterator[Detections]:
        """Yield what the function says of each frame."""
        return (_detections(self.function(frame)) for frame in frames)

    def synchronize(self) -> None:
        """Wait for the function's device."""
        self.wait()


def takes_an_image(function: Callable[..., Any]) -> bool:
    """Whether this is a function on one image: its first parameter is called `image`."""
    return next(iter(inspect.signature(function).parameters), None) == "image"


def of_function(function: Callable[..., Any]) -> Callable[..., Detector]:
    """Return a factory of the detector that calls `function(image, **options)`; its name is the function's."""

    @wraps(function)
    def factory(context: DetectorContext, **options: Any) -> Detector:
        if context.checkpoint is not None or context.device != "cpu":
            raise DetectorError(
                f"{name}: a function on one image isn't told --checkpoint or --device; write a factory, which is: "
                f"def factory(context: vidkit.DetectorContext) with `per_frame({name!r}, function)` as what it returns"
            )
        return per_frame(name, partial(function, **options))

    name = getattr(function, "__name__", type(function).__name__)
    return factory


def _detections(answer: Detections | Columns) -> Detections:
    """Return an answer as detections; what is neither kind as it is, for the harness to name."""
    if not isinstance(answer, tuple) or len(answer) != 3:
        return answer
    boxes, scores, class_ids = (np.asarray(column) for column in answer)
    if not boxes.size:
        return Detections.none()
    return Detections(_floating(boxes), _floating(scores), class_ids)


def _floating(column: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return column.astype(np.float64) if column.dtype.kind in "iu" else column


def _go_on() -> None:
    """Wait for nothing."""
