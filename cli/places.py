"""The default places: indices in `vidkit-data/`, runs and results in `runs/`, under the current folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from vidkit.errors import ChoiceError, FormatError

if TYPE_CHECKING:
    from vidkit.data.index import Index

data_dir_option = click.option(
    "--data-dir",
    type=click.Path(file_okay=False, path_type=Path),
    envvar="VIDKIT_DATA",
    default=Path("vidkit-data"),
    show_default=True,
    show_envvar=True,
    help="Where indices are.",
)
runs_dir_option = click.option(
    "--runs-dir",
    type=click.Path(file_okay=False, path_type=Path),
    envvar="VIDKIT_RUNS",
    default=Path("runs"),
    show_default=True,
    show_envvar=True,
    help="Where predictions and results are.",
)
index_option = click.option(
    "--index",
    "index_path",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The index; default: the one in the data folder that fits.",
)


def candidates(data_dir: Path) -> list[Path]:
    """Return the index files in `data_dir`, sorted."""
    return sorted(data_dir.glob("*.h5")) if data_dir.is_dir() else []


def choose_index(path: Path | None, data_dir: Path, fingerprint: str = "", n_frames: int | None = None) -> Path:
    """Return the index to use: `path` if given, else the one with the fingerprint, else the only one that fits.

    `fingerprint` and `n_frames` are what predictions tell of their index, as far as they do. Raises ChoiceError that
    lists the candidates where none or several fit.
    """
    from vidkit.data.index_file import read_index_fingerprint

    if path is not None:
        return path
    found = {}
    for file in candidates(data_dir):
        try:
            found[file] = read_index_fingerprint(file)
        except FormatError:
            continue
    if not found:
        raise ChoiceError(f"{data_dir}: no index there; make one with `vidkit prepare --vid-root ROOT`, or name one")
    if fingerprint:
        fits = [file for file, print_ in found.items() if print_ == fingerprint]
        reason = f"the predictions were made for the index {fingerprint}"
    else:
        fits = [file for file in found if n_frames is None or _n_frames(file) == n_frames]
        named = f"the predictions don't name their index and have {n_frames} frames"
        reason = "no index was named" if n_frames is None else named
    if len(fits) != 1:
        listed = ", ".join(f"{file} ({found[file][:8]}…, {_n_frames(file)} frames)" for file in fits or found)
        raise ChoiceError(f"{reason}; {'none' if not fits else 'several'} of these fit: {listed}. Name one")
    return fits[0]


def open_index(path: Path | None, data_dir: Path) -> tuple[Path, Index]:
    """Return the index at `path`, or the only one in `data_dir`, with its path."""
    from vidkit.data.index_file import read_index

    chosen = choose_index(path, data_dir)
    return chosen, read_index(chosen)


def _n_frames(path: Path) -> int:
    from vidkit.data.index_file import read_index

    return read_index(path).n_frames
