import random
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from vidkit_cli.console import BAD_INPUT, DONE, report_errors
from vidkit_cli.main import vidkit

import vidkit as kit
from tests.made_films import number_of, write_film
from vidkit.classes import ObjectClass
from vidkit.data.frames import frames_of
from vidkit.data.prepare import prepare
from vidkit.data.readers import form_of
from vidkit.data.readers.plain_films import CUT, looks_like, read_films
from vidkit.data.readers.sparse import UNANNOTATED
from vidkit.data.stack import build_index
from vidkit.errors import AnnotationError, ChoiceError, FrameError, VidkitError

CAR = ObjectClass("car", "car")


def white(image: np.ndarray) -> tuple[list[list[int]], list[float], list[int]]:
    """Find the white quarter of a made film."""
    rows, columns = np.nonzero(image[..., 0] > 240)
    box = [int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1]
    return [box], [0.9], [0]


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("films") / "My clips"
    folder.mkdir()
    write_film(folder / "b.mp4", 5)
    write_film(folder / "a.mkv", 7, turned=90)
    (folder / "notes.txt").write_text("no film")
    return folder


def test_a_folder_of_films_is_one_index_of_all_their_frames(films: Path, tmp_path: Path) -> None:
    assert form_of(films) == form_of(films / "b.mp4") == "video"
    assert not looks_like(films / "notes.txt")
    (summary,) = prepare(films, classes="car, drone", out=tmp_path)
    assert (summary.path.name, summary.videos, summary.frames, summary.boxes) == ("My_clips_all.h5", 2, 12, 0)
    assert summary.counts == {UNANNOTATED: 12}
    index = kit.read_index(summary.path)
    assert (index.class_names, index.video_name) == (("car", "drone"), ("a", "b"))
    assert index.annotated is not None
    assert not index.annotated.any()
    assert [number_of(image) for v in range(2) for image in frames_of(index, v)] == [*range(7), *range(5)]
    again = prepare(video=[films / "b.mp4", films / "a.mkv"], name="two", out=tmp_path)[0]
    assert kit.read_index(again.path).video_name == ("b", "a")
    assert prepare(films / "b.mp4", out=tmp_path)[0].path.name == "b_all.h5"


def test_a_cut_film_is_indexed_as_far_as_it_decodes(tmp_path: Path) -> None:
    for suffix in ("mp4", "mkv"):
        whole = write_film(tmp_path / f"whole.{suffix}").read_bytes()
        (tmp_path / f"cut.{suffix}").write_bytes(whole[: int(0.9 * len(whole))])
        source = read_films(tmp_path / f"cut.{suffix}", classes=[CAR])
        index = build_index(source.videos, source.classes, "cut", "all", str(source.root))
        assert [number_of(image) for image in frames_of(index, 0)] == list(range(index.n_frames))
        assert 0 < index.n_frames < 23
    assert read_films(tmp_path / "cut.mp4").videos[0].counts[CUT] == 1


def test_films_of_one_name_keep_their_suffix_or_folder(films: Path, tmp_path: Path) -> None:
    for name in ("one/clip.mp4", "one/clip.mkv", "two/clip.mp4"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes((films / "b.mp4").read_bytes())
    found = read_films(tmp_path / "one", tmp_path / "two")
    assert [v.name for v in found.videos] == ["one/clip.mkv", "one/clip.mp4", "two/clip"]
    assert [v.files.source for v in found.videos] == ["one/clip.mkv", "one/clip.mp4", "two/clip.mp4"]
    assert found.root == tmp_path


def test_what_is_no_film_is_refused(tmp_path: Path) -> None:
    (tmp_path / "bad.mp4").write_bytes(b"no film")
    with pytest.raises(FrameError, match=r"bad\.mp4: .*wanted a video that can be decoded"):
        read_films(tmp_path / "bad.mp4")
    (tmp_path / "empty").mkdir()
    with pytest.raises(AnnotationError, match=r"empty: no video files in it; wanted \.mp4"):
        read_films(tmp_path / "empty")
    with pytest.raises(ChoiceError, match=r"none\.txt' is no file"):
        prepare(tmp_path / "bad.mp4", classes="none.txt", out=tmp_path)


@pytest.fixture
def here(films: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with the index of a film, and a detector's run over it."""
    monkeypatch.chdir(tmp_path)
    prepare(films / "b.mp4", classes="car", name="b", splits=["plain"])
    kit.benchmark(
        "tests.data.readers.test_plain_films:white", options={}, output=tmp_path / "runs/white/predictions.h5"
    )
    yield tmp_path


def test_a_film_can_be_detected_in_and_scored_by_later_truth(
    films: Path, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plain = kit.read_index("vidkit-data/b_plain.h5")
    predictions = kit.read_predictions("runs/white/predictions.h5")
    assert (predictions.n_frames, predictions.n_detections) == (5, 5)
    with pytest.raises(VidkitError, match="no annotated frame: nothing to score"):
        kit.evaluate(plain, predictions)
    assert report_errors(vidkit, ["eval", "white"]) == BAD_INPUT
    assert "no annotated frame: nothing to score" in capsys.readouterr().err
    assert report_errors(vidkit, ["view", "--frame", "2", "-o", "a.png"]) == DONE
    assert report_errors(vidkit, ["info"]) == DONE
    assert report_errors(vidkit, ["check", "vidkit-data/b_plain.h5"]) == DONE
    rows = "".join(f"{n},1,0,0,32,24,1,1,1\n" for n in range(1, 6))
    (here / "b" / "gt").mkdir(parents=True)
    (here / "b" / "gt" / "gt.txt").write_text(rows)
    prepare(mot=here / "b", classes="car", first_pixel=0, name="b", splits=["truth"])
    truth = ["--index", "vidkit-data/b_truth.h5"]
    capsys.readouterr()
    assert report_errors(vidkit, ["eval", "white", *truth]) == BAD_INPUT
    assert "--any-index if the frames are the same" in capsys.readouterr().err
    assert report_errors(vidkit, ["eval", "white", *truth, "--any-index"]) == DONE
    assert "100.00" in capsys.readouterr().out


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "avi"])
def test_a_film_broken_in_any_way_is_refused_with_its_name_or_read(tmp_path: Path, suffix: str) -> None:
    whole = write_film(tmp_path / f"whole.{suffix}", 6).read_bytes()
    film, dice = tmp_path / f"film.{suffix}", random.Random(0)
    for _ in range(20):
        place, gap = dice.randrange(len(whole)), dice.randrange(1, 40)
        flipped = bytes([whole[place] ^ 1 << dice.randrange(8)])
        for broken in (
            whole[:place],
            whole[:place] + whole[place + gap :],
            whole[:place] + flipped + whole[place + 1 :],
        ):
            film.write_bytes(broken)
            try:
                (video,) = read_films(film).videos
                assert 0 < len(video.frame_number) <= 1000
            except (FrameError, AnnotationError) as error:
                assert str(film) in str(error)
