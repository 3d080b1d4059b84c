"""Frame lists decide which entry is which frame; one that doesn't fit the index is said, not scored."""

import dataclasses
import pickle
from pathlib import Path

import numpy as np
import pytest

from tests.makers import make_index
from vidkit.data.index import Index
from vidkit.errors import AnnotationError, PredictionError
from vidkit.predictions import ReadOptions, read, read_with_report


def _index(videos: int = 12, frames: int = 12) -> Index:
    names = tuple(f"ILSVRC2015_val_{v:08d}" for v in range(videos))
    return dataclasses.replace(make_index(videos=videos, frames=frames), video_name=names)


INDEX = _index()


def _entries(path: Path, n: int) -> Path:
    """A vidkit pkl of n entries; entry k has a detection whose x1 is k."""
    frames = [
        {"boxes": np.array([[k, 0, k + 1, 1]]), "scores": np.ones(1), "labels": np.zeros(1, int)} for k in range(n)
    ]
    path.write_bytes(pickle.dumps(frames))
    return path


def _ids(path: Path, ids: list[int]) -> Path:
    """FGFA text with one detection for each id, whose x1 is the id."""
    path.write_text("".join(f"{k} 1 0.5 {k} 0 {k + 5} 1\n" for k in ids))
    return path


def _list(path: Path, lines: list[str]) -> Path:
    path.write_text("\n".join(lines) + "\n")
    return path


def _videos(order: list[int]) -> list[str]:
    """VID_val_videos.txt with the videos of INDEX in this order."""
    return [f"val/{INDEX.video_name[v]} {12 * k + 1} 0 12" for k, v in enumerate(order)]


def _frames(order: list[int]) -> list[str]:
    return [f"val/{INDEX.video_name[f // 12]}/{f % 12:06d} {k + 1}" for k, f in enumerate(order)]


def _mega(order: list[int]) -> list[str]:
    return [f"val/{INDEX.video_name[f // 12]} {k + 1} {f % 12} 12" for k, f in enumerate(order)]


ALL = list(range(144))
FORMS = {
    "videos": _videos(list(range(12))),
    "frames": _frames(ALL),
    "MEGA's": _mega(ALL),
}


@pytest.mark.parametrize("form", FORMS)
def test_each_form_of_list_gives_the_order_of_the_index(tmp_path: Path, form: str) -> None:
    listed = _list(tmp_path / "list.txt", FORMS[form])
    predictions, report = read_with_report(_entries(tmp_path / "p", 144), INDEX, ReadOptions(frame_list=listed))
    assert predictions.box[:, 0].tolist() == ALL
    assert report.frames.how == "given"
    assert "list.txt" in report.frames.value
    by_id = read(_ids(tmp_path / "t", [1, 144, 7]), INDEX, frame_list=listed)
    assert by_id.detection_frame.tolist() == [0, 6, 143]


@pytest.mark.parametrize("make", [_frames, _mega])
def test_a_reordered_list_is_said_and_taken_only_when_told(tmp_path: Path, make: object) -> None:
    order = np.random.default_rng(0).permutation(144).tolist()
    listed = _list(tmp_path / "list.txt", make(order))  # type: ignore[operator]
    path = _entries(tmp_path / "p", 144)
    with pytest.raises(PredictionError, match=r"another order, first at its frame .*--reordered"):
        read(path, INDEX, frame_list=listed)
    predictions = read(path, INDEX, frame_list=listed, reordered=True)
    assert predictions.box[:, 0].tolist() == np.argsort(order).tolist()


def test_reordered_videos_are_still_known_as_videos(tmp_path: Path) -> None:
    lines = [f"val/{INDEX.video_name[v]} {12 * v + 1} 0 12" for v in range(11, -1, -1)]
    listed = _list(tmp_path / "list.txt", lines)
    with pytest.raises(PredictionError, match=r"12 lines: a line for each video, expanded.*another order"):
        read(_entries(tmp_path / "p", 144), INDEX, frame_list=listed)
    by_id = read(_ids(tmp_path / "t", [1, 13]), INDEX, frame_list=listed, reordered=True)
    assert by_id.detection_frame.tolist() == [0, 12]  # ids are what the list says, wherever the line stands


