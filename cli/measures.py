"""`vidkit measures`: what AP doesn't see of a video: delay, stability, keyframe distance, streaming accuracy."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Literal

import click

from .breakdown_options import tells_motion
from .console import json_option, print_json, print_table, say
from .prediction_options import Source, reading_options, source_options, warn_if_limited

if TYPE_CHECKING:
    from vidkit.data.index import Index
    from vidkit.predictions.table import Predictions

DEFAULT_FPS = 30.0


@click.command("measures")
@source_options
@click.option("--protocol", default="fgfa", show_default=True, help="What counts as found, see `vidkit eval`.")
@click.option("--delay", is_flag=True, help="Frames until an object is first found (Mao et al. 2019).")
@click.option("--stability", is_flag=True, help="Flicker and trembling along tracks (Zhang and Wang 2017).")
@click.option("--distance", is_flag=True, help="AP against the distance from the keyframe, where it is told.")
@click.option("--streaming", is_flag=True, help="AP with the answers as late as they were (Li et al. 2020).")
@click.option(
    "--rate",
    "rates",
    type=click.FloatRange(min=0),
    multiple=True,
    help="False alarms for each ground-truth box, for --delay; repeatable. Default: 0.1, 0.2, 0.4, 0.8, 1.6, 3.2.",
)
@click.option(
    "--per",
    type=click.Choice(["object", "frame"]),
    default="object",
    show_default=True,
    help="What --rate is counted against: ground-truth boxes, or frames.",
)
@click.option(
    "--window",
    type=click.IntRange(min=1),
    default=30,
    show_default=True,
    help="Frames: no object is delayed more in the average delay.",
)
@click.option(
    "--fps",
    type=click.FloatRange(min=0, min_open=True),
    default=DEFAULT_FPS,
    show_default=True,
    help="Frames a second of the videos, for --streaming.",
)
@click.option(
    "--take",
    type=click.Choice(["newest", "every"]),
    help="The frame that a free detector takes, for --streaming; default: every one for predictions that tell "
    "keyframes or look ahead, else the newest.",
)
@reading_options
@json_option
def command(
    source: Source,
    protocol: str,
    delay: bool,
    stability: bool,
    distance: bool,
    streaming: bool,
    rates: tuple[float, ...],
    per: Literal["object", "frame"],
    window: int,
    fps: float,
    take: Literal["newest", "every"] | None,
    as_json: bool,
) -> None:
    """Tell of PREDICTIONS what AP doesn't see: delay, stability, distance from the keyframe, streaming accuracy.

    Without a choice all that data and predictions allow; what they don't allow is said. The definitions:
    docs/errors_and_measures.md.

    \b
    Examples:
      vidkit measures runs/impression
      vidkit measures results.pkl --index vidkit-data/vid_val.h5 --delay --rate 0.1 --rate 1 --per frame
      vidkit measures runs/impression --streaming --fps 30 --take newest
      vidkit measures runs/impression --stability --json
    """
    from vidkit.errors import AnnotationError, ChoiceError, PredictionError
    from vidkit.evaluation.matching import check
    from vidkit.evaluation.protocols import protocol_named

    if not all(math.isfinite(number) for number in (fps, *rates)):
        raise click.UsageError("--fps and --rate: wanted finite numbers")
    rules = protocol_named(protocol).name
    index_file, index, predictions = source.load()
    check(index, predictions)
    measures: dict[str, Callable[[], dict[str, Any]]] = {
        "delay": lambda: _delay(index, predictions, rules, rates, window, per),
        "stability": lambda: _stability(index, predictions, rules),
        "distance": lambda: _distance(index, predictions, rules),
        "streaming": lambda: _streaming(index, predictions, rules, fps, take),
    }
    flags = {"delay": delay, "stability": stability, "distance": distance, "streaming": streaming}
    found: dict[str, Any] = {}
    left_out: dict[str, str] = {}
    for name, measure in measures.items():
        if any(flags.values()) and not flags[name]:
            continue
        try:
            found[name] = measure()
        except (AnnotationError, PredictionError) as reason:
            if flags[name]:
                raise
            left_out[name] = str(reason)
    if not found:
        raise ChoiceError(f"nothing can be measured: {'; '.join(left_out.values())}")
    if as_json:
        head = {"format": "vidkit-measures", "version": 1, "protocol": rules, "limited": predictions.run.limited}
        print_json({**head, "index": str(index_file), **found, "left_out": left_out})
        return
    for name, content in found.items():
        _PRINT[name](content)
        click.echo()
    for name, why in left_out.items():
        say(f"no {name}: {why}")
    warn_if_limited(predictions)


def _delay(
    index: Index,
    predictions: Predictions,
    protocol: str,
    rates: Sequence[float],
    window: int,
    per: Literal["object", "frame"],
) -> dict[str, Any]:
    from vidkit.evaluation.delay import RATES, average_delay

    return average_delay(index, predictions, protocol, rates or RATES, window, per).to_json()


def _stability(index: Index, predictions: Predictions, protocol: str) -> dict[str, Any]:
    from vidkit.evaluation.stability import stability

    return stability(index, predictions, protocol).to_json()


def _distance(index: Index, predictions: Predictions, protocol: str) -> dict[str, Any]:
    from vidkit.evaluation.distance import scores_by_distance, told_distances

    distances = told_distances(index, predictions)
    scores = scores_by_distance(index, predictions, distances, protocol, tells_motion(index))
    return {"at": [asdict(score) for score in scores]}


def _streaming(
    index: Index, predictions: Predictions, protocol: str, fps: float, take: Literal["newest", "every"] | None
) -> dict[str, Any]:
    from vidkit.evaluation.evaluate import evaluate
    from vidkit.evaluation.streaming import stream

    streamed = stream(index, predictions, fps, take)
    by = ["motion"] if tells_motion(index) else []
    offline = evaluate(index, predictions, protocol, by)
    online = evaluate(index, streamed.predictions, protocol, by)
    pairs = zip((offline.overall, *offline.groups), (online.overall, *online.groups), strict=True)
    return {
        "fps": fps,
        "take": streamed.take,
        "mean_age_frames": streamed.age,
        "frames": index.n_frames,
        "unanswered_frames": streamed.unanswered,
        "skipped_frames": streamed.skipped,
        "groups": [
            {"by": a.by, "name": a.name, "offline_mean_ap": a.mean_ap, "streaming_mean_ap": b.mean_ap} for a, b in pairs
        ],
    }


def _print_delay(found: Mapping[str, Any]) -> None:
    columns = [f"per {found['per']}", "false alarms", "score", "delay", "never found", "of", "delay of the found"]
    rows = [
        [
            f"{row['rate']:g}",
            row["false_alarms"],
            _number(row["threshold"], 4),
            _number(row["average"]),
            row["never_found"],
            row["objects"],
            _number(row["mean_of_found"]),
        ]
        for row in found["at"]
    ]
    print_table(columns, rows, f"delay in frames, none counted as more than {found['window']}")
    click.echo(f"average delay (AD): {_number(found['average_delay'])} frames")


def _print_stability(found: Mapping[str, Any]) -> None:
    errors = ("fragment", "centre", "scale_ratio", "total")
    rows = [
        [f"{row['recall']:g}", _number(row["threshold"], 4), *(_number(row[error], 4) for error in errors)]
        for row in found["at"]
    ]
    rows.append(["mean", "–", *(_number(found["mean"][error], 4) for error in errors)])
    columns = ["recall", "score", "fragment", "centre", "scale, ratio", "sum"]
    print_table(
        columns, rows, f"stability errors along tracks; recall of all detections {_number(found['reached'], 3)}"
    )


def _print_distance(found: Mapping[str, Any]) -> None:
    motions = list(dict.fromkeys(row["motion"] for row in found["at"]))
    by_distance: dict[int, dict[str, Any]] = {}
    for row in found["at"]:
        by_distance.setdefault(row["distance"], {"frames": row["frames"]})[row["motion"]] = _percent(row["mean_ap"])
    rows = [[d, row["frames"], *(row.get(motion, "–") for motion in motions)] for d, row in by_distance.items()]
    print_table(["distance", "frames", *motions], rows, "mAP in % by the distance in frames from the keyframe")


def _print_streaming(found: Mapping[str, Any]) -> None:
    rows = [
        [
            f"{group['by']}: {group['name']}" if group["by"] else "all",
            _percent(group["offline_mean_ap"]),
            _percent(group["streaming_mean_ap"]),
        ]
        for group in found["groups"]
        if (group["by"], group["name"]) != ("motion", "all")
    ]
    print_table(["group", "offline", "streaming"], rows, f"mAP in % at {found['fps']:g} frames a second")
    click.echo(
        f"a free detector takes {'the newest' if found['take'] == 'newest' else 'every'} frame; answers are "
        f"{_number(found['mean_age_frames'])} frames old; of {found['frames']} frames {found['skipped_frames']} were "
        f"skipped, {found['unanswered_frames']} had no answer yet"
    )


_PRINT: dict[str, Callable[[Mapping[str, Any]], None]] = {
    "delay": _print_delay,
    "stability": _print_stability,
    "distance": _print_distance,
    "streaming": _print_streaming,
}


def _number(value: float, digits: int = 2) -> str:
    return f"{value:.{digits}f}" if math.isfinite(value) else "–"


def _percent(value: float) -> str:
    return _number(100 * value)
