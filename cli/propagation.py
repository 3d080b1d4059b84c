"""`vidkit propagation`: how far features travel, what it costs, how long keyframes are remembered."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from math import isnan
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .console import echo, json_option, print_json, print_table
from .options import FILE, runs_dir_option

if TYPE_CHECKING:
    from vidkit.keyframes.costs import MeasuredRatio, StageCosts

MAX_LENGTH = 1000
STAGES = ("feature", "flow", "task", "warp", "aggregation")


@click.command("propagation")
@click.option(
    "--length", type=click.IntRange(1, MAX_LENGTH), default=10, show_default=True, help="Frames in a segment, l."
)
@click.option(
    "--gflop",
    multiple=True,
    metavar="STAGE=NUMBER",
    help=f"What a stage costs, in place of the default; stages: {', '.join(STAGES)}. Repeatable.",
)
@click.option(
    "--times",
    "times_file",
    type=FILE,
    help="Measured stage times in JSON, in place of GFLOP; docs/propagation.md tells the form.",
)
@click.option("--per-frame", metavar="RUN", help="A timed per-frame run, to which those of --run are compared.")
@click.option(
    "--run", "runs", metavar="RUN", multiple=True, help="A timed run, for predicted against measured cost. Repeatable."
)
@runs_dir_option
@click.option(
    "--weight", type=click.FloatRange(0, 1), default=0.5, show_default=True, help="A new keyframe's weight w."
)
@click.option("--gate", "gates", type=click.FloatRange(0, 1), multiple=True, help="Memory gate g. Repeatable.")
@click.option(
    "--offsets", type=click.IntRange(1, 1000), default=6, show_default=True, help="How many keyframes back to look."
)
@json_option
def command(
    length: int,
    gflop: tuple[str, ...],
    times_file: Path | None,
    per_frame: str | None,
    runs: tuple[str, ...],
    runs_dir: Path,
    weight: float,
    gates: tuple[float, ...],
    offsets: int,
    as_json: bool,
) -> None:
    """Feature propagation in closed form, for segments of any length: how far, at what cost, how long remembered.

    Prints the mean propagation distance for every keyframe id (Impression Network, Table 2) with the look-ahead that it
    asks for, the best id (Eq. 5), the cost of a segment relative to a per-frame detector (Sec. 3.4), and the share that
    earlier keyframes have in a feature where all keyframes weigh the same (Fig. 6). The accuracy of a run at each
    distance is told by `vidkit measures RUN --distance`.

    \b
    Examples:
      vidkit propagation --length 10
      vidkit propagation --length 5 --gflop feature=82.5 --gflop flow=10
      vidkit propagation --times stage_times.json --per-frame per-frame --run impression
      vidkit propagation --weight 0.6 --gate 0 --gate 0.5 --gate 1 --offsets 10
    """
    if gflop and times_file:
        raise click.UsageError("--gflop and --times both tell what a stage costs: give one of them")
    if any(isnan(number) for number in (weight, *gates)):
        raise click.UsageError("--weight and --gate: nan is no number between 0 and 1")
    if bool(runs) != bool(per_frame):
        raise click.UsageError("--run and --per-frame go together: a run and the one that it is compared with")
    costs, source = _measured(times_file) if times_file else _counted(gflop)
    found = {
        "length": length,
        "keyframe_ids": _keyframe_ids(length),
        "optimum": _optimum(length),
        "cost": _cost(costs, length) | {"unit": "seconds" if times_file else "GFLOP", "source": source},
        "measured": [asdict(ratio) for ratio in _measured_ratios(runs, per_frame, runs_dir, costs)],
        "contributions": _contributions(weight, gates or (0.0, 0.25, 0.5, 0.75, 1.0), offsets),
    }
    if as_json:
        print_json({"format": "vidkit-propagation", "version": 2, **found})
    else:
        _print(found)


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


def _measured_ratios(
    runs: Sequence[str], per_frame: str | None, runs_dir: Path, costs: StageCosts
) -> Iterator[MeasuredRatio]:
    from vidkit.keyframes.costs import measured_ratio
    from vidkit.predictions.predictions_file import read_predictions
    from vidkit.runs.finding import find_run

    if per_frame:
        base, *others = (read_predictions(find_run(run, runs_dir).files[0]) for run in (per_frame, *runs))
        yield from (measured_ratio(other, base, costs) for other in others)


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
    _print_contributions(found["contributions"])


def _print_distances(found: dict[str, Any]) -> None:
    best = found["optimum"]
    echo(f"Mean propagation distance in frames, segments of {found['length']} (Table 2)")
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
    echo(f"The optimum (l - 1) / 2 (Eq. 5) is {best['exact']:g}: {best['mean_distance']:.4g} frames.\n")


def _print_costs(cost: dict[str, Any], length: int) -> None:
    echo(f"Cost of one call: {cost['source']}")
    print_table(
        ["stage", cost["unit"]],
        [(stage, f"{value:.4g}") for stage, value in cost["stages"].items()],
    )
    echo()
    rows = [
        ("r, Impression Network", f"{cost['ratio']:.3f}"),
        ("F / N_feat + 1 / l, the paper's estimate", f"{cost['approximate_ratio']:.3f}"),
        ("without impression (Deep Feature Flow)", f"{cost['ratio_without_impression']:.3f}"),
    ]
    print_table(["cost relative to per-frame (Sec. 3.4)", f"l = {length}"], rows)
    echo()


def _print_measured(measured: Sequence[dict[str, Any]]) -> None:
    echo("Measured against predicted")
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
    echo()


def _predicted(ratio: float, predicted: float | None) -> tuple[str, str]:
    return ("-", "-") if predicted is None else (f"{predicted:.3f}", f"{ratio - predicted:+.3f}")


def _print_contributions(contributions: Sequence[dict[str, Any]]) -> None:
    weight, offsets = contributions[0]["weight"], len(contributions[0]["shares"])
    echo(f"Share of keyframes in the task feature of keyframe k, weight {weight:g} (Fig. 6)")
    print_table(
        ["gate", *(f"k - {o}" if o else "k" for o in range(offsets)), "mean keyframes back"],
        [
            (f"{row['gate']:g}", *(f"{share:.3f}" for share in row["shares"]), f"{row['mean_keyframes_back']:.3g}")
            for row in contributions
        ],
    )
