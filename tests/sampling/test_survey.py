from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.makers import make_index
from tests.sampling.indices import clip, index_of
from vidkit.sampling.samplers import Sample, fgfa, impression_triplet, uniform15
from vidkit.sampling.strata import Epochs
from vidkit.sampling.survey import survey


@settings(deadline=None)
@given(seed=st.integers(0, 30), balance=st.sampled_from([0.0, 1.0]), length=st.integers(1, 12))
def test_a_survey_equals_the_loop_over_samples(seed: int, balance: float, length: int) -> None:
    indices = [make_index(3, videos=2, tracks=5), index_of([[[0]], [[1, 1]], [[2]]], classes=3)]
    sampler = impression_triplet(indices, length, Epochs(class_balance=balance, shares=(2, 1)), seed)
    epochs = range(1, 3)
    samples = [sample for epoch in epochs for sample in sampler.epoch(epoch)]
    found = survey(sampler, indices, epochs)

    assert found.samples == len(samples)
    of_videos = [s for s in samples if len(indices[s.source].frames_of(s.video)) > 1]
    assert found.of_videos == len(of_videos)
    assert found.all_frames_equal == sum(len(set(s.frames)) == 1 for s in of_videos)
    assert [role.role for role in found.roles] == ["old", "new"]
    for role, column in zip(found.roles, (0, 2), strict=True):
        check_role(role.drawn, Counter(s.drawn[column] for s in of_videos), sampler.offsets.ranges[column])
        check_role(role.used, Counter(s.frames[column] - s.current for s in of_videos), sampler.offsets.ranges[column])
        wanted = [(s.current + s.drawn[column], indices[s.source].frames_of(s.video)) for s in of_videos]
        assert role.clamped_at_start == sum(frame < video.start for frame, video in wanted)
        assert role.clamped_at_end == sum(frame >= video.stop for frame, video in wanted)
    for source, told in enumerate(found.sources):
        mine = [s for s in samples if s.source == source]
        assert (told.samples, told.frames_seen) == (len(mine), len({s.current for s in mine}))
        assert told.stills == (len(mine) if source == 1 else 0)
    for class_id, told_class in enumerate(found.classes):
        shown = [classes_of(s, indices).count(class_id) for s in samples]
        assert (told_class.samples, told_class.boxes) == (sum(n > 0 for n in shown), sum(shown))
        assert told_class.drawn_for == sum(s.of_class == class_id for s in samples)


def check_role(told: dict[int, int], counted: Counter[int], declared: range) -> None:
    assert {offset: n for offset, n in told.items() if n} == counted
    assert set(declared) <= set(told)


def classes_of(sample: Sample, indices: list) -> list[int]:  # type: ignore[type-arg]
    index = indices[sample.source]
    return list(index.class_id[index.instances_of(sample.current)])


def test_frames_of_a_class_are_counted_among_those_that_may_be_drawn() -> None:
    index = index_of([clip(30, 1), [[0, 0], [2]]])
    found = survey(uniform15([index]), [index])
    assert [(c.name, c.frames, c.boxes) for c in found.classes] == [
        ("class0", 1, 2),
        ("class1", 15, 15),
        ("class2", 1, 1),
        ("class3", 0, 0),
    ]
    assert found.roles == ()


def test_short_videos_are_clamped_at_both_ends() -> None:
    index = index_of([clip(2)] * 200)
    found = survey(fgfa([index], radius=9), [index])
    first = found.roles[0]
    assert first.clamped_at_start + first.clamped_at_end > 300  # 16 of 19 offsets lead out of two frames
    assert set(first.used) == set(range(-9, 10)) and sum(first.used.values()) == 400


def test_no_epoch_is_no_survey() -> None:
    index = index_of([clip(2)])
    with pytest.raises(ValueError, match="no epoch"):
        survey(fgfa([index]), [index], range(0))
