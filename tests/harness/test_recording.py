"""Recording weight maps: what is kept, and what is refused with video and frame."""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

from tests.makers import make_index
from vidkit.detections import Detections
from vidkit.errors import DetectorError, FrameError
from vidkit.harness.detector import Image, KeyframeWeights
from vidkit.harness.recording import record_weights, weighing
from vidkit.harness.run import blank_frames, collect, collect_weights, finished, run_videos
from vidkit.predictions.table import RunInfo

INDEX = make_index(videos=3, frames=6)
L = 3


def weights_of(place: int, frame: int, rng: np.random.Generator) -> KeyframeWeights:
    shares = rng.random(place + 1)
    return KeyframeWeights(frame, rng.random((2, 3)).astype(np.float32), shares / shares.sum(), 16.0)


@dataclass
class Weighing:
    """A detector with a keyframe first in every L frames; `change` falsifies what it hands over."""

    change: Callable[[Iterator[KeyframeWeights]], Iterable[Any]] = iter
    name: str = "weighing"

    def detect(self, frames: Iterable[Image]) -> Iterator[Detections]:
        nothing = Detections.none()
        for frame, _ in enumerate(frames):
            yield replace(nothing, is_key=frame % L == 0, key_distance=-(frame % L))

    def keyframe_weights(self, frames: Iterable[Image]) -> Iterator[KeyframeWeights]:
        yield from self.change(self.true(frames))

    def true(self, frames: Iterable[Image]) -> Iterator[KeyframeWeights]:
        rng = np.random.default_rng(4)
        for frame, _ in enumerate(frames):
            if frame % L == 0:
                yield weights_of(frame // L, frame, rng)

    def synchronize(self) -> None:
        pass


def recorded(change: Any = iter, limit: float = 0, **other: Any) -> tuple[KeyframeWeights, ...]:
    detector = Weighing(change)
    frames = other.get("frames") or blank_frames(INDEX, 1)
    answers = tuple(detector.detect(blank_frames(INDEX, 1)))
    return record_weights(detector, frames, INDEX, 1, answers, limit)


def test_what_is_handed_over_is_kept() -> None:
    for kept, given in zip(recorded(), Weighing().true(blank_frames(INDEX, 1)), strict=True):
        assert (kept.frame, kept.cell) == (given.frame, given.cell)
        np.testing.assert_allclose(kept.weight, given.weight, atol=5e-4)
        np.testing.assert_allclose(kept.shares, given.shares, atol=1e-6)
        assert kept.weight.dtype == np.float16


def changed(place: int, **columns: Any) -> Callable[[Iterator[KeyframeWeights]], Iterator[Any]]:
    return lambda true: (replace(each, **columns) if at == place else each for at, each in enumerate(true))


def boom(true: Iterator[KeyframeWeights]) -> Iterator[KeyframeWeights]:
    yield next(true)
    raise RuntimeError("out of luck")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (changed(1, frame=4), "frame 3: .*of frame 4 of the video, from 0; the next keyframe answered is 3"),
        (lambda true: list(true)[:1], "frame 3: weights of 1 keyframes, it answered with 2"),
        (lambda true: [*true, weights_of(1, 5, np.random.default_rng(0))], "no further keyframe"),
        (lambda true: [], "frame 0: weights of 0 keyframes"),
        (changed(1, weight=np.full((2, 3), np.nan)), r"the map is nan in cell \(0, 0\)"),
        (changed(1, weight=np.full((2, 3), 1.5)), r"the map is 1.5 in cell \(0, 0\)"),
        (changed(1, weight=np.zeros((2, 4))), r"a map of \(2, 4\) cells, those before have \(2, 3\)"),
        (changed(0, weight=np.zeros(3)), r"a map that is float64 \(3,\)"),
        (changed(0, weight=np.zeros((0, 3))), "a map that is"),
        (changed(0, weight=[[0.5]]), "a map that is list"),
        (changed(1, shares=np.array([0.5, 0.6])), r"shares \[0.5, 0.6\]; wanted .* a sum of 1"),
        (changed(1, shares=np.array([1.5, -0.5])), "none below 0"),
        (changed(1, shares=np.array([np.nan, 1.0])), "none below 0"),
        (changed(1, shares=np.ones(3) / 3), "3 shares of the video's first 2 keyframes"),
        (changed(1, shares=np.zeros(0)), "0 shares"),
        (changed(1, cell=0.0), "cells of 0.0 pixels"),
        (changed(1, cell=float("nan")), "cells of nan pixels"),
        (lambda true: ["nonsense"], "a builtins.str, wanted"),
        (boom, "frame 3: weights: RuntimeError: out of luck"),
    ],
)
def test_what_is_wrong_is_named(change: Any, message: str) -> None:
    with pytest.raises(DetectorError, match=rf"detector 'weighing', video 'video_0001', .*{message}"):
        recorded(change)


def test_one_that_hangs_is_stopped() -> None:
    def slow(true: Iterator[KeyframeWeights]) -> Iterator[KeyframeWeights]:
        for each in true:
            yield each
            time.sleep(5)

    with pytest.raises(DetectorError, match=r"frame 3: weights: TimeoutError: no answer within 0.1 s"):
        recorded(slow, limit=0.1)


def test_frames_that_fail_are_named() -> None:
    with pytest.raises(FrameError, match="video 'video_0001': 2 frames and no more; wanted 6"):
        recorded(frames=iter([np.zeros((4, 4, 3), np.uint8)] * 2))


def test_a_detector_without_weights_is_refused() -> None:
    class Plain:
        name = "plain"

    with pytest.raises(DetectorError, match="'plain' has no weight maps to record"):
        weighing(Plain())  # type: ignore[arg-type]


def test_a_run_keeps_them_in_its_shards(tmp_path: Any) -> None:
    done = dict(run_videos(Weighing(), INDEX, blank_frames, [2, 0], tmp_path, weights=True))
    back = finished(tmp_path, INDEX)
    predictions = collect(done, RunInfo("weighing"), INDEX)
    ours, theirs = (collect_weights(each, predictions, INDEX) for each in (done, back))
    assert ours.frame.tolist() == theirs.frame.tolist() == [0, 3, 12, 15]
    for k in range(4):
        np.testing.assert_array_equal(ours.map_of(k), theirs.map_of(k))
        np.testing.assert_array_equal(ours.shares_of(k), theirs.shares_of(k))
    assert ours.predictions_fingerprint == predictions.fingerprint
    assert collect_weights({}, predictions, INDEX).n_keyframes == 0


def test_not_asked_for_nothing_is_recorded(tmp_path: Any) -> None:
    (run,) = dict(run_videos(Weighing(), INDEX, blank_frames, [0], tmp_path)).values()
    assert run.keyframes is None
    assert finished(tmp_path, INDEX)[0].keyframes is None
