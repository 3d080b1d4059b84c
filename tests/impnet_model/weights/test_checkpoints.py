"""Checkpoints and published weights: whole or refused, and nothing in a file is run."""

import hashlib
import os
import struct
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from impnet_model.methods import methods_with
from impnet_model.nets.build import RESNET18, Build
from impnet_model.nets.wirings import wired
from impnet_model.weights import tensor_names
from impnet_model.weights.checkpoints import Checkpoint, load, read, save
from impnet_model.weights.mxnet_params import read_mxnet_params
from impnet_model.weights.published import KNOWN_SHA256, convert, read_published, verify
from impnet_model.weights.tensor_names import KINDS
from tests.impnet_model.makers import SMALL, make_network
from vidkit.classes import ObjectClass
from vidkit.errors import ChoiceError, FormatError

CLASSES = tuple(ObjectClass(f"thing{i}", f"n{i}") for i in range(3))
SMALL_CAFFE = replace(
    SMALL,
    stem_width=4,
    bottleneck=True,
    blocks=(2, 3, 4, 3),
    widths=(2, 4, 6, 8),
    norm="fixed",
    stride=16,
    flow_input_pool=2,
)


def checkpoint(method: str = "impression", seed: int = 0) -> Checkpoint:
    return Checkpoint(make_network(method, seed), method, SMALL, CLASSES, {"step": 7})


