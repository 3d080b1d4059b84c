"""The methods, one row each: what `vidkit train` and `load_detector` offer comes from this table.

A row names where the parts of a method are, as setup.cfg does, and `part_of` fetches one when it is needed. So no torch
is imported for a list of names, and a method's own module may hold all of its parts.
"""

from dataclasses import dataclass
from pkgutil import resolve_name
from typing import Any, Literal

from vidkit.errors import ChoiceError, did_you_mean

Part = Literal["detector", "wiring", "offsets", "forward", "streams"]


@dataclass(frozen=True)
class Method:
    """Where the parts of a method are, each as "module:name"; "" for one that it hasn't."""

    detector: str = ""
    """The factory of its detector; setup.cfg has the same under `vidkit.detectors`."""
    wiring: str = ""
    """Its networks, by the name that checkpoints carry: `nets.build.Build` → `ImpressionNetwork`."""
    offsets: str = ""
    """Which frames make a training sample: one of `vidkit.sampling.offsets`."""
    forward: str = ""
    """What becomes of them in training: (network, images, frame rows) → the feature of each current frame."""
    streams: bool = False
    """It answers each frame before it takes the next, where the keyframe comes first in its segment."""


METHODS = {
    "per-frame": Method(
        "impnet_model.detectors.per_frame:per_frame",
        "impnet_model.nets.wirings:per_frame",
        "vidkit.sampling.offsets:single_frame",
        "impnet_model.training.forwards:per_frame",
        streams=True,
    ),
    "dff": Method(
        "impnet_model.detectors.dff:dff",
        "impnet_model.nets.wirings:deep_feature_flow",
        "vidkit.sampling.offsets:dff_pair",
        "impnet_model.training.forwards:deep_feature_flow",
        streams=True,
    ),
    "impression-fixed": Method(
        wiring="impnet_model.nets.wirings:impression_fixed",
        offsets="vidkit.sampling.offsets:impression_triplet",
        forward="impnet_model.training.forwards:impression",
    ),
    "impression": Method(
        "impnet_model.detectors.impression:impression",
        "impnet_model.nets.wirings:impression",
        "vidkit.sampling.offsets:impression_triplet",
        "impnet_model.training.forwards:impression",
        streams=True,
    ),
    "impression-frozen": Method(
        wiring="impnet_model.nets.wirings:impression_frozen",
        offsets="vidkit.sampling.offsets:impression_triplet",
        forward="impnet_model.training.forwards:impression",
    ),
    "impression-adaptive": Method("impnet_model.detectors.adaptive:impression_adaptive", streams=True),
    "fgfa": Method(
        "impnet_model.detectors.fgfa:fgfa",
        "impnet_model.nets.wirings:fgfa",
        "vidkit.sampling.offsets:fgfa",
        "impnet_model.training.forwards:fgfa",
    ),
    "fgfa-fast": Method("impnet_model.detectors.fgfa_fast:fgfa_fast"),
}


def methods_with(part: Part) -> tuple[str, ...]:
    """The names of the methods that have a part, in the order of the table."""
    return tuple(name for name, method in METHODS.items() if getattr(method, part))


def method_with(name: str, part: Part) -> Method:
    """The method of this name. Raises ChoiceError that lists those with the part where this is none of them."""
    known = methods_with(part)
    if name not in known:
        raise ChoiceError(f"no method {name!r}{did_you_mean(name, [*known])}; known are {', '.join(known)}")
    return METHODS[name]


def part_of(name: str, part: Part) -> Any:
    """A part of a method, imported. Errors as of `method_with`."""
    return resolve_name(getattr(method_with(name, part), part))
