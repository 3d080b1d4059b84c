from dataclasses import replace

import numpy as np
import pytest

from tests.makers import make_index
from vidkit.detections import Detections
from vidkit.errors import DetectorError
from vidkit.harness.detector import DetectorContext
from vidkit.harness.plugins import make
from vidkit.harness.run import blank_frames
from vidkit.harness.stand_ins import FrameCopy, clearness
from vidkit.harness.stopwatch import time_video
from vidkit.segments import key_of_frames

INDEX = make_index(videos=3, frames=24)
CONTEXT = DetectorContext(INDEX.classes)
TRUTHFUL = ["noise=0", "miss=0", "false_positives=0", "confusion=0"]


def answers(name, *options, index=INDEX, video=0):
    detector, _ = make(name, CONTEXT, options)
    return time_video(detector, blank_frames(index, video), index, video).answers


def same(a: Detections, b: Detections) -> bool:
    return (
        np.array_equal(a.boxes, b.boxes)
        and np.array_equal(a.scores, b.scores)
        and np.array_equal(a.class_ids, b.class_ids)
    )


def test_an_oracle_without_errors_says_the_truth():
    for frame, answer in enumerate(answers("oracle-jitter", *TRUTHFUL)):
        rows = INDEX.instances_of(frame)
        truth = INDEX.box[rows].clip(0, [320, 240, 320, 240])
        seen = (truth[:, 2] > truth[:, 0]) & (truth[:, 3] > truth[:, 1])
        assert np.array_equal(answer.boxes, truth[seen])
        assert np.array_equal(answer.class_ids, INDEX.class_id[rows][seen])


def test_a_video_is_answered_alike_in_any_index():
    """A pure function of seed, video name and frame number: not of the videos before, nor of the rows."""
    alone = make_index(videos=3, frames=24)
    turned = replace(
        INDEX,
        video_name=tuple(reversed(INDEX.video_name)),
        instance_start=np.zeros_like(INDEX.instance_start),
        **{c: getattr(INDEX, c)[:0] for c in ("box", "class_id", "track_id", "occluded", "generated")},
    )
    assert all(map(same, answers("oracle-jitter", video=2), answers("oracle-jitter", index=alone, video=2)))
    ghosts = [
        answers("oracle-jitter", "miss=1", "false_positives=3", index=i, video=v) for i, v in ((INDEX, 0), (turned, 2))
    ]
    assert sum(map(len, ghosts[0])) > 20
    assert all(map(same, *ghosts))


def test_the_seed_changes_everything():
    pairs = zip(answers("oracle-jitter"), answers("oracle-jitter", "seed=1"), strict=True)
    assert not any(same(a, b) for a, b in pairs if len(a) or len(b))


def test_misses_and_false_positives_come_as_often_as_told():
    index = make_index(videos=40, frames=20, tracks=6)

    def count(*options):
        return sum(len(a) for video in range(40) for a in answers("oracle-jitter", *options, index=index, video=video))

    seen = count(*TRUTHFUL)
    assert count("noise=0", "confusion=0", "false_positives=0", "miss=0.3") / seen == pytest.approx(0.7, abs=0.05)
    assert count("miss=1", "false_positives=2") / index.n_frames == pytest.approx(2, abs=0.2)


def blurred(frame: float = 0.0, instance: float | None = None):
    instances = {} if instance is None else {"blur_sigma": np.full(INDEX.n_instances, instance)}
    return replace(
        INDEX, frame_attributes={"blur_sigma": np.full(INDEX.n_frames, frame)}, instance_attributes=instances
    )


def test_blur_lowers_hits_and_the_dial_turns_it_off():
    plain = sum(map(len, answers("oracle-jitter", *TRUTHFUL)))
    assert sum(map(len, answers("oracle-jitter", *TRUTHFUL, index=blurred(4.0)))) < plain / 2
    assert sum(map(len, answers("oracle-jitter", *TRUTHFUL, "blur=0", index=blurred(4.0)))) == plain


