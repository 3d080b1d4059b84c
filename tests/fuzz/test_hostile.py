"""The files that broke an earlier version, which aren't part of the repository: each is refused, or makes sense."""

from pathlib import Path

import pytest

from tests.fuzz.fuzzing import fault_of, is_possible
from tests.fuzz.readers import READERS

# the beginning of a file's name: the reader that it is for; the first that fits
KINDS = {
    "ckpt_": "checkpoint",
    "tor_params": "weights .pth",
    "tor_shard": "shard",
    "tor_toml": "settings .toml",
    "tar_link_loop": "weights .pth",
    "motion_": "motion .mat",
    "data_motion": "motion .mat",
    "data_classes": "--classes-from",
    "data_lists": "--frame-list",
    "data_cocovid": "coco",
    "cv_": "coco",
    "data_index": "index",
    "idx_": "index",
    "ext_link": "predictions vidkit",
    "data_result": "result.json",
    "result_": "result.json",
    "data_vidtree": "ILSVRC XML",
    "img_": "image bmp",
    "video_": "video",
    "empty_video": "video",
    "deep.parts": "parts/run.json",
    "": "predictions vidkit",  # every format of predictions has one door
}
REFUSED = (
    *("ckpt_", "idx_", "ext_", "result_deep", "deep.parts", "no_commas", "str_numbers", "m_coco", "hugeshape", "badU"),
    *("run_weird", "int_boxes", "repp_", "tor_", "tar_", "cv_", "data_result", "m_mmdet", "motion_claims", "video_"),
)


def test_files_that_broke_an_earlier_version_do_not_break_this_one(shared_data: Path) -> None:
    folder = shared_data / "hostile"
    if not folder.is_dir():
        pytest.skip("needs the folder hostile")
    faults = {}
    for path in sorted(folder.iterdir()):
        reader = READERS[next(kind for begin, kind in KINDS.items() if path.name.startswith(begin))]
        if not is_possible(reader):
            continue
        fault, refused = fault_of(reader, path)
        if fault or (path.name.startswith(REFUSED) and not refused):
            faults[path.name] = fault or "read"
    assert faults == {}