def content_of(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = torch.load(path, weights_only=True)
    return content


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "net.pt"
    save(checkpoint(), path)
    return path


# -- our own -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", methods_with("wiring"))
def test_a_round_trip_is_exact(tmp_path: Path, method: str) -> None:
    before = checkpoint(method)
    save(before, tmp_path / "net.pt")
    after = load(tmp_path / "net.pt")
    assert (after.method, after.build, after.classes, after.notes) == (method, SMALL, CLASSES, {"step": 7})
    for name, tensor in before.network.state_dict().items():
        assert torch.equal(after.network.state_dict()[name], tensor), name


def test_half_precision_is_half_the_size_and_loads_as_float32(tmp_path: Path, saved: Path) -> None:
    half = tmp_path / "half.pt"
    save(checkpoint(), half, half=True)
    assert half.stat().st_size < 0.75 * saved.stat().st_size
    for tensor in load(half).network.state_dict().values():
        assert tensor.dtype == torch.float32


def test_saving_does_not_touch_the_network(tmp_path: Path) -> None:
    original = checkpoint()
    save(original, tmp_path / "net.pt", half=True)
    assert all(tensor.dtype == torch.float32 for tensor in original.network.state_dict().values())


def test_nothing_in_a_file_is_run(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> Any:
            return os.mkdir, (str(tmp_path / "sprung"),)

    torch.save({"format": Trap()}, tmp_path / "trap.pt")
    with pytest.raises(FormatError, match=r"more than tensors and values \(it asks for posix.mkdir\)"):
        load(tmp_path / "trap.pt")
    assert not (tmp_path / "sprung").exists()


def test_numbers_of_numpy_are_plain_values(tmp_path: Path) -> None:
    torch.save({"best_EPE": np.float64(1.9), "epoch": np.int64(3)}, tmp_path / "x.pth")
    assert read(tmp_path / "x.pth") == {"best_EPE": 1.9, "epoch": 3}


def broken(saved: Path, **changes: Any) -> Path:
    torch.save(content_of(saved) | changes, saved)
    return saved


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": "else"}, "format 'else' version 1; wanted 'impnet-checkpoint'"),
        ({"version": 2}, "version 2; wanted"),
        ({"method": "magic"}, "unknown method 'magic'"),
        ({"build": {"colour": 3}}, "unknown: colour"),
        ({"build": {"channels": "many"}}, "of a wrong type: channels"),
        ({"build": {"widths": 5}}, "of a wrong type: widths"),
        ({"build": {"blocks": [10**9, 1, 1, 1]}}, r"blocks \(1000000000, 1, 1, 1\): wanted 1 … 200"),
        ({"build": asdict(SMALL) | {"blocks": [1, 1]}}, "wanted numbers that a network can be built from"),
        ({"build": asdict(SMALL) | {"pixels": "cmyk"}}, "wanted numbers that a network can be built from"),
        ({"build": asdict(SMALL) | {"channels": -4}}, "channels -4: wanted 1 … 16,384"),
        ({"build": 3}, "its build is a int"),
        ({"classes": [["a", "b"]]}, "1 class names for a network of 3"),
        ({"classes": "abc"}, "0 class names"),
        ({"classes": [1, 2, 3]}, r"aren't \[name, wnid\] pairs"),
        ({"state": 5}, "the state is a int"),
        ({"state": {}}, "missing: "),
    ],
)
def test_a_broken_checkpoint_is_refused(saved: Path, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(FormatError, match=message):
        load(broken(saved, **changes))


def test_a_checkpoint_that_asks_for_terabytes_is_refused_without_them(saved: Path) -> None:
    build = asdict(SMALL) | {"widths": [2**14] * 4}
    with pytest.raises(FormatError, match="of another shape"):
        load(broken(saved, build=build))


def test_every_fault_of_the_tensors_is_listed(saved: Path) -> None:
    state = content_of(saved)["state"]
    del state["quality.0.weight"], state["task.rfcn.cls.bias"]
    state["extra.weight"] = torch.zeros(1)
    state["quality.0.bias"] = torch.zeros(99)
    state["quality.2.bias"][0] = torch.nan
    state["quality.4.bias"] = "no tensor"
    with pytest.raises(FormatError) as error:
        load(broken(saved, state=state))
    for part in (
        "2 missing: quality.0.weight, task.rfcn.cls.bias",
        "1 unexpected: extra.weight",
        "quality.0.bias (99,), wanted (6,)",
        "1 with values that aren't finite: quality.2.bias",
        "1 no dense tensor of real numbers: quality.4.bias",
    ):
        assert part in str(error.value)


@pytest.mark.parametrize("content", [b"", b"hello", b"PK\x03\x04 not a zip", b"\x80\x02]q\x00."])
def test_what_is_no_checkpoint_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.pt").write_bytes(content)
    with pytest.raises(FormatError, match=r"x\.pt"):
        load(tmp_path / "x.pt")


def test_a_cut_off_checkpoint_is_refused(saved: Path) -> None:
    saved.write_bytes(saved.read_bytes()[: saved.stat().st_size // 2])
    with pytest.raises(FormatError):
        load(saved)


def test_a_flipped_bit_is_noticed(saved: Path) -> None:
    content = bytearray(saved.read_bytes())
    content[len(content) // 2] ^= 1
    saved.write_bytes(content)
    with pytest.raises(FormatError, match="damaged"):
        load(saved)


def strange(state: dict[str, Any], change: Any) -> dict[str, Any]:
    name = next(iter(state))
    return {**state, name: change(state[name])}


@pytest.mark.parametrize(
    ("key", "change", "message"),
    [
        ("method", lambda _: ["impression"], "unknown method"),
        ("notes", lambda _: "none", "notes are a str"),
        ("build", lambda build: {**build, "shorter": 0}, "shorter 0: wanted 1 … 16,384"),
        (
            "build",
            lambda build: {**build, "anchor_scales": [1.0, float("inf"), 2.0]},
            r"anchor_scales \(1.0, inf, 2.0\): wanted",
        ),
        ("state", lambda state: strange(state, torch.Tensor.to_sparse), "1 no dense tensor"),
        ("state", lambda state: strange(state, lambda x: x.to(torch.complex64)), "1 no dense tensor"),
    ],
)
def test_values_of_a_strange_kind_are_refused(saved: Path, key: str, change: Any, message: str) -> None:
    content = torch.load(saved, weights_only=True)
    torch.save({**content, key: change(content[key])}, saved)
    with pytest.raises(FormatError, match=message):
        load(saved)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="No such file"):
        load(tmp_path / "none.pt")


# -- MXNet's binary files ----------------------------------------------------------------------------------------------


def mxnet_file(arrays: dict[str, np.ndarray], version: str = "1.x") -> bytes:
    """What mxnet.nd.save writes, by the layout that `mxnet_params` documents."""
    kinds = {"float32": 0, "float64": 1, "float16": 2, "uint8": 3, "int32": 4, "int8": 5, "int64": 6}
    out = struct.pack("<QQQ", 0x112, 0, len(arrays))
    for array in arrays.values():
        shape = array.shape
        out += {
            "1.x": struct.pack(f"<IiI{len(shape)}q", 0xF993FAC9, 0, len(shape), *shape),
            "0.12": struct.pack(f"<II{len(shape)}q", 0xF993FAC8, len(shape), *shape),
            "0.10": struct.pack(f"<I{len(shape)}I", len(shape), *shape),
        }[version]
        out += struct.pack("<iii", 1, 0, kinds[array.dtype.name]) + array.tobytes()
    out += struct.pack("<Q", len(arrays))
    for name in arrays:
        out += struct.pack("<Q", len(name)) + name.encode()
    return out


ARRAYS = {
    "arg:conv1_weight": np.arange(24, dtype=np.float32).reshape(2, 3, 4),
    "aux:bn_moving_mean": np.array([1.5, -2.0]),
    "arg:counter": np.array([7], np.int64),
    "arg:half": np.array([[0.5]], np.float16),
}


@pytest.mark.parametrize("version", ["1.x", "0.12", "0.10"])
def test_mxnet_files_are_read(tmp_path: Path, version: str) -> None:
    (tmp_path / "net.params").write_bytes(mxnet_file(ARRAYS, version))
    found = read_mxnet_params(tmp_path / "net.params")
    assert list(found) == ["conv1_weight", "bn_moving_mean", "counter", "half"]
    for mine, theirs in zip(found.values(), ARRAYS.values(), strict=True):
        np.testing.assert_array_equal(mine, theirs)


@pytest.mark.parametrize("version", ["1.x", "0.10"])
def test_an_mxnet_file_cut_anywhere_is_refused(tmp_path: Path, version: str) -> None:
    whole = mxnet_file(ARRAYS, version)
    for size in range(0, len(whole), 3):
        (tmp_path / "net.params").write_bytes(whole[:size])
        with pytest.raises(FormatError):
            read_mxnet_params(tmp_path / "net.params")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda b: b + b"\0", "after the last name"),
        (lambda b: struct.pack("<Q", 0x113) + b[8:], "begins with 0x113"),
        (lambda b: b[:16] + struct.pack("<Q", 2**60) + b[24:], "more than the file can hold"),
        (lambda b: b[:28] + struct.pack("<i", 1) + b[32:], "storage type 1"),
        (lambda b: b[:32] + struct.pack("<I", 99) + b[36:], "99 dimensions"),
        (lambda b: b[:36] + struct.pack("<q", -5) + b[44:], "shape"),
        (lambda b: b[:36] + struct.pack("<q", 2**40) + b[44:], "more than the file can hold"),
        (lambda b: b[:68] + struct.pack("<i", 77) + b[72:], "element type 77"),
        (lambda b: b.replace(b"arg:half", b"arg:h\xff\xfff"), "a name that is no text"),
    ],
)
def test_a_hostile_mxnet_file_is_refused(tmp_path: Path, change: Any, message: str) -> None:
    (tmp_path / "net.params").write_bytes(change(mxnet_file(ARRAYS)))
    with pytest.raises(FormatError, match=message):
        read_mxnet_params(tmp_path / "net.params")


