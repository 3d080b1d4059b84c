"""The settings of a training run: four groups of plain values, and how names and values become them."""

import tomllib
import types
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from impnet_model.flows.carried import Warp
from impnet_model.nets.build import BUILDS, Build
from impnet_model.training.losses import Selection
from impnet_model.training.optimisation import Optimisation
from vidkit.errors import FormatError, VidkitError, did_you_mean
from vidkit.number_ranges import check_ranges
from vidkit.reading_door import reading
from vidkit.sampling.strata import Epochs

T = TypeVar("T")


class TrainingError(VidkitError):
    """A training run that can't begin, can't go on, or is not what its folder says."""


RANGES: dict[str, tuple[float, float]] = {
    **dict.fromkeys(("length", "radius"), (1, 1_000_000)),
    **dict.fromkeys(("per_video", "epoch_size", "validate_every"), (1, 10**12)),
    **dict.fromkeys(("class_balance", "flips", "jitter"), (0.0, 1.0)),
    "shares": (0.0, 1e12),
    "workers": (0, 1024),
    "seed": (0, 2**63 - 1),
}
"""The least and the most that each number of `Data` may be."""


@dataclass(frozen=True)
class Data:
    """Which samples, and how they are read. Raises ValueError for a number outside its range."""

    length: int = 10
    """l, the segment length: how far apart the frames of a sample are. Not for per-frame and fgfa."""
    radius: int = 9
    """fgfa: how far away the neighbours may be."""
    key: Literal["first", "central"] = "first"
    """dff: which frame of a segment its key is; the detector's `key_id` is to be the same."""
    causal: bool = False
    """impression: keys at the starts of segments, no frame after the current one, as a detector with `key_id=0`."""
    per_video: int | None = 15
    """Only so many evenly spaced frames of each video are current frames, as in the published lists; None: all."""
    shares: tuple[float, ...] | None = None
    """Parts of an epoch that the indices get; None: by size."""
    class_balance: float = 0.0
    epoch_size: int | None = None
    flips: float = 0.5
    """Share of samples that are mirrored."""
    jitter: float = 0.0
    """Brightness and contrast of a sample are multiplied by numbers from 1 - jitter to 1 + jitter."""
    seed: int = 0
    """Of the samples and of random weights."""
    workers: int = 4
    """Processes that decode; 0: none but the one that trains."""
    validate_every: int | None = None
    """Iterations between two scores on the validation index, with one at the end; None: no scores."""

    def __post_init__(self) -> None:
        check_ranges(self, RANGES)
        if self.jitter == 1:
            raise ValueError(f"jitter {self.jitter}: wanted 0 or more, below 1")
        self.epochs()

    def epochs(self) -> Epochs:
        """What an epoch is made of."""
        return Epochs(
            per_video=self.per_video, shares=self.shares, class_balance=self.class_balance, size=self.epoch_size
        )


@dataclass(frozen=True)
class Warping:
    """How features are moved in training; the detector's option `warp` is to be the same."""

    warp: Warp = "bilinear"
    """cells: by whole cells; what is left of the way moves the objects that are learned. The flow network keeps its
    weights, since rounded flow has no gradient."""


@dataclass(frozen=True)
class TrainConfig:
    """All settings of a run but its method, its build and its indices. The defaults are the paper's."""

    optimisation: Optimisation = field(default_factory=Optimisation)
    data: Data = field(default_factory=Data)
    selection: Selection = field(default_factory=Selection)
    warping: Warping = field(default_factory=Warping)
    frozen: tuple[str, ...] = ("feature.conv1", "feature.bn1", "feature.layer1")
    """Parts of the network that keep their weights: the first stages, as in the published code."""


PAPER = TrainConfig()
SMALL = TrainConfig(
    Optimisation(
        iterations=6000,
        batch=4,
        optimizer="adamw",
        weight_decay=1e-4,
        drops=(0.6, 0.85),
        drop_factor=0.3,
        warmup=100,
        clip=5.0,
        flow_rate=0.3,
    ),
    Data(per_video=None, workers=1),
    Selection(anchors=128, object_anchors=64, object_iou=0.6, regions=64),
    frozen=(),
)
"""For the tiny build from random weights: AdamW, a short schedule, nothing frozen. By trial, not from the paper."""

SECTIONS = ("optimisation", "data", "selection", "warping")


