"""A synthetic set on disk in the layout of ILSVRC VID, with what degrades each frame and object recorded beside it.

Below the root: `Annotations/VID`, `Data/VID` and `ImageSets/VID` as in ILSVRC (train in numbered folders of a thousand
videos, val flat); `classes.txt` with lines `wnid id name`; `Attributes/VID/<split>/<video>/frames.csv` and
`instances.csv`; `synth.json`, from which every scene can be made again.
"""

import json
import multiprocessing
import os
import shutil
from collections.abc import Iterator, Sequence
from concurrent.futures import BrokenExecutor, ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import PIL
from PIL import Image

from vidkit.data.frame_lists import frame_id_lines, sampled_lines, video_lines
from vidkit.data.writers.ilsvrc_xml import XmlObject, annotation_xml
from vidkit.errors import ArgumentError, FormatError, VidkitError
from vidkit.files import remove_leftovers, write_text
from vidkit.reading_door import reading
from vidkit.synth.dials import Dials, Settings
from vidkit.synth.pixels import SeenObject, annotate, render
from vidkit.synth.scene import Scene, make_scene

SYNTH_FORMAT, SYNTH_VERSION = "vidkit-synth", 1
FRAME_COLUMNS = ("frame", "blur_sigma", "brightness", "noise_sigma", "quality", "camera_speed")
INSTANCE_COLUMNS = ("frame", "trackid", "speed", "motion_blur", "visible", "inside")
VIDEOS_A_FOLDER = 1000


@dataclass(frozen=True)
class VideoDone:
    """One written video: its place below `Data/VID` and how much is in it."""

    name: str
    frames: int
    boxes: int


def make_dataset(
    out: str | Path, settings: Settings, train: int, val: int, workers: int = 1, replace: bool = False
) -> Iterator[VideoDone]:
    """Write `train` and `val` videos below `out`; yield each as it is done, the last lines of the set after them.

    The same settings give the same bytes with any number of workers, on one machine with one version of numpy and
    Pillow. `out` appears when the last video has been taken from the iterator, whole or not at all.

    Raises VidkitError if `out` exists and isn't empty; with `replace` an earlier synthetic set makes way.
    """
    out = Path(out)
    check_place(out, replace)
    remove_leftovers(out.parent, out.name)
    part = out.with_name(f"{out.name}.{os.getpid()}.part")
    jobs = [("train", n) for n in range(train)] + [("val", n) for n in range(val)]
    try:
        yield from _write_videos(part, settings, jobs, workers)
        _write_lists(part, settings, train, val)
        _write_settings(part, settings, train, val)
        if out.exists():
            shutil.rmtree(out)
        part.replace(out)
    except (OSError, BrokenExecutor) as error:
        raise VidkitError(f"{out}: can't be written: {error}") from None
    finally:
        shutil.rmtree(part, ignore_errors=True)


def check_place(out: Path, replace: bool) -> None:
    """Raise VidkitError if a set can't be written to `out` because of what is there already."""
    if out.name in ("", ".."):
        raise VidkitError(f"{out}: give the set a folder of its own")
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return
    if not (out / "synth.json").is_file():
        raise VidkitError(f"{out}: exists and isn't a synthetic set; choose another folder")
    if not replace:
        raise VidkitError(f"{out}: holds a synthetic set already; choose another folder, or give --force to replace it")


def read_settings(root: Path) -> Settings:
    """The settings that the synthetic set below `root` was made from.

    Raises FormatError if `root/synth.json` isn't there or isn't what `make_dataset` writes.
    """
    path = root / "synth.json"
    with reading(path, FormatError, "the description of a `vidkit synth` set"):
        content = json.loads(path.read_text(encoding="utf-8"))
        if (content["format"], content["version"]) != (SYNTH_FORMAT, SYNTH_VERSION):
            raise FormatError(
                f"{path}: holds {content['format']} {content['version']}, wanted {SYNTH_FORMAT} {SYNTH_VERSION}"
            )
        values = dict(content["settings"])
        try:
            return Settings(**values | {"dials": Dials(**values["dials"])})
        except ArgumentError as error:  # the file's mistake here, not the caller's
            raise FormatError(f"{path}: {error}") from None


def scene_of(settings: Settings, video_name: str) -> Scene:
    """The scene of a video by its name in the set, with or without folders before it: "synth_val_00000003".

    Raises ValueError if no synthetic video is called so.
    """
    match video_name.rsplit("/")[-1].split("_"):
        case ["synth", "train" | "val" as split, number] if number.isdecimal():
            return make_scene(settings, split, int(number))
    raise ValueError(f"video {video_name!r}: wanted a name like 'synth_val_00000003'")


