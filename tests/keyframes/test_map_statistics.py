from dataclasses import replace

import numpy as np
import pytest

from tests.keyframes.test_weight_maps import make_maps
from tests.makers import make_index
from vidkit.keyframes.map_statistics import box_means, keyframe_weights, shares_by_offset
from vidkit.keyframes.propagation import contributions
from vidkit.keyframes.weight_maps import WeightMaps

INDEX = make_index(videos=2, frames=10)


def loop_mean(weight: np.ndarray, cell: float, box: np.ndarray, steps: int = 400) -> float:
    """The mean over a fine raster of the box."""
    x = box[0] + (np.arange(steps) + 0.5) / steps * (box[2] - box[0])
    y = box[1] + (np.arange(steps) + 0.5) / steps * (box[3] - box[1])
    total = 0.0
    for each in y:
        row = min(max(int(each // cell), 0), weight.shape[0] - 1)
        for_row = np.clip((x // cell).astype(int), 0, weight.shape[1] - 1)
        total += weight[row, for_row].mean()
    return total / steps


def test_means_over_boxes_are_those_of_a_raster() -> None:
    rng = np.random.default_rng(0)
    weight = rng.random((4, 5))
    corners = rng.uniform(-5, 45, (12, 2))
    boxes = np.concatenate([corners, corners + rng.uniform(1, 30, (12, 2))], axis=1)
    found = box_means(weight, 8.0, boxes)
    for box, mean in zip(boxes, found, strict=True):
        assert mean == pytest.approx(loop_mean(weight, 8.0, box), abs=5e-3)


def test_boxes_without_area_and_at_the_edges() -> None:
    weight = np.array([[0.1, 0.2], [0.3, 0.4]])
    boxes = np.array([[8, 0, 8, 0], [8, 8, 8, 16], [0, 0, 16, 16], [16, 16, 20, 20], [-9, -9, -9, -9], [15, 0, 15, 0]])
    assert box_means(weight, 8.0, boxes) == pytest.approx([0.2, 0.4, 0.25, 0.4, 0.1, 0.2])
    assert box_means(weight, 8.0, np.zeros((0, 4))).shape == (0,)


def test_keyframes_that_were_fused_are_summed_up() -> None:
    maps = make_maps()
    found = keyframe_weights(maps, INDEX)
    assert [each.keyframe for each in found] == [1, 3]
    for each in found:
        weight, row = maps.map_of(each.keyframe), int(maps.frame[each.keyframe])
        assert (each.mean, each.lowest, each.highest) == pytest.approx((weight.mean(), weight.min(), weight.max()))
        boxes = INDEX.box[INDEX.instances_of(row)]
        assert len(each.at_objects) == len(boxes)
        assert each.video == INDEX.video_name[row // 10] and each.frame == row % 10
        assert np.isnan(each.mean_at_objects) == (len(boxes) == 0)


def test_maps_of_another_index_are_refused() -> None:
    with pytest.raises(ValueError, match="frame row 15 for an index of 10 frames"):
        keyframe_weights(make_maps(), make_index(videos=1, frames=10))


def constant(weight: float, gate: float, videos: int = 2, keys: int = 4) -> WeightMaps:
    """The maps of a run whose weights are all the same, and the shares that follow."""
    shares = [contributions(weight, gate, key=k, offsets=k + 1) for _ in range(videos) for k in range(keys)]
    value = [1.0 if k == 0 else weight for _ in range(videos) for k in range(keys) for _ in range(6)]
    n = len(shares)
    return replace(
        make_maps(),
        frame=np.arange(n, dtype=np.int64),
        map_size=np.tile(np.array([2, 3], np.int32), (n, 1)),
        weight=np.array(value, np.float16),
        cell=np.full(n, 8.0),
        share_start=np.cumsum([0, *map(len, shares)]).astype(np.int64),
        share=np.concatenate(shares).astype(np.float32),
    )


@pytest.mark.parametrize("gate", [0.0, 0.5, 1.0])
def test_of_constant_weights_the_measured_shares_are_the_closed_form(gate: float) -> None:
    weight, shares = shares_by_offset(constant(0.625, gate), gate)
    assert weight == pytest.approx(0.625, abs=1e-3)
    assert [share.offset for share in shares] == [0, 1, 2, 3]
    assert [share.keyframes for share in shares] == [6, 6, 4, 2]
    for share in shares:
        assert share.share == pytest.approx(share.closed_form, abs=1e-6)


def test_shares_are_means_over_the_keyframes_that_have_one_so_far_back() -> None:
    maps = make_maps()
    _, shares = shares_by_offset(maps, 1.0)
    for share in shares:  # the loop
        each = [maps.shares_of(k)[share.offset] for k in (1, 3)]
        assert share.share == pytest.approx(np.mean(each))
        assert share.deviation == pytest.approx(np.std(each))
    assert len(shares) == 2
    assert len(shares_by_offset(maps, 1.0, offsets=1)[1]) == 1


def test_nothing_fused() -> None:
    weight, shares = shares_by_offset(constant(0.5, 1.0, keys=1), 1.0)
    assert np.isnan(weight) and shares == []
    assert keyframe_weights(make_maps(keyframes=0), INDEX) == []
