"""vidkit pkl: a pickled list over frames of dicts of arrays; see docs/prediction_formats.md."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vidkit.data.index import Index
from vidkit.errors import PredictionError
from vidkit.files import writing
from vidkit.pickles.content import Origin, check_rows, entries_of, numbers
from vidkit.pickles.pickle_out import plain_pickle
from vidkit.predictions.formats import PickleReader, PredictionFormat
from vidkit.predictions.raw import ById, ByName, ByRow, RawPredictions
from vidkit.predictions.table import Predictions

PKL_FORMAT, PKL_VERSION = "vidkit-predictions", 1


def is_vidkit_pkl(content: object) -> bool:
    """Whether an unpickled object has the layout of a vidkit pkl."""
    if isinstance(content, dict):
        return content.get("format") == PKL_FORMAT or _by_image_id(content)
    return isinstance(content, list) and (not content or (_is_frame(content[0]) and _is_frame(content[-1])))


def _is_frame(entry: object) -> bool:
    return (
        isinstance(entry, dict) and {"boxes", "scores"} <= entry.keys() and bool({"class_ids", "labels"} & entry.keys())
    )


def _by_image_id(content: dict[Any, Any]) -> bool:
    """Whether frames are kept by their image ids, as torchvision's evaluation collects them."""
    return (
        bool(content)
        and all(type(key) is int and abs(key) < 2**62 for key in content)
        and all(map(_is_frame, content.values()))
    )


def from_content(content: Any, origin: Origin) -> RawPredictions:
    """The detections of an unpickled vidkit pkl; PredictionError where it breaks the format."""
    fingerprint, place, ids = "", origin.place, None
    if isinstance(content, dict) and _by_image_id(content):
        ids, content = np.array(list(content), np.int64), list(content.values())
    elif isinstance(content, dict):
        version, fingerprint = content.get("version"), content.get("index_fingerprint", "")
        if type(version) is not int or version != PKL_VERSION:
            said = str(version) if type(version) is int and abs(version) < 1000 else "unknown"
            raise PredictionError(f"{place}: vidkit pkl version {said}; version {PKL_VERSION} is known")
        if not isinstance(fingerprint, str):
            raise PredictionError(f"{place}: its index_fingerprint is no text")
        content = content.get("frames")
    if not isinstance(content, list):
        raise PredictionError(f"{place}: its frames are no list")
    entries = [_entry(frame, origin.part(f"frame {k}")) for k, frame in enumerate(content)]
    counts = np.array([len(scores) for _, scores, _ in entries], np.int64)
    check_rows(int(counts.sum()), origin)
    return RawPredictions(
        frame=_frames(content, counts, place, bool(fingerprint)) if ids is None else _of_ids(ids, counts),
        box=np.concatenate([np.zeros((0, 4), np.float32), *(boxes for boxes, _, _ in entries)]),
        score=np.concatenate([np.zeros(0, np.float32), *(scores for _, scores, _ in entries)]),
        label=np.concatenate([np.zeros(0, np.int64), *(labels for _, _, labels in entries)]),
        boxes="exclusive",
        scale="pixels",
        first_label=0,
        index_fingerprint=fingerprint,
    )


def _of_ids(ids: NDArray[np.int64], counts: NDArray[np.int64]) -> ById:
    entry = entries_of(counts)
    return ById(ids[entry], first=None, entries=ids, entry=entry)


def _entry(frame: Any, origin: Origin) -> tuple[Any, Any, Any]:
    place = origin.place
    if not _is_frame(frame):
        raise PredictionError(f"{place}: wanted a dict with boxes, scores and class_ids")
    boxes, scores = numbers(frame["boxes"], origin), numbers(frame["scores"], origin)
    labels = numbers(frame["class_ids"] if "class_ids" in frame else frame["labels"], origin)
    n = scores.size
    if boxes.size == 0:
        boxes = boxes.reshape(0, 4)
    if boxes.shape != (n, 4) or scores.shape != (n,) or labels.shape != (n,):
        raise PredictionError(
            f"{place}: boxes {boxes.shape}, scores {scores.shape}, class ids {labels.shape}; wanted (n, 4), (n,), (n,)"
        )
    if n and (boxes.dtype.kind not in "fiu" or scores.dtype.kind not in "fiu" or labels.dtype.kind not in "iu"):
        raise PredictionError(
            f"{place}: {boxes.dtype}, {scores.dtype}, {labels.dtype}; wanted floats, floats, integers"
        )
    return boxes.astype(_float(boxes), copy=False), scores.astype(_float(scores), copy=False), labels.astype(np.int64)


def _float(values: Any) -> type[np.floating[Any]]:
    return np.float32 if values.dtype in (np.float32, np.float16) else np.float64


def _frames(content: list[Any], counts: Any, place: str, of_index: bool) -> ByRow | ByName:
    entry = np.repeat(np.arange(len(content), dtype=np.int64), counts)
    named = ["video" in frame for frame in content]
    if not any(named):
        return ByRow(entry, len(content))
    if not all(named):
        raise PredictionError(f"{place}: frame {named.index(False)} names no video, others do; wanted all or none")
    try:
        number = np.array([int(frame["frame"]) for frame in content], np.int64)
    except (KeyError, TypeError, ValueError, OverflowError):
        raise PredictionError(f"{place}: a frame names its video but has no usable frame number") from None
    names = tuple(frame["video"] for frame in content)
    if not all(isinstance(name, str) for name in names):
        raise PredictionError(f"{place}: a frame whose video isn't a name")
    return ByName(entry, names, number, are_of_index=of_index)


def write_pkl(path: Path, predictions: Predictions, index: Index) -> None:
    """Write `predictions` as a vidkit pkl, whole or not at all: every frame of `index`, with its video and number."""
    names = index.video_name
    starts = predictions.detection_start.tolist()
    frames = [
        {
            "video": names[video],
            "frame": number,
            "boxes": predictions.box[start:stop].copy(),
            "scores": predictions.score[start:stop].copy(),
            "class_ids": predictions.class_id[start:stop].copy(),
        }
        for video, number, start, stop in zip(
            index.frame_video.tolist(), index.frame_number.tolist(), starts[:-1], starts[1:], strict=True
        )
    ]
    content = {
        "format": PKL_FORMAT,
        "version": PKL_VERSION,
        "index_fingerprint": predictions.index_fingerprint or index.fingerprint,
        "frames": frames,
    }
    with writing(path) as part:
        part.write_bytes(plain_pickle(content))


FORMATS = {"pkl": PredictionFormat(PickleReader(is_vidkit_pkl, from_content), write_pkl)}
