"""Detectors made of something else: of a function on one image, of torchvision's and ultralytics' models, of ONNX."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from vidkit.benchmark.detector import Detector, Image
from vidkit.detections import Detections


def per_frame(
    name: str, function: Callable[[Image], Detections], synchronize: Callable[[], None] | None = None
) -> Detector:
    """Return the detector that calls `function` for each frame; `synchronize` waits for its device, if it has one."""
    return PerFrame(name, function, synchronize or _go_on)


@dataclass(frozen=True)
class PerFrame:
    """A function on one image as a detector: it takes no frame ahead and remembers none."""

    name: str
    function: Callable[[Image], Detections]
    wait: Callable[[], None]

    def detect(self, frames: Iterable[Image]) -> Iterator[Detections]:
        """Yield what the function says of each frame."""
        return map(self.function, frames)

    def synchronize(self) -> None:
        """Wait for the function's device."""
        self.wait()


def _go_on() -> None:
    """Wait for nothing."""
