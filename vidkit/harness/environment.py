"""What a speed depends on: machine, versions, image sizes, and what the detector tells of itself."""

import hashlib
import os
import platform
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from vidkit.data.index import Index
from vidkit.harness.detector import Describing, Detector, DetectorContext, OracleDetector
from vidkit.version import __version__

NOT_TOLD = "not told"
LIBRARIES = ("torch", "torchvision", "onnxruntime", "ultralytics")


def environment(
    detector: Detector | OracleDetector,
    context: DetectorContext,
    index: Index,
    options: Mapping[str, Any],
    blank_frames: bool = False,
) -> dict[str, Any]:
    """Return the stamp of a run: it stands beside every speed, and a run is only resumed where it is the same.

    `precision` and `batch` are what the detector tells by `describe()`, else its options of these names, else "not
    told". The versions of libraries for networks are told where the detector has imported them.
    """
    stamp: dict[str, Any] = {
        "device": context.device,
        "cpu": cpu_model(),
        "cpus": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "numpy": np.__version__,
        "vidkit": __version__,
        "image_size": image_sizes(index),
        "precision": options.get("precision", NOT_TOLD),
        "batch": options.get("batch", NOT_TOLD),
    }
    stamp |= {name: str(getattr(sys.modules[name], "__version__", "")) for name in LIBRARIES if name in sys.modules}
    if context.checkpoint is not None:
        stamp["checkpoint"] = f"{context.checkpoint.name} blake2b:{_digest(context.checkpoint)}"
    if isinstance(detector, OracleDetector):
        stamp["sees_truth"] = True
    if blank_frames:
        stamp["blank_frames"] = True
    return stamp | (dict(detector.describe()) if isinstance(detector, Describing) else {})


def cpu_model() -> str:
    """Return the name of the processor, as far as the system tells it."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8", errors="replace").splitlines() if info.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def image_sizes(index: Index) -> str:
    """Return the sizes of the index's videos: "320x240", or "320x240 … 1280x720 (5 sizes)" where they differ."""
    sizes = sorted({(int(width), int(height)) for width, height in index.video_size}, key=lambda s: (s[0] * s[1], s))
    if not sizes:
        return "no videos"
    first, last = (f"{width}x{height}" for width, height in (sizes[0], sizes[-1]))
    return first if len(sizes) == 1 else f"{first} … {last} ({len(sizes)} sizes)"


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()
