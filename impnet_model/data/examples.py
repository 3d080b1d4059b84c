"""From an index and a sampler to batches of tensors: frames decoded, resized, flipped all alike, boxes along with them.

A sample is a pure function of its step in the sampler's endless stream; so workers, processes and resumed runs only
choose which steps they ask for. Boxes have inclusive corners in pixels of the resized image, as the detection head
counts them.
"""

from __future__ import annotations

import atexit
import os
import signal
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from multiprocessing import resource_tracker
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from impnet_model.data.frame_cache import FrameCache
from impnet_model.data.images import GREY_MEAN, resized_levels
from impnet_model.data.resize import Resize
from vidkit.boxes import to_inclusive
from vidkit.data.frames import frame as read_frame
from vidkit.data.index import Index
from vidkit.sampling.samplers import Sampler

E = TypeVar("E")
B = TypeVar("B")


@dataclass(frozen=True, eq=False)
class Example:
    """One sample: R frames of a video in the order of the sampler's roles."""

    images: Tensor
    """`(R, 3, h, w)` uint8 RGB, resized."""
    boxes: Tensor
    """`(G, 4)` float32: the objects of the current frame."""
    classes: Tensor
    """`(G,)` int64, from 0."""
    rows: Tensor
    """`(R,)` int64: frame rows within the index; equal rows are equal images."""
    step: int
    """Its step in the stream."""
    seed: int
    """For whatever else is drawn for this sample: its anchors."""
    flipped: bool
    source: int
    """Which of the indices it is from."""


@dataclass(frozen=True, eq=False)
class Batch:
    """B samples; smaller images are filled up at the right and at the bottom."""

    images: Tensor
    """`(B, R, 3, H, W)` uint8."""
    sizes: list[tuple[int, int]]
    """Height and width of each sample's own images."""
    boxes: list[Tensor]
    classes: list[Tensor]
    rows: Tensor
    """`(B, R)`."""
    steps: list[int]
    seeds: list[int]

    def __len__(self) -> int:
        return len(self.steps)

    def to(self, device: torch.device) -> Batch:
        """The batch on a device."""
        return each_tensor(self, lambda tensor: tensor.to(device, non_blocking=True))

    def pin_memory(self) -> Batch:
        """The batch in memory from which a GPU copies by itself: what DataLoader asks for."""
        return each_tensor(self, Tensor.pin_memory)

    def pixels(self) -> Tensor:
        """The images `(B, R, 3, H, W)` in grey levels minus `GREY_MEAN`, filled up with 0."""
        levels = centred(self.images)
        for image, (height, width) in zip(levels, self.sizes, strict=True):
            image[..., height:, :] = 0
            image[..., width:] = 0
        return levels


def each_tensor(batch: B, change: Callable[[Tensor], Tensor]) -> B:
    """A batch, that is a dataclass, with each of its tensors changed, those in lists too."""

    def changed(value: Any) -> Any:
        if isinstance(value, list):
            return [changed(each) for each in value]
        return change(value) if isinstance(value, Tensor) else value

    return replace(batch, **{name: changed(value) for name, value in vars(batch).items()})  # type: ignore[type-var]


def centred(images: Tensor) -> Tensor:
    """Images `(…, 3, H, W)` of grey levels, uint8, minus `GREY_MEAN`: what the networks see."""
    return images.float() - torch.tensor(GREY_MEAN, device=images.device).view(3, 1, 1)


class Examples(Dataset[Example]):
    """The samples of a sampler as tensors; `examples[step]` is that of a step of its endless stream.

    indices: those that the sampler was made from. flips: the share of samples that are mirrored, all their frames and
    boxes. roots: where the frames of each index were moved to, None where they stayed. caches: for each index its
    frames, decoded and resized already, or None. jitter: how far brightness and contrast of a sample may be changed,
    as a share of them, in all its frames alike.

    Raises FrameError for a frame that can't be read.
    """

    def __init__(
        self,
        indices: Sequence[Index],
        sampler: Sampler,
        resize: Resize,
        flips: float = 0.5,
        roots: Sequence[Path | None] | None = None,
        caches: Sequence[FrameCache | None] | None = None,
        jitter: float = 0.0,
    ) -> None:
        self.indices, self.sampler, self.resize, self.flips, self.jitter = indices, sampler, resize, flips, jitter
        self.roots = [None] * len(indices) if roots is None else roots
        self.caches = [None] * len(indices) if caches is None else caches

    def __getitem__(self, step: int) -> Example:
        """One sample."""
        sample = self.sampler.at(step)
        index = self.indices[sample.source]
        rng = self.sampler.generator(*divmod(step, len(self.sampler)))
        flipped, seed = bool(rng.random() < self.flips), int(rng.integers(2**62))
        images = {row: self.image(sample.source, row) for row in sample.frames}  # each frame once
        pixels, scale = images[sample.current]
        boxes, classes = truth_of(index, sample.current, scale)
        stacked = torch.stack([images[row][0] for row in sample.frames])  # (R, 3, h, w)
        if flipped:
            stacked, boxes = stacked.flip(-1), flip_boxes(boxes, pixels.shape[2], scale)
        if self.jitter:
            stacked = with_light(stacked, *rng.uniform(1 - self.jitter, 1 + self.jitter, 2).tolist())
        rows = torch.tensor(sample.frames)
        return Example(stacked, boxes, classes, rows, step, seed, flipped, sample.source)

    def image(self, source: int, row: int) -> tuple[Tensor, float]:
        """A frame `(3, h, w)` uint8, resized, and the scale."""
        cache = self.caches[source]
        if cache is not None:
            return cache[row]
        return resized_levels(read_frame(self.indices[source], row, self.roots[source]), self.resize)


