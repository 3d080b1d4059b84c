import numpy as np
import pytest

from vidkit.detections import Detections
from vidkit.harness.answers import fault_of_kind, fault_of_numbers, first_fault


def odd_answer(rng: np.random.Generator) -> Detections:
    """None to three boxes, some of them with NaN, infinities, inverted, outlying, of unknown classes."""
    n = int(rng.integers(0, 4))
    corner = rng.choice([0.0, 3.0, -1.0], (n, 2))
    boxes = np.concatenate([corner, corner + rng.choice([0.0, 2.0, 7.0], (n, 2))], axis=1)
    scores, classes = rng.random(n), rng.integers(0, 3, n)
    if n and rng.random() < 0.2:
        boxes.flat[rng.integers(boxes.size)] = rng.choice([np.nan, np.inf, -np.inf, -1.5, 11.0, 11.5, 0.0])
        scores[rng.integers(n)] = rng.choice([0.5, np.nan, np.inf])
        classes[rng.integers(n)] = rng.choice([0, 2, 3, -1])
    return Detections(boxes, scores, classes)


@pytest.mark.parametrize("seed", range(100))
def test_looking_at_all_frames_together_finds_what_one_by_one_does(seed):
    rng = np.random.default_rng(seed)
    answers = [odd_answer(rng) for _ in range(int(rng.integers(0, 6)))]
    one_by_one = [(frame, said) for frame, a in enumerate(answers) if (said := fault_of_numbers(a, 10, 10, 3))]
    assert first_fault(answers, 10, 10, 3) == (one_by_one[0] if one_by_one else None)


def test_there_are_faults_among_those():
    numbers = [fault_of_numbers(odd_answer(np.random.default_rng(seed)), 10, 10, 3) for seed in range(300)]
    for word in ("finite", "class id", "inverted", "outside"):
        assert any(word in said for said in numbers)
    assert numbers.count("") > 100


def test_no_classes_at_all():
    one = Detections(np.zeros((1, 4)), np.zeros(1), np.zeros(1, int))
    assert "class id 0" in fault_of_numbers(one, 10, 10, 0)
    assert fault_of_numbers(Detections.none(), 10, 10, 0) == fault_of_kind(Detections.none()) == ""
