"""Tables 1, 2 and 3 out of results, the paper's numbers beside the measured ones; as rows of plain values."""

from collections.abc import Mapping, Sequence

from vidkit.evaluation.result import EvalResult
from vidkit.keyframes.propagation import mean_distance
from vidkit.pages.run_tables import PlainRow, scores_of, speed_of

from .paper import LENGTH, TABLE_1, TABLE_2, TABLE_2_DISTANCES, TABLE_3, Reported
from .plan import METHODS, Run, impression, table_1, table_3

Results = Mapping[str, EvalResult]
"""By the name of the run."""


def table_1_rows(results: Results, gains: Mapping[str, PlainRow]) -> list[PlainRow]:
    """The rows of Table 1 whose runs have results; `gains`: intervals of the gain by run, where there are some.

    `gain` is how much the mean AP lies above that of (a), `ratio` the part of (a)'s time that a frame takes: what may
    be compared where device and data differ.
    """
    measured = {letter: _measured(run, results) for letter, run in table_1().items() if run.name in results}
    return [
        {"row": letter, "method": METHODS[table_1()[letter].checkpoint]}
        | row
        | _against(row, measured.get("a"))
        | gains.get(row["run"], {"gain_low": None, "gain_high": None, "gain_note": ""})
        | _reported(TABLE_1[letter])
        | _against(_reported(TABLE_1[letter]), _reported(TABLE_1["a"]), "paper_")
        for letter, row in measured.items()
    ]


def table_2_rows(results: Results, key_ids: Sequence[int]) -> list[PlainRow]:
    """The rows of Table 2 whose runs have results."""
    runs = {key_id: impression(key_id=key_id) for key_id in key_ids}
    return [
        {"key_id": key_id, "mean_distance": mean_distance(LENGTH, key_id)}
        | _measured(run, results)
        | {"paper_mean_distance": TABLE_2_DISTANCES.get(key_id)}
        | _reported(TABLE_2.get(key_id))
        for key_id, run in runs.items()
        if run.name in results
    ]


def table_3_rows(results: Results) -> list[PlainRow]:
    """The rows of Table 3 whose runs have results."""
    return [
        {"method": METHODS[name]} | _measured(run, results) | _reported(TABLE_3[name])
        for name, run in table_3().items()
        if run.name in results
    ]


def _measured(run: Run, results: Results) -> PlainRow:
    result = results[run.name]
    return {"run": run.name} | scores_of(result) | speed_of(result)


def _reported(paper: Reported | None) -> PlainRow:
    """The paper's numbers, mean AP in 0 … 1 like ours."""
    if paper is None:
        return {"paper_mean_ap": None, "paper_ms_per_frame": None}
    return {"paper_mean_ap": round(paper.mean_ap / 100, 6), "paper_ms_per_frame": paper.milliseconds}


def _against(row: PlainRow, base: PlainRow | None, prefix: str = "") -> PlainRow:
    """What a row of Table 1 gains in mean AP over the row `base`, and which part of its time it takes."""
    score, milliseconds = f"{prefix}mean_ap", f"{prefix}ms_per_frame"
    own, other = (row[score], row[milliseconds]), (base[score], base[milliseconds]) if base else (None, None)
    return {
        f"{prefix}gain": None if own[0] is None or other[0] is None else round(own[0] - other[0], 9),
        f"{prefix}ratio": own[1] / other[1] if own[1] and other[1] else None,
    }
