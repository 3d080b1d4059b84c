"""COCO-like truth and results in many layouts: the AP that pycocotools gives for what was meant, or a way out.

The truth is written with its images in any order, with any ids and names; the results name frames and classes in the
ways that people's tools do. What their owner meant is known here, so that a wrong join can't hide.
"""

import contextlib
import io
import json
from dataclasses import dataclass, field, replace
from pathlib import Path, PureWindowsPath
from typing import Any

import numpy as np
import pytest

from vidkit.data.index import Index
from vidkit.data.readers.coco import read_coco
from vidkit.data.stack import build_index
from vidkit.errors import PredictionError
from vidkit.evaluation.evaluate import evaluate
from vidkit.predictions import ReadOptions, read_with_report

VIDEOS, FRAMES, CLASSES = ("walk", "drive", "fly"), 12, ("cat", "dog", "bird")
SIZE = (320, 240)

Row = tuple[int, int, int, tuple[int, int, int, int]]
"""Video, frame, class, and x, y, width, height."""


@dataclass(frozen=True)
class Layout:
    """How truth and results are written."""

    images: str = "sorted"
    """sorted, shuffled or interleaved."""
    ids: str = "from 1"
    """from 1, from 0, sparse, text; they go in the order of the images."""
    names: str = "folders from 0"
    categories: tuple[int, ...] = (1, 2, 3)
    is_video: bool = True
    frame: str = "id"
    """How results name a frame."""
    label: str = "id"
    cut: str = ""
    """Which frames nothing was found in: those with the first ids, the last, or none."""

    @property
    def title(self) -> str:
        """Its name in the list of tests."""
        video = "video" if self.is_video else "stills"
        parts = (self.images, self.ids, self.names, str(self.categories), video, self.frame, self.label, self.cut)
        return " | ".join(part for part in parts if part)


def _truth(seed: int) -> list[Row]:
    rng = np.random.default_rng(seed)
    rows: list[Row] = []
    for video in range(len(VIDEOS)):
        for c in range(len(CLASSES)):
            x, y = rng.integers(20, 120, 2).tolist()
            step, side = rng.integers(4, 9, 2).tolist(), rng.integers(30, 60, 2).tolist()
            first, last = int(rng.integers(0, 2)), int(rng.integers(FRAMES - 1, FRAMES + 1))
            rows += [(video, k, c, (x + step[0] * k, y + step[1] * k, *side)) for k in range(first, last)]
    return rows


def _found(truth: list[Row], seed: int) -> list[tuple[Row, float]]:
    rng = np.random.default_rng(seed)
    rows: list[Row] = []
    for video, k, c, (x, y, w, h) in truth:
        if rng.random() < 0.9:
            dx, dy = rng.integers(-2, 3, 2).tolist()
            rows.append((video, k, c, (x + dx, y + dy, w, h)))
        if rng.random() < 0.15:
            rows.append((video, k, int(rng.integers(3)), (*rng.integers(0, 150, 2).tolist(), 25, 30)))
    scores = rng.permutation(len(rows)) / len(rows) / 2 + 0.25
    return [(row, float(score)) for row, score in zip(rows, scores, strict=True)]


TRUTH = _truth(1)
FOUND = _found(TRUTH, 2)
PLACES = [(video, k) for video in range(len(VIDEOS)) for k in range(FRAMES)]


@dataclass
class Written:
    """The truth as a layout writes it: ids and names by (video, frame)."""

    content: dict[str, Any] = field(default_factory=dict)
    id: dict[tuple[int, int], Any] = field(default_factory=dict)
    name: dict[tuple[int, int], str] = field(default_factory=dict)
    order: list[tuple[int, int]] = field(default_factory=list)


def _name(names: str, video: int, k: int) -> str:
    v = VIDEOS[video]
    return {
        "folders from 0": f"{v}/{k:06d}.jpg",
        "folders from 1": f"{v}/{k + 1:06d}.jpg",
        "img1": f"{v}/img1/{k + 1:06d}.jpg",
        "flat": f"{v}_{k:05d}.jpg",
        "numbers": f"{(video + 3) * 1000 + 7 * k:012d}.png",
    }[names]


