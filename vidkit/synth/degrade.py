"""Real video made worse where and as much as a seed says: bursts of defocus, of motion blur, of low light.

The truth stays as it is. What was done to each frame is recorded, so that `vidkit eval --by degraded` tells sharp
frames from the others.
"""

import os
import shutil
import zlib
from collections.abc import Iterator
from concurrent.futures import BrokenExecutor, ProcessPoolExecutor
from dataclasses import dataclass, replace
from io import BytesIO
from multiprocessing import get_context
from pathlib import Path, PurePosixPath
from typing import Literal, NamedTuple, get_args

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from vidkit.data.frames import Frame, frames_of, has_frames
from vidkit.data.index import FOLDER, FrameFiles, Index
from vidkit.data.index_file import write_index
from vidkit.errors import ArgumentError, FrameError, VidkitError
from vidkit.synth.dials import REFERENCE_SIDE
from vidkit.synth.scene import defocus_bursts

Kind = Literal["defocus", "motion-blur", "low-light"]
KINDS: tuple[Kind, ...] = get_args(Kind)
QUALITY = 95
"""JPEG quality of every frame that is written; a frame in low light went through `LOW_QUALITY` before."""
DEFOCUS_SIGMA = (1.0, 2.0)  # pixels at a shorter side of 128
BLUR_LENGTH = (3.0, 7.0)  # pixels at a shorter side of 128
LOW_GAIN, LOW_NOISE, LOW_QUALITY = (0.15, 0.35), (6.0, 14.0), 15
_NO_KIND = "none"


@dataclass(frozen=True)
class Degradation:
    """What is done: kinds of bursts, each burst of one kind; the share of frames in bursts; how strong; the seed."""

    kinds: tuple[Kind, ...] = KINDS
    share: float = 0.4
    strength: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        if not self.kinds or set(self.kinds) - set(KINDS):
            raise ArgumentError(f"kinds {', '.join(self.kinds) or 'none'}: wanted some of {', '.join(KINDS)}")
        if not 0 <= self.share <= 0.8:  # the bursts have at least one sharp frame between them
            raise ArgumentError(f"share {self.share}: wanted 0 … 0.8")
        if not 0 < self.strength <= 10 or self.seed < 0:
            raise ArgumentError(f"strength {self.strength}, seed {self.seed}: wanted 0 … 10, and 0 or more")


class Plan(NamedTuple):
    """What is done to the F frames of a video."""

    kind: NDArray[np.int64]  # (F,) place in `Degradation.kinds`, -1: nothing
    amount: NDArray[np.float64]  # (F,) 0 … 1, between the ends of a kind's range; 0 where nothing is done
    angle: NDArray[np.float64]  # (F,) of a blur where the camera stands still, in radians


def plan_of(video: str, frames: int, degradation: Degradation) -> Plan:
    """The plan of a video of so many frames, a pure function of its name, its length and the degradation."""
    draw = np.random.default_rng([degradation.seed, zlib.crc32(video.encode())])
    burst = defocus_bursts(frames, degradation.share, 1.0, draw)  # 0.6 … 1.47 within a burst
    begins = (burst > 0) & (np.append(0, burst[:-1]) == 0)
    of_burst = draw.integers(0, len(degradation.kinds), int(begins.sum()) + 1)
    angles = draw.uniform(0, np.pi, int(begins.sum()) + 1)
    which = np.maximum(np.cumsum(begins) - 1, 0)
    return Plan(
        kind=np.where(burst > 0, of_burst[which], -1),
        amount=np.where(burst > 0, np.clip((burst - 0.6) / (1.47 - 0.6), 0, 1), 0.0),
        angle=angles[which],
    )


def degrade(
    index: Index,
    out: Path,
    degradation: Degradation,
    frames_root: Path | None = None,
    workers: int = 1,
) -> Iterator[str]:
    """Write the frames of `index` and the index that goes with them below `out`; yield each video as it is done.

    `out` appears when the last video has been taken from the iterator, whole or not at all: `DATASET_SPLIT.h5` and
    `frames/VIDEO/000000.jpg`. The index has the truth of the given one and, of frames, the attributes `degraded` (0 or
    1), `degradation` (a kind) and `degradation_amount`. The same arguments give the same bytes with any number of
    workers, on one machine with one version of numpy and Pillow.

    Raises VidkitError if `out` is there already or can't be written, FrameError where frames are missing.
    """
    if out.exists():
        raise VidkitError(f"{out}: is there already; choose another folder")
    for name in index.video_name:
        if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
            raise VidkitError(f"video {name!r}: its name leads out of {out}")
    if missing := [name for video, name in enumerate(index.video_name) if not has_frames(index, video)]:
        raise FrameError(f"video {missing[0]}: no known frames, so there is nothing to degrade")
    part = out.with_name(f"{out.name}.{os.getpid()}.part")
    try:
        yield from _write_videos(index, part, degradation, frames_root, workers)
        write_index(part / f"{index.dataset}_{index.split}.h5", _degraded(index, out, degradation))
        part.replace(out)
    except (OSError, BrokenExecutor) as error:
        raise VidkitError(f"{out}: can't be written: {error}") from None
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _write_videos(
    index: Index, root: Path, degradation: Degradation, frames_root: Path | None, workers: int
) -> Iterator[str]:
    jobs = [(index, video, root, degradation, frames_root) for video in range(index.n_videos)]
    if workers <= 1:
        yield from map(_write_video, jobs)
        return
    with ProcessPoolExecutor(workers, get_context("spawn")) as pool:
        try:
            yield from pool.map(_write_video, jobs)
        finally:
            pool.shutdown(cancel_futures=True)


