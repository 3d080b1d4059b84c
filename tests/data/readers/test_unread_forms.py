"""The files here are made by hand, of a line or an object each, with the structure of the form."""

import json
from pathlib import Path

import pytest

from vidkit.data.readers import form_of
from vidkit.data.readers.unread_forms import UNREAD, seems_to_be, what_is_at
from vidkit.errors import ChoiceError

MADE = {
    "a.h5": "\x89HDF\r\n",
    "results.json": '[{"image_id": 1, "category_id": 2, "bbox": [1, 2, 3, 4], "score": 0.5}]',
    "ava_val.csv": "clip,0900,0.100,0.250,0.400,0.500,12,1\n",
    "yt_bb.csv": "AAB6lO-XiKE,0,0,person,0,present,0.482,0.54,0.371,0.616\n",
    "objects.csv": "noun_class,noun,participant_id,video_id,frame,bounding_boxes\n20,bag,P01,P01_01,56581,[]\n",
    "oid.csv": "ImageID,Source,LabelName,Confidence,XMin,XMax,YMin,YMax\n",
    "dark.txt": "0,1,3,10,20,30,40,car\n",
    "mots.txt": "52 1005 1 375 1242 WSV:2d;1O10000O10000O1O100O100O\n",
    "a.tfrecord": "\0\0",
    "a.parquet": "PAR1",
    "sample_data.json": '[\n{\n"token": "fdddd75ee1d94f14a09991988dab8b3e",\n"fileformat": "jpg"}]',
    "via.json": '{"_via_settings": {}, "_via_img_metadata": {}}',
    "clip.mp4.json": '{"tags": [], "size": {"height": 1, "width": 1}, "framesCount": 5, "objects": []}',
    "export.ndjson": '{"data_row": {"id": "c1"}, "projects": {}}\n',
    "darwin.json": '{"version": "2.0", "schema_ref": "x", "item": {}, "annotations": []}',
    "createml.json": '[{"image": "a.jpg", "annotations": [{"label": "cat", "coordinates": {"x": 1}}]}]',
    "out.manifest": '{"source-ref": "s3://x/a.jpg"}\n',
    "own.vott": "{}",
    "gt.mat": "MATLAB 5.0",
    "boxes.pkl": "\x80\x04",
    "export.zip": "PK",
}


@pytest.mark.parametrize("name", MADE)
def test_a_known_form_is_named_with_what_can_be_done(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text(MADE[name], encoding="latin-1")
    with pytest.raises(ChoiceError, match=rf"{name}: this seems to be .*: not read; ") as of_file:
        form_of(tmp_path / name)
    with pytest.raises(ChoiceError) as of_folder:
        form_of(tmp_path)
    assert str(of_folder.value).partition(": ")[2] == str(of_file.value).partition(": ")[2]


def test_each_form_of_the_table_is_met() -> None:
    assert len({id(form) for form in map(found_of, MADE)}) == len(UNREAD) == len(MADE)


def found_of(name: str) -> object:
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as folder:
        (Path(folder) / name).write_text(MADE[name], encoding="latin-1")
        return seems_to_be(Path(folder) / name)


@pytest.mark.parametrize(
    ("name", "content", "wanted"),
    [
        ("a.txt", "hello there\nyou", 'text that begins with "hello there"'),
        ("a.json", '{"one": 1, "two": [{"three": 3}]}', "JSON with the keys one, two, three"),
        ("b.json", "[1, 2]", "JSON without names of fields"),
        ("a.xml", "<?xml version='1.0'?>\n<dataset name='x'>", "XML, <dataset>"),
        ("a.bin", "\0\1\2", "a file that is no text"),
        ("a.csv", "", "an empty file"),
    ],
)
def test_other_files_are_described(tmp_path: Path, name: str, content: str, wanted: str) -> None:
    (tmp_path / name).write_text(content)
    assert what_is_at(tmp_path / name) == wanted
    with pytest.raises(ChoiceError, match=r": not recognised as annotations of a form that is read; .*--from FORM"):
        form_of(tmp_path / name)


def test_folders_are_described(tmp_path: Path) -> None:
    assert what_is_at(tmp_path) == "an empty folder"
    for name in ("a.jpg", "b.jpg", "notes", "c.md"):
        (tmp_path / name).write_text("")
    assert what_is_at(tmp_path) == "a folder with 2 .jpg, 1 .md, 1 notes"
    (tmp_path / "sub").mkdir()
    assert what_is_at(tmp_path) == "a folder with the folders sub and 2 .jpg, 1 .md, 1 notes"
    (tmp_path / "keys.json").write_text(json.dumps(dict.fromkeys("abcdefgh", 1)))
    assert what_is_at(tmp_path / "keys.json") == "JSON with the keys a, b, c, d, e, f … (8 in all)"
