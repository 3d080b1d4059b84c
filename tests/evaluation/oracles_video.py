"""Errors by type, delay, stability, streaming, curves as plain loops, object by object and frame by frame."""

import math
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np

from tests.evaluation.oracles import EVERY_AREA, all_point_ap, area_1, frames_of, iou_1, iou_mega, loosened, share_of
from vidkit.data.index import Index
from vidkit.predictions.table import Predictions

# -- errors by type (TIDE) -------------------------------------------------------------------------------------------

MENDED = ("classification", "localisation", "both", "duplicate", "background", "missed")
SPECIAL = ("false positives", "false negatives")


@dataclass
class Entry:
    frame: int
    row: int
    class_id: int
    score: float
    found: int = -1  # ground truth of the frame
    weight: float = 0.0
    kind: str = ""
    meant: int = -1
    mends: bool = False


@dataclass
class Scene:
    """A frame: its ground truth as the protocol sees it, and what became of each."""

    boxes: list[Any]
    classes: list[int]
    ignored: list[bool]
    outside: list[bool]
    taken: dict[int, Entry] = field(default_factory=dict)
    meant: set[int] = field(default_factory=set)


def tide(
    index: Index,
    predictions: Predictions,
    protocol: str,
    motion: tuple[float, float] | None = None,
    background: float = 0.1,
) -> tuple[dict[str, list[float]], dict[str, list[float]]]:
    """AP by class ("" as it is, and with each type mended) and the number of errors by class; fgfa, voc or mega."""
    frames = frames_of(index, predictions, index.motion_iou)
    n, mega = index.n_classes, protocol == "mega"
    overlap_of = iou_mega if mega else iou_1
    lone = all(len(frame["gt"]) <= 1 for frame in frames)
    low, high = motion or (-math.inf, math.inf)
    share = share_of(frames, motion) if motion else 1.0
    entries: list[Entry] = []
    scenes: list[Scene] = []
    for f, frame in enumerate(frames):
        scene = Scene([], [], [], [])
        for box, c, m in frame["gt"]:
            if mega:
                width, height = frame["size"]
                box = (max(box[0], 0), max(box[1], 0), min(box[2], width - 1), min(box[3], height - 1))
            scene.boxes.append(box)
            scene.classes.append(c)
            scene.ignored.append(not low <= m <= high and not (mega and lone and m == 0))
            scene.outside.append(protocol == "fgfa" and not EVERY_AREA[0] <= area_1(box) <= EVERY_AREA[1])
        scenes.append(scene)
        mine = [Entry(f, row, c, float(np.float32(s)) if mega else s) for row, (_, c, s) in enumerate(frame["det"])]
        for entry in sorted(mine, key=lambda e: (-e.score, -e.row if mega else e.row)):
            box = frame["det"][entry.row][0]
            entries.append(entry)
            overlaps = [overlap_of(box, gt) for gt in scene.boxes]
            need = [loosened(gt) if protocol == "fgfa" else 0.5 for gt in scene.boxes]
            entry.found = find(entry, overlaps, need, scene, protocol)
            if entry.found >= 0:
                scene.taken[entry.found] = entry
                continue
            if protocol == "fgfa" and not EVERY_AREA[0] <= area_1(box) <= EVERY_AREA[1]:
                entry.weight = 0.0
            elif motion is None:
                entry.weight = 1.0
            else:
                entry.weight = weigh(entry, overlaps, scene, share, mega)
    for entry in entries:
        if entry.found < 0:
            box, scene = frames[entry.frame]["det"][entry.row][0], scenes[entry.frame]
            overlaps = [float(overlap_of(box, gt)) for gt in scene.boxes]
            need = [loosened(gt) if protocol == "fgfa" else 0.5 for gt in scene.boxes]
            name(entry, overlaps, need, scene, background)
    for kind in ("classification", "localisation"):
        best: dict[tuple[int, int], Entry] = {}
        for entry in entries:  # of a frame in the order in which they were matched
            if entry.kind == kind:
                scenes[entry.frame].meant.add(entry.meant)
                if entry.meant not in scenes[entry.frame].taken:
                    best.setdefault((entry.frame, entry.meant), entry)
        for entry in best.values():
            entry.mends = True
    ap = {kind: mended_ap(entries, scenes, n, kind, mega) for kind in ("", *MENDED, *SPECIAL)}
    count = {kind: [0.0] * n for kind in MENDED}
    for entry in entries:
        if entry.kind:
            count[entry.kind][entry.class_id] += entry.weight
    count["missed"] = [float(sum(1 for s in scenes for g in missed(s) if s.classes[g] == c)) for c in range(n)]
    return ap, count


