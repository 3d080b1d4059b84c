from __future__ import annotations

from pathlib import Path

import pytest
from vidkit_cli.places import choose_index

from tests.makers import make_index
from vidkit.data.index_file import write_index
from vidkit.errors import ChoiceError


def test_the_index_that_fits_is_chosen(tmp_path: Path) -> None:
    small, large = make_index(), make_index(videos=5)
    write_index(tmp_path / "small.h5", small)
    write_index(tmp_path / "large.h5", large)
    assert choose_index(None, tmp_path, fingerprint=large.fingerprint) == tmp_path / "large.h5"
    assert choose_index(None, tmp_path, n_frames=small.n_frames) == tmp_path / "small.h5"
    assert choose_index(Path("given.h5"), tmp_path, fingerprint=small.fingerprint) == Path("given.h5")


def test_the_candidates_are_listed_where_the_choice_is_not_plain(tmp_path: Path) -> None:
    write_index(tmp_path / "a.h5", make_index())
    write_index(tmp_path / "b.h5", make_index(seed=1))
    (tmp_path / "c.h5").write_text("no index")
    with pytest.raises(ChoiceError, match=r"several of these fit: .*a\.h5 .*b\.h5 "):
        choose_index(None, tmp_path)
    with pytest.raises(ChoiceError, match=r"none of these fit: .*a\.h5 .*b\.h5 "):
        choose_index(None, tmp_path, fingerprint="0" * 32)
    write_index(tmp_path / "copy of a.h5", make_index())
    with pytest.raises(ChoiceError, match=r"several of these fit: .*a\.h5 .*copy of a\.h5 ") as raised:
        choose_index(None, tmp_path, fingerprint=make_index().fingerprint)
    assert "b.h5" not in str(raised.value)


def test_an_empty_place_says_how_to_fill_it(tmp_path: Path) -> None:
    with pytest.raises(ChoiceError, match="vidkit prepare --vid-root"):
        choose_index(None, tmp_path / "nowhere")
