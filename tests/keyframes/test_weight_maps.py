"""The weight maps of a run: the table, and its file."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from vidkit.errors import FormatError
from vidkit.keyframes.weight_maps import WeightMaps
from vidkit.keyframes.weight_maps_file import read_weight_maps, write_weight_maps
from vidkit.predictions.table import RunInfo


def make_maps(seed: int = 0, keyframes: int = 4) -> WeightMaps:
    """Keyframes of two videos, with maps of different sizes."""
    rng = np.random.default_rng(seed)
    sizes = np.array([(2, 3) if k < 2 else (4, 1) for k in range(keyframes)], np.int32).reshape(-1, 2)
    shares = [rng.dirichlet(np.ones(k % 2 + 1)) for k in range(keyframes)]
    return WeightMaps(
        frame=np.arange(keyframes, dtype=np.int64) * 5,
        map_size=sizes,
        weight=rng.random(int(sizes.prod(axis=1).sum())).astype(np.float16),
        cell=np.full(keyframes, 8.5),
        share_start=np.cumsum([0, *map(len, shares)]).astype(np.int64),
        share=np.concatenate([np.zeros(0), *shares]).astype(np.float32),
        index_fingerprint="i" * 32,
        predictions_fingerprint="p" * 32,
        run=RunInfo("impression", {"gate": 1.0}, {"device": "cpu"}, "stream"),
    )


def test_maps_and_shares_of_a_keyframe() -> None:
    maps = make_maps()
    np.testing.assert_array_equal(maps.map_of(0).ravel(), maps.weight[:6])
    assert [maps.map_of(k).shape for k in range(4)] == [(2, 3), (2, 3), (4, 1), (4, 1)]
    np.testing.assert_array_equal(maps.map_of(3).ravel(), maps.weight[16:])
    assert [len(maps.shares_of(k)) for k in range(4)] == [1, 2, 1, 2]
    assert maps.is_first.tolist() == [True, False, True, False]
    assert all(abs(maps.shares_of(k).sum() - 1) < 1e-6 for k in range(4))


@pytest.mark.parametrize("keyframes", [0, 1, 4])
def test_a_file_holds_everything(tmp_path: Path, keyframes: int) -> None:
    maps = make_maps(keyframes=keyframes)
    write_weight_maps(tmp_path / "a.h5", maps)
    back = read_weight_maps(tmp_path / "a.h5")
    for name, value in vars(maps).items():
        if isinstance(value, np.ndarray):
            np.testing.assert_array_equal(getattr(back, name), value)
        else:
            assert getattr(back, name) == value


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"frame": np.array([0, 5, 5, 9])}, "frame must rise"),
        ({"frame": np.array([-1, 5, 7, 9])}, "frame must rise"),
        ({"frame": np.array([0.0, 5, 7, 9])}, "whole numbers"),
        ({"frame": np.array([0, 5])}, "of shapes"),
        ({"map_size": np.array([[2, 3], [2, 3], [4, 1], [4, 2]], np.int32)}, "tells of 24 cells, there are 20"),
        ({"map_size": np.array([[-2, -3], [2, 3], [4, 1], [4, 1]], np.int32)}, "tells of 20 cells"),
        ({"map_size": np.full((4, 2), 2**31 - 1, np.int32)}, "cells, there are 20"),
        ({"share_start": np.array([0, 1, 3, 3, 6])}, "share_start must rise"),
        ({"share_start": np.array([0, 1, 3, 4, 7])}, "share_start must rise"),
        ({"weight": np.full(20, np.nan, np.float16)}, "weight must lie in 0 … 1"),
        ({"weight": np.full(20, 2, np.float16)}, "weight must lie in 0 … 1"),
        ({"share": np.full(6, -0.1, np.float32)}, "share must lie in 0 … 1"),
        ({"cell": np.array([8.0, 8, 8, 0])}, "above 0"),
        ({"cell": np.array([8.0, 8, 8, np.inf])}, "above 0"),
    ],
)
def test_contradictions_are_refused(columns: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(make_maps(), **columns)


def test_a_changed_file_is_refused(tmp_path: Path) -> None:
    write_weight_maps(tmp_path / "a.h5", make_maps())
    with h5py.File(tmp_path / "a.h5", "r+") as file:
        file["/keyframes/weight"][3] = 0.25
    with pytest.raises(FormatError, match=r"a\.h5: its content has the checksum"):
        read_weight_maps(tmp_path / "a.h5")


def test_a_cut_file_and_another_are_refused(tmp_path: Path) -> None:
    write_weight_maps(tmp_path / "a.h5", make_maps())
    whole = (tmp_path / "a.h5").read_bytes()
    for content in (b"", b"text", whole[: len(whole) // 2]):
        (tmp_path / "b.h5").write_bytes(content)
        with pytest.raises(FormatError, match=r"b\.h5"):
            read_weight_maps(tmp_path / "b.h5")


def test_unknown_and_missing_columns_are_refused(tmp_path: Path) -> None:
    for change in ("del", "add"):
        write_weight_maps(tmp_path / "a.h5", make_maps())
        with h5py.File(tmp_path / "a.h5", "r+") as file:
            if change == "del":
                del file["/keyframes/cell"]
            else:
                file["/keyframes/other"] = np.zeros(3)
        with pytest.raises(FormatError, match=r"a\.h5: damaged"):
            read_weight_maps(tmp_path / "a.h5")
