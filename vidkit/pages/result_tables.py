"""Tables: results → DataFrames → CSV and Markdown."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vidkit.evaluation.intervals import explained
from vidkit.evaluation.protocols import differences
from vidkit.evaluation.result import EvalResult, GroupResult
from vidkit.evaluation.slices import repeats_all
from vidkit.files import table_csv, write_text
from vidkit.safe_text import printable
from vidkit.shown import NOTHING as NOTHING
from vidkit.shown import with_interval

if TYPE_CHECKING:
    import pandas as pd


def groups_table(results: Sequence[EvalResult]) -> pd.DataFrame:
    """A row for each group with its mean AP in percent, one column of text for each result.

    The results are of one evaluation: the same groups under several protocols. The group of all motion, or of all
    areas, has a row only where its numbers aren't those of all data.
    """
    import pandas as pd

    rows: list[list[Any]] = []
    for groups in zip(*((result.overall, *result.groups) for result in results), strict=True):
        by, name = groups[0].by, groups[0].name
        numbers = [int(groups[0].n_gt.sum()), *map(percent, groups)]
        if not (repeats_all(by, name) and numbers == rows[0][1:]):
            rows.append([f"{by}: {name}" if by else "all", *numbers])
    return pd.DataFrame(rows, columns=["group", "ground truth", *(result.protocol.name for result in results)])


def classes_table(results: Sequence[EvalResult]) -> pd.DataFrame:
    """A row for each class that has ground truth or an AP, with its AP in percent under each result."""
    import pandas as pd

    first = results[0].overall
    rows = [
        [name, int(first.n_gt[c]), *(percent(result.overall, c) for result in results)]
        for c, name in enumerate(results[0].class_names)
        if first.n_gt[c]
    ]
    return pd.DataFrame(rows, columns=["class", "ground truth", *(result.protocol.name for result in results)])


def protocols_table(results: Sequence[EvalResult]) -> pd.DataFrame:
    """A row for each protocol: its mean AP and that of each group, in percent."""
    import pandas as pd

    rows = []
    for result in results:
        row = {"protocol": result.protocol.name, "mAP": percent(result.overall)}
        row |= {f"{group.name}": percent(group) for group in result.groups if group.name != "all"}
        rows.append(row)
    return pd.DataFrame(rows).fillna(NOTHING)


def stats_table(result: EvalResult) -> pd.DataFrame:
    """COCO's twelve numbers in percent, with their intervals where they have some."""
    import pandas as pd

    rows = [
        [
            name,
            with_interval(
                in_percent(value), _in_percent(result.stats_interval.get(name)), result.stats_note.get(name, "")
            ),
        ]
        for name, value in result.stats.items()
    ]
    return pd.DataFrame(rows, columns=["number", "%"])


def percent(group: GroupResult, class_id: int | None = None) -> str:
    """The mean AP, or the AP of a class, in percent with its interval: "75.50 [73.9, 77.0]".

    Where videos are too few for one: "75.50 (3 videos)", where it can't be trusted "75.50 [73.9, 77.0] (doubtful)",
    which `notes` explains.
    """
    value = group.mean_ap if class_id is None else float(group.ap[class_id])
    return with_interval(in_percent(value), _in_percent(group.ends(class_id)), group.note(class_id))


def notes(results: Sequence[EvalResult], classes: bool = False) -> list[str]:
    """What must be said of the intervals in a table: which are missing, and which are doubtful.

    With `classes` the table has a row for each class of all data.
    """
    groups = [group for result in results for group in (result.overall, *result.groups) if group.interval is not None]
    shown = [percent(group) for group in groups]
    shown += [f"({note.partition(':')[0]})" for result in results for note in result.stats_note.values()]
    if classes:
        shown += [percent(result.overall, c) for result in results for c in range(len(result.class_names))]
    return explained(shown)


