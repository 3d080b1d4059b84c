"""An index as YouTube-VIS's JSON: `videos[].file_names`, and for each track `bboxes`, a box or null for each frame."""

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vidkit.data.index import Index
from vidkit.data.writers import WrittenSplit
from vidkit.data.writers.image_names import image_paths, inner_name
from vidkit.data.writers.json_file import Id, category_ids, plain, write_lists, xywh_rows
from vidkit.data.writers.what_is_lost import has_area, is_written
from vidkit.errors import ChoiceError

TRACKS_ANEW = "tracks are numbered anew, since their ids are those of annotations: one for all videos"
ALONE = "{:,} boxes without a track: each is a track of its own"
SPLIT = "{:,} boxes that stand in their frame twice or change their track's class: a track of their own"
NOT_CROWDS = "{:,} ignored objects that are no crowds, left out"


def write_split(folder: Path, index: Index) -> WrittenSplit:
    """What is written to `folder/SPLIT.json`. Raises ChoiceError where no frame is annotated."""
    written, kept = is_written(index), has_area(index)
    if not written.any():
        raise ChoiceError(f"index {index.dataset} {index.split}: no frame is annotated; there is nothing to list")
    categories, videos, annotations = category_ids(index), [], []
    split, xywh = 0, xywh_rows(index.box)
    for video, name in enumerate(index.video_name):
        rows = [row for row in index.frames_of(video) if written[row]]
        names = dict(zip(index.frames_of(video), image_paths(index, video), strict=True))
        width, height = index.video_size[video].tolist()
        size = {"width": width, "height": height} if width and height else {}
        videos.append({"id": video + 1, "name": name, **size, "length": len(rows)})
        videos[-1]["file_names"] = [names[row] for row in rows]
        tracks, more = _tracks(index, rows, kept, xywh)
        split += more
        annotations += [_annotation(video, categories[c], boxes, len(rows), 0) for c, boxes in tracks]
        annotations += [_annotation(video, categories[c], b, len(rows), 1) for c, b in _crowds(index, rows)]
    for number, annotation in enumerate(annotations, start=1):
        annotation["id"] = number
    of_classes = [{"id": key, "name": c.name} for key, c in zip(categories, index.classes, strict=True)]
    lists = {"videos": videos, "categories": of_classes, "annotations": annotations}
    write_lists(folder / f"{inner_name(index.split)}.json", lists)
    alone = int((kept & (index.track_id < 0)).sum())
    others = 0 if index.ignored is None else int((~index.ignored.crowd).sum())
    counts = {ALONE: alone, SPLIT: split, NOT_CROWDS: others}
    notes = [words.format(count) for words, count in counts.items() if count]
    return WrittenSplit(int(written.sum()), int(kept.sum()), (TRACKS_ANEW, *notes))


_Boxes = dict[int, list[float | int]]
"""The boxes of a track by the place of their frame."""


def _tracks(
    index: Index, rows: list[int], kept: NDArray[np.bool_], xywh: list[list[float | int]]
) -> tuple[list[tuple[int, _Boxes]], int]:
    """The class and the boxes of each track, and how many boxes aren't in the track that they say."""
    tracks: defaultdict[tuple[int, int, int], _Boxes] = defaultdict(dict)
    split = alone = 0
    class_of: dict[int, int] = {}
    for place, row in enumerate(rows):
        here = index.instances_of(row)
        for instance in range(here.start, here.stop):
            if not kept[instance]:
                continue
            track, class_id = int(index.track_id[instance]), int(index.class_id[instance])
            odd = track >= 0 and (
                class_of.setdefault(track, class_id) != class_id or place in tracks[track, class_id, 0]
            )
            alone += track < 0 or odd
            split += odd
            tracks[track, class_id, alone if track < 0 or odd else 0][place] = xywh[instance]
    return [(class_id, boxes) for (_, class_id, _), boxes in tracks.items() if boxes], split


def _crowds(index: Index, rows: list[int]) -> Iterator[tuple[int, _Boxes]]:
    """Yield the crowds, one that is about every class for each."""
    if index.ignored is None:
        return
    start, boxes = index.ignored.start, xywh_rows(index.ignored.box)
    for place, row in enumerate(rows):
        for region in range(int(start[row]), int(start[row + 1])):
            of = int(index.ignored.class_id[region])
            if index.ignored.crowd[region]:
                yield from ((c, {place: boxes[region]}) for c in (range(index.n_classes) if of < 0 else [of]))


def _annotation(video: int, category: Id, boxes: _Boxes, length: int, crowd: int) -> dict[str, Any]:
    of_frames = [boxes.get(place) for place in range(length)]
    return {
        "id": 0,
        "video_id": video + 1,
        "category_id": category,
        "iscrowd": crowd,
        "bboxes": of_frames,
        "areas": [None if box is None else plain(box[2] * box[3]) for box in of_frames],
    }
