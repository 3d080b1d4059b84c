"""`vidkit measures`: what AP doesn't see of a video: delay, stability, keyframe distance, streaming accuracy."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any, Literal, cast

import click

from .breakdown_options import tells_motion
from .console import echo, json_option, print_json, print_table, say
from .options import Command, ci_option, protocol_option, seed_option, together
from .prediction_options import run_argument, warn_if_limited, workspace_options

if TYPE_CHECKING:
    from vidkit.data.index import Index
    from vidkit.predictions.table import Predictions
    from vidkit.runs.loading import Workspace

DEFAULT_FPS = 30.0
MOST_LENGTH = 1000

_CHOICES = (
    click.option("--delay", is_flag=True, help="Frames until an object is first found (Mao et al. 2019)."),
    click.option("--stability", is_flag=True, help="Flicker and trembling along tracks (Zhang and Wang 2017)."),
    click.option("--distance", is_flag=True, help="AP against the distance from the keyframe, where it is known."),
    click.option("--streaming", is_flag=True, help="AP with the answers as late as they were (Li et al. 2020)."),
)
_SETTINGS = (
    click.option(
        "--rate",
        "rates",
        type=click.FloatRange(min=0),
        multiple=True,
        help="False alarms for each ground-truth box, for --delay; repeatable. Default: 0.1, 0.2, 0.4, 0.8, 1.6, 3.2.",
    ),
    click.option(
        "--per",
        type=click.Choice(["object", "frame"]),
        default="object",
        show_default=True,
        help="What --rate is counted against: ground-truth boxes, or frames.",
    ),
    click.option(
        "--window",
        type=click.IntRange(min=1),
        default=30,
        show_default=True,
        help="Frames: no object is delayed more in the average delay.",
    ),
    click.option(
        "--schedule",
        metavar="l=L[,k=K]",
        help="For --distance, the keyframes where RUN doesn't tell them: frame K (default: L // 2) of every L, counted "
        "from 0.",
    ),
    ci_option(),
    seed_option,
    click.option(
        "--fps",
        type=click.FloatRange(min=0, min_open=True),
        default=DEFAULT_FPS,
        show_default=True,
        help="Frames a second of the videos, for --streaming.",
    ),
    click.option(
        "--take",
        type=click.Choice(["newest", "every"]),
        help="The frame that a free detector takes, for --streaming; default: every one for predictions that tell "
        "keyframes or look ahead, else the newest.",
    ),
)


@dataclass(frozen=True)
class MeasureSettings:
    """What the options say of the measures."""

    rates: Sequence[float]
    per: Literal["object", "frame"]
    window: int
    schedule: str | None
    ci: int
    seed: int
    fps: float
    take: Literal["newest", "every"] | None


def measure_options(command: Command) -> Command:
    """Give a command the choice of measures, as `wanted`, and what is said of them, as `settings`."""

    @wraps(command)
    def collected(**given: Any) -> Any:
        names = tuple(MeasureSettings.__dataclass_fields__)
        settings = MeasureSettings(**{name: given.pop(name) for name in names})
        wanted = [name for name in _MEASURES if given.pop(name)]
        return command(wanted=wanted, settings=settings, **given)

    return cast(Command, together(*_CHOICES, *_SETTINGS)(collected))


@click.command("measures")
@run_argument
@workspace_options
@protocol_option
@measure_options
@json_option
def command(
    run: str, workspace: Workspace, protocol: str, wanted: list[str], settings: MeasureSettings, as_json: bool
) -> None:
    """Tell of RUN what AP doesn't see: delay, stability, distance from the keyframe, streaming accuracy.

    Without a choice all that data and predictions allow; what they don't allow is said. The definitions:
    docs/errors_and_measures.md.

    \b
    Examples:
      vidkit measures impression
      vidkit measures results.pkl --index vidkit-data/vid_val.h5 --delay --rate 0.1 --rate 1 --per frame
      vidkit measures impression --distance --ci 1000
      vidkit measures results.pkl --distance --schedule l=10,k=0
      vidkit measures impression --streaming --fps 30 --take newest --json
    """
    from vidkit.evaluation.matching import check
    from vidkit.evaluation.protocols import protocol_named

    if not all(math.isfinite(number) for number in (settings.fps, *settings.rates)):
        raise click.UsageError("--fps and --rate: wanted finite numbers")
    schedule = schedule_of(settings.schedule)
    if schedule and wanted and "distance" not in wanted:
        raise click.UsageError("--schedule is for --distance")
    rules = protocol_named(protocol).name
    loaded = workspace.load([run])
    check(loaded.index, loaded.only)
    found, left_out = _measured(wanted, loaded.index, loaded.only, rules, settings)
    if as_json:
        head = {"format": "vidkit-measures", "version": 1, "protocol": rules, "limited": bool(loaded.limited)}
        print_json({**head, "index": str(loaded.index_file), **found, "left_out": left_out})
        return
    for name, content in found.items():
        _MEASURES[name][1](content)
        echo()
    for name, why in left_out.items():
        say(f"no {name}: {why}")
    warn_if_limited(loaded.only)


def _measured(
    wanted: Sequence[str], index: Index, predictions: Predictions, rules: str, settings: MeasureSettings
) -> tuple[dict[str, Any], dict[str, str]]:
    """What was measured by name, and why the rest wasn't; what was asked for by name must be possible."""
    from vidkit.errors import AnnotationError, ChoiceError, PredictionError

    found: dict[str, Any] = {}
    left_out: dict[str, str] = {}
    for name in wanted or _MEASURES:
        measure, _ = _MEASURES[name]
        try:
            found[name] = measure(index, predictions, rules, settings)
        except (AnnotationError, PredictionError) as reason:
            if wanted:
                raise
            left_out[name] = str(reason)
    if not found:
        raise ChoiceError(f"nothing can be measured: {'; '.join(left_out.values())}")
    return found, left_out


