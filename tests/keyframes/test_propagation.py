from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vidkit.keyframes.propagation import best_key_ids, contributions, mean_distance, mean_memory
from vidkit.segments import segments

UNIT = st.floats(0, 1)


def simulated_distance(length: int, key_id: int) -> float:
    """Let features travel through a long video by Alg. 1 and count the frames; leave out the first segment's start."""
    cut = list(segments(6 * length, length, key_id))
    travelled = []
    for before, segment in pairwise(cut):
        travelled.append(segment.key - before.key)  # the impression, to the new keyframe
        travelled += [abs(frame - segment.key) for frame in range(segment.start, segment.stop) if frame != segment.key]
    return float(np.mean(travelled))


@pytest.mark.parametrize("length", range(1, 41))
def test_mean_distance_equals_the_simulation(length: int) -> None:
    simulated = [simulated_distance(length, key_id) for key_id in range(length)]
    assert [mean_distance(length, key_id) for key_id in range(length)] == pytest.approx(simulated, abs=1e-12)
    best = [key_id for key_id in range(length) if simulated[key_id] < min(simulated) + 1e-9]
    assert best_key_ids(length) == tuple(best)


def test_mean_distance_is_that_of_table_2() -> None:
    assert [mean_distance(10, key_id) for key_id in range(6)] == [5.5, 4.7, 4.1, 3.7, 3.5, 3.5]


@given(length=st.integers(1, 60), data=st.data())
def test_mean_distance_is_symmetric(length: int, data: st.DataObject) -> None:
    key_id = data.draw(st.integers(0, length - 1))
    assert mean_distance(length, key_id) == mean_distance(length, length - 1 - key_id)


@pytest.mark.parametrize(("length", "key_id"), [(10, 10), (10, -1), (0, 0)])
def test_keys_outside_a_segment_are_refused(length: int, key_id: int) -> None:
    with pytest.raises(ValueError, match="segment"):
        mean_distance(length, key_id)


def simulated_shares(weight: float, gate: float, key: int) -> np.ndarray:
    """Run Eq. 1, 3 and 4 with one-hot keyframe features; the shares of keyframes key, key - 1, …, 0."""
    features = np.eye(key + 1)
    impression = task = features[0]
    for new in features[1:]:
        task = (1 - weight) * impression + weight * new
        impression = (1 - gate) * new + gate * task
    return task[::-1]


@given(weight=UNIT, gate=UNIT, key=st.integers(0, 40), offsets=st.integers(1, 45))
def test_contributions_equal_the_recursion(weight: float, gate: float, key: int, offsets: int) -> None:
    simulated = np.zeros(max(offsets, key + 1))
    simulated[: key + 1] = simulated_shares(weight, gate, key)
    np.testing.assert_allclose(contributions(weight, gate, key, offsets), simulated[:offsets], atol=1e-12)


@given(weight=st.floats(0.05, 1), gate=UNIT)
def test_contributions_without_a_beginning_are_the_limit(weight: float, gate: float) -> None:
    np.testing.assert_allclose(contributions(weight, gate), simulated_shares(weight, gate, 600)[:10], atol=1e-9)
    many = contributions(weight, gate, offsets=2000)
    assert many.sum() == pytest.approx(1)
    assert mean_memory(weight, gate) == pytest.approx((np.arange(2000) * many).sum(), abs=1e-9)


def test_known_shares_at_half_weight() -> None:
    np.testing.assert_allclose(contributions(0.5, 1.0, offsets=4), [0.5, 0.25, 0.125, 0.0625])
    np.testing.assert_allclose(contributions(0.5, 0.5, offsets=4), [0.5, 0.375, 0.09375, 0.0234375])
    np.testing.assert_allclose(contributions(0.5, 0.0, offsets=4), [0.5, 0.5, 0, 0])


@given(weight=UNIT)
def test_without_gate_exactly_one_keyframe_is_remembered(weight: float) -> None:
    assert np.count_nonzero(contributions(weight, gate=0.0)[2:]) == 0


def test_memory_that_never_takes_anything_in_is_endless() -> None:
    assert mean_memory(0.0, 1.0) == float("inf")


@pytest.mark.parametrize(
    ("weight", "gate", "key", "offsets"), [(-0.1, 1, 0, 1), (0.5, 1.1, 0, 1), (1, 1, -1, 1), (1, 1, 0, 0)]
)
def test_impossible_memories_are_refused(weight: float, gate: float, key: int, offsets: int) -> None:
    with pytest.raises(ValueError, match=r"wanted|lie in"):
        contributions(weight, gate, key, offsets)
