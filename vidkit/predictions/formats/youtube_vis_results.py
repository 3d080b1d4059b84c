"""YouTube-VIS results: a JSON list of tracks {video_id, category_id, score}, with a box or mask, or null, a frame.

`bboxes` are taken where they are there, else the boxes of `segmentations`, masks in COCO's run lengths.
"""

from pathlib import Path
from typing import Any

import numpy as np

from vidkit.errors import PredictionError
from vidkit.predictions.formats import FileReader, PredictionFormat
from vidkit.predictions.json_results import elements, first_keys, numbers, whole_numbers
from vidkit.predictions.mask_boxes import box_of_mask
from vidkit.predictions.raw import ByName, RawPredictions


def _looks(text: str) -> str:
    keys = first_keys(text)
    tracks = {"video_id", "category_id", "score"} <= keys and bool({"bboxes", "segmentations"} & keys)
    return "a JSON list of tracks" if tracks and "image_id" not in keys else ""


def read_tracks(path: Path) -> RawPredictions:
    """The detections of all tracks: each box has its track's score. Raises PredictionError for broken tracks."""
    tracks = list(elements(path))
    videos, labels, scores, boxes, places = [], [], [], [], []
    for k, track in enumerate(tracks):
        for place, box in enumerate(_boxes(path, k, track)):
            if box is not None and box != []:
                videos.append(track["video_id"])
                labels.append(track["category_id"])
                scores.append(track["score"])
                boxes.append(box)
                places.append(place)
    ids = [str(video) for video in videos]
    known = {key: entry for entry, key in enumerate(dict.fromkeys(zip(ids, places, strict=True)))}
    return RawPredictions(
        frame=ByName(
            np.array([known[key] for key in zip(ids, places, strict=True)], np.int64),
            tuple(video for video, _ in known),
            np.array([place for _, place in known], np.int64),
            videos_are_rows=True,
            are_places=True,
        ),
        box=numbers(boxes, (len(boxes), 4), "bboxes", path),
        score=numbers(scores, (len(scores),), "score", path),
        label=whole_numbers(labels, "category_id", path),
        layout="xywh",
        scale="pixels",
    )


def _boxes(path: Path, k: int, track: Any) -> list[Any]:
    if not isinstance(track, dict) or not {"video_id", "category_id", "score"} <= track.keys():
        raise PredictionError(f"{path}: track {k}: wanted an object with video_id, category_id, score and bboxes")
    if isinstance(boxes := track.get("bboxes"), list):
        return boxes
    if not isinstance(masks := track.get("segmentations"), list):
        raise PredictionError(
            f"{path}: track {k}: neither bboxes nor segmentations: wanted a list with [x, y, width, height] or a mask, "
            "or null, for each frame of its video"
        )
    try:
        return [None if mask is None else box_of_mask(mask) for mask in masks]
    except (ValueError, TypeError, OverflowError) as error:
        raise PredictionError(f"{path}: track {k}: {error}; wanted masks in COCO's run lengths, or bboxes") from None


FORMATS = {"youtube-vis": PredictionFormat(FileReader(lambda path, _: read_tracks(path), json=_looks))}
