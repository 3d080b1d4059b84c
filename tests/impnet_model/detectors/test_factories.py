"""The detectors as vidkit makes them, and the three lines of Python for a video file."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import impnet_model
from impnet_model.detectors import options
from impnet_model.detectors.engine import EngineDetector
from impnet_model.detectors.per_frame import per_frame
from impnet_model.methods import METHODS, methods_with
from impnet_model.weights.checkpoints import Checkpoint, save
from tests.impnet_model.makers import SMALL, make_network, make_video
from vidkit.classes import ObjectClass
from vidkit.data.footage import frames_of
from vidkit.errors import ChoiceError, DetectorError, FrameError
from vidkit.harness.detector import Describing, Detector, DetectorContext
from vidkit.harness.plugins import make

CLASSES = tuple(ObjectClass(f"thing{i}", f"n{i}") for i in range(3))


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    return saved(tmp_path, "impression")


def saved(folder: Path, method: str, **notes: Any) -> Path:
    path = folder / f"{method}.pt"
    save(Checkpoint(make_network(method), method, SMALL, CLASSES, notes), path)
    return path


def context(path: Path | None, classes: tuple[ObjectClass, ...] = CLASSES) -> DetectorContext:
    return DetectorContext(classes, "cpu", path)


def target(name: str) -> str:
    return METHODS[name].detector if name in METHODS else "impnet_model.detectors.seq_nms:seq_nms_on"


@pytest.mark.parametrize("name", methods_with("detector"))
@pytest.mark.parametrize("options", [[], ["seq_nms=true"], ["precision=bfloat16"]])
def test_every_detector_is_made_by_its_entry_point(tmp_path: Path, name: str, options: list[str]) -> None:
    method = "fgfa" if name.startswith("fgfa") else "impression"
    detector, values = make(target(name), context(saved(tmp_path, method)), options)
    assert isinstance(detector, Detector)
    assert detector.name == name + ("+seq-nms" if "seq_nms=true" in options else "")
    assert values["build"] is None
    assert len(list(detector.detect(make_video(3)))) == 3


def test_options_reach_the_detector(weights: Path) -> None:
    options = ["length=5", "key_id=2", "gate=0.5", "batch=3", "shorter=64", "weights=fixed", "flow=zero"]
    detector, values = make(target("impression"), context(weights), options)
    assert isinstance(detector, EngineDetector)
    assert [t for t, answer in enumerate(detector.detect(make_video(8))) if answer.is_key] == [2, 7]
    assert detector.batch == 3
    assert detector.engine.resize.shorter == 64
    assert type(detector.engine.network.quality).__name__ == "FixedQuality"
    assert values["flow"] == "zero"
    assert detector.describe()["batch"] == 3
    assert detector.describe()["weights"] == "impression.pt"


def test_seq_nms_goes_on_top_of_any_detector(weights: Path) -> None:
    options = [f"base={target('dff')}", "base_options=length=3,key_id=1"]
    detector, _ = make(target("seq-nms"), context(weights), options)
    assert isinstance(detector, Detector)
    assert detector.name == "dff+seq-nms"
    assert len(list(detector.detect(make_video(5)))) == 5
    with pytest.raises(DetectorError, match="looks at the ground truth"):
        make(target("seq-nms"), context(None), ["base=vidkit.harness.stand_ins:oracle_jitter"])


@pytest.mark.parametrize(
    "option", ["length=0", "key_id=10", "gate=2", "gate=nan", "batch=0", "score_threshold=-1", "shorter=0", "flow=fast"]
)
def test_impossible_options_are_refused(weights: Path, option: str) -> None:
    with pytest.raises(DetectorError):
        make(target("impression"), context(weights), [option])


@pytest.mark.parametrize(("name", "option"), [("impression-adaptive", "drift=-1"), ("impression-adaptive", "trust=3")])
def test_impossible_options_of_the_adaptive_method(weights: Path, name: str, option: str) -> None:
    with pytest.raises(DetectorError, match=option.split("=")[0]):
        make(target(name), context(weights), [option])


def test_a_checkpoint_without_the_part_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DetectorError, match="'per-frame', it has no flow network, which 'impression' needs"):
        make(target("impression"), context(saved(tmp_path, "per-frame")), [])
    make(target("impression"), context(saved(tmp_path, "dff")), ["weights=fixed"])


def test_a_starting_point_for_training_is_no_detector(tmp_path: Path) -> None:
    path = saved(tmp_path, "impression", fresh=["task.rfcn.cls.weight"])
    with pytest.raises(DetectorError, match="never trained"):
        make(target("impression"), context(path), [])


def test_weights_must_come_from_somewhere(weights: Path) -> None:
    with pytest.raises(DetectorError, match="--checkpoint FILE, or --option build="):
        make(target("impression"), context(None), [])
    with pytest.raises(DetectorError, match="not both"):
        make(target("impression"), context(weights), ["build=tiny"])


def test_the_shipped_checkpoint_of_a_method_is_a_build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(options, "SHIPPED", tmp_path)
    saved(tmp_path, "per-frame")
    detector, _ = make(target("per-frame"), context(None), ["build=shipped"])
    assert isinstance(detector, Describing)
    assert detector.describe()["weights"] == "shipped"
    with pytest.raises(
        DetectorError, match="no checkpoint for 'fgfa' comes with this installation; there are per-frame"
    ):
        make(target("fgfa"), context(None), ["build=shipped"])


def test_random_weights_are_the_same_each_time() -> None:
    video = make_video(2)
    answers = [list(make(target("dff"), context(None), ["build=tiny"])[0].detect(video)) for _ in range(2)]  # type: ignore[union-attr]  # no oracle
    for a, b in zip(*answers, strict=True):
        np.testing.assert_array_equal(a.boxes, b.boxes)


def test_classes_are_matched_by_wnid_then_by_name(weights: Path) -> None:
    video = make_video(2)
    reference = list(make(target("per-frame"), context(weights), [])[0].detect(video))  # type: ignore[union-attr]
    other = (ObjectClass("thing2", "elsewhere"), ObjectClass("new", "new"), ObjectClass("renamed", "n0"))
    mapped = list(make(target("per-frame"), context(weights, other), [])[0].detect(video))  # type: ignore[union-attr]
    for a, b in zip(reference, mapped, strict=True):
        assert b.class_ids.tolist() == [{2: 0, 0: 2}[c] for c in a.class_ids.tolist() if c != 1]


def test_no_common_class_is_an_error(weights: Path) -> None:
    with pytest.raises(DetectorError, match="none of its classes"):
        make(target("per-frame"), context(weights, (ObjectClass("cat", "cat"),)), [])


def test_a_device_that_is_not_there(weights: Path) -> None:
    for name in ("cuda:99", "nonsense"):
        with pytest.raises(DetectorError, match=f"device '{name}'"):
            per_frame(replace(context(weights), device=name))


# -- Python ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def movie(tmp_path: Path) -> Path:
    av = pytest.importorskip("av")
    path = tmp_path / "movie.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt = 54, 38, "yuv420p"
        for frame in make_video(7, 38, 54):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode())
    return path


def test_a_video_file_in_three_lines(weights: Path, movie: Path) -> None:
    detector = impnet_model.load_detector(weights, length=4)
    answers = list(impnet_model.detect_video(detector, movie))
    assert len(answers) == 7
    assert impnet_model.class_names(weights) == ("thing0", "thing1", "thing2")


def test_frames_of_a_movie(movie: Path) -> None:
    frames = list(frames_of(movie))
    assert len(frames) == 7
    assert all(frame.shape == (38, 54, 3) and frame.dtype == np.uint8 for frame in frames)


def test_unknown_method(weights: Path) -> None:
    with pytest.raises(ChoiceError, match="did you mean 'impression'"):
        impnet_model.load_detector(weights, "impresion")


def test_what_is_no_video(tmp_path: Path) -> None:
    pytest.importorskip("av")
    (tmp_path / "x.mp4").write_bytes(b"no video at all")
    for source in (tmp_path / "x.mp4", tmp_path / "none.mp4", "camera:/nowhere/video7"):
        with pytest.raises(FrameError):
            list(frames_of(source))
