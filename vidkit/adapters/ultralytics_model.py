"""ultralytics' detectors: the YOLO family and RT-DETR, from a checkpoint or with random weights."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from vidkit.adapters.class_names import ClassNames, labels_of, match, read_pairs
from vidkit.classes import ObjectClass
from vidkit.detections import Detections
from vidkit.errors import DetectorError, MissingLibraryError
from vidkit.harness.detector import Detector, DetectorContext, Image

try:
    import torch
    from ultralytics import YOLO
    from ultralytics import __version__ as ultralytics_version
except ModuleNotFoundError as error:
    raise MissingLibraryError(f'{error.name} is not installed: pip install "vidkit-vod[ultralytics]"') from error

from vidkit.adapters.torch_device import device_of, wait_for

WITH_BOXES = ("detect", "segment", "pose")
"""Tasks of ultralytics whose results have upright boxes."""


def ultralytics(
    context: DetectorContext,
    *,
    trust_pickle: bool = False,
    model: str | None = None,
    labels: Literal["index"] | Path | None = None,
    classes: Path | None = None,
    input_size: int = 640,
    score_threshold: float = 0.001,
    nms_iou: float = 0.7,
    max_detections: int = 300,
) -> Detector:
    """A detector of ultralytics: --checkpoint YOLO.pt with trust_pickle=true, or model=yolov8n.yaml, random weights.

    trust_pickle: its checkpoints are pickles, which run whatever they name; true says that you trust who made the file.
    labels: a file with the names of its labels where its own aren't wanted, or "index". classes: a file that says which
    of its classes is which of the index's. The others are ultralytics' imgsz, conf, iou and max_det.
    """
    if (context.checkpoint is None) == (model is None):
        raise DetectorError(
            "ultralytics: give --checkpoint FILE.pt, or --option model=NAME.yaml for random weights; not both"
        )
    _check_numbers(input_size, score_threshold, nms_iou, max_detections)
    device = device_of(context.device)
    network = _of_checkpoint(context.checkpoint, trust_pickle) if context.checkpoint else _of_name(str(model))
    if network.task not in WITH_BOXES:
        raise DetectorError(f"ultralytics: made for the task {network.task!r}; wanted one of {', '.join(WITH_BOXES)}")
    own = dict(network.names)
    names = labels_of(labels, context.classes) or tuple(str(own.get(n, "N/A")) for n in range(max(own, default=-1) + 1))
    return UltralyticsDetector(
        context.checkpoint.stem if context.checkpoint else Path(str(model)).stem,
        network,
        device,
        match(names, context.classes, read_pairs(classes), may_miss=model is not None),
        {"imgsz": input_size, "conf": score_threshold, "iou": nms_iou, "max_det": max_detections},
        context.checkpoint.name if context.checkpoint else "random",
    )


@dataclass(frozen=True, eq=False)
class UltralyticsDetector:
    """A network of ultralytics, asked to predict for each frame: it takes no frame ahead.

    It takes arrays as BGR. Its boxes are corners with continuous edges, in pixels of the image as it was handed over:
    vidkit's convention.
    """

    name: str
    network: YOLO
    device: torch.device
    class_names: ClassNames
    settings: Mapping[str, Any]
    weights: str
    seconds: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))

    def detect(self, frames: Iterable[Image]) -> Iterator[Detections]:
        """Yield what the network finds in each frame."""
        return map(self.answer, frames)

    def answer(self, frame: Image) -> Detections:
        """Return what the network finds in one frame."""
        bgr = np.ascontiguousarray(frame[..., ::-1])
        (result,) = self.network.predict(bgr, device=str(self.device), verbose=False, save=False, **self.settings)
        for stage, name in (("preprocess", "preprocess"), ("inference", "forward"), ("postprocess", "postprocess")):
            self.seconds[f"{name}_seconds"] += result.speed[stage] / 1000
        boxes, scores, labels = (
            column.cpu().numpy() for column in (result.boxes.xyxy, result.boxes.conf, result.boxes.cls)
        )
        return self.class_names.detections(boxes, scores, labels.astype(np.int64), frame.shape[1], frame.shape[0])

    @property
    def classes(self) -> Sequence[ObjectClass]:
        """Its own classes, where there is no index."""
        return self.class_names.own

    def synchronize(self) -> None:
        """Wait for the device."""
        wait_for(self.device)

    def describe(self) -> Mapping[str, str | int]:
        """Return what the speed depends on, and which class went where."""
        name = {"device": torch.cuda.get_device_name(self.device)} if self.device.type == "cuda" else {}
        return {
            **name,
            "ultralytics": str(ultralytics_version),
            "weights": self.weights,
            "precision": "float32",
            "batch": 1,
            "input_size": f"longer side {self.settings['imgsz']}",
            **self.class_names.describe(),
        }

    def measurements(self) -> Mapping[str, float]:
        """Return the seconds that ultralytics says its stages took so far."""
        return dict(self.seconds)


def _of_checkpoint(path: Path, trusted: bool) -> YOLO:
    """Return the network in a checkpoint; only where it is trusted is it read at all."""
    if path.suffix == ".onnx":
        raise DetectorError(f"{path}: run it without ultralytics: vidkit benchmark onnx --checkpoint {path}")
    if path.suffix != ".pt":
        raise DetectorError(f"{path}: wanted a checkpoint of ultralytics, FILE.pt")
    if not trusted:
        raise DetectorError(
            f"{path}: a checkpoint of ultralytics is a pickle, and reading it runs whatever it names. If you trust who "
            "made it: --option trust_pickle=true. If not: have it exported where it was made (`yolo export "
            f"model={path.name} format=onnx`), and run `vidkit benchmark onnx --checkpoint {path.stem}.onnx`"
        )
    try:
        return YOLO(path)
    except Exception as error:
        raise DetectorError(f"{path}: ultralytics can't load it: {str(error).strip()[:500]}") from error


def _of_name(name: str) -> YOLO:
    """Return one of ultralytics' own architectures with the same random weights each time.

    A file of one's own isn't taken: parts of it would be run as a program.
    """
    if not re.fullmatch(r"[\w-]+\.yaml", name) or Path(name).exists():
        raise DetectorError(
            f"option 'model': {name!r}; wanted the name of one of ultralytics' models, such as yolov8n.yaml"
        )
    try:
        with torch.random.fork_rng():
            torch.manual_seed(0)
            return YOLO(name)
    except Exception as error:
        raise DetectorError(f"option 'model': {name!r}: {str(error).strip()[:500]}") from error


def _check_numbers(input_size: int, score_threshold: float, nms_iou: float, max_detections: int) -> None:
    for option, holds, wanted in (
        ("input_size", 32 <= input_size <= 8192, "32 … 8192 pixels"),
        ("score_threshold", 0 <= score_threshold <= 1, "0 … 1"),
        ("nms_iou", 0 <= nms_iou <= 1, "0 … 1"),
        ("max_detections", max_detections >= 1, "1 or more"),
    ):
        if not holds:
            raise DetectorError(f"option {option!r}: wanted {wanted}")
