"""In the loop: detections gathered as they are made, scored as the same predictions of a file would be.

evaluator = Evaluator(index, "fgfa", by="motion")
evaluator.update(frame, detections)    # in any order, on any number of processes
evaluator.merge(other)                 # what another one has gathered
result = evaluator.compute()           # bit for bit what `evaluate` gives
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from vidkit.boxes import Boxes, lossless_float
from vidkit.data.index import Index
from vidkit.detections import Detections
from vidkit.errors import PredictionError
from vidkit.evaluation.evaluate import evaluate
from vidkit.evaluation.protocols import FGFA, FalsePositiveRule, Protocol, protocol_named
from vidkit.evaluation.result import EvalResult
from vidkit.evaluation.slices import Bins, breakdowns
from vidkit.predictions.table import Predictions, RunInfo

ROWS = 1 << 16
"""Detections that are kept frame by frame before they are put into one block."""


@dataclass(frozen=True, eq=False)
class _Block:
    """The detections of some frames, in the order in which they came: 22 bytes each where floats of 4 bytes do."""

    frame: NDArray[np.int32]  # (n,) each once
    count: NDArray[np.int32]  # (n,)
    box: Boxes
    score: Boxes
    class_id: NDArray[np.int16]

    @classmethod
    def of(cls, found: Sequence[tuple[int, Detections]]) -> "_Block":
        """One block of many frames."""
        answers = [answer for _, answer in found]
        return cls(
            frame=np.array([frame for frame, _ in found], np.int32),
            count=np.array([len(answer) for answer in answers], np.int32),
            box=lossless_float(np.concatenate([np.zeros((0, 4)), *(a.boxes for a in answers)])),
            score=lossless_float(np.concatenate([np.zeros(0), *(a.scores for a in answers)])),
            class_id=np.concatenate([np.zeros(0, np.int16), *(a.class_ids for a in answers)], dtype=np.int16),
        )

    def of_frames(self, wanted: NDArray[np.bool_]) -> "_Block":
        """Those of the chosen frames, `wanted (n,)`."""
        rows = np.repeat(wanted, self.count)
        return _Block(self.frame[wanted], self.count[wanted], self.box[rows], self.score[rows], self.class_id[rows])


@dataclass(eq=False)
class Gathered:
    """What an evaluator has gathered, without the index: small enough to be sent from one process to another."""

    index_fingerprint: str
    n_frames: int
    blocks: list[_Block] = field(default_factory=list)
    latest: list[tuple[int, Detections]] = field(default_factory=list)  # not yet in a block
    waiting: int = 0  # the number of detections in `latest`

    def add(self, frame: int, detections: Detections) -> None:
        """Take the detections of one more frame."""
        boxes, scores = detections.boxes.copy(), detections.scores.copy()  # the caller's may be filled again
        self.latest.append((frame, Detections(boxes, scores, detections.class_ids.astype(np.int16))))
        self.waiting += len(detections) + 1  # a frame without any takes room, too
        if self.waiting >= ROWS:
            self.settle()

    def settle(self) -> None:
        """Put all into blocks."""
        if self.latest:
            self.blocks.append(_Block.of(self.latest))
        self.latest, self.waiting = [], 0

    def predictions(self) -> Predictions:
        """All of it by frame. A frame that wasn't given has no detections."""
        self.settle()
        blocks = [*self.blocks, _Block.of([])]
        frame, count = (np.concatenate([getattr(b, name) for b in blocks]) for name in ("frame", "count"))
        box, score, class_id = (
            np.concatenate([getattr(b, name) for b in blocks]) for name in ("box", "score", "class_id")
        )
        order = np.argsort(frame, kind="stable")
        first = np.cumsum(count) - count  # of each frame's detections, as they came
        counts = np.zeros(self.n_frames, np.int64)
        counts[frame] = count
        start = np.concatenate([[0], np.cumsum(counts)])
        rows = np.arange(start[-1]) + np.repeat(first[order] - start[frame[order]], count[order])
        return Predictions(start, box[rows], score[rows], class_id[rows], self.index_fingerprint, run=RunInfo())


