"""What was counted in the splits of a tree or in an index, held against the known counts of the whole of VID."""

import re
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from vidkit.check.findings import Findings
from vidkit.check.known_counts import KnownSplit
from vidkit.classes import VID_CLASSES

OFFICIAL_NAME = re.compile(r"ILSVRC20\d\d_(?:train|val)_\d{8}")


@dataclass(frozen=True)
class SplitCounts:
    """What one split holds, and what the whole of it would hold where that is known."""

    kind: str  # VID or DET; of an index, its data set
    name: str
    folders: int  # snippets of VID, folders of DET
    frames: int  # with annotation
    empty_frames: int
    boxes: int
    boxes_of_class: Mapping[str, int]
    known: KnownSplit | None = None

    def to_dict(self) -> dict[str, Any]:
        """The counts as plain values, for JSON."""
        told = asdict(self)
        known = told.pop("known")
        return told | {"official": known and {name: known[name] for name in ("videos", "frames", "boxes")}}


@dataclass(frozen=True)
class CheckReport:
    """What was looked at, what is worth knowing without being a fault, and the faults."""

    place: str
    splits: tuple[SplitCounts, ...]
    notes: tuple[str, ...]
    findings: Findings

    def to_dict(self) -> dict[str, Any]:
        """The report as plain values, for JSON."""
        findings = self.findings
        return {
            "place": self.place,
            "splits": [split.to_dict() for split in self.splits],
            "notes": self.notes,
            "found": len(findings),
            "counts": {kind: findings.counts[kind] for kind in findings.kinds()},
            "findings": [
                {"severity": f.severity, "kind": f.kind, "place": f.place, "found": f.found, "advice": f.advice}
                for f in findings
            ],
        }


def is_official(videos: Collection[str]) -> bool:
    """Whether all snippets have names as ImageNet gives them."""
    return bool(videos) and all(OFFICIAL_NAME.fullmatch(name.rpartition("/")[2]) for name in videos)


def check_counts(of: SplitCounts, whole: bool, findings: Findings) -> None:
    """Hold a split that is, or should be, the whole of it against the known counts."""
    known = of.known
    if known is None or (of.folders < known.videos and not whole):
        return
    place = f"{of.kind} {of.name}"
    pairs = [("snippets", of.folders, known.videos), ("frames", of.frames, known.frames)]
    pairs += [("boxes", of.boxes, known.boxes)] if known.boxes is not None else []
    pairs += [("frames without boxes", of.empty_frames, known.empty_frames)] if known.empty_frames is not None else []
    if known.boxes_of_class is not None:
        names = [c.name for c in VID_CLASSES]
        of_class = zip(names, known.boxes_of_class, strict=True)
        pairs += [(f"boxes of {name}", of.boxes_of_class.get(name, 0), wanted) for name, wanted in of_class]
    for what, found, wanted in pairs:
        if found != wanted:
            findings.add("count-differs", place, f"{found:,} {what}, the official split has {wanted:,}")
