import dataclasses
import hashlib
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.makers import make_classes, make_index
from vidkit.data.index import Index
from vidkit.data.index_file import read_index, write_index
from vidkit.data.records import VideoFiles, VideoTable
from vidkit.data.stack import build_index, join_indices

CLASSES = make_classes(3)


def make_table(seed: int, frames: int = 4) -> VideoTable:
    """One random video; what it has beside the boxes depends on the seed."""
    rng = np.random.default_rng(seed)
    counts = rng.integers(0, 3, frames).astype(np.int32)
    n = int(counts.sum())
    numbers = np.cumsum(rng.integers(1, 4, frames)).astype(np.int32)
    files = [
        VideoFiles(),
        VideoFiles("folder", f"v{seed}", "{:06d}.JPEG"),
        VideoFiles("folder", f"v{seed}", "", tuple(f"x{i}" for i in range(frames))),
        VideoFiles("tar", f"v{seed}.tar", offset=rng.integers(0, 99, frames), size=rng.integers(0, 99, frames)),
    ]
    corner = rng.uniform(0, 99, (n, 2)).round(seed % 2)
    return VideoTable(
        name=f"v{seed}",
        frame_number=numbers,
        instance_count=counts,
        box=np.concatenate([corner, corner + 5], axis=1),
        class_id=rng.integers(0, 3, n).astype(np.int16),
        track_id=rng.integers(-1, 3, n).astype(np.int32),
        occluded=rng.random(n) < 0.5,
        generated=rng.random(n) < 0.5,
        size=(64, 48),
        frame_attributes={"blur": rng.random(frames)} if seed % 3 else {},
        instance_attributes={"subcategory": np.array([b"n%d" % i for i in range(n)], np.bytes_)} if seed % 2 else {},
        files=files[seed % 4],
    )


def build(tables: Sequence[VideoTable]) -> Index:
    return build_index(tables, CLASSES, "made", "val", "root")


def test_rows_stand_where_the_offsets_say() -> None:
    tables = [make_table(seed) for seed in range(5)]
    index = build(tables)
    for video, table in enumerate(tables):
        frames = index.frames_of(video)
        np.testing.assert_array_equal(index.frame_number[frames.start : frames.stop], table.frame_number)
        start = 0
        for frame, count in zip(frames, table.instance_count, strict=True):
            rows = index.instances_of(frame)
            np.testing.assert_allclose(index.box[rows], table.box[start : start + count], rtol=1e-6)
            np.testing.assert_array_equal(index.track_id[rows], table.track_id[start : start + count])
            start += count


def test_what_some_videos_lack_is_nan_or_empty() -> None:
    index = build([make_table(3), make_table(1)])
    frames = index.frames_of(0)
    assert np.isnan(index.frame_attributes["blur"][: frames.stop]).all()
    assert not np.isnan(index.frame_attributes["blur"][frames.stop :]).any()
    plain = build([make_table(2), make_table(1)])
    n = plain.instance_start[plain.frame_start[1]]
    assert set(plain.instance_attributes["subcategory"][:n].tolist()) <= {b""}


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 30), max_size=8, unique=True), st.data())
def test_joining_parts_equals_building_at_once(seeds: list[int], data: st.DataObject) -> None:
    tables = [make_table(seed) for seed in seeds]
    cuts = sorted(data.draw(st.lists(st.integers(0, len(tables)), max_size=3)))
    edges = [0, *cuts, len(tables)]
    joined = join_indices([build(tables[a:b]) for a, b in pairwise(edges)])
    whole = build(tables)
    assert joined.fingerprint == whole.fingerprint
    assert (joined.files is None) == (whole.files is None)
    if joined.files is not None and whole.files is not None:
        for name in ("root", "kind", "source", "pattern", "name"):
            assert getattr(joined.files, name) == getattr(whole.files, name)
        for name in ("offset", "size"):
            np.testing.assert_array_equal(getattr(joined.files, name), getattr(whole.files, name))


def test_parts_of_different_splits_are_not_joined() -> None:
    index = make_index()
    with pytest.raises(ValueError, match="different data sets"):
        join_indices([index, dataclasses.replace(index, split="train")])


def test_boxes_are_float32_only_where_that_loses_nothing() -> None:
    assert build([make_table(2)]).box.dtype == np.float32
    assert build([make_table(1)]).box.dtype == np.float64


def test_attributes_of_text_are_stored(tmp_path: Path) -> None:
    index = build([make_table(seed) for seed in range(4)])
    write_index(tmp_path / "i.h5", index)
    again = read_index(tmp_path / "i.h5")
    assert again.fingerprint == index.fingerprint
    assert again.instance_attributes["subcategory"].tolist() == index.instance_attributes["subcategory"].tolist()


def test_the_fingerprint_is_computed_as_the_docs_say() -> None:
    index = build([make_table(seed) for seed in range(4)])
    content = "".join(f"{c.name}\t{c.wnid}\n" for c in index.classes) + "\n"
    digest = hashlib.blake2b((content + "".join(f"{name}\n" for name in index.video_name)).encode(), digest_size=16)
    names = [
        "video_size",
        "frame_start",
        "frame_number",
        "instance_start",
        "box",
        "class_id",
        "track_id",
        "occluded",
        "generated",
    ]
    columns = [(name, getattr(index, name)) for name in names]
    columns += [(f"frame_attributes/{name}", index.frame_attributes[name]) for name in sorted(index.frame_attributes)]
    columns += [(f"instance_attributes/{n}", index.instance_attributes[n]) for n in sorted(index.instance_attributes)]
    for name, column in columns:
        values = column.astype("<f8") if column.dtype.kind == "f" else column
        digest.update(f"{name} {values.dtype.str} {values.shape}\n".encode())
        digest.update(values.tobytes())
    assert digest.hexdigest() == index.fingerprint


def test_a_table_that_contradicts_itself_is_refused() -> None:
    table = make_table(1)
    with pytest.raises(ValueError, match="instance_count sums to"):
        dataclasses.replace(table, instance_count=table.instance_count + 1)
    with pytest.raises(ValueError, match="track_id has"):
        dataclasses.replace(table, track_id=np.zeros(99, np.int32))
