"""What propagation costs relative to a detector on every frame, counted and measured (Impression Network, Sec. 3.4)."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from math import isfinite
from pathlib import Path
from typing import Any

from vidkit.errors import FormatError, PredictionError
from vidkit.predictions.table import Predictions
from vidkit.reading_door import reading
from vidkit.segments import check_key_id


@dataclass(frozen=True)
class StageCosts:
    """What each part of the network costs for one call, all in one unit: seconds, FLOPs.

    Raises ValueError for a cost that is negative or not finite, or where the feature network costs nothing.
    """

    feature: float
    """O(N_feat), the feature network on one frame."""
    flow: float
    """O(F), the flow network on one pair of frames."""
    task: float
    """O(N_task), the detection network on one feature."""
    warp: float = 0.0
    """O(W), one warp with its scale map."""
    aggregation: float = 0.0
    """O(A), the quality network on two features and their weighted sum."""

    def __post_init__(self) -> None:
        for name, cost in self.as_dict().items():
            if not (isfinite(cost) and cost >= 0):
                raise ValueError(f"cost of {name}: {cost}, wanted a finite number, 0 or more")
        if self.feature == 0:
            raise ValueError("the feature network costs nothing: there is no ratio to it")

    def as_dict(self) -> Mapping[str, float]:
        """Return the costs by the names of the stages."""
        return {stage.name: getattr(self, stage.name) for stage in fields(self)}


GFLOP_600X1000 = StageCosts(feature=328.0, flow=25.8, task=4.8, warp=0.0, aggregation=22.6)
"""GFLOP (2 a multiply-add) at 600x1000: ResNet-101 dilated with its 3x3 conv of 1024 channels, FlowNet-S at half size
with scale map, the 1x1 convs of RPN and R-FCN, N_q on two maps. Counted by torch.utils.flop_counter on networks built
to Sec. 3.3; pooling, NMS and the warp's gathers are not in it."""


def cost_ratio(costs: StageCosts, length: int) -> float:
    """Return r, the cost of the Impression Network for a segment over that of a per-frame detector (Sec. 3.4).

    `(A + l (W + F + N_task) + N_feat) / (l (N_feat + N_task))`
    """
    check_key_id(length, None)
    frame = costs.warp + costs.flow + costs.task
    return (costs.aggregation + length * frame + costs.feature) / (length * (costs.feature + costs.task))


def approximate_cost_ratio(costs: StageCosts, length: int) -> float:
    """Return the paper's estimate `F / N_feat + 1 / l`, where aggregation, warp and task network are negligible."""
    check_key_id(length, None)
    return costs.flow / costs.feature + 1 / length


def flow_cost_ratio(costs: StageCosts, length: int) -> float:
    """Return the same ratio for propagation without an impression, as in Deep Feature Flow: l - 1 flows and warps."""
    check_key_id(length, None)
    others = (length - 1) * (costs.warp + costs.flow)
    return (others + length * costs.task + costs.feature) / (length * (costs.feature + costs.task))


STAGE_TIMES_FORMAT, STAGE_TIMES_VERSION = "vidkit-stage-times", 1


def read_stage_times(path: Path) -> tuple[StageCosts, str]:
    """Return the measured seconds of each stage, and what the file says of how they were measured.

    Raises FormatError where the file isn't of the form in docs/propagation.md.
    """
    with reading(path, FormatError, "a JSON file of stage times"):
        found = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(found, dict) or found.get("format") != STAGE_TIMES_FORMAT:
        raise FormatError(f'{path}: no stage times: wanted an object with "format": "{STAGE_TIMES_FORMAT}"')
    if found.get("version") != STAGE_TIMES_VERSION:
        raise FormatError(f"{path}: version {found.get('version')!r} of stage times; {STAGE_TIMES_VERSION} is known")
    return _stages(path, found.get("seconds")), str(found.get("source", "source not told"))


def _stages(path: Path, seconds: Any) -> StageCosts:
    known = [stage.name for stage in fields(StageCosts)]
    if not isinstance(seconds, dict) or not {"feature", "flow", "task"} <= set(seconds) <= set(known):
        raise FormatError(
            f'{path}: "seconds": wanted an object with feature, flow and task, and of {", ".join(known)} no others'
        )
    for stage, value in seconds.items():
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise FormatError(f'{path}: "seconds": {stage} is {value!r}, wanted a number')
    with reading(path, FormatError, "seconds of each stage"):
        return StageCosts(**{stage: float(value) for stage, value in seconds.items()})


@dataclass(frozen=True)
class MeasuredRatio:
    """The measured cost of a run relative to a per-frame detector's, beside what the stages' costs predict."""

    detector: str
    length: int | None
    """The run's segment length, None where its options don't tell."""
    seconds_per_frame: float
    ratio: float
    predicted: float | None
    """None for a method that isn't "impression" or "dff", or without a length."""


COMPARABLE = ("device", "input_size", "precision", "batch")
"""What two runs must have in common for a ratio of their times to mean something."""


def measured_ratio(run: Predictions, per_frame: Predictions, costs: StageCosts) -> MeasuredRatio:
    """Return the ratio of the compute times of two runs of `vidkit benchmark`, a frame, warm-up left out.

    Raises PredictionError where a run has no times, or the two differ in scenario, device, image size, precision or
    batch.
    """
    seconds, base = _seconds_per_frame(run), _seconds_per_frame(per_frame)
    for what, here, there in (
        ("scenario", run.run.scenario, per_frame.run.scenario),
        *((key, run.run.environment.get(key), per_frame.run.environment.get(key)) for key in COMPARABLE),
    ):
        if here != there:
            raise PredictionError(
                f"the runs of {run.run.detector} and {per_frame.run.detector} can't be compared: "
                f"{what} is {here} in one and {there} in the other"
            )
    told = run.run.options.get("length")
    length = told if isinstance(told, int) and told >= 1 else None
    ratio_of = {"impression": cost_ratio, "dff": flow_cost_ratio}.get(run.run.detector)
    return MeasuredRatio(
        detector=run.run.detector,
        length=length,
        seconds_per_frame=seconds,
        ratio=seconds / base,
        predicted=ratio_of(costs, length) if ratio_of and length else None,
    )


def _seconds_per_frame(run: Predictions) -> float:
    speed = run.times.frames_per_second if run.times else None
    if not speed:
        raise PredictionError(f"the predictions of {run.run.detector or 'an unnamed detector'} hold no times")
    return 1 / speed
