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
from impnet_model.detectors.moved_boxes import means_in_boxes
from impnet_model.detectors.stages import Stage, Stages
from impnet_model.flows.carried import Carried
from impnet_model.nets.network import ImpressionNetwork
from impnet_model.nets.task_network import Found, PostProcessing, View
from vidkit.boxes import from_inclusive
from vidkit.classes import ObjectClass
from vidkit.detections import Detections
from vidkit.errors import FrameError
from vidkit.harness.detector import KeyframeWeights

T = TypeVar("T")
Frame = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Engine:
    """A network, where it runs, and the rules at its two ends.

    class_ids: for each class of the network its id in the answers, -1 for one that is not asked for; None to keep ids.
    classes: those of the network, where its ids are kept. weights: what `describe` says of them. stages: where the time
    goes.
    """

    network: ImpressionNetwork
    resize: Resize = field(default_factory=Resize)
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    dtype: torch.dtype = torch.float32
    rules: PostProcessing = field(default_factory=PostProcessing)
    class_ids: tuple[int, ...] | None = None
    classes: tuple[ObjectClass, ...] = ()
    weights: str = "random"
    stages: Stages = field(default_factory=Stages)

    def images(
        self, frames: Iterable[Frame], see: Callable[[Frame, Image], None] = lambda frame, image: None
    ) -> Iterator[Image]:
        """Yield each frame of one video, ready for the networks, once `see` was handed both.

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
                image = resized(pixels, self.resize, self.dtype, place)
            see(frame, image)
            yield image

    def detect(self, carried: Carried, images: Sequence[Image], distances: Sequence[int]) -> list[Detections]:
        """What the task network finds in features `(B, C, h, w)` of B images of one size; remainders move its boxes.

        distances: frames from each image to the keyframe its feature came from.
        """
        features, remainders = carried
        height, width = images[0].pixels.shape[2:]
        view = View(height, width, images[0].scale)
        with self.stage("forward"):
            scored = self.network.task.score(features.float(), view)
        with self.stage("postprocess"):
            found = [self.network.task.select(each, view, self.rules) for each in scored]
        with self.stage("transfer"):
            here = [Found(each.boxes.float().cpu(), each.scores.cpu(), each.labels.cpu()) for each in found]
        with self.stage("postprocess"):
            left = [None] * len(images) if remainders is None else list(remainders)
            return [self._answer(*each) for each in zip(here, images, distances, left, strict=True)]

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

    def _answer(self, found: Found, image: Image, distance: int, remainder: Tensor | None) -> Detections:
        boxes = from_inclusive(found.boxes.numpy())
        if remainder is not None:
            cell = self.network.feature.stride / image.scale
            left = cell * means_in_boxes(remainder.float().cpu().numpy(), boxes / cell)  # (N, 2)
            boxes = (boxes - np.tile(left, 2)).astype(boxes.dtype)
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

    @property
    def classes(self) -> Sequence[ObjectClass]:
        """Those of the network, where there is no index."""
        return self.engine.classes

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


def batched(items: Iterable[T], n: int) -> Iterator[list[T]]:
    """Yield lists of `n` items, the last one maybe shorter."""
    source = iter(items)
    while batch := list(islice(source, n)):
        yield batch
