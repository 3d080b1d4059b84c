"""A cell of frames crossed with groups of ground truth is scored as if its frames were all there is."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tests.evaluation import oracles
from tests.evaluation.cases import case
from tests.evaluation.tables_of_frames import index_and_predictions
from tests.evaluation.test_bootstrap import RANGES, drawn_again, many_videos
from vidkit.data.index import Index
from vidkit.evaluation.bootstrap import draws, replicates
from vidkit.evaluation.errors_by_type import decompose
from vidkit.evaluation.evaluate import evaluate
from vidkit.evaluation.matching import match
from vidkit.evaluation.protocols import PROTOCOLS
from vidkit.evaluation.result import Bootstrap
from vidkit.evaluation.scoring import ranked
from vidkit.evaluation.slices import breakdown
from vidkit.predictions.table import Predictions

LOOPS = {"fgfa": oracles.fgfa, "mega": oracles.mega}


def with_weather(index: Index, predictions: Predictions, seed: int) -> tuple[Index, Predictions]:
    """The same with a word for each frame, so that cells cut through videos."""
    words = np.array(["fog", "rain", "sun"])[np.random.default_rng(seed).integers(0, 3, index.n_frames)]
    told = replace(index, frame_attributes={"weather": words})
    return told, replace(predictions, index_fingerprint=told.fingerprint)


def frames_alone(index: Index, predictions: Predictions, chosen: np.ndarray) -> tuple[Index, Predictions]:
    """The chosen frames and nothing else; videos that lose all of theirs stay, empty."""
    truth, objects = chosen[index.instance_frame], np.diff(index.instance_start)[chosen]
    kept, counts = chosen[predictions.detection_frame], np.diff(predictions.detection_start)[chosen]
    alone = replace(
        index,
        frame_start=np.concatenate([[0], np.cumsum(np.bincount(index.frame_video[chosen], minlength=index.n_videos))]),
        frame_number=index.frame_number[chosen],
        instance_start=np.concatenate([[0], np.cumsum(objects)]),
        frame_attributes={name: values[chosen] for name, values in index.frame_attributes.items()},
        **{
            name: getattr(index, name)[truth]
            for name in ("box", "class_id", "track_id", "occluded", "generated", "motion_iou")
        },
    )
    columns: dict[str, Any] = {name: getattr(predictions, name)[kept] for name in ("box", "score", "class_id")}
    start = np.concatenate([[0], np.cumsum(counts)])
    return alone, Predictions(detection_start=start, index_fingerprint=alone.fingerprint, **columns)


@pytest.mark.parametrize("protocol", ["fgfa", "mega"])
@pytest.mark.parametrize("block", range(6))
def test_a_cell_crossed_with_motion_is_the_loop_over_its_frames(block: int, protocol: str) -> None:
    for seed in range(block * 25, block * 25 + 25):
        index, predictions = with_weather(*case(seed), seed)
        frames = oracles.frames_of(index, predictions, index.motion_iou)
        result = evaluate(index, predictions, protocol, by=["video x motion", "motion x weather"])
        cells = {("video x motion", name): index.frame_video == v for v, name in enumerate(index.video_name)}
        words = index.frame_attributes["weather"]
        cells |= {("motion x weather", str(word)): words == word for word in np.unique(words)}
        for (by, cell), here in cells.items():
            mine = [frames[f] for f in np.flatnonzero(here)]
            for name, motion in RANGES.items():
                everything = {"everything": name == "all"} if protocol == "fgfa" else {}
                wanted = LOOPS[protocol](mine, index.n_classes, motion, **everything)
                found = result.group(by, f"{cell}/{name}").ap
                np.testing.assert_allclose(found, wanted, atol=1e-12, err_msg=f"{seed} {by} {cell}/{name}")


@pytest.mark.parametrize("by", ["occluded", "occluded x generated", "area x motion", "motion x occluded"])
@pytest.mark.parametrize("protocol", ["fgfa", "mega", "voc", "coco"])
def test_a_cell_crossed_with_anything_is_an_evaluation_of_the_cell_alone(protocol: str, by: str) -> None:
    for seed in range(40):
        index, predictions = with_weather(*case(seed), seed)
        crossed = evaluate(index, predictions, protocol, by=f"weather x {by}")
        errors = decompose(index, predictions, protocol, by=f"weather x {by}")
        words = index.frame_attributes["weather"]
        for word in np.unique(words):
            alone = frames_alone(index, predictions, words == word)
            for group in evaluate(*alone, protocol, by=by).groups:
                found = crossed.group(f"weather x {by}", f"{word}/{group.name}")
                np.testing.assert_allclose(found.ap, group.ap, atol=1e-12, err_msg=f"{seed} {word} {group.name}")
            for told in decompose(*alone, protocol, by=by).groups:
                mine = errors.group(f"weather x {by}", f"{word}/{told.name}")
                for kind, count in told.count.items():
                    np.testing.assert_allclose(mine.count[kind], count, atol=1e-12, err_msg=f"{seed} {word} {kind}")
                    np.testing.assert_allclose(mine.delta[kind], told.delta[kind], atol=1e-12, err_msg=f"{seed} {kind}")


@pytest.mark.parametrize("rule", ["fgfa", "mega", "all", "none"])
def test_replicates_of_a_cell_are_the_evaluation_of_its_drawn_frames(rule: str) -> None:
    for seed in range(20):
        index, predictions = with_weather(*many_videos(seed), seed)
        rules = replace(PROTOCOLS["mega" if rule == "mega" else "fgfa"].with_rule(rule), lone_zero="in its group")
        scope = {"fgfa": "frame", "mega": "class"}.get(rule)
        wanted = breakdown("weather x motion", index, rules)
        assert wanted.cells is not None
        rows = ranked(match(index, predictions, rules, scope), wanted.cells)
        drawn = draws(index.n_videos, Bootstrap(4, seed))
        for group in wanted.groups:
            found = replicates(rows, group, drawn).reshape(len(wanted.cells.names), index.n_classes, -1)
            for cell in range(len(wanted.cells.names)):
                here = wanted.cells.of_frame == cell
                for b in range(4):
                    again = replicated(index, predictions, here, drawn[:, b])
                    alone = evaluate(*again, rules, by="motion").group("motion", group.name)
                    np.testing.assert_allclose(found[cell, :, b], alone.ap, atol=1e-12, err_msg=f"{seed} {group.name}")


def replicated(
    index: Index, predictions: Predictions, here: np.ndarray, counts: np.ndarray
) -> tuple[Index, Predictions]:
    """One video of the chosen frames, as often as their videos were drawn."""
    frames = oracles.frames_of(*frames_alone(index, predictions, here), index.motion_iou[here[index.instance_frame]])
    of_video = frames_alone(index, predictions, here)[0]
    again = drawn_again(of_video, frames, counts)
    if not again:
        again = [{"gt": [], "det": [], "size": (50, 45)}]
    return index_and_predictions(again, index.n_classes)


def test_an_empty_frame_counts_by_the_share_of_its_own_video() -> None:
    """v0: a slow object found at 0.5 and, in an empty frame, a false alarm of 0.9; v1: fast objects, none found."""
    box, size = (10.0, 10.0, 59.0, 59.0), (200, 200)
    frames = [{"gt": [(box, 0, 0.95)], "det": [(box, 0, 0.5)], "size": size}, {"gt": [], "det": [(box, 0, 0.9)]}]
    frames += [{"gt": [(box, 0, 0.5)], "det": []} for _ in range(8)]
    index, predictions = index_and_predictions(frames, 1)
    two = replace(
        index,
        video_name=("v0", "v1"),
        video_size=np.tile(index.video_size, (2, 1)),
        frame_start=np.array([0, 2, 10]),
        frame_number=np.arange(10, dtype=np.int32),
    )
    found = evaluate(two, predictions, "fgfa", by="video x motion").group("video x motion", "v0/slow")
    assert found.mean_ap == pytest.approx(
        1 / (1 + 1 / 2)
    )  # the share of slow in v0: one of one object, one empty frame
