from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from tests.evaluation import oracles
from tests.evaluation.cases import case
from tests.makers import make_index
from vidkit.boxes import from_inclusive
from vidkit.data.index import Index
from vidkit.errors import AnnotationError
from vidkit.evaluation.motion_iou import SEEN_ONCE, motion_iou, motion_of, track_length, window_is_known
from vidkit.evaluation.protocols import PROTOCOLS
from vidkit.evaluation.slices import breakdown


@pytest.mark.parametrize(("window", "include_self"), [(10, False), (10, True), (1, False), (3, True), (100, False)])
def test_motion_iou_equals_its_loop(window: int, include_self: bool) -> None:
    for seed in range(20):
        index = make_index(seed, videos=2, frames=25, tracks=3)
        found = motion_iou(index, window, include_self)
        np.testing.assert_allclose(found, oracles.motion_iou(index, window, include_self), atol=1e-14)


def test_frame_numbers_count_not_rows() -> None:
    index = make_index(3, videos=2, frames=25)
    gaps = replace(index, frame_number=index.frame_number * 2)
    np.testing.assert_allclose(motion_iou(gaps), oracles.motion_iou(gaps), atol=1e-14)
    assert not np.allclose(motion_iou(gaps), motion_iou(index))


@pytest.mark.parametrize("seed", range(10))
def test_a_window_of_which_less_than_half_was_annotated_tells_no_motion(seed: int) -> None:
    draw = np.random.default_rng(seed)
    index = make_index(seed, videos=3, frames=25)
    known = draw.random(index.n_frames) < draw.random()
    known[np.diff(index.instance_start) > 0] |= seed % 2 == 0
    steps = draw.integers(1, 4, index.n_frames)
    index = replace(index, frame_number=np.cumsum(steps).astype(np.int32))
    if not np.diff(index.instance_start)[~known].any():
        index = replace(index, annotated=known)
    else:
        known[:] = True
    found = window_is_known(index, 6)
    for row in range(index.n_frames):
        rows = index.frames_of(int(index.frame_video[row]))
        numbers = {int(index.frame_number[r]): bool(known[r]) for r in rows}
        here = int(index.frame_number[row])
        around = [n for n in range(here - 6, here + 7) if n != here and min(numbers) <= n <= max(numbers)]
        assert found[row] == (2 * sum(numbers.get(n, False) for n in around) >= len(around))


def test_objects_whose_motion_is_unknown_are_a_group_of_their_own() -> None:
    index = make_index(3, videos=2, frames=25)
    assert np.isnan(motion_iou(replace(index, frame_number=index.frame_number * 5))).all()
    groups = breakdown("motion", replace(index, frame_number=index.frame_number * 5), PROTOCOLS["fgfa"]).groups
    assert [group.name for group in groups] == ["all", "slow", "medium", "fast", "unknown"]
    assert groups[-1].kept is not None
    assert groups[-1].kept.all()


def test_tracks_twice_in_a_frame_and_inverted_boxes_follow_the_rule() -> None:
    for seed in range(60):
        index, _ = case(seed)
        np.testing.assert_allclose(motion_iou(index), oracles.motion_iou(index), atol=1e-14)


def test_a_track_seen_once_stands_still_and_no_overlap_is_almost_0() -> None:
    index = make_index(videos=1, frames=2, tracks=1)
    two = replace(
        index,
        instance_start=np.array([0, 1, 2]),
        box=np.array([[0, 0, 10, 10], [50, 50, 60, 60]], np.float32),
        class_id=np.zeros(2, np.int16),
        track_id=np.zeros(2, np.int32),
        occluded=np.zeros(2, bool),
        generated=np.zeros(2, bool),
    )
    assert motion_iou(two).tolist() == [1e-10, 1e-10]
    assert motion_iou(replace(two, track_id=np.array([0, 1], np.int32))).tolist() == [SEEN_ONCE] * 2


def test_without_track_ids_there_is_an_error_unless_the_index_has_the_values() -> None:
    index = make_index()
    lost = replace(index, track_id=np.where(np.arange(index.n_instances) == 3, -1, index.track_id).astype(np.int32))
    with pytest.raises(AnnotationError, match=f"1 of {index.n_instances} boxes have no track id"):
        motion_iou(lost)
    with pytest.raises(AnnotationError):
        track_length(lost)
    given = np.linspace(0, 1, index.n_instances)
    assert motion_of(replace(lost, motion_iou=given)) is given
    np.testing.assert_array_equal(motion_of(index), motion_iou(index))


def test_track_length_counts_the_instances_of_a_track_in_its_video() -> None:
    index = make_index(seed=5, videos=3, frames=9)
    video = index.frame_video[index.instance_frame]
    wanted = [
        int(((video == video[i]) & (index.track_id == index.track_id[i])).sum()) for i in range(index.n_instances)
    ]
    assert track_length(index).tolist() == wanted


def test_motion_of_the_real_snippet_is_that_of_the_published_file(shared_data: Path) -> None:
    """Where the window of 10 frames on both sides is there; source: the side file that FGFA published."""
    folder = shared_data / "ilsvrc" / "Annotations" / "VID" / "val" / "ILSVRC2015_val_00000000"
    files = sorted(folder.glob("*.xml"))
    rows = [
        (int(file.stem), int(o.findtext("trackid", "")), *(float(o.findtext(f"bndbox/{c}", "")) for c in CORNERS))
        for file in files
        for o in ElementTree.parse(file).iter("object")
    ]
    table = np.array(rows)
    index = snippet(table, len(files))
    with np.load(shared_data / "ilsvrc" / "vid_val_gt_all.npz") as file:
        first = int(np.searchsorted(file["frame_index"], len(files)))
        published, frame = file["motion_iou"][:first], file["frame_index"][:first]
    assert len(published) == len(table)
    whole = (frame >= 0) & (frame < len(files) - 10)  # the video goes on after the last file
    np.testing.assert_allclose(motion_iou(index)[whole], published[whole], rtol=0, atol=1e-12)


CORNERS = ("xmin", "ymin", "xmax", "ymax")


def snippet(table: np.ndarray, frames: int) -> Index:
    """One video of rows (frame, track, inclusive box)."""
    n = len(table)
    return replace(
        make_index(videos=1, frames=1),
        video_size=np.zeros((1, 2), np.int32),
        frame_start=np.array([0, frames]),
        frame_number=np.arange(frames, dtype=np.int32),
        instance_start=np.searchsorted(table[:, 0], np.arange(frames + 1)).astype(np.int64),
        box=from_inclusive(table[:, 2:]),
        class_id=np.zeros(n, np.int16),
        track_id=table[:, 1].astype(np.int32),
        occluded=np.zeros(n, bool),
        generated=np.zeros(n, bool),
    )
