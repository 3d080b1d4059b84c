"""The runs of a figure of speed and accuracy: their points, which may stand together, curves and Pareto front."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from vidkit.errors import ChoiceError, FormatError
from vidkit.evaluation.result import STATED, EvalResult
from vidkit.plots.comparable import differing_options, refuse_differences


@dataclass(frozen=True)
class SpeedPoint:
    """One run: how fast, how accurate, and what both depend on."""

    method: str
    frames_per_second: float
    mean_ap: float  # 0 … 1
    interval: tuple[float, float] | None = None  # of the mean AP
    speed_interval: tuple[float, float] | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    look_ahead: int | None = None  # frames, the most of any answer
    protocol: str = ""
    scenario: str = ""
    device: str = ""
    image_size: str = ""
    data: str = ""  # fingerprint of the index
    sees_truth: bool = False
    limited: bool = False
    source: str = ""

    @property
    def stated(self) -> bool:
        """Whether somebody stated the speed; else it was measured."""
        return self.scenario == STATED

    @property
    def length(self) -> float | None:
        """The segment length l; None for a method without segments, such as per-frame detection."""
        value = self.options.get("length")
        return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def speed_point(result: EvalResult, source: str) -> SpeedPoint:
    """The point of a result, called `source`.

    Raises ChoiceError if its run wasn't timed or has no mean AP, FormatError if what it tells of its run is damaged.
    """
    run = result.run
    if run.get("frames_per_second") is None or not math.isfinite(result.mean_ap):
        untimed = run.get("frames_per_second") is None
        how = (
            "make its predictions with `vidkit benchmark`, or state its speed: `vidkit eval RUN --fps N --device NAME`"
        )
        what = f"was not timed; {how}" if untimed else "has no mean AP"
        raise ChoiceError(f"{source}: {what}")
    try:
        return _speed_point(result, source, dict(run["options"]), dict(run["environment"]))
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise FormatError(f"{source}: what its result tells of the run is damaged: {error!r}; evaluate again") from None


def _speed_point(result: EvalResult, source: str, options: dict[str, Any], environment: dict[str, Any]) -> SpeedPoint:
    run, ahead = result.run, result.run.get("look_ahead_max")
    speed, device = float(run["frames_per_second"]), str(environment.get("device", ""))
    if not 0 < speed < math.inf:
        raise ValueError(f"{speed} frames per second")
    return SpeedPoint(
        method=str(run.get("detector") or source),
        frames_per_second=speed,
        mean_ap=result.mean_ap,
        interval=result.overall.ends(),
        speed_interval=_speed_interval(run.get("frames_per_second_interval")),
        options=options,
        look_ahead=None if ahead is None else int(ahead),
        protocol=result.protocol.name,
        scenario=str(run.get("scenario", "")),
        device=f"cpu, {environment.get('cpu', '')}" if device == "cpu" else device,
        image_size=str(environment.get("input_size", environment.get("image_size", ""))),
        data=str(result.data.get("index_fingerprint", "")),
        sees_truth=bool(environment.get("sees_truth", False)),
        limited=result.limited,
        source=source,
    )


def _speed_interval(ends: Any) -> tuple[float, float] | None:
    if ends is None:
        return None
    low, high = map(float, ends)
    if not 0 < low <= high < math.inf:
        raise ValueError(f"an interval of {low} … {high} frames per second")
    return low, high


def check_comparable(points: Sequence[SpeedPoint], mix: bool = False) -> None:
    """Raise ChoiceError if the points don't belong in one figure: another device, scenario, image size or data.

    `mix` lets such points through. Protocols are never mixed.
    """
    refuse_differences("protocol", ((p.source, p.protocol) for p in points), "choose one with --protocol")
    for name in () if mix else ("device", "scenario", "image_size", "data"):
        values = ((point.source, getattr(point, name)) for point in points)
        refuse_differences(name.replace("_", " "), values, "choose some of them, or give --mix")


def curves(points: Iterable[SpeedPoint]) -> dict[str, list[SpeedPoint]]:
    """The points of each curve by its name, ordered by l.

    A curve is a method; where runs of one method differ in other options than the length, these part it and stand in
    the name.
    """
    methods: dict[str, list[SpeedPoint]] = {}
    for point in points:
        methods.setdefault(point.method, []).append(point)
    found: dict[str, list[SpeedPoint]] = {}
    for method, runs in methods.items():
        differing = differing_options((point.options for point in runs), but="length")
        for point in runs:
            chosen = [f"{n}={point.options[n]}" for n in differing if point.options.get(n) is not None]
            found.setdefault(" ".join([method, *chosen]), []).append(point)
    return {name: sorted(runs, key=lambda p: (p.length or 0, p.frames_per_second)) for name, runs in found.items()}


def pareto(points: Sequence[SpeedPoint]) -> list[SpeedPoint]:
    """The points that no other beats in both speed and accuracy, from slow to fast."""
    front: list[SpeedPoint] = []
    for point in sorted(points, key=lambda p: (-p.frames_per_second, -p.mean_ap)):
        if not front or point.mean_ap > front[-1].mean_ap:
            front.append(point)
    return front[::-1]
