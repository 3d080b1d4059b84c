import dataclasses
import pickle

import numpy as np
import pytest

from tests.makers import make_index


def test_rows_of_one_level_lead_to_the_next() -> None:
    index = make_index()
    for video in range(index.n_videos):
        for frame in index.frames_of(video):
            assert index.frame_video[frame] == video
            rows = index.instances_of(frame)
            assert (index.instance_frame[rows] == frame).all()


def test_columns_are_read_only() -> None:
    index = make_index()
    with pytest.raises(ValueError, match="read-only"):
        index.box[0, 0] = 1


def test_fingerprint_follows_the_content_not_its_storage() -> None:
    index = make_index()
    assert index.fingerprint == make_index().fingerprint
    assert index.fingerprint == dataclasses.replace(index, box=index.box.astype(np.float64), split="other").fingerprint
    moved = index.box.copy()
    moved[0, 0] += 1
    assert index.fingerprint != dataclasses.replace(index, box=moved).fingerprint
    renamed = ("other", *index.video_name[1:])
    assert index.fingerprint != dataclasses.replace(index, video_name=renamed).fingerprint


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("class_id", lambda i: i.class_id + 99, "class_id outside"),
        ("instance_start", lambda i: i.instance_start[::-1].copy(), "must rise"),
        ("frame_number", lambda i: np.zeros_like(i.frame_number), "frame numbers must rise"),
        ("video_name", lambda i: ("same",) * i.n_videos, "not unique"),
        ("track_id", lambda i: i.track_id[1:], "rows, wanted"),
    ],
)
def test_contradictions_are_refused(column: str, value: object, message: str) -> None:
    index = make_index()
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(index, **{column: value(index)})  # type: ignore[operator]


def test_an_index_crosses_process_borders_whole() -> None:
    index = make_index()
    index = dataclasses.replace(index, frame_attributes={"blur": np.arange(index.n_frames, dtype=np.float64)})
    again = pickle.loads(pickle.dumps(index))
    assert again.fingerprint == index.fingerprint
    assert not again.box.flags.writeable


def test_an_index_may_be_empty() -> None:
    index = make_index(videos=0)
    assert (index.n_videos, index.n_frames, index.n_instances) == (0, 0, 0)
    assert len(index.fingerprint) == 32
