from typing import Any

import numpy as np
import pytest

from vidkit.data.readers.found_boxes import (
    ANY,
    NO_AREA,
    OTHER,
    OTHER_CLASS,
    TWICE,
    FoundBoxes,
    Frames,
    video_table,
)
from vidkit.data.records import FrameNames, VideoTable
from vidkit.errors import AnnotationError


def frames(n: int) -> Frames:
    return Frames(np.arange(n) * 3, FrameNames(number=tuple(range(n))), size=(64, 48), counts={"seen": 1})


def found(n: int, seed: int, n_frames: int) -> FoundBoxes:
    """Boxes in any order; some without area, of other classes, of one track in one frame; a third of them regions."""
    draw = np.random.default_rng(seed)
    corner = draw.integers(0, 40, (n, 2)).astype(float)
    return FoundBoxes(
        place=lambda row: f"row {row}",
        frame=draw.integers(0, n_frames, n),
        box=np.concatenate([corner, corner + draw.integers(0, 9, (n, 2))], axis=1),
        class_id=draw.integers(OTHER, 4, n),
        track=draw.integers(-1, 3, n),
        occluded=draw.random(n) < 0.5,
        ignored=draw.random(n) < 0.3,
        crowd=draw.random(n) < 0.5,
        attributes={"visible": draw.random(n)},
    )


def by_loop(boxes: FoundBoxes, n_frames: int) -> dict[str, Any]:
    """What the columns hold, one box at a time."""
    objects: list[list[int]] = [[] for _ in range(n_frames)]
    regions: list[list[int]] = [[] for _ in range(n_frames)]
    counts = {OTHER_CLASS: 0, NO_AREA: 0, TWICE: 0, "seen": 1}
    assert boxes.ignored is not None
    for row, frame in enumerate(boxes.frame):
        x1, y1, x2, y2 = boxes.box[row]
        if boxes.class_id[row] == OTHER:
            counts[OTHER_CLASS] += 1
        elif x1 == x2 or y1 == y2:
            counts[NO_AREA] += 1
        elif boxes.ignored[row]:
            regions[frame].append(row)
        else:
            if boxes.track[row] >= 0 and boxes.track[row] in [boxes.track[other] for other in objects[frame]]:
                counts[TWICE] += 1
            objects[frame].append(row)
    return {"objects": objects, "regions": regions, "counts": {key: n for key, n in counts.items() if n}}


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize(("n", "n_frames"), [(0, 0), (0, 3), (1, 1), (7, 1), (200, 20)])
def test_the_table_equals_a_loop_over_the_boxes(seed: int, n: int, n_frames: int) -> None:
    boxes = found(n, seed, max(n_frames, 1))
    table, loop = video_table("v", frames(n_frames), boxes), by_loop(boxes, n_frames)
    rows = [row for frame in loop["objects"] for row in frame]
    assert table.instance_count.tolist() == [len(frame) for frame in loop["objects"]]
    assert table.box.tolist() == [boxes.box[row].tolist() for row in rows]
    assert table.class_id.tolist() == boxes.class_id[rows].tolist() if rows else not len(table.class_id)
    assert table.track_id.tolist() == [boxes.track[row] for row in rows]
    assert boxes.occluded is not None and boxes.crowd is not None
    assert table.occluded.tolist() == [boxes.occluded[row] for row in rows]
    assert table.instance_attributes["visible"].tolist() == [boxes.attributes["visible"][row] for row in rows]
    assert dict(table.counts) == loop["counts"]
    regions = [row for frame in loop["regions"] for row in frame]
    if not regions:
        assert table.ignored is None
        return
    assert table.ignored is not None
    assert table.ignored.count.tolist() == [len(frame) for frame in loop["regions"]]
    assert table.ignored.box.tolist() == [boxes.box[row].tolist() for row in regions]
    assert table.ignored.class_id.tolist() == [boxes.class_id[row] for row in regions]
    assert table.ignored.crowd.tolist() == [boxes.crowd[row] for row in regions]


def table_of(**columns: Any) -> VideoTable:
    one: dict[str, Any] = {"frame": [0], "box": [[0.0, 0.0, 5.0, 5.0]], "class_id": [ANY], "track": [-1]}
    values = {name: np.array(value) for name, value in (one | columns).items() if name != "attributes"}
    attributes = {key: np.array(column) for key, column in columns.get("attributes", {}).items()}
    return video_table("v", frames(1), FoundBoxes(place="row {}".format, attributes=attributes, **values))


def test_what_is_known_of_the_frames_is_kept() -> None:
    table = video_table("v", frames(3), found(0, 0, 1))
    assert (table.frame_number.tolist(), table.called.number, table.size) == ([0, 3, 6], (0, 1, 2), (64, 48))


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf, 1e9])
def test_coordinates_out_of_range_are_refused_with_their_place(wrong: float) -> None:
    with pytest.raises(AnnotationError, match=r"row 0: box 0, 0, .*; wanted finite pixels, at most 1000000"):
        table_of(box=[[0.0, 0.0, wrong, 5.0]])


def test_negative_sides_are_refused() -> None:
    with pytest.raises(AnnotationError, match="row 0: a box of -2 x 5 pixels; no side can be negative"):
        table_of(box=[[5.0, 0.0, 3.0, 5.0]])


def test_names_that_no_index_can_hold_are_refused() -> None:
    with pytest.raises(AnnotationError, match="printable"):
        video_table("\udcff", frames(1), found(0, 0, 1))


def test_infinite_attributes_are_refused_and_missing_ones_kept() -> None:
    with pytest.raises(AnnotationError, match="row 0: visible is infinite"):
        table_of(attributes={"visible": [np.inf]})
    assert np.isnan(table_of(attributes={"visible": [np.nan]}).instance_attributes["visible"]).all()
