"""How far a flow is off at objects: their centres moved along it, against where their tracks say that they went."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from impnet_model.detectors.engine import Frame
from impnet_model.detectors.moved_boxes import at_points
from impnet_model.flows.memory import FlowMemory
from vidkit.data.frames import frames_of
from vidkit.data.index import Index
from vidkit.errors import ChoiceError
from vidkit.evaluation.protocols import PROTOCOLS
from vidkit.evaluation.slices import breakdown

MakeFlow = Callable[[], FlowMemory[Frame]]
"""Makes the flow of a video."""
DISTANCES = (1, 2, 5, 10)
FAR = 4.0
"""Pixels: an error above is told apart."""


@dataclass(frozen=True)
class FlowAtObjects:
    """How far a flow is off at the objects of a group, so many frames from where they were."""

    flow: str
    group: str
    distance: int
    objects: int
    motion: float | None
    """Median way of the objects, in pixels of the frame; None without any."""
    error: float | None
    """Median distance from where their tracks say that they went."""
    far: float | None
    """Share of objects that are off by more than `FAR` pixels."""
    seconds: float
    """Mean time of the flow between a frame and the one before; composing comes on top."""


def track_errors(
    index: Index,
    flows: Mapping[str, MakeFlow],
    distances: Sequence[int] = DISTANCES,
    every: int = 10,
    root: Path | None = None,
) -> Iterator[FlowAtObjects]:
    """Yield the errors of each flow, by motion group and distance: objects of every `every`-th frame of each video.

    Errors are in pixels of the frame. Raises ChoiceError for an index without tracks, FrameError where frames can't be
    read.
    """
    if not (index.track_id >= 0).any():
        raise ChoiceError("the index has no tracks: where an object went isn't known")
    groups = breakdown("motion", index, PROTOCOLS["fgfa"]).groups
    for name, make in flows.items():
        found = [_of_video(index, video, make(), distances, every, root) for video in range(index.n_videos)]
        measured = _joined([each for each, _ in found])
        seconds = sum(spent for _, spent in found) / max(1, index.n_frames)
        for group in groups:
            inside = np.ones(len(measured.row), bool) if group.kept is None else group.kept[measured.row]
            for n in distances:
                chosen = inside & (measured.distance == n)
                yield _summary(name, group.name, n, measured.way[chosen], measured.error[chosen], seconds)


class AtObjects(NamedTuple):
    """What was measured at objects, `(n,)` each."""

    row: NDArray[np.int64]
    """Of the instance in the index."""
    distance: NDArray[np.int64]
    """Frames to where it is looked for."""
    way: NDArray[np.float64]
    """How far it went, in pixels of the frame."""
    error: NDArray[np.float64]
    """How far the flow is off there."""


def _joined(parts: Sequence[AtObjects]) -> AtObjects:
    none = AtObjects(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0), np.zeros(0))
    return AtObjects(*(np.concatenate(columns) for columns in zip(none, *parts, strict=True)))


def _of_video(
    index: Index, video: int, flow: FlowMemory[Frame], distances: Sequence[int], every: int, root: Path | None
) -> tuple[AtObjects, float]:
    """What is measured in one video, and the seconds that the flow took: each start once its last frame was seen."""
    rows, furthest = index.frames_of(video), max(distances)
    measured: list[AtObjects] = []
    seconds = 0.0
    for t, frame in enumerate(frames_of(index, video, root)):
        begin = perf_counter()
        flow.see(frame)
        flow.between(max(0, t - 1), t)
        seconds += perf_counter() - begin
        last = t + 1 == len(rows)
        for start in range(max(0, t - furthest), t) if last else (t - furthest,):
            if start >= 0 and start % every == 0:
                reached = [n for n in distances if start + n <= t]
                measured += [_of_pair(index, rows, start, n, flow.between(start, start + n), frame) for n in reached]
        flow.let_go(max(0, t - furthest + 1))
    return _joined(measured), seconds


def _of_pair(index: Index, rows: range, start: int, n: int, flow: Tensor, frame: Frame) -> AtObjects:
    """What is measured at the objects of a frame that are in the one `n` frames later too."""
    here, there = (_rows(index.instances_of(rows[t])) for t in (start, start + n))
    later = {int(index.track_id[row]): row for row in there if index.track_id[row] >= 0}
    pairs = [(row, later[track]) for row in here if (track := int(index.track_id[row])) in later]
    ours, theirs = np.array(pairs, np.int64).reshape(-1, 2).T
    centres, wanted = (_centres(index, each) for each in (ours, theirs))
    pixel = np.array([frame.shape[1] / flow.shape[3], frame.shape[0] / flow.shape[2]])
    found = centres + at_points(flow[0].numpy(), centres / pixel) * pixel
    lengths = (np.linalg.norm(each, axis=1) for each in (wanted - centres, wanted - found))
    return AtObjects(ours, np.full(len(ours), n), *lengths)


def _rows(instances: slice) -> range:
    return range(instances.start, instances.stop)


def _centres(index: Index, rows: NDArray[np.int64]) -> NDArray[np.float64]:
    boxes = index.box[rows].astype(np.float64)
    return np.asarray((boxes[:, :2] + boxes[:, 2:]) / 2)


def _summary(
    flow: str, group: str, distance: int, way: NDArray[np.float64], error: NDArray[np.float64], seconds: float
) -> FlowAtObjects:
    if not len(way):
        return FlowAtObjects(flow, group, distance, 0, None, None, None, seconds)
    far = float((error > FAR).mean())
    return FlowAtObjects(flow, group, distance, len(way), float(np.median(way)), float(np.median(error)), far, seconds)
