import numpy as np
import pytest

from tests.makers import make_index, make_predictions
from vidkit.data.part import of_videos
from vidkit.evaluation.evaluate import evaluate
from vidkit.predictions.table import from_frames

INDEX = make_index(videos=5, frames=7)


@pytest.mark.parametrize("videos", [[], [3], [0, 1, 2, 3, 4], [4, 0, 2]])
def test_a_part_has_the_frames_and_boxes_of_its_videos(videos):
    part = of_videos(INDEX, videos)
    assert part.video_name == tuple(INDEX.video_name[video] for video in videos)
    frame = 0
    for video in videos:  # the loop
        for old in INDEX.frames_of(video):
            assert part.frame_number[frame] == INDEX.frame_number[old]
            here, there = part.instances_of(frame), INDEX.instances_of(old)
            for column in ("box", "class_id", "track_id", "occluded", "generated"):
                np.testing.assert_array_equal(getattr(part, column)[here], getattr(INDEX, column)[there])
            frame += 1
    assert part.n_frames == frame


def test_all_videos_are_the_index():
    assert of_videos(INDEX, range(5)).fingerprint == INDEX.fingerprint


def test_the_score_of_a_part_is_that_of_its_frames_alone():
    whole = make_predictions(INDEX)
    part = of_videos(INDEX, [1, 3])
    answers = [whole.of_frame(frame) for video in (1, 3) for frame in INDEX.frames_of(video)]
    scored = evaluate(part, from_frames(answers, part.fingerprint), by=())
    assert 0 < scored.mean_ap < 1


@pytest.mark.parametrize("videos", [[5], [-1], [1, 1]])
def test_wrong_rows_are_refused(videos):
    with pytest.raises(ValueError, match="wanted different rows of 5 videos"):
        of_videos(INDEX, videos)
