"""A run that was benchmarked: its predictions, where they are, and what was measured, for people."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vidkit.data.index import Index
from vidkit.harness.timing import summary
from vidkit.predictions.table import Predictions
from vidkit.runs.folder import weight_maps_file
from vidkit.shown import as_html


@dataclass(frozen=True, eq=False, repr=False)
class FinishedRun:
    """What `benchmark` made: `predictions` (None where another process puts the run together) and where they are."""

    predictions: Predictions | None
    output: Path
    index: Index
    index_file: Path | None = None
    """Where the index is, if it was read from a file."""

    @property
    def weight_maps(self) -> Path | None:
        """Where the weight maps are; None if none were recorded."""
        recorded = self.predictions is not None and "recorded" in self.predictions.run.environment
        return weight_maps_file(self.output) if recorded else None

    def measured(self) -> dict[str, Any]:
        """Speed, times, look-ahead and stages, see `vidkit.harness.timing.summary`."""
        return {} if self.predictions is None else summary(self.predictions)

    def facts(self) -> list[tuple[str, str]]:
        """What was run, on what and how fast, as pairs of words."""
        return [] if self.predictions is None else _facts(self.predictions, self.measured())

    def __repr__(self) -> str:
        facts = {name: value for name, value in self.facts() if name}
        shown = ("detector", "options", "scenario", "device", "frames", "detections", "frames per second", "look-ahead")
        lines = [f"{name:<18} {facts[name]}" for name in shown if name in facts]
        return "\n".join([*lines, f"{'predictions':<18} {self.output}"])

    def _repr_html_(self) -> str:
        rows = [*self.facts(), ("predictions", str(self.output))]
        return as_html("a benchmark run", [{"what": name, "value": value} for name, value in rows])


def _facts(predictions: Predictions, measured: Mapping[str, Any]) -> list[tuple[str, str]]:
    run = predictions.run
    options = " ".join(f"{name}={value}" for name, value in run.options.items())
    speed = measured["frames_per_second"]
    limited = ", LIMITED: not all videos were run, a score of it is none" if run.limited else ""
    facts = [
        ("detector", run.detector),
        ("options", options or "none"),
        ("scenario", run.scenario + limited),
        ("device", f"{run.environment['device']}, {run.environment['cpu']}"),
        ("image size", str(run.environment["image_size"])),
        ("frames", f"{predictions.n_frames}, {measured['frames_timed']} of them timed"),
        ("detections", str(predictions.n_detections)),
        ("frames per second", "not measured" if speed is None else f"{speed:.1f}"),
        ("look-ahead", _look_ahead(measured["look_ahead"])),
        ("decoding", milliseconds(measured["decode_seconds"]) + " ms per frame, not part of the speed"),
        ("peak memory", f"{measured['measured'].get('peak_memory_bytes', 0) / 2**20:.0f} MiB"),
    ]
    if run.environment.get("sees_truth"):
        facts.insert(1, ("", "looks at the ground truth: a stand-in, no method"))
    if device_bytes := measured["measured"].get("peak_device_bytes"):
        facts.append(("device memory", f"{device_bytes / 2**20:.0f} MiB at most"))
    return facts


def _look_ahead(frames: Mapping[str, Any]) -> str:
    return "no frames" if frames["max"] is None else f"{frames['max']} frames at most, {frames['mean']:.1f} in the mean"


def milliseconds(seconds: float | None) -> str:
    """A time in milliseconds with two digits; a dash where there is none."""
    return "–" if seconds is None else f"{1000 * seconds:.2f}"
