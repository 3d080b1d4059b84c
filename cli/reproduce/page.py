"""The page of a reproduction: what differs from the paper, its tables and figures, all runs, and how they were made."""

from __future__ import annotations

import csv
import io
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vidkit.data.index import Index
from vidkit.evaluation.result import EvalResult
from vidkit.files import write_text
from vidkit.pages.page import Block, Heading, Listing, Picture, Table, Text, table_to_markdown, to_html, to_markdown
from vidkit.pages.result_tables import LIMITED, NOTHING
from vidkit.version import __version__

from .paper import CONDITIONS, FIGURES, LENGTH
from .paper_tables import Results, Row, all_rows, table_1_rows, table_2_rows, table_3_rows
from .plan import Grid
from .steps import DRAWN, Step

TITLE = "Impression Network: the paper's tables and figures, measured again"


@dataclass(frozen=True, eq=False)
class Reproduction:
    """What is there when all steps were tried."""

    folder: Path
    articles: tuple[str, ...]
    grid: Grid
    index: Index
    results: Results
    """Of the runs that are asked for, in the order of the plan."""
    networks: Mapping[str, Mapping[str, Any]]
    """What `vidkit weights show --json` says of each checkpoint."""
    gains: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    """By run: the interval of what its mean AP lies above that of the per-frame baseline, paired over videos."""
    steps: Sequence[Step] = ()
    absent: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """By article: the checkpoints that it lacks."""
    failed: Sequence[str] = ()
    """The steps that failed, in words."""

    @property
    def limited(self) -> bool:
        """Whether only a part of the data was run."""
        return any(result.limited for result in self.results.values())


def write_report(found: Reproduction) -> list[Path]:
    """Write `report.md`, `report.html`, and each table as CSV and Markdown into the folder; return the paths."""
    tables = tables_of(found)
    blocks = list(_blocks(found, {name: shown for name, (_, shown) in tables.items()}))
    texts = {"report.md": to_markdown(TITLE, blocks, found.folder), "report.html": to_html(TITLE, blocks)}
    for name, (rows, shown) in tables.items():
        texts[f"{name}.csv"], texts[f"{name}.md"] = rows_to_csv(rows), table_to_markdown(shown)
    for name, text in texts.items():
        write_text(found.folder / name, text)
    return [found.folder / name for name in texts]


def tables_of(found: Reproduction) -> dict[str, tuple[list[Row], Table]]:
    """Return the tables that have rows, each as plain values and as it is shown."""
    tables = {
        "table1": (table_1_rows(found.results, found.gains), show_table_1),
        "table2": (table_2_rows(found.results, found.grid.key_ids), show_table_2),
        "table3": (table_3_rows(found.results), show_table_3),
    }
    shown = {name: (rows, show(rows)) for name, (rows, show) in tables.items() if rows and name in found.articles}
    runs = all_rows(found.results)
    return shown | ({"runs": (runs, show_runs(runs))} if runs else {})


# -- tables as they are shown -----------------------------------------------------------------------------------------


def show_table_1(rows: Sequence[Row]) -> Table:
    """Return Table 1; "to (a)" is the difference of mAP in points, and the part of the time."""
    columns = (
        *("", "method", "mAP %", "paper", "to (a)", "paper", "ms/frame", "paper", "of (a)", "paper"),
        "look-ahead",
    )
    cells = [
        (f"({row['row']})", row["method"], percent(row), *_points(row), *_times(row), _whole(row["look_ahead"]))
        for row in rows
    ]
    return Table(columns, tuple(cells), left=2)


def _points(row: Row) -> tuple[str, ...]:
    ends = "" if row["gain_low"] is None else f" [{_signed(row['gain_low'])}, {_signed(row['gain_high'])}]"
    return _percent(row["paper_mean_ap"]), _signed(row["gain"]) + ends, _signed(row["paper_gain"])


def _signed(share: float | None) -> str:
    return NOTHING if share is None else f"{100 * share:+.1f}"


def _times(row: Row) -> tuple[str, ...]:
    return (
        *(_rounded(row["ms_per_frame"]), _as_it_is(row["paper_ms_per_frame"])),
        *(_ratio(row["ratio"]), _ratio(row["paper_ratio"])),
    )


def show_table_2(rows: Sequence[Row]) -> Table:
    """Return Table 2."""
    columns = ("keyframe id", "mean distance", "paper", "mAP %", "paper", "look-ahead")
    cells = [
        (
            str(row["key_id"]),
            f"{row['mean_distance']:.1f}",
            NOTHING if row["paper_mean_distance"] is None else f"{row['paper_mean_distance']:.1f}",
            percent(row),
            _percent(row["paper_mean_ap"]),
            _whole(row["look_ahead"]),
        )
        for row in rows
    ]
    return Table(columns, tuple(cells))


