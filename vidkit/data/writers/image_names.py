"""How the frames of an index are called in what is exported: as their files are, else by their numbers."""

from collections.abc import Sequence
from pathlib import PurePosixPath

from vidkit.data.frames import PATTERN
from vidkit.data.index import FOLDER, IMAGE, TAR, Index
from vidkit.errors import ChoiceError

_IN_TAR, _OF_FILM = ".JPEG", ".jpg"


def image_paths(index: Index, video: int) -> list[str]:
    """The paths of a video's images below the root of the frames; of films and tars VIDEO/NUMBER.jpg."""
    files, rows = index.files, index.frames_of(video)
    kind = "" if files is None else files.kind[video]
    if files is not None and kind == IMAGE:
        return [files.source[video]] * len(rows)
    names = image_names(index, video)
    if files is not None and kind == FOLDER:
        return [str(PurePosixPath(files.source[video]) / name) for name in names]
    called = None if index.called.frame_path is None else index.called.frame_path[rows.start : rows.stop].tolist()
    if not kind and called is not None and all(called):
        return [path.decode() for path in called]
    return [f"{inner_name(index.video_name[video])}/{name}" for name in names]


def image_names(index: Index, video: int) -> list[str]:
    """The names of a video's images in a folder of their own: those of its files where no two stems are alike."""
    files, rows = index.files, index.frames_of(video)
    numbers = index.frame_number[rows.start : rows.stop].tolist()
    kind = "" if files is None else files.kind[video]
    plain = [f"{number:06d}{_IN_TAR if kind == TAR else _OF_FILM}" for number in numbers]
    if files is None or kind not in (FOLDER, IMAGE):
        return plain
    pattern = files.pattern[video]
    if kind == IMAGE:
        names = [PurePosixPath(files.source[video]).name]
    elif PATTERN.fullmatch(pattern):
        names = [pattern.format(number) for number in numbers]
    else:
        names = list(files.name[rows.start : rows.stop]) if files.name is not None else plain
    names = [name or other for name, other in zip(names, plain, strict=True)]
    alone = len({str(PurePosixPath(name).with_suffix("")) for name in names}) == len(names)
    return [inner_name(name) for name in names] if alone else plain


def suffix_of(names: Sequence[str]) -> str:
    """The suffix of the images of a video, by the first."""
    return PurePosixPath(names[0]).suffix or _OF_FILM if names else _OF_FILM


def inner_name(name: str) -> str:
    """The name of a video, split or image as a path below a folder; ChoiceError where it would lead out of it."""
    parts = name.split("/")
    if any(part in ("", ".", "..") or not part.isprintable() or "\\" in part for part in parts):
        raise ChoiceError(f"{name!r}: can't be the name of a file or folder, so it isn't exported")
    return name
