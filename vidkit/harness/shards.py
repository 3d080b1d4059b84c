"""Shards: what was done of a run, one file for each video, so that a run that is killed loses one video at most.

A shard is a hash of 32 hexadecimal digits, a newline, and numpy's `.npz` of the columns that the hash is of. Shards are
written whole or not at all; one whose hash doesn't fit is made again.
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
from vidkit.predictions.table import NO_KEY, from_frames

HASH_BYTES = 16


def write_shard(path: Path, run: VideoRun) -> None:
    """Write what was done of one video to `path`, whole or not at all."""
    content = io.BytesIO()
    np.savez(content, **_columns(run))
    payload = content.getvalue()
    with writing(path) as part:
        part.write_bytes(_hash(payload) + b"\n" + payload)


def read_shard(path: Path) -> VideoRun:
    """Return what was done of one video. Raises FormatError if the file isn't a whole shard."""
    try:
        stated, _, payload = path.read_bytes().partition(b"\n")
    except OSError as error:
        raise FormatError(f"{path}: can't be read: {error.strerror}") from None
    if stated != _hash(payload):
        raise FormatError(f"{path}: not a whole shard of a run")
    try:
        with np.load(io.BytesIO(payload), allow_pickle=False) as columns:
            return _run({name: columns[name] for name in columns.files})
    except (ValueError, KeyError, OSError) as error:
        raise FormatError(f"{path}: not a shard of a run: {error}") from None


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
