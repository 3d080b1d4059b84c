"""EvalResult: what an evaluation found, with the rules that made it; as result.json, CSV and Markdown."""

from __future__ import annotations

import json
import math
import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from vidkit.errors import ChoiceError, FormatError
from vidkit.evaluation.intervals import DOUBTFUL, Resampled, missing
from vidkit.evaluation.protocols import Protocol
from vidkit.files import write_text
from vidkit.predictions.table import FrameTimes, Predictions
from vidkit.reading_door import reading
from vidkit.shown import percent, shows_itself
from vidkit.version import __version__

if TYPE_CHECKING:
    import pandas as pd

RESULT_FORMAT, RESULT_VERSION = "vidkit-result", 1
INTERVAL = "bias-corrected, jackknife error"
"""What intervals are called in files."""


@dataclass(frozen=True, eq=False)
class Interval:
    """The ends of intervals, of the mean AP, `(2,)`, and of each class's AP, `(C, 2)`; NaN: there is none."""

    mean_ap: NDArray[np.float64]
    ap: NDArray[np.float64]
    n_videos: int
    """How many videos hold ground truth of the group; below `FEWEST_VIDEOS` there is no interval."""
    n_videos_by_class: NDArray[np.int64]
    """The same for each class, `(C,)`."""
    below: float
    """The share of the replicates below the mean AP, equal ones by half; far from 0.5: a bias as large as chance."""
    skew: float
    """The skewness of the mean AP's replicates; 0: symmetric."""
    doubtful: bool
    """Whether the interval of the mean AP held less often than it should where replicates were like this."""
    doubtful_by_class: NDArray[np.bool_]
    """The same for each class, `(C,)`."""

    @classmethod
    def of(cls, resampled: Resampled, mean_ap: float, ap: NDArray[np.float64], level: float) -> Interval:
        """The intervals of a group, from its resampled AP."""
        mean, by_class = resampled.mean(mean_ap), resampled.by_class(ap)
        return cls(
            mean_ap=mean.ends(level)[0],
            ap=by_class.ends(level),
            n_videos=int(mean.n_videos[0]),
            n_videos_by_class=by_class.n_videos,
            below=float(mean.below[0]),
            skew=float(mean.skew[0]),
            doubtful=bool(mean.doubtful[0]),
            doubtful_by_class=by_class.doubtful,
        )

    def note(self, class_id: int | None = None) -> str:
        """What must be said of the mean AP's interval, or of a class's: why there is none, or DOUBTFUL; else ""."""
        whole = class_id is None
        ends, n_videos, doubtful = (
            (self.mean_ap, self.n_videos, self.doubtful)
            if whole
            else (self.ap[class_id], int(self.n_videos_by_class[class_id]), bool(self.doubtful_by_class[class_id]))
        )
        return missing(n_videos) if np.isnan(ends).any() else DOUBTFUL * doubtful


@dataclass(frozen=True, eq=False)
class GroupResult:
    """One group of a breakdown, or all of the data: AP in 0 … 1, NaN where there is no ground truth."""

    by: str
    name: str
    mean_ap: float
    ap: NDArray[np.float64]  # (C,)
    n_gt: NDArray[np.int64]  # (C,)
    interval: Interval | None = None
    resampled: Resampled | None = None
    """The AP of each class in each drawing and without each video: for paired comparisons, not stored in files."""

    def ends(self, class_id: int | None = None) -> tuple[float, float] | None:
        """The interval of the mean AP, or of a class's AP; None where it has none."""
        if self.interval is None:
            return None
        low, high = (self.interval.mean_ap if class_id is None else self.interval.ap[class_id]).tolist()
        return (low, high) if low <= high else None

    def note(self, class_id: int | None = None) -> str:
        """What must be said of it: "3 videos: too few to tell", or DOUBTFUL; "" else, and where none was asked for."""
        value = self.mean_ap if class_id is None else self.ap[class_id]
        return "" if self.interval is None or math.isnan(value) else self.interval.note(class_id)


@dataclass(frozen=True)
class Bootstrap:
    """How intervals were made: from `replicates` drawings of V of the V videos with replacement; see `intervals`."""

    replicates: int
    seed: int
    level: float = 0.95

    @classmethod
    def asked(cls, ci: int, seed: int) -> Bootstrap | None:
        """What the arguments `ci` and `seed` ask for; None for `ci` 0. Raises ValueError for negative ones."""
        if ci < 0 or seed < 0:
            raise ValueError(
                f"ci {ci}, seed {seed}: wanted a number of resamplings, as 1000, or 0 for no intervals; a seed from 0"
            )
        return cls(ci, seed) if ci else None


