"""What the field published of speed and accuracy on ImageNet VID validation: data of the package, with their sources.

Numbers are as their authors tell them. Speeds were measured on unlike devices and in unlike ways, scores under unlike
protocols; so a run is compared only with those of its own device, batch and protocol.
"""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files


@dataclass(frozen=True)
class PublishedRun:
    """A published number; scores in percent, None and "" where it isn't told."""

    method: str
    ap50: float
    slow: float | None
    medium: float | None
    fast: float | None
    milliseconds: float | None
    """Of a frame."""
    device: str
    batch: int | None
    protocol: str
    """Whose evaluation gave the score: fgfa, mega, coco-mmdet as in `vidkit eval`, repp: REPP's; "" where not told."""
    source: str
    """Where the number stands."""

    @property
    def timed(self) -> bool:
        """Whether its speed is told."""
        return self.milliseconds is not None

    @property
    def frames_per_second(self) -> float:
        """Its speed; NaN where it isn't told."""
        return 1000 / self.milliseconds if self.milliseconds else float("nan")


def published_runs() -> tuple[PublishedRun, ...]:
    """All that is known, in the order of the table."""
    text = files("vidkit.plots").joinpath("published.csv").read_text(encoding="utf-8")
    return tuple(
        PublishedRun(
            method=row["method"],
            ap50=float(row["ap50"]),
            slow=_number(row["slow"]),
            medium=_number(row["medium"]),
            fast=_number(row["fast"]),
            milliseconds=_number(row["ms"]),
            device=row["device"],
            batch=int(row["batch"]) if row["batch"] else None,
            protocol=row["protocol"],
            source=row["source"],
        )
        for row in csv.DictReader(text.splitlines())
    )


def published_panels(runs: Sequence[PublishedRun]) -> dict[str, list[PublishedRun]]:
    """The timed runs that can be compared, by what they have in common: two or more of a device, batch and protocol."""
    found: dict[str, list[PublishedRun]] = {}
    for run in runs:
        if run.timed and run.device:
            batch = "batch not told" if run.batch is None else f"batch {run.batch}"
            found.setdefault(f"{run.device}, {batch}, protocol {run.protocol or 'not told'}", []).append(run)
    return {name: some for name, some in found.items() if len(some) > 1}


def _number(text: str) -> float | None:
    return float(text) if text else None