def test_a_list_of_2017_is_told_from_2015(tmp_path: Path) -> None:
    lines = [line.replace("2015", "2017") for line in FORMS["frames"]]
    with pytest.raises(PredictionError, match=r"144 of its 144 frames aren't in the index.*ILSVRC2017.*ILSVRC2015"):
        read(_entries(tmp_path / "p", 144), INDEX, frame_list=_list(tmp_path / "list.txt", lines))


def test_a_list_of_videos_taken_for_frames_is_guessed(tmp_path: Path) -> None:
    path = _entries(tmp_path / "p", 12)
    with pytest.raises(PredictionError, match=r"12 entries, but the index has 144 frames: as many as there are videos"):
        read(path, INDEX)
    listed = _list(tmp_path / "list.txt", FORMS["videos"])
    with pytest.raises(
        PredictionError, match=r"12 entries, but .*list\.txt has 144 frames: as many as .*VID_val_frames"
    ):
        read(path, INDEX, frame_list=listed)
    with pytest.raises(PredictionError, match=r"ids end at 12, the index has 144 frames in 12 videos"):
        read(_ids(tmp_path / "t", list(range(1, 13))), INDEX)
    assert read(_ids(tmp_path / "t", list(range(1, 13))), INDEX, partial=True).n_detections == 12


@pytest.mark.parametrize(("n", "why"), [(143, "lost by a run on several GPUs"), (145, "more data than the index has")])
def test_a_count_that_doesnt_fit_is_refused_with_the_numbers(tmp_path: Path, n: int, why: str) -> None:
    with pytest.raises(PredictionError, match=rf"{n} entries, but the index has 144 frames: .*{why}"):
        read(_entries(tmp_path / "p", n), INDEX)


def test_a_list_of_a_part_is_taken_only_when_told(tmp_path: Path) -> None:
    listed = _list(tmp_path / "list.txt", FORMS["frames"][10:50])
    path = _entries(tmp_path / "p", 40)
    with pytest.raises(PredictionError, match=r"144 frames: it has 40 frames\. .*--partial"):
        read(path, INDEX, frame_list=listed)
    predictions, report = read_with_report(path, INDEX, ReadOptions(frame_list=listed, partial=True))
    assert predictions.detection_frame.tolist() == list(range(10, 50))
    assert report.n_frames_covered == 40


@pytest.mark.parametrize(
    ("lines", "error", "why"),
    [
        ([*FORMS["frames"], FORMS["frames"][0]], PredictionError, "1 frames twice"),
        (["val/other/000000 1"], PredictionError, "first is val/other frame 0"),
        (["val/ILSVRC2015_val_00000000 1 0 999999999"], PredictionError, "far more than the index"),
        (["a b c d e"], AnnotationError, "columns"),
        ([""], AnnotationError, "empty"),
        (["val/x one 0 3"], AnnotationError, "whole numbers"),
    ],
)
def test_what_is_no_list_of_the_index_is_refused(tmp_path: Path, lines: list[str], error: type, why: str) -> None:
    with pytest.raises(error, match=why):
        read(_entries(tmp_path / "p", 144), INDEX, frame_list=_list(tmp_path / "list.txt", lines))


def test_a_list_isnt_for_files_that_state_their_index(tmp_path: Path) -> None:
    content = {"format": "vidkit-predictions", "version": 1, "index_fingerprint": INDEX.fingerprint, "frames": []}
    (tmp_path / "p").write_bytes(pickle.dumps(content))
    with pytest.raises(PredictionError, match="isn't for vidkit's own files"):
        read(tmp_path / "p", INDEX, frame_list=_list(tmp_path / "list.txt", FORMS["frames"]))
