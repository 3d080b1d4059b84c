"""Boxes linked between two frames, and what is between them."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from impnet_model.detectors.links import REACH, extrapolated, gains, interpolated, linked
from impnet_model.detectors.moved_boxes import inside
from vidkit.detections import Detections


def found(*rows: tuple[float, float, float, float, float, int]) -> Detections:
    """Boxes by centre and side: x, y, w, h, score, class."""
    table = np.array(rows, np.float64).reshape(-1, 6)
    half = table[:, 2:4] / 2
    boxes = np.concatenate([table[:, :2] - half, table[:, :2] + half], axis=1).astype(np.float32)
    return Detections(boxes, table[:, 4].astype(np.float32), table[:, 5].astype(np.int64))


def best_by_loop(a: Detections, b: Detections) -> float:
    """The largest sum of gains over all ways to link, class by class; every way is tried."""
    total = 0.0
    for class_id in {*a.class_ids.tolist(), *b.class_ids.tolist()}:
        ours, theirs = np.flatnonzero(a.class_ids == class_id), np.flatnonzero(b.class_ids == class_id)
        gain = gains(a, b, ours, theirs)
        if gain.shape[0] > gain.shape[1]:
            gain = gain.T
        ways = permutations(range(gain.shape[1]), gain.shape[0])
        total += max(sum(gain[i, j] for i, j in enumerate(way)) for way in ways)
    return total


boxes_of_frame = st.lists(
    st.tuples(
        st.integers(0, 60),
        st.integers(0, 60),
        st.integers(0, 20),
        st.integers(1, 20),
        st.integers(0, 4),
        st.integers(0, 1),
    ),
    max_size=4,
)


@given(boxes_of_frame, boxes_of_frame)
@settings(max_examples=60, deadline=None)
def test_links_are_the_best_of_all_ways(first: list[tuple[int, ...]], second: list[tuple[int, ...]]) -> None:
    a, b = (found(*((*row[:4], row[4] / 4, row[5]) for row in rows)) for rows in (first, second))
    pairs = linked(a, b)
    assert len({*pairs[:, 0].tolist()}) == len({*pairs[:, 1].tolist()}) == len(pairs)
    assert (a.class_ids[pairs[:, 0]] == b.class_ids[pairs[:, 1]]).all()
    won = sum(float(gains(a, b, pair[:1], pair[1:])[0, 0]) for pair in pairs)
    assert won == pytest.approx(best_by_loop(a, b), abs=1e-6)


def test_what_both_frames_are_sure_of_is_linked_first() -> None:
    a = found((10, 10, 10, 10, 0.9, 0), (14, 10, 10, 10, 0.01, 0))
    b = found((14, 10, 10, 10, 0.9, 0))
    assert linked(a, b).tolist() == [[0, 0]]


@pytest.mark.parametrize(
    "other", [(10, 10, 10, 10, 0.9, 1), (10 + 10 * REACH, 10, 10, 10, 0.9, 0), (10, 10, 600, 600, 0.9, 0)]
)
def test_other_class_too_far_and_too_different_are_not_linked(other: tuple[float, ...]) -> None:
    assert linked(found((10, 10, 10, 10, 0.9, 0)), found(other)).shape == (0, 2)  # type: ignore[arg-type]


def test_between_two_frames_boxes_and_scores_are_mixed() -> None:
    a, b = found((10, 10, 10, 10, 0.8, 2)), found((20, 14, 20, 10, 0.4, 2))
    middle = interpolated(a, b, linked(a, b), 0.25)
    wanted = found((12.5, 11, 12.5, 10, 0.7, 2))
    np.testing.assert_allclose(middle.boxes, wanted.boxes)
    np.testing.assert_allclose(middle.scores, wanted.scores, rtol=1e-6)
    assert middle.class_ids.tolist() == [2]


@pytest.mark.parametrize(("share", "classes"), [(0.0, [1]), (0.5, [1]), (0.51, [3]), (1.0, [3])])
def test_what_has_no_partner_stays_in_its_half(share: float, classes: list[int]) -> None:
    a, b = found((10, 10, 10, 10, 0.8, 1)), found((20, 14, 20, 10, 0.4, 3))
    assert interpolated(a, b, linked(a, b), share).class_ids.tolist() == classes


def test_boxes_go_on_as_they_came() -> None:
    a, b = found((10, 10, 10, 10, 0.8, 0)), found((14, 8, 12, 12, 0.6, 0), (50, 50, 8, 8, 0.5, 0))
    after = extrapolated(a, b, linked(a, b), 0.5)
    np.testing.assert_allclose(after.boxes, found((16, 7, 12, 12, 1, 0), (50, 50, 8, 8, 1, 0)).boxes)
    assert after.scores.tolist() == b.scores.tolist()


def test_of_what_left_the_frame_nothing_is_kept() -> None:
    there = inside(found((-20, 10, 10, 10, 0.9, 0), (2, 10, 10, 10, 0.8, 1), (40, 10, 10, 10, 0.7, 0)), 35, 30)
    assert there.boxes.tolist() == [[0, 5, 7, 15]]
    assert there.class_ids.tolist() == [1]


def test_no_boxes_at_all() -> None:
    none = found()
    assert linked(none, none).shape == (0, 2)
    assert len(interpolated(none, none, linked(none, none), 0.3)) == 0
    assert len(extrapolated(none, none, linked(none, none), 2.0)) == 0
