"""Forms that an index is exported to: a row for each in `WRITERS`, a module here that writes it.

A new form is a module and a row. Names and what they stand for are known without importing a module.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vidkit.data.index import Index

HOLDABLE = ("tracks", "occluded", "generated", "numbers", "ignored", "wnids")
"""What a form may have a place for, beside boxes and classes; see `what_is_lost`."""


@dataclass(frozen=True)
class WrittenSplit:
    """What was written of one index: frames, boxes, what is worth knowing, and where its images belong."""

    frames: int
    boxes: int
    notes: tuple[str, ...] = ()
    images: Mapping[int, Path] = field(default_factory=dict)  # frame row → the path that the form wants its image at
    again: str = ""  # in the place of the form's, where this index was written in another way


@dataclass(frozen=True)
class ExportForm:
    """A form to export to: what it is for people, where its writer is, what it has a place for.

    The module has `write_split(folder, index) -> WrittenSplit`, and may have `write_common(folder, indices)` for what
    stands beside the splits.
    """

    module: str
    what: str
    holds: tuple[str, ...]  # of HOLDABLE
    again: str
    """How `vidkit prepare` reads it: options with {out}, {split}, {root} (of the frames)."""

    def write_split(self, folder: Path, index: Index) -> WrittenSplit:
        """What is written below `folder` of one index. Raises ChoiceError for what the form can't be made of."""
        written: WrittenSplit = self._part("write_split")(folder, index)
        return written

    def write_common(self, folder: Path, indices: Sequence[Index]) -> None:
        """Write what stands beside the splits."""
        self._part("write_common")(folder, indices)

    def _part(self, name: str) -> Any:
        return getattr(import_module(f"{__name__}.{self.module}"), name, lambda *_: None)


WRITERS: Mapping[str, ExportForm] = {
    "coco-vid": ExportForm(
        "coco_vid_file",
        "COCO-VID: a JSON for each split",
        ("tracks", "occluded", "generated", "numbers", "ignored", "wnids"),
        "--coco {out}/{split}.json --frames {root}",
    ),
    "youtube-vis": ExportForm(
        "youtube_vis_file",
        "YouTube-VIS: a JSON for each split, an annotation for each track",
        ("tracks", "ignored"),
        "{out}/{split}.json --from youtube-vis --frames {root}",
    ),
    "yolo": ExportForm(
        "yolo_tree",
        "YOLO: images, labels with a text file for each image, data.yaml",
        (),
        "{out} --from yolo --split {split}",
    ),
    "mot": ExportForm(
        "mot_folders",
        "MOTChallenge: a folder for each video with gt/gt.txt, seqinfo.ini, img1",
        ("tracks", "ignored", "wnids"),
        "--mot {out}/{split} --classes {out}/classes.txt",
    ),
    "ilsvrc": ExportForm(
        "ilsvrc_tree",
        "ILSVRC: a tree of XML, in whole pixels",
        ("tracks", "occluded", "generated", "wnids"),
        "--vid-root {out} --split {split}",
    ),
}
"""All forms by the names that --to takes."""
