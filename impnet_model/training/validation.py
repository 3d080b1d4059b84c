"""The score of a network while it trains: what `vidkit benchmark` and `eval` would say of its checkpoint."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from impnet_model.methods import METHODS, part_of
from impnet_model.training.processes import Processes
from impnet_model.training.run_folder import RunFolder
from vidkit.data.frames import frames_of
from vidkit.data.index import Index
from vidkit.evaluation.evaluator import Evaluator
from vidkit.evaluation.result import EvalResult
from vidkit.harness.detector import Detector, DetectorContext
from vidkit.harness.detector_options import call

PLAIN = "impression"
"""Whose detector runs the networks of the methods that differ in training alone."""


def validation_of(
    index: Index, method: str, run: RunFolder, content: Callable[[], Mapping[str, Any]], processes: Processes
) -> Callable[[], dict[str, float | None]]:
    """A function that scores the network that `content` keeps: mAP by `fgfa`, and of each group of motion, in 0 … 1.

    The videos are shared out among the processes, all of which must call it. Its file lies in the run's folder while
    it runs.
    """
    kept = run.path / "validation.pt"

    def score() -> dict[str, float | None]:
        if processes.rank == 0:
            run.save(kept, content())
        processes.wait()
        evaluator = Evaluator(index, by="motion" if tells_motion(index) else ())
        detector = detector_of(method, index, kept, processes)
        for video in range(processes.rank, index.n_videos, processes.count):
            evaluator.update(index.video_name[video], detector.detect(frames_of(index, video)))
        for part in processes.all_of(evaluator.gathered):
            evaluator.merge(part)
        if processes.rank == 0:
            kept.unlink()
        return dict(_numbers(evaluator.compute()))

    return score


def detector_of(method: str, index: Index, checkpoint: Path, processes: Processes) -> Detector:
    """The detector of a method over a checkpoint, with its own defaults."""
    factory = part_of(method if METHODS[method].detector else PLAIN, "detector")
    detector: Detector = call(factory, DetectorContext(index.classes, str(processes.device), checkpoint), {})
    return detector


def tells_motion(index: Index) -> bool:
    """Whether an index has motion IoU, or track ids to compute it from."""
    return index.motion_iou is not None or not bool((index.track_id < 0).any())


def _numbers(result: EvalResult) -> Iterator[tuple[str, float | None]]:
    """The numbers of a result by name, None for one that there isn't."""
    for group in (result.overall, *result.groups[1:]):
        name = group.name if group.by else "mAP"
        yield name, group.mean_ap if group.mean_ap == group.mean_ap else None
