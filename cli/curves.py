"""`vidkit curves`: precision against recall, score histograms, videos, calibration."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .breakdown_options import GroupChoice, breakdown_options
from .console import echo, json_option, print_json, print_table, say
from .options import FOLDER, protocol_option
from .prediction_options import run_argument, warn_if_limited, workspace_options

if TYPE_CHECKING:
    import pandas as pd

    from vidkit.evaluation.curves import Calibration, PrecisionRecall, ScoreBin, VideoScore
    from vidkit.runs.loading import LoadedRuns, Workspace

MOST_VIDEOS = 10
"""How many videos are printed, the worst first; videos.csv has all."""


@click.command("curves")
@run_argument
@workspace_options
@protocol_option
@breakdown_options
@click.option(
    "--points",
    type=click.IntRange(min=0),
    default=100,
    show_default=True,
    help="Points of a curve, at most, spread evenly over recall; 0: one for each true positive.",
)
@click.option(
    "--score",
    "lowest_score",
    type=float,
    default=0.0,
    show_default=True,
    help="Lowest score that counts in histogram, calibration and the counts of videos.",
)
@click.option(
    "--score-bins",
    type=click.IntRange(1, 10_000),
    default=10,
    show_default=True,
    help="Bins of scores in histogram and calibration.",
)
@click.option(
    "-o",
    "--output",
    type=FOLDER,
    help="Folder of the tables; default: the run's.",
)
@json_option
def command(
    run: str,
    workspace: Workspace,
    protocol: str,
    groups: GroupChoice,
    points: int,
    lowest_score: float,
    score_bins: int,
    output: Path | None,
    as_json: bool,
) -> None:
    """Write what lies behind the mAP of RUN: curves, histograms, a table of videos, calibration.

    Writes curves.csv (score, recall, precision of each class and group), histogram.csv (true and false positives by
    score), videos.csv (AP and counts, the worst video first) and calibration.csv beside the predictions where these lie
    in the runs folder, else to RUNS/NAME. The definitions: docs/errors_and_measures.md.
    `vidkit plot pr` draws the curves.

    \b
    Examples:
      vidkit curves oracle-jitter
      vidkit curves results.pkl --index vidkit-data/vid_val.h5 --by motion --score 0.05
      vidkit curves results.pkl --protocol voc --by none --points 0 -o curves
      vidkit curves results.pkl --score-bins 20 --json
    """
    from vidkit.evaluation.curves import precision_recall, score_histogram, video_scores
    from vidkit.files import table_csv, write_text
    from vidkit.runs.finding import results_folder

    if not math.isfinite(lowest_score):
        raise click.UsageError("--score: wanted a finite number")
    loaded = groups.told(workspace.load([run]))
    index, predictions = loaded.index, loaded.only
    (file,) = (one.files[0] for one in loaded.found.values())
    folder = output or results_folder(file, workspace.runs_dir)
    curves = precision_recall(index, predictions, protocol, groups.by(index), groups.bins, groups.fp_rule)
    curves = [curve.thin(points) for curve in curves] if points else curves
    histogram = score_histogram(index, predictions, protocol, score_bins, lowest_score)
    videos = video_scores(index, predictions, protocol, lowest_score)
    calibrated, why = _calibration(loaded, protocol, score_bins, lowest_score)
    tables = _tables(curves, histogram, videos, calibrated)
    for name, table in tables.items():
        write_text(folder / name, table_csv(table))
    if as_json:
        content = {
            "protocol": protocol,
            "limited": predictions.run.limited,
            "index": str(loaded.index_file),
            "lowest_score": lowest_score,
            "calibration": None if calibrated is None else asdict(calibrated),
            "histogram": [asdict(one) for one in histogram],
            "videos": [asdict(one) for one in videos],
            "files": [str(folder / name) for name in tables],
        }
        print_json({"format": "vidkit-curves", "version": 1, **content})
        return
    _print(videos, calibrated, protocol, lowest_score)
    if why:
        say(f"no calibration: {why}")
    warn_if_limited(predictions)
    say(f"written to {folder}: {', '.join(tables)}")


def _calibration(
    loaded: LoadedRuns, protocol: str, score_bins: int, lowest_score: float
) -> tuple[Calibration | None, str]:
    """The calibration; without it why not: scores that are no probabilities have all the rest."""
    from vidkit.errors import PredictionError
    from vidkit.evaluation.curves import calibration

    try:
        return calibration(loaded.index, loaded.only, protocol, score_bins, lowest_score), ""
    except PredictionError as error:
        return None, str(error)


def _tables(
    curves: Sequence[PrecisionRecall],
    histogram: Sequence[ScoreBin],
    videos: Sequence[VideoScore],
    calibrated: Calibration | None,
) -> dict[str, pd.DataFrame]:
    """The tables by their files' names."""
    import pandas as pd

    from vidkit.evaluation.curves import curves_frame

    tables = {"curves.csv": curves_frame(curves)}
    tables["histogram.csv"] = pd.DataFrame([asdict(one) for one in histogram])
    tables["videos.csv"] = pd.DataFrame([asdict(one) for one in videos])
    if calibrated is not None:
        tables["calibration.csv"] = pd.DataFrame([asdict(one) for one in calibrated.bins])
    return tables


def _print(videos: Sequence[VideoScore], calibrated: Calibration | None, protocol: str, lowest_score: float) -> None:
    columns = ["video", "frames", "ground truth", "mAP %", "true", "false", "missed"]
    rows = [
        [v.video, v.frames, v.ground_truth, _number(100 * v.mean_ap, 2), v.true, v.false, v.missed]
        for v in videos[:MOST_VIDEOS]
    ]
    counts = f"counts from a score of {lowest_score:g}"
    print_table(columns, rows, f"the worst {len(rows)} of {len(videos)} videos, {protocol}, {counts}")
    if calibrated is None:
        return
    echo()
    rows = [
        [f"{b.low:g} – {b.high:g}", b.detections, _number(b.confidence), _number(b.precision)] for b in calibrated.bins
    ]
    print_table(["score", "detections", "mean score", "precision"], rows, "calibration")
    echo(
        f"expected calibration error {_number(calibrated.expected_error, 4)}, "
        f"largest {_number(calibrated.largest_error, 4)}"
    )


def _number(value: float, digits: int = 3) -> str:
    return f"{value:.{digits}f}" if math.isfinite(value) else "–"
