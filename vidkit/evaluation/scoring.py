"""Scoring: the AP of every class in every cell of one group, from the table of matches."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from vidkit.evaluation.average_precision import average_precision
from vidkit.evaluation.false_positives import Surroundings, surroundings
from vidkit.evaluation.matching import Matches
from vidkit.evaluation.ranking import Ranking, by_cell
from vidkit.evaluation.slices import Cells, Group, areas
from vidkit.evaluation.standing import Contenders, Standing, contenders


@dataclass(frozen=True, eq=False)
class Curve:
    """The ranked detections of one class in one cell, down to its last true positive, as one group sees them."""

    segment: int
    rows: NDArray[np.int32]  # (L,) rows of the predictions, best first
    true: NDArray[np.int64]  # (T,) the places of true positives among them
    weight: NDArray[np.float64]  # (L,) what each counts as a false positive
    by_share: NDArray[np.bool_] | None  # (L,) whether that weight is the group's share in its cell; None: of none


Weighing = Callable[[slice, int], tuple[NDArray[np.float64], NDArray[np.bool_] | None]]
"""A function of places in a ranking, all of one segment, and of that segment."""


@dataclass(frozen=True, eq=False)
class Ranked:
    """A ranking with the columns of the table of matches that all groups read, in its order."""

    matches: Matches
    ranking: Ranking
    cells: Cells | None

    @property
    def n_segments(self) -> int:
        """Cells x classes."""
        return len(self.ranking.start) - 1

    @property
    def n_cells(self) -> int:
        """How many parts the data have; 1 without a breakdown."""
        return 1 if self.cells is None else len(self.cells.names)

    @cached_property
    def matched(self) -> NDArray[np.int32]:
        """Return what each ranked detection matches at the lowest threshold, without minding groups."""
        return self.matches.matched[self.ranking.order]

    @cached_property
    def area(self) -> NDArray[np.float64]:
        """Return the area of each ranked detection."""
        return self._area[self.ranking.order]

    @cached_property
    def _area(self) -> NDArray[np.float64]:
        return areas(self.matches.predictions.box, self.matches.protocol)

    @cached_property
    def _area_limits(self) -> tuple[float, float]:
        return float(self._area.min(initial=np.inf)), float(self._area.max(initial=-np.inf))

    @cached_property
    def video(self) -> NDArray[np.int32]:
        """Return the video of each detection, in the order of the predictions."""
        counts = np.diff(self.matches.predictions.detection_start)
        return np.repeat(self.matches.index.frame_video, counts)

    @cached_property
    def truth_area(self) -> NDArray[np.float64]:
        """The area of each ground truth, by which it is or isn't in a range."""
        index, protocol = self.matches.index, self.matches.protocol
        if protocol.area_from == "annotation" and "area" in index.instance_attributes:
            return index.instance_attributes["area"].astype(np.float64)
        return areas(index.box, protocol)

    @cached_property
    def surroundings(self) -> Surroundings:
        """Return what decides about unmatched detections, in ranked order."""
        matches = self.matches
        rule = matches.protocol.fp_rule
        if matches.nearest is None and rule in ("fgfa", "mega"):
            raise ValueError("the rule for unmatched detections needs matches with the nearest ground truth")
        found = surroundings(matches.index, matches.nearest, matches.predictions.n_detections, rule)
        return found.reorder(self.ranking.order)

    @cached_property
    def truth_segment(self) -> NDArray[np.int64]:
        """Return the segment of each ground truth."""
        index = self.matches.index
        cell = 0 if self.cells is None else self.cells.of_frame[index.instance_frame]
        return np.asarray(cell * index.n_classes + index.class_id.astype(np.int64))

    def members(self, group: Group) -> NDArray[np.bool_]:
        """Return which ground truth `(N,)` is to be found in a group."""
        kept = np.ones(self.matches.index.n_instances, bool) if group.kept is None else group.kept.copy()
        limits = group.area or self.matches.protocol.area_range
        if limits is not None:
            kept &= (self.truth_area >= limits[0]) & (self.truth_area <= limits[1])
        return kept

    def shares(self, group: Group, drawn: NDArray[np.float64]) -> NDArray[np.float64]:
        """The group's share in the ground truth of each cell, `(K, B)`, when each video counts `drawn (V, B)` times.

        A frame without objects counts as one object.
        """
        index = self.matches.index
        inside, every = group.shared(index)
        cell = np.zeros(index.n_frames, np.int64) if self.cells is None else self.cells.of_frame
        flat, shape = cell * index.n_videos + index.frame_video, (self.n_cells, index.n_videos)
        of_group, of_all = (np.bincount(flat, n, shape[0] * shape[1]).reshape(shape) @ drawn for n in (inside, every))
        return np.asarray(of_group / np.maximum(of_all, 1))

    def count(self, members: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Return the number of members in each segment."""
        return np.bincount(self.truth_segment[members], minlength=self.n_segments)

    def curves(self, group: Group, threshold: float) -> Iterator[Curve]:
        """Yield the curve of each segment in which a true positive is found."""
        members = self.members(group)
        weigh = self.weighing(group)
        matched = self._matched_at(threshold, members)
        members = np.append(members, np.zeros(self.matches.n_regions, bool))
        limits = self._limits(group)
        for segment, (first, stop) in enumerate(zip(self.ranking.start[:-1], self.ranking.start[1:], strict=True)):
            hit = np.flatnonzero(matched[first:stop] >= 0)
            true = hit[members[matched[first:stop][hit]]]
            if len(true) == 0:
                continue
            here = slice(first, first + true[-1] + 1)
            weight, by_share = weigh(here, segment)
            if limits is not None:
                weight[(self.area[here] < limits[0]) | (self.area[here] > limits[1])] = 0
            weight[hit[hit < len(weight)]] = 0
            yield Curve(segment, self.ranking.order[here], true, weight, by_share)

    def average_precisions(self, group: Group, thresholds: Sequence[float]) -> NDArray[np.float64]:
        """The AP of each segment at each IoU threshold, `(T, S)`; NaN without ground truth, 0 where none is found."""
        if group.kept is None:
            standing, contest = self.standing(group), self.matches.contest
            taken = (contest.at(threshold).taken(standing.kept) for threshold in thresholds)
            return np.stack([standing.hits(found).average_precisions() for found in taken])
        n_truth = self.count(self.members(group))
        ap = np.tile(np.where(n_truth > 0, 0.0, np.nan), (len(thresholds), 1))
        for row, threshold in zip(ap, thresholds, strict=True):
            for curve in self.curves(group, threshold):
                above = np.cumsum(curve.weight)[curve.true]
                row[curve.segment] = average_precision(above, int(n_truth[curve.segment]), self.matches.protocol)
        return ap

    def standing(self, group: Group) -> Standing:
        """What is needed to score a group of all ground truth in a range of areas at any threshold."""
        members, limits = self.members(group), self._limits(group)
        mine, start = self.contenders, self.ranking.start
        inside = None if limits is None else (self.area >= limits[0]) & (self.area <= limits[1])
        if inside is None:
            above = mine.place - np.arange(len(mine.place))
            before = start[:-1] - mine.start[:-1]
        else:
            others = inside.copy()
            others[mine.place] = False
            counted = np.append(np.int32(0), np.cumsum(others, dtype=np.int32))
            above, before = counted[mine.place], counted[start[:-1]]
        return Standing(
            mine,
            members,
            self.matches.n_regions,
            self.count(members),
            None if inside is None else inside[mine.place],
            above - before[mine.segment],
            self.matches.protocol,
        )

    def within(self, limit: int) -> NDArray[np.bool_] | None:
        """Which contenders are among so many detections of their class in their frame; None: all."""
        place = self.matches.place
        if place is None or limit == max(self.matches.protocol.max_detections):
            return None
        return np.asarray(place[self.ranking.order[self.contenders.place]] < limit)

    @cached_property
    def contenders(self) -> Contenders:
        """The detections that have a pair in the contest."""
        return contenders(self.matches, self.ranking)

    def _limits(self, group: Group) -> tuple[float, float] | None:
        """The range of areas that count; None where no detection lies outside."""
        limits = group.area or self.matches.protocol.area_range
        if limits is not None and limits[0] <= self._area_limits[0] and self._area_limits[1] <= limits[1]:
            return None
        return limits

    def weighing(self, group: Group) -> Weighing:
        """What each detection of a slice of a segment counts if it is unmatched, and whether that is by share."""
        if group.kept is None:
            return lambda here, segment: (np.ones(here.stop - here.start), None)
        surroundings, n_classes = self.surroundings, self.matches.index.n_classes
        table = surroundings.weights(group.kept)
        if not surroundings.looks:
            return lambda here, segment: (table[surroundings.of_detection[here]], None)
        alone = surroundings.without_cell(self.shares(group, np.ones((self.matches.index.n_videos, 1))))

        def weigh(here: slice, segment: int) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
            around = surroundings.of_detection[here]
            weight, by_share = table[around], around == surroundings.nowhere
            weight[by_share] = alone[segment // n_classes, 0]
            return weight, by_share

        return weigh

    def _matched_at(self, threshold: float, members: NDArray[np.bool_]) -> NDArray[np.int32]:
        matched = self.matches.matched_at(threshold, members)
        return self.matched if matched is self.matches.matched else matched[self.ranking.order]


def ranked(matches: Matches, cells: Cells | None = None) -> Ranked:
    """Return the detections of a table of matches, ranked inside each cell."""
    if cells is None:
        return Ranked(matches, matches.ranking, None)
    cell = cells.of_frame[matches.predictions.detection_frame]
    return Ranked(matches, by_cell(matches.ranking, cell, len(cells.names), matches.index.n_classes), cells)
