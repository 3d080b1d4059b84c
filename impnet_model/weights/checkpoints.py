"""Checkpoints: a network with the numbers it was built from and the classes it knows, in one file.

The file is what `torch.save` writes of one dict of plain values and tensors, so that `torch.load(weights_only=True)`
reads it: nothing in it is run. It MUST have these keys:

- `format` "impnet-checkpoint", `version` 1;
- `method`: one of `methods.METHODS` that has a wiring; `build`: the fields of `build.Build`;
- `classes`: a list of `[name, wnid]`, in the order of the class ids;
- `state`: name → tensor, each tensor of the network once; floating tensors MAY be in half precision;
- `notes`: plain values about its making (training step, scores …), MAY be empty.

It MAY have `training`: what a training run needs to go on from here.
"""

import pickle
import re
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from io import FileIO
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from impnet_model.methods import methods_with
from impnet_model.nets.build import Build
from impnet_model.nets.network import ImpressionNetwork
from impnet_model.nets.wirings import wired
from vidkit.classes import ObjectClass
from vidkit.errors import FormatError
from vidkit.files import writing
from vidkit.reading_door import reading

FORMAT, VERSION = "impnet-checkpoint", 1


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """A network and what it is."""

    network: ImpressionNetwork
    method: str
    build: Build
    classes: tuple[ObjectClass, ...]
    notes: Mapping[str, Any]


def save(checkpoint: Checkpoint, path: Path, half: bool = False) -> None:
    """Write a checkpoint, whole or not at all; `half` stores floating tensors in float16."""
    content = content_of(checkpoint, half)
    with writing(path) as part:
        save_tensors(content, part)


def save_tensors(content: Mapping[str, Any], path: Path) -> None:
    """Write what `torch.save` writes. A full disk is an OSError that says so, where torch says "unexpected pos"."""
    failed: list[OSError] = []

    class Remembering(FileIO):
        """A file that keeps its first failure: torch turns it into one of its own, which doesn't tell."""

        def write(self, data: Any) -> int:
            """Write all of `data`."""
            view, done = memoryview(data).cast("B"), 0
            try:
                while done < len(view):
                    done += super().write(view[done:]) or 0
            except OSError as error:
                failed.append(error)
                raise
            return done

    try:
        with Remembering(path, "w") as file:
            torch.save(dict(content), file)
    except Exception:
        if failed:
            raise failed[0] from None
        raise


def content_of(checkpoint: Checkpoint, half: bool = False) -> dict[str, Any]:
    """What `save` writes of a checkpoint."""
    state = {name: tensor.detach().cpu().clone() for name, tensor in checkpoint.network.state_dict().items()}
    if half:
        state = {name: tensor.half() if tensor.is_floating_point() else tensor for name, tensor in state.items()}
    return {
        "format": FORMAT,
        "version": VERSION,
        "method": checkpoint.method,
        "build": asdict(checkpoint.build),
        "classes": [[each.name, each.wnid] for each in checkpoint.classes],
        "state": state,
        "notes": dict(checkpoint.notes),
    }


def load(path: Path) -> Checkpoint:
    """The checkpoint in `path`, its network in float32 on the CPU.

    Raises FormatError if the file isn't a checkpoint, is of an unknown version, or its tensors aren't exactly those of
    the network it names: never half of one.
    """
    content = read(path)
    for key in ("format", "version", "method", "build", "classes", "state", "notes"):
        if key not in content:
            raise FormatError(f"{path}: no key {key!r}; wanted a checkpoint that `vidkit train` wrote")
    if content["format"] != FORMAT or content["version"] != VERSION:
        raise FormatError(
            f"{path}: format {content['format']!r} version {content['version']!r}; wanted {FORMAT!r} version {VERSION}"
        )
    if not isinstance(content["notes"], dict):
        raise FormatError(f"{path}: its notes are a {type(content['notes']).__name__}; wanted names with plain values")
    if content["method"] not in (known := methods_with("wiring")):
        raise FormatError(f"{path}: unknown method {content['method']!r}; known are {', '.join(known)}")
    build = _build(content["build"], path)
    classes = _classes(content["classes"], build, path)
    with reading(path, FormatError, "numbers that a network can be built from"), torch.device("meta"):
        outline = wired(content["method"], build)  # costs no memory, whatever numbers the file has
    check_state(outline, content["state"], str(path))
    network = wired(content["method"], build)
    own = network.state_dict()
    network.load_state_dict({name: tensor.to(own[name].dtype) for name, tensor in content["state"].items()})
    return Checkpoint(network, content["method"], build, classes, content["notes"])


def read(path: Path) -> dict[str, Any]:
    """The dict in a file of `torch.save`. Raises FormatError if it is none, or holds more than plain values."""
    with reading(path, FormatError, "a file of torch weights"):
        _check_sums(path)
        content = _loaded(path)
        if not isinstance(content, dict):
            raise FormatError(f"{path}: holds a {type(content).__name__}; wanted a dict of tensors")
        if large := _larger_than_stored(content):
            raise FormatError(f"{path}: a tensor {large} that is larger than what the file stores of it")
        return content


