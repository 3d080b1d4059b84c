"""Two detectors side by side: which frames are chosen, and what the figure and its table hold."""

from collections import Counter

import numpy as np
import pytest

from tests.makers import make_index, make_predictions
from vidkit.evaluation.verdicts import HIT, Verdicts, judge
from vidkit.plots.compare_frames import (
    APART,
    agreement,
    compare_frames,
    compare_frames_rows,
    differences,
    most_different,
)


def pair(seed: int = 0, frames: int = 12, videos: int = 3) -> tuple[Verdicts, Verdicts]:
    index = make_index(seed, frames=frames, videos=videos)
    return judge(index, make_predictions(index, 1), 0.3), judge(index, make_predictions(index, 2), 0.3)


@pytest.mark.parametrize("seed", range(4))
def test_differences_equal_a_plain_loop(seed: int) -> None:
    first, second = pair(seed)
    index = first.index
    for frame, found in enumerate(differences(first, second)):
        rows = index.instances_of(frame)
        objects = sum((first.state[r] == HIT) != (second.state[r] == HIT) for r in range(rows.start, rows.stop))
        false = [sum(bool(run.false[r]) for r in run.shown_in(frame)) for run in (first, second)]
        assert found == objects + abs(false[0] - false[1])


def test_the_most_different_frames_are_of_different_videos_first_and_apart_then() -> None:
    first, second = pair(frames=40)
    video, by = first.index.frame_video, differences(first, second)
    chosen = most_different(first, second, 5, np.ones(len(by), bool))
    assert by[chosen[0]] == by.max()
    assert len(set(video[chosen[:3]])) == 3
    assert [by[row] for row in chosen[:3]] == [by[video == video[row]].max() for row in chosen[:3]]
    for v in range(3):
        mine = sorted(row for row in chosen if video[row] == v)
        assert all(np.diff(mine) >= APART)
    assert len(chosen) == 5


def test_only_allowed_frames_that_differ_are_chosen() -> None:
    first, second = pair()
    allowed = first.index.frame_video == 1
    assert set(first.index.frame_video[most_different(first, second, 3, allowed)]) == {1}
    assert most_different(first, first, 3, np.ones(len(allowed), bool)) == []


def test_agreement_counts_every_object_once() -> None:
    first, second = pair(2)
    index = first.index
    wanted = Counter(zip((first.state == HIT).tolist(), (second.state == HIT).tolist(), strict=True))
    counts = agreement(first, second, np.ones(index.n_frames, bool))
    names = {"both": (True, True), "only_first": (True, False), "only_second": (False, True), "neither": (False, False)}
    assert counts == {name: wanted[state] for name, state in names.items()}
    assert sum(agreement(first, second, np.zeros(index.n_frames, bool)).values()) == 0


def test_the_table_has_every_mark() -> None:
    first, second = pair(1)
    rows = [2, 15]
    table = compare_frames_rows(rows, {"a": first, "b": second})
    for name, run in (("a", first), ("b", second)):
        counts = run.counts_of_frames()
        mine = [line for line in table if line["run"] == name]
        for verdict, column in (("true positive", "true"), ("false positive", "false"), ("missed", "missed")):
            assert sum(line["verdict"] == verdict for line in mine) == counts[column][rows].sum()
        assert all(line["error"] for line in mine if line["verdict"] == "false positive")


def test_the_figure_has_a_panel_for_each_run_and_frame() -> None:
    first, second = pair(1)
    images = [np.zeros((240, 320, 3), np.uint8)] * 2
    figure = compare_frames([2, 15], images, {"a": first, "b": second}, "a note", width=3.5)
    assert figure.get_figwidth() == 3.5
    assert [axes.get_title() for axes in figure.axes] == ["a", "b", "", ""]
    assert "video_0001" in figure.axes[2].get_ylabel()
    texts = " ".join(text.get_text() for axes in figure.axes for text in axes.texts)
    assert "✗" in texts
    with pytest.raises(ValueError, match="no frames"):
        compare_frames([], [], {"a": first})
