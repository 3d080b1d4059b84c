"""MEGA's `predictions.pth`: a list of BoxLists, one a frame, in pixels of the network's input."""

from __future__ import annotations

from typing import Any

import numpy as np

from vidkit.errors import PredictionError
from vidkit.predictions.content import Source, column, entries_of, numbers, table
from vidkit.predictions.raw import BoxConvention, ByRow, RawPredictions
from vidkit.predictions.safe_pickle import Box

_MODES: dict[object, BoxConvention] = {"xyxy": "inclusive", "xywh": "xywh"}


def is_box_lists(content: object) -> bool:
    """Return whether content is a list of BoxLists."""
    return isinstance(content, list) and bool(content) and _is_box_list(content[0]) and _is_box_list(content[-1])


def _is_box_list(entry: object) -> bool:
    return isinstance(entry, Box) and {"bbox", "size", "extra_fields"} <= entry.state.keys()


def from_content(content: list[Any], source: Source) -> RawPredictions:
    """Return the detections of MEGA's BoxLists: inclusive corners, classes from 1, scaled from `size` when bound."""
    for k, entry in enumerate(content):
        if not _is_box_list(entry):
            raise PredictionError(f"{source.place}: entry {k} isn't a BoxList with bbox, size and extra_fields")
    states = [entry.state for entry in content]
    boxes = [numbers(state["bbox"], source.part(f"entry {k}")) for k, state in enumerate(states)]
    rows, counts = table(boxes, 4, source)
    score = _field(states, "scores", source, np.float32)
    label = _field(states, "labels", source, np.int64)
    if not len(rows) == len(score) == len(label):
        raise PredictionError(f"{source.place}: {len(rows)} boxes, {len(score)} scores, {len(label)} labels")
    modes = {state.get("mode") if isinstance(state.get("mode"), str) else None for state in states}
    if len(modes) != 1 or not modes <= _MODES.keys():
        raise PredictionError(f"{source.place}: boxes of mode {' and '.join(map(str, modes))}; wanted xyxy or xywh")
    return RawPredictions(
        frame=ByRow(entries_of(counts), len(content)),
        box=rows,
        score=score,
        label=label,
        boxes=_MODES[modes.pop()],
        boxes_evidence="BoxList counts x2 and y2 inclusive",
        scale="network",
        scale_evidence="a BoxList states the size of the network's input",
        network_size=np.array([_size(state["size"], k, source) for k, state in enumerate(states)], np.int64),
        first_label=1,
        classes_evidence="0 is the background",
    )


def _field(states: list[dict[str, Any]], name: str, source: Source, dtype: type[np.generic]) -> Any:
    parts = []
    for k, state in enumerate(states):
        fields = state["extra_fields"]
        if not isinstance(fields, dict) or name not in fields:
            raise PredictionError(f"{source.place}: entry {k} has no {name}")
        parts.append(numbers(fields[name], source.part(f"entry {k}")))
    return column(parts, source, dtype)


def _size(size: object, k: int, source: Source) -> tuple[int, int]:
    if isinstance(size, list | tuple) and len(size) == 2 and all(type(n) is int and 0 < n < 100_000 for n in size):
        return size[0], size[1]
    raise PredictionError(f"{source.place}: entry {k} has no usable size; wanted (width, height)")