def _loaded(path: Path) -> Any:
    """What torch reads of a file: tensors and plain values, nothing else."""
    try:
        with torch.serialization.safe_globals(_plain_numbers()):
            return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        asked = re.search(r"GLOBAL (\S+)", str(error))
        what = f" (it asks for {asked.group(1)})" if asked else ""
        raise FormatError(
            f"{path}: not read: no file of torch weights, or more than tensors and values{what}"
        ) from None


def _larger_than_stored(content: Any) -> tuple[int, ...]:
    """The shape of the first tensor with more numbers than its storage, which a stride of 0 makes; () for none.

    Each object is looked at once, however often the file names it.
    """
    waiting, seen = [content], set()
    while waiting:
        each = waiting.pop()
        if id(each) in seen:
            continue
        seen.add(id(each))
        if isinstance(each, Tensor) and each.layout == torch.strided:
            if each.numel() * each.element_size() > each.untyped_storage().nbytes():
                return tuple(each.shape)
        elif isinstance(each, dict):
            waiting += [*each.keys(), *each.values()]
        elif isinstance(each, list | tuple | set):
            waiting += each
    return ()


def _check_sums(path: Path) -> None:
    """Raise FormatError where a part of torch's archive isn't what its CRC-32 says: torch itself doesn't look."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            if damaged := archive.testzip():
                raise FormatError(f"{path}: {damaged} isn't what its checksum says; the file was damaged")


def check_state(network: torch.nn.Module, state: Any, source: str) -> None:
    """Raise FormatError that lists every missing, unexpected and misshapen tensor, and those not finite; if any."""
    if not isinstance(state, dict):
        raise FormatError(f"{source}: the state is a {type(state).__name__}; wanted names with tensors")
    faults = faults_of(network.state_dict(), state)
    if faults:
        raise FormatError(f"{source}: {'; '.join(faults)}. Nothing was loaded")


def faults_of(wanted: Mapping[str, Tensor], state: Mapping[str, Any]) -> list[str]:
    """In words what keeps `state` from being `wanted`: names, shapes, values; empty if nothing does."""
    common = sorted(set(wanted) & set(state))
    tensors = [name for name in common if isinstance(state[name], Tensor) and _is_plain(state[name])]
    right = [name for name in tensors if state[name].shape == wanted[name].shape]
    shapes = [
        f"{name} {tuple(state[name].shape)}, wanted {tuple(wanted[name].shape)}"
        for name in tensors
        if state[name].shape != wanted[name].shape
    ]
    found = {
        "missing": sorted(set(wanted) - set(state)),
        "unexpected": sorted(map(str, set(state) - set(wanted))),
        "no dense tensor of real numbers": [name for name in common if name not in tensors],
        "of another shape": shapes,
        # what has another shape may be of any size: its values aren't looked at
        "with values that aren't finite": [name for name in right if not bool(torch.isfinite(state[name]).all())],
    }
    return [f"{len(names)} {what}: {', '.join(names)}" for what, names in found.items() if names]


def _is_plain(tensor: Tensor) -> bool:
    return tensor.layout == torch.strided and not (tensor.is_complex() or tensor.is_quantized)


def _plain_numbers() -> list[Any]:
    """What numpy numbers are made of: training scripts like to leave them in their files ("best_EPE")."""
    scalar = np.float64(0).__reduce__()[0]
    kinds = [type(np.dtype(kind)) for kind in ("f8", "f4", "i8", "i4")]
    return [scalar, (scalar, "numpy.core.multiarray.scalar"), np.dtype, *kinds]


def _build(values: Any, path: Path) -> Build:
    """The numbers of a build, each of the type that its default has."""
    if not isinstance(values, dict):
        raise FormatError(f"{path}: its build is a {type(values).__name__}; wanted names with numbers")
    known = asdict(Build())
    strange = sorted(str(name) for name in values if name not in known)
    wrong = [name for name in values if name in known and not _is_like(values[name], known[name])]
    if strange or wrong:
        faults = [f"unknown: {', '.join(strange)}"] * bool(strange) + [f"of a wrong type: {', '.join(wrong)}"] * bool(
            wrong
        )
        raise FormatError(f"{path}: numbers of its build {'; '.join(faults)}")
    numbers: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in values.items()}
    with reading(path, FormatError, "numbers that a network can be built from"):
        return replace(Build(), **numbers)


def _is_like(value: Any, default: Any) -> bool:
    if isinstance(default, tuple):
        return isinstance(value, tuple | list) and all(_is_like(each, default[0]) for each in value)
    if default is None or isinstance(default, float):
        return value is None or (isinstance(value, int | float) and not isinstance(value, bool))
    if isinstance(default, int) and not isinstance(default, bool):
        return isinstance(value, int | float) and not isinstance(value, bool)
    return isinstance(value, type(default))


def _classes(values: Any, build: Build, path: Path) -> tuple[ObjectClass, ...]:
    pairs: Sequence[Any] = values if isinstance(values, list) else []
    if not all(isinstance(pair, list) and len(pair) == 2 and all(isinstance(v, str) for v in pair) for pair in pairs):
        raise FormatError(f"{path}: its classes aren't [name, wnid] pairs")
    if len({name for name, _ in pairs}) != len(pairs):
        raise FormatError(f"{path}: two of its classes have one name")
    if len(pairs) != build.n_classes:
        raise FormatError(f"{path}: {len(pairs)} class names for a network of {build.n_classes} classes")
    return tuple(ObjectClass(*pair) for pair in pairs)
