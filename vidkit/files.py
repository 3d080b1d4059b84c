"""Files and folders written whole or not at all, by one process at a time."""

from __future__ import annotations

import csv
import errno
import fcntl
import filecmp
import glob
import io
import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vidkit.errors import ChoiceError
from vidkit.safe_text import sheet_cell

if TYPE_CHECKING:
    import pandas as pd


_MANY = 100  # files, which take milliseconds each to be flushed one by one


@contextmanager
def writing(path: Path, tidy: bool = True) -> Iterator[Path]:
    """Yield a temporary path beside `path`; on success it is flushed to disk and renamed to `path`.

    If the block raises, the temporary file is removed and `path` stays as it was; an OSError tells of which file. A
    process that is killed leaves at most the temporary file `NAME.PID.part`, which no reader takes for a finished one,
    and which the next one that writes `path` removes, if it is `tidy`. Missing parent folders are made.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if tidy:
        remove_leftovers(path.parent, path.name)
    part = _part(path)
    try:
        with _named(path):
            yield part
            with part.open("rb") as written:
                os.fsync(written.fileno())
            part.replace(path)
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def writing_folder(path: Path) -> Iterator[Path]:
    """Yield a new folder beside `path`, to be filled; on success it becomes `path`, else nothing of it stays.

    A folder at `path` with the very files that were made is as good: so a run that was killed at its end can be done
    again. Raises ChoiceError where there is something else at `path` already, other than an empty folder; an OSError
    tells of which file.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    remove_leftovers(path.parent, path.name)
    part = _part(path)
    try:
        with _named(path):
            part.mkdir()
            yield part
            _flush([part / file for file in _files_in(part) if not (part / file).is_symlink()])
            if path.is_dir() and not any(path.iterdir()):
                path.rmdir()
            if not path.exists():
                part.rename(path)
            elif not _are_equal(part, path):
                raise ChoiceError(f"{path}: exists already, and what is in it stays; give another folder, or remove it")
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _flush(files: Sequence[Path]) -> None:
    """Have files on the disk before they get their name: one by one, or of very many all that the system holds."""
    if len(files) > _MANY:
        os.sync()
        return
    for file in files:
        with file.open("rb") as written:
            os.fsync(written.fileno())


def _files_in(folder: Path) -> set[Path]:
    """The files in a folder and below, relative to it."""
    return {path.relative_to(folder) for path in folder.rglob("*") if not path.is_dir()}


def _are_equal(one: Path, other: Path) -> bool:
    """Whether two folders hold files of the same names and content."""
    files = _files_in(one)
    if not other.is_dir() or files != _files_in(other):
        return False
    return all((other / f).is_file() and filecmp.cmp(one / f, other / f, shallow=False) for f in files)


def _part(path: Path) -> Path:
    return path.with_name(f"{path.name}.{os.getpid()}.part")


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """Add the name of the file to an OSError that has none, as "no space left" hasn't."""
    try:
        yield
    except OSError as error:
        if error.filename is not None or error.errno is None:
            raise
        raise OSError(error.errno, os.strerror(error.errno), str(path)) from error


def remove_leftovers(folder: Path, name: str = "*") -> None:
    """Remove what killed processes left of the file `name`, or of all, in a folder: NAME.PID.part of none alive."""
    pattern = "*.part" if name == "*" else f"{glob.escape(name)}.*.part"
    for part in folder.glob(pattern):
        process = part.name.removesuffix(".part").rpartition(".")[2]
        if not process.isdecimal() or len(process) > 9 or _is_alive(int(process)):
            continue
        if part.is_dir() and not part.is_symlink():
            shutil.rmtree(part, ignore_errors=True)
        else:
            part.unlink(missing_ok=True)


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:  # it is another user's
        return True
    return True


@contextmanager
def only_writer(folder: Path) -> Iterator[None]:
    """Be the one process that writes in `folder`, which is made if it isn't there. Raises ChoiceError if another is.

    The system keeps the lock and ends it with the process, however that ends; nothing lies in the folder.
    """
    held = _locked(folder)
    try:
        yield
    finally:
        os.close(held)


def _locked(folder: Path) -> int:
    """A descriptor of the folder that holds its lock, where the file system has locks."""
    while True:
        folder.mkdir(parents=True, exist_ok=True)
        held = os.open(folder, os.O_RDONLY)
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(held)
            raise ChoiceError(f"{folder}: another process is writing there; wait for its end, or stop it") from None
        except OSError as error:
            if error.errno not in (errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS, errno.EINVAL):
                os.close(held)
                raise
        if folder.is_dir() and os.path.samestat(os.fstat(held), folder.stat()):
            return held
        os.close(held)  # its last writer took the folder away in between


def reserve(part: Path, n_bytes: int) -> None:
    """Raise OSError if there is no room for `n_bytes` where `part` is to be. For writers that fail badly half-way."""
    if hasattr(os, "posix_fallocate"):
        with part.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, n_bytes)
            file.truncate()


def write_text(path: Path, text: str) -> None:
    """Write `text` as UTF-8, whole or not at all."""
    with writing(path) as part:
        part.write_text(text, encoding="utf-8")


def csv_text(rows: Sequence[Mapping[str, Any]]) -> str:
    """The rows as CSV, with all columns that any of them has; None is an empty cell, a mapping is written as JSON."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(dict.fromkeys(name for row in rows for name in row)), lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({name: _cell(value) for name, value in row.items()})
    return text.getvalue()


def table_csv(table: pd.DataFrame) -> str:
    """A DataFrame as CSV, its texts as cells of a sheet."""
    texts = [name for name in table.columns if table[name].dtype.kind not in "biuf"]
    text: str = table.assign(**{name: table[name].map(sheet_cell) for name in texts}).to_csv(index=False)
    return text


def _cell(value: Any) -> Any:
    return json.dumps(value, default=str) if isinstance(value, Mapping) else sheet_cell(value)
