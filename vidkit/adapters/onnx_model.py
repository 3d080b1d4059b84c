"""A detector in an ONNX file, run by onnxruntime."""

from __future__ import annotations

import ast
import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from vidkit.adapters.class_names import ClassNames, labels_of, match, read_pairs
from vidkit.adapters.layouts import BOX_FORMATS, BoxFormat, Layout, ScoredBoxes, corners, read, told_by
from vidkit.adapters.placement import Placement, letterboxed, stretched, unchanged
from vidkit.adapters.suppression import suppressed
from vidkit.classes import ObjectClass
from vidkit.detections import Detections
from vidkit.errors import DetectorError, MissingLibraryError
from vidkit.harness.detector import Detector, DetectorContext, Image

try:
    import onnxruntime as ort
except ModuleNotFoundError as error:
    raise MissingLibraryError(f'{error.name} is not installed: pip install "vidkit-vod[onnx]"') from error

Resize = Literal["letterbox", "stretch", "keep"]
TYPES: Mapping[str, type[np.generic]] = {
    "tensor(float)": np.float32,
    "tensor(float16)": np.float16,
    "tensor(uint8)": np.uint8,
}
YOLO_SIZE = (640, 640)
LONGEST_NAMES = 200_000  # characters of a model's list of names


def onnx(
    context: DetectorContext,
    *,
    layout: Layout | None = None,
    labels: Literal["index"] | Path | None = None,
    classes: Path | None = None,
    resize: Resize | None = None,
    input_size: str | None = None,
    pixels: Literal["0-1", "0-255"] = "0-1",
    mean: str = "0,0,0",
    std: str = "1,1,1",
    channels: Literal["rgb", "bgr"] = "rgb",
    box_format: BoxFormat | None = None,
    relative: bool = False,
    score_threshold: float = 0.001,
    nms_iou: float = 0.7,
    max_detections: int = 300,
    threads: int = 0,
) -> Detector:
    """A model in an ONNX file, by onnxruntime; needs --checkpoint MODEL.onnx.

    layout, labels: what its outputs are (see `vidkit.adapters.layouts`), and a file with the names of its labels, or
    "index" where they are the index's classes in order; both needn't be given for models that tell them. classes: a
    file that says which of its classes is which of the index's. resize, input_size ("640x480"): how a frame becomes its
    input. pixels, mean, std, channels: (pixel / 255 or pixel, - mean) / std, channel by channel. relative: boxes are
    shares of the input, not pixels. nms_iou, max_detections: for the layouts before suppression. threads: 0 for as many
    as onnxruntime takes.
    """
    if context.checkpoint is None:
        raise DetectorError("onnx: give the model, --checkpoint MODEL.onnx")
    _check_numbers(score_threshold, nms_iou, max_detections, threads)
    session = _session(context.checkpoint, context.device, threads)
    entry = Entry.of(session)
    metadata = dict(session.get_modelmeta().custom_metadata_map)
    outputs = tuple(output.name for output in session.get_outputs())
    layout = layout or told_by(dict.fromkeys(outputs), metadata)
    if layout is None:
        said = ", ".join(f"{output.name} {output.type} {output.shape}" for output in session.get_outputs())
        raise DetectorError(
            f"{context.checkpoint}: puts out {said}; say what that is by --option "
            "layout=boxes-scores-labels|yolo|yolov5|rows"
        )
    names = labels_of(labels, context.classes) or _labels_told(metadata, context.checkpoint)
    resize = resize or ("letterbox" if layout != "boxes-scores-labels" else "keep" if entry.size is None else "stretch")
    return OnnxDetector(
        context.checkpoint.stem,
        session,
        entry,
        _placement(resize, _input_size(input_size, entry, resize)),
        _normalise(pixels, mean, std, channels, entry),
        Reading(layout, box_format or BOX_FORMATS[layout], relative, score_threshold, nms_iou, max_detections),
        match(names, context.classes, read_pairs(classes)),
    )


@dataclass(frozen=True)
class Entry:
    """What a model takes in: one image of 3 channels, first or last, with or without a batch of one before it."""

    name: str
    dtype: type[np.generic]
    channels_first: bool
    batch: bool
    size: tuple[int, int] | None
    """(width, height), None where it takes any."""

    @classmethod
    def of(cls, session: ort.InferenceSession) -> Entry:
        """Return the entry of a model. Raises DetectorError if it takes something else than one image."""
        inputs = session.get_inputs()
        said = ", ".join(f"{each.name} {each.type} {each.shape}" for each in inputs)
        shape = list(inputs[0].shape) if len(inputs) == 1 else []
        batch = len(shape) == 4
        image = shape[1:] if batch else shape
        fits = len(image) == 3 and inputs[0].type in TYPES and (not batch or shape[0] == 1 or _is_free(shape[0]))
        last = fits and image[2] == 3 and image[0] != 3
        if not fits or not (last or image[0] == 3 or _is_free(image[0])):
            raise DetectorError(
                f"the model takes {said or 'nothing'}; wanted one image: float, float16 or uint8, "
                "(1, 3, H, W), (1, H, W, 3), (3, H, W) or (H, W, 3)"
            )
        height, width = image[:2] if last else image[1:]
        size = None if _is_free(height) or _is_free(width) else (int(width), int(height))
        return cls(inputs[0].name, TYPES[inputs[0].type], not last, batch, size)


