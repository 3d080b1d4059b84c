from vidkit.classes import ObjectClass
from vidkit.data.unannotated import Film, unannotated


def test_films_of_one_name_are_called_by_their_place() -> None:
    films = [Film("a", "x/a.mp4", 64, 48, 3), Film("b", "x/b.mp4", 32, 24, 0), Film("a", "y/a.mp4", 64, 48, 2)]
    index = unannotated(films, [ObjectClass("dog", "n1")])
    assert index.video_name == ("x/a.mp4", "b", "y/a.mp4")
    assert (index.n_frames, index.n_instances, index.video_size.tolist()[1]) == (5, 0, [32, 24])
    assert index.frame_number.tolist() == [0, 1, 2, 0, 1]
    assert index.annotated is not None and not index.annotated.any()


def test_no_film_at_all() -> None:
    assert unannotated([], []).n_frames == 0