def _written(layout: Layout) -> Written:
    rng = np.random.default_rng(5)
    order = list(PLACES)
    if layout.images == "shuffled":
        order = [order[k] for k in rng.permutation(len(order))]
    elif layout.images == "interleaved":
        order.sort(key=lambda place: (place[1], place[0]))
    sparse = np.sort(rng.choice(10_000, len(order), replace=False) + 500).tolist()
    ids = {"from 1": range(1, 99), "from 0": range(99), "sparse": sparse, "text": [f"im{n}" for n in sparse]}[
        layout.ids
    ]
    written = Written(id=dict(zip(order, ids, strict=False)), order=order)
    written.name = {place: _name(layout.names, *place) for place in order}
    images = [
        {"id": written.id[p], "file_name": written.name[p], "width": SIZE[0], "height": SIZE[1]}
        | ({"video_id": p[0] + 1, "frame_id": p[1]} if layout.is_video else {})
        for p in order
    ]
    written.content = {
        "images": images,
        "categories": [{"id": id, "name": name} for id, name in zip(layout.categories, CLASSES, strict=True)],
        "annotations": [
            {"id": n + 1, "image_id": written.id[video, k], "category_id": layout.categories[c], "bbox": list(box)}
            | {"area": box[2] * box[3], "iscrowd": 0, "instance_id": c}
            for n, (video, k, c, box) in enumerate(TRUTH)
        ],
    }
    if layout.is_video:
        written.content["videos"] = [{"id": v + 1, "name": name} for v, name in enumerate(VIDEOS)]
    return written


def _kept(layout: Layout, written: Written) -> list[tuple[Row, float]]:
    """What was found in the frames that aren't cut."""
    gone = {
        "": set(),
        "first": set(written.order[:2]),
        "last": set(written.order[-2:]),
        "first of each video": {(video, 0) for video in range(len(VIDEOS))},
    }[layout.cut]
    return [(row, score) for row, score in FOUND if row[:2] not in gone]


def _results(layout: Layout, written: Written, found: list[tuple[Row, float]], folder: Path) -> Path:
    if layout.frame.startswith("csv"):
        return _csv(layout, written, found, folder / "p.csv")
    labels = _labels(layout)
    rows = [
        {"image_id": _frame(layout, written, (v, k)), "category_id": labels[c], "bbox": list(box), "score": score}
        for (v, k, c, box), score in found
    ]
    (folder / "p.json").write_text(json.dumps(rows))
    return folder / "p.json"


def _labels(layout: Layout) -> list[Any]:
    return {
        "id": list(layout.categories),
        "from 0": [0, 1, 2],
        "from 1": [1, 2, 3],
        "name": list(CLASSES),
        "NAME": [name.upper() for name in CLASSES],
    }[layout.label]


def _frame(layout: Layout, written: Written, place: tuple[int, int]) -> Any:
    name = written.name[place]
    ways: dict[str, Any] = {
        "id": written.id[place],
        "id as text": str(written.id[place]),
        "name": name,
        "stem": name.rpartition(".")[0],
        "last stem": name.rpartition("/")[2].rpartition(".")[0],
        "below a root": f"/home/me/data/{name}",
        "below a drive": str(PureWindowsPath("D:/data") / name),
        "flat stem": name.rpartition(".")[0].replace("/", "_"),
        "place from 0": PLACES.index(place),
        "place from 1": PLACES.index(place) + 1,
        "line from 0": written.order.index(place),
        "line from 1": written.order.index(place) + 1,
        "number": f"{VIDEOS[place[0]]}_{place[1] + 1}",
    }
    return ways[layout.frame]


