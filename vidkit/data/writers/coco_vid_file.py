"""An index as COCO-VID: `SPLIT.json` with videos, images, categories, annotations, as mmtracking and TransVOD read it.

Frames count from 0, boxes are x, y, width, height from the edge. Images are named below the root of the frames.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vidkit.data.index import IMAGE, VIDEO, Index
from vidkit.data.writers import WrittenSplit
from vidkit.data.writers.image_names import image_paths, inner_name
from vidkit.data.writers.json_file import ANEW, Id, category_ids, image_ids, plain, write_lists, xywh_rows
from vidkit.data.writers.what_is_lost import has_area, is_written
from vidkit.errors import ChoiceError

Element = dict[str, Any]


def write_split(folder: Path, index: Index) -> WrittenSplit:
    """What is written to `folder/SPLIT.json`. An index of still images becomes plain COCO, without videos.

    Raises ChoiceError where no frame is annotated.
    """
    written, kept = is_written(index), has_area(index)
    if not written.any():
        raise ChoiceError(f"index {index.dataset} {index.split}: no frame is annotated; COCO lists annotated frames")
    ids, are_the_sources = image_ids(index, written)
    categories = category_ids(index)
    stills = index.n_frames == index.n_videos and index.files is not None and set(index.files.kind) == {IMAGE}
    lists = {} if stills else {"videos": list(_videos(index, written))}
    lists |= {
        "images": list(_images(index, ids, written, not stills)),
        "categories": [
            {"id": key, "name": c.name, **({} if c.wnid == c.name else {"wnid": c.wnid})}
            for key, c in zip(categories, index.classes, strict=True)
        ],
        "annotations": [*_boxes(index, ids, categories, kept), *_regions(index, ids, categories)],
    }
    for number, annotation in enumerate(lists["annotations"], start=1):
        annotation["id"] = number
    write_lists(folder / f"{inner_name(index.split)}.json", lists)
    return WrittenSplit(int(written.sum()), int(kept.sum()), () if are_the_sources else (ANEW,))


def _videos(index: Index, written: NDArray[np.bool_]) -> Iterator[Element]:
    for video, name in enumerate(index.video_name):
        rows = index.frames_of(video)
        element: Element = {"id": video + 1, "name": name, **_size(index, video)}
        element["length"] = int(written[rows.start : rows.stop].sum())
        if index.files is not None and index.files.kind[video] == VIDEO:
            element["file"] = index.files.source[video]
        yield element


def _images(index: Index, ids: list[Id], written: NDArray[np.bool_], in_videos: bool) -> Iterator[Element]:
    for video in range(index.n_videos):
        rows = index.frames_of(video)
        for row, path in zip(rows, image_paths(index, video), strict=True):
            if written[row]:
                element: Element = {"id": ids[row], "file_name": path, **_size(index, video)}
                if in_videos:
                    element |= {"video_id": video + 1, "frame_id": int(index.frame_number[row])}
                yield element


def _size(index: Index, video: int) -> Element:
    width, height = index.video_size[video].tolist()
    return {"width": width, "height": height} if width and height else {}


def _boxes(index: Index, ids: list[Id], categories: list[Id], kept: NDArray[np.bool_]) -> Iterator[Element]:
    numbers = {name: c.tolist() for name, c in index.instance_attributes.items() if c.dtype.kind != "S"}
    frame, class_id, track = index.instance_frame.tolist(), index.class_id.tolist(), index.track_id.tolist()
    boxes = xywh_rows(index.box)
    for row in np.flatnonzero(kept).tolist():
        element = _annotation(ids[frame[row]], categories[class_id[row]], boxes[row])
        if track[row] >= 0:
            element["instance_id"] = track[row]
        element |= {"occluded": bool(index.occluded[row]), "generated": bool(index.generated[row])}
        element |= {name: plain(column[row]) for name, column in numbers.items() if column[row] == column[row]}
        yield element


def _regions(index: Index, ids: list[Id], categories: list[Id]) -> Iterator[Element]:
    """Yield the ignored regions; one that is about every class is one of each."""
    if index.ignored is None:
        return
    boxes = xywh_rows(index.ignored.box)
    for row, of in enumerate(index.ignored.class_id.tolist()):
        for category in categories if of < 0 else [categories[of]]:
            element = _annotation(ids[index.ignored.frame[row]], category, boxes[row])
            yield element | ({"iscrowd": 1} if index.ignored.crowd[row] else {"ignore": 1})


def _annotation(image: Id, category: Id, xywh: list[float | int]) -> Element:
    return {
        "id": 0,
        "image_id": image,
        "category_id": category,
        "bbox": xywh,
        "area": plain(xywh[2] * xywh[3]),
        "iscrowd": 0,
    }
