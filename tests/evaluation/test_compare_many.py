import dataclasses
import json
import math

import numpy as np
import pytest

from tests.makers import make_index, make_predictions
from vidkit.errors import ChoiceError, PredictionError
from vidkit.evaluation.compare import compare
from vidkit.evaluation.compare_many import compare_many, holm, verdict
from vidkit.evaluation.intervals import DOUBTFUL
from vidkit.predictions.table import Predictions, RunInfo

INDEX = make_index(seed=3, videos=12)
RUNS = {
    name: make_predictions(INDEX, seed, jitter) for seed, (name, jitter) in enumerate((("c", 9), ("a", 1), ("b", 6)))
}


def test_holm_by_hand() -> None:
    # 3 x .01 = .03; 2 x .04 = .08; 1 x .05 = .05, but not below the one before
    assert holm(np.array([0.04, 0.01, 0.05])).tolist() == pytest.approx([0.08, 0.03, 0.08])
    assert holm(np.array([0.6, 0.7])).tolist() == [1, 1]
    assert holm(np.zeros(0)).tolist() == []
    of_two = holm(np.array([0.02, math.nan, 0.04]))
    assert math.isnan(of_two[1]) and of_two[[0, 2]].tolist() == pytest.approx([0.04, 0.04])


def test_holm_is_its_loop() -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        p = np.round(rng.random(int(rng.integers(0, 9))) ** 3, 2)
        wanted, highest = dict[int, float](), 0.0
        for place, i in enumerate(sorted(range(len(p)), key=lambda i: p[i])):
            highest = max(highest, min(1.0, (len(p) - place) * p[i]))
            wanted[i] = highest
        assert holm(p).tolist() == pytest.approx([wanted[i] for i in range(len(p))])


def test_each_pair_is_the_comparison_of_two() -> None:
    many = compare_many(INDEX, RUNS, by="class", ci=50, seed=4)
    assert [(pair.a, pair.b) for pair in many.overall.pairs] == [("c", "a"), ("c", "b"), ("a", "b")]
    for a, b in (("c", "a"), ("c", "b"), ("a", "b")):
        two = compare(INDEX, RUNS[a], RUNS[b], by="class", ci=50, seed=4)
        means = [difference for difference in two.differences if not difference.class_name]
        for group, wanted in zip(many.groups, means, strict=True):
            found = group.pair(b, a)
            assert dataclasses.astuple(found.difference) == pytest.approx(dataclasses.astuple(wanted), nan_ok=True)
            better = wanted.p_better
            weight = 5 if wanted.note == DOUBTFUL else 1
            assert found.p == pytest.approx(min(1, weight * 2 * min(better, 1 - better)), nan_ok=True)
    for group in many.groups:
        p = np.array([pair.p for pair in group.pairs])
        assert [pair.p_adjusted for pair in group.pairs] == pytest.approx(holm(p).tolist(), nan_ok=True)


def test_the_best_run_is_said_with_its_certainty() -> None:
    group = compare_many(INDEX, RUNS, ci=50).overall
    assert group.best == "a" and group.mean_ap["a"] == max(group.mean_ap.values())
    assert group.certainty == 1 - max(group.pair("a", other).p_adjusted for other in "bc")
    others = [other for other in "cb" if group.pair("a", other).p_adjusted >= 0.05]
    assert group.not_told_apart() == others
    assert verdict(group).startswith("a is highest" if others else "a is best with")


def test_runs_that_are_equal_are_not_told_apart() -> None:
    many = compare_many(INDEX, {"one": RUNS["a"], "two": RUNS["a"], "three": RUNS["a"]}, ci=20)
    assert [pair.p_adjusted for pair in many.overall.pairs] == [1, 1, 1]
    assert (many.overall.best, many.overall.certainty) == ("one", 0)
    assert verdict(many.overall).endswith("but can't be told from two, three")


def test_few_videos_tell_no_best_run() -> None:
    index = make_index(videos=3)
    runs = {str(jitter): make_predictions(index, jitter=jitter) for jitter in (1.0, 5.0, 9.0)}
    group = compare_many(index, runs, ci=20).overall
    assert math.isnan(group.certainty) and not any(pair.differ for pair in group.pairs)
    assert "whether it is best can't be told (3 videos: too few to tell)" in verdict(group)
    assert compare_many(index, runs, ci=0).overall.pairs[0].difference.note == "no resampling"


def test_it_is_told_as_json_and_as_a_table() -> None:
    many = compare_many(INDEX, RUNS, by="class", ci=20)
    content = json.loads(json.dumps(many.to_json(), allow_nan=False))
    assert (content["format"], content["version"]) == ("vidkit-comparisons", 1)
    assert list(content["runs"]) == ["c", "a", "b"] and content["groups"][0]["best"] == "a"
    assert len(content["groups"]) == 1 + INDEX.n_classes
    frame = many.to_frame()
    assert len(frame) == 3 * len(many.groups)
    assert frame["delta"][0] == pytest.approx(many.overall.mean_ap["a"] - many.overall.mean_ap["c"])
    assert "a" in repr(many) and len(repr(many).splitlines()) <= 10


def test_what_cannot_be_compared_is_refused() -> None:
    with pytest.raises(ChoiceError, match="1 runs: wanted two or more"):
        compare_many(INDEX, {"a": RUNS["a"]})
    limited: Predictions = dataclasses.replace(RUNS["a"], run=RunInfo(limited=True))
    with pytest.raises(PredictionError, match="run b is limited"):
        compare_many(INDEX, {"a": RUNS["a"], "b": limited})
