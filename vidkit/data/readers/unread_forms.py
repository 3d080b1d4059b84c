"""Files that aren't annotations of a form that is read: what they seem to be, what was found, what can be done."""

import json
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from vidkit.data.readers.looking import head, is_folder, names_in

_SHOWN = 6


@dataclass(frozen=True)
class UnreadForm:
    """A form that is known and isn't read: what tells it, and what its owner can do."""

    what: str
    do: str
    suffixes: tuple[str, ...] = ()  # of the name; any where there are none
    begins: str = ""  # a regular expression that is found in the first bytes; "" where the suffix is enough


_EXPORT = "export the task as {}"
_TO_COCO = "write its boxes as COCO-VID's JSON (docs/other_sources.md)"

UNREAD: tuple[UnreadForm, ...] = (
    UnreadForm("vidkit's own file", "it is prepared already: vidkit info, check, eval --index …", (".h5", ".hdf5")),
    UnreadForm(
        "a list of detections in COCO's form, which are no annotations",
        "score them with vidkit eval, on an index of their ground truth",
        (".json",),
        r'\A\[\s*\{(?=[^{}]*"score")(?=[^{}]*"image_id")',
    ),
    UnreadForm(
        "AVA's CSV, which has boxes of people once a second, in shares of the picture, with actions for classes",
        _TO_COCO,
        (".csv",),
        r"\A[\w-]+,0?\d{1,4}(\.\d+)?(,[01]?\.\d+){4},\d+,\d+\s",
    ),
    UnreadForm(
        "the CSV of YouTube-BoundingBoxes, of videos that must be fetched one by one",
        _TO_COCO,
        (".csv",),
        r"\A(youtube_id,|[\w-]{11},\d+,\d+,\w+,\d+,(present|absent|uncertain),)",
    ),
    UnreadForm("EPIC-KITCHENS's table of objects", _TO_COCO, (".csv",), r"\A.*\bnoun_class\b.*\bbounding_boxes\b"),
    UnreadForm("Open Images's CSV of boxes", _TO_COCO, (".csv",), r"\AImageID,Source,LabelName,"),
    UnreadForm(
        "DarkLabel's text",
        "let DarkLabel write YOLO or XML in VOC's form",
        (".txt", ".csv"),
        r"\A\d+,\d+(,\d+){5},[A-Za-z]",
    ),
    UnreadForm(
        "MOTS's text, which holds masks",
        "use the MOTChallenge gt.txt of the same sequences",
        (".txt",),
        r"\A\d+ \d+ \d+ \d+ \d+ \S{8,}\s",
    ),
    UnreadForm(
        "records of TensorFlow, as Waymo's and its Object Detection API's are",
        _TO_COCO,
        (".tfrecord", ".tfrecords", ".record"),
    ),
    UnreadForm("a Parquet file, as Waymo's version 2 has", _TO_COCO, (".parquet",)),
    UnreadForm("nuScenes's or nuImages's tables", _TO_COCO, (".json",), r'\A\[\s*\{\s*"token"\s*:\s*"'),
    UnreadForm(
        "an annotation of VGG's Image Annotator",
        "let VIA export COCO",
        (".json",),
        r'"(_via_settings|_via_img_metadata|shape_attributes)"',
    ),
    UnreadForm(
        "Supervisely's JSON",
        _EXPORT.format("COCO, MOTChallenge or YOLO"),
        (".json",),
        r'"(framesCount|tagsMeta|objectClass|classTitle)"\s*:',
    ),
    UnreadForm(
        "Labelbox's export",
        "convert it to COCO with Labelbox's own tools",
        (".ndjson", ".json"),
        r'"(data_row|Labeled Data|featureId)"\s*:',
    ),
    UnreadForm(
        "V7's Darwin JSON",
        _EXPORT.format("CVAT's XML, COCO or YOLO"),
        (".json",),
        r'"(schema_ref|slots|bounding_box)"\s*:',
    ),
    UnreadForm(
        "CreateML's JSON",
        _EXPORT.format("COCO or YOLO"),
        (".json",),
        r'\A\[\s*\{(?=[^\]]*"image"\s*:\s*")[^]]*"coordinates"',
    ),
    UnreadForm("a manifest of SageMaker Ground Truth", _TO_COCO, (".manifest",), r'"source-ref"'),
    UnreadForm("a project of VoTT", _EXPORT.format("VOC or COCO"), (".vott",)),
    UnreadForm("a file of MATLAB", _TO_COCO, (".mat",)),
    UnreadForm(
        "a pickle, which isn't read as annotations since it may run anything",
        "if it holds predictions, score them with vidkit eval",
        (".pkl", ".pickle", ".pckl"),
    ),
    UnreadForm("an archive", "unpack it, and give the folder", (".zip", ".tar", ".gz", ".tgz", ".7z", ".rar")),
)
"""Those that are told most surely first."""


def seems_to_be(path: Path) -> UnreadForm | None:
    """The known form that a file, or the first such file of a folder, seems to be of; None for no known one."""
    files = [path / name for name in names_in(path)] if is_folder(path) else [path]
    starts = dict.fromkeys(files, "")
    for form in UNREAD:
        for file in files:
            if form.suffixes and not file.name.lower().endswith(form.suffixes):
                continue
            if form.begins and not starts[file]:
                starts[file] = head(file).decode("utf-8", "replace") or "\n"
            if re.search(form.begins, starts[file]):
                return form
    return None


def what_is_at(path: Path) -> str:
    """What there is to see of a file or folder, in a few words."""
    if is_folder(path):
        return _in_folder(path)
    start = head(path)
    if not start:
        return "an empty file"
    text = start.decode("utf-8", "replace")
    if "\0" in text or text.count("\ufffd") > len(text) // 20:
        return "a file that is no text"
    if text[0] in "{[":
        keys = list(dict.fromkeys(re.findall(r'"([\w -]{1,40})"\s*:', text)))
        return f"JSON with the keys {_some(keys)}" if keys else "JSON without names of fields"
    tag = re.search(r"<([A-Za-z]\w*)", text)
    if text[0] == "<" and tag:
        return f"XML, <{tag[1]}>"
    return f"text that begins with {json.dumps(text.splitlines()[0][:60], ensure_ascii=False)}"


def _in_folder(path: Path) -> str:
    names = names_in(path)
    if not names:
        return "an empty folder"
    folders = [name for name in names if is_folder(path / name)]
    suffixes: Mapping[str, int] = Counter(Path(name).suffix.lower() or name for name in names if name not in folders)
    files = [f"{n} {suffix}" for suffix, n in sorted(suffixes.items(), key=lambda item: -item[1])]
    parts = [f"the folders {_some(folders)}"] if folders else []
    return "a folder with " + " and ".join([*parts, *([_some(files)] if files else [])])


def _some(names: list[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (f" … ({len(names)} in all)" if len(names) > _SHOWN else "")
