"""Annotations in other forms than ILSVRC's: a row for each in `FORMS`, a module here that reads it.

A new form is a module and a row. Names and what they stand for are known without importing a module.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from os.path import commonpath
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from vidkit.errors import AnnotationError, ChoiceError
from vidkit.reading_door import reading

if TYPE_CHECKING:
    from vidkit.data.readers.source import Source

Option = Literal["frames", "classes", "first_pixel", "size", "split"]
"""What a reader may take beside the path: the folder of the images, the classes, how pixels are counted, the size of
pictures that aren't there, which split of several."""
SPLITS = ("train", "val", "test")


def name_from_path(path: Path) -> tuple[str, str]:
    """Data set and split, as far as the path of an annotation file or folder tells them; else "all" for a split.

    ("drone", "val") for drone/val.json and drone/annotations/instances_val.json, ("MOT17", "train") for MOT17/train.
    """
    path = path.resolve()
    if path.is_dir() and path.name not in SPLITS:
        return path.name, "all"
    split = next((s for s in SPLITS if re.search(rf"(?<![a-z]){s}(?![a-z])", path.stem)), path.stem)
    parents = [parent.name for parent in path.parents if parent.name.lower() not in ("annotations", "")]
    return (parents or ["data"])[0], split


def name_from_films(*paths: Path) -> tuple[str, str]:
    """Data set and split of films: called as the film, or the folder that holds them."""
    places = [path.resolve() for path in paths]
    place = places[0] if len(places) == 1 else Path(commonpath([path.parent for path in places]))
    return re.sub(r"[^\w.-]+", "_", place.name if place.is_dir() else place.stem).strip("_.-") or "films", "all"


@dataclass(frozen=True)
class AnnotationForm:
    """A form of annotations: what it is for people, where its reader is, and what that takes.

    The reader is a function of a module of this package: a path (or, `together`, several) and the options that were
    given → `Source`. The defaults of options are its own. The module may have `looks_like(path)`: whether a path seems
    to hold this form.
    """

    reader: str
    """MODULE:FUNCTION."""
    what: str
    place: Literal["FILE", "DIR", "PATH"]
    takes: tuple[Option, ...] = ()
    needs: Mapping[Option, str] = field(default_factory=dict)
    """Options that must be given, and why."""
    refuses: Mapping[Option, str] = field(default_factory=dict)
    """Why an option that others take makes no sense here."""
    several: bool = False
    """Whether several paths may be given, for an index each."""
    together: bool = False
    """Whether several paths are one index."""
    index_name: Callable[..., tuple[str, str]] = name_from_path
    """Data set and split of the index, where they aren't given."""

    def _module(self) -> Any:
        return import_module(f"{__name__}.{self.reader.partition(':')[0]}")

    def read(self, *paths: Path, **options: Any) -> Source:
        """What the reader finds at the path, or at several that are one index. Raises AnnotationError."""
        with reading(paths[0], AnnotationError, self.what):
            source: Source = getattr(self._module(), self.reader.partition(":")[2])(*paths, **options)
            return source

    def looks_like(self, path: Path) -> bool:
        """Whether the file or folder at `path` seems to be of this form; False where nothing tells."""
        look: Callable[[Path], bool] = getattr(self._module(), "looks_like", lambda _: False)
        return look(path)


_IMAGES: tuple[Option, ...] = ("frames", "classes")

