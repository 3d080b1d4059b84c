"""An index as YOLO's folders: `images/SPLIT/VIDEO`, `labels/SPLIT/VIDEO` with a text file for each image, `data.yaml`.

A line is class, centre x, centre y, width, height, in shares of the image. Trainers refuse a sixth number and what lies
outside the image, so tracks aren't written and boxes are cut at the edge.
"""

import json
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from vidkit.boxes import Boxes
from vidkit.data.index import IMAGE, Index
from vidkit.data.writers import WrittenSplit
from vidkit.data.writers.image_names import image_names, inner_name, suffix_of
from vidkit.data.writers.what_is_lost import has_area, is_written
from vidkit.errors import ChoiceError

ROUNDED = "corners are shares of the image in ten digits: exact to a millionth of a pixel"
CUT = "{:,} boxes were cut at the edge of the image"
OUTSIDE = "{:,} boxes outside of the image, left out"
_SPLITS = ("train", "val", "test")


def write_split(folder: Path, index: Index) -> WrittenSplit:
    """What is written of the labels, in `folder/labels/SPLIT`. Raises ChoiceError where a video's size isn't known."""
    unknown = np.flatnonzero((index.video_size == 0).any(axis=1))
    if len(unknown):
        name = index.video_name[unknown[0]]
        raise ChoiceError(f"video {name!r}: its size isn't in the index, and YOLO's numbers are shares of it")
    box, inside = _within(index)
    written, sound = is_written(index), has_area(index)
    kept = sound & inside
    images: dict[int, Path] = {}
    split = inner_name(index.split)
    for video, name in enumerate(index.video_name):
        rows = [row for row in index.frames_of(video) if written[row]]
        for row, path in zip(rows, _paths(index, video, inner_name(name), rows), strict=True):
            images[row] = folder / "images" / split / path
            labels = folder / "labels" / split / PurePosixPath(path).with_suffix(".txt")
            labels.parent.mkdir(parents=True, exist_ok=True)
            here = np.arange(index.instance_start[row], index.instance_start[row + 1])
            here = here[kept[here]]
            labels.write_text(_lines(index.class_id[here], box[here], index.video_size[video]), encoding="ascii")
    cut = int((kept & (box != index.box).any(axis=1)).sum())
    notes = [words.format(n) for words, n in ((CUT, cut), (OUTSIDE, int((sound & ~inside).sum()))) if n]
    return WrittenSplit(int(written.sum()), int(kept.sum()), (ROUNDED, *notes), images)


def write_common(folder: Path, indices: Sequence[Index]) -> None:
    """Write `data.yaml`: where the images of each split are, what the classes are called."""
    places = {index.split: f"images/{index.split}" for index in indices if index.split in _SPLITS}
    if not places:  # trainers want both
        places = dict.fromkeys(("train", "val"), f"images/{indices[0].split}")
    names = [f"  {number}: {json.dumps(c.name, ensure_ascii=False)}\n" for number, c in enumerate(indices[0].classes)]
    text = "".join(f"{split}: {place}\n" for split, place in places.items())
    (folder / "data.yaml").write_text(f"path: .\n{text}names:\n{''.join(names)}", encoding="utf-8")


def _paths(index: Index, video: int, name: str, rows: Sequence[int]) -> list[str]:
    """The paths of a video's images below the folder of its split; a still image needs no folder of its own."""
    first, names = index.frames_of(video).start, image_names(index, video)
    if index.files is not None and index.files.kind[video] == IMAGE:
        return [f"{name}{suffix_of(names)}" for _ in rows]
    return [f"{name}/{names[row - first]}" for row in rows]


def _within(index: Index) -> tuple[Boxes, NDArray[np.bool_]]:
    """The boxes cut at the edge of their image `(N, 4)`, and which are anything then `(N,)`."""
    size = index.video_size[index.frame_video[index.instance_frame]]
    box = np.clip(np.asarray(index.box, np.float64), 0, np.concatenate([size, size], axis=1))
    return box, np.asarray((box[:, 2:] > box[:, :2]).all(axis=1))


def _lines(class_id: NDArray[np.int16], box: Boxes, size: NDArray[np.int32]) -> str:
    shares = np.concatenate([(box[:, :2] + box[:, 2:]) / 2 / size, (box[:, 2:] - box[:, :2]) / size], axis=1)
    rows = zip(class_id.tolist(), shares.tolist(), strict=True)
    return "".join(f"{c} {' '.join(f'{share:.10g}' for share in row)}\n" for c, row in rows)
