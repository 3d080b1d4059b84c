"""`vidkit propagation`: how far features travel, what it costs, how long keyframes are remembered."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from math import isnan
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .console import json_option, print_json, print_table, say
from .places import choose_index, data_dir_option, index_option

if TYPE_CHECKING:
    from vidkit.data.index import Index
    from vidkit.keyframes.costs import MeasuredRatio, StageCosts
    from vidkit.predictions.table import Predictions

MAX_LENGTH = 1000
STAGES = ("feature", "flow", "task", "warp", "aggregation")


@click.command("propagation")
@click.argument(
    "predictions_path",
    metavar="[PREDICTIONS]",
    required=False,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
)
@index_option
@data_dir_option
@click.option(
    "--length", type=click.IntRange(1, MAX_LENGTH), help="Frames in a segment, l; default: that of PREDICTIONS, or 10."
)
@click.option(
    "--schedule",
    metavar="l=L[,k=K]",
    help="The keyframes of PREDICTIONS if these don't tell: frame K (default: L // 2) of every L, counted from 0.",
)
@click.option("--protocol", default="fgfa", show_default=True, help="The rules of AP, see `vidkit eval`.")
@click.option(
    "--by", type=click.Choice(["motion", "none"]), default="motion", show_default=True, help="Groups of objects."
)
@click.option("--ci", type=click.IntRange(0), default=0, metavar="N", help="Intervals from N resamplings of videos.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Seed of the resampling.")
@click.option(
    "--gflop",
    multiple=True,
    metavar="STAGE=NUMBER",
    help=f"What a stage costs, in place of the default; stages: {', '.join(STAGES)}. Repeatable.",
)
@click.option(
    "--times",
    "times_file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Measured stage times in JSON, in place of GFLOP; docs/propagation.md tells the form.",
)
@click.option(
    "--per-frame",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Predictions of a timed per-frame run, to which those of --run are compared.",
)
@click.option(
    "--run",
    "runs",
    type=click.Path(dir_okay=False, path_type=Path),
    multiple=True,
    help="Predictions of a timed run, for predicted against measured cost. Repeatable.",
)
@click.option(
    "--weight", type=click.FloatRange(0, 1), default=0.5, show_default=True, help="A new keyframe's weight w."
)
@click.option("--gate", "gates", type=click.FloatRange(0, 1), multiple=True, help="Memory gate g. Repeatable.")
@click.option(
    "--offsets", type=click.IntRange(1, 1000), default=6, show_default=True, help="How many keyframes back to look."
)
@json_option
def command(
    predictions_path: Path | None,
    index_path: Path | None,
    data_dir: Path,
    length: int | None,
    schedule: str | None,
    protocol: str,
    by: str,
    ci: int,
    seed: int,
    gflop: tuple[str, ...],
    times_file: Path | None,
    per_frame: Path | None,
    runs: tuple[Path, ...],
    weight: float,
    gates: tuple[float, ...],
    offsets: int,
    as_json: bool,
) -> None:
    """Feature propagation: in closed form, for segments of any length, and as PREDICTIONS show it.

    Prints the mean propagation distance for every keyframe id (Impression Network, Table 2) with the look-ahead that it
    asks for, the best id (Eq. 5), the cost of a segment relative to a per-frame detector (Sec. 3.4), and the share that
    earlier keyframes have in a feature where all keyframes weigh the same (Fig. 6). With PREDICTIONS also the mean AP
    of the frames at each distance |t - key| from their keyframe, by the motion of the objects.

    \b
    Examples:
      vidkit propagation --length 10
      vidkit propagation runs/impression/predictions.h5 --ci 1000
      vidkit propagation results.pkl --index vidkit-data/vid_val.h5 --schedule l=10,k=0
      vidkit propagation --length 5 --gflop feature=82.5 --gflop flow=10
      vidkit propagation --times stage_times.json --per-frame runs/per-frame/predictions.h5 \\
                         --run runs/impression/predictions.h5
      vidkit propagation --weight 0.6 --gate 0 --gate 0.5 --gate 1 --offsets 10
    """
    if gflop and times_file:
        raise click.UsageError("--gflop and --times both tell what a stage costs: give one of them")
    if any(isnan(number) for number in (weight, *gates)):
        raise click.UsageError("--weight and --gate: nan is no number between 0 and 1")
    if bool(runs) != bool(per_frame):
        raise click.UsageError("--run and --per-frame go together: a run and the one that it is compared with")
    if predictions_path is None and (schedule or ci or index_path):
        raise click.UsageError("--schedule, --index and --ci are for PREDICTIONS: name the file")
    costs, source = _measured(times_file) if times_file else _counted(gflop)
    scored = None
    if predictions_path is not None:
        index, predictions = _load(predictions_path, index_path, data_dir)
        scored = _scored(index, predictions, _schedule(schedule), protocol, by == "motion", ci, seed)
        length = length or scored["length"]
    length = length or 10
    found = {
        "length": length,
        "keyframe_ids": _keyframe_ids(length),
        "optimum": _optimum(length),
        "cost": _cost(costs, length) | {"unit": "seconds" if times_file else "GFLOP", "source": source},
        "measured": [asdict(ratio) for ratio in _measured_ratios(runs, per_frame, costs)],
        "by_distance": scored,
        "contributions": _contributions(weight, gates or (0.0, 0.25, 0.5, 0.75, 1.0), offsets),
    }
    if as_json:
        print_json({"format": "vidkit-propagation", "version": 1, **found})
    else:
        _print(found)


def _schedule(text: str | None) -> tuple[int, int | None] | None:
    """Return length and keyframe id of a schedule such as l=10,k=5."""
    from vidkit.segments import check_key_id

    if text is None:
        return None
    found = re.fullmatch(r"\s*l\s*=\s*(\d{1,6})\s*(?:,\s*k\s*=\s*(\d{1,6})\s*)?", text)
    if not found:
        raise click.UsageError(f"--schedule {text}: wanted l=L or l=L,k=K, as in l=10,k=5")
    length, key_id = int(found[1]), None if found[2] is None else int(found[2])
    if length > MAX_LENGTH:
        raise click.UsageError(f"--schedule {text}: segments of at most {MAX_LENGTH} frames")
    try:
        return length, check_key_id(length, key_id)
    except ValueError as error:
        raise click.UsageError(f"--schedule {text}: {error}") from None


def _load(path: Path, index_path: Path | None, data_dir: Path) -> tuple[Index, Predictions]:
    """Return the index that fits the predictions at `path`, and the predictions for its frames."""
    from vidkit.data.index_file import read_index
    from vidkit.predictions.reading import open_predictions

    opened = open_predictions(path)
    index = read_index(choose_index(index_path, data_dir, opened.index_fingerprint, opened.n_frames))
    predictions, report = opened.for_index(index)
    for warning in report.warnings:
        say(f"warning: {warning}")
    return index, predictions


def _scored(
    index: Index,
    predictions: Predictions,
    schedule: tuple[int, int | None] | None,
    protocol: str,
    by_motion: bool,
    ci: int,
    seed: int,
) -> dict[str, Any]:
    """Return the scores by distance, the mean distance of the frames, and the length where it is known."""
    from vidkit.evaluation.distance import UNKNOWN, scheduled_distances, scores_by_distance, told_distances

    if by_motion and index.motion_iou is None and bool((index.track_id < 0).any()):
        say("no groups by motion: the index has neither track ids nor a column of motion IoU")
        by_motion = False
    distances = scheduled_distances(index, *schedule) if schedule else told_distances(index, predictions)
    scores = scores_by_distance(index, predictions, distances, protocol, by_motion, ci, seed)
    told = predictions.run.options.get("length")
    known = distances[distances != UNKNOWN]
    return {
        "protocol": protocol,
        "length": schedule[0] if schedule else told if isinstance(told, int) and 1 <= told <= MAX_LENGTH else None,
        "keyframes": "schedule" if schedule else "told by the predictions",
        "mean_distance_to_key": float(known.mean()) if len(known) else None,
        "limited": predictions.run.limited,
        "scores": [asdict(score) for score in scores],
    }


def _measured(path: Path) -> tuple[StageCosts, str]:
    from vidkit.keyframes.costs import read_stage_times

    costs, source = read_stage_times(path)
    return costs, f"{path}: {source}"


def _counted(given: Sequence[str]) -> tuple[StageCosts, str]:
    from vidkit.keyframes.costs import GFLOP_600X1000

    chosen = dict(_stage_and_number(text) for text in given)
    source = "counted FLOPs of ResNet-101, FlowNet-S, R-FCN and N_q at 600x1000"
    if chosen:
        source += f"; {', '.join(chosen)} given by --gflop"
    try:
        return replace(GFLOP_600X1000, **chosen), source
    except ValueError as error:
        raise click.UsageError(f"--gflop: {error}") from None


def _stage_and_number(text: str) -> tuple[str, float]:
    stage, equals, number = text.partition("=")
    try:
        value = float(number)
    except ValueError:
        value = None
    if not equals or stage not in STAGES or value is None:
        raise click.UsageError(f"--gflop {text}: wanted STAGE=NUMBER, where STAGE is one of {', '.join(STAGES)}")
    return stage, value


def _measured_ratios(runs: Sequence[Path], per_frame: Path | None, costs: StageCosts) -> Iterator[MeasuredRatio]:
    from vidkit.keyframes.costs import measured_ratio
    from vidkit.predictions.predictions_file import read_predictions

    if per_frame:
        base = read_predictions(per_frame)
        yield from (measured_ratio(read_predictions(run), base, costs) for run in runs)


def _keyframe_ids(length: int) -> list[dict[str, Any]]:
    from vidkit.keyframes.propagation import mean_distance

    return [
        {"key_id": key_id, "mean_distance": mean_distance(length, key_id), "look_ahead": key_id}
        for key_id in range(length)
    ]


def _optimum(length: int) -> dict[str, Any]:
    from vidkit.keyframes.propagation import best_key_ids, mean_distance

    best = best_key_ids(length)
    return {"exact": (length - 1) / 2, "key_ids": best, "mean_distance": mean_distance(length, best[0])}


def _cost(costs: StageCosts, length: int) -> dict[str, Any]:
    from vidkit.keyframes.costs import approximate_cost_ratio, cost_ratio, flow_cost_ratio

    return {
        "stages": costs.as_dict(),
        "ratio": cost_ratio(costs, length),
        "approximate_ratio": approximate_cost_ratio(costs, length),
        "ratio_without_impression": flow_cost_ratio(costs, length),
    }


def _contributions(weight: float, gates: Sequence[float], offsets: int) -> list[dict[str, Any]]:
    from vidkit.keyframes.propagation import contributions, mean_memory

    return [
        {
            "weight": weight,
            "gate": gate,
            "shares": contributions(weight, gate, offsets=offsets),
            "mean_keyframes_back": mean_memory(weight, gate),
        }
        for gate in gates
    ]


def _print(found: dict[str, Any]) -> None:
    _print_distances(found)
    _print_costs(found["cost"], found["length"])
    if found["measured"]:
        _print_measured(found["measured"])
    if found["by_distance"]:
        _print_scores(found["by_distance"])
    _print_contributions(found["contributions"])


def _print_distances(found: dict[str, Any]) -> None:
    best = found["optimum"]
    click.echo(f"Mean propagation distance in frames, segments of {found['length']} (Table 2)")
    print_table(
        ["keyframe id", "mean distance", "look-ahead", ""],
        [
            (
                row["key_id"],
                f"{row['mean_distance']:.4g}",
                row["look_ahead"],
                "best" if row["key_id"] in best["key_ids"] else "",
            )
            for row in found["keyframe_ids"]
        ],
    )
    click.echo(f"The optimum (l - 1) / 2 (Eq. 5) is {best['exact']:g}: {best['mean_distance']:.4g} frames.\n")


def _print_costs(cost: dict[str, Any], length: int) -> None:
    click.echo(f"Cost of one call: {cost['source']}")
    print_table(
        ["stage", cost["unit"]],
        [(stage, f"{value:.4g}") for stage, value in cost["stages"].items()],
    )
    click.echo()
    rows = [
        ("r, Impression Network", f"{cost['ratio']:.3f}"),
        ("F / N_feat + 1 / l, the paper's estimate", f"{cost['approximate_ratio']:.3f}"),
        ("without impression (Deep Feature Flow)", f"{cost['ratio_without_impression']:.3f}"),
    ]
    print_table(["cost relative to per-frame (Sec. 3.4)", f"l = {length}"], rows)
    click.echo()


def _print_measured(measured: Sequence[dict[str, Any]]) -> None:
    click.echo("Measured against predicted")
    print_table(
        ["run", "l", "ms/frame", "measured ratio", "predicted", "difference"],
        [
            (
                row["detector"],
                row["length"] or "-",
                f"{1000 * row['seconds_per_frame']:.4g}",
                f"{row['ratio']:.3f}",
                *_predicted(row["ratio"], row["predicted"]),
            )
            for row in measured
        ],
    )
    click.echo()


def _predicted(ratio: float, predicted: float | None) -> tuple[str, str]:
    return ("-", "-") if predicted is None else (f"{predicted:.3f}", f"{ratio - predicted:+.3f}")


def _print_scores(found: dict[str, Any]) -> None:
    limited = " OF A LIMITED RUN" if found["limited"] else ""
    click.echo(f"Mean AP in %{limited} by |t - key|; protocol {found['protocol']}, keyframes {found['keyframes']}")
    motion = list(dict.fromkeys(score["motion"] for score in found["scores"]))
    rows: dict[int, list[str]] = {}
    for score in found["scores"]:
        start = [str(score["distance"]), str(score["frames"]), str(score["ground_truth"])]
        rows.setdefault(score["distance"], start).append(_with_interval(score["mean_ap"], score["interval"]))
    print_table(["|t - key|", "frames", "objects", *motion], list(rows.values()))
    click.echo(f"A frame lies {found['mean_distance_to_key']:.4g} frames from its keyframe on average.\n")


def _with_interval(mean_ap: float, interval: tuple[float, float] | None) -> str:
    if isnan(mean_ap):
        return "-"
    ends = "" if interval is None else f" [{100 * interval[0]:.1f}, {100 * interval[1]:.1f}]"
    return f"{100 * mean_ap:.1f}{ends}"


def _print_contributions(contributions: Sequence[dict[str, Any]]) -> None:
    weight, offsets = contributions[0]["weight"], len(contributions[0]["shares"])
    click.echo(f"Share of keyframes in the task feature of keyframe k, weight {weight:g} (Fig. 6)")
    print_table(
        ["gate", *(f"k - {o}" if o else "k" for o in range(offsets)), "mean keyframes back"],
        [
            (f"{row['gate']:g}", *(f"{share:.3f}" for share in row["shares"]), f"{row['mean_keyframes_back']:.3g}")
            for row in contributions
        ],
    )
