"""Panels: what a run says of a frame is drawn as the evaluation says it."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.makers import make_index, make_predictions
from vidkit.data.index import Index
from vidkit.evaluation.verdicts import HIT, Verdicts, judge
from vidkit.pictures.drawing import VERDICTS, LineStyle, Mark, draw, verdict_marks
from vidkit.pictures.panels import Panel, panel_scale, picture, with_legend
from vidkit.predictions.table import NO_KEY

FRAME = np.full((240, 320, 3), 128, np.uint8)


def judged(index: Index, seed: int = 0, **columns: NDArray[np.generic]) -> Verdicts:
    return judge(index, replace(make_predictions(index, seed, jitter=6), **columns), 0.3)


def test_there_is_a_mark_for_each_object_and_each_shown_detection() -> None:
    index = make_index(1)
    verdicts = judged(index)
    kinds = {look: kind for kind, look in VERDICTS.items()}
    for frame in range(index.n_frames):
        drawn = [kinds[mark.colour, mark.line, mark.sign] for mark in verdict_marks(verdicts, frame)]
        state = verdicts.state[index.instances_of(frame)]
        shown = verdicts.shown_in(frame)
        assert drawn.count("ground truth found") == (state == HIT).sum()
        assert drawn.count("missed") == (state > HIT).sum()
        assert drawn.count("true positive") == verdicts.true[shown].sum()
        assert drawn.count("false positive") == verdicts.false[shown].sum()


def test_labels_tell_class_score_and_what_is_wrong() -> None:
    index = make_index(2, classes=2)
    every = [judged(index, seed) for seed in range(5)]
    labels = [mark for one in every for frame in range(index.n_frames) for mark in verdict_marks(one, frame)]
    false = " ".join(mark.label for mark in labels if mark.sign == "cross")
    assert all(word in false for word in ("wrong class", "badly placed", "duplicate", "class0", "0.9"))
    assert {mark.label for mark in labels if mark.sign == "ring"} <= {"class0", "class1"}
    assert {mark.label for mark in labels if mark.sign == ""} == {""}


def test_verdicts_differ_in_line_and_sign_without_any_colour() -> None:
    looks = [(line, sign) for _, line, sign in VERDICTS.values()]
    assert len(set(looks)) == len(looks)
    box = (20.0, 20.0, 200.0, 160.0)
    drawn = [draw(FRAME, [Mark(box, "", (255, 255, 255), line, sign)], scale=1) for line, sign in looks]
    apart = [(a != b).any(axis=2).sum() for i, a in enumerate(drawn) for b in drawn[:i]]
    assert min(apart) > 100


@pytest.mark.parametrize("line", ["dashed", "dotted"])
@pytest.mark.parametrize("side", [1, 4, 9, 30, 77, 200])
def test_broken_lines_begin_and_end_at_the_corners(line: LineStyle, side: int) -> None:
    box = (20.0, 20.0, 20.0 + side, 20.0 + side)
    drawn = (draw(FRAME, [Mark(box, line=line)], scale=1) != FRAME).any(axis=2)[:, :240]
    ys, xs = np.nonzero(drawn)
    for y in (ys.min(), ys.max()):
        for x in (xs.min(), xs.max()):
            assert drawn[y, x]
    assert np.array_equal(drawn, drawn.T)


def test_panels_stand_side_by_side_stacked_or_in_a_square() -> None:
    index = make_index(1)
    panels = [Panel(f"run {i}", judged(index, i)) for i in range(5)]
    one = picture(FRAME, 3, panels[:1], 1)
    bars = one.shape[0] - 240
    assert one.shape[1] == 320
    assert picture(FRAME, 3, panels[:3], 1).shape == (one.shape[0], 3 * 320 + 8, 3)
    assert picture(FRAME, 3, panels[:2], 1, columns=1).shape == (240 + bars + 4 + 240 + bars // 2, 320, 3)
    assert picture(FRAME, 3, panels, 1).shape[1] == 3 * 320 + 8
    with pytest.raises(ValueError, match="no panels"):
        picture(FRAME, 3, [])


def test_the_panel_of_each_run_shows_that_run() -> None:
    index = make_index(1)
    panels = [Panel("run", judged(index, i)) for i in range(2)]
    both = picture(FRAME, 3, panels, 1)
    for i, panel in enumerate(panels):
        assert np.array_equal(
            both[-240:, 324 * i : 324 * i + 320], draw(FRAME, verdict_marks(panel.verdicts, 3), scale=1)
        )


def bar(verdicts: Verdicts, row: int) -> NDArray[np.uint8]:
    drawn = picture(FRAME, row, [Panel("run", verdicts)], 1)
    height = (drawn.shape[0] - 240) // 2
    return drawn[height : 2 * height]


def test_the_bar_is_black_on_keyframes_and_tells_the_distance_elsewhere() -> None:
    index = make_index(1)
    is_key = np.arange(index.n_frames) % 4 == 0
    distance = -(np.arange(index.n_frames, dtype=np.int32) % 4)
    told = judged(index, is_key=is_key, key_distance=distance)
    assert bar(told, 4).mean() < 64
    assert bar(told, 5).mean() > 192
    assert (bar(told, 5) != bar(told, 6)).any()
    untold = judged(index, is_key=is_key, key_distance=np.full(index.n_frames, NO_KEY, np.int32))
    assert np.array_equal(bar(untold, 5), bar(judged(index), 5))


def test_where_every_frame_is_a_keyframe_none_is_marked() -> None:
    index = make_index(1)
    every = judged(index, is_key=np.ones(index.n_frames, bool))
    assert np.array_equal(bar(every, 4), bar(judged(index), 4))


def test_long_names_are_shortened() -> None:
    index = make_index(1)
    short, long = (picture(FRAME, 3, [Panel(name, judged(index))], 1) for name in ("run", "a long name " * 20))
    assert short.shape == long.shape
    assert (long[:, -6:] == short[:, -6:]).all()


def test_the_legend_wraps_where_there_is_little_room() -> None:
    verdicts = judged(make_index(1))
    wide, narrow = (np.zeros((10, width, 3), np.uint8) for width in (1500, 300))
    assert with_legend(wide, verdicts).shape[1] == 1500
    assert with_legend(narrow, verdicts).shape[0] > with_legend(wide, verdicts).shape[0]
    assert np.array_equal(with_legend(wide, verdicts)[:10], wide)


def test_several_large_frames_are_made_smaller() -> None:
    assert panel_scale(160, 128, 3) == 4
    assert panel_scale(1280, 720, 1) == 1
    assert panel_scale(1280, 720, 2) == 480 / 720