@shows_itself
@dataclass(frozen=True, eq=False, repr=False)
class EvalResult:
    """The AP of all data and of each group, with everything that is needed to know what the numbers mean."""

    protocol: Protocol
    class_names: tuple[str, ...]
    overall: GroupResult
    groups: tuple[GroupResult, ...]
    counts: Mapping[str, int]
    data: Mapping[str, str]
    """dataset, split, index_fingerprint, predictions_fingerprint."""
    run: Mapping[str, Any] = field(default_factory=dict)
    """What the predictions tell of the run that made them; `frames_per_second` and `look_ahead` where it was timed."""
    reading: Mapping[str, Any] = field(default_factory=dict)
    """How the prediction file was read: which frame is which, frames covered, detections left out; {} if not known."""
    stats: Mapping[str, float] = field(default_factory=dict)
    """COCO's twelve numbers, under the protocol `coco` alone."""
    stats_interval: Mapping[str, tuple[float, float] | None] = field(default_factory=dict)
    """Their intervals, where some were asked for; None: there is none."""
    stats_note: Mapping[str, str] = field(default_factory=dict)
    """What must be said of these, of those of which there is something to say."""
    bootstrap: Bootstrap | None = None

    @property
    def mean_ap(self) -> float:
        """The mean AP over classes, of all data."""
        return self.overall.mean_ap

    @property
    def limited(self) -> bool:
        """Whether only a part of the data was run: such a number is no score."""
        return bool(self.run.get("limited", False))

    def group(self, by: str, name: str) -> GroupResult:
        """Return one group; a ValueError that lists the groups if there is none such."""
        for group in self.groups:
            if (group.by, group.name) == (by, name):
                return group
        raise ValueError(f"no group {by}={name}; there are {', '.join(f'{g.by}={g.name}' for g in self.groups)}")

    def to_frame(self) -> pd.DataFrame:
        """Return a row for each group and class, and one of class "" for each mean.

        Columns: protocol, by, name, class, ap, n_gt; and low, high where intervals were asked for.
        """
        import pandas as pd

        return pd.DataFrame([row for group in (self.overall, *self.groups) for row in self._rows(group)])

    def _rows(self, group: GroupResult) -> list[dict[str, Any]]:
        ends = group.interval
        rows = [("", group.mean_ap, int(group.n_gt.sum()), None if ends is None else ends.mean_ap)]
        for c, name in enumerate(self.class_names):
            rows.append((name, float(group.ap[c]), int(group.n_gt[c]), None if ends is None else ends.ap[c]))
        named = {"protocol": self.protocol.name, "by": group.by, "name": group.name}
        return [
            {**named, "class": name, "ap": ap, "n_gt": n_gt}
            | ({} if limits is None else {"low": float(limits[0]), "high": float(limits[1])})
            for name, ap, n_gt, limits in rows
        ]

    def title(self) -> str:
        """The result in one line."""
        limited = ", of a limited run" if self.limited else ""
        data = " ".join(self.data.get(name, "") for name in ("dataset", "split"))
        return f"mAP {percent(self.mean_ap)} % on {data}, protocol {self.protocol.name}{limited}"

    def shown(self) -> list[dict[str, Any]]:
        """The rows of its table."""
        return [
            {
                "group": f"{group.by}: {group.name}" if group.by else "all",
                "ground truth": int(group.n_gt.sum()),
                "mAP %": percent(group.mean_ap),
            }
            | ({} if group.interval is None else {"95 % interval": _ends(group)})
            for group in (self.overall, *self.groups)
        ]

    def to_json(self) -> dict[str, Any]:
        """Return the content of result.json, see docs/formats.md; NaN becomes None."""
        head: dict[str, Any] = {
            "format": RESULT_FORMAT,
            "version": RESULT_VERSION,
            "protocol": self.protocol.name,
            "rules": self.protocol.rules(),
            "limited": self.limited,
            **self._group_json(self.overall),
            "groups": [{"by": g.by, "name": g.name, **self._group_json(g)} for g in self.groups],
        }
        if self.stats:
            head["stats"] = {name: _number(value) for name, value in self.stats.items()}
        if self.stats_interval:
            head["stats_interval"] = {n: ends and list(ends) for n, ends in self.stats_interval.items()}
            head["stats_note"] = dict(self.stats_note)
        if self.bootstrap is not None:
            head["bootstrap"] = {"over": "videos", "interval": INTERVAL, **asdict(self.bootstrap)}
        if self.reading:
            head["reading"] = dict(self.reading)
        return head | {
            "counts": dict(self.counts),
            "data": dict(self.data),
            "run": dict(self.run),
            "software": software(),
        }

    def _group_json(self, group: GroupResult) -> dict[str, Any]:
        ends = group.interval
        content: dict[str, Any] = {"mean_ap": _number(group.mean_ap)}
        if ends is not None:
            content["mean_ap_interval"] = [_number(end) for end in ends.mean_ap]
            content["replicates_below"] = _number(ends.below)
            content["replicates_skew"] = _number(ends.skew)
            content["n_videos"] = ends.n_videos
            content["interval_note"] = group.note()
        content |= {
            "n_gt": int(group.n_gt.sum()),
            "ap": self._by_class(group.ap),
            "n_gt_by_class": {name: int(count) for name, count in zip(self.class_names, group.n_gt, strict=True)},
        }
        if ends is not None:
            content["ap_interval"] = {
                name: [_number(end) for end in ends.ap[c]] for c, name in enumerate(self.class_names)
            }
            content["n_videos_by_class"] = {
                name: int(n) for name, n in zip(self.class_names, ends.n_videos_by_class, strict=True)
            }
            notes = {name: group.note(c) for c, name in enumerate(self.class_names)}
            content["interval_note_by_class"] = {name: note for name, note in notes.items() if note}
        return content

    def _by_class(self, values: NDArray[np.float64]) -> dict[str, float | None]:
        return {name: _number(value) for name, value in zip(self.class_names, values, strict=True)}


