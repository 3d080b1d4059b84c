import math
from dataclasses import replace

import numpy as np
import pytest

from tests.evaluation import oracles
from tests.evaluation.cases import case
from tests.makers import make_index, make_predictions
from vidkit.data.index import Index
from vidkit.errors import ChoiceError, PredictionError
from vidkit.evaluation.evaluate import evaluate
from vidkit.evaluation.protocols import FGFA, MEGA
from vidkit.evaluation.slices import breakdown, repeats_all
from vidkit.predictions.table import Predictions


@pytest.fixture
def index() -> Index:
    index = make_index(seed=1, videos=4, frames=10)
    rng = np.random.default_rng(0)
    return replace(
        index,
        frame_attributes={"blur": rng.random(index.n_frames), "night": rng.random(index.n_frames) < 0.5},
        instance_attributes={"visibility": rng.choice([0.0, 0.5, 1.0], index.n_instances)},
    )


def names(index: Index, by: str, **bins: tuple[float, ...]) -> list[str]:
    return [group.name for group in breakdown(by, index, FGFA, bins).groups]


def test_motion_has_closed_ranges_from_the_protocol_or_the_option(index: Index) -> None:
    edge = replace(index, motion_iou=np.full(index.n_instances, 0.7))
    groups = {group.name: group for group in breakdown("motion", edge, FGFA).groups}
    assert list(groups) == ["all", "slow", "medium", "fast"]
    assert groups["fast"].kept is not None and groups["fast"].kept.all()
    assert groups["medium"].kept is not None and groups["medium"].kept.all()
    assert groups["slow"].kept is not None and not groups["slow"].kept.any()
    assert names(index, "motion", motion=(0.5,)) == ["all", ">=0.5", "<0.5"]
    assert names(index, "motion", motion=(0.2, 0.4, 0.6)) == ["all", ">=0.6", "0.4-0.6", "0.2-0.4", "<0.2"]


def test_every_column_of_the_index_makes_groups(index: Index) -> None:
    assert names(index, "occluded") == ["occluded", "not occluded"]
    assert names(index, "visibility") == ["0", "0.5", "1"]
    assert names(index, "visibility", visibility=(0.5,)) == ["<0.5", ">=0.5"]
    assert names(index, "track_length", track_length=(3, 6)) == ["<3", "3-6", ">=6"]
    night = breakdown("night", index, FGFA).cells
    assert night is not None and night.names == ("not night", "night")
    blur = breakdown("blur", index, FGFA).cells
    assert blur is not None and len(blur.names) == 4
    assert np.bincount(blur.of_frame).tolist() == [10, 10, 10, 10]  # quartiles


def test_a_number_on_an_edge_belongs_to_the_range_above_alone(index: Index) -> None:
    values = np.arange(index.n_instances, dtype=float)
    told = replace(index, instance_attributes={"rank": values})
    low, high = (group.kept for group in breakdown("rank", told, FGFA, {"rank": (5,)}).groups)
    assert low is not None and high is not None
    assert low.tolist() == (values < 5).tolist()
    assert high.tolist() == (values >= 5).tolist()


def test_text_makes_a_group_for_each_value(index: Index) -> None:
    words = np.array(["Bär", "Reh"])[np.arange(index.n_instances) % 2]
    weather = np.array(["fog", "sun"])[np.arange(index.n_frames) % 2]
    told = replace(
        index,
        instance_attributes={"kind": np.char.encode(words, "utf-8"), "word": words},
        frame_attributes={"weather": np.char.encode(weather, "utf-8")},
    )
    assert names(told, "kind") == names(told, "word") == ["Bär", "Reh"]
    cells = breakdown("weather", told, FGFA).cells
    assert cells is not None and cells.names == ("fog", "sun")


def test_groups_of_ground_truth_hold_each_instance_once(index: Index) -> None:
    for by in ("occluded", "generated", "visibility", "track_length", "track_id"):
        kept = [group.kept for group in breakdown(by, index, FGFA).groups if group.kept is not None]
        assert (np.sum(kept, axis=0) == 1).all()


def test_an_unknown_attribute_is_refused_with_those_that_are_known(index: Index) -> None:
    with pytest.raises(ChoiceError, match=r"no attribute 'moton'.*did you mean 'motion'.*visibility.*blur"):
        breakdown("moton", index, FGFA)


@pytest.mark.parametrize(
    ("by", "bins", "said"),
    [
        ("motion", {"area": (1.0,)}, "bins for area, but nothing is broken down by that"),
        ("motion", {"motion": (0.9, 0.7)}, "wanted rising numbers"),
        ("motion", {"motion": ()}, "wanted rising numbers"),
        ("motion", {"motion": (float("nan"),)}, "wanted rising numbers"),
        ("occluded", {"occluded": (0.5,)}, "isn't a number"),
        ("night", {"night": (0.5,)}, "isn't a number"),
        ("area x area", {}, "crosses an attribute with itself"),
        ("motion x motion_iou", {}, "crosses an attribute with itself"),
    ],
)
def test_bins_and_crosses_that_make_no_sense_are_refused(
    index: Index, by: str, bins: dict[str, tuple[float, ...]], said: str
) -> None:
    with pytest.raises(ChoiceError, match=said):
        evaluate(index, make_predictions(index), by=by, bins=bins)


