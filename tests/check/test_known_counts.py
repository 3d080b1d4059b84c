from pathlib import Path

import numpy as np

from vidkit.check.known_counts import VID_TRAIN, VID_VAL
from vidkit.classes import VID_CLASSES


def test_the_known_counts_agree_with_each_other() -> None:
    by_name = {c.name: n for c, n in zip(VID_CLASSES, VID_VAL.boxes_of_class or (), strict=True)}
    assert sum(by_name.values()) == VID_VAL.boxes
    assert (by_name["airplane"], by_name["zebra"]) == (26387, 6910)
    assert VID_TRAIN.boxes_of_class is None


def test_the_known_counts_are_those_of_the_published_ground_truth(shared_data: Path) -> None:
    with np.load(shared_data / "ilsvrc" / "vid_val_gt_all.npz") as truth:
        counts = np.bincount(truth["class_id"], minlength=31)[1:]
        frames, with_boxes = int(truth["video_len"].sum()), len(np.unique(truth["frame_index"]))
        videos = len(truth["video_name"])
    assert tuple(counts.tolist()) == VID_VAL.boxes_of_class
    assert (videos, frames, frames - with_boxes) == (VID_VAL.videos, VID_VAL.frames, VID_VAL.empty_frames)
