from dataclasses import replace
from pathlib import Path

import pytest

from tests.makers import make_index
from vidkit.data.frame_lists import frame_id_lines
from vidkit.data.index import Index
from vidkit.data.index_file import write_index
from vidkit.errors import ChoiceError
from vidkit.runs.choosing import choose_index


def write(folder: Path, **indices: Index) -> None:
    for name, index in indices.items():
        write_index(folder / f"{name}.h5", index)


def of_split(split: str, seed: int = 0, videos: int = 3, frames: int = 12) -> Index:
    return replace(make_index(seed=seed, videos=videos, frames=frames), split=split)


def test_the_index_that_fits_is_chosen(tmp_path: Path) -> None:
    small, large = make_index(), make_index(videos=5)
    write(tmp_path, small=small, large=large)
    assert choose_index(None, tmp_path, fingerprint=large.fingerprint) == tmp_path / "large.h5"
    assert choose_index(None, tmp_path, n_frames=small.n_frames) == tmp_path / "small.h5"
    assert choose_index(Path("given.h5"), tmp_path, fingerprint=small.fingerprint) == Path("given.h5")


def test_val_is_taken_where_train_lies_beside_it_and_it_is_told(tmp_path: Path) -> None:
    write(tmp_path, vid_train=of_split("train", videos=5), vid_val=of_split("val", seed=1))
    told: list[str] = []
    assert choose_index(None, tmp_path, tell=told.append) == tmp_path / "vid_val.h5"
    assert told == [f"index: {tmp_path / 'vid_val.h5'}; there are others: {tmp_path / 'vid_train.h5'}"]
    assert choose_index(None, tmp_path, prefer="train") == tmp_path / "vid_train.h5"


def test_a_fingerprint_a_frame_list_or_a_video_that_names_another_wins(tmp_path: Path) -> None:
    train = replace(of_split("train"), video_name=("t0", "t1", "t2"))
    write(tmp_path, vid_train=train, vid_val=of_split("val", seed=1))
    wanted = tmp_path / "vid_train.h5"
    assert choose_index(None, tmp_path, fingerprint=train.fingerprint) == wanted
    videos = [(name, train.frame_number[list(train.frames_of(v))].tolist()) for v, name in enumerate(train.video_name)]
    (tmp_path / "list.txt").write_text("\n".join(frame_id_lines(videos)) + "\n")
    assert choose_index(None, tmp_path, frame_list=tmp_path / "list.txt") == wanted
    assert choose_index(None, tmp_path, video="t1") == wanted
    with pytest.raises(ChoiceError, match=r"no video called 't9' in any of the 2 indices in "):
        choose_index(None, tmp_path, video="t9")


def test_videos_go_before_still_images(tmp_path: Path) -> None:
    write(tmp_path, det_val=of_split("val", videos=4, frames=1), vid_val=of_split("val", seed=1))
    assert choose_index(None, tmp_path) == tmp_path / "vid_val.h5"


def test_a_real_choice_lists_the_candidates(tmp_path: Path) -> None:
    write(tmp_path, a=make_index(), b=make_index(seed=1), train=of_split("train", seed=2))
    (tmp_path / "c.h5").write_text("no index")
    with pytest.raises(ChoiceError, match=r"several of these fit: .*a\.h5 .*b\.h5 ") as raised:
        choose_index(None, tmp_path)
    assert "train.h5" not in str(raised.value)
    with pytest.raises(ChoiceError, match=r"none of these fit: .*a\.h5 .*b\.h5 "):
        choose_index(None, tmp_path, fingerprint="0" * 32)


def test_copies_of_one_index_are_no_choice(tmp_path: Path) -> None:
    write(tmp_path, a=make_index(), copy=make_index(), other=make_index(seed=1))
    fingerprint = make_index().fingerprint
    assert choose_index(None, tmp_path, fingerprint=fingerprint) == tmp_path / "a.h5"


def test_an_empty_place_says_how_to_fill_it(tmp_path: Path) -> None:
    with pytest.raises(ChoiceError, match="vidkit prepare --vid-root"):
        choose_index(None, tmp_path / "nowhere")
