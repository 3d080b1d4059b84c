"""Every reader of files, with a small sound file for each, made by code, and what must hold of all that is read."""

import io
import json
import pickle
import random
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache, partial
from importlib import import_module
from pathlib import Path
from typing import Any
from unittest.mock import patch

import h5py
import numpy as np

from tests.fuzz.broken_copies import hold
from tests.fuzz.mutators import ARRAYS, BYTES, JSON, LINES, XML, ZIP, Mutator, flip
from tests.makers import make_index, make_predictions
from vidkit.data.index import Index
from vidkit.data.index_file import read_index
from vidkit.errors import VidkitError
from vidkit.predictions import write
from vidkit.predictions.predictions_file import read_predictions
from vidkit.predictions.table import FrameTimes, Predictions, RunInfo


@dataclass(frozen=True)
class FuzzedReader:
    """A reader, and a file for it.

    `make` fills a folder and gives the file that is to be broken; `read` reads the folder or file that it is told, and
    raises AssertionError itself where what it has read makes no sense.
    """

    make: Callable[[Path], Path]
    read: Callable[[Path], object]
    mutators: Sequence[Mutator]
    up: int = 0
    """How many folders above the file the path for `read` is."""
    libraries: tuple[str, ...] = ()
    """What must be installed."""


@cache
def small_index() -> Index:
    return make_index(videos=2, frames=4, classes=5)


@cache
def small_predictions() -> Predictions:
    index = small_index()
    made = make_predictions(index)
    n = index.n_frames
    times = FrameTimes(np.full(n, 0.1), np.full(n, 0.01), np.zeros(n, np.int32), np.zeros(n, bool))
    run = RunInfo("made", {"length": 3}, {"device": "cpu"}, "stream")
    score = np.maximum(made.score, np.float32(0.1))
    return replace(made, score=score, is_key=np.ones(n, bool), key_distance=np.zeros(n, np.int32), times=times, run=run)


