"""The methods: what they answer, in which order, after how many frames, and at what cost."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from impnet_model.detectors.adaptive import adaptive_impression, drift_of
from impnet_model.detectors.dff import deep_feature_flow
from impnet_model.detectors.engine import Engine, batched
from impnet_model.detectors.fgfa import feature_aggregation, windows
from impnet_model.detectors.fgfa_fast import fast_feature_aggregation, linked_frames
from impnet_model.detectors.impression import impression_network
from impnet_model.detectors.inference import for_inference
from impnet_model.detectors.per_frame import per_frame_rfcn
from impnet_model.detectors.seq_nms import SeqNMS
from impnet_model.flows.composition import AdjacentFlows, compose, composed
from impnet_model.flows.field import FlowField
from impnet_model.flows.warp import flow_warp
from impnet_model.flows.zero import ZeroFlow
from impnet_model.nets.aggregation import FixedQuality
from impnet_model.nets.network import ImpressionNetwork
from impnet_model.nets.task_network import PostProcessing
from tests.impnet_model import oracles
from tests.impnet_model.makers import key_features_of, make_engine, make_video
from vidkit.detections import Detections
from vidkit.errors import FrameError
from vidkit.harness.detector import Detector
from vidkit.segments import key_of_frames

L = 4
Make = Callable[[], Any]

METHODS: dict[str, Make] = {
    "per-frame": lambda: per_frame_rfcn(make_engine("per-frame")),
    "per-frame, batched": lambda: per_frame_rfcn(make_engine("per-frame"), batch=3),
    "dff": lambda: deep_feature_flow(make_engine("dff"), L),
    "dff, central key": lambda: deep_feature_flow(make_engine("dff"), L, None),
    "impression": lambda: impression_network(make_engine(), L),
    "impression, key 0": lambda: impression_network(make_engine(), L, 0),
    "impression, last key": lambda: impression_network(make_engine(), L, L - 1),
    "impression, fixed": lambda: impression_network(make_engine("impression-fixed"), L),
    "impression, batched": lambda: impression_network(make_engine(), L, batch=L),
    "impression, gate 0": lambda: impression_network(make_engine(), L, gate=0.0),
    "impression-adaptive": lambda: adaptive_impression(make_engine(), L),
    "fgfa": lambda: feature_aggregation(make_engine("fgfa"), 2),
    "fgfa-fast": lambda: fast_feature_aggregation(make_engine("fgfa"), 2),
    "seq-nms": lambda: SeqNMS(impression_network(raw(make_engine()), L)),
}


def raw(engine: Engine) -> Engine:
    return replace(engine, rules=PostProcessing(0.05, None))


def same(a: list[Detections], b: list[Detections], atol: float) -> None:
    """Equal answers; rows may be ordered otherwise where scores are as good as tied."""
    assert [len(each) for each in a] == [len(each) for each in b]
    for x, y in zip(a, b, strict=True):
        rows = [
            sorted(
                map(tuple, np.round(np.column_stack([d.class_ids, d.scores, d.boxes]).astype(np.float64), 3).tolist())
            )
            for d in (x, y)
        ]
        if atol == 0:
            for left, right in ((x.boxes, y.boxes), (x.scores, y.scores), (x.class_ids, y.class_ids)):
                np.testing.assert_array_equal(left, right)
        else:
            np.testing.assert_allclose(np.sort(x.scores), np.sort(y.scores), atol=atol)
            np.testing.assert_allclose(np.array(rows[0]), np.array(rows[1]), atol=2e-3)
        assert (x.is_key, x.key_distance) == (y.is_key, y.key_distance)


# -- any video ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", METHODS.values(), ids=METHODS)
@pytest.mark.parametrize("n", [0, 1, 2, L - 1, L, L + 1])
def test_an_answer_for_every_frame(make: Make, n: int) -> None:
    answers = list(make().detect(make_video(n)))
    assert len(answers) == n
    for answer in answers:
        assert answer.boxes.shape == (len(answer), 4)
        assert (answer.boxes >= 0).all()
        assert (answer.boxes <= [53, 37, 53, 37]).all()
        assert (answer.boxes[:, 2:] > answer.boxes[:, :2]).all()
        assert set(answer.class_ids) <= {0, 1, 2}
        assert answer.boxes.dtype == answer.scores.dtype == np.float32
    assert n == 0 or sum(map(len, answers)) > 0


@pytest.mark.parametrize("make", METHODS.values(), ids=METHODS)
@pytest.mark.parametrize("size", [(37, 53), (53, 37), (16, 16), (47, 1), (1, 1), (90, 200)])
def test_any_size(make: Make, size: tuple[int, int]) -> None:
    assert len(list(make().detect(make_any(3, *size)))) == 3


def make_any(n: int, height: int, width: int) -> list[np.ndarray]:
    return list(np.random.default_rng(0).integers(0, 256, (n, height, width, 3)).astype(np.uint8))


@pytest.mark.parametrize("make", METHODS.values(), ids=METHODS)
def test_answers_do_not_depend_on_the_video_before(make: Make) -> None:
    detector, video = make(), make_video(L + 2)
    fresh = list(detector.detect(video))
    list(detector.detect(make_video(5, 61, 40, seed=9)))
    same(list(detector.detect(video)), fresh, 0)


@pytest.mark.parametrize("make", METHODS.values(), ids=METHODS)
def test_videos_may_be_interleaved(make: Make) -> None:
    detector, a, b = make(), make_video(L + 2), make_video(L + 2, 53, 37, seed=4)
    pairs = list(zip(detector.detect(a), detector.detect(b), strict=True))
    same([x for x, _ in pairs], list(detector.detect(a)), 0)
    same([y for _, y in pairs], list(detector.detect(b)), 0)


@pytest.mark.parametrize("make", METHODS.values(), ids=METHODS)
def test_detector_protocol(make: Make) -> None:
    detector = make()
    assert isinstance(detector, Detector)
    detector.synchronize()
    assert detector.describe()["precision"] == "float32"
    assert torch.is_grad_enabled()
    next(iter(detector.detect(make_video(2))))
    assert torch.is_grad_enabled()
    assert not torch.is_inference_mode_enabled()


def test_a_video_whose_size_changes_is_refused() -> None:
    frames = [*make_video(2), *make_video(1, 53, 37)]
    with pytest.raises(FrameError, match=r"frame 2: .*first frame is"):
        list(METHODS["impression"]().detect(frames))


# -- look-ahead --------------------------------------------------------------------------------------------------------


def look_ahead(detector: Detector, n: int) -> int:
    taken = 0

    def frames() -> Iterator[np.ndarray]:
        nonlocal taken
        for frame in make_video(n):
            taken += 1
            yield frame

    return max(taken - 1 - i for i, _ in enumerate(detector.detect(frames())))


@pytest.mark.parametrize(
    ("name", "frames"),
    [
        ("per-frame", 0),
        ("dff", 0),
        ("impression, key 0", 0),
        ("impression-adaptive", 0),
        ("impression", L // 2),
        ("dff, central key", L // 2),
        ("impression, last key", L - 1),
        ("fgfa", 2),
        ("fgfa-fast", 2),
    ],
)
def test_look_ahead(name: str, frames: int) -> None:
    assert look_ahead(METHODS[name](), 3 * L) == frames


@pytest.mark.parametrize("n", [1, L, 2 * L + 1, 2 * L + 3])
@pytest.mark.parametrize("key_id", [0, 1, L - 1, None])
def test_keyframes_are_those_of_the_segments(n: int, key_id: int | None) -> None:
    answers = list(impression_network(make_engine(), L, key_id).detect(make_video(n)))
    keys = key_of_frames(n, L, key_id)
    assert [answer.key_distance for answer in answers] == (keys - np.arange(n)).tolist()
    assert [answer.is_key for answer in answers] == [key == i for i, key in enumerate(keys)]


# -- cost --------------------------------------------------------------------------------------------------------------


class Counting:
    """A network that counts the images that go through it."""

    def __init__(self, inner: Any) -> None:
        self.inner, self.count = inner, 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def __call__(self, first: Tensor, *others: Tensor) -> Any:
        self.count += len(first)
        return self.inner(first, *others)

    def score(self, features: Tensor, *rest: Any) -> Any:
        self.count += len(features)
        return self.inner.score(features, *rest)


def counted(engine: Engine) -> tuple[Engine, dict[str, Counting]]:
    old = engine.network
    parts = {name: Counting(getattr(old, name)) for name in ("feature", "task", "flow", "quality", "embedding")}
    given = {name: part if part.inner is not None else None for name, part in parts.items()}
    return replace(engine, network=ImpressionNetwork(**given)), parts  # type: ignore[arg-type]  # counting stand-ins


@pytest.mark.parametrize("batch", [1, 3, L])
@pytest.mark.parametrize("key_id", [0, 2, None])
def test_calls_are_those_of_section_3_4(batch: int, key_id: int | None) -> None:
    """A segment costs one N_feat, l flows (l - 1 for the frames and one for the impression) and l N_task."""
    engine, parts = counted(make_engine())
    segments = 3
    list(impression_network(engine, L, key_id, batch=batch).detect(make_video(segments * L)))
    assert parts["feature"].count == segments
    assert parts["flow"].count == segments * L - 1  # the first segment has no impression to warp
    assert parts["task"].count == segments * L
    assert parts["quality"].count == 2 * (segments - 1)


def test_calls_of_the_others() -> None:
    n = 2 * L + 1
    for make, expected in (
        (lambda e: per_frame_rfcn(e), (n, 0, n)),
        (lambda e: deep_feature_flow(e, L), (3, n - 3, n)),
        (lambda e: feature_aggregation(e, 2), (n, 5 * n, n)),
        (lambda e: fast_feature_aggregation(e, 2), (n, 2 * (n - 1), n)),
    ):
        engine, parts = counted(make_engine("fgfa"))
        list(make(engine).detect(make_video(n)))
        assert tuple(parts[name].count for name in ("feature", "flow", "task")) == expected


# -- what they compute -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("batch", [2, 3, 9])
@pytest.mark.parametrize(
    "make", [lambda b: per_frame_rfcn(make_engine(), b), lambda b: impression_network(make_engine(), L, batch=b)]
)
def test_batched_equals_single(make: Callable[[int], Any], batch: int) -> None:
    video = make_video(2 * L + 1)
    same(list(make(batch).detect(video)), list(make(1).detect(video)), 1e-5)


def test_segments_of_one_frame_without_impression_equal_per_frame_exactly() -> None:
    engine, video = make_engine(), make_video(5)
    same(list(deep_feature_flow(engine, 1).detect(video)), list(per_frame_rfcn(engine).detect(video)), 0)


@pytest.mark.parametrize("gate", [0.0, 0.5, 1.0])
def test_key_features_follow_algorithm_1(gate: float) -> None:
    engine, video = make_engine(), make_video(3 * L)
    network = engine.network
    images = [image.pixels for image in engine.images(video)][L // 2 :: L]
    with torch.inference_mode():
        found = [key.task.feature for key in key_features_of(engine, video, L, L // 2, gate)]
        impression = expected = network.feature(images[0])
        torch.testing.assert_close(found[0], expected)
        for k in (1, 2):
            f = network.feature(images[k])
            assert network.flow is not None
            assert network.quality is not None
            flow, scale = network.flow(images[k], images[k - 1])
            assert scale is not None
            warped = torch.from_numpy(oracles.warp(impression[0].double().numpy(), flow[0].double().numpy())) * scale
            old, new = network.quality(warped.float()).exp(), network.quality(f).exp()
            w = new / (old + new)
            expected = (1 - w) * warped.float() + w * f
            impression = (1 - gate) * f + gate * expected
            torch.testing.assert_close(found[k], expected, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize(("gate", "remembers"), [(0.0, False), (1.0, True)])
def test_gate_zero_remembers_one_keyframe(gate: float, remembers: bool) -> None:
    """Another first keyframe changes the third segment only where the impression carries more than the last one."""
    engine, video = make_engine(), make_video(3 * L)
    other = [make_video(1, seed=7)[0], *video[1:]]
    with torch.inference_mode():
        third, third_of_other = (
            key_features_of(engine, frames, L, 0, gate)[2].task.feature for frames in (video, other)
        )
    assert torch.equal(third, third_of_other) != remembers


def test_fixed_weights_are_one_half() -> None:
    maps = list(impression_network(make_engine("impression-fixed"), L).keyframe_weights(make_video(2 * L)))
    np.testing.assert_array_equal(maps[1].weight, np.full_like(maps[1].weight, 0.5))


def test_keyframe_weights() -> None:
    n = 2 * L + 1
    engine, parts = counted(make_engine())
    maps = list(impression_network(engine, L).keyframe_weights(make_video(n)))
    assert [each.frame for each in maps] == sorted(set(key_of_frames(n, L).tolist()))
    assert parts["task"].count == 0
    assert (maps[0].weight == 1).all()
    for each in maps[1:]:
        assert each.weight.shape == (6, 8)  # 44 x 63 pixels at stride 8
        assert ((each.weight > 0) & (each.weight < 1)).all()
        assert each.weight.std() > 0


def with_zero_flow(engine: Engine) -> Engine:
    return replace(engine, network=engine.network.with_parts(flow=ZeroFlow(8)))


def test_of_a_still_video_every_frame_is_the_same() -> None:
    """With zero flow the mean of equal features is the feature: every method says what per-frame says."""
    video = make_video(1) * (2 * L)
    engine = with_zero_flow(make_engine("impression-fixed"))
    for_fgfa = with_zero_flow(make_engine("fgfa"))
    reference = list(per_frame_rfcn(engine).detect(video))
    reference_fgfa = list(per_frame_rfcn(for_fgfa).detect(video))
    for detector, expected in (
        (deep_feature_flow(engine, L), reference),
        (impression_network(engine, L), reference),
        (feature_aggregation(for_fgfa, 1), reference_fgfa),
        (fast_feature_aggregation(for_fgfa, 1), reference_fgfa),
    ):
        for a, b in zip(detector.detect(video), expected, strict=True):
            np.testing.assert_allclose(a.scores, b.scores, atol=1e-5)
            np.testing.assert_allclose(a.boxes, b.boxes, atol=1e-2)


@pytest.mark.parametrize(
    "make",
    [
        lambda e: impression_network(e, length=0),
        lambda e: impression_network(e, 4, 4),
        lambda e: feature_aggregation(e, -1),
    ],
)
def test_impossible_settings_are_refused(make: Callable[[Engine], Any]) -> None:
    with pytest.raises(ValueError, match=r"segment|radius"):
        make(make_engine())


def test_fgfa_needs_an_embedding() -> None:
    with pytest.raises(ValueError, match="embedding"):
        feature_aggregation(make_engine("impression"), 1)


# -- FGFA --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", range(6))
@pytest.mark.parametrize("radius", [0, 1, 3])
def test_windows_repeat_the_ends(n: int, radius: int) -> None:
    expected = [[min(max(i + d, 0), n - 1) for d in range(-radius, radius + 1)] for i in range(n)]
    assert list(windows(range(n), radius)) == expected


def test_fgfa_and_its_fast_version_agree_without_flow() -> None:
    engine, video = with_zero_flow(make_engine("fgfa")), make_video(6)
    same(
        list(feature_aggregation(engine, 2).detect(video)),
        list(fast_feature_aggregation(engine, 2).detect(video)),
        1e-5,
    )


def test_composed_flows_follow_the_steps() -> None:
    """A constant motion of one cell a frame: the flow to the n-th next frame is n cells, where it stays in the map."""
    right = torch.zeros(1, 2, 6, 20)
    right[:, 0] = 1
    window = [AdjacentFlows(right, -right) for _ in range(5)]
    flows = composed(window, 2)
    assert len(flows) == 5
    for n, flow in zip((-2, -1, 0, 1, 2), flows, strict=True):
        torch.testing.assert_close(flow[0, :, :, 3:-3], (right * n)[0, :, :, 3:-3])


def test_composing_equals_the_loop() -> None:
    a, b = (torch.randn(1, 2, 5, 6, generator=torch.Generator().manual_seed(s)).double() for s in (0, 1))
    np.testing.assert_allclose(compose(a, b)[0], a[0].numpy() + oracles.warp(b[0].numpy(), a[0].numpy()), atol=1e-12)


def test_the_fast_flow_between_neighbours_is_the_flow_networks() -> None:
    engine, video = make_engine("fgfa"), make_video(3)
    with torch.inference_mode():
        images = [image.pixels for image in engine.images(video)]
        flows = composed([each.flows for each in linked_frames(engine, video)], 1)
        assert engine.network.flow is not None
        for flow, other in zip(flows, (images[0], images[1], images[2]), strict=True):
            expected = engine.network.flow(images[1], other).flow
            if other is images[1]:
                assert flow.abs().max() == 0
            else:
                torch.testing.assert_close(flow, expected, atol=1e-4, rtol=1e-4)


# -- adaptive ----------------------------------------------------------------------------------------------------------


class Panning:
    """A flow network that sees the frames move by a known number of cells."""

    stride, out_channels = 8, 0

    def __init__(self, speed: float) -> None:
        self.speed = speed

    def __call__(self, current: Tensor, other: Tensor) -> FlowField:
        elapsed = (current - other).mean()  # the test's frames get brighter by one grey level each
        flow = torch.zeros(1, 2, -(-current.shape[2] // 8), -(-current.shape[3] // 8))
        flow[:, 0] = self.speed * elapsed
        return FlowField(flow, None)


def adaptive_keys(speed: float, **settings: Any) -> list[int]:
    base = make_engine("impression-fixed")
    old = base.network
    network = ImpressionNetwork(old.feature, old.task, Panning(speed), FixedQuality(16))
    frames = [np.full((48, 48, 3), 50 + t, np.uint8) for t in range(12)]
    detector = adaptive_impression(replace(base, network=network), **settings)
    return [t for t, answer in enumerate(detector.detect(frames)) if answer.is_key]


def test_a_segment_ends_where_things_have_moved_too_far() -> None:
    assert adaptive_keys(0.0, length=5) == [0, 5, 10]
    assert adaptive_keys(1.0, length=9, drift=2.5) == [0, 3, 6, 9]
    assert adaptive_keys(0.1, length=4, drift=2.5) == [0, 4, 8]
    assert adaptive_keys(0.0, length=6, trust=0.4) == [0, 6, 9]  # after a weight of 0.5 > trust, half as long


def test_drift_is_that_of_the_fastest_twentieth() -> None:
    flow = torch.zeros(1, 2, 10, 10)
    flow[0, 0, 0] = 3
    assert drift_of(flow) == 3
    flow[0, 0, 0, 4:] = 0
    assert drift_of(flow) < 3


# -- the edges ---------------------------------------------------------------------------------------------------------


def test_batches() -> None:
    assert list(batched(range(7), 3)) == [[0, 1, 2], [3, 4, 5], [6]]
    assert list(batched([], 3)) == []


def test_classes_that_are_not_asked_for_are_left_out() -> None:
    engine, video = make_engine(), make_video(2)
    every = list(per_frame_rfcn(engine).detect(video))
    some = list(per_frame_rfcn(replace(engine, class_ids=(-1, 7, 0))).detect(video))
    for a, b in zip(every, some, strict=True):
        assert b.class_ids.tolist() == [{1: 7, 2: 0}[c] for c in a.class_ids.tolist() if c]
        np.testing.assert_array_equal(a.boxes[a.class_ids != 0], b.boxes)


def test_boxes_are_exclusive_pixels_of_the_frame() -> None:
    """A region that covers the whole resized image is the whole frame."""
    engine = make_engine()
    (image,) = engine.images(make_video(1))
    from impnet_model.nets.task_network import Found

    height, width = image.pixels.shape[2:]
    whole = torch.tensor([[0.0, 0.0, width - 1, height - 1]]) / image.scale
    answer = engine._answer(Found(whole, torch.ones(1), torch.zeros(1, dtype=torch.int64)), image, 0, None)
    np.testing.assert_allclose(answer.boxes[0], [0, 0, 53, 37], atol=1)
    assert (answer.boxes <= [53, 37, 53, 37]).all()


def test_seq_nms_joins_what_moves_together() -> None:
    """One object with scores .2 .8 .2 in three frames gets their mean in each."""
    box = np.array([[10.0, 10, 30, 30]], np.float32)

    class Stub:
        name = "stub"

        def detect(self, frames: Any) -> Iterator[Detections]:
            for t, _ in enumerate(frames):
                yield Detections(box + t, np.array([[0.2, 0.8, 0.2][t]], np.float32), np.array([1]))

        def synchronize(self) -> None:
            pass

    answers = list(SeqNMS(Stub()).detect(make_video(3)))
    assert [float(answer.scores[0]) for answer in answers] == pytest.approx([0.4] * 3)
    assert [answer.class_ids.tolist() for answer in answers] == [[1]] * 3
    np.testing.assert_array_equal(answers[2].boxes, box + 2)
    assert SeqNMS(Stub()).name == "stub+seq-nms"


def test_zero_flow_warp_is_used_by_nobody_by_mistake() -> None:
    """The square moves: with the flow network's flow the warped feature differs from the unwarped one."""
    engine, video = make_engine(), make_video(2)
    with torch.inference_mode():
        a, b = (image.pixels for image in engine.images(video))
        feature = engine.network.feature(a)
        assert engine.network.flow is not None
        flow, _ = engine.network.flow(b, a)
        assert flow.abs().max() > 0.01
        assert not torch.allclose(flow_warp(feature, flow), feature)