def _csv(layout: Layout, written: Written, found: list[tuple[Row, float]], file: Path) -> Path:
    labels = _labels(layout)
    head, first = ("video,frame", 1 if layout.frame == "csv from 1" else 0)
    lines = []
    for (v, k, c, (x, y, w, h)), score in found:
        frame = f"{VIDEOS[v]},{k + first}"
        if layout.frame == "csv names":
            head, frame = "file_name", written.name[v, k]
        elif layout.frame == "csv ids":
            head, frame = "image_id", str(written.id[v, k])
        lines.append(f"{frame},{labels[c]},{score!r},{x},{y},{w},{h}\n")
    file.write_text(f"{head},class,score,x,y,width,height\n{''.join(lines)}")
    return file


def _index(written: Written, folder: Path) -> Index:
    (folder / "val.json").write_text(json.dumps(written.content))
    source = read_coco(folder / "val.json")
    return build_index(source.videos, source.classes, "made", "val", class_ids=source.class_ids)


_KNOWN: dict[tuple[Any, ...], float] = {}


def _pycocotools(found: list[tuple[Row, float]]) -> float:
    """AP of what was meant, with plain ids; each set of detections is scored once."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    key = tuple(score for _, score in found)
    if key not in _KNOWN:
        with contextlib.redirect_stdout(io.StringIO()):
            truth = COCO()
            truth.dataset = {
                "images": [{"id": n} for n in range(len(PLACES))],
                "categories": [{"id": c} for c in range(len(CLASSES))],
                "annotations": [
                    {"id": n + 1, "image_id": PLACES.index((v, k)), "category_id": c, "bbox": list(box)}
                    | {"area": box[2] * box[3], "iscrowd": 0}
                    for n, (v, k, c, box) in enumerate(TRUTH)
                ],
            }
            truth.createIndex()
            rows = [
                {"image_id": PLACES.index((v, k)), "category_id": c, "bbox": list(box), "score": score}
                for (v, k, c, box), score in found
            ]
            run = COCOeval(truth, truth.loadRes(rows), "bbox")
            run.evaluate()
            run.accumulate()
            run.summarize()
        _KNOWN[key] = float(run.stats[0])
    return _KNOWN[key]


PLAIN = Layout()
STILLS = Layout(is_video=False, names="numbers", ids="sparse")
ANSWERED = [
    *(
        replace(PLAIN, images=i, ids=d)
        for i in ("sorted", "shuffled", "interleaved")
        for d in ("from 1", "from 0", "sparse")
    ),
    *(replace(PLAIN, images="shuffled", ids="text", frame=f) for f in ("id", "name", "csv ids")),
    *(replace(PLAIN, categories=c, images="interleaved") for c in ((1, 3, 4), (0, 1, 2), (90, 7, 12), (3, 1, 2))),
    *(replace(PLAIN, names=n, frame="name") for n in ("folders from 0", "folders from 1", "img1", "flat", "numbers")),
    *(replace(PLAIN, names=n, frame="stem", images="shuffled") for n in ("folders from 1", "img1", "flat", "numbers")),
    *(replace(PLAIN, names=n, frame="below a root") for n in ("folders from 0", "img1", "flat")),
    *(replace(PLAIN, names=n, frame="below a drive", ids="sparse") for n in ("folders from 1", "img1", "flat")),
    *(replace(PLAIN, names=n, frame="flat stem") for n in ("folders from 0", "folders from 1", "img1")),
    *(replace(PLAIN, frame="csv from 0", label=n) for n in ("name", "NAME", "id", "from 0")),
    *(replace(PLAIN, frame="csv names", label="name", names=n) for n in ("folders from 1", "img1", "flat")),
    replace(PLAIN, frame="csv from 1", label="name", categories=(1, 3, 4)),
    replace(PLAIN, frame="csv ids", label="id", categories=(1, 3, 4), images="interleaved"),
    replace(PLAIN, frame="id as text", images="shuffled"),
    replace(PLAIN, frame="number", names="folders from 1"),
    replace(PLAIN, label="from 0"),
    replace(PLAIN, label="from 0", categories=(5, 6, 9)),
    replace(PLAIN, ids="sparse", frame="place from 0"),
    replace(PLAIN, ids="sparse", frame="place from 1"),
    replace(PLAIN, frame="place from 0"),
    *(replace(STILLS, ids=i, images=o) for i in ("sparse", "from 1", "text") for o in ("sorted", "shuffled")),
    *(replace(STILLS, frame=f) for f in ("name", "stem", "below a root", "csv names", "csv ids")),
    replace(STILLS, names="flat", frame="stem", categories=(1, 3, 4)),
    replace(STILLS, names="img1", frame="below a drive", images="shuffled"),
    replace(PLAIN, cut="first"),
    replace(PLAIN, cut="last", images="interleaved"),
    replace(PLAIN, cut="first of each video", frame="name"),
]
"""What the file itself tells: these are answered."""
TREACHEROUS = [
    *(replace(PLAIN, frame="place from 0", cut=c) for c in ("first", "last")),
    *(replace(PLAIN, frame="place from 1", images=i) for i in ("shuffled", "interleaved")),
    *(replace(PLAIN, frame=f, images="shuffled", ids="sparse") for f in ("line from 0", "line from 1")),
    *(replace(PLAIN, frame="line from 0", images=i) for i in ("shuffled", "interleaved")),
    *(replace(PLAIN, frame="csv from 1", label="name", cut=c) for c in ("last", "first of each video")),
    *(replace(PLAIN, frame="csv from 0", label="name", names="folders from 1", cut=c) for c in ("last", "first")),
    *(replace(PLAIN, label=n, categories=(1, 3, 4)) for n in ("from 0", "from 1")),
    *(replace(PLAIN, label=n, categories=(3, 1, 2)) for n in ("from 0", "from 1")),
    replace(PLAIN, label="from 1", categories=(0, 1, 2)),
    replace(PLAIN, frame="last stem"),
    replace(PLAIN, frame="place from 0", cut="first", label="from 0"),
    replace(PLAIN, ids="from 0", frame="place from 1", cut="last"),
    replace(PLAIN, ids="text", frame="place from 1", images="shuffled"),
    replace(STILLS, frame="line from 0", images="shuffled"),
    replace(STILLS, frame="line from 1", label="from 0", images="shuffled"),
]
"""What can be taken for something else: answered rightly, or refused with what to type."""


@pytest.mark.parametrize("layout", ANSWERED, ids=lambda layout: layout.title)
def test_ap_is_what_pycocotools_gives_for_what_was_meant(tmp_path: Path, layout: Layout) -> None:
    assert _answer(layout, tmp_path) is None


@pytest.mark.parametrize("layout", TREACHEROUS, ids=lambda layout: layout.title)
def test_a_layout_that_could_be_misread_is_read_rightly_or_asked_about(tmp_path: Path, layout: Layout) -> None:
    refusal = _answer(layout, tmp_path)
    assert refusal is None or "--frame" in refusal or "--classes-from" in refusal or "with their folders" in refusal


def _answer(layout: Layout, folder: Path) -> str | None:
    """The refusal, None where there is an answer, which must be the right one."""
    written = _written(layout)
    index, found = _index(written, folder), _kept(layout, written)
    path = _results(layout, written, found, folder)
    try:
        predictions, report = read_with_report(path, index, ReadOptions())
    except PredictionError as error:
        return str(error)
    result = evaluate(index, predictions, "coco-xywh")
    assert abs(result.mean_ap - _pycocotools(found)) <= 1e-12, (
        f"{layout.title}: read as {report.frames}, {report.classes}"
    )
    return None


def test_the_layouts_are_many_and_differ() -> None:
    assert len(set(ANSWERED + TREACHEROUS)) == len(ANSWERED + TREACHEROUS) >= 70
    assert 0.5 < _pycocotools(FOUND) < 0.95