# -- published weights -------------------------------------------------------------------------------------------------


def build_of(kind: str) -> Build:
    return (
        SMALL_CAFFE if "resnet" not in kind or kind.startswith("caffe") else replace(SMALL_CAFFE, blocks=(2, 2, 2, 2))
    )


def published(kind: str, seed: int = 0) -> dict[str, Tensor]:
    """A state dict as the publishers have it, of random values."""
    rules, build = KINDS[kind], KINDS[kind].adapt(build_of(kind))
    ours = wired(rules.method, build).state_dict()
    generator = torch.Generator().manual_seed(seed)
    state = {
        theirs: torch.rand(ours[rules.part + name].shape, generator=generator)
        for theirs, name in rules.names(build).items()
    }
    if kind == "torchvision-resnet":
        state |= {"fc.weight": torch.zeros(1000, 8), "bn1.num_batches_tracked": torch.tensor(5)}
    return state


def write_published(kind: str, state: dict[str, Tensor], folder: Path) -> Path:
    if kind.startswith(("mxnet", "caffe")):
        path = folder / "net.params"
        prefix = {name: "aux:" if "moving" in name else "arg:" for name in state}
        path.write_bytes(mxnet_file({prefix[name] + name: tensor.numpy() for name, tensor in state.items()}))
    else:
        path = folder / "net.pth"
        nested = {"mega": "model", "pinard": "state_dict", "mmtracking": "state_dict"}.get(kind)
        prefix_of = "module." if kind == "mega" else ""
        state = {prefix_of + name: tensor for name, tensor in state.items()}
        torch.save({nested: state, "div_flow": 20} if nested else state, path)
    return path


