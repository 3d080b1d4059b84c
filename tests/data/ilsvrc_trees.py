"""ILSVRC trees made by code: XML as the data set has it, and images where a test wants some."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from vidkit.classes import VID_CLASSES

SIZE = (64, 48)


@dataclass(frozen=True)
class Thing:
    """One object; corners inclusive, as in the XML. None leaves an element out."""

    box: tuple[float, float, float, float] = (1, 2, 10, 20)
    name: str = VID_CLASSES[0].wnid
    track: int | None = 0
    occluded: int | None = 0
    generated: int | None = 0
    subcategory: str | None = None


def object_xml(thing: Thing, order: Sequence[str] = ("trackid", "name", "bndbox", "occluded", "generated")) -> str:
    x1, y1, x2, y2 = (f"{c:g}" for c in thing.box)
    leaves = {
        "trackid": thing.track,
        "name": thing.name,
        "occluded": thing.occluded,
        "generated": thing.generated,
        "subcategory": thing.subcategory,
    }
    parts = []
    for tag in (*order, *(["subcategory"] if thing.subcategory else [])):
        if tag == "bndbox":
            parts.append(
                f"<bndbox>\n\t\t\t<xmax>{x2}</xmax>\n\t\t\t<xmin>{x1}</xmin>\n\t\t\t<ymax>{y2}</ymax>\n"
                f"\t\t\t<ymin>{y1}</ymin>\n\t\t</bndbox>"
            )
        elif leaves[tag] is not None:
            parts.append(f"<{tag}>{leaves[tag]}</{tag}>")
    return "\t<object>\n" + "".join(f"\t\t{part}\n" for part in parts) + "\t</object>\n"


def annotation_xml(things: Sequence[Thing] = (), size: tuple[int, int] | None = SIZE, folder: str = "v") -> str:
    told = (
        "" if size is None else f"\t<size>\n\t\t<width>{size[0]}</width>\n\t\t<height>{size[1]}</height>\n\t</size>\n"
    )
    return (
        f"<annotation>\n\t<folder>{folder}</folder>\n\t<filename>000000</filename>\n\t<source>\n"
        f"\t\t<database>ILSVRC_2015</database>\n\t</source>\n{told}"
        + "".join(object_xml(thing) for thing in things)
        + "</annotation>\n"
    )


def write_video(
    root: Path,
    path: str,
    frames: Mapping[int, Sequence[Thing]],
    images: Sequence[int] = (),
    kind: str = "VID",
    size: tuple[int, int] | None = SIZE,
) -> Path:
    """Write the XML of a video, `path` being SPLIT/VIDEO, and JPEGs for some frames; return the annotation folder."""
    folder = root / "Annotations" / kind / path
    folder.mkdir(parents=True, exist_ok=True)
    for frame, things in frames.items():
        (folder / f"{frame:06d}.xml").write_text(annotation_xml(things, size, path.rpartition("/")[2]))
    for frame in images:
        write_image(root / "Data" / kind / path / f"{frame:06d}.JPEG")
    return folder


def write_image(path: Path, size: tuple[int, int] = SIZE) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (90, 120, 30)).save(path)


def make_tree(root: Path, videos: int = 5, frames: int = 8, seed: int = 0, split: str = "val") -> Path:
    """A VID split of moving boxes; some frames are empty. Returns `root`."""
    rng = np.random.default_rng(seed)
    for video in range(videos):
        things: dict[int, list[Thing]] = {frame: [] for frame in range(frames)}
        for track in range(int(rng.integers(1, 4))):
            name = VID_CLASSES[int(rng.integers(30))].wnid
            for frame in range(int(rng.integers(frames)), frames):
                x, y = (int(c) for c in rng.integers(0, 20, 2))
                w, h = (int(c) for c in rng.integers(1, 25, 2))
                flags = (int(flag) for flag in rng.integers(0, 2, 2))
                things[frame].append(Thing((x, y, x + w, y + h), name, track, *flags))
        write_video(root, f"{split}/ILSVRC2015_{split}_{video:08d}", things)
    return root