def to_markdown(table: pd.DataFrame) -> str:
    """A table as Markdown, numbers to the right."""
    rows = [[_cell(value) for value in row] for row in table.itertuples(index=False)]
    lines = [list(map(_cell, table.columns)), ["---", *["---:"] * (len(table.columns) - 1)], *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def write_tables(folder: Path, results: Sequence[EvalResult]) -> list[Path]:
    """Write result.csv, a row for each protocol, group and class, and result.md into `folder`; return the two paths."""
    import pandas as pd

    paths = [folder / "result.csv", folder / "result.md"]
    write_text(paths[0], table_csv(pd.concat([result.to_frame() for result in results])))
    write_text(paths[1], markdown_report(results))
    return paths


def markdown_report(results: Sequence[EvalResult]) -> str:
    """The groups, the classes and the rules of some results as one Markdown text."""
    first = results[0]
    data = f"{first.data['dataset']} {first.data['split']}"
    parts = [
        f"# {_cell(first.run.get('detector') or 'predictions')} on {_cell(data)}\n",
        f"index {first.data['index_fingerprint']}, predictions {first.data['predictions_fingerprint']}; "
        "mAP in percent\n",
    ]
    if first.limited:
        parts.insert(1, f"**{LIMITED}**\n")
    parts += [to_markdown(groups_table(results)), to_markdown(classes_table(results))]
    parts += [to_markdown(stats_table(result)) for result in results if result.stats]
    parts += [
        "".join(f"- {line}\n" for line in [*map(describe, results), *understood(first), *notes(results, classes=True)])
    ]
    return "\n".join(parts)


def differing_rules(result: EvalResult) -> str:
    """The rules of a result's protocol that `fgfa` doesn't have, as text."""
    return "; ".join(_phrase(*rule) for rule in differences(result.protocol).items()) or NOTHING


LIMITED = "limited run: only a part of the data was run, so these numbers are no score"


def describe(result: EvalResult) -> str:
    """One line on what a result's numbers mean: protocol, source and the rule for unmatched detections."""
    protocol = result.protocol
    return f"{protocol.name}: {protocol.source}; unmatched detections in groups: rule {protocol.fp_rule}"


def understood(result: EvalResult) -> list[str]:
    """How the prediction file was read, in lines: frames covered and which is which, detections, their overlap."""
    read = result.reading
    if not read:
        return []
    left_out = ", ".join(f"{count} {kind}" for kind, count in read["left_out"].items())
    lines = [
        f"frames: {read['frames_covered']} of {result.counts['frames']} covered; {read['frames']}",
        f"detections: {read['detections_taken']} of {read['detections_in_file']} taken"
        + (f"; left out: {left_out}" if left_out else ""),
        f"classes: {read['classes']}",
        f"boxes: {read['boxes']}, {read['scale']}",
    ]
    share = read["overlapping"]
    if share is not None:
        lines.append(f"overlap: {in_percent(share, 1)} % of the detections overlap an object of their class by half")
    return lines


def covered(result: EvalResult) -> str:
    """How much of the data predictions are of, in one line."""
    read = result.reading
    if not read:
        return NOTHING
    share = read["overlapping"]
    on_objects = "" if share is None else f", {in_percent(share, 1)} % on an object of their class"
    dropped = read["detections_in_file"] - read["detections_taken"]
    return (
        f"{read['frames_covered']} of {result.counts['frames']} frames covered; {read['detections_taken']} detections"
        f"{on_objects}{f', {dropped} left out' if dropped else ''}"
    )


def in_percent(value: float | None, digits: int = 2) -> str:
    """A share of 0 … 1 in percent; NaN and None are NOTHING."""
    return NOTHING if value is None or math.isnan(value) else f"{100 * value:.{digits}f}"


def _in_percent(ends: tuple[float, float] | None) -> list[str] | None:
    return None if ends is None else [in_percent(end, 1) for end in ends]


def _phrase(rule: str, value: Any) -> str:
    """What a rule of a protocol says, for those that differ from `fgfa`."""
    if isinstance(value, list):
        numbers = f"{value[0]:g}…{value[-1]:g}" if len(value) > 3 else "/".join(f"{v:g}" for v in value)
        return f"{_LISTS.get(rule, rule)} {numbers}"
    return _PHRASES.get((rule, value), f"{rule} {value}")


_LISTS = {
    "iou_thresholds": "mean over IoU",
    "max_detections": "detections of a class in a frame",
    "area_edges": "areas cut at",
}
_PHRASES = {
    ("tolerance", 0.0): "IoU 0.5 for small objects too",
    ("pixel", 0): "sides x2 - x1",
    ("pixel", 2): "sides x2 - x1 + 2",
    ("dtype", "float32"): "float32",
    ("clamp_truth", True): "ground truth cut to the image",
    ("duplicates", "false positive"): "no second choice where the best is taken",
    ("equal_truth", "first kept"): "equal IoU: the group's first",
    ("equal_truth", "last"): "equal IoU: the last",
    ("prefer_kept", True): "the group's objects are preferred",
    ("score_ties", "reversed"): "equal scores reversed",
    ("fp_rule", "mega"): "unmatched: rule mega",
    ("lone_zero", "in every group"): "lone motion 0 in every group",
    ("area_range", None): "inverted boxes count",
    ("missing_class", "zero or nan"): "classes without ground truth count",
    ("integration", "101 points"): "101 recall points",
    ("precision", "added"): "eps added to TP + FP",
}
"""Rules by their values; `differences` gives no others for the named protocols."""


def _cell(value: object) -> str:
    """Text in Markdown: printable, in one line, with nothing in it that begins a tag, a link or a cell."""
    return re.sub(r"([\\`<>\[\]|])", r"\\\1", printable(str(value)))
