"""REPP's and YOLOV's pickle streams: a pickle for each video, in it a list of dicts for each frame."""

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vidkit.data.index import Index
from vidkit.errors import PredictionError
from vidkit.files import writing
from vidkit.pickles.content import Origin, check_entries, entries_of, is_number, rows_of
from vidkit.pickles.pickle_out import plain_pickle
from vidkit.predictions.box_conventions import in_own_numbers
from vidkit.predictions.formats import PickleReader, PredictionFormat
from vidkit.predictions.raw import ByName, RawPredictions
from vidkit.predictions.table import Predictions

_YOLOV = 3  # objectness, score, class


def is_stream(contents: list[Any]) -> bool:
    """Whether the pickles of a file are a stream of videos."""
    return bool(contents) and all(_is_video(content) for content in contents)


def _is_video(content: object) -> bool:
    return (
        isinstance(content, tuple | list)
        and len(content) == 2
        and isinstance(content[0], str)
        and isinstance(content[1], dict)
        and all(isinstance(frame, str | int) for frame in content[1])
        and all(isinstance(found, list) for found in content[1].values())
    )


def _is_of_vectors(contents: list[Any]) -> bool:
    """Whether a stream's scores aren't YOLOV's triples, whose third is a whole number: those are asked for next."""
    return is_stream(contents) and not _are_triples([d for _, of in contents for dets in of.values() for d in dets])


def _are_triples(found: list[Any]) -> bool:
    try:
        thirds = [detection["scores"][2] for detection in found if len(detection["scores"]) == _YOLOV]
        return 0 < len(thirds) == len(found) and all(is_number(t) and t == t // 1 for t in thirds)
    except Exception:  # malformed: reading tells
        return False


def from_contents(contents: list[Any], origin: Origin, triples: bool) -> RawPredictions:
    """The detections of a stream.

    A detection of REPP has a score for each class: each score that isn't 0 becomes one detection. One of YOLOV has a
    triple of objectness, score and class; the two are multiplied.
    """
    if not is_stream(contents):
        raise PredictionError(f"{origin.place}: not a stream of (video, {{frame: detections}}) pickles")
    frames = [(video, frame, found) for video, of_frame in contents for frame, found in of_frame.items()]
    counts = np.array([len(found) for _, _, found in frames], np.int64)
    check_entries(int(counts.sum()), origin)
    found = [detection for _, _, dets in frames for detection in dets]
    box = _rows(found, "bbox", 4, origin)
    width = _width(found, origin)
    scores = _rows(found, "scores", width, origin)
    notes: tuple[str, ...] = ()
    if found and triples:
        score, label, rows = scores[:, 0] * scores[:, 1], scores[:, 2], np.arange(len(found))
        evidence = "YOLOV: objectness x score, class index from 0"
    else:
        rows, label = np.nonzero(scores != 0)  # NaN is kept, to be counted
        score = scores[rows, label]
        evidence = f"REPP: a score for each of {width} classes, from 0"
        notes = (f"each class score that isn't 0 is one detection: {len(rows)} of {len(found)} boxes",)
    return RawPredictions(
        frame=ByName(
            entries_of(counts)[rows],
            tuple(video for video, _, _ in frames),
            _numbers(frames, origin),
            are_of_files=True,
        ),
        box=box[rows],
        score=score,
        label=label,
        layout="xywh",
        scale="pixels",
        scale_evidence="REPP clips boxes to the frame",
        first_label=0,
        n_labels=width if found and not triples else None,
        classes_evidence=evidence,
        or_scores_of=_YOLOV if triples and bool((label <= 1).all()) else None,
        notes=notes,
    )


def _rows(found: list[Any], name: str, width: int, origin: Origin) -> NDArray[Any]:
    """One field of all detections as `(D, width)`."""
    try:
        values = [detection[name] for detection in found]
    except (KeyError, TypeError, IndexError):
        raise PredictionError(f"{origin.place}: a detection without {name}") from None
    return rows_of(values, width, origin.part(name))


def _width(found: list[Any], origin: Origin) -> int:
    """How many scores the first detection has; 0 where there is no detection."""
    if not found:
        return 0
    scores = found[0].get("scores") if isinstance(found[0], dict) else None
    is_row = isinstance(scores, list | tuple) or (isinstance(scores, np.ndarray) and scores.ndim == 1)
    if scores is None or not is_row or not len(scores):
        raise PredictionError(f"{origin.place}: the first detection has no scores")
    return len(scores)


def _numbers(frames: list[Any], origin: Origin) -> NDArray[np.int64]:
    try:
        return np.array([int(frame) for _, frame, _ in frames], np.int64)
    except (ValueError, OverflowError):
        raise PredictionError(f"{origin.place}: a frame that isn't called by its number") from None


def write_vectors(path: Path, predictions: Predictions, index: Index) -> None:
    """Write REPP's stream: each detection has a score vector that is 0 but for its class.

    Raises PredictionError for detections of score 0, whose class such a vector doesn't tell.
    """
    if (predictions.score == 0).any():
        raise PredictionError(f"{path}: detections of score 0 can't be written as score vectors; take --to yolov")
    vectors = np.zeros((predictions.n_detections, index.n_classes), predictions.score.dtype)
    vectors[np.arange(predictions.n_detections), predictions.class_id] = predictions.score
    _write(path, predictions, index, vectors)


def write_triples(path: Path, predictions: Predictions, index: Index) -> None:
    """Write YOLOV's stream: each detection has objectness, which is 1, score and class from 0."""
    ones = np.ones(predictions.n_detections, predictions.score.dtype)
    _write(
        path, predictions, index, np.column_stack([ones, predictions.score, predictions.class_id.astype(ones.dtype)])
    )


def _write(path: Path, predictions: Predictions, index: Index, scores: NDArray[Any]) -> None:
    boxes = in_own_numbers(predictions.box, index, "xywh")
    with writing(path) as part, part.open("wb") as file:
        for video, name in enumerate(index.video_name):
            size = index.video_size[video]
            frames = {}
            for f in index.frames_of(video):
                start, stop = predictions.detection_start[f : f + 2].tolist()
                frame = f"{index.frame_number[f]:06d}"
                frames[frame] = [
                    {
                        "image_id": f"{name}/{frame}",
                        "bbox": box,
                        "bbox_center": center,
                        "scores": vector,
                    }
                    for box, center, vector in zip(
                        boxes[start:stop].tolist(),
                        _centers(boxes[start:stop], size).tolist(),
                        scores[start:stop].copy(),
                        strict=True,
                    )
                ]
            file.write(plain_pickle((name, frames)))


def _centers(boxes: NDArray[Any], size: NDArray[np.int32]) -> NDArray[Any]:
    """Centres as REPP has them: in a square of side 1 around the frame; in pixels where its size isn't known."""
    side = max(int(size.max()), 1) if (size > 0).all() else 1
    margin = (side - size) / 2 if (size > 0).all() else np.zeros(2)
    return np.asarray((boxes[:, :2] + boxes[:, 2:] / 2 + margin) / side)


FORMATS = {
    "repp": PredictionFormat(
        PickleReader(_is_of_vectors, partial(from_contents, triples=False), is_stream=True), write_vectors
    ),
    "yolov": PredictionFormat(
        PickleReader(is_stream, partial(from_contents, triples=True), is_stream=True), write_triples
    ),
}
