"""The detector protocol: what a method must offer to be benchmarked, and what it is made from."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from vidkit.classes import ObjectClass
from vidkit.data.index import Index
from vidkit.detections import Detections

Image = NDArray[np.uint8]
"""One frame, `(H, W, 3)` uint8 RGB."""


@runtime_checkable
class Detector(Protocol):
    """A method that detects objects in videos. Nothing that it learns from one video may outlive the call."""

    @property
    def name(self) -> str:
        """The method: one curve of the speed-accuracy figure carries one name, whatever the options."""

    def detect(self, frames: Iterable[Image]) -> Iterator[Detections]:
        """Yield one `Detections` for each frame of one video, in order.

        `frames` can be gone through once. A detector may take frames ahead of the one that it answers for (the harness
        counts them), but it answers no frame that it hasn't taken.
        """

    def synchronize(self) -> None:
        """Return once all work handed to a device is done. A detector that computes on the CPU has nothing to do."""


@dataclass(frozen=True, eq=False)
class KnownFrame:
    """A frame together with its truth: only detectors that say so, by `detect_known`, are handed it."""

    image: Image
    index: Index
    row: int  # of the frame in the index


@runtime_checkable
class OracleDetector(Protocol):
    """A stand-in that looks at the ground truth. It has `detect_known` in place of `detect`; the run is marked so."""

    @property
    def name(self) -> str:
        """As in `Detector`."""

    def detect_known(self, frames: Iterable[KnownFrame]) -> Iterator[Detections]:
        """Yield one `Detections` for each frame, as `Detector.detect` does."""

    def synchronize(self) -> None:
        """As in `Detector`."""


@runtime_checkable
class Describing(Protocol):
    """Optional: a detector that tells what its speed depends on."""

    def describe(self) -> Mapping[str, Any]:
        """Return what belongs beside every speed: "device", "precision", "batch", "input_size", weights, versions.

        It is asked once, before the run, and goes into the run's environment; the values are strings and numbers. A run
        is only resumed where they are the same.
        """


@runtime_checkable
class Naming(Protocol):
    """Optional: a detector that knows its own classes, for films without an index (`vidkit detect`)."""

    @property
    def classes(self) -> Sequence[ObjectClass]:
        """What the class ids of its answers stand for where the context has no classes; () where it doesn't know."""


@runtime_checkable
class Measuring(Protocol):
    """Optional: a detector that measures itself."""

    def measurements(self) -> Mapping[str, float]:
        """Return what was measured so far, since the detector was made.

        Keys that end in "_seconds" are totals that grow ("preprocess_seconds", "transfer_seconds", "forward_seconds",
        "postprocess_seconds"); the harness takes the differences, video by video. All others are peaks
        ("peak_device_bytes"), of which the highest is kept.
        """


@dataclass(frozen=True, eq=False)
class KeyframeWeights:
    """How one keyframe was fused with what was remembered of those before it (Impression Network, Eq. 2 to 4)."""

    frame: int
    """The keyframe's place in the video, from 0."""
    weight: NDArray[np.floating[Any]]
    """`w_k (h, w)` in 0 … 1, for each cell of the feature map: the share of this keyframe (Eq. 2). Ones for the first
    keyframe of a video, which has nothing to be fused with."""
    shares: NDArray[np.floating[Any]]
    """`(n,)`: the mean share that this keyframe, the one before it, the one before that … have in `f_k^task` (Fig. 6);
    they sum to 1. n is 1 for the first keyframe of a video; a detector that forgets may stop before the first."""
    cell: float
    """The side of a cell in pixels of the frame: cell (i, j) covers `[j cell, (j + 1) cell) x [i cell, (i + 1) cell)`,
    the last ones as far as the frame goes."""


@runtime_checkable
class Weighing(Protocol):
    """Optional: a detector that fuses keyframes and can show with which weights."""

    def keyframe_weights(self, frames: Iterable[Image]) -> Iterator[KeyframeWeights]:
        """Yield for each keyframe of one video, in order, how it was fused when `detect` was given the same frames.

        It is called in a pass of its own, after the video was run and timed, so that recording costs the timing
        nothing; the keyframes must be the frames that `detect` answered with `is_key`.
        """


@dataclass(frozen=True)
class DetectorContext:
    """What a factory is told: the classes of the index, and what the user chose with --device and --checkpoint."""

    classes: tuple[ObjectClass, ...]
    """The class ids of `Detections` are rows of this; () where there is no index: a detector then answers with classes
    of its own, see `Naming`."""
    device: str = "cpu"
    """As torch names it: "cpu", "cuda", "cuda:1"."""
    checkpoint: Path | None = None
    """The file of weights; None where none was given. A factory that needs one raises DetectorError."""
