"""The page of a reproduction: what differs from the paper, its tables and figures, all runs, and how they were made."""

import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vidkit.data.index import Index
from vidkit.evaluation.intervals import explained
from vidkit.files import csv_text, write_text
from vidkit.pages.page import (
    Block,
    CodeBlock,
    Heading,
    Paragraph,
    Picture,
    Table,
    table_to_markdown,
    to_html,
    to_markdown,
)
from vidkit.pages.result_tables import LIMITED, NOTHING, in_percent
from vidkit.pages.run_tables import (
    PlainRow,
    conditions_of,
    motion_note,
    plainly,
    rounded,
    run_rows,
    runs_table,
    with_interval,
)
from vidkit.shown import with_interval as bracketed
from vidkit.version import __version__

from .paper import CONDITIONS, FIGURES, LENGTH
from .paper_tables import Results, table_1_rows, table_2_rows, table_3_rows
from .plan import Grid
from .steps import DRAWN, CommandStep

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
    gains: Mapping[str, PlainRow] = field(default_factory=dict)
    """By run: gain_low, gain_high, gain_note: how sure the gain over the per-frame baseline is, paired over videos."""
    steps: Sequence[CommandStep] = ()
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
    blocks = list(_blocks(found, {name: table for name, (_, table) in tables.items()}))
    texts = {"report.md": to_markdown(TITLE, blocks, found.folder), "report.html": to_html(TITLE, blocks)}
    for name, (rows, table) in tables.items():
        texts[f"{name}.csv"], texts[f"{name}.md"] = csv_text(rows), table_to_markdown(table)
    for name, text in texts.items():
        write_text(found.folder / name, text)
    return [found.folder / name for name in texts]


def tables_of(found: Reproduction) -> dict[str, tuple[list[PlainRow], Table]]:
    """The tables that have rows, each as plain values and as it is shown."""
    tables = {
        "table1": table_1_rows(found.results, found.gains),
        "table2": table_2_rows(found.results, found.grid.key_ids),
        "table3": table_3_rows(found.results),
    }
    shown = {name: (rows, _shown(name, rows)) for name, rows in tables.items() if rows and name in found.articles}
    runs = run_rows(found.results)
    return shown | ({"runs": (runs, runs_table(runs))} if runs else {})


# -- tables as they are shown -----------------------------------------------------------------------------------------


def _signed(share: float | None) -> str:
    return NOTHING if share is None else f"{100 * share:+.1f}"


def _gain(row: PlainRow) -> str:
    ends = None if row["gain_low"] is None else [_signed(row["gain_low"]), _signed(row["gain_high"])]
    return bracketed(_signed(row["gain"]), ends, row["gain_note"])


def _ratio(value: float | None) -> str:
    return NOTHING if value is None else f"{value:.2f}"


ShownColumns = Sequence[tuple[str, Callable[[PlainRow], str]]]
"""Titles, and what stands below them."""
_SCORE: ShownColumns = (("mAP %", with_interval), ("paper", lambda row: in_percent(row["paper_mean_ap"], 1)))
_TIME: ShownColumns = (
    ("ms/frame", lambda row: rounded(row["ms_per_frame"])),
    ("paper", lambda row: plainly(row["paper_ms_per_frame"])),
)
_LOOK_AHEAD: ShownColumns = (("look-ahead", lambda row: plainly(row["look_ahead"])),)
_COLUMNS: dict[str, ShownColumns] = {
    "table1": (
        ("", lambda row: f"({row['row']})"),
        ("method", lambda row: row["method"]),
        *_SCORE,
        ("to (a)", _gain),  # points of mAP
        ("paper", lambda row: _signed(row["paper_gain"])),
        *_TIME,
        ("of (a)", lambda row: _ratio(row["ratio"])),  # the part of its time
        ("paper", lambda row: _ratio(row["paper_ratio"])),
        *_LOOK_AHEAD,
    ),
    "table2": (
        ("keyframe id", lambda row: plainly(row["key_id"])),
        ("mean distance", lambda row: rounded(row["mean_distance"])),
        ("paper", lambda row: rounded(row["paper_mean_distance"])),
        *_SCORE,
        *_LOOK_AHEAD,
    ),
    "table3": (("method", lambda row: row["method"]), *_SCORE, *_TIME, *_LOOK_AHEAD),
}


def _shown(name: str, rows: Sequence[PlainRow]) -> Table:
    """A table of the paper as it is shown."""
    titles, cells = zip(*_COLUMNS[name], strict=True)
    return Table(titles, tuple(tuple(cell(row) for cell in cells) for row in rows), left=2 if name == "table1" else 1)


# -- the page ---------------------------------------------------------------------------------------------------------


def _blocks(found: Reproduction, tables: Mapping[str, Table]) -> Iterator[Block]:
    if found.limited:
        yield Paragraph(f"LIMITED RUN: {LIMITED}.", loud=True)
    for failure in found.failed:
        yield Paragraph(f"FAILED: {failure}", loud=True)
    yield Paragraph(
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
        yield from map(Paragraph, _missing_intervals(tables["runs"]))
        ahead = "Look-ahead is in frames, the most of any answer, as the harness measured it."
        yield Paragraph(f"{motion_note(found.results.values())} {ahead}".strip())
    yield Heading("How it was made")
    yield Paragraph(f"By vidkit {__version__}; in this folder, one after the other:")
    yield CodeBlock(tuple(f"vidkit {shlex.join(step.command)}" for step in found.steps))


def _article(found: Reproduction, name: str, table: Table | None) -> Iterator[Block]:
    """Yield a table or a figure with what the paper says of it, and what is missing."""
    yield Heading(name.replace("table", "Table ").replace("figure", "Figure ") + f": {SUBJECTS[name]}")
    picture = found.folder / f"{name}.png"
    if table is not None:
        yield table
        yield Paragraph(NOTES[name])
        yield from map(Paragraph, _missing_intervals(table))
    elif name in FIGURES and picture.is_file():
        yield Picture(picture, SUBJECTS[name], width=DRAWN[name][2])
        yield Paragraph(f"The same as {name}.svg, its numbers in {name}.csv. In the paper: {FIGURES[name]}")
    else:
        yield Paragraph("Nothing to show.")
    if lacking := found.absent.get(name):
        yield Paragraph(f"Left out for want of a checkpoint: {', '.join(f'{each}.pt' for each in lacking)}.")


def _missing_intervals(table: Table) -> list[str]:
    return explained(cell for row in table.rows for cell in row)


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
    """The paper's conditions beside those of the runs."""
    index = found.index
    here = conditions_of(list(found.results.values())) | {
        "data": f"{index.dataset} {index.split}: {index.n_videos} videos, {index.n_frames} frames, "
        f"{index.n_instances} boxes, {index.n_classes} classes; index {index.fingerprint[:8]}",
        "networks": "in the next table",
        "training": "in the next table",
    }
    return Table(("", "paper", "here"), tuple((name, said, here[name]) for name, said in CONDITIONS.items()), left=3)


def networks(found: Reproduction) -> Table:
    """What the checkpoints are and how they were trained, as far as they tell."""
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
    """What the notes of a checkpoint say of its training."""
    settings = dict(notes.get("settings") or {})
    told = [f"{name} {settings[name]}" for name in ("iterations", "batch", "optimizer", "rate") if name in settings]
    told += [f"on index {fingerprint[:8]}" for fingerprint in notes.get("indices") or ()]
    told += [f"{name}: {value}" for name, value in notes.items() if isinstance(value, str | int | float)]
    return ", ".join(told) or "not told"
