"""torch.save's files, read without torch, against what torch itself reads from them."""

import io
import pickle
import struct
import subprocess
import sys
import tarfile
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vidkit.errors import PredictionError
from vidkit.pickles import safe_pickle, torch_file
from vidkit.pickles.torch_file import Tensor, read_legacy, read_tar, read_zip

torch = pytest.importorskip("torch")


def _content() -> dict[str, Any]:
    generator = torch.Generator().manual_seed(0)
    whole = torch.rand(6, 4, generator=generator)
    return {
        "whole": whole,
        "rows": whole[1:3],
        "turned": whole.T,
        "column": whole[:, 2],
        "every second": whole[::2],
        "expanded": torch.ones(1)[:0].expand(0),
        "empty": torch.zeros(0, 4),
        "scalar": torch.tensor(2.5, dtype=torch.float64),
        "labels": torch.arange(5),
        "half": torch.rand(3, generator=generator).half(),
        "bool": torch.tensor([True, False]),
        "int": torch.arange(3, dtype=torch.int32),
        "size": torch.Size([2, 3]),
        "parameter": torch.nn.Parameter(torch.rand(2, generator=generator)),
        "list": [torch.zeros(2), (1, "x")],
    }


def _same(again: Any, value: Any) -> None:
    if isinstance(value, torch.Tensor):
        assert isinstance(again, Tensor)
        assert np.array_equal(again.numpy(), value.detach().numpy())
    elif isinstance(value, list | tuple):
        for a, b in zip(again, value, strict=True):
            _same(a, b)
    else:
        assert again == value


@pytest.mark.parametrize("zipped", [True, False])
def test_tensors_come_back(tmp_path: Path, zipped: bool) -> None:
    content = _content()
    torch.save(content, tmp_path / "t.pth", _use_new_zipfile_serialization=zipped)
    again = (read_zip if zipped else read_legacy)(tmp_path / "t.pth")
    for key, value in content.items():
        _same(again[key], value)


def test_tensors_in_a_plain_pickle_come_back() -> None:
    content = _content()
    again = safe_pickle.load(pickle.dumps(content), "place", torch_file.NAMES)
    for key, value in content.items():
        _same(again[key], value)


def test_the_oldest_form_is_a_tar(tmp_path: Path) -> None:
    numbers = np.arange(8, dtype="f4")
    storages = io.BytesIO()
    storages.write(pickle.dumps(1, 2) + _names((3, "cpu", "torch FloatStorage")) + struct.pack("<q", 8))
    storages.write(numbers.tobytes() + pickle.dumps([], 2))  # no views
    tensors = io.BytesIO()
    tensors.write(pickle.dumps(1, 2) + _names((7, 3, "torch FloatTensor")))
    tensors.write(struct.pack("<ii2q2qq", 2, 0, 2, 2, 4, 1, 1))
    main = b"\x80\x02]X\x01\x00\x00\x007Qa."
    with tarfile.open(tmp_path / "t.pth", "w") as archive:
        for name, data in (("storages", storages.getvalue()), ("tensors", tensors.getvalue()), ("pickle", main)):
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    (tensor,) = read_tar(tmp_path / "t.pth")
    assert tensor.numpy().tolist() == [[1, 2], [5, 6]]
    (theirs,) = torch.load(tmp_path / "t.pth", weights_only=False)  # made above
    assert theirs.tolist() == tensor.numpy().tolist()


def _names(parts: tuple[Any, ...]) -> bytes:
    """A pickled tuple whose last part is a class, called "module name"."""
    inner = b"".join(pickle.dumps(part, 2)[2:-1] for part in parts[:-1])
    return b"\x80\x02(" + inner + ("c{}\n{}\n".format(*parts[-1].split())).encode() + b"t."