def _write_video(job: tuple[Index, int, Path, Degradation, Path | None]) -> str:
    index, video, root, degradation, frames_root = job
    name = index.video_name[video]
    plan = plan_of(name, len(index.frames_of(video)), degradation)
    folder = root / "frames" / name
    folder.mkdir(parents=True)
    before: Frame | None = None
    for row, frame in enumerate(frames_of(index, video, frames_root)):
        draw = np.random.default_rng([degradation.seed, zlib.crc32(name.encode()), row])
        worse = degraded_frame(frame, before, row, plan, degradation, draw)
        number = int(index.frame_number[index.frame_start[video] + row])
        Image.fromarray(worse).save(folder / f"{number:06d}.jpg", quality=QUALITY, subsampling=0)
        before = frame
    return name


def _degraded(index: Index, out: Path, degradation: Degradation) -> Index:
    """The index of the frames that were written below `out`."""
    plans = [plan_of(name, len(index.frames_of(video)), degradation) for video, name in enumerate(index.video_name)]
    kind = np.concatenate([np.zeros(0, np.int64), *(plan.kind for plan in plans)])
    names = np.array([*degradation.kinds, _NO_KIND], "S")
    return replace(
        index,
        frame_attributes={
            **index.frame_attributes,
            "degraded": (kind >= 0).astype(np.float64),
            "degradation": names[kind],  # -1 is the last
            "degradation_amount": np.concatenate([np.zeros(0), *(plan.amount for plan in plans)]),
        },
        files=FrameFiles(
            root=str((out / "frames").resolve()),
            kind=(FOLDER,) * index.n_videos,
            source=index.video_name,
            pattern=("{:06d}.jpg",) * index.n_videos,
        ),
    )


# -- one frame ---------------------------------------------------------------------------------------------------------


def degraded_frame(
    frame: Frame, before: Frame | None, row: int, plan: Plan, degradation: Degradation, draw: Generator
) -> Frame:
    """Frame number `row` of a video, after the frame `before`, as the plan has it."""
    if plan.kind[row] < 0:
        return frame
    kind, amount = degradation.kinds[plan.kind[row]], float(plan.amount[row])
    unit = min(frame.shape[:2]) / REFERENCE_SIDE * degradation.strength
    if kind == "defocus":
        return _defocused(frame, _between(DEFOCUS_SIGMA, amount) * unit)
    if kind == "motion-blur":
        step = None if before is None else camera_step(before, frame)
        angle = float(plan.angle[row]) if step is None else float(np.arctan2(step[1], step[0]))
        return motion_blurred(frame, _between(BLUR_LENGTH, amount) * unit, angle)
    return _dark(frame, amount, degradation.strength, draw)


def _between(ends: tuple[float, float], amount: float) -> float:
    return ends[0] + (ends[1] - ends[0]) * amount


def _defocused(frame: Frame, sigma: float) -> Frame:
    return np.asarray(Image.fromarray(frame).filter(ImageFilter.GaussianBlur(sigma)), np.uint8)


def motion_blurred(frame: Frame, length: float, angle: float) -> Frame:
    """The frame seen while it moves by `length` pixels along `angle` radians: the mean of its shifted copies."""
    steps = max(2, int(np.ceil(length)) + 1)
    way = np.linspace(-length / 2, length / 2, steps)
    picture = Image.fromarray(frame)
    total = np.zeros(frame.shape, np.float64)
    for along in way:
        shift = (1, 0, float(along * np.cos(angle)), 0, 1, float(along * np.sin(angle)))
        total += _shifted(picture, shift)
    return np.clip(np.rint(total / steps), 0, 255).astype(np.uint8)


def _shifted(picture: Image.Image, shift: tuple[float, ...]) -> NDArray[np.float64]:
    """A shifted copy; beyond the picture its border goes on."""
    pad = int(np.ceil(max(abs(shift[2]), abs(shift[5])))) + 1
    wide = Image.fromarray(np.pad(np.asarray(picture), ((pad, pad), (pad, pad), (0, 0)), mode="edge"))
    moved = np.asarray(wide.transform(wide.size, Image.Transform.AFFINE, shift, Image.Resampling.BILINEAR), np.float64)
    return moved[pad:-pad, pad:-pad]


def _dark(frame: Frame, amount: float, strength: float, draw: Generator) -> Frame:
    """The frame in low light: less of it, the sensor's noise, and what a low bit rate leaves."""
    gain = _between((LOW_GAIN[1], LOW_GAIN[0]), amount) / max(strength, 1.0)
    noise = _between(LOW_NOISE, amount) * strength
    seen = frame * gain + draw.normal(0, noise, frame.shape)
    content = BytesIO()
    Image.fromarray(np.clip(np.rint(seen), 0, 255).astype(np.uint8)).save(content, "JPEG", quality=LOW_QUALITY)
    return np.asarray(Image.open(content).convert("RGB"), np.uint8)


def camera_step(before: Frame, now: Frame) -> tuple[float, float] | None:
    """How far the picture moved (x, y) in pixels, by phase correlation; None where it stands still or can't be told."""
    a, b = (np.asarray(Image.fromarray(f).convert("L"), np.float64) for f in (before, now))
    if a.shape != b.shape:
        return None
    spectrum = np.fft.rfft2(b - b.mean()) * np.conj(np.fft.rfft2(a - a.mean()))
    size = np.abs(spectrum)
    if not size.any():
        return None
    peak = np.fft.irfft2(spectrum / np.maximum(size, 1e-9), a.shape)
    y, x = np.unravel_index(int(peak.argmax()), a.shape)
    dy, dx = (int(v) - n if v > n // 2 else int(v) for v, n in zip((y, x), a.shape, strict=True))
    return None if dx == 0 and dy == 0 else (float(dx), float(dy))