def find(entry: Entry, overlaps: list[Any], need: list[float], scene: Scene, protocol: str) -> int:
    best, found = -1.0, -1
    for g, overlap in enumerate(overlaps):
        if scene.classes[g] != entry.class_id or (g in scene.taken and protocol != "voc") or not overlap >= need[g]:
            continue
        if overlap > best or (protocol == "mega" and overlap == best and scene.ignored[found]):
            best, found = overlap, g
    return -1 if found in scene.taken else found


def weigh(entry: Entry, overlaps: list[Any], scene: Scene, share: float, mega: bool) -> float:
    near = [g for g in range(len(overlaps)) if not mega or scene.classes[g] == entry.class_id]
    if not near:
        return 1.0 if mega and share == 0 else share
    ignored = max([overlaps[g] for g in near if scene.ignored[g]], default=-1)
    kept = max([overlaps[g] for g in near if not scene.ignored[g]], default=-1)
    if kept != ignored:
        return float(kept > ignored)
    return sum(scene.ignored[g] for g in near) / len(near)


def name(entry: Entry, overlaps: list[float], need: list[float], scene: Scene, background: float) -> None:
    same = other = 0.0
    same_truth = other_truth = -1
    duplicate = False
    for g, overlap in enumerate(overlaps):
        if scene.classes[g] == entry.class_id:
            duplicate = duplicate or overlap >= need[g]
            if overlap > same:
                same, same_truth = overlap, g
        elif overlap > other:
            other, other_truth = overlap, g
    if same_truth >= 0 and background <= same <= need[same_truth]:
        entry.kind, entry.meant = "localisation", same_truth
    elif other_truth >= 0 and other >= need[other_truth]:
        entry.kind, entry.meant = "classification", other_truth
    elif duplicate:
        entry.kind = "duplicate"
    else:
        entry.kind = "background" if max(same, other) <= background else "both"


def missed(scene: Scene, whatever_is_meant: bool = False) -> list[int]:
    return [
        g
        for g in range(len(scene.boxes))
        if g not in scene.taken
        and (whatever_is_meant or g not in scene.meant)
        and not (scene.ignored[g] or scene.outside[g])
    ]


def mended_ap(entries: list[Entry], scenes: list[Scene], n: int, kind: str, mega: bool) -> list[float]:
    n_truth = [0] * n
    for scene in scenes:
        for c, ignored, outside in zip(scene.classes, scene.ignored, scene.outside, strict=True):
            n_truth[c] += not (ignored or outside)
    before = list(n_truth)
    if kind in ("missed", "false negatives"):
        for scene in scenes:
            for g in missed(scene, kind == "false negatives"):
                n_truth[scene.classes[g]] -= 1
    rows: list[list[tuple[float, float]]] = [[] for _ in range(n)]
    for entry in sorted(entries, key=lambda e: (-e.score, -e.frame if mega else e.frame, e.row)):
        found, scene = entry.found, scenes[entry.frame]
        if kind == entry.kind and kind and found < 0:
            if not entry.mends:
                continue
            found = entry.meant
        if kind == "false positives" and entry.found < 0:
            continue
        if found < 0:
            rows[entry.class_id].append((0.0, entry.weight))
        else:
            rows[scene.classes[found]].append((float(not (scene.ignored[found] or scene.outside[found])), 0.0))
    ap = []
    for c in range(n):
        if n_truth[c]:
            ap.append(all_point_ap(rows[c], n_truth[c], added=mega))
        else:
            ap.append(0.0 if before[c] and rows[c] else math.nan)
    return ap


# -- what finds what, under the protocol fgfa ------------------------------------------------------------------------


@dataclass
class Sighting:
    """A ground-truth box of a track: its frame, its box, and the detection that finds it, if any."""

    frame: int
    box: Any
    score: float = -math.inf
    found: Any = None