def schedule_of(text: str | None) -> tuple[int, int | None] | None:
    """The length and keyframe id of a schedule such as l=10,k=5."""
    from vidkit.segments import check_key_id

    if text is None:
        return None
    found = re.fullmatch(r"\s*l\s*=\s*(\d{1,6})\s*(?:,\s*k\s*=\s*(\d{1,6})\s*)?", text)
    if not found:
        raise click.UsageError(f"--schedule {text}: wanted l=L or l=L,k=K, as in l=10,k=5")
    length, key_id = int(found[1]), None if found[2] is None else int(found[2])
    if length > MOST_LENGTH:
        raise click.UsageError(f"--schedule {text}: segments of at most {MOST_LENGTH} frames")
    try:
        return length, check_key_id(length, key_id)
    except ValueError as error:
        raise click.UsageError(f"--schedule {text}: {error}") from None


def _delay(index: Index, predictions: Predictions, protocol: str, settings: MeasureSettings) -> dict[str, Any]:
    from vidkit.evaluation.delay import RATES, average_delay

    rates = settings.rates or RATES
    return average_delay(
        index, predictions, protocol, rates, settings.window, settings.per, settings.ci, settings.seed
    ).to_json()


def _stability(index: Index, predictions: Predictions, protocol: str, settings: MeasureSettings) -> dict[str, Any]:
    from vidkit.evaluation.stability import stability

    return stability(index, predictions, protocol, ci=settings.ci, seed=settings.seed).to_json()


def _distance(index: Index, predictions: Predictions, protocol: str, settings: MeasureSettings) -> dict[str, Any]:
    from vidkit.evaluation.distance import UNKNOWN, scheduled_distances, scores_by_distance, told_distances

    schedule = schedule_of(settings.schedule)
    distances = scheduled_distances(index, *schedule) if schedule else told_distances(index, predictions)
    by_motion, ci, seed = tells_motion(index), settings.ci, settings.seed
    scores = scores_by_distance(index, predictions, distances, protocol, by_motion, ci, seed)
    known = distances[distances != UNKNOWN]
    return {
        "keyframes": "schedule" if schedule else "told by the predictions",
        "mean_distance_to_key": float(known.mean()) if len(known) else None,
        "at": [asdict(score) for score in scores],
    }


def _streaming(index: Index, predictions: Predictions, protocol: str, settings: MeasureSettings) -> dict[str, Any]:
    from vidkit.evaluation.compare import compare_matches
    from vidkit.evaluation.evaluate import match_for
    from vidkit.evaluation.protocols import protocol_named
    from vidkit.evaluation.result import Bootstrap
    from vidkit.evaluation.slices import breakdowns
    from vidkit.evaluation.streaming import stream

    streamed = stream(index, predictions, settings.fps, settings.take)
    rules = protocol_named(protocol)
    wanted = breakdowns(["motion"] if tells_motion(index) else [], index, rules)
    offline, online = (match_for(index, each, rules, wanted) for each in (predictions, streamed.predictions))
    found = compare_matches(offline, online, wanted, Bootstrap.asked(settings.ci, settings.seed))
    lost = {(d.by, d.name): d for d in found.differences if not d.class_name}
    pairs = zip((found.a.overall, *found.a.groups), (found.b.overall, *found.b.groups), strict=True)
    return {
        "fps": settings.fps,
        "take": streamed.take,
        "mean_age_frames": streamed.age,
        "frames": index.n_frames,
        "unanswered_frames": streamed.unanswered,
        "skipped_frames": streamed.skipped,
        "groups": [
            {"by": a.by, "name": a.name, "offline_mean_ap": a.mean_ap, "streaming_mean_ap": b.mean_ap}
            | {"streaming_interval": b.ends(), "note": b.note()}
            | {
                "difference_interval": lost[a.by, a.name].ends,
                "difference_note": lost[a.by, a.name].note * bool(settings.ci),
            }
            for a, b in pairs
        ],
    }


