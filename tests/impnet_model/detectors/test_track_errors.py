"""How far a flow is off at objects, on films whose squares move by (3, 2) pixels a frame."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from impnet_model.detectors.frame_flows import frame_steps
from impnet_model.detectors.track_errors import MakeFlow, track_errors
from impnet_model.flows.memory import FlowMemory, PairSteps
from tests.impnet_model.films import make_films
from vidkit.errors import ChoiceError, DetectorError


def constant(dx: float, dy: float) -> MakeFlow:
    def flow(current: np.ndarray, other: np.ndarray) -> np.ndarray:
        return np.broadcast_to(np.array([dx, dy], np.float32), (*current.shape[:2], 2))

    return lambda: FlowMemory(PairSteps(flow, 256))


def test_errors_are_the_distance_from_where_the_track_is(tmp_path: Path) -> None:
    index = make_films(tmp_path, (9, 5), ((53, 37),))
    flows = {"still": constant(0, 0), "right": constant(3, 2), "half": constant(1.5, 1)}
    rows = {
        (each.flow, each.distance): each for each in track_errors(index, flows, (1, 2, 5), 1) if each.group == "all"
    }
    assert rows["right", 1].objects == 8 + 4
    assert rows["right", 5].objects == 4 + 0
    for n in (1, 2, 5):
        length = n * float(np.hypot(3, 2))
        assert rows["still", n].motion == pytest.approx(length)
        assert rows["still", n].error == pytest.approx(length)
        assert rows["half", n].error == pytest.approx(length / 2)
        assert rows["right", n].error == pytest.approx(0, abs=1e-5)
    assert (rows["still", 1].far, rows["still", 2].far, rows["right", 5].far) == (0, 1, 0)
    assert rows["right", 1].seconds > 0


def test_only_some_frames_are_begun_with(tmp_path: Path) -> None:
    index = make_films(tmp_path, (9,))
    rows = [each for each in track_errors(index, {"still": constant(0, 0)}, (1, 4), 3) if each.group == "all"]
    assert [(each.distance, each.objects) for each in rows] == [(1, 3), (4, 2)]


def test_groups_share_out_the_objects(tmp_path: Path) -> None:
    index = make_films(tmp_path, (9,))
    rows = [*track_errors(index, {"still": constant(0, 0)}, (1,), 1)]
    assert [each.group for each in rows][:4] == ["all", "slow", "medium", "fast"]
    assert sum(each.objects for each in rows[1:]) >= rows[0].objects
    assert [each.error for each in rows if not each.objects] == [None] * sum(not each.objects for each in rows)


def test_without_tracks_nothing_can_be_told(tmp_path: Path) -> None:
    index = make_films(tmp_path, (3,))
    with pytest.raises(ChoiceError, match="no tracks"):
        [*track_errors(replace(index, track_id=np.full(3, -1, np.int32)), {"still": constant(0, 0)})]


def test_the_learned_flow_is_that_of_the_shipped_network_on_a_grid_that_covers_the_frame() -> None:
    steps = frame_steps("learned", 256)()
    for level in (40, 60):
        steps.see(np.full((100, 122, 3), level, np.uint8))
    flow = steps.between(0, 1)
    assert flow.shape == (1, 2, 16, 20)  # 128 x 156 pixels in cells of 8
    assert not steps.between(1, 1).any()
    with pytest.raises(DetectorError, match="no flow 'lerned'"):
        frame_steps("lerned", 256)
