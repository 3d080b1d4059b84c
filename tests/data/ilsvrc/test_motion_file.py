import dataclasses
import zlib
from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from tests.makers import make_index
from vidkit.data.frame_lists import ListEntry
from vidkit.data.ilsvrc import motion_file
from vidkit.data.ilsvrc.motion_file import MotionFile, align_motion, read_motion_file
from vidkit.data.index import Index
from vidkit.errors import AnnotationError


def save(path: Path, values: list[np.ndarray], name: str = "motion_iou") -> Path:
    """A file in the form of FGFA's: n x 1 doubles, 1 x 0 for an empty frame, ones as uint8."""
    cells = np.empty((len(values), 1), object)
    for row, cell in enumerate(values):
        cells[row, 0] = cell.reshape(-1, 1) if len(cell) else np.zeros((1, 0))
        if len(cell) and (cell == 1).all():
            cells[row, 0] = cells[row, 0].astype(np.uint8)
    savemat(path, {name: cells}, do_compression=True)
    return path


def values_of(index: Index, seed: int = 0) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    values = [rng.random(rows.stop - rows.start) for rows in map(index.instances_of, range(index.n_frames))]
    return [np.ones(len(cell)) if row % 5 == 0 else cell for row, cell in enumerate(values)]


@pytest.fixture
def index() -> Index:
    return make_index(seed=3)


@pytest.fixture
def motion(index: Index, tmp_path: Path) -> MotionFile:
    return read_motion_file(save(tmp_path / "m.mat", values_of(index)))


def test_a_whole_split_is_aligned_by_position(index: Index, motion: MotionFile) -> None:
    assert motion.n_frames == index.n_frames
    assert not motion.is_official
    np.testing.assert_array_equal(align_motion(motion, index, None, ""), np.concatenate(values_of(index)))


def part_of(index: Index, video: int, frames: slice) -> Index:
    """An index of some frames of one video."""
    rows = range(index.n_frames)[frames.start + index.frame_start[video] : frames.stop + index.frame_start[video]]
    instances = slice(int(index.instance_start[rows[0]]), int(index.instance_start[rows[-1] + 1]))
    columns = {
        name: getattr(index, name)[instances] for name in ("box", "class_id", "track_id", "occluded", "generated")
    }
    return dataclasses.replace(
        index,
        video_name=(index.video_name[video],),
        video_size=index.video_size[video : video + 1],
        frame_start=np.array([0, len(rows)]),
        frame_number=index.frame_number[rows],
        instance_start=index.instance_start[rows[0] : rows[-1] + 2] - index.instance_start[rows[0]],
        **columns,
    )


@pytest.mark.parametrize("form", ["first id", "ids"])
def test_a_part_is_aligned_by_the_ids_of_a_list(index: Index, motion: MotionFile, form: str) -> None:
    part = part_of(index, 1, slice(4, 9))
    name, frames = part.video_name[0], tuple(range(12))
    entry = (
        ListEntry("val", name, 2, length=12, first_id=13)
        if form == "first id"
        else ListEntry("val", name, 2, frames=frames, ids=tuple(13 + frame for frame in frames))
    )
    aligned = align_motion(motion, part, {name: entry}, "the list")
    np.testing.assert_array_equal(aligned, np.concatenate(values_of(index)[16:21]))


def test_what_does_not_fit_is_refused(index: Index, motion: MotionFile) -> None:
    part = part_of(index, 1, slice(0, 12))
    with pytest.raises(AnnotationError, match="has 36 frames, the index 12; for a part of the split"):
        align_motion(motion, part, None, "")
    other = make_index(seed=4)
    with pytest.raises(AnnotationError, match=r"doesn't fit: \d+ of 36 frames .* first video_0000 frame \d+ \(id \d+"):
        align_motion(motion, other, None, "the order")
    name = part.video_name[0]
    for entries, reason in (
        ({}, "has no ids for the video"),
        ({name: ListEntry("val", name, 1, frames=(0,), ids=(13,))}, "has no id for frame 1"),
        ({name: ListEntry("val", name, 1, frames=(0,), length=12)}, "gives no global frame ids"),
        ({name: ListEntry("val", name, 1, length=5, first_id=13)}, "has 5 frames, the tree has frame 11"),
        ({name: ListEntry("val", name, 1, length=12, first_id=30)}, "gives ids up to 41"),
        ({name: ListEntry("val", name, 1, length=12, first_id=1)}, "doesn't fit"),
    ):
        with pytest.raises(AnnotationError, match=reason):
            align_motion(motion, part, entries, "the list")


def test_other_files_are_refused(tmp_path: Path, index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "m.mat"
    good = save(path, values_of(index)).read_bytes()
    wrong = {
        "a text": b"not matlab",
        "cut": good[: len(good) // 2],
        "no cells": None,
        "another name": None,
    }
    for what, data in wrong.items():
        if data is not None:
            path.write_bytes(data)
        elif what == "no cells":
            savemat(path, {"motion_iou": np.zeros((3, 1))})
        else:
            save(path, values_of(index), "other")
        with pytest.raises(AnnotationError, match=r"m\.mat: "):
            read_motion_file(path)
    save(path, [np.array([1.5])])
    with pytest.raises(AnnotationError, match=r"motion_iou\{1\}: a value outside 0 … 1"):
        read_motion_file(path)
    path.write_bytes(good)
    monkeypatch.setattr(motion_file, "MAX_UNPACKED_BYTES", 1000)
    with pytest.raises(AnnotationError, match="unpacks to more than"):
        read_motion_file(path)


def test_a_compressed_bomb_is_refused_before_it_is_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(motion_file, "MAX_UNPACKED_BYTES", 1 << 24)
    packer = zlib.compressobj(9)
    body = b"".join(packer.compress(b"\0" * (1 << 20)) for _ in range(40)) + packer.flush()
    header = b"MATLAB 5.0".ljust(124) + b"\x00\x01IM"
    (tmp_path / "m.mat").write_bytes(header + (15).to_bytes(4, "little") + len(body).to_bytes(4, "little") + body)
    with pytest.raises(AnnotationError, match="unpacks to more than"):
        read_motion_file(tmp_path / "m.mat")
