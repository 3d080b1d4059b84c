"""Findings: what a check of a data set has to tell, by kind. The kinds are explained in docs/checking_data.md."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning"]
MAX_LENGTH = 300


@dataclass(frozen=True)
class FindingKind:
    """A kind of fault and what to do about it. An error stops `prepare` or gives wrong data; a warning may be meant."""

    severity: Severity
    advice: str


_AGAIN = "unpack the snippet's annotations again, or take the frame out together with its image"
_NEW_LIST = "write the list anew from what is there: `vidkit lists`"

KINDS: dict[str, FindingKind] = {
    # folders and files
    "no-images": FindingKind("error", "unpack the images beside the annotations, under Data/"),
    "no-annotations": FindingKind("error", "unpack the annotations beside the images, under Annotations/"),
    "empty-video": FindingKind("error", "unpack the snippet again, or remove its folder"),
    "duplicate-video": FindingKind("error", "remove one of the two; names of snippets must differ"),
    "video-without-images": FindingKind("error", "unpack the snippet's images, or remove its annotations"),
    "video-without-annotations": FindingKind("error", "unpack the snippet's annotations, or remove its images"),
    "frame-without-image": FindingKind("error", "unpack the snippet's images again, or remove the XML file"),
    "image-without-annotation": FindingKind("error", "unpack the snippet's annotations again, or remove the image"),
    "frame-gap": FindingKind("error", "unpack the snippet again: tracks and motion need each frame, from 000000 on"),
    "frame-name": FindingKind("error", "name frames by their number in six digits, as the frame lists do"),
    "duplicate-frame": FindingKind("error", "keep one file for each frame"),
    "unexpected-file": FindingKind("warning", "move it out: it is neither the annotation nor the image of a frame"),
    "unreadable": FindingKind("error", "make it a plain file that you have the right to read"),
    # XML files
    "xml-empty": FindingKind("error", _AGAIN),
    "xml-too-large": FindingKind("error", _AGAIN),
    "xml-binary": FindingKind("error", _AGAIN),
    "xml-encoding": FindingKind("error", "save the file as UTF-8"),
    "xml-entities": FindingKind("error", "remove the DOCTYPE: an annotation needs none, and it is never expanded"),
    "xml-truncated": FindingKind("error", _AGAIN),
    "xml-malformed": FindingKind("error", _AGAIN),
    "xml-field": FindingKind("error", "mend the element; the XML of the frame before shows its form"),
    "xml-filename": FindingKind("warning", "see whether the file is the annotation of another frame"),
    # objects
    "unknown-class": FindingKind("error", "mend the class, or give the classes of the data set: --classes FILE"),
    "inverted-box": FindingKind("error", "swap the corners, or remove the object"),
    "zero-area-box": FindingKind("warning", "draw the box again, or remove the object"),
    "class-names-alike": FindingKind(
        "warning", "if they are one class, give both one name, and prepare the index again"
    ),
    "box-outside-image": FindingKind("error", "clip the box, or see whether it was drawn on an image of another size"),
    "box-not-finite": FindingKind("error", "prepare the index again from a sound source"),
    "track-changes-class": FindingKind("error", "give the track one class, or its other part another track id"),
    "duplicate-track": FindingKind("error", "give one of the two objects another track id, or remove it"),
    "duplicate-box": FindingKind("warning", "remove one of the two objects"),
    "missing-track": FindingKind("warning", "give it a track id: without one a box has no motion IoU"),
    # sizes and images
    "size-changes": FindingKind("error", "unpack the snippet again: its frames have one size"),
    "size-differs-from-image": FindingKind(
        "error", "see whether the annotation is that of another image, or of a resized one"
    ),
    "image-unreadable": FindingKind("error", "unpack the image again"),
    "image-truncated": FindingKind("error", "unpack the image again"),
    "source-missing": FindingKind(
        "error", "put the data back where the index looks for them, or prepare the index again"
    ),
    "frames-from-one": FindingKind("error", "take 1 off the frame numbers of the source, and prepare the index again"),
    "film-shorter": FindingKind(
        "error", "see whether the film is cut or another one, or frames are numbered otherwise"
    ),
    "film-longer": FindingKind("warning", "see whether the last frames were left out by intent: they aren't scored"),
    "boxes-off-frame": FindingKind(
        "warning", "a suspicion: look at some frames with `vidkit view`; do the source's frame numbers count from 1?"
    ),
    # frame lists
    "list-row": FindingKind("error", "mend the row; docs/preparing_data.md tells what its columns mean"),
    "list-duplicate-row": FindingKind("warning", "remove one of the rows: the frame would be taken twice"),
    "list-without-files": FindingKind("error", f"unpack what is listed, or {_NEW_LIST}"),
    "list-wrong-year": FindingKind("error", _NEW_LIST),
    "list-length": FindingKind("error", f"unpack the snippet again, or {_NEW_LIST}"),
    "list-first-frame": FindingKind("error", _NEW_LIST),
    "list-order": FindingKind("warning", f"side files that are aligned by position need ascending names: {_NEW_LIST}"),
    "video-not-listed": FindingKind("warning", f"the list passes the snippet over: {_NEW_LIST}"),
    # the known counts
    "count-differs": FindingKind("error", "compare with the official archive: something is missing, added or changed"),
}


@dataclass(frozen=True)
class Finding:
    """One fault: its kind (a key of `KINDS`), the file or row where it is, and what was found there."""

    kind: str
    place: str
    found: str

    @property
    def severity(self) -> Severity:
        """How bad it is: "error" or "warning"."""
        return KINDS[self.kind].severity

    @property
    def advice(self) -> str:
        """What to do about it."""
        return KINDS[self.kind].advice


class Findings:
    """All findings are counted; of each kind the first `keep` are kept, or all with None."""

    def __init__(self, keep: int | None = None) -> None:
        self.counts: Counter[str] = Counter()
        self._kept: dict[str, list[Finding]] = {kind: [] for kind in KINDS}
        self._keep = keep

    def add(self, kind: str, place: str, found: str) -> None:
        """Add a finding. Raises KeyError for a kind that isn't in `KINDS`."""
        kept = self._kept[kind]
        self.counts[kind] += 1
        if self._keep is None or len(kept) < self._keep:
            kept.append(Finding(kind, _in_one_line(place), _in_one_line(found)))

    def __len__(self) -> int:
        return self.counts.total()

    def __iter__(self) -> Iterator[Finding]:
        """Yield what was kept, kind by kind: kinds of errors first, then those of warnings, in the order of `KINDS`."""
        for kind in self.kinds():
            yield from self._kept[kind]

    def kinds(self) -> list[str]:
        """The kinds that were found, errors first."""
        found = [kind for kind in KINDS if self.counts[kind]]
        return sorted(found, key=lambda kind: KINDS[kind].severity)

    def of(self, kind: str) -> tuple[Finding, ...]:
        """What was kept of one kind."""
        return tuple(self._kept[kind])


def _in_one_line(text: str) -> str:
    """`text` cut to what fits a line, control characters and bytes that are no UTF-8 escaped.

    Names of files and rows of lists may hold any of these.
    """
    text = text if len(text) <= MAX_LENGTH else f"{text[:MAX_LENGTH]}…"
    return text if text.isprintable() else "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
