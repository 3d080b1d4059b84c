"""The kinds of flow by name, each made for one video after the other."""

from collections.abc import Callable
from pkgutil import resolve_name
from typing import Literal

import numpy as np

from impnet_model.flows.classical import dense_inverse_search, farneback
from impnet_model.flows.codec import CodecSteps
from impnet_model.flows.memory import Frame, PairFlow, PairSteps, Steps
from impnet_model.flows.raft import raft
from vidkit.errors import DetectorError, did_you_mean

OwnFlow = Literal["zero", "farneback", "dis", "raft", "codec"]
"""Kinds that need no network of ours; a function on two frames is named as module:function, see `memory.PairFlow`."""


def no_motion() -> PairFlow:
    """Every pixel stands still: the ablation."""
    return lambda current, other: np.zeros((*current.shape[:2], 2), np.float32)


OF_PAIRS: dict[str, Callable[[], PairFlow]] = {
    "zero": no_motion,
    "farneback": farneback,
    "dis": dense_inverse_search,
    "raft": raft,
}


def steps_of(name: str, side: int) -> Callable[[], Steps[Frame]]:
    """What makes the steps of a video by a kind of flow; frames are made small to `side` pixels on their shorter side.

    Raises DetectorError for an unknown name, or a function that can't be imported; MissingLibraryError where the
    library of a kind isn't installed.
    """
    if side < 16:
        raise DetectorError(f"option 'flow_side': {side}; wanted 16 pixels or more")
    if name == "codec":
        return CodecSteps
    flow = _pair_flow(name)
    return lambda: PairSteps(flow, side)


def _pair_flow(name: str) -> PairFlow:
    if name in OF_PAIRS:
        return OF_PAIRS[name]()
    if ":" not in name:
        known = ["learned", *OF_PAIRS, "codec"]
        raise DetectorError(
            f"no flow {name!r}{did_you_mean(name, known)}; known are: {', '.join(known)}; another is named as "
            "module:function"
        )
    try:
        found = resolve_name(name)
    except (ImportError, AttributeError, ValueError) as error:
        raise DetectorError(f"flow {name!r} can't be imported: {error}") from error
    if not callable(found):
        raise DetectorError(f"flow {name!r}: a {type(found).__name__} was found where a function was wanted")
    flow: PairFlow = found
    return flow