def _zip(path: Path, program: bytes, storages: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as archive:
        archive.writestr("a/data.pkl", program)
        for key, data in storages.items():
            archive.writestr(f"a/data/{key}", data)
    return path


def _tensor(numel: int, offset: int, shape: tuple[int, ...], strides: tuple[int, ...], key: str = "0") -> bytes:
    """A pickle of one tensor whose numbers say what they like."""
    pid = b"(" + pickle.dumps("storage", 2)[2:-1] + b"ctorch\nFloatStorage\n"
    pid += b"".join(pickle.dumps(part, 2)[2:-1] for part in (key, "cpu", numel)) + b"tQ"
    rest = b"".join(pickle.dumps(part, 2)[2:-1] for part in (offset, shape, strides, False, OrderedDict()))
    return b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n(" + pid + rest + b"tR."


@pytest.mark.parametrize(
    ("numel", "offset", "shape", "strides"),
    [
        (4, 0, (10**9, 4), (0, 0)),
        (4, 0, (5,), (1,)),
        (4, 2, (3,), (1,)),
        (4, 10, (1,), (1,)),
        (4, -1, (1,), (1,)),
        (4, 0, (2,), (10**12,)),
        (4, 0, (2, 2), (1,)),
        (4, 0, (-2,), (1,)),
        (10**12, 0, (2,), (1,)),
        (5, 0, (2,), (1,)),
    ],
)
def test_a_tensor_lies_inside_its_storage(
    tmp_path: Path, numel: int, offset: int, shape: tuple[int, ...], strides: tuple[int, ...]
) -> None:
    path = _zip(tmp_path / "t.pth", _tensor(numel, offset, shape, strides), {"0": bytes(16)})
    with pytest.raises(PredictionError, match=r"t\.pth: refused"):
        read_zip(path)


def test_a_storage_that_isnt_there_or_is_compressed_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PredictionError, match="isn't in the file"):
        read_zip(_zip(tmp_path / "t.pth", _tensor(4, 0, (4,), (1,), key="9"), {"0": bytes(16)}))
    with pytest.raises(PredictionError, match="compressed"):
        read_zip(_zip(tmp_path / "u.pth", _tensor(4, 0, (4,), (1,)), {"0": bytes(16)}, zipfile.ZIP_DEFLATED))


@pytest.mark.parametrize("zipped", [True, False])
def test_a_file_that_was_cut_is_refused(tmp_path: Path, zipped: bool) -> None:
    from vidkit.predictions import open_predictions

    path = tmp_path / "t.pth"
    torch.save(_content(), path, _use_new_zipfile_serialization=zipped)
    data = path.read_bytes()
    for size in (len(data) // 3, len(data) - 40, len(data) - 1):
        path.write_bytes(data[:size])
        with pytest.raises(PredictionError, match=r"t\.pth"):
            open_predictions(path)


def test_code_in_a_torch_file_is_refused(tmp_path: Path) -> None:
    program = b"\x80\x02cposix\nsystem\n" + pickle.dumps(f"touch {tmp_path}/mark", 2)[2:-1] + b"\x85R."
    with pytest.raises(PredictionError, match=r"'posix\.system'"):
        read_zip(_zip(tmp_path / "t.pth", program, {}))
    legacy = b"".join(pickle.dumps(part, 2) for part in (torch_file.MAGIC, 1001, {})) + program
    (tmp_path / "u.pth").write_bytes(legacy)
    with pytest.raises(PredictionError, match=r"'posix\.system'"):
        read_legacy(tmp_path / "u.pth")
    inside = b"\x80\x02ctorch.storage\n_load_from_bytes\n" + pickle.dumps(legacy, 3)[2:-1] + b"\x85R."
    with pytest.raises(PredictionError, match=r"posix\.system"):
        safe_pickle.load(inside, "place", torch_file.NAMES)
    assert not (tmp_path / "mark").exists()


def test_torch_isnt_imported(tmp_path: Path) -> None:
    torch.save([torch.zeros(2)], tmp_path / "t.pth")
    code = (
        "import sys; from pathlib import Path; from vidkit.pickles.torch_file import read_zip; "
        "read_zip(Path(sys.argv[1])); assert not {'torch', 'mega_core', 'pandas'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "t.pth")], check=True)
