from pathlib import Path

import numpy as np
import pytest

from tests.data.readers.test_coco import annotation, write
from vidkit.data.film import FilmFacts
from vidkit.data.index import FOLDER, VIDEO
from vidkit.data.prepare import prepare
from vidkit.data.readers import sparse
from vidkit.data.readers.coco import read_coco
from vidkit.data.readers.sparse import GAPS, UNANNOTATED, with_all_frames
from vidkit.data.records import VideoTable


def sparse_truth(folder: Path, first_file: int = 0, film: str = "", step: int = 3) -> Path:
    """A clip of which frames 0, 3 and 6 were annotated."""
    images = [
        {"id": n, "video_id": 1, "frame_id": n, "file_name": f"clip/{n + first_file:06d}.jpg"}
        for n in range(0, 2 * step + 1, step)
    ]
    return write(
        folder,
        {
            "categories": [{"id": 5, "name": "dog"}],
            "videos": [{"id": 1, "name": "clip", **({"file": film} if film else {})}],
            "images": images,
            "annotations": [annotation(n, i["id"], instance_id=1, bbox=[n, 0, 9, 9]) for n, i in enumerate(images)],
        },
    )


def clip(folder: Path, numbers: range, **how: int) -> VideoTable:
    """The clip with these files in its folder, filled."""
    (folder / "clip").mkdir(parents=True, exist_ok=True)
    for number in numbers:
        (folder / "clip" / f"{number:06d}.jpg").touch()
    (folder / "clip" / "notes.txt").touch()
    source = read_coco(sparse_truth(folder, **how))
    assert source.lists_frames
    return with_all_frames(source.videos[0], source.root)


@pytest.mark.parametrize("first_file", [0, 1])
def test_the_frames_between_are_there_and_unannotated(tmp_path: Path, first_file: int) -> None:
    video = clip(tmp_path, range(first_file, first_file + 9), first_file=first_file)
    assert video.annotated is not None
    assert video.frame_number.tolist() == list(range(9))
    assert np.flatnonzero(video.annotated).tolist() == [0, 3, 6]
    assert video.instance_count.tolist() == [1, 0, 0, 1, 0, 0, 1, 0, 0]
    assert video.files.kind == FOLDER
    assert (video.files.pattern, video.files.name) == (
        ("{:06d}.jpg", None) if first_file == 0 else ("", tuple(f"{n + 1:06d}.jpg" for n in range(9)))
    )
    assert video.called.id == ("0", "", "", "3", "", "", "6", "", "")
    assert video.called.number == tuple(range(9))
    assert video.called.path == tuple(f"clip/{n + first_file:06d}.jpg" for n in range(9))
    assert video.counts == {UNANNOTATED: 6}


def test_without_images_the_gaps_are_said(tmp_path: Path) -> None:
    source = read_coco(sparse_truth(tmp_path))
    video = with_all_frames(source.videos[0], tmp_path)
    assert (video.annotated, video.frame_number.tolist(), video.counts) == (None, [0, 3, 6], {GAPS: 1})


def test_frames_without_gaps_are_the_video(tmp_path: Path) -> None:
    video = clip(tmp_path, range(9), step=1)
    assert (video.frame_number.tolist(), video.annotated, video.counts) == ([0, 1, 2], None, {})


def test_a_film_tells_how_many_frames_it_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "clip.mp4").touch()
    monkeypatch.setattr(
        sparse, "film_facts", lambda path: FilmFacts((64, 48), 8 if path.name == "clip.mp4" else 0, False)
    )
    source = read_coco(sparse_truth(tmp_path, film="clip.mp4"))
    video = with_all_frames(source.videos[0], tmp_path)
    assert video.files.kind == VIDEO
    assert video.frame_number.tolist() == list(range(8))
    assert video.instance_count.tolist() == [1, 0, 0, 1, 0, 0, 1, 0]


def test_an_index_keeps_what_was_annotated(tmp_path: Path) -> None:
    from vidkit.data.index_file import read_index

    clip(tmp_path, range(9))
    (summary,) = prepare(tmp_path / "val.json", out=tmp_path / "out")
    index = read_index(summary.path)
    assert summary.counts == {UNANNOTATED: 6}
    assert index.annotated is not None
    assert np.flatnonzero(index.annotated).tolist() == [0, 3, 6]
    assert index.called.frame_path is not None
    assert index.called.frame_path[1] == b"clip/000001.jpg"
