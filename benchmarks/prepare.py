"""How fast is `vidkit prepare`, and how much memory does it take? One run, all against each other.

    python benchmarks/prepare.py [--files 40000] [--rounds 5] [--full-size] [--scratch DIR]

1. A tree of 40 000 VID XML files. `prepare` with two workers against (a) a loop over ElementTree in one process that
   takes the same fields out of the files, (b) opening and reading the files and nothing else. All take turns, with the
   files in the page cache; the median of the rounds counts.
2. An index of the size of VID train: the time to open it and the memory of a fresh process.
3. With --full-size, a tree of the size of VID train (1 122 397 files, hard links to a few): the time to prepare it and
   the largest memory of all its processes together.
"""

import argparse
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path

import numpy as np

from vidkit.classes import VID_CLASSES
from vidkit.data.ilsvrc.split_plan import plan_splits
from vidkit.data.ilsvrc.split_reading import prepare_split
from vidkit.data.index import Index
from vidkit.data.index_file import read_index, write_index
from vidkit.data.reading_processes import reading_processes

TRAIN_VIDEOS, TRAIN_FRAMES, TRAIN_BOXES = 3862, 1_122_397, 1_731_913
FRAMES_A_VIDEO = 250

OBJECT = """\t<object>
\t\t<trackid>{track}</trackid>
\t\t<name>{wnid}</name>
\t\t<bndbox>
\t\t\t<xmax>{x2}</xmax>
\t\t\t<xmin>{x1}</xmin>
\t\t\t<ymax>{y2}</ymax>
\t\t\t<ymin>{y1}</ymin>
\t\t</bndbox>
\t\t<occluded>{occluded}</occluded>
\t\t<generated>{generated}</generated>
\t</object>
"""
FILE = """<annotation>
\t<folder>{folder}</folder>
\t<filename>{frame:06d}</filename>
\t<source>
\t\t<database>ILSVRC_2015</database>
\t</source>
\t<size>
\t\t<width>1280</width>
\t\t<height>720</height>
\t</size>
{objects}</annotation>
"""


def xml(rng: np.random.Generator, folder: str, frame: int, objects: int) -> str:
    """Return the text of one annotation file in the form of the data set."""
    rows = []
    for track in range(objects):
        x1, y1 = rng.integers(0, 900), rng.integers(0, 500)
        rows.append(
            OBJECT.format(
                track=track,
                wnid=VID_CLASSES[int(rng.integers(30))].wnid,
                x1=x1,
                y1=y1,
                x2=x1 + rng.integers(5, 380),
                y2=y1 + rng.integers(5, 220),
                occluded=rng.integers(2),
                generated=rng.integers(2),
            )
        )
    return FILE.format(folder=folder, frame=frame, objects="".join(rows))


def make_tree(root: Path, files: int) -> None:
    """Write a val split of so many files; 0 to 4 objects each, 1.55 on average as in VID."""
    rng = np.random.default_rng(0)
    for number in range(files):
        video = f"ILSVRC2015_val_{number // FRAMES_A_VIDEO:08d}"
        folder = root / "Annotations" / "VID" / "val" / video
        folder.mkdir(parents=True, exist_ok=True)
        objects = int(rng.choice(5, p=[0.03, 0.62, 0.21, 0.05, 0.09]))
        (folder / f"{number % FRAMES_A_VIDEO:06d}.xml").write_text(xml(rng, video, number % FRAMES_A_VIDEO, objects))


