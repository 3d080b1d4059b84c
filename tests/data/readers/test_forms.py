"""The table of annotation forms: what a row says is what its reader does."""

from __future__ import annotations

import inspect
from importlib import import_module
from pathlib import Path

import pytest

from tests.data.readers.test_coco_vid import content
from tests.data.readers.test_coco_vid import write as write_coco
from tests.data.readers.test_mot import make_sequence
from tests.data.readers.test_voc import voc_xml
from tests.data.readers.test_voc import write as write_voc
from vidkit.data.readers import FORMS, name_from_path


@pytest.mark.parametrize("name", FORMS)
def test_a_row_tells_what_its_reader_takes(name: str) -> None:
    form = FORMS[name]
    module, _, function = form.reader.partition(":")
    parameters = inspect.signature(getattr(import_module(f"vidkit.data.readers.{module}"), function)).parameters
    _, *options = parameters.values()
    assert sorted(o.name for o in options) == sorted(form.takes)
    assert sorted(o.name for o in options if o.default is o.empty) == sorted(form.needs)
    assert not set(form.refuses) & set(form.takes)


def examples(folder: Path) -> dict[str, Path]:
    """Annotations of each form."""
    for name in ("coco", "mot/seq", "voc"):
        (folder / name).mkdir(parents=True)
    write_voc(folder / "voc" / "clip" / "000001.xml", voc_xml(("drone", (1, 1, 10, 20))))
    return {
        "coco": write_coco(folder / "coco", content()),
        "mot": make_sequence(folder / "mot" / "seq").parent,
        "voc": folder / "voc",
    }


def test_each_form_is_known_by_looking_and_taken_for_no_other(tmp_path: Path) -> None:
    of_form = examples(tmp_path)
    for name, path in of_form.items():
        assert [form for form in FORMS if FORMS[form].looks_like(path)] == [name]


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"images": [3]}', '{"images": [{"id": 1}]}', "<a/>", "\0\xff"])
def test_what_is_no_annotation_looks_like_none(tmp_path: Path, text: str) -> None:
    for name in ("a.json", "a.xml", "gt.txt"):
        (tmp_path / name).write_text(text)
        assert [form for form in FORMS if FORMS[form].looks_like(tmp_path / name)] == []
    assert [form for form in FORMS if FORMS[form].looks_like(tmp_path)] == []
    assert [form for form in FORMS if FORMS[form].looks_like(tmp_path / "missing")] == []


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("drone/val.json", ("drone", "val")),
        ("drone/annotations/instances_val2017.json", ("drone", "val")),
        ("MOT17/train", ("MOT17", "train")),
        ("own/clips.json", ("own", "clips")),
        ("trainer/evaluation.json", ("trainer", "evaluation")),
    ],
)
def test_names_come_from_the_path(tmp_path: Path, path: str, wanted: tuple[str, str]) -> None:
    assert name_from_path(tmp_path / path) == wanted
    (tmp_path / "own").mkdir()
    assert name_from_path(tmp_path / "own") == ("own", "all")
