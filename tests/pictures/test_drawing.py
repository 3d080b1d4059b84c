"""Drawing: everything lands on the frame, and says what the index says."""

import dataclasses

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.makers import make_index
from vidkit.data.index import IgnoredRegions
from vidkit.detections import Detections
from vidkit.pictures.drawing import (
    IGNORED_COLOUR,
    PALETTE,
    Mark,
    Trail,
    contact_sheet,
    detection_marks,
    draw,
    ignored_marks,
    legible_scale,
    truth_marks,
    truth_trails,
)

GREY = np.full((500, 600, 3), 128, np.uint8)
Corners = tuple[float, float, float, float]


def changed(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> NDArray[np.bool_]:
    return np.asarray((a != b).any(axis=2))


def label_area(box: Corners, text: str = "turtle 3") -> int:
    """How many pixels a label changes."""
    return int(changed(draw(GREY, [Mark(box, text)]), draw(GREY, [Mark(box)])).sum())


def test_the_frame_itself_stays_as_it_was() -> None:
    frame = GREY.copy()
    draw(frame, [Mark((10, 10, 50, 50), "a")], [Trail(np.array([[0, 0], [9, 9]]))], "caption")
    assert np.array_equal(frame, GREY)


def test_nothing_to_draw_gives_the_frame() -> None:
    assert np.array_equal(draw(GREY), GREY)


@pytest.mark.parametrize(("size", "scale"), [((160, 128), 4), ((1280, 720), 1), ((640, 480), 1), ((640, 479), 2)])
def test_small_frames_are_enlarged_until_they_are_legible(size: tuple[int, int], scale: int) -> None:
    width, height = size
    assert legible_scale(width, height) == scale
    assert draw(np.zeros((height, width, 3), np.uint8)).shape == (scale * height, scale * width, 3)


def test_the_line_runs_around_the_box() -> None:
    drawn = changed(draw(GREY, [Mark((100, 60, 300, 200))]), GREY)
    assert not drawn[60:200, 100:300].any()
    assert drawn[59, 99:301].all()
    assert drawn[200, 99:301].all()
    assert drawn[59:201, 99].all()
    assert drawn[59:201, 300].all()
    ys, xs = np.nonzero(drawn)
    assert xs.min() >= 92
    assert ys.min() >= 52


def test_a_box_as_large_as_the_frame_shows_all_four_sides() -> None:
    drawn = changed(draw(GREY, [Mark((0, 0, 600, 500))]), GREY)
    for side in (drawn[:3], drawn[-3:], drawn[:, :3], drawn[:, -3:]):
        assert side.mean() > 0.9


@pytest.mark.parametrize(
    "box",
    [
        (0, 0, 600, 500),
        (-80, -80, 20, 20),
        (590, 490, 700, 600),
        (0, 480, 600, 500),
        (560, 0, 600, 20),
        (299, 249, 300, 250),
        (-50, 200, -10, 240),
        (1e6, 1e6, 2e6, 2e6),
        (300, 200, 100, 100),
    ],
)
def test_a_label_is_whole_wherever_its_box_is(box: Corners) -> None:
    # Where the label covers its box's own line it changes nothing.
    assert label_area(box) > 0.8 * label_area((200, 200, 400, 400))


def test_boxes_of_nan_and_infinity_are_left_out() -> None:
    marks = [Mark((np.nan, 0, 10, 10), "a"), Mark((0, 0, np.inf, np.nan), "b")]
    assert not changed(draw(GREY, marks), GREY).any()


def test_labels_of_boxes_in_one_place_stand_apart() -> None:
    box = (200.0, 200.0, 400.0, 400.0)
    without = draw(GREY, [Mark(box)] * 4)
    area = changed(draw(GREY, [Mark(box, "turtle 3")] * 4), without).sum()
    assert area > 3.6 * label_area(box)


def test_a_label_covers_no_other_box_where_there_is_room() -> None:
    above, below = (200.0, 170.0, 260.0, 195.0), (200.0, 200.0, 260.0, 225.0)
    inside = (slice(172, 193), slice(202, 258))
    assert not changed(draw(GREY, [Mark(above), Mark(below, "turtle 3")]), GREY)[inside].any()


def test_a_dashed_line_is_about_half_of_a_solid_one() -> None:
    solid = changed(draw(GREY, [Mark((100, 100, 500, 400))]), GREY).sum()
    dashed = changed(draw(GREY, [Mark((100, 100, 500, 400), line="dashed")]), GREY).sum()
    assert 0.4 < dashed / solid < 0.8


def test_colours_differ_in_lightness_or_hue_for_everybody() -> None:
    # Linear maps of what red- and green-blind people see (Viénot, Brettel, Mollon 1999, simplified to sRGB).
    protan = np.array([[0.112, 0.888, 0], [0.112, 0.888, 0], [0.004, -0.004, 1]])
    deutan = np.array([[0.293, 0.707, 0], [0.293, 0.707, 0], [-0.021, 0.021, 1]])
    for sight in (np.eye(3), protan, deutan):
        seen = np.array(PALETTE, float) @ sight.T
        apart = np.abs(seen[:, None] - seen[None]).max(axis=2)[~np.eye(len(PALETTE), dtype=bool)]
        assert apart.min() > 20


def test_truth_says_class_track_and_what_is_known() -> None:
    index = make_index(seed=3)
    for frame in range(index.n_frames):
        rows = index.instances_of(frame)
        marks = truth_marks(index, frame)
        assert len(marks) == rows.stop - rows.start
        for mark, row in zip(marks, range(rows.start, rows.stop), strict=True):
            assert mark.label.startswith(f"{index.class_names[index.class_id[row]]} {index.track_id[row]}")
            assert ("(occluded)" in mark.label) == (mark.line == "dashed") == bool(index.occluded[row])
            assert ("(generated)" in mark.label) == bool(index.generated[row])
            assert mark.box == tuple(index.box[row].tolist())


def test_ignored_regions_are_grey_and_say_what_they_are_about() -> None:
    index = make_index(videos=1, frames=3, tracks=1)
    regions = IgnoredRegions(
        count=np.array([0, 2, 0], np.int32),
        box=np.array([[1, 2, 30, 40], [5, 5, 9, 9]], np.float32),
        class_id=np.array([-1, 0], np.int16),
        crowd=np.array([True, False]),
    )
    with_regions = dataclasses.replace(index, ignored=regions)
    marks = truth_marks(with_regions, 1)[:2]
    assert [mark.label for mark in marks] == ["ignored", f"ignored {index.class_names[0]}"]
    assert [mark.box for mark in marks] == [(1, 2, 30, 40), (5, 5, 9, 9)]
    assert {(mark.colour, mark.line) for mark in marks} == {(IGNORED_COLOUR, "dotted")}
    assert truth_marks(with_regions, 0) == truth_marks(index, 0)
    assert ignored_marks(index, 1) == []


def test_colours_tell_tracks_apart_or_classes() -> None:
    index = make_index(seed=3)
    frame = int(np.argmax(np.diff(index.instance_start)))
    rows = index.instances_of(frame)
    by_track, by_class = truth_marks(index, frame), truth_marks(index, frame, by="class")
    assert [m.colour for m in by_track] == [PALETTE[t % 7] for t in index.track_id[rows]]
    assert [m.colour for m in by_class] == [PALETTE[c % 7] for c in index.class_id[rows]]
    untracked = dataclasses.replace(index, track_id=np.full_like(index.track_id, -1))
    assert [m.colour for m in truth_marks(untracked, frame)] == [m.colour for m in by_class]
    assert truth_trails(untracked, frame) == []


def test_a_trail_follows_its_track_within_its_video() -> None:
    index = make_index(seed=1)
    for frame in range(index.n_frames):
        first = max(index.frames_of(int(index.frame_video[frame])).start, frame - 5)
        rows = index.instances_of(frame)
        trails = truth_trails(index, frame, length=5)
        assert len(trails) == rows.stop - rows.start
        for trail, track in zip(trails, sorted(index.track_id[rows]), strict=True):
            wanted = [
                (index.box[row, :2] + index.box[row, 2:]) / 2
                for at in range(first, frame + 1)
                for row in range(index.instances_of(at).start, index.instances_of(at).stop)
                if index.track_id[row] == track
            ]
            assert np.array_equal(trail.points, np.array(wanted))


def test_detections_are_drawn_from_the_least_score_on_the_best_on_top() -> None:
    detections = Detections(
        np.arange(12, dtype=float).reshape(3, 4), np.array([0.9, 0.1, 0.5]), np.array([1, 0, 0], np.int64)
    )
    marks = detection_marks(detections, ("bird", "car"), PALETTE[2], least_score=0.5, run="dff")
    assert [mark.label for mark in marks] == ["dff bird 0.50", "dff car 0.90"]
    assert {mark.colour for mark in marks} == {PALETTE[2]}
    assert detection_marks(Detections.none(), ("bird",), PALETTE[0]) == []


def test_a_contact_sheet_goes_row_by_row() -> None:
    frames = [np.full((10, 20, 3), 40 * i, np.uint8) for i in range(5)]
    sheet = contact_sheet(frames, columns=2, gap=1)
    assert sheet.shape == (32, 41, 3)
    assert [sheet[11 * (i // 2), 21 * (i % 2), 0] for i in range(5)] == [0, 40, 80, 120, 160]
    assert sheet[31, 40, 0] == 255
    assert np.array_equal(contact_sheet(frames[:1]), frames[0])
    assert contact_sheet([frames[0], np.zeros((30, 10, 3), np.uint8)], columns=2, gap=0).shape == (30, 40, 3)
    with pytest.raises(ValueError, match="no frames"):
        contact_sheet([])