def sightings(index: Index, predictions: Predictions) -> tuple[dict[tuple[int, int], list[Sighting]], list[float]]:
    """Each track's boxes in the order of frames, and the scores of the false positives."""
    tracks: dict[tuple[int, int], list[Sighting]] = {}
    false: list[float] = []
    for f, frame in enumerate(frames_of(index, predictions)):
        first = int(index.instance_start[f])
        mine = [Sighting(f, box) for box, _, _ in frame["gt"]]
        scene = Scene([], [c for _, c, _ in frame["gt"]], [], [])
        for g, sighting in enumerate(mine):
            track = int(index.frame_video[f]), int(index.track_id[first + g])
            tracks.setdefault(track, []).append(sighting)
        for box, c, score in sorted(frame["det"], key=lambda det: -det[2]):
            overlaps, need = [iou_1(box, s.box) for s in mine], [loosened(s.box) for s in mine]
            entry = Entry(f, 0, c, score)
            g = find(entry, overlaps, need, scene, "fgfa")
            if g < 0:
                false.append(score)
            else:
                scene.taken[g] = entry
                mine[g].score, mine[g].found = score, box
    return tracks, false


# -- delay -----------------------------------------------------------------------------------------------------------


def delay(index: Index, predictions: Predictions, rates: tuple[float, ...], window: int, per_frame: bool) -> Any:
    tracks, false = sightings(index, predictions)
    scores = sorted({float(s) for s in predictions.score}, reverse=True)
    known = [True] * index.n_frames if index.annotated is None else index.annotated.tolist()
    unit = sum(known) if per_frame else index.n_instances
    number = index.frame_number.tolist()
    rows = []
    for rate in rates:
        threshold = math.inf
        for s in scores:
            if sum(f >= s for f in false) > rate * unit:
                break
            threshold = s
        cut, whole, never = [], [], 0
        for boxes in tracks.values():
            for sighting in boxes:
                if sighting.score >= threshold and sighting.found is not None:
                    whole.append(number[sighting.frame] - number[boxes[0].frame])
                    cut.append(min(whole[-1], window))
                    break
            else:
                never += 1
                cut.append(min(number[boxes[-1].frame] - number[boxes[0].frame] + 1, window))
        rows.append(
            {
                "threshold": threshold,
                "false_alarms": sum(f >= threshold for f in false),
                "objects": len(tracks),
                "never_found": never,
                "average": sum(cut) / len(cut) if cut else math.nan,
                "mean_of_found": sum(whole) / len(whole) if whole else math.nan,
            }
        )
    speed = sum(1 / (row["average"] + 1) for row in rows) / len(rows)
    return 1 / speed - 1, rows


# -- stability -------------------------------------------------------------------------------------------------------


def stability(index: Index, predictions: Predictions, recalls: tuple[float, ...]) -> list[Any]:
    """(threshold, fragment, centre, scale and ratio error) at each recall, None where it isn't reached."""
    tracks, _ = sightings(index, predictions)
    boxes = [sighting for track in tracks.values() for sighting in track]
    rows: list[Any] = []
    for recall in recalls:
        thresholds = sorted({s.score for s in boxes if s.found is not None}, reverse=True)
        reaching = [t for t in thresholds if sum(s.score >= t for s in boxes) >= recall * len(boxes) - 1e-9]
        if not reaching:
            rows.append(None)
            continue
        fragment, centre, scale_ratio = [], [], []
        for track in tracks.values():
            found = [s.score >= reaching[0] for s in track]
            if len(track) > 1:
                changes = sum(found[i] != found[i - 1] for i in range(1, len(found)))
                fragment.append(changes / (len(track) - 1))
            errors = [box_errors(s.found, s.box) for s, ok in zip(track, found, strict=True) if ok]
            errors = [e for e in errors if e is not None]
            if len(errors) > 1:
                deviations = [deviation([e[i] for e in errors]) for i in range(4)]
                centre.append(deviations[0] + deviations[1])
                scale_ratio.append(deviations[2] + deviations[3])
        rows.append((reaching[0], mean_or_nan(fragment), mean_or_nan(centre), mean_or_nan(scale_ratio)))
    return rows