def settings_from(path: Path | None, given: Sequence[str] = ()) -> dict[str, Any]:
    """The settings of a TOML file, its tables laid flat, with those given as "KEY=VALUE" on top.

    A value is TOML, bare words are strings. Raises FormatError for what is no TOML file, ValueError for what is given
    in another form.
    """
    values: dict[str, Any] = {}
    if path is not None:
        with reading(path, FormatError, "a TOML file of settings"):
            read = tomllib.loads(path.read_text(encoding="utf-8"))
        for name, value in read.items():
            values |= value if isinstance(value, dict) else {name: value}
    for each in given:
        name, equals, text = each.partition("=")
        if not equals or not name.strip():
            raise ValueError(f"{each!r}: wanted KEY=VALUE")
        values[name.strip()] = _toml_value(text.strip())
    return values


def _toml_value(text: str) -> Any:
    """What a TOML value says; bare words are strings."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def build_named(name: Any) -> Build:
    """The build of this name. Raises TrainingError for an unknown one."""
    if name not in BUILDS:
        raise TrainingError(f"build {name!r}: unknown{did_you_mean(str(name), [*BUILDS])}; known: {', '.join(BUILDS)}")
    found: Build = BUILDS[name]
    return found


def settings_of(values: Mapping[str, Any], n_classes: int) -> tuple[Build, TrainConfig]:
    """The build and the settings that `values` ask for.

    `build` names one of `build.BUILDS`, the default is the paper's; `tiny` has the settings `SMALL`, all others
    `PAPER`. Every other name is a number of the build or a setting. Raises TrainingError for an unknown name, and for a
    value of a wrong type or outside its range.
    """
    name = values.get("build", "resnet101")
    base = replace(build_named(name), n_classes=n_classes)
    config = SMALL if name == "tiny" else PAPER
    rest = {key: value for key, value in values.items() if key != "build"}
    numbers = {key: rest.pop(key) for key in list(rest) if key in names_of(Build) and key != "n_classes"}
    return changed(base, numbers), with_settings(config, rest)


def with_settings(config: TrainConfig, values: Mapping[str, Any]) -> TrainConfig:
    """The settings with some of them changed, by name, whatever group they are in. Errors as `settings_of`."""
    known = {"frozen", *(name for section in SECTIONS for name in names_of(type(getattr(config, section))))}
    if strange := sorted(set(values) - known):
        close = did_you_mean(strange[0], sorted(known | names_of(Build)))
        raise TrainingError(f"no setting {strange[0]!r}{close}; known are {', '.join(sorted(known))}")
    for section in SECTIONS:
        group = getattr(config, section)
        chosen = {name: value for name, value in values.items() if name in names_of(type(group))}
        config = replace(config, **{section: changed(group, chosen)})
    return changed(config, {"frozen": values["frozen"]}) if "frozen" in values else config


def flat(config: TrainConfig) -> dict[str, Any]:
    """The settings by name, without groups: what `with_settings` takes."""
    groups = asdict(config)
    return {name: value for section in SECTIONS for name, value in groups[section].items()} | {"frozen": config.frozen}


def names_of(kind: type[Any]) -> set[str]:
    """The names of a dataclass's fields."""
    return {each.name for each in fields(kind)}


def changed(group: T, values: Mapping[str, Any]) -> T:
    """A dataclass with some fields changed. Raises TrainingError for a value that doesn't fit its field."""
    hints = get_type_hints(type(group))
    fitting = {name: fitted(name, value, hints[name]) for name, value in values.items()}
    try:
        return replace(group, **fitting)  # type: ignore[type-var]  # T is always a dataclass
    except ValueError as error:
        raise TrainingError(str(error)) from None


def fitted(name: str, value: Any, hint: Any) -> Any:
    """A value as the type `hint` wants it; whole numbers do where any number does, "none" for None."""
    origin, parts = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        if value is None or value == "none":
            return None
        return fitted(name, value, next(part for part in parts if part is not type(None)))
    if origin is Literal:
        if value in parts:
            return value
    elif origin is tuple:
        if isinstance(value, list | tuple):
            return tuple(fitted(name, each, parts[0]) for each in value)
    elif hint is float:
        if type(value) is float or (type(value) is int and abs(value) < 2**53):
            return float(value)
    elif isinstance(value, hint) and (hint is bool or not isinstance(value, bool)):
        return value
    wanted = " or ".join(map(repr, parts)) if origin is Literal else str(getattr(hint, "__name__", hint))
    raise TrainingError(f"setting {name} = {value!r}: wanted {wanted}")