FORMS: Mapping[str, AnnotationForm] = {
    "cvat-video": AnnotationForm("cvat_video:read_cvat_video", "CVAT's XML for video", "PATH", takes=_IMAGES),
    "cvat-images": AnnotationForm("cvat_images:read_cvat_images", "CVAT's XML for images", "PATH", takes=_IMAGES),
    "cvat-mot": AnnotationForm("cvat_mot:read_cvat_mot", "CVAT's MOT export, with labels.txt", "DIR", takes=_IMAGES),
    "cvat-coco": AnnotationForm("cvat_coco:read_cvat_coco", "CVAT's COCO export of a video", "PATH", takes=_IMAGES),
    "label-studio": AnnotationForm(
        "label_studio:read_label_studio", "Label Studio's JSON of video", "PATH", takes=(*_IMAGES, "size")
    ),
    "datumaro": AnnotationForm("datumaro:read_datumaro", "Datumaro's JSON", "PATH", takes=_IMAGES),
    "labelme": AnnotationForm("labelme:read_labelme", "LabelMe's JSON, a file an image", "DIR", takes=_IMAGES),
    "yolo": AnnotationForm("yolo:read_yolo", "YOLO's folders, with data.yaml", "PATH", takes=(*_IMAGES, "split")),
    "youtube-vis": AnnotationForm(
        "youtube_vis:read_youtube_vis", "YouTube-VIS's JSON: OVIS, UVO, LV-VIS, too", "PATH", takes=_IMAGES
    ),
    "scalabel": AnnotationForm("scalabel:read_scalabel", "Scalabel's JSON: BDD100K", "PATH", takes=_IMAGES),
    "visdrone": AnnotationForm("visdrone:read_visdrone", "VisDrone's text of videos", "PATH", takes=_IMAGES),
    "uavdt": AnnotationForm("uavdt:read_uavdt", "UAVDT's text", "PATH", takes=_IMAGES),
    "ua-detrac": AnnotationForm("ua_detrac:read_ua_detrac", "UA-DETRAC's XML", "PATH", takes=_IMAGES),
    "kitti": AnnotationForm("kitti:read_kitti", "KITTI's text of tracks", "PATH", takes=_IMAGES),
    "single-object": AnnotationForm(
        "single_object:read_single_object", "LaSOT's and GOT-10k's text of one object", "DIR", takes=_IMAGES
    ),
    "coco": AnnotationForm(
        "coco:read_coco",
        "COCO-VID or COCO JSON: TAO, Argoverse-HD, ByteTrack, too",
        "FILE",
        takes=("frames", "classes"),
        refuses={"first_pixel": "COCO counts from the edge"},
        several=True,
    ),
    "mot": AnnotationForm(
        "mot:read_mot",
        "MOTChallenge: a sequence, or a folder of sequences",
        "DIR",
        takes=("classes", "first_pixel"),
        refuses={"frames": "a MOT sequence tells where its images are"},
    ),
    "voc": AnnotationForm(
        "voc:read_voc",
        "XML in VOC's form, with --classes FILE",
        "DIR",
        takes=("frames", "classes", "first_pixel"),
        needs={"classes": "the classes of VOC's form are one's own"},
    ),
    "video": AnnotationForm(
        "plain_films:read_films",
        "video files without annotation",
        "PATH",
        takes=("classes",),
        refuses={"frames": "the frames are those of the films"},
        together=True,
        index_name=name_from_films,
    ),
}
"""All forms by their names, those that are told most surely first."""
BY_OPTION = {name: FORMS[name] for name in ("coco", "mot", "voc", "video")}
"""The forms with an option of their own, such as --coco; any may be given as PATH."""


def form_of(path: Path) -> str:
    """The name of the form that a file or folder seems to be of. Raises ChoiceError, which says what it seems to be."""
    if not path.exists():
        raise ChoiceError(f"{path}: no such file or folder")
    for name, form in FORMS.items():
        if form.looks_like(path):
            return name
    from vidkit.data.readers.unread_forms import seems_to_be, what_is_at

    unread = seems_to_be(path)
    if unread is not None:
        raise ChoiceError(f"{path}: this seems to be {unread.what}: not read; {unread.do}")
    raise ChoiceError(
        f"{path}: {what_is_at(path)}: not recognised as annotations of a form that is read; if it is of one, say which "
        "with --from FORM (vidkit prepare --help lists them, docs/other_sources.md tells their fields)"
    )


def forms_taking(option: Option) -> list[str]:
    """The forms with an option of their own whose readers take an option."""
    return [name for name, form in BY_OPTION.items() if option in form.takes]