def _ends(group: GroupResult) -> str:
    ends = group.ends()
    return group.note() if ends is None else " … ".join(map(percent, ends)) + " (doubtful)" * bool(group.note())


def describe_run(predictions: Predictions) -> dict[str, Any]:
    """Return what predictions tell of their run: detector, options, environment, scenario; speed where it was timed."""
    text = json.dumps(asdict(predictions.run), default=str)
    run: dict[str, Any] = json.loads(text, parse_constant=lambda _: None)  # an option may be NaN or infinite
    return run if predictions.times is None else run | _speed(predictions.times)


def _speed(times: FrameTimes) -> dict[str, Any]:
    """Return frames / total compute seconds of the frames that aren't warm-up, and the look-ahead.

    Frames that weren't run have no time and count for nothing.
    """
    known = np.isfinite(times.compute_seconds)
    timed, look_ahead = known & ~times.warm_up, times.look_ahead[known]
    seconds = float(times.compute_seconds[timed].sum())
    return {
        "timed_frames": int(timed.sum()),
        "compute_seconds": seconds,
        "frames_per_second": times.frames_per_second,
        "look_ahead_max": int(look_ahead.max(initial=0)),
        "look_ahead_mean": float(look_ahead.mean()) if len(look_ahead) else None,
    }


STATED = "stated"
"""The scenario of a speed that somebody stated; all others were measured."""


def with_stated_speed(result: EvalResult, frames_per_second: float, device: str) -> EvalResult:
    """The result with a speed that was measured elsewhere, on `device`, and is stated here.

    Raises ValueError for a speed that isn't above 0 and finite or a device without name, ChoiceError where the
    predictions tell a measured one.
    """
    if not 0 < frames_per_second < math.inf or not device.strip():
        raise ValueError(f"{frames_per_second} frames per second on {device!r}: wanted a number above 0, and a device")
    if result.run.get("frames_per_second") is not None and result.run.get("scenario") != STATED:
        raise ChoiceError(
            "these predictions tell their own times: a speed can be stated only of those that weren't timed"
        )
    environment = {**(result.run.get("environment") or {}), "device": device}
    speed = {"frames_per_second": frames_per_second, "scenario": STATED, "environment": environment}
    return replace(result, run={**result.run, **speed})


def write_result(path: Path, result: EvalResult) -> None:
    """Write result.json, whole or not at all."""
    write_text(path, json.dumps(result.to_json(), indent=1, allow_nan=False, ensure_ascii=False) + "\n")


def read_result(path: Path) -> EvalResult:
    """Return the result stored at `path`.

    Raises FormatError if it isn't a vidkit result of a known version, or one whose numbers can't be or don't add up.
    """
    with reading(path, FormatError, f"a whole {RESULT_FORMAT} file; evaluate again"):
        content = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(content, dict) or content.get("format") != RESULT_FORMAT:
            raise FormatError(f"{path}: no {RESULT_FORMAT} file; make one with `vidkit eval`")
        if content.get("version") != RESULT_VERSION:
            raise FormatError(
                f"{path}: {RESULT_FORMAT} version {content.get('version')}; vidkit {__version__} knows version "
                f"{RESULT_VERSION}"
            )
        result = _from_json(content)
        _check_sense(result)
        return result


