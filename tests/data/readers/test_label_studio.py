import json
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from tests.fuzz.broken_copies import check
from vidkit.classes import ObjectClass
from vidkit.data.index import VIDEO
from vidkit.data.readers.drawn_table import TURNED
from vidkit.data.readers.found_boxes import OTHER_CLASS
from vidkit.data.readers.label_studio import MANY_LABELS, NO_LABEL, NOTHING, OTHERS, looks_like, read_label_studio
from vidkit.data.readers.source import Source
from vidkit.data.records import VideoTable
from vidkit.errors import AnnotationError, FrameError

Content = dict[str, Any]
SIZE = (200, 100)


def key(frame: int, x: float = 10, enabled: bool = True, **fields: object) -> Content:
    box = {"x": x, "y": 25.0, "width": 30.0, "height": 25.0, "rotation": 0, "time": frame / 25}
    return {"frame": frame, "enabled": enabled} | box | fields


def region(*keys: Content, labels: list[str] | None = None, length: float | None = 6) -> Content:
    told = {"duration": 0.24, "sequence": list(keys), "labels": ["car"] if labels is None else labels}
    value = told if length is None else told | {"framesCount": length}
    return {"value": value, "id": "a", "from_name": "box", "to_name": "video", "type": "videorectangle"}


def task(*results: Content, film: str = "/data/upload/1/clip.mp4", number: int = 1) -> Content:
    return {"id": number, "data": {"video": film}, "annotations": [{"id": 1, "result": list(results)}]}


def write(folder: Path, value: object) -> Path:
    path = folder / "export.json"
    path.write_text(json.dumps(value), encoding="utf-8")
    return path


def read(folder: Path, *tasks: Content, **options: Any) -> Source:
    return read_label_studio(write(folder, list(tasks)), **{"size": SIZE} | options)


def frames_and_x(video: VideoTable) -> list[tuple[int, float]]:
    frames = np.repeat(video.frame_number, video.instance_count)
    return [(int(frame), round(float(x), 9)) for frame, x in zip(frames, video.box[:, 0], strict=True)]


def test_key_frames_are_carried_on_where_they_are_enabled(tmp_path: Path) -> None:
    source = read(tmp_path, task(region(key(1, 10), key(3, 20, False), key(5, 30)), region(key(2, 0, False))))
    assert source.classes == (ObjectClass("car", "car"),)
    (video,) = source.videos
    assert (video.name, video.size, len(video.frame_number)) == ("clip", SIZE, 6)
    assert frames_and_x(video) == [(0, 20), (1, 30), (1, 0), (2, 40), (4, 60), (5, 60)]
    assert video.box[0].tolist() == [20, 25, 80, 50]
    assert (video.track_id.tolist(), video.generated.tolist()) == (
        [0, 0, 1, 0, 0, 0],
        [False, True, *[False] * 3, True],
    )
    assert (video.files.kind, video.files.source, video.called.number) == (VIDEO, "clip.mp4", (1, 2, 3, 4, 5, 6))


def test_an_export_of_all_frames_reads_alike(tmp_path: Path) -> None:
    keys = [key(1, 10), *(key(n, 10 + 5 * (n - 1), auto=True) for n in (2, 3)), key(4, 25, False)]
    found, wanted = read(tmp_path, task(region(*keys))), read(tmp_path, task(region(keys[0], keys[-1])))
    assert frames_and_x(found.videos[0]) == frames_and_x(wanted.videos[0]) == [(0, 20), (1, 30), (2, 40), (3, 50)]
    assert found.videos[0].generated.tolist() == wanted.videos[0].generated.tolist() == [False, True, True, False]


def test_the_last_key_is_the_end_where_no_length_is_told(tmp_path: Path) -> None:
    (video,) = read(tmp_path, task(region(key(1), key(4), length=None))).videos
    assert video.instance_count.tolist() == [1, 1, 1, 1]


def test_the_short_form_reads_alike(tmp_path: Path) -> None:
    wanted = region(key(1), key(4, 30))
    short = {"id": 1, "video": "/data/upload/clip.mp4", "box": [wanted["value"]], "annotator": 3}
    found = read(tmp_path, short).videos[0]
    assert frames_and_x(found) == frames_and_x(read(tmp_path, task(wanted)).videos[0])


def test_the_size_comes_from_the_film(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "clip.mp4"), "w") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.width, stream.height = 64, 48
        container.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8))))
        container.mux(stream.encode())
    (video,) = read(tmp_path, task(region(key(1)), film="/data/upload/1/0a1b2c3d-clip.mp4"), size=None).videos
    assert (video.name, video.size, video.files.source) == ("clip", (64, 48), "clip.mp4")
    (tmp_path / "clip.mp4").write_bytes(b"no film")
    with pytest.raises(FrameError, match=r"clip\.mp4: .*wanted a video that can be decoded"):
        read(tmp_path, task(region(key(1))), size=None)


