"""`index.h5`: an index as a file. docs/formats.md has the format."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vidkit import hdf5
from vidkit.classes import ObjectClass
from vidkit.data.index import AddedColumns, FrameFiles, IgnoredRegions, Index, SourceNames
from vidkit.data.index_sense import check_sense

INDEX_FORMAT, INDEX_VERSION, OLDEST_VERSION = "vidkit-index", 2, 1
"""Version 2 added `/ignored`, `/frames/annotated` and `/source`; files of version 1 have none of them."""

_COLUMNS = {
    "video_size": "/videos/size",
    "frame_start": "/videos/frame_start",
    "frame_number": "/frames/number",
    "instance_start": "/frames/instance_start",
    "box": "/instances/box",
    "class_id": "/instances/class_id",
    "track_id": "/instances/track_id",
    "occluded": "/instances/occluded",
    "generated": "/instances/generated",
    "motion_iou": "/instances/motion_iou",
    "annotated": "/frames/annotated",
}
_OPTIONAL = ("motion_iou", "annotated")
_IGNORED = ("count", "box", "class_id", "crowd")


def write_index(path: str | Path, index: Index) -> None:
    """Write `index` to `path`, whole or not at all."""
    columns = [vars(index), index.frame_attributes, index.instance_attributes, vars(index.called)]
    columns += [vars(part) for part in (index.files, index.ignored) if part is not None]
    with hdf5.creating(path, INDEX_FORMAT, INDEX_VERSION, sum(map(hdf5.n_bytes, columns))) as file:
        hdf5.write_texts(file, dataset=index.dataset, split=index.split, fingerprint=index.fingerprint)
        hdf5.write_strings(file, "/classes/name", index.class_names)
        hdf5.write_strings(file, "/classes/wnid", [c.wnid for c in index.classes])
        hdf5.write_strings(file, "/videos/name", index.video_name)
        for name, place in _COLUMNS.items():
            if getattr(index, name) is not None:
                file[place] = getattr(index, name)
        for level, attributes in (("frames", index.frame_attributes), ("instances", index.instance_attributes)):
            for name, column in attributes.items():
                file[f"/{level}/attributes/{name}"] = column
        if index.files is not None:
            _write_files(file.create_group("files"), index.files)
        if index.ignored is not None:
            for name in _IGNORED:
                file[f"/ignored/{name}"] = getattr(index.ignored, name)
        _write_called(file, index.called)


def read_index(path: str | Path) -> Index:
    """The index stored at `path`, read whole; the file is closed again.

    Raises FormatError if it isn't a vidkit index of a known version, is damaged, doesn't have the content that its
    fingerprint tells, or makes no sense.
    """
    with hdf5.opening(path, INDEX_FORMAT, INDEX_VERSION, OLDEST_VERSION) as file:
        names, wnids = hdf5.strings(file, "/classes/name"), hdf5.strings(file, "/classes/wnid")
        index = Index(
            dataset=hdf5.text_of(file, "dataset"),
            split=hdf5.text_of(file, "split"),
            classes=tuple(ObjectClass(name, wnid) for name, wnid in zip(names, wnids, strict=True)),
            video_name=hdf5.strings(file, "/videos/name"),
            frame_attributes=hdf5.attributes(file, "/frames/attributes"),
            instance_attributes=hdf5.attributes(file, "/instances/attributes"),
            files=_read_files(file) if "files" in file else None,
            ignored=IgnoredRegions(*(hdf5.column(file, f"/ignored/{name}") for name in _IGNORED))
            if "ignored" in file
            else None,
            called=_read_called(file),
            added=AddedColumns(),
            **{name: hdf5.column(file, at) for name, at in _COLUMNS.items() if name not in _OPTIONAL or at in file},
        )
        hdf5.check_told(file, "fingerprint", index.fingerprint)
        check_sense(index)
        return index


@dataclass(frozen=True)
class IndexHead:
    """What tells one index from another, read without its columns."""

    dataset: str
    split: str
    fingerprint: str
    n_videos: int
    n_frames: int

    @property
    def is_video(self) -> bool:
        """Whether some video has more than one frame; else all are still images."""
        return self.n_frames > self.n_videos


def read_index_head(path: str | Path) -> IndexHead:
    """What the index at `path` states of itself, without reading the rest. Raises FormatError as `read_index`."""
    with hdf5.opening(path, INDEX_FORMAT, INDEX_VERSION, OLDEST_VERSION) as file:
        dataset, split, fingerprint = (hdf5.text_of(file, name) for name in ("dataset", "split", "fingerprint"))
        videos, frames = (hdf5.length(file, place) for place in ("/videos/name", "/frames/number"))
        return IndexHead(dataset, split, fingerprint, videos, frames)


def _write_files(group: hdf5.Group, files: FrameFiles) -> None:
    hdf5.write_texts(group, root=files.root)
    for name in ("kind", "source", "pattern", "name"):
        if getattr(files, name) is not None:
            hdf5.write_strings(group, name, getattr(files, name))
    for name in ("offset", "size"):
        if getattr(files, name) is not None:
            group[name] = getattr(files, name)


def _read_files(file: hdf5.File) -> FrameFiles:
    group = file["files"]
    return FrameFiles(
        root=hdf5.text_of(group, "root"),
        kind=hdf5.strings(group, "kind"),
        source=hdf5.strings(group, "source"),
        pattern=hdf5.strings(group, "pattern"),
        name=hdf5.strings(group, "name") if "name" in group else None,
        offset=hdf5.column(file, "/files/offset") if "offset" in group else None,
        size=hdf5.column(file, "/files/size") if "size" in group else None,
    )


def _write_called(file: hdf5.File, called: SourceNames) -> None:
    for name in ("frame_id", "frame_path", "frame_number"):
        if getattr(called, name) is not None:
            file[f"/source/{name}"] = getattr(called, name)
    if called.class_id is not None:
        hdf5.write_strings(file, "/source/class_id", called.class_id)


def _read_called(file: hdf5.File) -> SourceNames:
    def read(name: str) -> Any:
        return hdf5.column(file, f"/source/{name}") if f"source/{name}" in file else None

    return SourceNames(
        read("frame_id"),
        read("frame_path"),
        read("frame_number"),
        hdf5.strings(file, "/source/class_id") if "source/class_id" in file else None,
    )