def make_linked_tree(root: Path, files: int, videos: int) -> None:
    """Make a train split of so many files, hard links to 64 different ones: a directory entry each, little else."""
    rng = np.random.default_rng(0)
    (root / "sources").mkdir(parents=True)
    sources = [root / "sources" / f"{n}.xml" for n in range(64)]
    for source in sources:
        source.write_text(xml(rng, "video", 0, int(rng.choice(5, p=[0.03, 0.62, 0.21, 0.05, 0.09]))))
    for video in range(videos):
        folder = root / f"Annotations/VID/train/ILSVRC2015_VID_train_{video % 4:04d}/ILSVRC2015_train_{video:08d}"
        folder.mkdir(parents=True)
        first, last = (files * edge // videos for edge in (video, video + 1))
        for frame in range(last - first):
            os.link(sources[(first + frame) % 64], folder / f"{frame:06d}.xml")


# -- the three ways ----------------------------------------------------------------------------------------------------


def ours(root: Path, out: Path) -> int:
    """Prepare with two workers: start them, read, write the index. Return the number of boxes."""
    with reading_processes(2) as mapping:
        return sum(prepare_split(planned, out, mapping=mapping).boxes for planned in plan_splits(root, None))


def element_tree(root: Path, _out: Path) -> int:
    """Take the same fields out of every file, one after the other, and make columns of them."""
    ids = {c.wnid: row for row, c in enumerate(VID_CLASSES)}
    columns: list[tuple[float, ...]] = []
    counts = []
    for folder in sorted((root / "Annotations/VID/val").iterdir()):
        for name in sorted(os.listdir(folder)):  # noqa: PTH208
            tree = ET.parse(f"{folder}/{name}").getroot()
            size = tree.find("size")
            _width, _height = int(size.find("width").text), int(size.find("height").text)
            objects = tree.findall("object")
            counts.append(len(objects))
            for element in objects:
                box = element.find("bndbox")
                columns.append(
                    (
                        ids[element.find("name").text],
                        int(element.find("trackid").text),
                        float(box.find("xmin").text),
                        float(box.find("ymin").text),
                        float(box.find("xmax").text) + 1,
                        float(box.find("ymax").text) + 1,
                        element.find("occluded").text == "1",
                        element.find("generated").text == "1",
                    )
                )
    np.cumsum(counts)
    return len(np.array(columns, np.float32))


def read_only(root: Path, _out: Path) -> int:
    """Open and read every file."""
    total = 0
    for folder in sorted((root / "Annotations/VID/val").iterdir()):
        for name in sorted(os.listdir(folder)):  # noqa: PTH208
            with open(f"{folder}/{name}", "rb") as file:  # noqa: PTH123  (the plain way is what is timed)
                total += len(file.read())
    return total


def seconds(way: Callable[[Path, Path], int], root: Path, out: Path) -> tuple[float, float]:
    """Return the wall time of one call, and the CPU time of this process and those it started and saw end."""
    before, started = os.times(), time.perf_counter()
    way(root, out)
    wall, after = time.perf_counter() - started, os.times()
    return wall, sum(after[:4]) - sum(before[:4])


def compare(scratch: Path, files: int, rounds: int) -> None:
    """Time the three ways in turns, and the whole command as a fresh process."""
    root, out = scratch / "tree", scratch / "out"
    make_tree(root, files)
    command = [sys.executable, "-m", "vidkit_cli.main", "prepare", "--vid-root", str(root), "--out", str(out)]

    def whole_command(_root: Path, _out: Path) -> int:
        return subprocess.run([*command, "--workers", "2"], check=True, capture_output=True).returncode

    ways = {
        "prepare, 2 workers": ours,
        "(a) ElementTree loop": element_tree,
        "(b) open and read": read_only,
        "`vidkit prepare --workers 2`": whole_command,
    }
    if ours(root, out) != element_tree(root, out):
        raise SystemExit("prepare and the ElementTree loop disagree on the number of boxes")
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
    loads = []
    for _ in range(rounds):
        loads.append(os.getloadavg()[0])
        for name, way in ways.items():
            times[name].append(seconds(way, root, out))
    print(f"\n{files} XML files; median of {rounds} rounds (lowest, highest)")
    print(f"  load of the machine {min(loads):.1f} … {max(loads):.1f}")
    medians = {}
    for name, measured in times.items():
        wall, cpu = zip(*measured, strict=True)
        medians[name] = statistics.median(wall), statistics.median(cpu)
        rate = files / medians[name][0]
        print(
            f"  {name:30}{medians[name][0]:7.3f} s  ({min(wall):.3f}, {max(wall):.3f})  {rate:9,.0f} files/s   "
            f"{medians[name][1]:6.3f} s of CPU"
        )
    mine, a, b, _ = medians.values()
    print(f"  (a) / prepare = {a[0] / mine[0]:.2f}   wanted: at least 3     in CPU time {a[1] / mine[1]:.2f}")
    print(f"  prepare / (b) = {mine[0] / b[0]:.2f}   wanted: at most 3      in CPU time {mine[1] / b[1]:.2f}")


# -- memory ------------------------------------------------------------------------------------------------------------


def make_train_index() -> Index:
    """Return an index of the size of VID train, of random boxes."""
    rng = np.random.default_rng(0)
    v, f, n = TRAIN_VIDEOS, TRAIN_FRAMES, TRAIN_BOXES
    frame_start = (np.arange(v + 1) * f // v).astype(np.int64)
    corner = rng.integers(0, 900, (n, 2))
    return Index(
        dataset="VID",
        split="train",
        classes=VID_CLASSES,
        video_name=tuple(f"ILSVRC2015_VID_train_{i % 4:04d}/ILSVRC2015_train_{i:08d}" for i in range(v)),
        video_size=np.tile(np.array([1280, 720], np.int32), (v, 1)),
        frame_start=frame_start,
        frame_number=(np.arange(f) - np.repeat(frame_start[:-1], np.diff(frame_start))).astype(np.int32),
        instance_start=np.concatenate([[0], np.sort(rng.integers(0, n, f - 1)), [n]]).astype(np.int64),
        box=np.concatenate([corner, corner + rng.integers(5, 300, (n, 2))], axis=1).astype(np.float32),
        class_id=rng.integers(0, 30, n).astype(np.int16),
        track_id=rng.integers(0, 5, n).astype(np.int32),
        occluded=rng.random(n) < 0.2,
        generated=rng.random(n) < 0.5,
    )


OPENING = """
import re, sys, time
from pathlib import Path
from vidkit.data.index_file import read_index
peak = lambda: int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) / 1e3 * 1.024
before, started = peak(), time.perf_counter()
index = read_index(Path(sys.argv[1]))
print(time.perf_counter() - started, before, peak(), index.n_frames, index.n_instances)
"""


def opening(scratch: Path, rounds: int) -> None:
    """Open an index of VID-train size in fresh processes."""
    path = scratch / "train.h5"
    write_index(path, make_train_index())
    runs = []
    for _ in range(rounds):
        done = subprocess.run([sys.executable, "-c", OPENING, str(path)], check=True, capture_output=True, text=True)
        runs.append([float(word) for word in done.stdout.split()])
    took, before, peak, frames, boxes = (statistics.median(column) for column in zip(*runs, strict=True))
    stored = path.stat().st_size / 1e6
    print(f"\nopening an index of {frames:,.0f} frames and {boxes:,.0f} boxes ({stored:.1f} MB on disk)")
    print(f"  {took:.3f} s   wanted: under 0.5")
    print(f"  {peak - before:.0f} MB more than after the imports ({before:.0f} → {peak:.0f} MB)   wanted: under 150 MB")
    read_index(path)


def descendants(process: int) -> list[int]:
    """Return the process and all below it."""
    found = [process]
    for parent in found:
        try:
            children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
        except OSError:
            continue
        found += [int(child) for child in children]
    return found


def memory(process: int) -> tuple[int, int]:
    """Return the bytes that a process and those below it hold: shared pages once (PSS), and in each (RSS)."""
    pss = rss = 0
    for one in descendants(process):
        try:
            lines = Path(f"/proc/{one}/smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        sizes = {line.split(":")[0]: int(line.split()[1]) for line in lines[1:]}
        pss, rss = pss + sizes["Pss"] * 1024, rss + sizes["Rss"] * 1024
    return pss, rss


def full_size(scratch: Path) -> None:
    """Prepare a tree of VID-train size and watch the memory of all processes."""
    root = scratch / "train"
    make_linked_tree(root, TRAIN_FRAMES, TRAIN_VIDEOS)
    command = [
        sys.executable,
        "-m",
        "vidkit_cli.main",
        "prepare",
        "--vid-root",
        str(root),
        "--out",
        str(scratch / "out"),
    ]
    started, peak = time.perf_counter(), (0, 0)
    with subprocess.Popen([*command, "--workers", "2"], stdout=subprocess.PIPE, text=True) as process:
        reader = threading.Thread(target=lambda: print(process.stdout.read(), end=""))  # type: ignore[union-attr]
        reader.start()
        while process.poll() is None:
            now = memory(process.pid)
            peak = (max(peak[0], now[0]), max(peak[1], now[1]))
            time.sleep(0.05)
        reader.join()
    took = time.perf_counter() - started
    print(f"preparing {TRAIN_FRAMES:,} files of {TRAIN_VIDEOS:,} videos, 2 workers: {took:.1f} s")
    pss, rss = (size / 1e6 for size in peak)
    print(f"  {pss:.0f} MB at most in all processes (PSS; sum of RSS {rss:.0f} MB)   wanted: under 1500")


def main() -> None:
    """Run the parts that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=40_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--full-size", action="store_true")
    parser.add_argument(
        "--scratch", type=Path, help="where the trees are made; default: the folder for temporary files"
    )
    given = parser.parse_args()
    print(f"Python {platform.python_version()}, numpy {np.__version__}, {os.cpu_count()} CPUs, {platform.system()}")
    with tempfile.TemporaryDirectory(dir=given.scratch) as scratch:
        compare(Path(scratch), given.files, given.rounds)
        opening(Path(scratch), given.rounds)
        if given.full_size:
            full_size(Path(scratch))


if __name__ == "__main__":
    main()
