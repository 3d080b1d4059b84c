"""Tables 1, 2 and 3 out of results, the paper's numbers beside the measured ones; as rows of plain values."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from vidkit.evaluation.result import EvalResult
from vidkit.keyframes.propagation import mean_distance

from .paper import LENGTH, TABLE_1, TABLE_2, TABLE_2_DISTANCES, TABLE_3, Reported
from .plan import METHODS, Run, impression, table_1, table_3

Results = Mapping[str, EvalResult]
"""By the name of the run."""
Row = dict[str, Any]


def table_1_rows(results: Results, gains: Mapping[str, tuple[float, float]]) -> list[Row]:
    """Return the rows of Table 1 whose runs have results; `gains`: intervals of the gain by run, where there are some.

    `gain` is how much the mean AP lies above that of (a), `ratio` the part of (a)'s time that a frame takes: what may
    be compared where device and data differ.
    """
    measured = {letter: _measured(run, results) for letter, run in table_1().items() if run.name in results}
    return [
        {"row": letter, "method": METHODS[table_1()[letter].checkpoint]}
        | row
        | _against(row, measured.get("a"))
        | dict(zip(("gain_low", "gain_high"), gains.get(row["run"], (None, None)), strict=True))
        | _reported(TABLE_1[letter])
        | _against(_reported(TABLE_1[letter]), _reported(TABLE_1["a"]), "paper_")
        for letter, row in measured.items()
    ]


def table_2_rows(results: Results, key_ids: Sequence[int]) -> list[Row]:
    """Return the rows of Table 2 whose runs have results."""
    runs = {key_id: impression(key_id=key_id) for key_id in key_ids}
    return [
        {"key_id": key_id, "mean_distance": mean_distance(LENGTH, key_id)}
        | _measured(run, results)
        | {"paper_mean_distance": TABLE_2_DISTANCES.get(key_id)}
        | _reported(TABLE_2.get(key_id))
        for key_id, run in runs.items()
        if run.name in results
    ]


def table_3_rows(results: Results) -> list[Row]:
    """Return the rows of Table 3 whose runs have results."""
    return [
        {"method": METHODS[name]} | _measured(run, results) | _reported(TABLE_3[name])
        for name, run in table_3().items()
        if run.name in results
    ]


def all_rows(results: Results) -> list[Row]:
    """Return a row for each run: mAP with interval, by motion speed, speed and look-ahead."""
    return [
        {"run": name, "detector": str(result.run.get("detector") or ""), "length": _length(result)}
        | _scores(result)
        | {
            group.name: _number(group.mean_ap)
            for group in result.groups
            if group.by == "motion" and group.name != "all"
        }
        | _speed(result)
        for name, result in results.items()
    ]


def _measured(run: Run, results: Results) -> Row:
    result = results[run.name]
    return {"run": run.name} | _scores(result) | _speed(result)


def _scores(result: EvalResult) -> Row:
    """Return mean AP and its interval, 0 … 1, None where there is none."""
    ends = result.overall.interval
    low, high = (None, None) if ends is None else (_number(float(end)) for end in ends.mean_ap)
    return {"mean_ap": _number(result.mean_ap), "low": low, "high": high}


def _speed(result: EvalResult) -> Row:
    speed = result.run.get("frames_per_second")
    return {
        "frames_per_second": speed,
        "ms_per_frame": None if not speed else 1000 / speed,
        "look_ahead": result.run.get("look_ahead_max"),
    }


def _reported(paper: Reported | None) -> Row:
    """Return the paper's numbers, mean AP in 0 … 1 like ours."""
    if paper is None:
        return {"paper_mean_ap": None, "paper_ms_per_frame": None}
    return {"paper_mean_ap": round(paper.mean_ap / 100, 6), "paper_ms_per_frame": paper.milliseconds}


def _against(row: Row, base: Row | None, prefix: str = "") -> Row:
    """Return what a row of Table 1 gains in mean AP over the row `base`, and which part of its time it takes."""
    score, milliseconds = f"{prefix}mean_ap", f"{prefix}ms_per_frame"
    own, other = (row[score], row[milliseconds]), (base[score], base[milliseconds]) if base else (None, None)
    return {
        f"{prefix}gain": None if own[0] is None or other[0] is None else round(own[0] - other[0], 9),
        f"{prefix}ratio": own[1] / other[1] if own[1] and other[1] else None,
    }


def _length(result: EvalResult) -> int | None:
    options = result.run.get("options") or {}
    value = options.get("length")
    return value if isinstance(value, int) else None


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None