@pytest.mark.parametrize("kind", KINDS)
def test_published_weights_arrive_where_they_belong(tmp_path: Path, kind: str) -> None:
    state = published(kind)
    conversion = convert(write_published(kind, state, tmp_path), kind, build_of(kind), CLASSES)
    rules = KINDS[kind]
    ours = conversion.checkpoint.network.state_dict()
    for theirs, name in rules.names(conversion.checkpoint.build).items():
        assert torch.equal(ours[rules.part + name], state[theirs]), theirs
    assert set(conversion.filled) | set(conversion.fresh) == set(ours)
    assert not set(conversion.filled) & set(conversion.fresh)
    assert set(conversion.ignored) == {name for name in state if name.startswith("fc.") or "num_batches" in name}
    assert (
        conversion.sha256
        == hashlib.sha256((tmp_path / conversion.checkpoint.notes["sources"][0]["file"]).read_bytes()).hexdigest()
    )
    if kind in ("mxnet-dff", "mxnet-fgfa", "mxnet-rfcn"):
        assert conversion.fresh == ()


@pytest.mark.parametrize("kind", KINDS)
def test_half_of_the_weights_is_refused_and_every_tensor_named(tmp_path: Path, kind: str) -> None:
    state = published(kind)
    gone, bent = list(state)[1], list(state)[2]
    del state[gone]
    state[bent] = torch.zeros(7, 7)
    state["stranger"] = torch.zeros(1)
    with pytest.raises(FormatError) as error:
        convert(write_published(kind, state, tmp_path), kind, build_of(kind), CLASSES)
    for part in (f"1 missing: {gone}", "1 unexpected: stranger", f"{bent} (7, 7), wanted"):
        assert part in str(error.value)


def test_torchvision_weights_bring_their_stride_and_pixels(tmp_path: Path) -> None:
    path = write_published("torchvision-resnet", published("torchvision-resnet"), tmp_path)
    build = convert(path, "torchvision-resnet", build_of("torchvision-resnet"), CLASSES).checkpoint.build
    assert (build.placement, build.pixels) == ("torchvision", "torchvision")


def test_fgfa_weights_bring_their_epsilon(tmp_path: Path) -> None:
    path = write_published("mxnet-fgfa", published("mxnet-fgfa"), tmp_path)
    assert convert(path, "mxnet-fgfa", SMALL_CAFFE, CLASSES).checkpoint.build.norm_eps == 2e-5