def test_breakdowns_may_be_one_text_with_commas(index: Index) -> None:
    predictions = make_predictions(index)
    one, two = evaluate(index, predictions, by="motion,area"), evaluate(index, predictions, by=["motion", "area"])
    assert one.to_json() == two.to_json()


def test_a_video_is_scored_as_if_it_were_all_there_is() -> None:
    for seed in range(30):
        index, predictions = case(seed)
        result = evaluate(index, predictions, "fgfa", by="video")
        frames = oracles.frames_of(index, predictions, index.motion_iou)
        for video, name in enumerate(index.video_name):
            mine = [frames[f] for f in index.frames_of(video)]
            np.testing.assert_allclose(
                result.group("video", name).ap, oracles.fgfa(mine, index.n_classes), atol=1e-12, err_msg=f"{seed}"
            )


def test_a_class_group_is_the_class_alone() -> None:
    index = make_index()
    result = evaluate(index, make_predictions(index), "fgfa", by=["class", "motion x class"])
    for c, name in enumerate(index.class_names):
        group = result.group("class", name)
        np.testing.assert_equal(group.mean_ap, result.overall.ap[c])
        assert np.isnan(np.delete(group.ap, c)).all()
        assert group.n_gt.sum() == result.overall.n_gt[c]
    assert len([g for g in result.groups if g.by == "motion x class"]) == 4 * index.n_classes


def test_crosses_of_frames_ground_truth_and_area_have_all_combinations(index: Index) -> None:
    result = evaluate(index, make_predictions(index), "fgfa", by=["night x motion x area", "motion×occluded"])
    assert len([g for g in result.groups if g.by == "night x motion x area"]) == 2 * 4 * 4
    crossed = [g for g in result.groups if g.by == "motion x occluded"]
    assert [g.name for g in crossed][:2] == ["all/occluded", "all/not occluded"]
    both = sum(int(g.n_gt.sum()) for g in crossed if g.name.startswith("all/"))
    assert both == index.n_instances


def test_a_cross_with_a_group_of_all_is_the_group_itself(index: Index) -> None:
    predictions = make_predictions(index)
    result = evaluate(index, predictions, "fgfa", by=["motion", "motion x area"])
    for name in ("all", "slow", "medium", "fast"):
        np.testing.assert_equal(
            result.group("motion", name).ap, result.group("motion x area", f"{name}/all").ap, err_msg=name
        )


def test_rules_all_and_none_are_bounds_of_every_other_rule() -> None:
    for seed in range(60):
        index, predictions = case(seed)
        by_rule = {
            rule: evaluate(index, predictions, "fgfa", by=["motion", "occluded"], fp_rule=rule)
            for rule in ("fgfa", "mega", "all", "none")
        }
        for low, middle, high in zip(
            by_rule["all"].groups, by_rule["fgfa"].groups, by_rule["none"].groups, strict=True
        ):
            for bottom, ap, top in zip(low.ap, middle.ap, high.ap, strict=True):
                assert math.isnan(ap) or bottom - 1e-12 <= ap <= top + 1e-12
        assert by_rule["mega"].protocol.fp_rule == "mega"


def test_the_rule_of_mega_under_another_protocol_looks_at_the_own_class_only() -> None:
    index, predictions = case(11)
    result = evaluate(index, predictions, "fgfa", by="motion", fp_rule="mega")
    assert result.protocol == replace(FGFA, fp_rule="mega")
    assert result.protocol != MEGA


def test_predictions_that_do_not_fit_are_refused(index: Index) -> None:
    predictions = make_predictions(index)
    with pytest.raises(PredictionError, match=r"have 39 frames, the index made val has 40"):
        evaluate(index, fewer_frames(predictions), "fgfa")
    with pytest.raises(PredictionError, match="were made for the index other"):
        evaluate(index, replace(predictions, index_fingerprint="other"), "fgfa")
    with pytest.raises(PredictionError, match="class ids"):
        evaluate(index, replace(predictions, class_id=predictions.class_id + np.int16(3)), "fgfa")
    for name in ("box", "score"):
        for bad in (np.nan, np.inf):
            column = getattr(predictions, name).copy()
            column.reshape(len(column), -1)[5, 0] = bad
            with pytest.raises(PredictionError, match=f"1 detections have a {name} that isn't a finite number"):
                evaluate(index, replace(predictions, **{name: column}), "fgfa")


def fewer_frames(predictions: Predictions) -> Predictions:
    end = int(predictions.detection_start[-2])
    return Predictions(
        predictions.detection_start[:-1], predictions.box[:end], predictions.score[:end], predictions.class_id[:end]
    )


@pytest.mark.parametrize(
    ("by", "name", "repeats"),
    [
        ("motion", "all", True),
        ("area", "all", True),
        ("motion x area", "all/all", True),
        ("motion x area", "all/small", False),
        ("motion", "fast", False),
        ("class", "all", False),
        ("motion x video", "all/all", False),
        ("", "all", False),
    ],
)
def test_groups_that_are_all_of_the_data_are_known(by: str, name: str, repeats: bool) -> None:
    assert repeats_all(by, name) is repeats