def video_place(split: str, number: int) -> str:
    """The place of a video below `Data/VID`, as in "train/synth_VID_train_0000/synth_train_00000000"."""
    folder = f"synth_VID_train_{number // VIDEOS_A_FOLDER:04d}/" if split == "train" else ""
    return f"{split}/{folder}synth_{split}_{number:08d}"


# -- one video ---------------------------------------------------------------------------------------------------------


def _write_videos(root: Path, settings: Settings, jobs: Sequence[tuple[str, int]], workers: int) -> Iterator[VideoDone]:
    if workers <= 1:
        for split, number in jobs:
            yield _write_video(root, settings, split, number)
        return
    with ProcessPoolExecutor(workers, multiprocessing.get_context("spawn")) as pool:
        waiting = [pool.submit(_write_video, root, settings, split, number) for split, number in jobs]
        try:
            for done in as_completed(waiting):
                yield done.result()
        finally:
            pool.shutdown(cancel_futures=True)


def _write_video(root: Path, settings: Settings, split: str, number: int) -> VideoDone:
    scene = make_scene(settings, split, number)
    place = video_place(split, number)
    images, annotations, attributes = (root / kind / "VID" / place for kind in ("Data", "Annotations", "Attributes"))
    for folder in (images, annotations, attributes):
        folder.mkdir(parents=True)
    frame_rows, instance_rows = [], []
    for time in range(settings.frames):
        Image.fromarray(render(scene, time)).save(images / f"{time:06d}.JPEG", quality=scene.quality)
        objects = annotate(scene, time)
        (annotations / f"{time:06d}.xml").write_text(_xml(settings, place, time, objects), encoding="ascii")
        frame_rows.append(_frame_row(scene, time))
        instance_rows += [(time, o.track_id, o.speed, o.motion_blur, o.visible, o.inside) for o in objects]
    (attributes / "frames.csv").write_text(_csv(FRAME_COLUMNS, frame_rows), encoding="ascii")
    (attributes / "instances.csv").write_text(_csv(INSTANCE_COLUMNS, instance_rows), encoding="ascii")
    return VideoDone(place, settings.frames, len(instance_rows))


def _frame_row(scene: Scene, time: int) -> tuple[float, ...]:
    camera = scene.layers[0].path
    before, after = camera.at(time - 0.5), camera.at(time + 0.5)
    speed = float(np.hypot(after.x - before.x, after.y - before.y))
    return (time, float(scene.defocus[time]), scene.brightness(time), scene.noise, scene.quality, speed)


def _csv(columns: Sequence[str], rows: Sequence[Sequence[float]]) -> str:
    return "".join(",".join(line) + "\n" for line in (columns, *([f"{value:.6g}" for value in row] for row in rows)))


def _xml(settings: Settings, place: str, time: int, objects: Sequence[SeenObject]) -> str:
    wnids = [c.wnid for c in settings.object_classes]
    return annotation_xml(
        place.partition("/")[2],
        f"{time:06d}",
        "vidkit synth",
        (settings.width, settings.height),
        (XmlObject(o.track_id, wnids[o.class_id], o.box, o.occluded) for o in objects),
    )


# -- what stands beside the videos -------------------------------------------------------------------------------------


def _write_lists(root: Path, settings: Settings, train: int, val: int) -> None:
    """Write the classes, and the lists that go with ILSVRC VID for the splits that are there."""
    frames = range(settings.frames)
    videos = {s: [(video_place(s, v), frames) for v in range(n)] for s, n in (("train", train), ("val", val))}
    lists = {
        "VID_train_15frames.txt": sampled_lines(videos["train"]),
        "VID_val_videos.txt": video_lines(videos["val"]),
        "VID_val_frames.txt": frame_id_lines(videos["val"]),
    }
    for name, lines in lists.items():
        if text := "".join(f"{line}\n" for line in lines):
            write_text(root / "ImageSets" / "VID" / name, text)
    classes = enumerate(settings.object_classes, start=1)
    write_text(root / "classes.txt", "".join(f"{c.wnid} {number} {c.name}\n" for number, c in classes))


def _write_settings(root: Path, settings: Settings, train: int, val: int) -> None:
    content = {
        "format": SYNTH_FORMAT,
        "version": SYNTH_VERSION,
        "settings": asdict(settings),
        "videos": {"train": train, "val": val},
        "made_with": {"numpy": np.__version__, "Pillow": PIL.__version__},
    }
    write_text(root / "synth.json", json.dumps(content, indent=2) + "\n")
