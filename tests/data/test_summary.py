import dataclasses
from pathlib import Path

import numpy as np
import pytest

from tests.makers import make_index
from vidkit.data.index import FOLDER, FrameFiles, Index
from vidkit.data.summary import summarize


def count_naively(index: Index) -> dict[str, object]:
    tracks, empty, most, occluded, generated = set(), 0, 0, 0, 0
    classes: dict[str, list[set[object]]] = {c.name: [set(), set(), set(), set()] for c in index.classes}
    for video in range(index.n_videos):
        for frame in index.frames_of(video):
            rows = index.instances_of(frame)
            empty += rows.start == rows.stop
            most = max(most, rows.stop - rows.start)
            for row in range(rows.start, rows.stop):
                occluded += bool(index.occluded[row])
                generated += bool(index.generated[row])
                track = int(index.track_id[row])
                seen = classes[index.classes[index.class_id[row]].name]
                for place, value in enumerate([row, (video, track) if track >= 0 else None, frame, video]):
                    if value is not None:
                        seen[place].add(value)
                if track >= 0:
                    tracks.add((video, track))
    return {
        "tracks": len(tracks),
        "empty_frames": empty,
        "boxes_in_frame": most,
        "occluded": occluded,
        "generated": generated,
        "classes": {name: tuple(len(s) for s in seen) for name, seen in classes.items()},
    }


@pytest.mark.parametrize(
    "index",
    [
        make_index(),
        make_index(seed=3, videos=6, tracks=5),
        make_index(videos=0),
        make_index(videos=1, frames=1, tracks=1),
        make_index(videos=2, tracks=0),
        dataclasses.replace(make_index(), track_id=np.full(make_index().n_instances, -1, np.int32)),
    ],
    ids=["some", "more", "none", "one", "no boxes", "no tracks"],
)
def test_the_counts_equal_those_of_a_loop(index: Index) -> None:
    summary, naive = summarize(index), count_naively(index)
    for name in ("tracks", "empty_frames", "boxes_in_frame", "occluded", "generated"):
        assert getattr(summary, name) == naive[name], name
    assert {c.name: (c.boxes, c.tracks, c.frames, c.videos) for c in summary.classes} == naive["classes"]
    assert (summary.videos, summary.frames, summary.boxes) == (index.n_videos, index.n_frames, index.n_instances)


def test_sizes_come_with_the_most_frequent_first() -> None:
    index = make_index(videos=3)
    sizes = np.array([[320, 240], [640, 480], [640, 480]], np.int32)
    assert summarize(dataclasses.replace(index, video_size=sizes)).sizes == ((640, 480, 2), (320, 240, 1))


def test_groups_of_the_caller_are_counted() -> None:
    index = make_index()
    assert summarize(index, {"occluded": index.occluded}).groups == {"occluded": int(index.occluded.sum())}


def test_sources_of_frames_that_are_gone_are_named(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    files = FrameFiles(str(tmp_path), (FOLDER, FOLDER, ""), ("a", "b", ""), ("{:06d}.JPEG", "{:06d}.JPEG", ""))
    found = summarize(dataclasses.replace(make_index(), files=files)).files
    assert found is not None
    assert (found.found, found.missing) == (1, ("video_0001", "video_0002"))
    assert found.kinds == {"folder": 2, "unknown": 1}
