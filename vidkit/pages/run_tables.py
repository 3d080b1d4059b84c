"""Tables of runs: a row for each as plain values, the same as it is shown, and what their numbers were made with."""

import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any

from vidkit import shown
from vidkit.evaluation.result import EvalResult, GroupResult
from vidkit.pages.page import Table
from vidkit.pages.result_tables import NOTHING, covered, in_percent

PlainRow = dict[str, Any]


def run_rows(results: Mapping[str, EvalResult]) -> list[PlainRow]:
    """A row for each run, by its name: mAP with interval, by motion speed, speed and look-ahead."""
    return [
        {"run": name, "detector": str(result.run.get("detector") or ""), "length": _length(result)}
        | scores_of(result)
        | {group.name: _number(group.mean_ap) for group in _by_motion(result)}
        | speed_of(result)
        for name, result in results.items()
    ]


def scores_of(result: EvalResult) -> PlainRow:
    """Mean AP and its interval, 0 … 1, None where there is none, and what must be said of it."""
    low, high = result.overall.ends() or (None, None)
    return {"mean_ap": _number(result.mean_ap), "low": low, "high": high, "note": result.overall.note()}


def speed_of(result: EvalResult) -> PlainRow:
    """Frames per second, milliseconds a frame, and look-ahead in frames, the most of any answer."""
    speed = result.run.get("frames_per_second")
    return {
        "frames_per_second": speed,
        "ms_per_frame": None if not speed else 1000 / speed,
        "look_ahead": result.run.get("look_ahead_max"),
    }


def motion_groups(results: Iterable[EvalResult]) -> list[str]:
    """The names of the groups by motion that any of the results has, in their order."""
    return list(dict.fromkeys(group.name for result in results for group in _by_motion(result)))


def _by_motion(result: EvalResult) -> list[GroupResult]:
    return [group for group in result.groups if group.by == "motion" and group.name != "all"]


def _length(result: EvalResult) -> int | None:
    options = result.run.get("options") or {}
    value = options.get("length")
    return value if isinstance(value, int) else None


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None


# -- as they are shown -------------------------------------------------------------------------------------------------


def runs_table(rows: Sequence[PlainRow]) -> Table:
    """The rows of `run_rows` as they are shown."""
    known = {"run", "detector", "length", "mean_ap", "low", "high", "note"}
    known |= {"frames_per_second", "ms_per_frame", "look_ahead"}
    groups = list(dict.fromkeys(name for row in rows for name in row if name not in known))
    columns = ("run", "detector", "l", "mAP %", *groups, "frames/s", "look-ahead")
    cells = [
        (
            *(row["run"], row["detector"], plainly(row["length"]), with_interval(row)),
            *(in_percent(row.get(group), 1) for group in groups),
            *(rounded(row["frames_per_second"]), plainly(row["look_ahead"])),
        )
        for row in rows
    ]
    return Table(columns, tuple(cells), left=2)


def with_interval(row: PlainRow) -> str:
    """The mean AP of a row in percent with its interval, "75.5 [73.9, 77.0]", or why it has none, "75.5 (3 videos)"."""
    ends = None if row["low"] is None else [in_percent(row[end], 1) for end in ("low", "high")]
    return shown.with_interval(in_percent(row["mean_ap"], 1), ends, row["note"])


def rounded(value: float | None) -> str:
    """A time or a speed with one digit behind the point, above 100 with none."""
    return NOTHING if value is None else f"{value:.1f}" if value < 100 else f"{value:.0f}"


def plainly(value: float | None) -> str:
    """A number as it is."""
    return NOTHING if value is None else str(value) if isinstance(value, int) else f"{value:g}"


def motion_note(results: Iterable[EvalResult]) -> str:
    """What the groups by motion are, in words; "" where there are none, or others than the protocol's."""
    for result in results:
        names, edges = motion_groups([result]), sorted(result.protocol.motion_edges)[::-1]
        if len(names) == len(edges) + 1:
            listed = f"{', '.join(names[:-1])} and {names[-1]}".capitalize()
            ranges = [f"above {edges[0]:g}", *(f"{low:g} to {high:g}" for high, low in pairwise(edges))]
            ranges.append(f"below {edges[-1]:g}")
            return f"{listed} are the mAP in % of objects by their motion IoU: {', '.join(ranges)}."
    return ""


def made_with(results: Sequence[EvalResult]) -> Table:
    """What the numbers of some results were made with."""
    return Table(("", "made with"), tuple(conditions_of(results).items()), left=2)


def conditions_of(results: Sequence[EvalResult]) -> dict[str, str]:
    """Device, data, image size, score and time of results, all values where they differ."""
    environments = [dict(result.run.get("environment") or {}) for result in results]
    data = [result.data for result in results]
    coverage = {"predictions": _every(map(covered, results))} if any(result.reading for result in results) else {}
    return {
        "device": _every(_device(each) for each in environments),
        "data": _every(f"{d['dataset']} {d['split']}, index {str(d['index_fingerprint'])[:8]}" for d in data),
        "image size": _every(str(each.get("input_size", NOTHING)) for each in environments)
        + "; frames of "
        + _every(str(each.get("image_size", NOTHING)) for each in environments),
        "score": _every(_score(result) for result in results),
        **coverage,
        "time": "computing alone, without reading and decoding: seconds / frames, without the first video; scenario "
        + _every(str(result.run.get("scenario", NOTHING)) for result in results),
    }


def _every(values: Iterable[str]) -> str:
    """The different values, in order."""
    return "; or ".join(dict.fromkeys(values)) or NOTHING


def _device(environment: Mapping[str, Any]) -> str:
    device, cpu = (str(environment.get(name, NOTHING)) for name in ("device", "cpu"))
    where = f"{device}, {cpu}, {environment.get('threads', NOTHING)} threads" if device == "cpu" else device
    return f"{where}; {environment.get('precision', NOTHING)}, torch {environment.get('torch', NOTHING)}"


def _score(result: EvalResult) -> str:
    rules = "mAP at IoU 0.5" if result.protocol.iou_thresholds == (0.5,) else "mAP"
    drawn = f", intervals from {result.bootstrap.replicates} drawings of videos" if result.bootstrap else ""
    return f"{rules}, protocol {result.protocol.name}{drawn}"
