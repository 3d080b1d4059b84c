"""A table of one's own attributes, joined by name; each group is that of the same column in the index itself."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.evaluation.cases import case
from tests.evaluation.test_bootstrap import many_videos
from vidkit.data.index import Index, SourceNames
from vidkit.errors import AnnotationError
from vidkit.evaluation.evaluate import evaluate
from vidkit.evaluation.own_attributes import with_attributes
from vidkit.predictions.table import Predictions


def tracked(seed: int) -> tuple[Index, Predictions]:
    """A case with a track id for every box, different ones in a frame."""
    index, predictions = many_videos(seed)
    place = np.arange(index.n_instances) - index.instance_start[index.instance_frame]
    told = replace(index, track_id=place.astype(np.int32))
    return told, replace(predictions, index_fingerprint=told.fingerprint)


def csv_of(path: Path, header: str, rows: list[str]) -> Path:
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path


def test_each_level_gives_the_groups_of_the_same_column_in_the_index(tmp_path: Path) -> None:
    """Text, with something left out, which is "none"; the loop that joins it is here."""
    words = np.array(["fog", "rain", "sun", "none"])
    for seed in range(12):
        index, predictions = tracked(seed)
        rng = np.random.default_rng(seed)
        frame, video = index.instance_frame, index.frame_video[index.instance_frame]
        place = np.arange(index.n_instances) - index.instance_start[frame]
        number = index.frame_number[frame]
        tables = {
            "video": [(v,) for v in index.video_name],
            "video,frame": [
                (index.video_name[v], n) for v, n in zip(index.frame_video, index.frame_number, strict=True)
            ],
            "video,track": [(index.video_name[v], t) for v, t in zip(video, index.track_id, strict=True)],
            "video,frame,track": [
                (index.video_name[v], n, t) for v, n, t in zip(video, number, index.track_id, strict=True)
            ],
            "video,frame,object": [(index.video_name[v], n, p) for v, n, p in zip(video, number, place, strict=True)],
        }
        for keys, things in tables.items():
            word = {thing: str(words[rng.integers(4)]) for thing in things}
            rows = [",".join(map(str, (*t, w))) for t, w in word.items() if w != "none" or rng.random() < 0.2]
            rows = [row.removesuffix("none") for row in rows]  # an empty cell
            if not rows:
                continue
            rng.shuffle(rows)
            joined = with_attributes(index, csv_of(tmp_path / "t.csv", f"{keys},weather", rows))
            assert joined.fingerprint == index.fingerprint
            column = np.array([word[tuple(thing)] for thing in things])
            if keys in ("video", "video,frame"):
                of_frame = column[index.frame_video] if keys == "video" else column
                told = replace(index, frame_attributes={"weather": of_frame})
            else:
                told = replace(index, instance_attributes={"weather": column})
            wanted = evaluate(told, replace(predictions, index_fingerprint=""), "fgfa", by="weather x motion", ci=2)
            found = evaluate(index, predictions, "fgfa", by="weather x motion", ci=2, attributes=tmp_path / "t.csv")
            assert [g.name for g in found.groups] == [g.name for g in wanted.groups], keys
            for one, other in zip(found.groups, wanted.groups, strict=True):
                np.testing.assert_array_equal(one.ap, other.ap)


def test_a_frame_is_found_by_its_file_and_by_the_number_that_the_source_has(tmp_path: Path) -> None:
    index, _ = case(1)
    paths = np.array([f"clips/{n:04d}.jpg".encode() for n in range(index.n_frames)])
    named = replace(index, called=SourceNames(frame_path=paths, frame_number=index.frame_number.astype(np.int64) + 1))
    rows = [f"{n:04d}.jpg,{n % 2}" for n in range(index.n_frames)]
    by_file = with_attributes(named, csv_of(tmp_path / "a.csv", "image,night", rows)).added.frame["night"]
    assert by_file.tolist() == [n % 2 for n in range(index.n_frames)]
    video = index.video_name[index.frame_video[0]]
    rows = [f"{video},{index.frame_number[0] + 1},7"]
    one = with_attributes(named, csv_of(tmp_path / "b.csv", "video,frame,lux", rows)).added.frame["lux"]
    assert one[0] == 7
    assert np.isnan(one[1:]).all()


def test_numbers_get_ranges_or_values_and_those_without_a_group_of_their_own(tmp_path: Path) -> None:
    index, predictions = many_videos(4)
    names = index.video_name
    rows = [f"{name},{2.5 * n},{'TRUE' if n % 2 else 'False'}" for n, name in enumerate(names[:-1])]
    table = csv_of(tmp_path / "t.csv", "video,lux,night", [*rows, f"{names[-1]},,true"])
    by_value = evaluate(index, predictions, by="lux,night", attributes=table)
    groups = [g.name for g in by_value.groups if g.by == "lux"]
    assert groups == [f"{2.5 * n:g}" for n in range(len(names) - 1)] + ["none"]
    assert [g.name for g in by_value.groups if g.by == "night"] == ["not night", "night"]
    by_range = evaluate(index, predictions, by="lux", bins={"lux": [3]}, attributes=table)
    assert [g.name for g in by_range.groups] == ["<3", ">=3", "none"]
    assert sum(int(g.n_gt.sum()) for g in by_range.groups) == int(by_range.overall.n_gt.sum())


def test_a_pandas_table_and_parquet_are_as_csv(tmp_path: Path) -> None:
    index, _ = many_videos(4)
    frame = pd.DataFrame({"video": index.video_name[:2], "n": [3, None], "word": ["a", None], "flag": [True, False]})
    found = with_attributes(index, frame).added.frame
    assert found["n"][0] == 3
    assert np.isnan(found["n"][-1])
    assert found["word"][0] == "a"
    assert found["word"][-1] == "none"
    assert set(found["flag"]) == {"True", "False", "none"}
    pytest.importorskip("pyarrow")
    frame.to_parquet(tmp_path / "t.parquet")
    again = with_attributes(index, tmp_path / "t.parquet").added.frame
    for name, column in found.items():
        np.testing.assert_array_equal(again[name], column)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "empty; wanted a table with a header"),
        ("video,weather\n", "no row below the header"),
        ("weather\nfog\n", "its columns are weather; wanted one of these to say what a row is about: video; video, fr"),
        ("frame,weather\n1,fog\n", "its columns are frame, weather; wanted one of these"),
        ("video\nV\n", "no column besides video"),
        ("video,weather\nV,fog,1\n", "line 2: 3 cells, the header has 2"),
        ("video,weather\nV,fog\n\nV0,sun\n", "line 4: no video 'V0' among the"),
        ("video,weather\nV,fog\nV,sun\n", "line 3: is about the same as line 2; wanted one row each"),
        ("video,weather,weather\nV,fog,1\n", "two columns are called 'weather'"),
        ("video,motion\nV,fog\n", "the index has an attribute 'motion'; give the column another name"),
        ("video,a x b\nV,fog\n", "a column called 'a x b'; wanted a name without"),
        ("video,\nV,fog\n", "a column called ''"),
        ("video,frame,weather\nV,one,fog\n", "line 2: frame 'one', wanted a whole number"),
        ("video,frame,weather\nV,99,fog\n", "line 2: no frame 99 in video V, whose are 0 … "),
        ("video,track,weather\nV,99,fog\n", "line 2: no track 99 in video V"),
        ("video,frame,object,weather\nV,0,99,fog\n", "line 2: 0 boxes of object 99 in its frame, which has"),
        ("image,weather\nnowhere.jpg,fog\n", "line 2: no frame, or several, that the source calls 'nowhere.jpg'"),
        ('video,weather\n"V,fog\n', "can't be read as a CSV table in UTF-8"),
    ],
)
def test_a_bad_table_is_refused_with_file_line_and_what_was_wanted(tmp_path: Path, text: str, message: str) -> None:
    index, _ = many_videos(4)
    named = replace(index, video_name=("V", *index.video_name[1:]))
    path = tmp_path / "table.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(AnnotationError, match=re.escape(message)) as caught:
        with_attributes(named, path)
    assert str(path) in str(caught.value)
