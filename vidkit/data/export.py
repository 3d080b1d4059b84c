"""`export`: indices → annotations in a form of the field, in a folder that is written whole or not at all."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, get_args

from vidkit.data.index import Index
from vidkit.data.index_file import read_index
from vidkit.data.writers import WRITERS, ExportForm, WrittenSplit
from vidkit.data.writers.image_names import inner_name
from vidkit.data.writers.placed_images import Placing, place_images
from vidkit.data.writers.what_is_lost import losses
from vidkit.errors import ArgumentError, ChoiceError, did_you_mean
from vidkit.files import writing_folder

Place = str | Path


@dataclass(frozen=True)
class ExportedSplit:
    """What was written of one index."""

    dataset: str
    split: str
    videos: int
    frames: int
    boxes: int
    images: int
    lost: tuple[str, ...]
    """What the index holds and the form has no place for."""
    notes: tuple[str, ...]
    prepare: str
    """The command that makes an index of it again."""


@dataclass(frozen=True)
class Exported:
    """What was written, where."""

    folder: Path
    form: str
    splits: tuple[ExportedSplit, ...]

    def to_dict(self) -> dict[str, Any]:
        """What JSON tells of it."""
        return asdict(self)


def export(
    *indices: Index | Place,
    to: str,
    out: Place,
    images: Placing = "link",
    frames_root: Place | None = None,
) -> Exported:
    """What was written to the folder `out`: the indices, of one data set's splits, in the form `to`.

    Args:
        indices: indices or their files, of one list of classes and different splits.
        to: a form of `vidkit.data.writers.WRITERS`; `out` must not exist yet, or be empty.
        images: where the form has a folder for images: links to them, copies, or none. Frames of films are made JPEGs.
        frames_root: where the frames are, if they were moved since the index was made.

    Raises ArgumentError for what isn't a choice, ChoiceError where indices don't go together or the form can't be made
    of them, FrameError for images that aren't there.
    """
    if to not in WRITERS:
        raise ArgumentError(f"to {to!r}{did_you_mean(to, list(WRITERS))}: wanted one of {', '.join(WRITERS)}")
    if images not in get_args(Placing):
        raise ArgumentError(f"images {images!r}: wanted one of {', '.join(get_args(Placing))}")
    read = [index if isinstance(index, Index) else read_index(index) for index in indices]
    _check(read)
    form, root = WRITERS[to], None if frames_root is None else Path(frames_root)
    with writing_folder(Path(out)) as folder:
        written = [form.write_split(folder, index) for index in read]
        form.write_common(folder, read)
        placed = [place_images(i, w.images, images, root) for i, w in zip(read, written, strict=True)]
    told = (_told(form, Path(out), root, *each) for each in zip(read, written, placed, strict=True))
    return Exported(Path(out), to, tuple(told))


def _check(indices: Sequence[Index]) -> None:
    """Raise where indices don't go together."""
    if not indices:
        raise ArgumentError("no index to export")
    splits = [inner_name(index.split) for index in indices]
    if len(set(splits)) < len(splits):
        raise ArgumentError(f"splits {', '.join(splits)}: indices in one folder must be of different splits")
    first = indices[0]
    for index in indices[1:]:
        if index.classes != first.classes:
            raise ChoiceError(
                f"{first.dataset} {first.split} has the classes {', '.join(first.class_names)}, {index.dataset} "
                f"{index.split} {', '.join(index.class_names)}; prepare both with the same --classes"
            )


def _told(
    form: ExportForm, out: Path, root: Path | None, index: Index, written: WrittenSplit, placed: int
) -> ExportedSplit:
    again, of_frames = written.again or form.again, root or ("" if index.files is None else index.files.root)
    return ExportedSplit(
        dataset=index.dataset,
        split=index.split,
        videos=index.n_videos,
        frames=written.frames,
        boxes=written.boxes,
        images=placed,
        lost=tuple(losses(index, form.holds)),
        notes=written.notes,
        prepare=f"vidkit prepare {again.format(out=out, split=index.split, root=of_frames or 'DIR')}",
    )
