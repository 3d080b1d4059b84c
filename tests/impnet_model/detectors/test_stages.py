"""The stages of a detector: every second of its own is in one of them."""

from __future__ import annotations

import time

import pytest
import torch

from impnet_model.detectors.impression import impression_network
from impnet_model.detectors.seq_nms import SeqNMS
from impnet_model.detectors.stages import STAGES, Stages
from tests.impnet_model.detectors.test_detectors import METHODS, Make
from tests.impnet_model.makers import make_engine, make_video
from vidkit.harness.detector import Measuring

CPU = torch.device("cpu")


def test_a_stage_lasts_as_long_as_its_block(monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = iter([1.0, 3.5, 10.0, 10.5, 20.0, 21.0])
    monkeypatch.setattr("impnet_model.detectors.stages.perf_counter", lambda: next(ticks))
    stages = Stages()
    for stage in ("forward", "transfer", "forward"):
        with stages.time(stage, CPU):
            pass
    assert stages.measurements(CPU) == {
        "preprocess_seconds": 0.0,
        "transfer_seconds": 0.5,
        "forward_seconds": 3.5,
        "postprocess_seconds": 0.0,
    }


class Event:
    """Stands for torch.cuda.Event: the device's clock is at `now` milliseconds when the event is reached."""

    now = 0.0

    def __init__(self, enable_timing: bool) -> None:
        assert enable_timing
        self.at: float | None = None
        self.waited = False

    def record(self, _stream: object) -> None:
        self.at, Event.now = Event.now, Event.now + 4

    def synchronize(self) -> None:
        self.waited = True

    def elapsed_time(self, other: Event) -> float:
        assert other.waited and self.at is not None and other.at is not None
        return other.at - self.at


def test_on_cuda_events_tell_and_nothing_is_waited_for_before(monkeypatch: pytest.MonkeyPatch) -> None:
    cuda = torch.device("cuda", 0)
    monkeypatch.setattr(torch.cuda, "Event", Event)
    monkeypatch.setattr(torch.cuda, "current_stream", lambda device: object())
    monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda device: 77)
    stages = Stages()
    for _ in range(2):
        with stages.time("forward", cuda):
            pass
    for _ in range(2):  # read twice: nothing is counted twice
        measured = stages.measurements(cuda)
        assert measured["forward_seconds"] == pytest.approx(0.008)
        assert measured["peak_device_bytes"] == 77


@pytest.mark.parametrize("make", METHODS.values(), ids=METHODS)
def test_every_detector_tells_its_stages(make: Make) -> None:
    detector = make()
    assert isinstance(detector, Measuring)
    assert set(detector.measurements().values()) == {0.0}
    start = time.perf_counter()
    list(detector.detect(make_video(5)))
    spent, told = time.perf_counter() - start, detector.measurements()
    assert set(told) == {f"{stage}_seconds" for stage in STAGES}
    assert all(seconds > 0 for seconds in told.values())
    assert sum(told.values()) <= spent


def test_seq_nms_adds_to_what_its_detector_tells() -> None:
    inner = impression_network(make_engine(), 3)
    outer = SeqNMS(inner)
    list(outer.detect(make_video(4)))
    own, all_ = inner.measurements(), outer.measurements()
    assert all_["postprocess_seconds"] > own["postprocess_seconds"]
    assert all_["forward_seconds"] == own["forward_seconds"]
