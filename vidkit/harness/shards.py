"""Shards: what was done of a run, one file for each video, so that a run that is killed loses one video at most.

A shard is a hash of 32 hexadecimal digits, a newline, and numpy's `.npz` of the columns that the hash is of, the stamp
of the run among them. Shards are written whole or not at all; one whose hash or stamp doesn't fit is made again.
"""

import hashlib
import io
import json
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vidkit.detections import Detections
from vidkit.errors import FormatError
from vidkit.files import writing
from vidkit.harness.detector import KeyframeWeights
from vidkit.harness.stopwatch import VideoRun
from vidkit.npz_arrays import arrays_of
from vidkit.predictions.table import NO_KEY, from_frames
from vidkit.reading_door import reading

HASH_BYTES = 16


def write_shard(path: Path, run: VideoRun, stamp: str = "") -> None:
    """Write what was done of one video to `path`, whole or not at all; `stamp` is that of its run."""
    content = io.BytesIO()
    np.savez(content, stamp=np.array(stamp), **_columns(run))
    payload = content.getvalue()
    with writing(path, tidy=False) as part:
        part.write_bytes(_hash(payload) + b"\n" + payload)


def read_shard(path: Path, stamp: str = "") -> VideoRun:
    """What was done of one video. Raises FormatError if it isn't a whole and sensible shard of that run."""
    with reading(path, FormatError, "a whole shard of a run"):
        stated, _, payload = path.read_bytes().partition(b"\n")
        if stated != _hash(payload):
            raise FormatError(f"{path}: not a whole shard of a run")
        columns = arrays_of(payload)
        if (found := str(columns["stamp"])) != stamp:
            raise FormatError(f"{path}: of another run, stamped {found!r}; wanted {stamp!r}")
        run = _run(columns)
        _check_sense(run)
        return run


def _check_sense(run: VideoRun) -> None:
    """Raise FormatError for columns of other lengths, and for numbers that no run has."""
    n = len(run.answers)
    for name in ("compute_seconds", "decode_seconds", "look_ahead"):
        column = getattr(run, name)
        if column.shape != (n,) or column.dtype.kind not in "if" or (column < 0).any():
            raise FormatError(f"{name}: {column.dtype} {column.shape}, wanted {n} numbers from 0")
    for frame, answer in enumerate(run.answers):
        box, score, class_id = answer.boxes, answer.scores, answer.class_ids
        if not (box.dtype.kind == score.dtype.kind == "f" and class_id.dtype.kind == "i"):
            raise FormatError(f"frame {frame}: {box.dtype}, {score.dtype}, {class_id.dtype}; wanted numbers")
        if not (np.isfinite(box).all() and np.isfinite(score).all()) or (class_id < 0).any():
            raise FormatError(f"frame {frame}: a box, a score or a class that can't be")
    if not all(isinstance(v, int | float) and not isinstance(v, bool) for v in run.measured.values()):
        raise FormatError("measured: wanted names with numbers")


def _hash(payload: bytes) -> bytes:
    return hashlib.blake2b(payload, digest_size=HASH_BYTES).hexdigest().encode()


def _columns(run: VideoRun) -> dict[str, Any]:
    table = from_frames(run.answers)
    n = table.n_frames
    return {
        "detection_start": table.detection_start,
        "box": table.box,
        "score": table.score,
        "class_id": table.class_id,
        "is_key": np.zeros(n, bool) if table.is_key is None else table.is_key,
        "key_distance": np.full(n, NO_KEY, np.int32) if table.key_distance is None else table.key_distance,
        "compute_seconds": run.compute_seconds,
        "decode_seconds": run.decode_seconds,
        "look_ahead": run.look_ahead,
        "warm_up": np.array(run.warm_up),
        "measured": np.array(json.dumps(dict(run.measured))),
        **({} if run.keyframes is None else _columns_of_keyframes(run.keyframes)),
    }


def _columns_of_keyframes(keyframes: Sequence[KeyframeWeights]) -> dict[str, Any]:
    return {
        "key_frame": np.array([each.frame for each in keyframes], np.int64),
        "key_weight": np.array([each.weight for each in keyframes], np.float16),  # (K, h, w)
        "key_cell": np.array([each.cell for each in keyframes], np.float64),
        "key_share_start": np.cumsum([0, *(len(each.shares) for each in keyframes)]),
        "key_share": np.concatenate([np.zeros(0), *(each.shares for each in keyframes)]).astype(np.float32),
    }


def _keyframes(columns: dict[str, NDArray[Any]]) -> tuple[KeyframeWeights, ...] | None:
    if "key_frame" not in columns:
        return None
    ends = pairwise(columns["key_share_start"].tolist())
    each = zip(columns["key_frame"].tolist(), columns["key_weight"], ends, columns["key_cell"].tolist(), strict=True)
    return tuple(KeyframeWeights(f, w, columns["key_share"][start:stop], cell) for f, w, (start, stop), cell in each)


def _run(columns: dict[str, NDArray[Any]]) -> VideoRun:
    starts, distances = columns["detection_start"].tolist(), columns["key_distance"].tolist()
    answers = []
    for frame, (start, stop) in enumerate(pairwise(starts)):
        answers.append(
            Detections(
                columns["box"][start:stop],
                columns["score"][start:stop],
                columns["class_id"][start:stop],
                bool(columns["is_key"][frame]),
                None if distances[frame] == NO_KEY else distances[frame],
            )
        )
    return VideoRun(
        tuple(answers),
        columns["compute_seconds"],
        columns["decode_seconds"],
        columns["look_ahead"],
        json.loads(str(columns["measured"])),
        bool(columns["warm_up"]),
        _keyframes(columns),
    )
