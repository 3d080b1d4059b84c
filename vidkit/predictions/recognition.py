"""Which format a file is in, told by its content, never by its name alone."""

import io
import json
import zipfile
from pathlib import Path
from typing import Any, Literal

from vidkit.errors import PredictionError, did_you_mean
from vidkit.pickles import safe_pickle, torch_file
from vidkit.pickles.content import Origin
from vidkit.predictions.formats import READ, FileReader, file_readers, format_named, pickle_readers
from vidkit.predictions.raw import RawPredictions
from vidkit.predictions.read_options import ReadOptions
from vidkit.predictions.reading_report import Understood
from vidkit.predictions.text import first_line
from vidkit.predictions.text_folders import first_words
from vidkit.reading_door import reading

_PLAINEST = "The plainest form is a CSV with the columns video,frame,class,score,x1,y1,x2,y2"
_ZIP = b"PK\x03\x04"
_HEAD = 1 << 16
_OF_SOME_FORMATS = {"image_ids": "--image-ids", "video": "--mot-video"}
"""Fields of `ReadOptions` that not every format has."""

Recognised = tuple[str, RawPredictions, Understood]
"""The format's name, what the file says, and how that format was found."""
Look = Literal["head", "zipped", "json", "text", "folder"]


def open_file(path: Path, options: ReadOptions) -> tuple[RawPredictions, Understood]:
    """What a prediction file says, and which format it is in.

    Raises PredictionError for a format that isn't known, or that could be several: the message lists them.
    """
    if options.format is not None and options.format not in READ:
        hint = did_you_mean(options.format, list(READ))
        raise PredictionError(f"--format {options.format}: no such format{hint}; there are {', '.join(READ)}")
    with reading(path, PredictionError, "predictions; --format lists what is known"):
        name, raw, found = _by_container(path, options)
    for field, option in _OF_SOME_FORMATS.items():
        if getattr(options, field) is not None and field not in format_named(name).options:
            those = " or ".join(what for other, what in READ.items() if field in format_named(other).options)
            raise PredictionError(f"{path}: {option} is for {those}; this file is {found.value}")
    return raw, found


def _found(name: str, evidence: str, given: str | None = None) -> Understood:
    return Understood(f"{name}, {READ[name]}", "guessed" if given is None else "given", evidence)


def _by_container(path: Path, options: ReadOptions) -> Recognised:
    """What a file says, told by its first bytes: a binary format of its own, zip, tar, pickle, or else text."""
    if path.is_dir():
        if recognised := _seen("folder", path, path, options):
            return recognised
        raise PredictionError(f"{path}: {_what_folder(path)}")
    with path.open("rb") as file:
        head = file.read(_HEAD)
    if recognised := _seen("head", head, path, options):
        return recognised
    if head.startswith(_ZIP):
        return _zip(path, options)
    if head[257:262] == b"ustar":
        return _pickled([torch_file.read_tar(path, options.trust_pickle)], path, options)
    if head.startswith(torch_file.LEGACY_HEAD):
        return _pickled([torch_file.read_legacy(path, options.trust_pickle)], path, options)
    if _is_text(head):
        return _text(path, head, options)
    return _pickled(_pickles(path, options.trust_pickle), path, options)


def _seen(look: Look, seen: Any, path: Path, options: ReadOptions) -> Recognised | None:
    """What the file says in the first format that shows so; an error if the option names another one."""
    for name, reader in file_readers():
        looking = getattr(reader, look)
        if looking and (evidence := looking(seen)):
            if options.format not in (None, name):
                raise PredictionError(f"{path}: --format {options.format}, but its content is {READ[name]} ({name})")
            return name, reader.read(path, options), _found(name, evidence)
    return None


def _zip(path: Path, options: ReadOptions) -> Recognised:
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
    if any(name == "data.pkl" or name.endswith("/data.pkl") for name in names):
        return _pickled([torch_file.read_zip(path, options.trust_pickle)], path, options)
    if recognised := _seen("zipped", names, path, options):
        return recognised
    raise PredictionError(f"{path}: a zip file that is neither an npz nor made by torch.save")


# -- pickles -----------------------------------------------------------------------------------------------------------


def _pickles(path: Path, trusted: bool) -> list[Any]:
    """The objects of all pickles in a file, which may be a stream of them."""
    file = io.BytesIO(path.read_bytes())
    size = len(file.getbuffer())
    contents = []
    while file.tell() < size:
        contents.append(safe_pickle.load_next(file, str(path), torch_file.NAMES, trusted=trusted))
    return contents


