"""An index whose fingerprint fits and whose content is nonsense is refused when it is read."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.makers import make_classes, make_index
from vidkit.data.index import FrameFiles, IgnoredRegions, Index
from vidkit.data.index_file import read_index, write_index
from vidkit.errors import FormatError

INDEX = make_index(videos=2, frames=4)
N, F = INDEX.n_instances, INDEX.n_frames
BOX = INDEX.box.copy()
BOX[1, 2] = np.nan
OUTSIDE = np.full(N, 0.5)
OUTSIDE[0] = 1.5


def files(**changed: Any) -> FrameFiles:
    return replace(FrameFiles("/data", ("folder",) * 2, ("a", "b"), ("{:06d}.JPEG",) * 2), **changed)


def regions(**changed: Any) -> IgnoredRegions:
    count = np.zeros(F, np.int32)
    count[0] = 1
    return replace(IgnoredRegions(count, np.zeros((1, 4)), np.array([-1], np.int16), np.array([True])), **changed)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"box": BOX}, "a box that isn't finite"),
        ({"box": INDEX.box.astype(np.int64)}, "box is of int64, wanted floating-point numbers"),
        ({"frame_number": INDEX.frame_number + 0.5}, "frame_number is of float64, wanted whole numbers"),
        ({"frame_number": INDEX.frame_number - 7}, "the frame number -7"),
        ({"video_size": -INDEX.video_size}, "a side of -320 pixels"),
        ({"track_id": INDEX.track_id - 9}, "the track id -"),
        ({"occluded": INDEX.occluded.astype(np.float32)}, "occluded is of float32, wanted true or false"),
        ({"motion_iou": np.full(N, np.nan)}, "a motion IoU outside 0 … 1"),
        ({"motion_iou": OUTSIDE}, "a motion IoU outside 0 … 1"),
        ({"classes": make_classes(1) * 3}, "two classes of one name"),
        ({"files": files(kind=("folder",))}, "kind has 1 rows, wanted 2"),
        ({"files": files(kind=("folder", "pipe"))}, "the kind 'pipe'"),
        ({"files": files(offset=np.zeros(3, np.int64))}, "offset has 3 rows, wanted 8"),
        ({"ignored": regions(box=np.full((1, 4), np.inf))}, "ignored regions: a box that isn't finite"),
    ],
)
def test_nonsense_is_refused(tmp_path: Path, changed: dict[str, Any], said: str) -> None:
    write_index(tmp_path / "i.h5", replace(INDEX, **changed))
    with pytest.raises(FormatError, match=rf"i\.h5: index: .*{said}.*; make it again"):
        read_index(tmp_path / "i.h5")


@pytest.mark.parametrize(
    "index", [INDEX, make_index(videos=0, tracks=0), replace(INDEX, files=files(), ignored=regions())]
)
def test_what_makes_sense_is_read(tmp_path: Path, index: Index) -> None:
    write_index(tmp_path / "i.h5", index)
    assert read_index(tmp_path / "i.h5").fingerprint == index.fingerprint


def test_boxes_far_out_are_finite(tmp_path: Path) -> None:
    box = INDEX.box.astype(np.float64)
    box[:, 2:] = 1e308  # the sum of all isn't finite, each is
    write_index(tmp_path / "i.h5", replace(INDEX, box=box))
    assert read_index(tmp_path / "i.h5").box.max() == 1e308
