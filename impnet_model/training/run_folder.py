"""What a training run leaves behind: `run.json`, `log.jsonl`, `checkpoint.pt`, and `model.pt` at its end.

`checkpoint.pt` is a checkpoint with a `training` key, from which the run goes on; `model.pt` is the same network
without it. Both, and `run.json`, are written whole or not at all. `log.jsonl` has one JSON object a line.
"""

import json
import math
import platform
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import vidkit
from impnet_model.nets.build import Build
from impnet_model.training.config import TrainingError
from impnet_model.training.processes import Processes
from impnet_model.weights.checkpoints import read, save_tensors
from vidkit.errors import FormatError
from vidkit.files import only_writer, remove_leftovers, write_text, writing
from vidkit.reading_door import reading

FORMAT, VERSION = "vidkit-training", 1


@dataclass(frozen=True)
class RunFolder:
    """The folder of one training run. What can't be written raises TrainingError, and what was there stays."""

    path: Path

    @property
    def checkpoint(self) -> Path:
        """The file from which the run goes on."""
        return self.path / "checkpoint.pt"

    @property
    def model(self) -> Path:
        """The trained network."""
        return self.path / "model.pt"

    @property
    def log(self) -> Path:
        """The lines of progress."""
        return self.path / "log.jsonl"

    def begin(self, description: Mapping[str, Any], resume: bool) -> dict[str, Any] | None:
        """Write `run.json` and return the content of the checkpoint to go on from, None to begin at the beginning.

        Raises TrainingError where the folder holds another run, or this one and `resume` isn't wanted.
        """
        found = self.described()
        if found is not None and not resume:
            raise TrainingError(f"{self.path}: holds a training run; give --resume to go on with it, or another --out")
        if found is not None:
            _check_same(self.path, found, description)
        content = read(self.checkpoint) if self.checkpoint.is_file() else None
        iteration = 0
        if content is not None:
            with reading(self.checkpoint, FormatError, "a checkpoint of a training run, to go on from"):
                training = content["training"]
                iteration, seconds = int(training["iteration"]), float(training["seconds"])
                if not (0 <= iteration < 2**53 and 0 <= seconds < math.inf):
                    raise FormatError(f"{self.checkpoint}: iteration {iteration} after {seconds} seconds")
        remove_leftovers(self.path)
        self._write_text(self.path / "run.json", json.dumps(dict(description), indent=2, ensure_ascii=False) + "\n")
        self._cut_log(iteration)
        return content

    def alone(self, processes: Processes) -> AbstractContextManager[None]:
        """The context in which no other run writes into the folder: the first process of a run holds it for all."""
        return only_writer(self.path) if processes.rank == 0 else nullcontext()

    def begin_together(
        self, description: Mapping[str, Any], resume: bool, processes: Processes
    ) -> dict[str, Any] | None:
        """Begin in the first process, and return the same content in all of them; see `begin`."""
        found = self.begin(description, resume) if processes.rank == 0 else None
        processes.wait()
        if processes.rank > 0 and resume and self.checkpoint.is_file():
            found = read(self.checkpoint)
        return found

    def described(self) -> dict[str, Any] | None:
        """What `run.json` says, None where there is no run yet."""
        path = self.path / "run.json"
        if not path.exists():
            return None
        with reading(path, FormatError, "the description of a run"):
            found = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(found, dict) or (found.get("format"), found.get("version")) != (FORMAT, VERSION):
            raise FormatError(f"{path}: not the description of a run that this version can go on with")
        return found

    def add_to_log(self, line: Mapping[str, Any]) -> None:
        """Add a line to the log."""
        with self._written(self.log), self.log.open("a", encoding="utf-8") as file:
            file.write(json.dumps(dict(line)) + "\n")

    def save(self, path: Path, content: Mapping[str, Any]) -> None:
        """Write tensors and plain values, whole or not at all."""
        with self._written(path), writing(path) as part:
            save_tensors(content, part)

    def _write_text(self, path: Path, text: str) -> None:
        with self._written(path):
            write_text(path, text)

    @contextmanager
    def _written(self, path: Path) -> Iterator[None]:
        try:
            yield
        except (OSError, RuntimeError) as error:
            reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error).splitlines()[0]
            raise TrainingError(f"{path}: can't be written: {reason}; {self.kept()}") from None

    def _cut_log(self, iteration: int) -> None:
        """Leave the lines up to an iteration: what came after the checkpoint will come again."""
        if not self.log.is_file():
            return
        lines = self.log.read_text(encoding="utf-8").splitlines(keepends=True)
        self._write_text(self.log, "".join(line for line in lines if _iteration_of(line) <= iteration))

    def kept(self) -> str:
        """In words what there is to go on from."""
        if self.checkpoint.is_file():
            return f"the last checkpoint stays as it was, go on from it with --resume: {self.checkpoint}"
        return "there is no checkpoint yet"


def description_of(
    method: str,
    build: Build,
    config: Mapping[str, Any],
    init: Sequence[Path],
    command: Sequence[str],
    processes: Processes,
    **more: Any,
) -> dict[str, Any]:
    """What `run.json` says of a run, with the versions of what ran."""
    ran = {"processes": processes.count, "device": str(processes.device), "versions": versions()}
    asked = {"init": [path.name for path in init], "command": list(command)}
    said = {"method": method, "build": asdict(build), "config": dict(config), **more, **asked, **ran}
    return {"format": FORMAT, "version": VERSION, **said}


def versions() -> dict[str, str]:
    """The versions of everything that takes part."""
    found = {"python": platform.python_version(), "vidkit": vidkit.__version__, "system": platform.platform()}
    for name in ("torch", "numpy", "h5py", "pillow", "av"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _iteration_of(line: str) -> float:
    try:
        return float(json.loads(line)["iteration"])
    except (ValueError, KeyError, TypeError):
        return sys.maxsize  # a line that was cut off


FREE = {"iterations", "minutes", "accumulate", "workers", "log_every", "checkpoint_every", "validate_every"}
"""Settings that a run may change when it goes on; the first two change its schedule."""


LATER = {"jitter": 0.0}
"""Settings that there weren't always, with what runs did before."""


def _check_same(folder: Path, found: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    """Raise TrainingError that lists what differs between a run and what it is to go on as."""
    wanted = json.loads(json.dumps(dict(wanted)))  # as it is read back
    differing = [name for name in ("method", "indices", "init") if found.get(name) != wanted.get(name)]
    for group in ("build", "config"):
        a, b = found.get(group) or {}, wanted.get(group) or {}
        a = {name: value for name, value in LATER.items() if name in b} | a
        differing += [f"{name} {a.get(name)!r} → {b.get(name)!r}" for name in b if a.get(name) != b.get(name)]
    differing = [each for each in differing if each.split()[0] not in FREE]
    if differing:
        raise TrainingError(f"{folder}: was begun with other settings: {'; '.join(differing)}; give another --out")
