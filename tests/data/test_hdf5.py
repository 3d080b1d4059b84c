from __future__ import annotations

import dataclasses
from pathlib import Path

import h5py
import numpy as np
import pytest

from tests.makers import make_index, make_predictions
from vidkit.data.hdf5 import read_index, read_index_fingerprint, read_predictions, write_index, write_predictions
from vidkit.data.index import FrameFiles
from vidkit.errors import FormatError
from vidkit.predictions.table import FrameTimes, RunInfo


def test_index_round_trip(tmp_path: Path) -> None:
    made = make_index()
    files = FrameFiles("root", ("folder",) * 3, ("a", "b", "ü"), ("{:06d}.JPEG",) * 3)
    index = dataclasses.replace(
        made,
        files=files,
        motion_iou=np.linspace(0, 1, made.n_instances),
        frame_attributes={"blur": np.arange(made.n_frames, dtype=np.float32)},
    )
    write_index(tmp_path / "i.h5", index)
    again = read_index(tmp_path / "i.h5")
    assert again.fingerprint == index.fingerprint == read_index_fingerprint(tmp_path / "i.h5")
    assert again.files is not None
    assert vars(again.files) == vars(files)
    assert again.box.dtype == np.float32
    assert (again.dataset, again.split, again.classes) == (index.dataset, index.split, index.classes)
    assert list(tmp_path.iterdir()) == [tmp_path / "i.h5"]


def test_empty_index_round_trip(tmp_path: Path) -> None:
    write_index(tmp_path / "i.h5", make_index(videos=0))
    assert read_index(tmp_path / "i.h5").n_frames == 0


def test_predictions_round_trip(tmp_path: Path) -> None:
    index = make_index()
    f = index.n_frames
    predictions = dataclasses.replace(
        make_predictions(index),
        is_key=np.arange(f) % 5 == 0,
        key_distance=np.arange(f, dtype=np.int32),
        times=FrameTimes(np.ones(f), np.zeros(f), np.zeros(f, np.int32), np.zeros(f, bool)),
        run=RunInfo("dff", {"length": 10}, {"device": "cpu"}),
    )
    write_predictions(tmp_path / "p.h5", predictions)
    again = read_predictions(str(tmp_path / "p.h5"))
    assert again.fingerprint == predictions.fingerprint
    assert again.run == predictions.run
    assert again.is_key is not None
    assert again.is_key.sum() == 8
    assert again.times is not None
    assert again.times.compute_seconds.sum() == f


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "i.h5"
    write_index(path, make_index())
    before = path.read_bytes()
    broken = make_index(seed=1)
    object.__setattr__(broken, "track_id", object())
    with pytest.raises((TypeError, AttributeError)):
        write_index(path, broken)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def _damage(path: Path, how: str) -> None:
    if how == "text":
        path.write_text("not hdf5")
    elif how == "cut":
        path.write_bytes(path.read_bytes()[:3000])
    elif how == "missing":
        path.unlink()
    else:
        with h5py.File(path, "a") as file:
            if how == "format":
                file.attrs["format"] = "other"
            elif how == "version":
                file.attrs["version"] = 99
            elif how == "changed":
                file["/instances/box"][0, 0] += 1
            elif how == "column":
                del file["/instances/track_id"]
            elif how == "bomb":
                del file["/instances/track_id"]
                file.create_dataset("/instances/track_id", (1 << 40,), "i4", chunks=(1 << 20,), compression="gzip")
            elif how == "huge":
                del file["/instances/track_id"]
                file.create_dataset("/instances/track_id", (1 << 40,), "i4")


@pytest.mark.parametrize("how", ["text", "cut", "missing", "format", "version", "changed", "column", "bomb", "huge"])
def test_what_is_no_sound_index_is_refused_by_name(tmp_path: Path, how: str) -> None:
    path = tmp_path / "i.h5"
    write_index(path, make_index())
    _damage(path, how)
    with pytest.raises(FormatError, match=r"i\.h5: "):
        read_index(path)