def show_table_3(rows: Sequence[Row]) -> Table:
    """Return Table 3."""
    columns = ("method", "mAP %", "paper", "ms/frame", "paper", "look-ahead")
    cells = [
        (
            row["method"],
            percent(row),
            _percent(row["paper_mean_ap"]),
            _rounded(row["ms_per_frame"]),
            _as_it_is(row["paper_ms_per_frame"]),
            _whole(row["look_ahead"]),
        )
        for row in rows
    ]
    return Table(columns, tuple(cells))


def show_runs(rows: Sequence[Row]) -> Table:
    """Return all runs: mAP with interval, by motion speed, speed and look-ahead."""
    known = ("run", "detector", "length", "mean_ap", "low", "high", "frames_per_second", "ms_per_frame", "look_ahead")
    groups = list(dict.fromkeys(name for row in rows for name in row if name not in known))
    columns = ("run", "detector", "l", "mAP %", *groups, "frames/s", "look-ahead")
    cells = [
        (
            *(row["run"], row["detector"], _whole(row["length"]), percent(row)),
            *(_percent(row.get(group)) for group in groups),
            *(_rounded(row["frames_per_second"]), _whole(row["look_ahead"])),
        )
        for row in rows
    ]
    return Table(columns, tuple(cells), left=2)


def percent(row: Row) -> str:
    """Return the mean AP of a row in percent, with its interval where it has one: "75.5 [73.9, 77.0]"."""
    ends = "" if row["low"] is None else f" [{_percent(row['low'])}, {_percent(row['high'])}]"
    return _percent(row["mean_ap"]) + ends


def _percent(share: float | None) -> str:
    return NOTHING if share is None else f"{100 * share:.1f}"


def _rounded(value: float | None) -> str:
    """Return a time or a speed with one digit behind the point, above 100 with none."""
    return NOTHING if value is None else f"{value:.1f}" if value < 100 else f"{value:.0f}"


def _as_it_is(value: float | None) -> str:
    return NOTHING if value is None else f"{value:g}"


def _ratio(value: float | None) -> str:
    return NOTHING if value is None else f"{value:.2f}"


def _whole(value: int | None) -> str:
    return NOTHING if value is None else str(value)


def rows_to_csv(rows: Sequence[Row]) -> str:
    """Return rows as CSV, with all columns that any of them has."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(dict.fromkeys(name for row in rows for name in row)), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


# -- the page ---------------------------------------------------------------------------------------------------------


def _blocks(found: Reproduction, tables: Mapping[str, Table]) -> Iterator[Block]:
    if found.limited:
        yield Text(f"LIMITED RUN: {LIMITED}.", loud=True)
    for failure in found.failed:
        yield Text(f"FAILED: {failure}", loud=True)
    yield Text(
        "Hetang, Qin, Liu, Yan: Impression Network for Video Object Detection, 2017. “Paper” is what they report for "
        "ImageNet VID validation; all other numbers were measured here. Absolute values can't be compared where data, "
        "networks or device differ, as the next table tells; differences and ratios rather."
    )
    yield Heading("What differs from the paper")
    yield conditions(found)
    yield networks(found)
    for article in found.articles:
        yield from _article(found, article, tables.get(article))
    if "runs" in tables:
        yield Heading("All runs")
        yield tables["runs"]
        yield Text(
            "Slow, medium and fast are the mAP in % of objects by their motion IoU: above 0.9, 0.7 to 0.9, below 0.7. "
            "Look-ahead is in frames, the most of any answer, as the harness measured it."
        )
    yield Heading("How it was made")
    yield Text(f"By vidkit {__version__}; in this folder, one after the other:")
    yield Listing(tuple(f"vidkit {shlex.join(step.command)}" for step in found.steps))


def _article(found: Reproduction, name: str, table: Table | None) -> Iterator[Block]:
    """Yield a table or a figure with what the paper says of it, and what is missing."""
    yield Heading(name.replace("table", "Table ").replace("figure", "Figure ") + f": {SUBJECTS[name]}")
    picture = found.folder / f"{name}.png"
    if table is not None:
        yield table
        yield Text(NOTES[name])
    elif name in FIGURES and picture.is_file():
        yield Picture(picture, SUBJECTS[name], width=DRAWN[name][2])
        yield Text(f"The same as {name}.svg, its numbers in {name}.csv. In the paper: {FIGURES[name]}")
    else:
        yield Text("Nothing to show.")
    if lacking := found.absent.get(name):
        yield Text(f"Left out for want of a checkpoint: {', '.join(f'{each}.pt' for each in lacking)}.")


SUBJECTS = {
    "table1": "accuracy and time of the methods",
    "table2": "which frame of a segment is its key",
    "table3": "beside Flow-Guided Feature Aggregation",
    "figure4": "weight maps of keyframes",
    "figure5": "detections beside the per-frame baseline's",
    "figure6": "how much earlier keyframes contribute",
    "figure7": "accuracy by memory gate",
    "figure8": "speed and accuracy",
}
NOTES = {
    "table1": f"Segments of l = {LENGTH} with the key in the middle, gate g = 1. “To (a)”: points of mAP above the "
    "per-frame baseline; “of (a)”: the part of its time. In brackets: 95 % intervals over videos; of the "
    "points they are paired.",
    "table2": f"Segments of l = {LENGTH}, g = 1. The mean distance follows from l and the id (docs/propagation.md); "
    "the paper's ids beyond 5 are symmetric to these. A later key looks further ahead.",
    "table3": "Radius 10. The paper's times of FGFA and FGFA-fast are of another device than its 50 ms.",
}


def conditions(found: Reproduction) -> Table:
    """Return the paper's conditions beside those of the runs."""
    index = found.index
    here = _conditions_of(list(found.results.values())) | {
        "data": f"{index.dataset} {index.split}: {index.n_videos} videos, {index.n_frames} frames, "
        f"{index.n_instances} boxes, {index.n_classes} classes; index {index.fingerprint[:8]}",
        "networks": "in the next table",
        "training": "in the next table",
    }
    return Table(("", "paper", "here"), tuple((name, said, here[name]) for name, said in CONDITIONS.items()), left=3)