def truth_of(index: Index, row: int, scale: float) -> tuple[Tensor, Tensor]:
    """The boxes `(G, 4)` of a frame in pixels of the resized image, inclusive, and their classes `(G,)`.

    Boxes are cut to the frame, as in the published code; what lies outside altogether is left out.
    """
    rows = index.instances_of(row)
    width, height = index.video_size[index.frame_video[row]]
    boxes = to_inclusive(np.asarray(index.box[rows], np.float64))
    kept = (boxes[:, 2:] >= boxes[:, :2]).all(axis=1)
    if width and height:
        last = np.array([width, height]) - 1
        kept &= (boxes[:, :2] <= last).all(axis=1) & (boxes[:, 2:] >= 0).all(axis=1)
        boxes = np.clip(boxes, 0, np.tile(last, 2))
    return (
        torch.from_numpy((boxes[kept] * scale).astype(np.float32)),
        torch.from_numpy(index.class_id[rows][kept].astype(np.int64)),
    )


def flip_boxes(boxes: Tensor, width: int, scale: float) -> Tensor:
    """Boxes `(G, 4)` in the mirrored image of `width` columns, resized by `scale`.

    A box ends at `(x2 + 1) * scale` columns of the resized image; so x1' = width - x2 - scale, in scaled corners.
    """
    return torch.stack([width - scale - boxes[:, 2], boxes[:, 1], width - scale - boxes[:, 0], boxes[:, 3]], dim=1)


MIDDLE_GREY = 128


def with_light(images: Tensor, brightness: float, contrast: float) -> Tensor:
    """Images of grey levels, uint8 of any shape, each level v changed to (b v - 128) c + 128, rounded and cut.

    b is brightness, c contrast, 1 for what leaves them as they are. The change depends on nothing but the level, so it
    is the same in all frames.
    """
    levels = np.arange(256) * brightness
    changed = ((levels - MIDDLE_GREY) * contrast + MIDDLE_GREY).round().clip(0, 255).astype(np.uint8)
    return torch.from_numpy(changed[images.numpy()])


def collate(examples: Sequence[Example]) -> Batch:
    """Samples as one batch."""
    sizes = [(each.images.shape[2], each.images.shape[3]) for each in examples]
    height, width = (max(side) for side in zip(*sizes, strict=True))
    images = examples[0].images.new_zeros(len(examples), len(examples[0].images), 3, height, width)
    for place, (each, (h, w)) in enumerate(zip(examples, sizes, strict=True)):
        images[place, :, :, :h, :w] = each.images
    return Batch(
        images,
        sizes,
        [each.boxes for each in examples],
        [each.classes for each in examples],
        torch.stack([each.rows for each in examples]),
        [each.step for each in examples],
        [each.seed for each in examples],
    )


def loader(
    examples: Dataset[E],
    passes: Iterable[list[int]],
    collate: Callable[[list[E]], B],
    workers: int = 0,
    pin: bool = False,
) -> Iterator[B]:
    """The passes of one process, one after the other; workers: processes that decode, 0 for this one itself."""
    made: DataLoader[Any] = DataLoader(
        examples,
        batch_sampler=passes,
        num_workers=workers,
        collate_fn=collate,
        worker_init_fn=_leave_at_once,
        pin_memory=pin,
        prefetch_factor=4 if workers else None,
        generator=torch.Generator(),  # the loader draws a seed for its workers: not from the global one
        multiprocessing_context="spawn" if workers else None,
    )
    with _interrupts_left_to_parent():
        return iter(made)


def _leave_at_once(_worker: int) -> None:
    """Let a process that loads data end without taking down its interpreter first.

    The thread of its queue may be letting go of a tensor just then, at which PyTorch aborts now and then.
    """
    atexit.register(os._exit, 0)


@contextmanager
def _interrupts_left_to_parent() -> Iterator[None]:
    """Block Ctrl-C, which a terminal sends to all processes, while others are started: they keep it blocked from their
    first moment on. What comes meanwhile reaches this process afterwards."""
    resource_tracker.ensure_running()  # its start, when it is needed, ends the blocking
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
