import dataclasses
from pathlib import Path

import h5py
import numpy as np
import pytest

from tests.makers import make_index, make_predictions
from vidkit.data.index import FrameFiles
from vidkit.data.index_file import read_index, read_index_head, write_index
from vidkit.errors import FormatError
from vidkit.predictions.predictions_file import read_predictions, write_predictions
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
    assert again.fingerprint == index.fingerprint == read_index_head(tmp_path / "i.h5").fingerprint
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


def test_predictions_of_other_content_than_their_checksum_are_refused(tmp_path: Path) -> None:
    index = make_index()
    f = index.n_frames
    times = FrameTimes(np.ones(f), np.zeros(f), np.zeros(f, np.int32), np.zeros(f, bool))
    path = tmp_path / "p.h5"
    for place in ("/detections/score", "/frames/times/compute_seconds"):
        write_predictions(path, dataclasses.replace(make_predictions(index), times=times))
        with h5py.File(path, "a") as file:
            file[place][1] += 0.5
        with pytest.raises(FormatError, match=r"p\.h5: its content has the checksum"):
            read_predictions(path)


def test_a_run_may_be_told_at_length(tmp_path: Path) -> None:
    run = RunInfo("dff", {"note": "ü" * 100_000})
    write_predictions(tmp_path / "p.h5", dataclasses.replace(make_predictions(make_index()), run=run))
    assert read_predictions(tmp_path / "p.h5").run == run


def test_texts_of_variable_length_are_refused(tmp_path: Path) -> None:
    """A damaged heap of these would make the HDF5 library search for ever."""
    path = tmp_path / "i.h5"
    for place in ("attribute", "/videos/name"):
        write_index(path, make_index())
        with h5py.File(path, "a") as file:
            if place == "attribute":
                file.attrs["dataset"] = "VID"
            else:
                names = file[place].asstr()[()]
                del file[place]
                file.create_dataset(place, data=names, dtype=h5py.string_dtype())
        with pytest.raises(FormatError, match="fixed length"):
            read_index(path)


def test_a_damaged_file_is_read_as_it_was_or_refused(tmp_path: Path) -> None:
    """300 files with random damage; whatever is still read has the content of the sound one."""
    index = make_index()
    write_index(tmp_path / "sound.h5", index)
    sound = (tmp_path / "sound.h5").read_bytes()
    rng = np.random.default_rng(0)
    for _ in range(300):
        damaged = bytearray(sound)
        start, length = rng.integers(8, len(sound)), int(rng.integers(1, 300))
        damaged[start : start + length] = rng.bytes(len(damaged[start : start + length]))
        (tmp_path / "damaged.h5").write_bytes(damaged)
        try:
            assert read_index(tmp_path / "damaged.h5").fingerprint == index.fingerprint
        except FormatError:
            continue
