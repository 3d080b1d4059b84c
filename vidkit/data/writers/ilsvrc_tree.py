"""An index as a tree of ILSVRC: `Annotations/VID/SPLIT/VIDEO/000000.xml`, images below `Data`, and `classes.txt`.

Still images go to DET. Boxes are in whole pixels, each at least one pixel wide and high. Frames keep their numbers.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vidkit.data.class_list import classes_text, id_in_list
from vidkit.data.index import IMAGE, Index
from vidkit.data.writers import WrittenSplit
from vidkit.data.writers.ilsvrc_xml import XmlObject, annotation_xml
from vidkit.data.writers.image_names import inner_name
from vidkit.data.writers.what_is_lost import has_area, is_written

ROUNDED = "{:,} boxes were rounded to whole pixels, by {:.2g} at most"
_SUFFIX = ".JPEG"  # whatever the image is: readers look at its content


def write_split(folder: Path, index: Index) -> WrittenSplit:
    """What is written below `folder/Annotations/VID/SPLIT`, or `DET/SPLIT` where all are still images."""
    written, kept = is_written(index), has_area(index)
    box = _whole(index)
    stills = index.n_frames == index.n_videos and index.files is not None and set(index.files.kind) == {IMAGE}
    place = Path("DET" if stills else "VID") / inner_name(index.split)
    images = {}
    for video, name in enumerate(index.video_name):
        for row in index.frames_of(video):
            if written[row]:
                frame = inner_name(name) if stills else f"{inner_name(name)}/{index.frame_number[row]:06d}"
                images[row] = folder / "Data" / place / f"{frame}{_SUFFIX}"
                xml = folder / "Annotations" / place / f"{frame}.xml"
                xml.parent.mkdir(parents=True, exist_ok=True)
                xml.write_text(_xml(index, video, row, xml, box, kept), encoding="utf-8")
    moved = np.abs(box - index.box).max(axis=1, initial=0)[kept]
    n_moved = int((moved > 0).sum())
    notes = (ROUNDED.format(n_moved, moved.max()),) if n_moved else ()
    again = "--det-root {out} --split {split}" if stills else ""
    return WrittenSplit(int(written.sum()), int(kept.sum()), notes, images, again)


def write_common(folder: Path, indices: Sequence[Index]) -> None:
    """Write `classes.txt`, with the word that stands for each class in the XML, its number and its name."""
    (folder / "classes.txt").write_text(classes_text(indices[0].classes), encoding="utf-8")


def _whole(index: Index) -> NDArray[np.int64]:
    """The boxes in whole pixels `(N, 4)`."""
    box = np.round(index.box).astype(np.int64)
    box[:, 2:] = np.maximum(box[:, 2:], box[:, :2] + 1)
    return box


def _xml(index: Index, video: int, row: int, path: Path, box: NDArray[np.int64], kept: NDArray[np.bool_]) -> str:
    here = index.instances_of(row)
    objects = [
        XmlObject(
            int(index.track_id[n]),
            id_in_list(index.classes[index.class_id[n]]),
            tuple(box[n].tolist()),
            bool(index.occluded[n]),
            bool(index.generated[n]),
        )
        for n in range(here.start, here.stop)
        if kept[n]
    ]
    width, height = index.video_size[video].tolist()
    return annotation_xml(path.parent.name, path.stem, index.dataset, (width, height), objects)