@dataclass(frozen=True)
class Reading:
    """How outputs become boxes in pixels of the input, with scores and labels."""

    layout: Layout
    box_format: BoxFormat
    relative: bool
    score_threshold: float
    nms_iou: float
    max_detections: int

    def candidates(self, outputs: Mapping[str, NDArray[Any]], n_labels: int, width: int, height: int) -> ScoredBoxes:
        """Return what is found in an input of `width` by `height` pixels."""
        found = read(outputs, self.layout, n_labels, self.score_threshold)
        boxes = corners(found.boxes, self.box_format)
        if self.relative:
            boxes = boxes * np.array([width, height, width, height], np.float32)
        found = ScoredBoxes(boxes, found.scores, found.labels)
        if self.layout in ("yolo", "yolov5"):
            kept = suppressed(*found, self.nms_iou, self.max_detections)
            found = ScoredBoxes(found.boxes[kept], found.scores[kept], found.labels[kept])
        return found


@dataclass(frozen=True, eq=False)
class OnnxDetector:
    """A session of onnxruntime, called for each frame: it takes no frame ahead."""

    name: str
    session: ort.InferenceSession
    entry: Entry
    placement: Callable[[int, int], Placement]
    normalise: Callable[[NDArray[np.uint8]], NDArray[Any]]
    reading: Reading
    class_names: ClassNames
    seconds: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))

    def detect(self, frames: Iterable[Image]) -> Iterator[Detections]:
        """Yield what the model finds in each frame."""
        return map(self.answer, frames)

    def answer(self, frame: Image) -> Detections:
        """Return what the model finds in one frame. Raises DetectorError if it fails, or puts out something else."""
        start = perf_counter()
        height, width = frame.shape[:2]
        placement = self.placement(width, height)
        tensor = self.normalise(placement.pixels(frame))
        prepared = perf_counter()
        outputs = self._run(tensor)
        done = perf_counter()
        size = (placement.input_width, placement.input_height)
        found = self.reading.candidates(outputs, len(self.class_names.ids), *size)
        answer = self.class_names.detections(placement.back(found.boxes), found.scores, found.labels, width, height)
        self.seconds["preprocess_seconds"] += prepared - start
        self.seconds["forward_seconds"] += done - prepared
        self.seconds["postprocess_seconds"] += perf_counter() - done
        return answer

    def _run(self, tensor: NDArray[Any]) -> dict[str, NDArray[Any]]:
        names = [output.name for output in self.session.get_outputs()]
        try:
            return dict(zip(names, self.session.run(names, {self.entry.name: tensor}), strict=True))
        except Exception as error:  # onnxruntime's own kinds have no common base
            raise DetectorError(f"onnxruntime: {_first_line(error)}") from error

    @property
    def classes(self) -> Sequence[ObjectClass]:
        """Its own classes, where there is no index."""
        return self.class_names.own

    def synchronize(self) -> None:
        """Wait for nothing: a session returns when its outputs are in main memory."""

    def describe(self) -> Mapping[str, str | int]:
        """Return what the speed depends on, and which class went where."""
        size = self.entry.size or ("as the frame" if self.placement is unchanged else None)
        return {
            "onnxruntime": ort.__version__,
            "provider": self.session.get_providers()[0],
            "precision": np.dtype(self.entry.dtype).name,
            "batch": 1,
            **({"input_size": size if isinstance(size, str) else f"{size[0]}x{size[1]}"} if size else {}),
            "layout": self.reading.layout,
            **self.class_names.describe(),
        }

    def measurements(self) -> Mapping[str, float]:
        """Return the seconds spent so far to bring frames to the input, in onnxruntime, and to read its outputs."""
        return dict(self.seconds)


# -- made from options -------------------------------------------------------------------------------------------------


def _session(path: Path, device: str, threads: int) -> ort.InferenceSession:
    """Return the model at `path` on `device`. Raises DetectorError if either can't be had."""
    kind, _, number = device.partition(":")
    wanted = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}.get(kind)
    if wanted not in ort.get_available_providers() or (number and not number.isdecimal()):
        raise DetectorError(
            f"onnx: --device {device}: this onnxruntime has {', '.join(ort.get_available_providers())}; "
            "for cuda, pip install onnxruntime-gpu in place of onnxruntime"
        )
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3  # errors; they come as exceptions too
    provider = (wanted, {"device_id": int(number or 0)}) if kind == "cuda" else wanted
    try:
        session = ort.InferenceSession(path, options, providers=[provider])
    except Exception as error:  # onnxruntime's own kinds have no common base
        raise DetectorError(f"{path}: onnxruntime can't load it: {_first_line(error)}") from error
    if session.get_providers()[0] != wanted:
        raise DetectorError(f"onnx: --device {device}: onnxruntime fell back to {session.get_providers()[0]}")
    return session


