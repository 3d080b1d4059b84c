"""COCO results JSON: a list of {image_id, category_id, bbox [x, y, width, height], score}."""

import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vidkit.data.index import Index
from vidkit.errors import PredictionError
from vidkit.files import writing
from vidkit.predictions.box_conventions import in_own_numbers
from vidkit.predictions.formats import FileReader, PredictionFormat
from vidkit.predictions.raw import ById, ByName, RawPredictions
from vidkit.predictions.table import Predictions
from vidkit.predictions.videos import named_frames, split_frame_name
from vidkit.reading_door import reading

_SPACE = re.compile(r"[ \t\r\n]*")


@dataclass(frozen=True, eq=False)
class NamedImages:
    """The images and categories of a COCO ground truth: what its ids mean."""

    entry: dict[int, int]  # image id → entry of the two columns
    video: tuple[str, ...]
    number: NDArray[np.int64]
    label_names: tuple[str, ...]


def read_results(path: Path, image_ids: Path | None) -> RawPredictions:
    """The detections of a COCO results file; `image_ids` is the ground truth that tells which image is which."""
    ids: list[Any] = []
    labels: list[int] = []
    boxes: list[list[float]] = []
    scores: list[float] = []
    yolov = False
    for k, found in enumerate(_elements(path)):
        try:
            ids.append(found["image_id"])
            labels.append(found["category_id"])
            boxes.append(found["bbox"])
            scores.append(found["score"])
        except (KeyError, TypeError):
            raise PredictionError(
                f"{path}: detection {k}: wanted an object with image_id, category_id, bbox and score"
            ) from None
        yolov = yolov or "segmentation" in found
    images = None if image_ids is None else read_images(image_ids)
    frame, notes = _frames(ids, images, path, yolov)
    return RawPredictions(
        frame=frame,
        box=_numbers(boxes, (len(ids), 4), "bbox", path),
        score=_numbers(scores, (len(ids),), "score", path),
        label=_integers(labels, "category_id", path),
        layout="xywh",
        scale=None,
        label_names=images.label_names if images else (),
        notes=notes,
    )


def _elements(path: Path) -> Iterator[Any]:
    """Yield the elements of the list in a JSON file, one at a time: only the text and what is kept fill the memory."""
    text = path.read_text(encoding="utf-8-sig")
    decode = json.JSONDecoder().raw_decode
    at = len(text) - len(text.lstrip()) + 1
    if text[at - 1 : at] != "[":
        raise PredictionError(f"{path}: not a JSON list; COCO results are a list of detections")
    end = len(text.rstrip()) - 1
    at = _skip(text, at)
    with reading(path, PredictionError, "a JSON list of detections"):
        while at < end:
            element, at = decode(text, at)
            yield element
            at = _skip(text, at)
            if at < end:
                after = _skip(text, at + 1)
                if text[at] != "," or after == end:
                    raise PredictionError(f"{path}: character {at}: found {text[at : at + 20]!r}, wanted , or ]")
                at = after
    if text[end : end + 1] != "]":
        raise PredictionError(f"{path}: the JSON list has no end: the file was cut")


def _skip(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at


def _frames(
    ids: list[Any], images: NamedImages | None, path: Path, yolov: bool
) -> tuple[ById | ByName, tuple[str, ...]]:
    if ids and all(isinstance(id, str) for id in ids):
        seen = {name: k for k, name in enumerate(dict.fromkeys(ids))}
        return named_frames(np.array([seen[id] for id in ids], np.int64), seen, str(path)), ()
    id = _integers(ids, "image_id", path)
    if images is None:
        notes: tuple[str, ...] = ()
        if yolov and len(id) and id.min() == 0:
            notes = (
                "image ids from 0 as YOLOV writes them, in the order of its loader: taken as the order of the index, "
                "which may be wrong; give its gt_refined.json as --image-ids, or the list as --frame-list",
            )
        return ById(id, first=None), notes
    entry = np.array([images.entry.get(i, -1) for i in id.tolist()], np.int64)
    return ByName(entry, images.video, images.number), ()


def read_images(path: Path) -> NamedImages:
    """What the image and category ids of a COCO ground truth mean."""
    with reading(f"--image-ids {path}", PredictionError, "a COCO JSON with images that have names"):
        content = json.loads(path.read_text(encoding="utf-8"))
        images = [
            (int(image["id"]), *split_frame_name(str(image["file_name"]), str(path))) for image in content["images"]
        ]
        categories = {int(c["id"]): str(c["name"]) for c in content.get("categories", [])}
    last = max(categories, default=-1)
    if not images or last > 100_000:
        raise PredictionError(f"--image-ids {path}: no images in it, or a category id of {last}")
    return NamedImages(
        entry={id: k for k, (id, _, _) in enumerate(images)},
        video=tuple(video for _, video, _ in images),
        number=np.array([number for _, _, number in images], np.int64),
        label_names=tuple(categories.get(label, "") for label in range(last + 1)),
    )


def _numbers(values: list[Any], shape: tuple[int, ...], name: str, path: Path) -> NDArray[np.float64]:
    flat = values if len(shape) == 1 else list(chain.from_iterable(v if type(v) is list else (None,) for v in values))
    kinds = set(map(type, flat))
    if (
        not kinds <= {int, float}
        or len(flat) != math.prod(shape)
        or any(len(v) != shape[1] for v in values if len(shape) > 1)
    ):
        raise PredictionError(f"{path}: a detection whose {name} isn't {'four numbers' if shape[1:] else 'a number'}")
    with reading(path, PredictionError, f"a {name} that is a number"):
        return np.array(flat, np.float64).reshape(shape)


def _integers(values: list[Any], name: str, path: Path) -> NDArray[np.int64]:
    wrong = next((v for v in values if type(v) is not int or abs(v) >= 2**62), None)
    if wrong is not None:
        raise PredictionError(f"{path}: a {name} of {str(wrong)[:40]!r}; wanted whole numbers throughout")
    return np.array(values, np.int64)


def write_results(path: Path, predictions: Predictions, index: Index) -> None:
    """Write COCO results as mmtracking does for VID: image and category ids from 1, width = x2 - x1 of the XML."""
    boxes = in_own_numbers(predictions.box, index, "xywh").tolist()
    rows = zip(
        (predictions.detection_frame + 1).tolist(),
        (predictions.class_id + 1).tolist(),
        boxes,
        predictions.score.astype(np.float64).tolist(),
        strict=True,
    )
    with writing(path) as part, part.open("w", encoding="ascii") as file:
        file.write("[")
        for k, (image, label, box, score) in enumerate(rows):
            found = {"image_id": image, "category_id": label, "bbox": box, "score": score}
            file.write((",\n " if k else "") + json.dumps(found))
        file.write("]\n")


FORMATS = {
    "coco": PredictionFormat(
        FileReader(
            lambda path, options: read_results(path, options.image_ids),
            json=lambda text: "a JSON list" if text.startswith("[") else "",
        ),
        write_results,
        options=("image_ids",),
    )
}