def _print_delay(found: Mapping[str, Any]) -> None:
    columns = [f"per {found['per']}", "false alarms", "score", "delay", "never found", "of", "delay of the found"]
    rows = [
        [
            f"{row['rate']:g}",
            row["false_alarms"],
            _number(row["threshold"], 4),
            _with_interval(row["average"], row),
            row["never_found"],
            row["objects"],
            _number(row["mean_of_found"]),
        ]
        for row in found["at"]
    ]
    print_table(columns, rows, f"delay in frames, none counted as more than {found['window']}")
    average = _with_interval(found["average_delay"], found)
    echo(f"average delay (AD): {average} frames")
    _explain(rows, [[average]])


def _print_stability(found: Mapping[str, Any]) -> None:
    errors = ("fragment", "centre", "scale_ratio", "total")
    rows = [
        [f"{row['recall']:g}", _number(row["threshold"], 4), *(_error(row, error) for error in errors)]
        for row in found["at"]
    ]
    rows.append(["mean", "–", *(_error(found["mean"], error) for error in errors)])
    columns = ["recall", "score", "fragment", "centre", "scale, ratio", "sum"]
    print_table(
        columns, rows, f"stability errors along tracks; recall of all detections {_number(found['reached'], 3)}"
    )
    _explain(rows)


def _error(row: Mapping[str, Any], error: str) -> str:
    return _with_interval(row[error], {"interval": row["intervals"].get(error), "note": row["notes"].get(error, "")}, 4)


def _print_distance(found: Mapping[str, Any]) -> None:
    motions = list(dict.fromkeys(row["motion"] for row in found["at"]))
    by_distance: dict[int, dict[str, Any]] = {}
    for row in found["at"]:
        at = by_distance.setdefault(row["distance"], {"frames": row["frames"], "objects": row["ground_truth"]})
        at[row["motion"]] = _with_interval(row["mean_ap"], row, unit=100)
    rows = [
        [d, row["frames"], row["objects"], *(row.get(motion, "–") for motion in motions)]
        for d, row in by_distance.items()
    ]
    title = f"mAP in % by the distance in frames from the keyframe, keyframes {found['keyframes']}"
    print_table(["distance", "frames", "objects", *motions], rows, title)
    _explain(rows)
    echo(f"a frame lies {_number(found['mean_distance_to_key'])} frames from its keyframe on average")


def _with_interval(value: float, told: Mapping[str, Any], digits: int = 2, unit: int = 1) -> str:
    """A number with its interval, or why it has none: what `told` has of `interval` and `note`."""
    from vidkit.shown import with_interval

    ends = told["interval"] and [_number(unit * end, digits) for end in told["interval"]]
    return with_interval(_number(unit * value, digits), ends, told["note"] if math.isfinite(value) else "")


def _explain(*tables: Sequence[Sequence[Any]]) -> None:
    """Say what must be said of intervals that are missing in tables of cells."""
    from vidkit.evaluation.intervals import explained

    for line in explained(str(cell) for rows in tables for row in rows for cell in row):
        echo(line)


def _print_streaming(found: Mapping[str, Any]) -> None:
    rows = [
        [
            f"{group['by']}: {group['name']}" if group["by"] else "all",
            _percent(group["offline_mean_ap"]),
            _with_interval(
                group["streaming_mean_ap"], {"interval": group["streaming_interval"], "note": group["note"]}, unit=100
            ),
            _lost(group),
        ]
        for group in found["groups"]
        if (group["by"], group["name"]) != ("motion", "all")
    ]
    columns = ["group", "offline", "streaming", "difference"]
    print_table(columns, rows, f"mAP in % at {found['fps']:g} frames a second")
    _explain(rows)
    echo(
        f"a free detector takes {'the newest' if found['take'] == 'newest' else 'every'} frame; answers are "
        f"{_number(found['mean_age_frames'])} frames old; of {found['frames']} frames {found['skipped_frames']} were "
        f"skipped, {found['unanswered_frames']} had no answer yet"
    )


def _lost(group: Mapping[str, Any]) -> str:
    """What answers that come late cost, in points, with its interval: paired, so narrower than those of the scores."""
    from vidkit.shown import with_interval

    ends, lost = group["difference_interval"], group["streaming_mean_ap"] - group["offline_mean_ap"]
    return with_interval(_signed(lost), ends and [_signed(end) for end in ends], group["difference_note"])


def _signed(share: float) -> str:
    return "–" if math.isnan(share) else f"{100 * share:+.2f}"


Measure = Callable[["Index", "Predictions", str, MeasureSettings], dict[str, Any]]
_MEASURES: dict[str, tuple[Measure, Callable[[Mapping[str, Any]], None]]] = {
    "delay": (_delay, _print_delay),
    "stability": (_stability, _print_stability),
    "distance": (_distance, _print_distance),
    "streaming": (_streaming, _print_streaming),
}
"""What is measured by each name, and how it is printed."""


def _number(value: float | None, digits: int = 2) -> str:
    return "–" if value is None or not math.isfinite(value) else f"{value:.{digits}f}"


def _percent(value: float) -> str:
    return _number(100 * value)
