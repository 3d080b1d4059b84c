"""The peers' own numbers on the golden cases (--shared DIR), and that the oracles give them too."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.evaluation import golden, oracles
from vidkit.evaluation.evaluate import evaluate
from vidkit.evaluation.result import EvalResult

RANGES = {"all": (0.0, 1.0), "fast": (0.0, 0.7), "medium": (0.7, 0.9), "slow": (0.9, 1.0)}
AREAS = {
    "all": ("all", (0.0, 1e10)),
    "small_0_50": ("small", (0.0, 50.0**2)),
    "medium_50_150": ("medium", (50.0**2, 150.0**2)),
    "large_150_inf": ("large", (150.0**2, 1e10)),
}
TOLERANCE = 1e-9


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test for each case in the folder, whichever they are."""
    if "case" not in metafunc.fixturenames:
        return
    shared = metafunc.config.getoption("--shared")
    cases = sorted((Path(shared) / "golden" / "eval").glob("*.npz")) if shared else []
    metafunc.parametrize("case", cases or [None], ids=lambda path: path.stem if path else "none", indirect=True)


@pytest.fixture
def case(request: pytest.FixtureRequest) -> Path:
    if request.param is None:
        pytest.skip("needs golden cases: give --shared DIR or VIDKIT_SHARED")
    return Path(request.param)


def same(found: Any, wanted: Any) -> None:
    np.testing.assert_allclose(np.asarray(found, float), golden.numbers(wanted), rtol=0, atol=TOLERANCE)


def peers(case: Path, *keys: str) -> Any:
    """What a peer gave; the test is skipped, with the peer's words, where it crashed."""
    content = golden.expected(case)
    for key in keys:
        content = content[key]
    if content.get("error"):
        pytest.skip(f"the peer raised {content['error']}")
    return content


def assert_group(result: EvalResult, by: str, name: str, wanted: Any) -> None:
    group = result.group(by, name)
    same(group.ap, wanted["per_class_ap"])
    same([group.mean_ap], [wanted["map"]])


def test_ilsvrc(case: Path) -> None:
    wanted = peers(case, "fgfa_stable", "fgfa_vid_eval")
    result = evaluate(*golden.load(case), "ilsvrc")
    same(result.overall.ap, wanted["per_class_ap"])
    same([result.mean_ap], [wanted["map"]])


def test_fgfa_by_motion(case: Path) -> None:
    wanted = peers(case, "fgfa_stable", "fgfa_motion")
    result = evaluate(*golden.load(case), "fgfa", by="motion")
    same(result.overall.ap, wanted["all"]["per_class_ap"])
    for name in RANGES:
        assert_group(result, "motion", name, wanted[name])
        assert result.group("motion", name).n_gt.tolist() == wanted[name]["npos"]


def test_fgfa_by_motion_and_area(case: Path) -> None:
    wanted = peers(case, "fgfa_stable", "fgfa_motion_areas")
    result = evaluate(*golden.load(case), "fgfa", by="motion x area")
    for motion in RANGES:
        for area, (name, _) in AREAS.items():
            assert_group(result, "motion x area", f"{motion}/{name}", wanted[f"{motion}/{area}"])
            assert result.group("motion x area", f"{motion}/{name}").n_gt.tolist() == wanted[f"{motion}/{area}"]["npos"]


def test_mega_of_all_data(case: Path) -> None:
    wanted = peers(case, "mega_stable", "mega_motion_specific_False")["all"]
    result = evaluate(*golden.load(case), "mega")
    same(result.overall.ap, wanted["per_class_ap"])
    same([result.mean_ap], [wanted["map"]])


def test_mega_by_motion(case: Path) -> None:
    wanted = peers(case, "mega_stable", "mega_motion_specific_True")
    result = evaluate(*golden.load(case), "mega", by="motion")
    for name in RANGES:
        assert_group(result, "motion", name, wanted[name])


@pytest.mark.parametrize(
    ("protocol", "key", "stats"),
    [
        ("coco", "coco_maxdets_1_10_100", ("AR1", "AR10", "AR100")),
        ("coco-mmdet", "coco_maxdets_100_300_1000", ("AR100", "AR300", "AR1000")),
    ],
)
def test_coco(case: Path, protocol: str, key: str, stats: tuple[str, str, str]) -> None:
    wanted = peers(case, "coco", key)
    result = evaluate(*golden.load(case), protocol)
    same(result.overall.ap, wanted["ap"])
    for ours, theirs in zip(stats, ("AR_d0", "AR_d1", "AR_d2"), strict=True):
        same([result.stats[ours]], [wanted["stats"][theirs]])
    for name in ("AP", "AP50", "AP75", "APs", "APm", "APl", "ARs", "ARm", "ARl"):
        same([result.stats[name]], [wanted["stats"][name]])


def test_a_file_without_detections_has_ap_0(shared_data: Path) -> None:
    path = shared_data / "golden" / "eval" / "e06_zero_detections_total.npz"
    index, predictions = golden.load(path)
    for protocol in ("fgfa", "voc", "mega", "coco", "coco-mmdet"):
        result = evaluate(index, predictions, protocol, by="motion")
        assert result.mean_ap == 0
        assert all(ap == 0 or n == 0 for ap, n in zip(result.overall.ap, result.overall.n_gt, strict=True))
    assert evaluate(index, predictions, "ilsvrc").overall.ap.tolist() == [0.0] * 30


# -- the oracles themselves ------------------------------------------------------------------------------------------


@pytest.fixture
def small(case: Path) -> Path:
    if case.name.startswith("m"):
        pytest.skip("too large for plain loops")
    return case


def frames(case: Path) -> list[oracles.Frame]:
    index, predictions = golden.load(case)
    return oracles.frames_of(index, predictions, index.motion_iou)


def test_the_loop_of_ilsvrc(small: Path) -> None:
    wanted = peers(small, "fgfa_stable", "fgfa_vid_eval")
    ap, mean = oracles.ilsvrc(frames(small), 30)
    same(ap, wanted["per_class_ap"])
    same([mean], [math.nan if wanted["map"] is None else wanted["map"]])


def test_the_loop_of_fgfa(small: Path) -> None:
    wanted = peers(small, "fgfa_stable", "fgfa_motion_areas")
    content = frames(small)
    for motion, limits in RANGES.items():
        for area, (_, sizes) in AREAS.items():
            same(oracles.fgfa(content, 30, limits, sizes), wanted[f"{motion}/{area}"]["per_class_ap"])


def test_the_loop_of_mega(small: Path) -> None:
    wanted = peers(small, "mega_stable", "mega_motion_specific_True")
    content = frames(small)
    for motion, limits in RANGES.items():
        same(oracles.mega(content, 30, limits), wanted[motion]["per_class_ap"])
