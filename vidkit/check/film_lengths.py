"""The films of an index: whether they are as long as its frame numbers say, and counted from the same frame."""

from collections.abc import Iterator
from pathlib import Path

from vidkit.check.findings import Findings
from vidkit.data.film import film_facts
from vidkit.data.index import VIDEO, Index
from vidkit.errors import FrameError


def check_lengths(index: Index, root: Path, missing: set[str], findings: Findings) -> Iterator[str]:
    """Add what is wrong with the lengths of films that aren't `missing`; yield a note on those whose end is missing."""
    cut = 0
    for video, name in enumerate(index.video_name):
        if index.files is None or index.files.kind[video] != VIDEO or name in missing or not index.frames_of(video):
            continue
        try:
            facts = film_facts(root / index.files.source[video])
        except FrameError as error:
            findings.add("image-unreadable", name, str(error))
            continue
        cut += facts.is_cut
        rows = index.frames_of(video)
        first, last = int(index.frame_number[rows[0]]), int(index.frame_number[rows[-1]])
        film = f"{index.files.source[video]} has {facts.length:,} frames, 0 to {facts.length - 1}"
        told = f"frames {first} to {last}, but {film}"
        if first > 0 and last == facts.length:
            findings.add("frames-from-one", name, told)
        elif last >= facts.length:
            findings.add("film-shorter", name, told)
        elif last + 1 < facts.length:
            findings.add("film-longer", name, told)
    if cut:
        yield f"{cut:,} films break off: their end is missing, and their length is counted to there"
