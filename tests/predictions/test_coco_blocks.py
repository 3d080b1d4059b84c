"""COCO results read in blocks are what one detection after the other gives, or are left to that way."""

import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vidkit.errors import PredictionError
from vidkit.predictions.formats import coco_blocks
from vidkit.predictions.formats.coco_blocks import read_alike
from vidkit.predictions.formats.coco_results import _one_by_one

KEYS = ("image_id", "category_id", "bbox", "score")


def detections(rng: random.Random, n: int, keys: tuple[str, ...] = KEYS, whole: bool = False) -> list[dict[str, Any]]:
    def number() -> float:
        some = [rng.uniform(-50, 900), rng.random() * 1e-7, float(rng.randrange(900)), -0.5, rng.random()]
        return rng.randrange(900) if whole else rng.choice(some)

    values = {"image_id": lambda: rng.randrange(10**9), "category_id": lambda: rng.randrange(90), "score": number}
    values |= {"bbox": lambda: [number() for _ in range(4)], "segmentation": list, "area": number, "id": lambda: 7}
    return [{key: values[key]() for key in keys} for _ in range(n)]


def same(path: Path) -> bool:
    """Whether both ways agree, number for number, or both refuse; else an assertion."""
    found = [read_alike(path), read_alike(path, json.loads)]
    assert (found[0] is None) == (found[1] is None)
    if found[0] is None:
        return False
    wanted = _one_by_one(path)
    for one in found:
        assert one is not None
        for name in ("image_id", "category_id", "box", "score"):
            np.testing.assert_array_equal(getattr(one, name), getattr(wanted, name))
            assert getattr(one, name).dtype == getattr(wanted, name).dtype
        assert ("segmentation" in one.keys) == ("segmentation" in wanted.keys)
    return True


@pytest.mark.parametrize("block", [40, 333, 1 << 18])
def test_any_order_of_keys_any_blanks_and_any_block(
    tmp_path: Path, block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(coco_blocks, "BLOCK", block)
    rng = random.Random(block)
    path = tmp_path / "results.json"
    for trial in range(40):
        keys = list(KEYS) + rng.sample(["segmentation", "area", "id"], rng.randrange(4))
        rng.shuffle(keys)
        found = detections(rng, rng.randrange(1, 30), tuple(keys), whole=trial % 5 == 0)
        text = json.dumps(found, indent=rng.choice([None, 1]), separators=rng.choice([(",", ":"), (", ", ": ")]))
        text = text.replace("}, {", rng.choice(["},\n {", "}, {"]))
        text = "\ufeff" * (trial % 7 == 0) + rng.choice(["", " \n"]) + text + rng.choice(["", "\n"])
        path.write_text(text, encoding="utf-8")
        assert same(path), text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[",
        "[]",
        "{}",
        "[1, 2]",
        '[{"image_id": 1}]',
        '[{"image_id": "a", "category_id": 1, "bbox": [1, 2, 3, 4], "score": 1}]',
        '[{"image_id": 1.5, "category_id": 1, "bbox": [1, 2, 3, 4], "score": 1}]',
        '[{"image_id": 1e18, "category_id": 1, "bbox": [1, 2, 3, 4], "score": 1}]',
        '[{"image_id": true, "category_id": 1, "bbox": [1, 2, 3, 4], "score": 1}]',
        '[{"image_id": 1, "category_id": 1, "bbox": [1, 2, 3], "score": 1}]',
        '[{"image_id": 1, "category_id": 1, "bbox": [1, 2, 3, NaN], "score": 1}]',
        '[{"image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4], "score": 0.1.2}]',
        '[{"image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4], "score": 01}]',
        '[{"image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4], "score": }]',
        '[{"image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4], "score": 1}',
        '[{"image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4], "score": 1}]]',
        '[{"image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4], "score": 1}, {"image_id": 2}]',
        '[{"image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4], "score": 1, "file": "a-1.jpg"}]',
        '[{"image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4], "score": 1, "segmentation": {"size": [1, 2]}}]',
    ],
)
def test_what_is_not_a_table_is_left_to_the_other_way(tmp_path: Path, text: str) -> None:
    path = tmp_path / "results.json"
    path.write_text(text)
    assert not same(path)
    try:
        _one_by_one(path)
    except PredictionError as error:
        assert str(path) in str(error)


def test_one_detection_of_another_form_among_many(tmp_path: Path) -> None:
    rng = random.Random(0)
    path = tmp_path / "results.json"
    others = (
        {"category_id": 1, "image_id": 2, "bbox": [1.0, 2.0, 3.0, 4.0], "score": 0.5},
        {"image_id": "2", "category_id": 1, "bbox": [1.0, 2.0, 3.0, 4.0], "score": 0.5},
        {"image_id": 1, "category_id": 1, "bbox": [1.0, 2.0, 3.0], "score": 0.5, "area": 4.0},
    )
    for other in others:
        found = detections(rng, 20)
        found.insert(13, other)
        path.write_text(json.dumps(found))
        assert read_alike(path) is None


def test_damage_anywhere_is_never_another_number(tmp_path: Path) -> None:
    rng = random.Random(1)
    path = tmp_path / "results.json"
    for _ in range(150):
        text = bytearray(json.dumps(detections(rng, 6)).encode())
        at = rng.randrange(len(text))
        if rng.random() < 0.5:
            del text[at : at + rng.randrange(1, 4)]
        else:
            text[at] = rng.choice(b'0123456789.-eE,:[]{}" x')
        path.write_bytes(bytes(text))
        if read_alike(path) is not None:
            try:
                _one_by_one(path)
            except PredictionError as error:
                assert "whole numbers" in str(error)  # 1.0 and 1e3 are whole numbers here
            else:
                same(path)
