"""What the cases of the field test hold, each in its own form: base/ref_val.json, read without any reader of ours."""

import json
from pathlib import Path

import pytest

from vidkit.data.readers.source import Source

Rows = list[list[tuple[str, int, tuple[float, ...]]]]


def field_case(shared_data: Path, name: str) -> Path:
    """The path of a case; the test is skipped where there is none."""
    path = shared_data / "field" / name
    if not path.exists():
        pytest.skip(f"needs the case {name} of the field test")
    return path


def true_rows(shared_data: Path) -> Rows:
    """For each frame its boxes: class name, track, corners."""
    truth = json.loads(field_case(shared_data, "base/ref_val.json").read_text())
    names = {c["id"]: c["name"] for c in truth["categories"]}
    rows: Rows = [[] for _ in truth["images"]]
    frame = {image["id"]: image["frame_id"] for image in truth["images"]}
    for a in truth["annotations"]:
        x, y, w, h = a["bbox"]
        rows[frame[a["image_id"]]].append((names[a["category_id"]], a["instance_id"], (x, y, x + w, y + h)))
    return rows


def rows_of(source: Source) -> Rows:
    """The same of the one video of a source."""
    (video,) = source.videos
    ends = video.instance_count.cumsum()
    boxes = [
        (source.classes[c].name, int(track), tuple(box.tolist()))
        for c, track, box in zip(video.class_id, video.track_id, video.box, strict=True)
    ]
    return [boxes[end - n : end] for end, n in zip(ends, video.instance_count, strict=True)]
