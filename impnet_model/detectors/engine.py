"""What all methods share: frames in, networks run, detections out in vidkit's convention."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import Any, NamedTuple, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from impnet_model.data.images import Image, check_frame, on_device, resized
from impnet_model.data.resize import Resize
from impnet_model.detectors.stages import Stage, Stages
from impnet_model.nets.network import ImpressionNetwork
from impnet_model.nets.task_network import Found, PostProcessing, View
from vidkit.boxes import from_inclusive
from vidkit.detections import Detections
from vidkit.errors import FrameError
from vidkit.harness.detector import KeyframeWeights

T = TypeVar("T")
Frame = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Engine:
    """A network, where it runs, and the rules at its two ends.

    class_ids: for each class of the network its id in the answers, -1 for one that is not asked for; None to keep ids.
    weights: what `describe` says of them. stages: where the time goes.
    """

    network: ImpressionNetwork
    resize: Resize = field(default_factory=Resize)
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    dtype: torch.dtype = torch.float32
    rules: PostProcessing = field(default_factory=PostProcessing)
    class_ids: tuple[int, ...] | None = None
    weights: str = "random"
    stages: Stages = field(default_factory=Stages)

    def images(self, frames: Iterable[Frame]) -> Iterator[Image]:
        """Yield each frame of one video, ready for the networks.

        Raises ValueError for what is no RGB frame, FrameError where the size changes within the video.
        """
        first: tuple[int, ...] | None = None
        for place, frame in enumerate(frames):
            check_frame(frame)
            first = first or frame.shape
            if frame.shape != first:
                raise FrameError(
                    f"frame {place}: {frame.shape}; the video's first frame is {first}; cut it in two there"
                )
            with self.stage("transfer"):
                pixels = on_device(frame, self.device)
            with self.stage("preprocess"):
                image = resized(pixels, self.resize, self.dtype)
            yield image

    def detect(self, features: Tensor, images: Sequence[Image], distances: Sequence[int]) -> list[Detections]:
        """What the task network finds in features `(B, C, h, w)` of B images of one size.

        distances: frames from each image to the keyframe its feature came from.
        """
        height, width = images[0].pixels.shape[2:]
        view = View(height, width, images[0].scale)
        with self.stage("forward"):
            scored = self.network.task.score(features.float(), view)
        with self.stage("postprocess"):
            found = [self.network.task.select(each, view, self.rules) for each in scored]
        with self.stage("transfer"):
            here = [Found(each.boxes.float().cpu(), each.scores.cpu(), each.labels.cpu()) for each in found]
        with self.stage("postprocess"):
            return [self._answer(*each) for each in zip(here, images, distances, strict=True)]

    def stage(self, stage: Stage) -> AbstractContextManager[None]:
        """Time a block as part of a stage."""
        return self.stages.time(stage, self.device)

    def synchronize(self) -> None:
        """Return once the device has done all its work."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)

    def describe(self) -> Mapping[str, Any]:
        """What the speed depends on."""
        device = torch.cuda.get_device_name(self.device) if self.device.type == "cuda" else str(self.device)
        return {
            "device": device,
            "precision": str(self.dtype).removeprefix("torch."),
            "input_size": f"shorter side {self.resize.shorter}, longer at most {self.resize.longer}",
            "weights": self.weights,
            "torch": torch.__version__,
            "threads": torch.get_num_threads(),
        }

    def _answer(self, found: Found, image: Image, distance: int) -> Detections:
        boxes = from_inclusive(found.boxes.numpy())
        boxes = boxes.clip(0, np.array([image.width, image.height] * 2, np.float32))
        scores, labels = found.scores.numpy(), found.labels.numpy()
        if self.class_ids is not None:
            labels = np.array(self.class_ids, np.int64)[labels]
        asked = labels >= 0
        return Detections(boxes[asked], scores[asked], labels[asked], is_key=distance == 0, key_distance=distance)


@dataclass(frozen=True, eq=False)
class EngineDetector:
    """A method over an engine as vidkit's detector: what it answers is the method's, all else the engine's.

    generate: frames of one video → their detections, in order. batch: frames that go through the networks at once.
    keyframe_weights: of a method that fuses keyframes, see `vidkit.harness.detector.Weighing`; with None, as any
    method that is None, the detector doesn't count as such a one.
    """

    engine: Engine
    name: str
    generate: Callable[[Iterable[Frame]], Iterator[Detections]]
    batch: int = 1
    keyframe_weights: Callable[[Iterable[Frame]], Iterator[KeyframeWeights]] | None = None

    def __post_init__(self) -> None:
        if self.batch < 1:
            raise ValueError(f"batch {self.batch}; wanted 1 frame or more")

    @torch.inference_mode()
    def detect(self, frames: Iterable[Frame]) -> Iterator[Detections]:
        """Yield the detections of each frame."""
        yield from self.generate(frames)

    def synchronize(self) -> None:
        """Wait for the device."""
        self.engine.synchronize()

    def measurements(self) -> Mapping[str, float]:
        """The seconds of each stage so far, and the peak memory of a CUDA device."""
        return self.engine.stages.measurements(self.engine.device)

    def describe(self) -> Mapping[str, Any]:
        """What the speed depends on."""
        return {**self.engine.describe(), "batch": self.batch}


class SegmentImages(NamedTuple):
    """A segment of a video whose frames may still have to be taken: those after the keyframe come one by one."""

    key: int
    """Place of the keyframe in the segment."""
    key_image: Image
    images: Iterator[Image]
    """All images of the segment, the keyframe among them; to be gone through once."""


def cut(images: Iterator[Image], length: int, key_id: int) -> Iterator[SegmentImages]:
    """Yield the segments of a video, each as soon as its keyframe is there (Alg. 1).

    A last segment without a frame `key_id` has its last frame as key (docs/decisions.md, 0.17).
    """
    while head := list(islice(images, key_id + 1)):
        rest = islice(images, length - len(head))
        yield SegmentImages(len(head) - 1, head[-1], chain(head, rest))
        for _ in rest:  # whoever took the keyframe only
            pass


def spread(engine: Engine, task: Tensor, segment: SegmentImages, batch: int) -> Iterator[Detections]:
    """Yield the detections of every frame of a segment: its task feature `(1, C, h, w)` warped to each (Alg. 1).

    The keyframe itself is not warped (docs/decisions.md, 0.5). `batch` frames go through the networks at once.
    """
    key, place = segment.key_image, 0
    for images in batched(segment.images, batch):
        with engine.stage("forward"):
            features = warped_to(engine.network, task, key, images)
        yield from engine.detect(features, images, [segment.key - place - i for i in range(len(images))])
        place += len(images)


def warped_to(network: ImpressionNetwork, task: Tensor, key: Image, images: Sequence[Image]) -> Tensor:
    """The task feature at each of B images, `(B, C, h, w)`; at the keyframe itself it stays as it is."""
    others = [image.pixels for image in images if image is not key]
    if not others:
        return task
    n = len(others)
    warped = network.propagate(task.expand(n, -1, -1, -1), torch.cat(others), key.pixels.expand(n, -1, -1, -1))
    if n == len(images):
        return warped
    at = next(i for i, image in enumerate(images) if image is key)
    return torch.cat([warped[:at], task, warped[at:]])


def batched(items: Iterable[T], n: int) -> Iterator[list[T]]:
    """Yield lists of `n` items, the last one maybe shorter."""
    source = iter(items)
    while batch := list(islice(source, n)):
        yield batch