def _labels_told(metadata: Mapping[str, str], path: Path) -> Sequence[str]:
    if "names" in metadata:
        return labels_of_metadata(metadata["names"], path)
    raise DetectorError(
        f"{path}: doesn't tell the names of its labels; give --option labels=FILE, a name a line in the order of the "
        "labels (`__background__` for a label that is no class), or labels=index"
    )


def labels_of_metadata(text: str, path: Path) -> tuple[str, ...]:
    """Return the names of labels 0, 1, … from what ultralytics writes into its exports: `{0: 'person', 1: …}`.

    It is read as a literal, never run. Raises DetectorError for anything else.
    """
    try:
        if len(text) > LONGEST_NAMES:
            raise ValueError(f"{len(text)} characters")
        names = ast.literal_eval(text)
        if not isinstance(names, dict) or sorted(names) != list(range(len(names))):
            raise ValueError("not numbered 0, 1, 2, …")
        return tuple(str(names[label]) for label in range(len(names)))
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError) as error:
        raise DetectorError(f"{path}: its list of names can't be read ({error}); give --option labels=FILE") from None


def _input_size(text: str | None, entry: Entry, resize: Resize) -> tuple[int, int] | None:
    """Return (width, height) of the input; None where it is the frame's own."""
    size = entry.size
    if text is not None:
        width, _, height = text.partition("x")
        if not (width.isdecimal() and height.isdecimal() and 0 < int(width) <= 16384 and 0 < int(height) <= 16384):
            raise DetectorError(f"option 'input_size': {text!r}; wanted WIDTHxHEIGHT, such as 640x480")
        size = (int(width), int(height))
        if entry.size not in (None, size):
            raise DetectorError(f"option 'input_size': {text}; the model takes {entry.size[0]}x{entry.size[1]} only")
    if resize == "keep":
        if text is not None:
            raise DetectorError("option 'input_size': frames keep their size with resize=keep")
        return None
    return size or YOLO_SIZE


def _placement(resize: Resize, size: tuple[int, int] | None) -> Callable[[int, int], Placement]:
    if size is None:
        return unchanged
    place = letterboxed if resize == "letterbox" else stretched
    return lambda width, height: place(width, height, *size)


def _normalise(
    pixels: str, mean: str, std: str, channels: str, entry: Entry
) -> Callable[[NDArray[np.uint8]], NDArray[Any]]:
    """Return the function that makes an input `(H, W, 3)` of bytes the tensor that the model takes."""
    shift, spread = _three_numbers("mean", mean), _three_numbers("std", std)
    if not spread.all():
        raise DetectorError("option 'std': 0; wanted something to divide by")
    raw = entry.dtype is np.uint8
    if raw and (shift.any() or (spread != 1).any()):
        raise DetectorError("options 'mean' and 'std': the model takes bytes, which stay as they are")
    factor = np.float32(1 / 255 if pixels == "0-1" else 1)

    def normalise(image: NDArray[np.uint8]) -> NDArray[Any]:
        image = image[..., ::-1] if channels == "bgr" else image
        tensor: NDArray[Any] = image if raw else ((image * factor - shift) / spread).astype(entry.dtype)
        tensor = tensor.transpose(2, 0, 1) if entry.channels_first else tensor
        return np.ascontiguousarray(tensor[None] if entry.batch else tensor)

    return normalise


def _three_numbers(option: str, text: str) -> NDArray[np.float32]:
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    if len(numbers) != 3 or not all(math.isfinite(number) for number in numbers):
        raise DetectorError(f"option {option!r}: {text!r}; wanted three numbers, such as 0.485,0.456,0.406")
    return np.array(numbers, np.float32)


def _check_numbers(score_threshold: float, nms_iou: float, max_detections: int, threads: int) -> None:
    for option, holds, wanted in (
        ("score_threshold", 0 <= score_threshold <= 1, "0 … 1"),
        ("nms_iou", 0 <= nms_iou <= 1, "0 … 1"),
        ("max_detections", max_detections >= 1, "1 or more"),
        ("threads", 0 <= threads <= 1024, "0 … 1024"),
    ):
        if not holds:
            raise DetectorError(f"option {option!r}: wanted {wanted}")


def _is_free(side: object) -> bool:
    """Whether a dimension of a model isn't fixed: onnxruntime tells a name, or nothing, in place of its number."""
    return not isinstance(side, int)


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0][:500] or type(error).__name__
