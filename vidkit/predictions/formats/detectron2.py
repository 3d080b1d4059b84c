"""detectron2's `instances_predictions.pth`: a list of {image_id, instances}, each instance as in COCO's results."""

from typing import Any

import numpy as np

from vidkit.errors import PredictionError
from vidkit.pickles.content import Origin, check_rows
from vidkit.predictions.formats import PickleReader, PredictionFormat
from vidkit.predictions.raw import ById, ByText, FrameKeys, RawPredictions


def is_list_of_images(content: object) -> bool:
    """Whether content is a list of images with instances."""
    return isinstance(content, list) and bool(content) and _is_image(content[0]) and _is_image(content[-1])


def _is_image(entry: object) -> bool:
    return isinstance(entry, dict) and "image_id" in entry and isinstance(entry.get("instances"), list)


def from_content(content: list[Any], origin: Origin) -> RawPredictions:
    """The detections of all images; category ids count the classes from 0, as detectron2 has them inside."""
    wrong = next((k for k, entry in enumerate(content) if not _is_image(entry)), None)
    if wrong is not None:
        raise PredictionError(f"{origin.place}: entry {wrong}: wanted a dict with image_id and instances")
    found = [(k, one) for k, entry in enumerate(content) for one in entry["instances"]]
    check_rows(len(found), origin)
    try:
        box = np.array([one["bbox"] for _, one in found], np.float64).reshape(-1, 4)
        score = np.array([one["score"] for _, one in found], np.float64).reshape(len(found))
        label = np.array([one["category_id"] for _, one in found], np.int64).reshape(len(found))
    except (KeyError, TypeError, ValueError, OverflowError):
        raise PredictionError(
            f"{origin.place}: an instance without category_id, bbox of four numbers, and score"
        ) from None
    return RawPredictions(
        frame=_frames([entry["image_id"] for entry in content], np.array([k for k, _ in found], np.int64), origin),
        box=box,
        score=score,
        label=label,
        layout="xywh",
        scale="pixels",
        first_label=0,
        classes_evidence="detectron2 counts classes from 0 in this file",
    )


def _frames(ids: list[Any], entry: Any, origin: Origin) -> FrameKeys:
    if all(isinstance(id, str) for id in ids):
        return ByText(entry, tuple(ids))
    if not all(type(id) is int and abs(id) < 2**62 for id in ids):
        raise PredictionError(f"{origin.place}: image ids that are neither whole numbers nor texts throughout")
    entries = np.array(ids, np.int64)
    return ById(entries[entry], first=None, entries=entries, entry=entry)


FORMATS = {"detectron2": PredictionFormat(PickleReader(is_list_of_images, from_content))}