def test_half_precision_stays_near() -> None:
    """All but the task network in bfloat16: scores move little; the task network itself stays in float32."""
    network, video = make_engine().network, make_video(L + 1)
    ready = {dtype: for_inference(network, torch.device("cpu"), dtype) for dtype in (torch.float32, torch.bfloat16)}
    assert ready[torch.bfloat16].feature.conv1.weight.dtype == torch.bfloat16  # type: ignore[attr-defined]
    assert ready[torch.bfloat16].task.rfcn.cls.weight.dtype == torch.float32  # type: ignore[attr-defined]
    answers = []
    for dtype, each in ready.items():
        engine = replace(make_engine(), network=each, dtype=dtype, rules=PostProcessing(0.0, None))
        answers.append(list(impression_network(engine, L).detect(video)))
    for exact, near in zip(*answers, strict=True):
        best = [max(each.scores, default=0.0) for each in (exact, near)]
        assert best[0] == pytest.approx(best[1], abs=0.1)
        assert all(each.scores.dtype == np.float32 for each in (exact, near))


def test_inference_form_gives_the_same_detections() -> None:
    network, video = make_engine().network, make_video(L + 1)
    engine = replace(make_engine(), network=for_inference(network, torch.device("cpu")))
    same(
        list(impression_network(engine, L).detect(video)),
        list(impression_network(make_engine(), L).detect(video)),
        1e-5,
    )
