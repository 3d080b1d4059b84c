"""The networks from Python: a detector from a checkpoint, its answers for a video file, pictures of its weight maps."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from impnet_model.flows.warp import flow_warp as flow_warp
from impnet_model.methods import method_with, part_of
from impnet_model.nets.network import ImpressionNetwork as ImpressionNetwork
from impnet_model.weights.checkpoints import Checkpoint as Checkpoint
from impnet_model.weights.checkpoints import load as load
from impnet_model.weights.checkpoints import save as save
from vidkit.data.footage import frames_of
from vidkit.detections import Detections
from vidkit.files import writing
from vidkit.harness.detector import Detector, DetectorContext, Weighing
from vidkit.harness.detector_options import call, options_of
from vidkit.pictures.heat_maps import picture
from vidkit.segments import check_key_id


def load_detector(checkpoint: str | Path, method: str = "impression", device: str = "cpu", **options: Any) -> Detector:
    """A detector over a checkpoint; its class ids are those of the checkpoint, see `class_names`.

    options: as `vidkit plugins` lists them, such as length=5. Raises ChoiceError for an unknown method, FormatError for
    what is no checkpoint, DetectorError where the two don't fit.
    """
    factory, path = part_of(method, "detector"), Path(checkpoint)
    detector: Detector = call(factory, DetectorContext(load(path).classes, device, path), options)
    return detector


def load_live_detector(
    checkpoint: str | Path, method: str = "impression", device: str = "cpu", length: int = 10, **options: Any
) -> Detector:
    """A detector whose segments of `length` frames begin with their keyframe, so that none waits for a later frame.

    Of the methods that stream, see `methods.Method`. Errors as of `load_detector`.
    """
    method_with(method, "streams")
    known = options_of(part_of(method, "detector"))
    live = {name: value for name, value in (("length", length), ("key_id", 0)) if name in known}
    return load_detector(checkpoint, method, device, **live, **options)


def class_names(checkpoint: str | Path) -> tuple[str, ...]:
    """The names of a checkpoint's classes, in the order of their ids."""
    return tuple(each.name for each in load(Path(checkpoint)).classes)


def detect_video(detector: Detector, source: str | Path) -> Iterator[Detections]:
    """Yield the detections of each frame of a video file, or of the "camera", in order.

    Raises FrameError where the source can't be read.
    """
    return detector.detect(frames_of(source))


def detect_live(
    detector: Detector, source: str | Path, limit: int | None = None
) -> Iterator[tuple[NDArray[np.uint8], Detections]]:
    """Yield each of the first `limit` frames of a source with its detections, by a detector without look-ahead."""
    last: list[NDArray[np.uint8]] = []

    def taken() -> Iterator[NDArray[np.uint8]]:
        for frame in islice(frames_of(source), limit):
            last[:] = [frame]
            yield frame

    for answer in detector.detect(taken()):
        yield last[0], answer  # the frame that was taken last is the one that is answered


@dataclass(frozen=True)
class DrawnWeights:
    """The weight map of a keyframe, and the picture of it."""

    frame: int
    mean: float
    lowest: float
    highest: float
    picture: str
    """The file's name."""


def draw_weight_maps(
    checkpoint: str | Path,
    source: str | Path,
    folder: Path,
    length: int = 10,
    key_id: int | None = None,
    limit: int | None = None,
) -> tuple[float, list[DrawnWeights]]:
    """Write a picture of the weight map of every keyframe of a video but the first (Impression Network, Fig. 4).

    What comes back is the reach of their common scale, full colour at 0.5 ± reach, and a row for each picture. Only the
    first `limit` frames are taken. Raises ValueError for a key_id outside the segment, and as `load_detector` does.
    """
    key_id = check_key_id(length, key_id)
    detector = cast(Weighing, load_detector(checkpoint, "impression", length=length, key_id=key_id))
    frames = list(islice(frames_of(source), limit))
    maps = list(detector.keyframe_weights(frames))[1:]  # the first keyframe has nothing to be fused with
    reach = max((float(np.abs(each.weight - 0.5).max()) for each in maps), default=0.0)
    rows = []
    for each in maps:
        path, w = folder / f"{each.frame:06d}.png", each.weight
        with writing(path) as part:
            Image.fromarray(picture(frames[each.frame], w, reach, each.cell)).save(part, format="png")
        rows.append(DrawnWeights(each.frame, float(w.mean()), float(w.min()), float(w.max()), path.name))
    return reach, rows
