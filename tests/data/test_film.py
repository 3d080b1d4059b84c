from pathlib import Path

import numpy as np
import pytest

from tests.made_films import HEIGHT, WIDTH, number_of, write_film
from vidkit.data.film import FilmFacts, film_facts, picture_at, pictures, shown
from vidkit.errors import FrameError

KINDS = {
    "plain.mp4": {},
    "late.mp4": {"first_time": 50},
    "uneven.mp4": {"steps": (1, 3, 2)},
    "plain.mkv": {},
    "b_frames.avi": {},  # whose packets don't tell their pictures' times
    "old.avi": {"codec": "mpeg4"},
    "plain.webm": {"codec": "libvpx"},
    "plain.mpg": {"codec": "mpeg1video"},
}


@pytest.mark.parametrize("name", KINDS)
def test_pictures_are_counted_as_they_are_shown(tmp_path: Path, name: str) -> None:
    film = write_film(tmp_path / name, **KINDS[name])
    assert film_facts(film) == FilmFacts((WIDTH, HEIGHT), 23, False)
    assert [number_of(shown(p)) for p in pictures(film)] == list(range(23))
    assert [number_of(shown(picture_at(film, n))) for n in (0, 7, 22)] == [0, 7, 22]
    with pytest.raises(FrameError, match=r"has 23 frames, the index wants number 23"):
        picture_at(film, 23)


@pytest.mark.parametrize(("turned", "corner"), [(90, (-1, 0)), (-90, (0, -1)), (180, (-1, -1)), (0, (0, 0))])
def test_a_film_is_turned_as_it_says(tmp_path: Path, turned: int, corner: tuple[int, int]) -> None:
    film = write_film(tmp_path / "phone.mp4", 3, turned=turned)
    size = (HEIGHT, WIDTH) if turned % 180 else (WIDTH, HEIGHT)
    assert film_facts(film) == FilmFacts(size, 3, False)
    image = shown(picture_at(film, 1))
    assert image.shape == (size[1], size[0], 3)
    white = [at for at in ((0, 0), (0, -1), (-1, 0), (-1, -1)) if image[at][0] > 200]
    assert white == [corner]
    assert np.array_equal(image, shown(list(pictures(film))[1]))


def test_a_film_whose_end_is_missing_is_as_long_as_it_decodes(tmp_path: Path) -> None:
    whole = write_film(tmp_path / "whole.mp4").read_bytes()
    film = tmp_path / "cut.mp4"
    film.write_bytes(whole[: int(0.9 * len(whole))])
    facts = film_facts(film)
    assert facts.is_cut
    assert 0 < facts.length < 23
    film.write_bytes(write_film(tmp_path / "cut.mkv").read_bytes()[:-300])
    assert 0 < film_facts(film).length <= 23


def test_what_holds_no_picture_is_refused_with_its_name(tmp_path: Path) -> None:
    whole = write_film(tmp_path / "whole.mp4").read_bytes()
    film = tmp_path / "bad.mp4"
    for content in (b"", b"no film", whole[:200], whole[: len(whole) // 3]):
        film.write_bytes(content)
        with pytest.raises(FrameError, match=r"bad\.mp4: "):
            film_facts(film)
    with pytest.raises(FrameError, match="no such file"):
        film_facts(tmp_path / "none.mp4")
