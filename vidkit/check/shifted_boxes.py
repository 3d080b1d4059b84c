"""Whether boxes lie on another frame than their own, by what moves in films: a suspicion, where enough objects agree.

What is in a box moves as the box does, what is around it mostly otherwise. So between pictures k and k + 1, moved by
the way of a box from its frame n to n + 1, the differences are small inside the box and larger in a ring around it if
k = n. For each box k = n - 1, n, n + 1 are held against each other; one gets the box's vote if it is clearly the best.
Where boxes are right, many votes are for n; where numbers are off by one hardly any is: on 88 films of flying things,
annotated by hand, 54 to 69 % as they are and 9 to 12 % with numbers off by one; on 144 infrared ones 21 % and 4 %. On
which side the others are tells less: films that show each picture twice fit as well on the wrong one.
"""

from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice, pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from vidkit.data.film import pictures, shown
from vidkit.data.index import VIDEO, Index
from vidkit.errors import FrameError

FILMS, FRAMES, FRAMES_OF_A_FILM = 60, 2400, 300
"""So many films, and so many frames in all and of each, are looked at."""
LEAST_TRACKS, LEAST_VOTES, OF_A_TRACK = 5, 60, 3
"""Fewer objects or votes tell nothing; a track counts as an object with so many votes of its own."""
MOST_RIGHT = 0.1
"""Boxes are suspected where at most this share of the votes is for their own frames."""
_BLUR, _MARGIN, _NOISE = 2, 0.1, 2.0  # pixels; of scores; grey levels
_LEAST_MOVE, _LEAST_SIDE, _RING = 2, 8, 8  # pixels

Grey = NDArray[np.float32]
Tracks = Mapping[int, Mapping[int, NDArray[np.float64]]]
"""Frame number → track → box `(4,)`."""
Votes = Counter[int]
"""For the pictures before (-1), of (0) and after (1) a box's frame."""


def suspicion(index: Index, root: Path, missing: set[str]) -> str:
    """What speaks for frame numbers that are off by one, "" where it isn't enough."""
    by_track: list[Votes] = []
    films = [v for v, name in enumerate(index.video_name) if _is_film(index, v) and name not in missing]
    some = films[:FILMS]
    length = min(FRAMES // max(len(some), 1), FRAMES_OF_A_FILM)
    for video in some:
        assert index.files is not None
        try:
            greys = _greys(root / index.files.source[video], length)
            by_track += votes(greys, _tracks(index, video, length)).values()
        except FrameError:
            continue  # which is a finding of its own
    return verdict(by_track)


def verdict(by_track: Iterable[Votes]) -> str:
    """What the votes of all tracks say, in words; "" where they suspect nothing."""
    counted = [of_track for of_track in by_track if of_track.total() >= OF_A_TRACK]
    total = sum(counted, Counter[int]())
    if len(counted) < LEAST_TRACKS or total.total() < LEAST_VOTES or total[0] > MOST_RIGHT * total.total():
        return ""
    return (
        f"of {len(counted)} moving objects what moves as the box does is in the box's frame {total[0]} times of "
        f"{total.total()}, in the one before {total[-1]}, in the one after {total[1]} times"
    )


def votes(greys: Iterable[tuple[int, Grey]], tracks: Tracks) -> dict[int, Votes]:
    """The votes of each track, in a film's pictures by ascending number."""
    found: defaultdict[int, Votes] = defaultdict(Counter)
    for window in _windows(greys):
        (start, _), *_ = window
        own, following = tracks.get(start + 1, {}), tracks.get(start + 2, {})
        for track in own.keys() & following.keys():
            scores = [_score(a, b, own[track], following[track]) for (_, a), (_, b) in pairwise(window)]
            known = [score for score in scores if score is not None]
            second, best = sorted(known)[-2:] if len(known) == len(scores) else (0.0, 0.0)
            if best - second > _MARGIN:
                found[track][known.index(best) - 1] += 1
    return dict(found)


def _windows(greys: Iterable[tuple[int, Grey]]) -> Iterator[list[tuple[int, Grey]]]:
    """Yield each four pictures that follow one another."""
    window: deque[tuple[int, Grey]] = deque(maxlen=4)
    for grey in greys:
        window.append(grey)
        if len(window) == 4:
            yield list(window)


def _score(before: Grey, after: Grey, box: NDArray[np.float64], following: NDArray[np.float64]) -> float | None:
    """How much better the way of a box fits inside of it than around, -1 … 1; None where that can't be told."""
    way = np.round((following[:2] + following[2:] - box[:2] - box[2:]) / 2).astype(np.int64)
    far = int(np.abs(way).max())
    corners = np.round(box).astype(np.int64)
    if far < _LEAST_MOVE or (corners[2:] - corners[:2]).min() < _LEAST_SIDE:
        return None
    ring = min(far, _RING)
    inside, n_inside = _difference(before, after, corners, way)
    both, n_both = _difference(before, after, corners + np.array([-ring, -ring, ring, ring]), way)
    if n_inside == 0 or n_both == n_inside:
        return None
    around, inside = (both - inside) / (n_both - n_inside), inside / n_inside
    return (around - inside) / (around + inside + _NOISE)


def _difference(before: Grey, after: Grey, corners: NDArray[np.int64], way: NDArray[np.int64]) -> tuple[float, int]:
    """The sum of differences between what is in a box and what is where its way leads, and of how many pixels."""
    size = np.array([before.shape[1], before.shape[0]])
    x1, y1 = np.maximum(np.maximum(corners[:2], 0), -way).tolist()
    x2, y2 = np.minimum(np.minimum(corners[2:], size), size - way).tolist()
    if x2 <= x1 or y2 <= y1:
        return 0.0, 0
    dx, dy = way.tolist()
    part = np.abs(before[y1:y2, x1:x2] - after[y1 + dy : y2 + dy, x1 + dx : x2 + dx])
    return float(part.sum()), part.size


def _is_film(index: Index, video: int) -> bool:
    return index.files is not None and index.files.kind[video] == VIDEO


def _greys(film: Path, length: int) -> Iterator[tuple[int, Grey]]:
    """Yield the first pictures of a film by number, grey and blurred: fine texture would tell of noise."""
    for number, picture in enumerate(islice(pictures(film), length)):
        grey = Image.fromarray(shown(picture)).convert("L").filter(ImageFilter.BoxBlur(_BLUR))
        yield number, np.asarray(grey, np.float32)


def _tracks(index: Index, video: int, length: int) -> Tracks:
    found = {}
    for row in index.frames_of(video)[:length]:
        here = index.instances_of(row)
        pairs = zip(index.track_id[here].tolist(), np.asarray(index.box[here], np.float64), strict=True)
        found[int(index.frame_number[row])] = {track: box for track, box in pairs if track >= 0}
    return found
