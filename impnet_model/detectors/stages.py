"""Where a detector's time goes: seconds in preprocessing, transfer, the networks and postprocessing, and device memory.

Nothing here waits for a device. On the CPU a stage is timed by the processor's clock. On CUDA, where work is only
queued, an event is queued before and after it and the time between the two is read later, when the harness has
synchronised anyway: the stage's time on the device's own time line, with the gaps in which it waited for commands.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from time import perf_counter
from typing import Literal

import torch

Stage = Literal["preprocess", "transfer", "forward", "flow", "postprocess"]
"""Resizing and normalising; frames to the device and answers back; all networks and what joins them; flow that isn't
the network's; from scores of regions to detections."""
STAGES: tuple[Stage, ...] = ("preprocess", "transfer", "forward", "postprocess")
"""Those that all methods have; others are told where there was one."""


class Stages:
    """The clock of a detector's stages; like any clock it moves on."""

    def __init__(self) -> None:
        self._seconds: dict[Stage, float] = dict.fromkeys(STAGES, 0.0)
        self._queued: list[tuple[Stage, torch.cuda.Event, torch.cuda.Event]] = []

    @contextmanager
    def time(self, stage: Stage, device: torch.device) -> Iterator[None]:
        """Add the time that the block takes to `stage`. Blocks must not be nested, nor yield to the caller."""
        if device.type == "cuda":
            begin, end = _event(), _event()
            stream = torch.cuda.current_stream(device)
            begin.record(stream)
            yield
            end.record(stream)
            self._queued.append((stage, begin, end))
            return
        start = perf_counter()
        yield
        self._add(stage, perf_counter() - start)

    def measurements(self, device: torch.device) -> Mapping[str, float]:
        """The seconds of each stage so far, and the most bytes that torch held on a CUDA device."""
        for stage, begin, end in self._queued:
            end.synchronize()  # returns at once where the device is done
            self._add(stage, begin.elapsed_time(end) / 1000)
        self._queued.clear()
        measured = {f"{stage}_seconds": seconds for stage, seconds in self._seconds.items()}
        if device.type == "cuda":
            measured["peak_device_bytes"] = float(torch.cuda.max_memory_allocated(device))
        return measured

    def _add(self, stage: Stage, seconds: float) -> None:
        self._seconds[stage] = self._seconds.get(stage, 0.0) + seconds


def _event() -> torch.cuda.Event:
    return torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]  # torch's stubs leave it open
