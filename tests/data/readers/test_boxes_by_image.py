import random
from typing import Any

import pytest

from vidkit.data.readers.boxes_by_image import BoxesByImage
from vidkit.data.readers.found_boxes import OTHER
from vidkit.data.readers.json_fields import JsonFields
from vidkit.errors import AnnotationError


def added(*annotations: dict[str, Any]) -> BoxesByImage:
    boxes = BoxesByImage("f.json")
    for n, fields in enumerate(annotations):
        boxes.add(
            JsonFields(f"f.json: annotations[{n}]", {"image_id": 1, "category_id": 1, "bbox": [0, 0, 1, 1]} | fields)
        )
    return boxes


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(("n", "n_videos"), [(0, 0), (0, 2), (1, 1), (60, 4)])
def test_boxes_of_videos_equal_a_loop(seed: int, n: int, n_videos: int) -> None:
    draw = random.Random(seed)
    at: dict[int | str, tuple[int, int]] = {f"i{i}": (draw.randrange(n_videos), i) for i in range(8) if n_videos}
    annotations = [
        {
            "image_id": draw.choice(list(at)),
            "category_id": draw.choice([5, "b"]),
            "bbox": [draw.uniform(0, 50) for _ in range(4)],
            "iscrowd": draw.randrange(2),
            "ignore": draw.randrange(2),
            "occluded": draw.randrange(2),
            "track_id": draw.randrange(5),
        }
        for _ in range(n)
    ]
    found = added(*annotations).by_video(at, {5: 0, "b": OTHER}, n_videos)
    assert len(found) == n_videos
    for video, boxes in enumerate(found):
        mine = [(n, a) for n, a in enumerate(annotations) if at[a["image_id"]][0] == video]
        assert boxes.frame.tolist() == [at[a["image_id"]][1] for _, a in mine]
        assert boxes.class_id.tolist() == [{5: 0, "b": OTHER}[a["category_id"]] for _, a in mine]
        assert boxes.track.tolist() == [a["track_id"] for _, a in mine]
        corners = [(x, y, x + w, y + h) for _, a in mine for x, y, w, h in [a["bbox"]]]
        assert [tuple(box) for box in boxes.box.tolist()] == corners
        assert boxes.crowd is not None and boxes.ignored is not None and boxes.occluded is not None
        assert boxes.crowd.tolist() == [a["iscrowd"] for _, a in mine]
        assert boxes.ignored.tolist() == [a["iscrowd"] or a["ignore"] for _, a in mine]
        assert boxes.occluded.tolist() == [a["occluded"] for _, a in mine]
        assert [boxes.place(row) for row in range(len(mine))] == [f"f.json: annotations[{n}]" for n, _ in mine]


@pytest.mark.parametrize(
    ("fields", "tracks"),
    [([{"track_id": 4}], [4]), ([{"track": 3, "instance_id": 8}], [8]), ([{}, {"track_id": None}], [-1, -1])],
)
def test_tracks_go_by_several_names(fields: list[dict[str, Any]], tracks: list[int]) -> None:
    (found,) = added(*fields).by_video({1: (0, 0)}, {1: 0}, 1)
    assert found.track.tolist() == tracks


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"image_id": 3}, r"f\.json: annotations\[1\]: image_id 3; wanted that of one in the file"),
        ({"category_id": "x"}, r"f\.json: annotations\[1\]: category_id 'x'; wanted that of one in the file"),
    ],
)
def test_boxes_of_unknown_images_and_categories_are_refused(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(AnnotationError, match=message):
        added({}, fields).by_video({1: (0, 0)}, {1: 0}, 1)
