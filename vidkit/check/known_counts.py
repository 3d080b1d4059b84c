"""What the whole of ImageNet VID holds: counts to hold a tree against. Facts about the data set, none of its content.

Sources: the frame lists that come with the data set (videos, frames, list rows) and the ground-truth cache of the
validation set that FGFA published (boxes, boxes of each class, frames without objects). No such cache is known for the
training set, so its boxes are not told here.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class KnownSplit:
    """The counts of one official split, None where not known; `boxes_of_class` is in the order of `VID_CLASSES`."""

    videos: int
    frames: int
    boxes: int | None = None
    empty_frames: int | None = None
    boxes_of_class: tuple[int, ...] | None = None


VID_TRAIN = KnownSplit(videos=3862, frames=1_122_397)
VID_VAL = KnownSplit(
    videos=555,
    frames=176_126,
    boxes=273_505,
    empty_frames=4_046,
    boxes_of_class=(
        *(26387, 7968, 9780, 8854, 9862, 6313, 26690, 11365, 20237, 11629),  # airplane … domestic_cat
        *(11934, 9092, 7593, 5476, 7939, 2840, 5972, 10654, 1139, 5898),  # elephant … rabbit
        *(1149, 4405, 6393, 12088, 2614, 13095, 5761, 6089, 7379, 6910),  # red_panda … zebra
    ),
)
KNOWN_SPLITS = {"train": VID_TRAIN, "val": VID_VAL}


@dataclass(frozen=True)
class KnownList:
    """The counts of one official frame list: its rows, and how many of them differ."""

    rows: int
    distinct: int


KNOWN_LISTS = {
    "VID_train_15frames.txt": KnownList(rows=57_834, distinct=57_834),
    "VID_val_videos.txt": KnownList(rows=555, distinct=555),
    "DET_train_30classes.txt": KnownList(rows=53_639, distinct=53_237),
}
