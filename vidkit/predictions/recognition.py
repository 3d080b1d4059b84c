"""Which format a file is in, told by its content, never by its name alone."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from vidkit.errors import PredictionError, did_you_mean
from vidkit.pickles import safe_pickle, torch_file
from vidkit.pickles.content import Origin
from vidkit.predictions.formats import (
    coco_results,
    fgfa_files,
    mega,
    mmdet,
    mot_results,
    npz,
    repp,
    tabular,
    vidkit_pkl,
)
from vidkit.predictions.raw import ByRow, RawPredictions
from vidkit.predictions.read_options import ReadOptions
from vidkit.predictions.reading_report import Understood

FORMATS = {
    "vidkit": "vidkit HDF5, predictions.h5",
    "pkl": "vidkit pkl: a list over frames of dicts of arrays",
    "npz": "arrays of detections, vidkit's or with named columns",
    "csv": "CSV with a line of column names",
    "parquet": "Parquet with named columns",
    "mmdet": "mmdet and mmtracking results.pkl, 0.x: arrays for each frame and class",
    "mmdet1": "mmdet and mmtracking results.pkl, 1.x: a dict with instances for each frame",
    "mega": "MEGA predictions.pth: a list of BoxLists",
    "repp": "REPP pickle stream with a score for each class",
    "yolov": "YOLOV pickle stream with objectness, score and class",
    "fgfa": "FGFA text lines: id class score x1 y1 x2 y2",
    "fgfa-raw": "FGFA's pickled cache: (all_boxes, frame_ids)",
    "coco": "COCO results JSON",
    "mot": "MOTChallenge text lines: frame, id, left, top, width, height, score …",
}
"""The formats that can be read, by the name that `--format` takes."""

_HDF5 = b"\x89HDF\r\n\x1a\n"
_ZIP = b"PK\x03\x04"
_PARQUET = b"PAR1"
_HEAD = 1 << 16

_CONTENTS: dict[str, Callable[[Any], bool]] = {
    "pkl": vidkit_pkl.is_vidkit_pkl,
    "mmdet": mmdet.is_old,
    "mmdet1": mmdet.is_new,
    "mega": mega.is_box_lists,
    "fgfa-raw": fgfa_files.is_raw_cache,
}
"""Pickled layouts: name → whether an object has it."""


def open_file(path: Path, options: ReadOptions) -> tuple[RawPredictions, Understood]:
    """Return what a prediction file says, and which format it is in.

    Raises PredictionError for a format that isn't known, or that could be several: the message lists them.
    """
    if options.format is not None and options.format not in FORMATS:
        hint = did_you_mean(options.format, list(FORMATS))
        raise PredictionError(f"--format {options.format}: no such format{hint}; there are {', '.join(FORMATS)}")
    try:
        if path.is_dir():
            return mot_results.read_text(path, options.video), _found("mot", "a folder of text files")
        with path.open("rb") as file:
            head = file.read(_HEAD)
        raw, found = _by_container(path, head, options)
    except OSError as error:
        raise PredictionError(f"{path}: can't be read: {error.strerror or error}") from None
    for option, value, name in (("--image-ids", options.image_ids, "coco"), ("--video", options.video, "mot")):
        if value is not None and not found.value.startswith(f"{name},"):
            raise PredictionError(f"{path}: {option} is for {FORMATS[name]}; this file is {found.value}")
    return raw, found


def _found(name: str, evidence: str, given: str | None = None) -> Understood:
    return Understood(f"{name}, {FORMATS[name]}", "guessed" if given is None else "given", evidence)


def _by_container(path: Path, head: bytes, options: ReadOptions) -> tuple[RawPredictions, Understood]:
    """Return what a file says, told by its first bytes: HDF5, zip, tar, Parquet, pickle, or else text."""
    if head.startswith(_HDF5):
        _expect(options, "vidkit", path)
        return _hdf5(path), _found("vidkit", "HDF5 with the format's name")
    if head.startswith(_PARQUET):
        _expect(options, "parquet", path)
        return tabular.read_parquet(path), _found("parquet", "PAR1 at its start")
    if head.startswith(_ZIP):
        return _zip(path, options)
    if head[257:262] == b"ustar":
        return _pickled([torch_file.read_tar(path, options.trust_pickle)], path, options)
    if head.startswith(torch_file.LEGACY_HEAD):
        return _pickled([torch_file.read_legacy(path, options.trust_pickle)], path, options)
    if _is_text(head):
        return _text(path, head, options)
    return _pickled(_pickles(path, options.trust_pickle), path, options)


def _expect(options: ReadOptions, name: str, path: Path) -> None:
    """Raise PredictionError if the option names another format than the content is in for sure."""
    if options.format not in (None, name):
        raise PredictionError(f"{path}: --format {options.format}, but its content is {FORMATS[name]} ({name})")


def _hdf5(path: Path) -> RawPredictions:
    from vidkit.predictions.predictions_file import read_predictions

    stored = read_predictions(path)
    return RawPredictions(
        frame=ByRow(stored.detection_frame, stored.n_frames),
        box=stored.box,
        score=stored.score,
        label=stored.class_id,
        boxes="exclusive",
        scale="pixels",
        first_label=0,
        index_fingerprint=stored.index_fingerprint,
        complete=stored,
    )


def _zip(path: Path, options: ReadOptions) -> tuple[RawPredictions, Understood]:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError) as error:
        raise PredictionError(f"{path}: damaged zip file: {error}") from None
    if any(name == "data.pkl" or name.endswith("/data.pkl") for name in names):
        return _pickled([torch_file.read_zip(path, options.trust_pickle)], path, options)
    if names and all(name.endswith(".npy") for name in names):
        _expect(options, "npz", path)
        return npz.read(path), _found("npz", "a zip of .npy arrays")
    raise PredictionError(f"{path}: a zip file that is neither an npz nor made by torch.save")


def _pickles(path: Path, trusted: bool) -> list[Any]:
    """Return the objects of all pickles in a file, which may be a stream of them."""
    file = io.BytesIO(path.read_bytes())
    size = len(file.getbuffer())
    contents = []
    while file.tell() < size:
        contents.append(safe_pickle.load_next(file, str(path), torch_file.NAMES, trusted=trusted))
    return contents


def _pickled(contents: list[Any], path: Path, options: ReadOptions) -> tuple[RawPredictions, Understood]:
    origin = Origin(str(path), path.stat().st_size)
    if options.format in ("repp", "yolov") or (options.format is None and repp.is_stream(contents)):
        if not repp.is_stream(contents):
            raise PredictionError(f"{path}: not a stream of (video, {{frame: detections}}) pickles")
        kind = {"repp": "vector", "yolov": "yolov"}.get(options.format or "")
        raw = repp.from_contents(contents, origin, kind)
        name = "yolov" if raw.classes_evidence.startswith("YOLOV") else "repp"
        return raw, _found(name, f"{len(contents)} pickles of a video and its frames", options.format)
    if len(contents) != 1:
        raise PredictionError(f"{path}: {len(contents)} pickles, which aren't REPP's (video, frames) stream")
    content = contents[0]
    fits = [name for name, has_layout in _CONTENTS.items() if has_layout(content)]
    if options.format is not None:
        _check_choice(options.format, fits, content, path)
        fits = [options.format]
    if len(fits) != 1:
        said = f"could be {' or '.join(fits)}; say which with --format" if fits else f"{_layout(content)}; {_KNOWN}"
        raise PredictionError(f"{path}: {said}")
    return _from_content(fits[0], content, origin), _found(fits[0], f"layout: {_layout(content)}", options.format)


_KNOWN = f"no known layout of predictions (known: {', '.join([*_CONTENTS, 'repp', 'yolov'])})"


def _check_choice(name: str, fits: list[str], content: object, path: Path) -> None:
    if name not in fits:
        raise PredictionError(
            f"{path}: --format {name}, but its content is {_layout(content)}, which isn't {FORMATS.get(name)}"
        )


def _from_content(name: str, content: Any, origin: Origin) -> RawPredictions:
    if name == "pkl":
        return vidkit_pkl.from_content(content, origin)
    if name == "mega":
        return mega.from_content(content, origin)
    if name == "fgfa-raw":
        return fgfa_files.from_raw_cache(content, origin)
    return mmdet.from_old(content, origin) if name == "mmdet" else mmdet.from_new(content, origin)


def _layout(content: object, depth: int = 0) -> str:
    """Return the outer layout of an object in a few words."""
    kind = type(content).__name__.strip("_")
    if isinstance(content, dict):
        return f"dict of {', '.join(str(key)[:20] for key in list(content)[:4] if isinstance(key, str))}"
    if isinstance(content, list | tuple):
        inside = f" of {_layout(content[0], depth + 1)}" if content and depth < 2 else ""
        return f"{kind} ({len(content)}){inside}"
    return kind


def _is_text(head: bytes) -> bool:
    """Return whether a file begins as text that isn't a pickle of protocol 0 or 1.

    No pickle begins with a bracket of JSON, a number or a line of words with commas.
    """
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if head[:1] == b"\x80" or b"\0" in head:
        return False
    if not start or start[:1] in b"[{#+-.0123456789" or b"," in start.split(b"\n", 1)[0]:
        return True
    return start[:1] not in b"(c]})" and all(byte >= 0x20 or byte in b"\t\n\r" for byte in start)


def _text(path: Path, head: bytes, options: ReadOptions) -> tuple[RawPredictions, Understood]:
    name, evidence = (options.format, "") if options.format else _text_format(path, head)
    given = options.format
    if name == "coco":
        return coco_results.read_results(path, options.image_ids), _found("coco", evidence, given)
    if name == "csv":
        return tabular.read_csv(path), _found("csv", evidence, given)
    if name == "mot":
        return mot_results.read_text(path, options.video), _found("mot", evidence, given)
    if name == "fgfa":
        return fgfa_files.read_text(path), _found("fgfa", evidence, given)
    raise PredictionError(f"{path}: --format {name}, but its content is text")


def _text_format(path: Path, head: bytes) -> tuple[str, str]:
    text = head.decode("utf-8-sig", errors="replace").lstrip()
    if not text:
        raise PredictionError(
            f"{path}: empty: it could be fgfa, mot or csv without detections; say which with --format"
        )
    if text[0] in "[{":
        if text[0] == "{":
            raise PredictionError(f"{path}: a JSON object; COCO results are a list: {_what_object(text)}")
        return "coco", "a JSON list"
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    first = lines[0] if lines else ""
    if text.startswith(tabular.MARK) or tabular.looks_like_header(first.split(",")):
        return "csv", "its first line names columns"
    if len(first.split()) == 7 and "," not in first and _are_numbers(first.split()):
        return "fgfa", "lines of seven numbers"
    if 7 <= len(first.split(",")) <= len(mot_results.NAMES) and _are_numbers(first.split(",")):
        return "mot", f"lines of {len(first.split(','))} numbers with commas"
    raise PredictionError(
        f"{path}: its first line, {first[:60]!r}, begins no known format; there are {', '.join(FORMATS)}"
    )


def _what_object(text: str) -> str:
    keys = [key for key in ("images", "annotations", "categories") if f'"{key}"' in text]
    if keys:
        return "this is a ground truth; give it as --image-ids beside the results"
    try:
        return f"it has {', '.join(list(json.loads(text))[:4])}"
    except (ValueError, RecursionError, TypeError):
        return "it has other keys"


def _are_numbers(cells: list[str]) -> bool:
    try:
        return all(float(cell) is not None for cell in cells)
    except ValueError:
        return False
