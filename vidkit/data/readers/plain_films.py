"""Films without annotation → records: every frame is there to be shown and detected in, and none is annotated."""

import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import numpy as np

from vidkit.classes import ObjectClass
from vidkit.data.film import VIDEO_SUFFIXES, film_facts
from vidkit.data.index import VIDEO
from vidkit.data.readers.json_fields import inner_path
from vidkit.data.readers.looking import is_folder, is_plain, names_in
from vidkit.data.readers.numbered_images import MAX_FRAMES
from vidkit.data.readers.source import Source, check_names
from vidkit.data.readers.sparse import UNANNOTATED
from vidkit.data.records import VideoFiles, VideoTable
from vidkit.errors import AnnotationError

CUT = "films whose end is missing, taken as far as they can be decoded"


def read_films(*paths: Path, classes: Sequence[ObjectClass] | None = None) -> Source:
    """The films at the paths, and of folders those that lie in them, by name; each is called as its file.

    `classes` are those that detectors are to look for; none by default. Raises AnnotationError where there are no
    films, FrameError for a film of which nothing can be decoded.
    """
    films = [film.resolve() for path in paths for film in _films_at(path)]
    root = Path(os.path.commonpath([film.parent for film in films]))
    places = [inner_path(str(root), film.relative_to(root).as_posix()) for film in dict.fromkeys(films)]
    often = Counter(str(PurePosixPath(place).with_suffix("")) for place in places)
    videos = []
    for place in places:
        name = str(PurePosixPath(place).with_suffix(""))
        videos.append(_video(root, place, name if often[name] == 1 else place))
    check_names(str(root), tuple(videos))
    return Source(tuple(classes or ()), tuple(videos), root)


def looks_like(path: Path) -> bool:
    """Whether `path` is a film by its name, or a folder with one."""
    if is_folder(path):
        return any(name.lower().endswith(VIDEO_SUFFIXES) for name in names_in(path))
    return path.name.lower().endswith(VIDEO_SUFFIXES) and is_plain(path)


def _films_at(path: Path) -> list[Path]:
    if not is_folder(path):
        return [path]
    films = [path / name for name in names_in(path) if name.lower().endswith(VIDEO_SUFFIXES)]
    if not films:
        raise AnnotationError(f"{path}: no video files in it; wanted {', '.join(VIDEO_SUFFIXES)}")
    return films


def _video(root: Path, place: str, name: str) -> VideoTable:
    size, length, is_cut = film_facts(root / place)
    if length > MAX_FRAMES:
        raise AnnotationError(f"{root / place}: {length} frames, at most {MAX_FRAMES} are read")
    return VideoTable(
        name=name,
        frame_number=np.arange(length, dtype=np.int32),
        instance_count=np.zeros(length, np.int32),
        box=np.zeros((0, 4), np.float32),
        class_id=np.zeros(0, np.int16),
        track_id=np.zeros(0, np.int32),
        occluded=np.zeros(0, np.bool_),
        generated=np.zeros(0, np.bool_),
        size=size,
        files=VideoFiles(VIDEO, place),
        counts={UNANNOTATED: length, **({CUT: 1} if is_cut else {})},
        annotated=np.zeros(length, np.bool_),
    )