def test_clearness_falls_with_the_blur_in_relation_to_the_size():
    size = np.array([10.0, 20.0])
    row = int(INDEX.instance_frame[np.flatnonzero(np.bincount(INDEX.instance_frame)[INDEX.instance_frame] == 2)[0]])
    assert clearness(INDEX, row, size, 1) == pytest.approx([1, 1])
    assert clearness(blurred(1.0), row, size, 1) == pytest.approx([np.exp(-1), np.exp(-0.5)])
    assert clearness(blurred(3.0, 4.0), row, size, 1) == pytest.approx([np.exp(-5), np.exp(-2.5)])
    assert clearness(blurred(np.nan), row, size, 1) == pytest.approx([1, 1])


@pytest.mark.parametrize("length", [1, 2, 5, 10, 30])
@pytest.mark.parametrize("key_id", [0, None])
def test_frame_copy_repeats_the_boxes_of_the_keyframe(length, key_id):
    each = answers("oracle-jitter")
    copied = answers("frame-copy", f"length={length}", f"key_id={key_id}".lower())
    keys = key_of_frames(24, length, key_id)
    for frame, (answer, key) in enumerate(zip(copied, keys, strict=True)):
        assert same(answer, each[key])
        assert answer.is_key == (frame == key)
        assert answer.key_distance == key - frame


def test_frame_copy_looks_ahead_to_a_central_key():
    detector, _ = make("frame-copy", CONTEXT, ["length=10"])
    ahead = time_video(detector, blank_frames(INDEX, 0), INDEX, 0).look_ahead
    assert ahead.tolist() == [5, 4, 3, 2, 1, 0, 0, 0, 0, 0] * 2 + [3, 2, 1, 0]


class Brightness:
    """A detector that looks at pixels: its score is the brightness of the frame."""

    name = "brightness"

    def detect(self, frames):
        for image in frames:
            yield Detections(np.zeros((1, 4)), np.array([image.mean()]), np.array([0]))

    def synchronize(self):
        pass


def brightness(context):
    return Brightness()


def test_frame_copy_on_a_plain_detector_sees_no_truth():
    images = [np.full((240, 320, 3), number, np.uint8) for number in range(24)]
    detector, _ = make("frame-copy", CONTEXT, ["length=4", f"base={__name__}:brightness", "key_id=1"])
    assert not hasattr(detector, "detect_known")
    scores = [a.scores[0] for a in time_video(detector, images, INDEX, 0).answers]
    assert scores == [number // 4 * 4 + 1 for number in range(24)]


def test_frame_copy_tells_what_its_base_tells():
    class Telling(Brightness):
        def describe(self):
            return {"precision": "float16"}

    assert FrameCopy(Telling(), 3, 0, 0.0).describe() == {"precision": "float16"}
    assert FrameCopy(Brightness(), 3, 0, 0.0).describe() == {}


@pytest.mark.parametrize(
    ("name", "option", "message"),
    [
        ("oracle-jitter", "miss=1.5", "option 'miss': 1.5; wanted 0 … 1"),
        ("oracle-jitter", "noise=nan", "option 'noise'"),
        ("oracle-jitter", "seed=-1", "option 'seed'"),
        ("oracle-jitter", "false_positives=1e9", "option 'false_positives'"),
        ("frame-copy", "length=0", "a segment has 1 frame or more, not 0"),
        ("frame-copy", "key_id=10", "keyframe id 10 lies outside 0 … 9"),
        ("frame-copy", "base=nothing-such", "no detector 'nothing-such'"),
        ("frame-copy", "base_options=mis=1", "no option 'mis'"),
    ],
)
def test_options_out_of_range_are_refused(name, option, message):
    with pytest.raises(DetectorError, match=message):
        make(name, CONTEXT, [option])


def test_an_index_of_nothing():
    empty = make_index(videos=1, frames=3, tracks=0, classes=1)
    assert len(answers("frame-copy", "base_options=false_positives=0", index=empty)) == 3
