"""Detections gathered in a loop give, bit for bit, the result of the same predictions from a file."""

import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.evaluation.cases import case
from tests.evaluation.test_bootstrap import many_videos
from vidkit.data.index import Index
from vidkit.detections import Detections
from vidkit.errors import ChoiceError, PredictionError
from vidkit.evaluation import evaluator as module
from vidkit.evaluation.evaluate import evaluate
from vidkit.evaluation.evaluator import Evaluator
from vidkit.evaluation.result import EvalResult
from vidkit.predictions.predictions_file import read_predictions, write_predictions
from vidkit.predictions.table import Predictions, from_frames


def plain(result: EvalResult) -> Any:
    return result.to_json()


def filled(index: Index, predictions: Predictions, frames: Any, **options: Any) -> Evaluator:
    evaluator = Evaluator(index, **options)
    for frame in frames:
        evaluator.update(frame, predictions.of_frame(frame))
    return evaluator


def as_detected(index: Index, predictions: Predictions) -> Predictions:
    """The same as a benchmark makes them of a detector's answers."""
    return from_frames(map(predictions.of_frame, range(index.n_frames)), index.fingerprint)


@pytest.mark.parametrize("protocol", ["fgfa", "mega", "coco"])
@pytest.mark.parametrize("rows", [1, 7, 1 << 16])
def test_any_order_gives_the_result_of_the_file(
    tmp_path: Path, protocol: str, rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ROWS", rows)
    for seed in range(10):
        index, predictions = many_videos(seed) if seed % 2 else case(seed)
        predictions = as_detected(index, predictions)
        write_predictions(tmp_path / "p.h5", predictions)
        wanted = evaluate(index, read_predictions(tmp_path / "p.h5"), protocol, by="motion,video", ci=3)
        order = np.random.default_rng(seed).permutation(index.n_frames)
        evaluator = filled(index, predictions, order, protocol=protocol, by="motion,video")
        assert plain(evaluator.compute(ci=3)) == plain(wanted)
        assert evaluator.predictions().fingerprint == predictions.fingerprint


def test_parts_of_many_processes_are_merged_and_what_two_had_counts_once() -> None:
    for seed in range(15):
        index, predictions = many_videos(seed)
        parts = [filled(index, predictions, range(rank, index.n_frames, 3)) for rank in range(3)]
        parts[1].update(0, predictions.of_frame(0))  # as a sampler repeats it
        first = parts[0]
        for part in (pickle.loads(pickle.dumps(parts[1].gathered)), pickle.loads(pickle.dumps(parts[2]))):
            first.merge(part)
        first.merge(first)
        assert plain(first.compute()) == plain(evaluate(index, as_detected(index, predictions)))


def test_a_video_at_once_is_its_frames() -> None:
    index, predictions = many_videos(3)
    evaluator = Evaluator(index, "voc")
    for name in reversed(index.video_name):
        evaluator.update(name, (predictions.of_frame(frame) for frame in index.frames_of(index.video(name))))
    assert plain(evaluator.compute()) == plain(evaluate(index, as_detected(index, predictions), "voc"))


def test_a_detection_takes_22_bytes_and_what_is_sent_has_no_index() -> None:
    index, _ = case(1)
    evaluator = Evaluator(index)
    rng = np.random.default_rng(0)
    many = 20_000
    for frame in range(index.n_frames):
        boxes = rng.random((many, 4), np.float32)
        evaluator.update(frame, Detections(boxes, boxes[:, 0], np.zeros(many, np.int64)))
    size = len(pickle.dumps(evaluator.gathered))
    assert 22 * many * index.n_frames <= size < 22 * many * index.n_frames + 20_000


def test_arrays_that_are_filled_again_change_nothing() -> None:
    index, _ = case(1)
    boxes, scores = np.ones((1, 4), np.float32), np.ones(1, np.float32)
    evaluator = Evaluator(index)
    for frame in range(index.n_frames):
        boxes[:] = frame
        evaluator.update(frame, Detections(boxes, scores, np.zeros(1, np.int64)))
    assert evaluator.predictions().box[:, 0].tolist() == list(range(index.n_frames))


def test_mistakes_are_told_where_they_happen() -> None:
    index, predictions = many_videos(0)
    name, other = index.video_name[:2]
    evaluator = Evaluator(index)
    one = Detections(np.ones((1, 4), np.float32), np.ones(1, np.float32), np.zeros(1, np.int64))
    evaluator.update(0, one)
    with pytest.raises(PredictionError, match=f"frame 0, number 0 of video {name}, was given before"):
        evaluator.update(0, one)
    with pytest.raises(PredictionError, match=f"frame 0, number 0 of video {name}, was given before"):
        evaluator.update(name, [one] * len(index.frames_of(0)))
    with pytest.raises(PredictionError, match=f"video {other}: detections of 1 frames, it has"):
        evaluator.update(other, one)
    with pytest.raises(PredictionError, match="wanted one, of a frame 0"):
        evaluator.update(index.n_frames, one)
    with pytest.raises(PredictionError, match=r"has class ids 99 … 99; wanted 0 … "):
        evaluator.update(1, replace(one, class_ids=np.array([99])))
    with pytest.raises(PredictionError, match="isn't a finite number"):
        evaluator.update(1, replace(one, scores=np.array([np.nan])))
    with pytest.raises(PredictionError, match=f"{index.n_frames - 1} of {index.n_frames} frames were not given"):
        evaluator.compute()
    with pytest.raises(PredictionError, match="gathered on the index"):
        evaluator.merge(Evaluator(case(5)[0]))
    with pytest.raises(ValueError, match="no video 'v'"):
        evaluator.update("v", [one])
    with pytest.raises(ChoiceError, match="colour"):
        Evaluator(index, by="colour")
    with pytest.raises(ChoiceError, match="no protocol"):
        Evaluator(index, "cocoo")
    assert "1 of" in repr(evaluator)
    assert predictions.n_frames == index.n_frames
