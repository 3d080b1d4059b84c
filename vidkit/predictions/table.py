"""Predictions: the detections of every frame of one index, as columns, and how they were made."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vidkit.boxes import lossless_float
from vidkit.detections import Detections


@dataclass(frozen=True)
class RunInfo:
    """How predictions were made: what a benchmark knows and another tool's file mostly doesn't tell.

    `detector` and `options` name the method (`options["length"]` is the segment length l where there is one);
    `environment` holds device, versions, image size, precision and batch; `scenario` is "stream" or "offline".
    """

    detector: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    environment: Mapping[str, Any] = field(default_factory=dict)
    scenario: str = ""
    limited: bool = False
    """True if only a part of the index was run, for a smoke test: such a score is no score."""
    measured: Mapping[str, Any] = field(default_factory=dict)
    """Peaks ("peak_memory_bytes") and stage totals ("forward_seconds"), which differ from run to run."""


@dataclass(frozen=True, eq=False)
class FrameTimes:
    """What was measured for each frame, `(F,)` each; see `vidkit.harness` for the definitions."""

    compute_seconds: NDArray[np.float64]
    decode_seconds: NDArray[np.float64]
    look_ahead: NDArray[np.int32]  # frames taken beyond this one before its answer came
    warm_up: NDArray[np.bool_]  # frames of videos that are left out of the timing

    @property
    def frames_per_second(self) -> float | None:
        """Frames / total compute seconds, without warm-up; None where nothing was timed. Decoding isn't part of it."""
        seconds = self.compute_seconds[~self.warm_up]
        return float(len(seconds) / seconds.sum()) if seconds.sum() > 0 else None


@dataclass(frozen=True, eq=False, repr=False)
class Predictions:
    """The detections of all F frames of an index, frame by frame, in the order in which the detector gave them.

    Detections of frame f are rows `detection_start[f]:detection_start[f + 1]`. The order within a frame is kept: it
    decides ties. Boxes are in vidkit's convention, class ids are rows of the index's classes. Arrays are read-only.

    Raises ValueError if the columns contradict each other.
    """

    detection_start: NDArray[np.int64]  # (F + 1,)
    box: NDArray[np.floating[Any]]  # (D, 4)
    score: NDArray[np.floating[Any]]  # (D,)
    class_id: NDArray[np.int16]  # (D,)
    index_fingerprint: str = ""
    """The fingerprint of the index that the frames belong to; "" where the source doesn't tell."""
    is_key: NDArray[np.bool_] | None = None  # (F,)
    key_distance: NDArray[np.int32] | None = None  # (F,) signed frames to the keyframe; NO_KEY if not known
    times: FrameTimes | None = None
    run: RunInfo = field(default_factory=RunInfo)

    def __post_init__(self) -> None:
        d = len(self.score)
        if self.box.shape != (d, 4) or self.score.shape != (d,) or self.class_id.shape != (d,):
            raise ValueError(
                f"predictions: box {self.box.shape}, score {self.score.shape}, class_id {self.class_id.shape}; "
                "wanted (D, 4), (D,), (D,)"
            )
        starts = self.detection_start
        if starts.ndim != 1 or len(starts) < 1 or starts[0] != 0 or starts[-1] != d or (np.diff(starts) < 0).any():
            raise ValueError(f"predictions: detection_start must rise from 0 to {d}")
        of_frames = {
            "is_key": self.is_key,
            "key_distance": self.key_distance,
            **(vars(self.times) if self.times else {}),
        }
        for name, column in of_frames.items():
            if column is not None and column.shape != (len(starts) - 1,):
                raise ValueError(f"predictions: {name} {column.shape}; wanted ({len(starts) - 1},), one for each frame")
        for column in (starts, self.box, self.score, self.class_id):
            column.flags.writeable = False

    def __repr__(self) -> str:
        by = f" by {self.run.detector}" if self.run.detector else ""
        return (
            f"Predictions{by}: {self.n_frames} frames, {self.n_detections} detections, fingerprint {self.fingerprint}"
        )

    @property
    def n_frames(self) -> int:
        """F."""
        return len(self.detection_start) - 1

    @property
    def n_detections(self) -> int:
        """D."""
        return len(self.score)

    @cached_property
    def detection_frame(self) -> NDArray[np.int32]:
        """The frame row of each detection, `(D,)`."""
        return np.repeat(np.arange(self.n_frames, dtype=np.int32), np.diff(self.detection_start))

    def of_frame(self, frame: int) -> Detections:
        """The detections of frame row `frame`."""
        rows = slice(int(self.detection_start[frame]), int(self.detection_start[frame + 1]))
        return Detections(self.box[rows], self.score[rows], self.class_id[rows])

    @cached_property
    def fingerprint(self) -> str:
        """32 hexadecimal digits that identify boxes, scores, classes and their frames."""
        digest = hashlib.blake2b(digest_size=16)
        for column in (self.detection_start, self.class_id.astype(np.int16, copy=False), self.box, self.score):
            digest.update(f"{column.dtype.str} {column.shape}\n".encode())
            digest.update(np.ascontiguousarray(column).data)
        return digest.hexdigest()


NO_KEY = np.iinfo(np.int32).min
"""The value of `key_distance` where a frame's keyframe isn't known."""


def from_frames(
    frames: Iterable[Detections],
    index_fingerprint: str = "",
    times: FrameTimes | None = None,
    run: RunInfo | None = None,
) -> Predictions:
    """The predictions made of one `Detections` for each frame of an index, in the order of its frames."""
    answers = list(frames)
    counts = [len(answer) for answer in answers]
    distances = [NO_KEY if a.key_distance is None else a.key_distance for a in answers]
    known = any(d != NO_KEY for d in distances)
    return Predictions(
        detection_start=np.concatenate([np.zeros(1, np.int64), np.cumsum(counts, dtype=np.int64)]),
        box=lossless_float(np.concatenate([a.boxes for a in answers] or [np.zeros((0, 4))])),
        score=lossless_float(np.concatenate([a.scores for a in answers] or [np.zeros(0)])),
        class_id=np.concatenate([a.class_ids.astype(np.int16) for a in answers] or [np.zeros(0, np.int16)]),
        index_fingerprint=index_fingerprint,
        is_key=np.array([a.is_key for a in answers], bool) if known or any(a.is_key for a in answers) else None,
        key_distance=np.array(distances, np.int32) if known else None,
        times=times,
        run=run or RunInfo(),
    )