class Evaluator:
    """Scores detections of an index's frames that come one frame, or one video, after the other, in any order.

    `protocol`, `by`, `bins` and `fp_rule` are those of `evaluate`, and so are the errors for what isn't known. A
    detection takes 22 bytes where its numbers are exact in 4 bytes each, as those of detectors are, else 42.
    """

    def __init__(
        self,
        index: Index,
        protocol: Protocol | str = FGFA,
        by: str | Sequence[str] = (),
        bins: Bins | None = None,
        fp_rule: FalsePositiveRule | None = None,
    ) -> None:
        self.index = index
        self.protocol = protocol_named(protocol, fp_rule) if isinstance(protocol, str) else protocol.with_rule(fp_rule)
        self.by, self.bins = by, bins
        breakdowns(by, index, self.protocol, bins)  # what isn't known is said now, not after an epoch
        self.gathered = Gathered(index.fingerprint, index.n_frames)
        self._given = np.zeros(index.n_frames, bool)

    def __repr__(self) -> str:
        given = f"{int(self._given.sum())} of {self.index.n_frames} frames"
        return f"Evaluator of {self.index.dataset} {self.index.split}, protocol {self.protocol.name}: {given} given"

    def update(self, where: int | str, detections: Detections | Iterable[Detections]) -> None:
        """Take the detections of a frame, by its row in the index, or those of all frames of a video, by its name.

        Raises PredictionError for a frame that was given before or isn't there, a video of another length, a class that
        the index doesn't have, and a number that isn't finite.
        """
        if isinstance(where, str):
            frames, answers = self.index.frames_of(self.index.video(where)), [*_all(detections)]
            if len(answers) != len(frames):
                raise PredictionError(f"video {where}: detections of {len(answers)} frames, it has {len(frames)}")
        else:
            frames, answers = range(int(where), int(where) + 1), [*_all(detections)]
            if len(answers) != 1 or not 0 <= where < self.index.n_frames:
                raise PredictionError(
                    f"frame {where}: {len(answers)} Detections; wanted one, of a frame 0 … {self.index.n_frames - 1}"
                )
        if self._given[frames.start : frames.stop].any():
            again = frames.start + int(np.argmax(self._given[frames.start : frames.stop]))
            raise PredictionError(f"{self._name(again)} was given before; a frame counts once")
        for frame, answer in zip(frames, answers, strict=True):
            self._check(frame, answer)
        for frame, answer in zip(frames, answers, strict=True):
            self.gathered.add(frame, answer)
        self._given[frames.start : frames.stop] = True

    def merge(self, other: "Evaluator | Gathered") -> None:
        """Take what another evaluator of the same index, or its `gathered`, has; frames in both are left as they are.

        So what a sampler repeats to give all processes the same number of frames counts once. Raises PredictionError
        for another index.
        """
        theirs = other.gathered if isinstance(other, Evaluator) else other
        if theirs.index_fingerprint != self.index.fingerprint:
            raise PredictionError(
                f"gathered on the index {theirs.index_fingerprint}, this one is {self.index.fingerprint}"
            )
        theirs.settle()
        for block in theirs.blocks:
            new = ~self._given[block.frame]
            if new.any():
                self.gathered.blocks.append(block if new.all() else block.of_frames(new))
            self._given[block.frame] = True

    def predictions(self) -> Predictions:
        """All that was gathered, as predictions. Raises PredictionError, which names one, where frames are missing."""
        missing = int((~self._given).sum())
        if missing:
            raise PredictionError(
                f"{missing} of {self.index.n_frames} frames were not given, the first is "
                f"{self._name(int(np.argmin(self._given)))}; Detections.none() says that nothing was found"
            )
        return self.gathered.predictions()

    def compute(self, ci: int = 0, seed: int = 0) -> EvalResult:
        """The result of all that was gathered, the same as `evaluate` gives for its file. Raises as `predictions`."""
        return evaluate(self.index, self.predictions(), self.protocol, self.by, self.bins, ci=ci, seed=seed)

    def _name(self, frame: int) -> str:
        video = int(self.index.frame_video[frame])
        return f"frame {frame}, number {self.index.frame_number[frame]} of video {self.index.video_name[video]},"

    def _check(self, frame: int, answer: Detections) -> None:
        if not len(answer):
            return
        low, high = int(answer.class_ids.min()), int(answer.class_ids.max())
        if low < 0 or high >= self.index.n_classes:
            raise PredictionError(
                f"{self._name(frame)} has class ids {low} … {high}; wanted 0 … {self.index.n_classes - 1}"
            )
        if not (np.isfinite(answer.boxes).all() and np.isfinite(answer.scores).all()):
            raise PredictionError(f"{self._name(frame)} has a box or score that isn't a finite number")


def _all(detections: Detections | Iterable[Detections]) -> Iterable[Detections]:
    return [detections] if isinstance(detections, Detections) else detections