def _column(data: bytes, dice: random.Random) -> bytes:
    """A value or the type of a column of a file of vidkit's own changed, its fingerprint and checksum made to fit."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "changed.h5"
        path.write_bytes(data)
        with h5py.File(path, "r+") as file:
            places: list[str] = []
            file.visit(lambda name: places.append(name) if isinstance(file[name], h5py.Dataset) else None)
            place = dice.choice(places)
            values = file[place][()]
            if not isinstance(values, np.ndarray) or not values.size:
                return flip(data, dice)
            if dice.random() < 0.3:
                del file[place]
                file[place] = values.astype(dice.choice(("f4", "f8", "i8", "u1", "?", "S8")))
            else:
                flat, at = values.reshape(-1), dice.randrange(values.size)
                with np.errstate(all="ignore"):
                    flat[at] = dice.choice((flat[at - 1], np.asarray(dice.choice(ARRAYS)).astype(values.dtype)))
                file[place][...] = values
        _stamp_again(path)
        return path.read_bytes()


def _stamp_again(path: Path) -> None:
    told: dict[str, str] = {}
    read = read_index if b"vidkit-index" in path.read_bytes() else read_predictions
    with patch("vidkit.hdf5.check_told", lambda file, name, found: told.update({name: found})), suppress(VidkitError):
        read(path)
    with h5py.File(path, "r+") as file:
        for name, found in told.items():
            file.attrs[name] = np.bytes_(found)


HDF5: tuple[Mutator, ...] = (*BYTES, *BYTES, _column, _column, _column)


# -- predictions -------------------------------------------------------------------------------------------------------


def _written(form: str, folder: Path) -> Path:
    path = folder / "p"
    write(path, small_predictions(), small_index(), form)
    return next(path.iterdir()) if path.is_dir() else path


def _mmdet1(folder: Path) -> Path:
    index, predictions = small_index(), small_predictions()
    content = [
        {
            "img_path": f"val/{index.video_name[index.frame_video[f]]}/{index.frame_number[f]:06d}.JPEG",
            "pred_instances": {"bboxes": d.boxes.copy(), "scores": d.scores.copy(), "labels": d.class_ids.astype(int)},
        }
        for f in range(index.n_frames)
        for d in [predictions.of_frame(f)]
    ]
    (folder / "p").write_bytes(pickle.dumps(content))
    return folder / "p"


def _predictions(path: Path) -> None:
    from vidkit.predictions import read

    index = small_index()
    found = read(path, index)
    assert found.n_frames == index.n_frames
    assert np.isfinite(found.box).all() and np.isfinite(found.score).all()
    assert (found.box[:, 2:] >= found.box[:, :2]).all()
    assert found.n_detections == 0 or 0 <= found.class_id.min() <= found.class_id.max() < index.n_classes
    assert {found.box.dtype.kind, found.score.dtype.kind} == {"f"}


_FORMS = {
    "vidkit": HDF5,
    **dict.fromkeys(("pkl", "mmdet", "mega", "repp", "yolov", "fgfa-raw", "parquet"), BYTES),
    **dict.fromkeys(("csv", "fgfa", "mot"), LINES),
    "npz": ZIP,
    "coco": JSON,
}
PREDICTIONS = {
    f"predictions {form}": FuzzedReader(
        partial(_written, form), _predictions, mutators, libraries=("pyarrow",) if form == "parquet" else ()
    )
    for form, mutators in _FORMS.items()
} | {"predictions mmdet1": FuzzedReader(_mmdet1, _predictions, BYTES)}


# -- annotations -------------------------------------------------------------------------------------------------------


def _from_test(module: str, make: Callable[[Any, Path], Path], folder: Path) -> Path:
    """The file that the tests of a reader make."""
    return make(import_module(f"tests.data.readers.test_{module}"), folder)


def _source(form: str, path: Path, **options: Any) -> None:
    from vidkit.data.readers import FORMS

    hold(FORMS[form].read(path, **options))


def _json_of(name: str, content: Callable[[Any], Any]) -> Callable[[Any, Path], Path]:
    def make(module: Any, folder: Path) -> Path:
        (folder / name).write_text(json.dumps(content(module)))
        return folder / name

    return make


def _voc(module: Any, folder: Path) -> Path:
    module.write(folder / "clip" / "img_1.xml", module.voc_xml(("drone", (1, 1, 20, 30))))
    return folder / "clip" / "img_1.xml"


def _form(name: str, make: Callable[[Any, Path], Path], mutators: Sequence[Mutator], up: int = 0) -> FuzzedReader:
    module = name.replace("-", "_")
    return FuzzedReader(partial(_from_test, module, make), partial(_source, name), mutators, up)


def _voc_classes() -> Any:
    return import_module("tests.data.readers.test_voc").CLASSES


ANNOTATIONS = {
    "coco": _form("coco", _json_of("val.json", lambda m: m.content()), JSON),
    "youtube-vis": _form("youtube-vis", _json_of("instances.json", lambda m: m.content()), JSON),
    "scalabel": _form("scalabel", _json_of("val.json", lambda m: m.video_frames()), JSON),
    "datumaro": _form("datumaro", _json_of("default.json", lambda m: m.content(*m.CLIP)), JSON),
    "labelme": _form(
        "labelme", lambda m, folder: m.write(folder / "clip" / "a_0.json", m.shape(group_id=4)), JSON, up=1
    ),
    "cvat-video": _form("cvat-video", lambda m, f: m.write(f, m.xml(m.track(m.box(1), m.box(4, 6)))), XML),
    "cvat-images": _form("cvat-images", lambda m, f: m.write(f, m.xml(m.image(0, "a_2.png", m.CAR, m.PERSON))), XML),
    "ua-detrac": _form("ua-detrac", lambda m, f: m.write(f), XML),
    "cvat-mot": _form("cvat-mot", lambda m, f: m.make(f / "task") / "gt" / "gt.txt", LINES, up=2),
    "mot": _form("mot", lambda m, f: m.make_sequence(f / "MOT17-02-FRCNN") / "gt" / "gt.txt", LINES, up=2),
    "kitti": _form("kitti", lambda m, f: m.make_split(f / "k") / "label_02" / "0003.txt", LINES),
    "single-object": _form("single-object", lambda m, f: m.make_sequence(f / "car-1") / "groundtruth.txt", LINES, up=1),
}


def _voc_reader(path: Path) -> None:
    _source("voc", path, classes=_voc_classes())


def _xml(folder: Path) -> Path:
    path = folder / "000000.xml"
    path.write_text(
        "<annotation><folder>v</folder><filename>000000</filename><source><database>ILSVRC_2015</database></source>"
        "<size><width>64</width><height>48</height></size><object><trackid>0</trackid><name>n02084071</name><bndbox>"
        "<xmax>20</xmax><xmin>2</xmin><ymax>30</ymax><ymin>3</ymin></bndbox><occluded>0</occluded>"
        "<generated>1</generated></object></annotation>"
    )
    return path


def _annotation(path: Path) -> object:
    from vidkit.data.annotation import read_annotation

    return read_annotation(path)


# -- lists -------------------------------------------------------------------------------------------------------------


def _lines(text: str, folder: Path) -> Path:
    (folder / "list.txt").write_text(text)
    return folder / "list.txt"


def _frame_list(path: Path) -> object:
    from vidkit.data.frame_lists import read_list

    return read_list(path, ("train", "val"))


def _bound_frame_list(path: Path) -> None:
    from vidkit.predictions.entry_lists import read_frame_list

    found = read_frame_list(path, small_index(), False, True)
    assert ((found.row >= 0) & (found.row < small_index().n_frames)).all()


def _class_list(path: Path) -> object:
    from vidkit.data.class_list import read_classes

    return read_classes(path)


def _class_names(path: Path) -> object:
    from vidkit.predictions.class_binding import read_class_names

    return read_class_names(path, 0)


_FRAME_IDS = "".join(f"val/video_{v:04d}/{f:06d} {4 * v + f + 1}\n" for v in range(2) for f in range(4))


# -- vidkit's own files ------------------------------------------------------------------------------------------------


def _index_file(folder: Path) -> Path:
    from vidkit.data.index_file import write_index

    write_index(folder / "i.h5", small_index())
    return folder / "i.h5"


def _index(path: Path) -> None:
    found = read_index(path)
    assert np.isfinite(found.box).all() and found.frame_number.dtype.kind == "i"


def _result_file(folder: Path) -> Path:
    from vidkit.evaluation.evaluate import evaluate
    from vidkit.evaluation.result import write_result

    write_result(folder / "result.json", evaluate(small_index(), small_predictions(), by=("motion",)))
    return folder / "result.json"


def _result(path: Path) -> None:
    from vidkit.evaluation.result import read_result

    found = read_result(path)
    repr(found), found.to_json(), found.to_frame()
    aps = np.concatenate([found.overall.ap, [found.mean_ap]])
    assert not ((aps < 0) | (aps > 1 + 1e-6)).any() and (found.overall.n_gt >= 0).all()


def _hashed(mutator: Mutator) -> Mutator:
    """A mutator of what is behind the hash of a shard, which is made to fit again."""

    def mutate(data: bytes, dice: Any) -> bytes:
        from vidkit.harness.shards import _hash

        content = mutator(data.partition(b"\n")[2], dice)
        return _hash(content) + b"\n" + content

    return mutate


def _shard_file(folder: Path) -> Path:
    from vidkit.harness.shards import write_shard
    from vidkit.harness.stopwatch import VideoRun

    answers = tuple(small_predictions().of_frame(f) for f in range(4))
    times = np.full(4, 0.1)
    write_shard(folder / "0.shard", VideoRun(answers, times, times, np.zeros(4, np.int32), {"a": 1.0}), "stamp")
    return folder / "0.shard"


def _shard(path: Path) -> None:
    from vidkit.harness.shards import read_shard

    found = read_shard(path, "stamp")
    assert all(np.isfinite(answer.boxes).all() for answer in found.answers)


def _run_file(folder: Path) -> Path:
    from vidkit.harness.run import begin

    begin(folder / "parts", RunInfo(), small_index())
    return folder / "parts" / "run.json"


def _run(path: Path) -> object:
    from vidkit.harness.run import begin

    return begin(path, RunInfo(), small_index())


def _stage_times_file(folder: Path) -> Path:
    told = {"format": "vidkit-stage-times", "version": 1, "seconds": {"feature": 0.1, "flow": 0.02, "task": 0.01}}
    (folder / "times.json").write_text(json.dumps(told))
    return folder / "times.json"


def _stage_times(path: Path) -> object:
    from vidkit.keyframes.costs import read_stage_times

    return read_stage_times(path)


def _motion_file(folder: Path) -> Path:
    from scipy.io import savemat

    cells = np.empty((8, 1), object)
    for row in range(8):
        cells[row, 0] = np.linspace(0, 1, row % 3)[:, None]
    savemat(folder / "m.mat", {"motion_iou": cells})
    return folder / "m.mat"


def _motion(path: Path) -> None:
    from vidkit.data.ilsvrc.motion_file import read_motion_file

    found = read_motion_file(path)
    assert ((found.value >= 0) & (found.value <= 1)).all() and found.start[-1] == len(found.value)


# -- pixels ------------------------------------------------------------------------------------------------------------


def _image_file(form: str, folder: Path) -> Path:
    from PIL import Image

    pixels = np.random.default_rng(0).integers(0, 256, (24, 32, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(folder / f"a.{form}")
    return folder / f"a.{form}"


def _image(path: Path) -> None:
    from vidkit.data.frames import read_image

    found = read_image(path)
    assert found.ndim == 3 and found.dtype == np.uint8


def _film_file(folder: Path) -> Path:
    import av

    with av.open(str(folder / "a.mp4"), "w") as container:
        stream = container.add_stream("mpeg4", 10)
        stream.width, stream.height, stream.pix_fmt = 32, 32, "yuv420p"
        for level in (0, 100, 200):
            frame = av.VideoFrame.from_ndarray(np.full((32, 32, 3), level, np.uint8), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return folder / "a.mp4"


def _film(path: Path) -> object:
    from vidkit.data.frames import _of_video_file

    return list(_of_video_file(path, range(3), (0, 0)))


# -- weights -----------------------------------------------------------------------------------------------------------


def _checkpoint_file(folder: Path) -> Path:
    from impnet_model.weights.checkpoints import save

    save(import_module("tests.impnet_model.weights.test_checkpoints").checkpoint("per-frame"), folder / "net.pt")
    return folder / "net.pt"


def _weights_file(folder: Path) -> Path:
    import torch

    torch.save({"state_dict": {"a.weight": torch.zeros(2, 3), "a.bias": torch.ones(3)}}, folder / "w.pth")
    return folder / "w.pth"


def _arrays_file(folder: Path) -> Path:
    made = io.BytesIO()
    np.savez(made, weight=np.zeros((2, 3), np.float32), bias=np.ones(3))
    (folder / "w.npz").write_bytes(made.getvalue())
    return folder / "w.npz"


def _params_file(folder: Path) -> Path:
    arrays = {"arg:a": np.zeros((2, 3), np.float32), "aux:b": np.ones(3, np.float32)}
    made = import_module("tests.impnet_model.weights.test_checkpoints").mxnet_file(arrays)
    (folder / "w.params").write_bytes(made)
    return folder / "w.params"


def _checkpoint(path: Path) -> None:
    from impnet_model.weights.checkpoints import load

    found = load(path)
    assert all(bool(tensor.isfinite().all()) for tensor in found.network.state_dict().values())


def _published(path: Path) -> object:
    from impnet_model.weights.published import read_published

    return read_published(path)


def _settings_file(folder: Path) -> Path:
    path = folder / "train.toml"
    path.write_text('build = "tiny"\nbatch = 4\nlength = 5\n[data]\nflips = 0.5\n[selection]\nobject_iou = 0.6\n')
    return path


def _settings(path: Path) -> object:
    from impnet_model.training.config import settings_from, settings_of

    return settings_of(settings_from(path), 3)


OWN = {
    "index": FuzzedReader(_index_file, _index, HDF5),
    "result.json": FuzzedReader(_result_file, _result, JSON),
    "shard": FuzzedReader(_shard_file, _shard, [_hashed(m) for m in ZIP]),
    "parts/run.json": FuzzedReader(_run_file, _run, JSON, up=1),
    "stage times": FuzzedReader(_stage_times_file, _stage_times, JSON),
}
LISTS = {
    "frame list": FuzzedReader(partial(_lines, _FRAME_IDS), _frame_list, LINES),
    "--frame-list": FuzzedReader(partial(_lines, _FRAME_IDS), _bound_frame_list, LINES),
    "class list": FuzzedReader(partial(_lines, "n02084071 1 dog\nn02121808 2 cat\n"), _class_list, LINES),
    "--classes-from": FuzzedReader(
        partial(_lines, '{"categories": [{"id": 1, "name": "dog"}, {"id": 3, "name": "cat"}]}'), _class_names, JSON
    ),
}
OTHERS = {
    "ILSVRC XML": FuzzedReader(_xml, _annotation, XML),
    "voc": FuzzedReader(partial(_from_test, "voc", _voc), _voc_reader, XML, up=2),
    "motion .mat": FuzzedReader(_motion_file, _motion, BYTES),
    **{f"image {form}": FuzzedReader(partial(_image_file, form), _image, BYTES) for form in ("jpg", "png", "bmp")},
    "video": FuzzedReader(_film_file, _film, BYTES, libraries=("av",)),
}
WEIGHTS = {
    "checkpoint": FuzzedReader(_checkpoint_file, _checkpoint, ZIP, libraries=("torch",)),
    "weights .pth": FuzzedReader(_weights_file, _published, ZIP, libraries=("torch",)),
    "weights .npz": FuzzedReader(_arrays_file, _published, ZIP, libraries=("torch",)),
    "weights .params": FuzzedReader(_params_file, _published, BYTES, libraries=("torch",)),
    "settings .toml": FuzzedReader(_settings_file, _settings, LINES, libraries=("torch",)),
}
READERS: Mapping[str, FuzzedReader] = {**PREDICTIONS, **ANNOTATIONS, **LISTS, **OWN, **OTHERS, **WEIGHTS}