def _from_json(content: Mapping[str, Any]) -> EvalResult:
    rules: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in content["rules"].items()}
    names = tuple(content["ap"])
    settings = {k: v for k, v in content.get("bootstrap", {}).items() if k in Bootstrap.__dataclass_fields__}
    return EvalResult(
        protocol=Protocol(name=content["protocol"], **rules),
        class_names=names,
        overall=_group_from_json(content, "", "all", names),
        groups=tuple(_group_from_json(g, g["by"], g["name"], names) for g in content["groups"]),
        counts={name: _count(value, name) for name, value in content["counts"].items()},
        data={str(name): str(value) for name, value in content["data"].items()},
        run={str(name): value for name, value in content["run"].items()},
        reading={str(name): value for name, value in content.get("reading", {}).items()},
        stats={name: _value(v) for name, v in content.get("stats", {}).items()},
        stats_interval={name: _pair(ends) for name, ends in content.get("stats_interval", {}).items()},
        stats_note=content.get("stats_note", {}),
        bootstrap=Bootstrap(**settings) if settings else None,
    )


def _group_from_json(content: Mapping[str, Any], by: str, name: str, names: tuple[str, ...]) -> GroupResult:
    interval = None
    if "mean_ap_interval" in content:
        interval = Interval(
            np.array([_value(end) for end in content["mean_ap_interval"]]),
            np.array([[_value(end) for end in content["ap_interval"][c]] for c in names]).reshape(-1, 2),
            content.get("n_videos", 1),  # older files had no interval where there was one video
            np.array([content.get("n_videos_by_class", {}).get(c, 1) for c in names], np.int64),
            _value(content.get("replicates_below")),
            _value(content.get("replicates_skew")),
            content.get("interval_note") == DOUBTFUL,
            np.array([content.get("interval_note_by_class", {}).get(c) == DOUBTFUL for c in names], bool),
        )
    group = GroupResult(
        str(by),
        str(name),
        _value(content["mean_ap"]),
        np.array([_value(content["ap"][c]) for c in names], np.float64),
        np.array([_count(content["n_gt_by_class"][c], c) for c in names], np.int64),
        interval,
    )
    if group.n_gt.sum() != _count(content["n_gt"], "n_gt"):
        raise FormatError(f"{by}: {name}: n_gt {content['n_gt']}, its classes have {group.n_gt.sum()} together")
    return group


def _count(value: Any, name: str) -> int:
    if type(value) is not int or not 0 <= value < 2**53:
        raise FormatError(f"{name} is {value!r}, wanted a whole number from 0")
    return value


_ROUNDED = 1e-9


def _check_sense(result: EvalResult) -> None:
    """Raise FormatError for an AP outside 0 … 1, a mean that isn't that of the APs, an interval turned round."""
    groups = (result.overall, *result.groups)
    ends = [each for g in groups if g.interval for each in (g.interval.mean_ap[None], g.interval.ap)]
    low, high = np.concatenate([np.zeros((0, 2)), *ends]).T
    ap, told = np.array([group.ap for group in groups]), np.array([group.mean_ap for group in groups])
    if ((ap < 0) | (ap > 1 + _ROUNDED)).any() or (low < 0).any() or (high > 1 + _ROUNDED).any():
        raise FormatError("an AP outside 0 … 1")
    if (low > high + _ROUNDED).any():
        raise FormatError("an interval that ends before it begins")
    known = ~np.isnan(ap)
    with np.errstate(invalid="ignore"):
        mean = np.where(known, ap, 0).sum(axis=1) / known.sum(axis=1)
    if result.protocol.missing_class != "skip" and not known[0].all():
        mean[0] = np.nan
    wrong = np.flatnonzero(~((np.abs(mean - told) <= _ROUNDED) | (np.isnan(mean) & np.isnan(told))))
    if len(wrong):
        group = groups[wrong[0]]
        place = f"{group.by}: {group.name}" if group.by else "all"
        raise FormatError(f"{place}: mean_ap {group.mean_ap:.6g}, the mean of its ap is {mean[wrong[0]]:.6g}")
    for name in ("options", "environment"):
        if not isinstance(result.run.get(name, {}), dict):
            raise FormatError(f"run: {name} is {result.run[name]!r}, wanted an object")
    numbers = [*result.stats.values(), *(end for pair in result.stats_interval.values() for end in pair or ())]
    if any(not -1 - _ROUNDED <= value <= 1 + _ROUNDED for value in numbers if value == value):
        raise FormatError("stats: a number outside -1 … 1")


def software() -> dict[str, str]:
    """Return the versions of vidkit, Python and numpy that made a result."""
    return {"vidkit": __version__, "python": platform.python_version(), "numpy": np.__version__}


def _number(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _pair(ends: list[float | None] | None) -> tuple[float, float] | None:
    """The ends of an interval; older files had [null, null] for none."""
    return None if ends is None or ends[0] is None or ends[1] is None else (float(ends[0]), float(ends[1]))


def _value(value: float | None) -> float:
    if value is None:
        return float("nan")
    if type(value) not in (int, float) or not math.isfinite(value):
        raise FormatError(f"{value!r} is no number; wanted one, or null")
    return float(value)
