"""Weights to start from: the parts of a network that checkpoints have.

A checkpoint of any method gives the parts that it shares with the network: one of `per-frame` gives an Impression
Network its feature and task networks. A flow checkpoint gives the flow network alone. It is what `torch.save` writes of
one dict: `format` "impnet-flow", `version` 1, `build`, `state` (names as in `network.flow`), `notes`.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from torch import Tensor, nn

from impnet_model.nets.network import ImpressionNetwork
from impnet_model.weights.checkpoints import faults_of, load, read
from vidkit.errors import FormatError
from vidkit.reading_door import reading

FLOW_FORMAT, FLOW_VERSION = "impnet-flow", 1
SCALE = "flow.scale."
"""The scale map isn't part of every flow network; where one side lacks it, it stays what it is."""


def take_weights(network: ImpressionNetwork, paths: Sequence[Path]) -> set[str]:
    """Load into the network the parts that the checkpoints have, the last one winning; return the names of parts.

    Raises FormatError where a part doesn't fit, or a checkpoint has none that the network has.
    """
    taken: set[str] = set()
    for path in paths:
        taken |= _take(network, _state_of(path), path)
    return taken


def take_flow(flow: nn.Module, paths: Sequence[Path]) -> None:
    """Load the flow network that checkpoints have, the last one winning. Errors as of `take_weights`."""
    holder = nn.ModuleDict({"flow": flow})
    for path in paths:
        _take(holder, _state_of(path), path)


def _take(network: nn.Module, state: Mapping[str, Tensor], path: Path) -> set[str]:
    own = network.state_dict()
    parts = {_part(name) for name in own} & {_part(name) for name in state}
    if not parts:
        raise FormatError(f"{path}: has none of this network's parts")
    chosen = {name: tensor for name, tensor in state.items() if _part(name) in parts}
    wanted = {name: tensor for name, tensor in own.items() if _part(name) in parts}
    for side, other in ((chosen, wanted), (wanted, chosen)):
        for name in [name for name in side if name.startswith(SCALE) and name not in other]:
            del side[name]
    if faults := faults_of(wanted, chosen):
        raise FormatError(f"{path}: {'; '.join(faults)}. It was made with another build; nothing was loaded")
    network.load_state_dict({name: tensor.to(own[name].dtype) for name, tensor in chosen.items()}, strict=False)
    return parts


def _state_of(path: Path) -> Mapping[str, Tensor]:
    with reading(path, FormatError, "a checkpoint"):
        content = read(path)
        if content.get("format") != FLOW_FORMAT:
            return load(path).network.state_dict()
        state = content.get("state")
        if content.get("version") != FLOW_VERSION or not isinstance(state, dict):
            raise FormatError(f"{path}: version {content.get('version')!r}; wanted {FLOW_FORMAT!r} {FLOW_VERSION}")
        return {f"flow.{name}": tensor for name, tensor in state.items()}


def _part(name: str) -> str:
    return name.partition(".")[0]
