"""Files with bytes changed, cut, taken out or put in: they are read or refused in one line, never anything else."""

import dataclasses
import pickle
from pathlib import Path

import numpy as np
import pytest

from tests.makers import make_index, make_predictions
from vidkit.errors import PredictionError, VidkitError
from vidkit.predictions import read, write
from vidkit.predictions.formats import WRITTEN
from vidkit.predictions.reading import open_predictions


def _damaged(data: bytes, rng: np.random.Generator) -> bytes:
    at, size = int(rng.integers(len(data))), int(rng.integers(1, 30))
    other = int(rng.integers(len(data)))
    if (kind := rng.integers(4)) == 0:
        return data[:at]
    if kind == 1:
        return data[:at] + bytes([int(rng.integers(256))]) + data[at + 1 :]
    return data[:at] + (data[at + size :] if kind == 2 else data[other : other + size] + data[at:])


@pytest.mark.parametrize("form", [name for name in WRITTEN if name not in ("parquet", "mot")])
def test_damage_is_refused_in_one_line(form: str, tmp_path: Path) -> None:
    index = make_index(videos=2, frames=4, classes=5)
    made = make_predictions(index)
    predictions = dataclasses.replace(made, score=np.maximum(made.score, np.float32(0.1)))
    write(tmp_path / "p", predictions, index, form)
    data = (tmp_path / "p").read_bytes()
    rng = np.random.default_rng(0)
    for _ in range(60):
        (tmp_path / "q").write_bytes(_damaged(data, rng))
        try:
            read(tmp_path / "q", index)
        except VidkitError as error:
            assert "\n" not in str(error)


def test_lists_that_name_one_list_again_and_again_are_refused_at_once(tmp_path: Path) -> None:
    nested: list[object] = [1]
    for _ in range(200):
        nested = [nested, nested]  # 2 ** 200 numbers, were it unfolded
    wide: list[object] = [[[1.0] * 100_000] * 100_000]
    for content in (nested, {"det_bboxes": [nested]}, {"det_bboxes": [wide]}):
        path = tmp_path / "shared.pkl"
        path.write_bytes(pickle.dumps(content))
        with pytest.raises(PredictionError):
            open_predictions(path)