def _pickled(contents: list[Any], path: Path, options: ReadOptions) -> Recognised:
    origin, given = Origin(str(path), path.stat().st_size), options.format
    for name, reader in pickle_readers(streams=True).items():
        if given == name or (given is None and reader.fits(contents)):
            evidence = f"{len(contents)} pickles of a video and its frames"
            return name, reader.read(contents, origin), _found(name, evidence, given)
    if len(contents) != 1:
        raise PredictionError(f"{path}: {len(contents)} pickles, which aren't REPP's (video, frames) stream")
    (content,) = contents
    name = _layout_named(content, path, given)
    raw = pickle_readers(streams=False)[name].read(content, origin)
    return name, raw, _found(name, f"layout: {_layout(content)}", given)


def _layout_named(content: object, path: Path, given: str | None) -> str:
    """The format that has the layout of an unpickled object; that which is given, if it is one of several."""
    readers = pickle_readers(streams=False)
    fits = [name for name, reader in readers.items() if reader.fits(content)]
    if given is not None:
        if given in fits:
            return given
        raise PredictionError(
            f"{path}: --format {given}, but its content is {_layout(content)}, which isn't {READ[given]}"
        )
    if len(fits) == 1:
        return fits[0]
    if fits:
        raise PredictionError(f"{path}: could be {' or '.join(fits)}; say which with --format")
    known = ", ".join([*readers, *pickle_readers(streams=True)])
    raise PredictionError(
        f"{path}: {_layout(content)}; no known layout of predictions (known: {known}). The plainest is a list with a "
        "dict of boxes, scores and labels for each frame"
    )


def _layout(content: object, depth: int = 0) -> str:
    """The outer layout of an object in a few words."""
    kind = type(content).__name__.strip("_")
    if isinstance(content, dict):
        return f"dict of {', '.join(str(key)[:20] for key in list(content)[:4] if isinstance(key, str))}"
    if isinstance(content, list | tuple):
        inside = f" of {_layout(content[0], depth + 1)}" if content and depth < 2 else ""
        return f"{kind} ({len(content)}){inside}"
    return kind


# -- text --------------------------------------------------------------------------------------------------------------


def _is_text(head: bytes) -> bool:
    """Whether a file begins as text that isn't a pickle of protocol 0 or 1.

    No pickle begins with a bracket of JSON, a number or a line of words with commas.
    """
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if head[:1] == b"\x80" or b"\0" in head:
        return False
    if not start or start[:1] in b"[{#+-.0123456789" or b"," in start.split(b"\n", 1)[0]:
        return True
    return start[:1] not in b"(c]})" and all(byte >= 0x20 or byte in b"\t\n\r" for byte in start)


def _text(path: Path, head: bytes, options: ReadOptions) -> Recognised:
    if options.format is not None:
        reader = format_named(options.format).reader
        if not isinstance(reader, FileReader) or not (reader.text or reader.json):
            raise PredictionError(f"{path}: --format {options.format}, but its content is text")
        return options.format, reader.read(path, options), _found(options.format, "", options.format)
    text = head.decode("utf-8-sig", errors="replace").lstrip()
    if not text:
        *others, last = (name for name, reader in file_readers() if reader.text)
        which = f"{', '.join(others)} or {last}"
        raise PredictionError(f"{path}: empty: it could be {which} without detections; say which with --format")
    if recognised := _seen("json" if text[0] in "[{" else "text", text, path, options):
        return recognised
    if text[0] == "{":
        raise PredictionError(f"{path}: a JSON object; COCO results are a list: {_what_object(text)}. {_PLAINEST}")
    if text[0] == "<":
        raise PredictionError(
            f"{path}: XML, in which annotations are, not predictions: `vidkit prepare {path}` reads it"
        )
    raise PredictionError(
        f"{path}: its first line, {first_line(text)[:60]!r}, begins no known format; there are {', '.join(READ)}. "
        f"{_PLAINEST}"
    )


def _what_folder(path: Path) -> str:
    words = first_words(path)
    kinds = "MOT text, a file a video; ultralytics' or KITTI's text, a file a frame"
    return f"its text files begin with {' '.join(words)[:60]!r}; wanted {kinds}" if words else f"no .txt files; {kinds}"


def _what_object(text: str) -> str:
    keys = [key for key in ("images", "annotations", "categories") if f'"{key}"' in text]
    if keys:
        return "this is a ground truth; give it as --image-ids beside the results"
    try:
        return f"it has {', '.join(list(json.loads(text))[:4])}"
    except (ValueError, RecursionError, TypeError):
        return "it has other keys"
