from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.made_films import HEIGHT, WIDTH, write_film
from tests.makers import make_classes, make_index
from vidkit.check import indices
from vidkit.check.findings import Findings
from vidkit.check.indices import check_index
from vidkit.classes import ObjectClass
from vidkit.data.index import VIDEO, FrameFiles, Index
from vidkit.data.index_file import read_index
from vidkit.data.prepare import prepare


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("films")
    write_film(root / "clip.mp4", 8)
    (root / "bad.mp4").write_bytes(b"no film")
    whole = write_film(root / "whole.mp4").read_bytes()
    (root / "cut.mp4").write_bytes(whole[: int(0.9 * len(whole))])
    return root


def of_film(root: Path, film: str, numbers: range) -> Index:
    index = make_index(videos=1, frames=len(numbers), tracks=0, classes=1)
    return replace(
        index,
        video_name=("clip",),
        video_size=np.array([[WIDTH, HEIGHT]], np.int32),
        frame_number=np.array(numbers, np.int32),
        files=FrameFiles(str(root), (VIDEO,), (film,), ("",)),
    )


@pytest.mark.parametrize(
    ("film", "numbers", "kind", "found"),
    [
        ("clip.mp4", range(8), "", ""),
        ("clip.mp4", range(1, 9), "frames-from-one", "frames 1 to 8, but clip.mp4 has 8 frames, 0 to 7"),
        ("clip.mp4", range(12), "film-shorter", "frames 0 to 11, but clip.mp4 has 8 frames, 0 to 7"),
        ("clip.mp4", range(2, 9), "frames-from-one", "frames 2 to 8, but"),
        ("clip.mp4", range(5), "film-longer", "frames 0 to 4, but clip.mp4 has 8 frames"),
        ("bad.mp4", range(5), "image-unreadable", "bad.mp4: "),
    ],
)
def test_films_are_held_against_the_frame_numbers(
    films: Path, film: str, numbers: range, kind: str, found: str
) -> None:
    findings = Findings()
    check_index(of_film(films, film, numbers), "i.h5", findings)
    assert findings.kinds() == ([kind] if kind else [])
    assert all(finding.place == "clip" and found in finding.found for finding in findings)


def test_a_film_that_breaks_off_is_a_note(films: Path) -> None:
    findings = Findings()
    report = check_index(of_film(films, "cut.mp4", range(23)), "i.h5", findings)
    assert report.notes == ("1 films break off: their end is missing, and their length is counted to there",)
    assert findings.kinds() == ["film-shorter"]


def test_a_missing_film_is_told_once(films: Path) -> None:
    findings = Findings()
    check_index(of_film(films, "none.mp4", range(5)), "i.h5", findings)
    assert findings.kinds() == ["source-missing"]


def test_a_suspicion_is_a_warning(films: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    say: Callable[..., str] = lambda *_: "9 moving objects …"  # noqa: E731
    monkeypatch.setattr(indices, "suspicion", say)
    findings = Findings()
    check_index(of_film(films, "clip.mp4", range(8)), "i.h5", findings)
    (finding,) = findings
    assert (finding.kind, finding.severity, finding.found) == ("boxes-off-frame", "warning", "9 moving objects …")


def test_class_names_that_are_nearly_alike_are_told() -> None:
    names = ("Car", "car", "traffic light", "Traffic_Light", "dog")
    index = replace(make_index(classes=5), classes=tuple(ObjectClass(name, name) for name in names))
    findings = Findings()
    check_index(index, "i.h5", findings)
    of_car, of_light = (int((index.class_id == row).sum()) for row in (0, 2))
    told = [finding.found for finding in findings.of("class-names-alike")]
    assert [text.split(" boxes")[0] for text in told] == [f"'Car' with {of_car}", f"'traffic light' with {of_light}"]
    findings = Findings()
    check_index(replace(index, classes=make_classes(5)), "i.h5", findings)
    assert findings.of("class-names-alike") == ()


def test_sampled_frames_are_a_note_with_their_step() -> None:
    index = make_index(videos=2, tracks=0)
    number = index.frame_number.copy()
    number[:12] *= 10
    findings = Findings()
    report = check_index(replace(index, frame_number=number), "i.h5", findings)
    assert "1 videos hold sampled frames (1 with step 10): gaps in them are no findings" in report.notes
    assert len(findings) == 0


@pytest.mark.parametrize(("name", "kinds"), [("f0", []), ("f1", ["frames-from-one"]), ("beyond", ["film-shorter"])])
def test_the_field(shared_data: Path, tmp_path: Path, name: str, kinds: list[str]) -> None:
    (summary,) = prepare(coco=[shared_data / "field" / "mp4" / f"{name}_val.json"], out=tmp_path)
    findings = Findings()
    check_index(read_index(summary.path), name, findings)
    assert findings.kinds() == kinds