@pytest.mark.parametrize("kinds", [("caffe-resnet", "pinard"), ("pinard", "caffe-resnet")])
def test_parts_are_put_together(tmp_path: Path, kinds: tuple[str, str]) -> None:
    result = None
    for kind in kinds:
        path = write_published(kind, published(kind), tmp_path)
        result = convert(path, kind, SMALL_CAFFE, CLASSES, result.checkpoint if result else None)
    assert result is not None
    ours = result.checkpoint.network.state_dict()
    assert torch.equal(ours["feature.conv1.weight"], published("caffe-resnet")["conv1_weight"])
    assert torch.equal(ours["flow.conv1.weight"], published("pinard")["conv1.0.weight"])
    assert ours["flow.flow2.bias"].abs().max() == 0
    assert {name.split(".")[0] for name in result.fresh} == {"feature", "task", "flow", "quality"}
    assert "feature.conv1.weight" not in result.fresh
    assert len(result.checkpoint.notes["sources"]) == 2
    save(result.checkpoint, tmp_path / "both.pt")
    assert load(tmp_path / "both.pt").notes["fresh"] == list(result.fresh)


def test_weights_do_not_go_into_a_network_without_the_part(tmp_path: Path) -> None:
    start = Checkpoint(wired("per-frame", SMALL_CAFFE), "per-frame", SMALL_CAFFE, CLASSES, {})
    with pytest.raises(ChoiceError, match="don't go into"):
        convert(write_published("pinard", published("pinard"), tmp_path), "pinard", SMALL_CAFFE, CLASSES, start)


def test_unknown_kind(tmp_path: Path) -> None:
    with pytest.raises(ChoiceError, match=r"'pinad' \(did you mean 'pinard'\?\)"):
        convert(tmp_path / "x", "pinad", SMALL, CLASSES)


def test_digests(tmp_path: Path) -> None:
    file = tmp_path / "resnet18-00000000.pth"
    file.write_bytes(b"weights")
    digest = hashlib.sha256(b"weights").hexdigest()
    with pytest.raises(FormatError, match="wanted 00000000"):
        verify(file)
    right = file.rename(tmp_path / f"resnet18-{digest[:8]}.pth")
    assert verify(right) == (digest, True)
    plain = right.rename(tmp_path / "plain.pth")
    assert verify(plain) == (digest, False)
    assert verify(plain, digest) == (digest, True)
    with pytest.raises(FormatError, match="SHA-256"):
        verify(plain, "f" * 64)
    known = plain.rename(tmp_path / next(iter(KNOWN_SHA256)))
    with pytest.raises(FormatError, match="cut off, changed"):
        verify(known)


def test_a_pointer_of_git_lfs_is_no_file_of_weights(tmp_path: Path) -> None:
    (tmp_path / "x.pth").write_bytes(b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n")
    with pytest.raises(FormatError, match="git lfs pull"):
        verify(tmp_path / "x.pth")


def test_flow_of_another_unit_is_refused(tmp_path: Path) -> None:
    torch.save({"state_dict": {}, "div_flow": 5}, tmp_path / "x.pth")
    with pytest.raises(FormatError, match="flow / 5"):
        read_published(tmp_path / "x.pth")


def test_arrays_are_read_without_pickle(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", a=np.ones(3, np.float32))
    assert torch.equal(read_published(tmp_path / "x.npz")["a"], torch.ones(3))
    np.savez(tmp_path / "y.npz", a=np.array([object()]))
    with pytest.raises(FormatError, match=r"y\.npz"):
        read_published(tmp_path / "y.npz")


def test_caffe_names_of_the_depths() -> None:
    names = tensor_names.caffe_resnet((3, 4, 6, 3))
    assert names["res4f_branch2b_weight"] == "layer3.5.conv2.weight"
    names = tensor_names.caffe_resnet((3, 4, 23, 3))
    assert names["res4b22_branch2b_weight"] == "layer3.22.conv2.weight"
    assert names["bn5a_branch1_moving_var"] == "layer4.0.downsample.1.running_var"


def test_torchvision_names_of_basic_blocks() -> None:
    with torch.device("meta"):
        state = wired("per-frame", RESNET18).state_dict()
    ours = {name.removeprefix("feature.") for name in state if name.startswith("feature.")}
    assert ours - set(tensor_names.torchvision_resnet((2, 2, 2, 2), False)) == {"feat_conv.weight", "feat_conv.bias"}
