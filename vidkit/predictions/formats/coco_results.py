"""COCO results JSON: a list of {image_id, category_id, bbox [x, y, width, height], score}."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from vidkit.data.index import Index
from vidkit.errors import PredictionError
from vidkit.files import writing
from vidkit.predictions.box_conventions import in_own_numbers
from vidkit.predictions.formats import FileReader, PredictionFormat
from vidkit.predictions.formats.coco_blocks import Results, read_alike
from vidkit.predictions.json_results import elements, numbers, whole_numbers
from vidkit.predictions.raw import ById, ByText, RawPredictions
from vidkit.predictions.table import Predictions
from vidkit.reading_door import reading


@dataclass(frozen=True, eq=False)
class NamedImages:
    """The images and categories of a COCO ground truth: what its ids mean."""

    entry: dict[int, int]  # image id → entry of the names
    name: tuple[str, ...]
    label_names: tuple[str, ...]


def read_results(path: Path, image_ids: Path | None) -> RawPredictions:
    """The detections of a COCO results file; `image_ids` is the ground truth that tells which image is which."""
    found = read_alike(path) or _one_by_one(path)
    images = None if image_ids is None else read_images(image_ids)
    frame, notes = _frames(found, images)
    return RawPredictions(
        frame=frame,
        box=found.box,
        score=found.score,
        label=found.category_id,
        layout="xywh",
        scale=None,
        label_names=images.label_names if images else (),
        notes=notes,
    )


def _one_by_one(path: Path) -> Results:
    """The same as `read_alike`, however they are written."""
    ids: list[Any] = []
    labels: list[int] = []
    boxes: list[list[float]] = []
    scores: list[float] = []
    keys: dict[str, None] = {}
    for k, found in enumerate(elements(path)):
        try:
            ids.append(found["image_id"])
            labels.append(found["category_id"])
            boxes.append(found["bbox"])
            scores.append(found["score"])
        except (KeyError, TypeError):
            raise PredictionError(
                f"{path}: detection {k}: wanted an object with image_id, category_id, bbox and score"
            ) from None
        keys |= dict.fromkeys(found)
    texts = ids and all(isinstance(id, str) for id in ids)
    return Results(
        image_id=tuple(ids) if texts else whole_numbers(ids, "image_id", path),
        category_id=whole_numbers(labels, "category_id", path),
        box=numbers(boxes, (len(ids), 4), "bbox", path),
        score=numbers(scores, (len(ids),), "score", path),
        keys=tuple(keys),
    )


def _frames(found: Results, images: NamedImages | None) -> tuple[ById | ByText, tuple[str, ...]]:
    if isinstance(found.image_id, tuple):
        seen = {name: k for k, name in enumerate(dict.fromkeys(found.image_id))}
        return ByText(np.array([seen[id] for id in found.image_id], np.int64), tuple(seen)), ()
    id = found.image_id
    if images is None:
        notes: tuple[str, ...] = ()
        if "segmentation" in found.keys and len(id) and id.min() == 0:
            notes = (
                "image ids from 0 as YOLOV writes them, in the order of its loader: taken as the order of the index, "
                "which may be wrong; give its gt_refined.json as --image-ids, or the list as --frame-list",
            )
        return ById(id, first=None), notes
    entry = np.array([images.entry.get(i, -1) for i in id.tolist()], np.int64)
    return ByText(entry, images.name), ()


def read_images(path: Path) -> NamedImages:
    """What the image and category ids of a COCO ground truth mean."""
    with reading(f"--image-ids {path}", PredictionError, "a COCO JSON with images that have names"):
        content = json.loads(path.read_text(encoding="utf-8"))
        images = [(int(image["id"]), str(image["file_name"])) for image in content["images"]]
        categories = {int(c["id"]): str(c["name"]) for c in content.get("categories", [])}
    last = max(categories, default=-1)
    if not images or last > 100_000:
        raise PredictionError(f"--image-ids {path}: no images in it, or a category id of {last}")
    return NamedImages(
        entry={id: k for k, (id, _) in enumerate(images)},
        name=tuple(name for _, name in images),
        label_names=tuple(categories.get(label, "") for label in range(last + 1)),
    )


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
