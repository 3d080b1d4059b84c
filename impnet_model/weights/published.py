"""Weights that others have published, as checkpoints or parts of ours: verified, renamed, complete or refused."""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from impnet_model.flows.flownet_s import FLOW_UNIT
from impnet_model.nets.build import Build
from impnet_model.nets.wirings import wired
from impnet_model.weights.checkpoints import Checkpoint, faults_of, read
from impnet_model.weights.mxnet_params import is_mxnet_params, read_mxnet_params
from impnet_model.weights.tensor_names import KINDS
from vidkit.classes import ObjectClass
from vidkit.errors import ChoiceError, FormatError, did_you_mean
from vidkit.npz_arrays import read_arrays
from vidkit.reading_door import reading

KNOWN_SHA256 = {
    "flownets_EPE1.951.pth.tar": "d98505dc749c35f0d4b4ce0536b4f64797ec22ea194a5f743af97dc3f778447d",
    "flownets_from_caffe.pth.tar": "0cfadc4e9b4b05807519f5d7472068e799bb587c7b23c3c8a5e94ed20a38ea51",
    "flownets_bn_EPE2.459.pth.tar": "77bbee0e7023c0d5b3f64bd9a55bdd71a87426616c2f4924379b2fd648e0c9c8",
}
"""By the names under which FlowNetPytorch gives them out. torchvision writes the first digits into its file names."""

GIT_LFS = b"version https://git-lfs.github.com/spec/"


@dataclass(frozen=True, eq=False)
class Conversion:
    """What became of a file of published weights."""

    checkpoint: Checkpoint
    """Its notes tell source, digest, and under "fresh" the tensors that no file has given yet."""
    filled: tuple[str, ...]
    """Tensors of ours that the file gave."""
    fresh: tuple[str, ...]
    """Tensors of ours that no file has given yet: freshly initialised (biases of FlowNet-S are zero)."""
    ignored: tuple[str, ...]
    """Tensors of the file that are known and not wanted: classifiers, counters."""
    sha256: str
    verified: bool
    """Whether the digest was held against a known one."""


def convert(
    path: Path,
    kind: str,
    build: Build,
    classes: tuple[ObjectClass, ...],
    onto: Checkpoint | None = None,
    sha256: str | None = None,
) -> Conversion:
    """A network of `build` with the published weights in it, or the one of `onto` with them added.

    sha256: the digest the file must have; known files are verified without it. Tensors that this kind of file doesn't
    have stay as they are, freshly initialised or as in `onto`, and are listed.

    Raises FormatError if the digest differs, the file can't be read safely, or a tensor is missing, unexpected, of
    another shape or not finite: all of them are listed. Raises ChoiceError for an unknown kind, or one that doesn't fit
    `onto`.
    """
    if kind not in KINDS:
        raise ChoiceError(
            f"unknown kind of weights {kind!r}{did_you_mean(kind, [*KINDS])}; known are {', '.join(KINDS)}"
        )
    rules = KINDS[kind]
    digest, verified = verify(path, sha256)
    state = read_published(path)
    start = onto or Checkpoint(wired(rules.method, build), rules.method, build, classes, {})
    build = rules.adapt(start.build)
    network = wired(start.method, build)
    ours = start.network.state_dict()
    names = {theirs: rules.part + name for theirs, name in rules.names(build).items()}
    if not set(names.values()) <= set(ours):
        raise ChoiceError(f"weights of kind {kind!r} don't go into a network of method {start.method!r}")
    ignored = tuple(name for name in state if name not in names and re.fullmatch(rules.ignored, name))
    given = {name: tensor for name, tensor in state.items() if name not in ignored}
    faults = faults_of({theirs: ours[name] for theirs, name in names.items()}, given)
    if faults:
        raise FormatError(f"{path}: not the weights of kind {kind!r} for this build: {'; '.join(faults)}")
    filled = {name: state[theirs].to(ours[name].dtype) for theirs, name in names.items()}
    network.load_state_dict({**ours, **filled})
    still_fresh = start.notes.get("fresh", list(ours)) if onto else list(ours)
    fresh = tuple(name for name in still_fresh if name not in filled)
    sources = [*start.notes.get("sources", []), {"kind": kind, "file": path.name, "sha256": digest}]
    notes = {**start.notes, "sources": sources, "fresh": list(fresh)}
    checkpoint = Checkpoint(network, start.method, build, start.classes, notes)
    return Conversion(checkpoint, tuple(filled), fresh, ignored, digest, verified)


def verify(path: Path, sha256: str | None = None) -> tuple[str, bool]:
    """The file's SHA-256 and whether it was held against a known one: given, published, or in the name.

    Raises FormatError where they differ, and for the pointer that Git LFS leaves in the place of a large file.
    """
    with reading(path, FormatError, "a file of weights"), path.open("rb") as file:
        start = file.read(len(GIT_LFS))
        file.seek(0)
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if start == GIT_LFS:
        raise FormatError(f"{path}: a Git LFS pointer, not the weights; fetch them with `git lfs pull`")
    in_name = re.search(r"-([0-9a-f]{8,64})\.pth$", path.name)
    wanted = sha256 or KNOWN_SHA256.get(path.name) or (in_name.group(1) if in_name else None)
    if wanted is not None and not digest.startswith(wanted.lower()):
        raise FormatError(f"{path}: SHA-256 {digest}; wanted {wanted}: cut off, changed, or another file of this name")
    return digest, wanted is not None or digest in KNOWN_SHA256.values()


def read_published(path: Path) -> dict[str, Tensor]:
    """The tensors of a published file by name: MXNet `.params`, `.npz`, or what `torch.save` wrote.

    Of nested files the `state_dict` or `model` is taken; prefixes that all names share (`module.`, `flownet.`) go.
    Raises FormatError if it can't be read without running anything in it.
    """
    with reading(path, FormatError, "tensors with names"):
        if is_mxnet_params(path):
            return {name: torch.from_numpy(array.copy()) for name, array in read_mxnet_params(path).items()}
        if path.suffix == ".npz":
            return {name: torch.from_numpy(array.copy()) for name, array in read_arrays(path).items()}
        return _tensors_of(read(path), path)


def _tensors_of(content: dict[str, Any], path: Path) -> dict[str, Tensor]:
    """The tensors of what `torch.save` wrote."""
    if content.get("div_flow", FLOW_UNIT) != FLOW_UNIT:
        raise FormatError(f"{path}: trained on flow / {content['div_flow']}; wanted flow / {FLOW_UNIT}")
    for key in ("state_dict", "model"):
        if isinstance(content.get(key), dict):
            content = content[key]
    for prefix in ("module.", "flownet."):
        if content and all(str(name).startswith(prefix) for name in content):
            content = {name.removeprefix(prefix): tensor for name, tensor in content.items()}
    return content