def box_errors(a: Any, b: Any) -> tuple[float, float, float, float] | None:
    """e_x, e_y, e_s, e_r of inclusive corners; None where one of them isn't a number."""
    (x, y, w, h), (x_true, y_true, w_true, h_true) = (
        ((box[0] + box[2] + 1) / 2, (box[1] + box[3] + 1) / 2, box[2] - box[0] + 1, box[3] - box[1] + 1)
        for box in (a, b)
    )
    if not (w_true and h_true and h and w * h / (w_true * h_true) >= 0):
        return None
    e_s = math.sqrt(w * h / (w_true * h_true))
    return (x - x_true) / w_true, (y - y_true) / h_true, e_s, (w / h) / (w_true / h_true)


def deviation(values: list[float]) -> float:
    mean = sum(values) / len(values)
    return math.sqrt(sum((v - mean) ** 2 for v in values) / len(values))


def mean_or_nan(values: list[float]) -> float:
    return sum(values) / len(values) if values else math.nan


# -- streaming: a clock that ticks event by event, in fractions so that nothing is rounded -----------------------------


def stream(seconds: list[Fraction], look_ahead: list[int], rate: Fraction, take: str) -> tuple[list[int], list[int]]:
    """(source, taken) of the frames of one video: what has been answered last when each frame comes; -1 for nothing."""
    n = len(seconds)
    arrival = [Fraction(t) / rate for t in range(n)]
    needs, most = [], 0
    for t in range(n):
        most = max(most, min(t + look_ahead[t], n - 1))
        needs.append(most)
    answers: list[tuple[Fraction, int]] = []  # when, which
    now, last = Fraction(0), -1
    while last + 1 < n:
        waiting = [t for t in range(last + 1, n) if arrival[needs[t]] <= now]
        if not waiting:
            now = min(a for a in arrival if a > now)
            continue
        last = waiting[0] if take == "every" else waiting[-1]
        now += seconds[last]
        answers.append((now, last))
    source = []
    for t in range(n):
        known = [frame for when, frame in answers if when <= arrival[t]]
        source.append(known[-1] if known else -1)
    return source, [frame for _, frame in answers]


# -- curves, under the protocols fgfa and voc ------------------------------------------------------------------------


@dataclass
class Outcome:
    frame: int
    class_id: int
    score: float
    true: bool


def outcomes(index: Index, predictions: Predictions) -> list[Outcome]:
    """The true and false positives of all data under voc, in the order in which they rank, whatever their class."""
    found = []
    for f, frame in enumerate(frames_of(index, predictions)):
        scene = Scene([], [c for _, c, _ in frame["gt"]], [], [])
        mine = [Entry(f, row, c, score) for row, (_, c, score) in enumerate(frame["det"])]
        true = set()
        for entry in sorted(mine, key=lambda e: (-e.score, e.row)):
            overlaps = [iou_1(frame["det"][entry.row][0], gt) for gt, _, _ in frame["gt"]]
            g = find(entry, overlaps, [0.5] * len(overlaps), scene, "voc")
            if g >= 0:
                scene.taken[g] = entry
                true.add(entry.row)
        found += [Outcome(f, e.class_id, e.score, e.row in true) for e in mine]
    return sorted(found, key=lambda one: -one.score)


def points(found: list[Outcome], class_id: int, n_gt: int) -> list[tuple[float, float, float]]:
    """(score, recall, precision) at each true positive of a class."""
    rows, true, false = [], 0, 0
    for one in found:
        if one.class_id == class_id:
            true, false = true + one.true, false + (not one.true)
            if one.true:
                rows.append((one.score, true / n_gt, true / (true + false)))
    return rows


def calibration(found: list[Outcome], bins: int) -> tuple[float, list[tuple[int, float, float]]]:
    """ECE, and (count, mean score, precision) of each bin."""
    rows, error = [], 0.0
    for b in range(bins):
        here = [one for one in found if b / bins <= one.score and (one.score < (b + 1) / bins or b == bins - 1)]
        if not here:
            rows.append((0, math.nan, math.nan))
            continue
        confidence, share = sum(one.score for one in here) / len(here), sum(one.true for one in here) / len(here)
        rows.append((len(here), confidence, share))
        error += len(here) / len(found) * abs(share - confidence)
    return (error if found else math.nan), rows