def made_with(results: Sequence[EvalResult]) -> Table:
    """Return what the numbers of some results were made with."""
    return Table(("", "made with"), tuple(_conditions_of(results).items()), left=2)


def _conditions_of(results: Sequence[EvalResult]) -> dict[str, str]:
    """Return device, data, image size, score and time of results, all values where they differ."""
    environments = [dict(result.run.get("environment") or {}) for result in results]
    data = [result.data for result in results]
    return {
        "device": _every(_device(each) for each in environments),
        "data": _every(f"{d['dataset']} {d['split']}, index {str(d['index_fingerprint'])[:8]}" for d in data),
        "image size": _every(str(each.get("input_size", NOTHING)) for each in environments)
        + "; frames of "
        + _every(str(each.get("image_size", NOTHING)) for each in environments),
        "score": _every(_score(result) for result in results),
        "time": "computing alone, without reading and decoding: seconds / frames, without the first video; scenario "
        + _every(str(result.run.get("scenario", NOTHING)) for result in results),
    }


def _every(values: Iterable[str]) -> str:
    """Return the different values, in order."""
    return "; or ".join(dict.fromkeys(values)) or NOTHING


def _device(environment: Mapping[str, Any]) -> str:
    device, cpu = (str(environment.get(name, NOTHING)) for name in ("device", "cpu"))
    where = f"{device}, {cpu}, {environment.get('threads', NOTHING)} threads" if device == "cpu" else device
    return f"{where}; {environment.get('precision', NOTHING)}, torch {environment.get('torch', NOTHING)}"


def _score(result: EvalResult) -> str:
    rules = "mAP at IoU 0.5" if result.protocol.iou_thresholds == (0.5,) else "mAP"
    drawn = f", intervals from {result.bootstrap.replicates} drawings of videos" if result.bootstrap else ""
    return f"{rules}, protocol {result.protocol.name}{drawn}"


def networks(found: Reproduction) -> Table:
    """Return what the checkpoints are and how they were trained, as far as they tell."""
    rows = tuple((f"{name}.pt", *_network(said)) for name, said in found.networks.items())
    columns = ("checkpoint", "million parameters", "blocks", "channels", "stride", "images", "training")
    return Table(columns, rows, left=len(columns))


def _network(said: Mapping[str, Any]) -> tuple[str, ...]:
    build, notes = dict(said.get("build") or {}), dict(said.get("notes") or {})
    parameters = sum(dict(said.get("parameters") or {}).values())
    return (
        f"{parameters / 1e6:.3g}",
        "-".join(map(str, build.get("blocks", ()))) or NOTHING,
        *(str(build.get(name, NOTHING)) for name in ("channels", "stride")),
        f"{build.get('shorter', NOTHING)} to {build.get('longer', NOTHING)}",
        _training(notes),
    )


def _training(notes: Mapping[str, Any]) -> str:
    """Return what the notes of a checkpoint say of its training."""
    settings = dict(notes.get("settings") or {})
    told = [f"{name} {settings[name]}" for name in ("iterations", "batch", "optimizer", "rate") if name in settings]
    told += [f"on index {fingerprint[:8]}" for fingerprint in notes.get("indices") or ()]
    told += [f"{name}: {value}" for name, value in notes.items() if isinstance(value, str | int | float)]
    return ", ".join(told) or "not told"