@pytest.mark.parametrize(
    ("address", "film"),
    [
        ("/data/local-files/?d=films%2Fa%20b.MP4", "a b.MP4"),
        ("s3://bucket/x/clip.mov", "clip.mov"),
        ("https://host/clip.webm?token=1/2", "clip.webm"),
        ("/data/upload/0a1b2c3d-clip.mp4", "clip.mp4"),
    ],
)
def test_the_film_is_called_as_its_address_ends(tmp_path: Path, address: str, film: str) -> None:
    assert read(tmp_path, task(region(key(1)), film=address)).videos[0].files.source == film


def test_what_is_left_out_is_counted(tmp_path: Path) -> None:
    busy = task(region(key(1), labels=[]), region(key(1), labels=["car", "x"]), region(key(1), labels=["dog"]))
    busy["annotations"] = [{"was_cancelled": True, "result": []}, *busy["annotations"], {"result": []}]
    source = read(tmp_path, busy, task(number=2), classes=[ObjectClass("car", "n")])
    assert source.videos[0].counts == {NO_LABEL: 1, MANY_LABELS: 1, OTHERS: 1, OTHER_CLASS: 6}
    assert [(item.place.rpartition(": ")[2], item.reason) for item in source.left_out] == [("task 1", NOTHING)]


def test_a_turned_box_turns_about_its_corner(tmp_path: Path) -> None:
    (video,) = read(tmp_path, task(region(key(1, 50, False, rotation=90)))).videos
    np.testing.assert_allclose(video.box, [[75, 25, 100, 85]])  # 60 x 25 from (100, 25)
    assert video.counts == {TURNED: 1}


@pytest.mark.parametrize(
    ("tasks", "words"),
    [
        ([], "0 tasks, in none of them a videorectangle"),
        ([task()], "1 tasks, in none of them a videorectangle"),
        ([7], "task 0: 7, wanted an object"),
        (
            [task(region(key(0)))],
            r"task 0: annotations\[0\]: result\[0\]: value: sequence\[0\]: .* wanted a frame from 1",
        ),
        ([task(region(key(1, 5000)))], r"sequence\[0\]: .* a box in percent"),
        ([task(region(key(1, width=-1)))], r"sequence\[0\]: .* a box in percent"),
        ([task(region(key(1, x="a")))], r"sequence\[0\]: x 'a', wanted a number"),
        ([task(region(key(2), key(2)))], "task 0: track 0 has two boxes"),
        ([task(region(key(1), labels=[3]))], r"value: labels \[3\], wanted names"),
        (
            [task(region(key(1), length=1e6)), *[task(region(key(1), length=1e6), film=f"{n}.mp4") for n in range(10)]],
            "in all",
        ),
        ([task(region(key(1), length=1000001))], "framesCount 1000001, wanted a number"),
        ([task(region(key(1), length=-1))], "framesCount -1, wanted how many frames"),
        ([task(region(key(1)), film="/data/picture.jpg")], "wanted the address of a video file"),
        ([task(region(key(1))), task(region(key(1)))], "two videos are called 'clip'"),
    ],
)
def test_what_breaks_the_rules_is_refused_with_its_place(
    tmp_path: Path, tasks: list[Content], words: str | None
) -> None:
    with pytest.raises(AnnotationError, match=words):
        read(tmp_path, *tasks)


def test_a_film_that_isnt_there_needs_a_size(tmp_path: Path) -> None:
    with pytest.raises(AnnotationError, match=r"task 0: clip\.mp4 isn't in .*; say where the film is with --frames"):
        read(tmp_path, task(region(key(1))), size=None)


def test_a_file_broken_in_any_way_is_refused_or_read(tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    path = write(tmp_path / "below", [task(region(key(1), key(3, 20, False), key(5, rotation=3)))])
    assert check(path, path.read_bytes(), lambda: read_label_studio(path, size=SIZE)) > 60


def test_the_form_is_known_by_its_beginning(tmp_path: Path) -> None:
    assert looks_like(write(tmp_path, [task(region(key(1)))]))
    for other in ([task()], {}, [], [{"image": 1}]):
        assert not looks_like(write(tmp_path, other))
    assert not looks_like(tmp_path)


def test_the_field(shared_data: Path) -> None:
    """Two key frames of a car, in the first frame and the last; the rest of it is a straight line."""
    field = shared_data / "field"
    assert looks_like(field / "label_studio" / "export.json")
    (video,) = read_label_studio(field / "label_studio" / "export.json", size=(100, 80)).videos
    assert (video.size, video.instance_count.tolist()) == ((100, 80), [1] * 6)
    np.testing.assert_allclose(video.box, [[10 + 4 * n, 20, 40 + 4 * n, 40] for n in range(6)])
