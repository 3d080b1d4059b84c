"""Timelines: the states of a track, the track that tells most, keyframes and attributes."""

from dataclasses import replace

import numpy as np
import pytest

from tests.makers import make_index, make_predictions
from vidkit.data.index import Index
from vidkit.errors import AnnotationError, ChoiceError
from vidkit.evaluation.motion_iou import motion_iou
from vidkit.evaluation.verdicts import STATES, Verdicts, judge
from vidkit.plots.timeline import Track, most_telling_track, timeline, timeline_rows, track_called


def judged(index: Index, seed: int) -> Verdicts:
    place = np.arange(index.n_frames, dtype=np.int32) % 4
    return judge(index, replace(make_predictions(index, seed, jitter=8), is_key=place == 0), 0.3)


def naive_telling(runs: list[Verdicts]) -> dict[tuple[int, int], int]:
    """How many frames of each track tell something, by a plain loop."""
    index = runs[0].index
    counts: dict[tuple[int, int], int] = {}
    last: dict[tuple[int, int], int] = {}
    for instance in range(index.n_instances):
        track = int(index.frame_video[index.instance_frame[instance]]), int(index.track_id[instance])
        states = [int(run.state[instance]) for run in runs]
        tells = len(set(states)) > 1 if len(runs) > 1 else last.get(track, states[0]) != states[0]
        counts[track] = counts.get(track, 0) + tells
        last[track] = states[0]
    return counts


@pytest.mark.parametrize("n_runs", [1, 2, 3])
@pytest.mark.parametrize("seed", range(4))
def test_the_most_telling_track_equals_a_plain_loop(n_runs: int, seed: int) -> None:
    index = make_index(seed, frames=30)
    runs = {f"run {i}": judged(index, i) for i in range(n_runs)}
    counts = naive_telling(list(runs.values()))
    found = most_telling_track(runs, np.ones(index.n_videos, bool))
    assert counts[found.video, found.track_id] == max(counts.values())
    for video in {video for video, _ in counts}:
        found = most_telling_track(runs, np.arange(index.n_videos) == video)
        assert found.video == video
        assert counts[found.video, found.track_id] == max(n for (v, _), n in counts.items() if v == video)


def test_rows_tell_the_state_in_each_frame_of_the_video() -> None:
    index = make_index(1, frames=30)
    index = replace(
        index,
        frame_attributes={"blur_sigma": np.arange(index.n_frames) / 2, "brightness": np.ones(index.n_frames)},
        instance_attributes={"motion_blur": np.arange(index.n_instances, dtype=float)},
    )
    run = judged(index, 3)
    track = most_telling_track({"a": run}, np.ones(3, bool))
    rows = timeline_rows({"a": run, "b": run}, track)
    assert len(rows) == 60
    assert [row["frame"] for row in rows[:30]] == list(range(30))
    motion = motion_iou(index)
    for row, frame in zip(rows[:30], index.frames_of(track.video), strict=True):
        at = index.instances_of(frame)
        mine = [i for i in range(at.start, at.stop) if index.track_id[i] == track.track_id]
        assert row["state"] == (STATES[run.state[mine[0]]] if mine else "")
        assert row["motion_iou"] == (motion[mine[0]] if mine else "")
        assert row["keyframe"] == int(frame % 4 == 0)
        assert row["blur: frame blur_sigma"] == frame / 2
        assert row["blur: motion_blur"] == (mine[0] if mine else "")
        assert (row["score"] == "") == (row["state"] in ("", "missed"))
        assert not any("brightness" in name for name in row)


def test_the_figure_has_panels_for_runs_motion_and_blur() -> None:
    index = make_index(1, frames=30)
    runs = {"a": judged(index, 1), "a run with a very long name indeed": judged(index, 2)}
    track = most_telling_track(runs, np.ones(3, bool))
    figure = timeline(runs, track, width=3.5)
    assert (len(figure.axes), figure.get_figwidth()) == (2, 3.5)
    blurred = replace(index, frame_attributes={"blur_sigma": np.zeros(index.n_frames)})
    assert len(timeline({"a": judged(blurred, 1)}, track).axes) == 3
    assert any(patch.get_hatch() for patch in figure.axes[0].patches)


def test_a_track_is_found_by_its_number_or_the_tracks_are_listed() -> None:
    index = make_index(1)
    video = int(index.frame_video[index.instance_frame[0]])
    assert track_called(index, video, int(index.track_id[0])) == Track(video, int(index.track_id[0]))
    with pytest.raises(ChoiceError, match="no track 77; its tracks are"):
        track_called(index, video, 77)


def test_without_tracks_there_is_no_timeline() -> None:
    index = make_index(1)
    untracked = replace(index, track_id=np.full_like(index.track_id, -1))
    with pytest.raises(AnnotationError, match="no track id"):
        most_telling_track({"a": judged(untracked, 1)}, np.ones(3, bool))
    empty = make_index(1, tracks=0)
    with pytest.raises(ChoiceError, match="no track in the videos"):
        most_telling_track({"a": judged(empty, 1)}, np.ones(3, bool))
