"""The plausibility report: what was found in a prediction file, and how it was understood."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

_HOW = {
    "given": "as the option says",
    "source": "as the source has it",
    "format": "the format's rule",
    "guessed": "guessed",
}


@dataclass(frozen=True)
class Understood:
    """One thing that was understood of a file, and how.

    `how` is "given" (an option), "source" (by the ids or names of the annotations' source), "format" (its rule) or
    "guessed".
    """

    value: str
    how: str
    evidence: str = ""

    def __str__(self) -> str:
        return f"{self.value} ({_HOW[self.how]}{': ' if self.evidence else ''}{self.evidence})"


@dataclass(frozen=True)
class ReadingReport:
    """How a prediction file was read. Counts of frames are frames of the index."""

    path: str
    format: Understood
    frames: Understood
    boxes: Understood
    scale: Understood
    classes: Understood
    n_frames: int
    n_frames_covered: int
    """Frames that the file speaks of, with or without detections."""
    n_frames_with_detections: int
    n_videos: int
    n_videos_with_detections: int
    n_detections: int
    """Detections that were taken."""
    n_in_file: int
    per_frame: Mapping[str, float]
    """Detections of a frame: min, median, mean, max."""
    score: Mapping[str, float]
    """Scores taken: min, median, max; and how many values are distinct."""
    invalid: Mapping[str, int]
    """What was found wrong, and how often, among the detections in the file."""
    invalid_rule: str
    classes_seen: int
    precision: str
    overlapping: float | None = None
    """The share of the detections that overlap an object of their class by half (IoU 0.5); None: nothing to compare."""
    warnings: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The report as plain values, for JSON."""
        return asdict(self)

    def summary(self) -> dict[str, Any]:
        """What a result tells of how its predictions were read, as plain values: docs/formats.md has the keys."""
        dropped = {kind: count for kind, count in self.invalid.items() if count and self.invalid_rule == "drop"}
        return {
            "format": self.format.value,
            "frames": str(self.frames),
            "classes": str(self.classes),
            "boxes": str(self.boxes),
            "scale": str(self.scale),
            "frames_covered": self.n_frames_covered,
            "detections_in_file": self.n_in_file,
            "detections_taken": self.n_detections,
            "left_out": dropped,
            "overlapping": self.overlapping,
        }

    def overlap_said(self) -> str:
        """How many detections lie on an object of their class, for people; "" where there is nothing to compare."""
        share = self.overlapping
        return "" if share is None else f"{share:.1%} of the detections overlap an object of their class by half"

    def rows(self) -> list[tuple[str, str]]:
        """The report as lines of two columns, for people."""
        found = {kind: count for kind, count in self.invalid.items() if count}
        action = {"refuse": "refused", "drop": "dropped", "keep": "kept"}[self.invalid_rule]
        return [
            ("file", self.path),
            ("format", str(self.format)),
            ("detections", f"{self.n_detections} taken of {self.n_in_file}"),
            (
                "frames",
                f"{self.n_frames_covered} of {self.n_frames} covered, {self.n_frames_with_detections} with detections",
            ),
            ("videos", f"{self.n_videos_with_detections} of {self.n_videos} with detections"),
            ("which frame", str(self.frames)),
            ("boxes", str(self.boxes)),
            ("scale", str(self.scale)),
            ("classes", str(self.classes)),
            ("classes seen", str(self.classes_seen)),
            ("a frame", ", ".join(f"{name} {value:g}" for name, value in self.per_frame.items())),
            ("scores", ", ".join(f"{name} {value:g}" for name, value in self.score.items())),
            ("overlap", "nothing to compare" if self.overlapping is None else self.overlap_said()),
            ("precision", self.precision),
            ("invalid", ", ".join(f"{n} {kind}" for kind, n in found.items()) + f" ({action})" if found else "none"),
            *(("warning", warning) for warning in self.warnings),
        ]
