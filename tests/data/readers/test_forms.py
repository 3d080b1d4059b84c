"""The table of annotation forms: what a row says is what its reader does."""

import inspect
import json
from importlib import import_module
from pathlib import Path

import pytest

from tests.data.readers.test_coco import content
from tests.data.readers.test_coco import write as write_coco
from tests.data.readers.test_mot import make_sequence
from tests.data.readers.test_voc import voc_xml
from tests.data.readers.test_voc import write as write_voc
from vidkit.data.prepare import prepare
from vidkit.data.readers import FORMS, form_of, name_from_path
from vidkit.errors import ArgumentError, ChoiceError


@pytest.mark.parametrize("name", FORMS)
def test_a_row_tells_what_its_reader_takes(name: str) -> None:
    form = FORMS[name]
    module, _, function = form.reader.partition(":")
    parameters = inspect.signature(getattr(import_module(f"vidkit.data.readers.{module}"), function)).parameters
    _, *options = parameters.values()
    assert {o.name for o in options} == set(form.takes)
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


def test_every_form_can_be_prepared_by_its_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    told: list[str] = []
    (tmp_path / "classes.txt").write_text("drone drone\n", encoding="utf-8")
    for name, path in examples(tmp_path).items():
        assert form_of(path) == name
        options = {"classes": "classes.txt"} if name == "voc" else {}
        (summary,) = prepare(path, out=tmp_path / name / "out", tell=told.append, **options)
        assert summary.boxes > 0
    assert told[0].endswith("(coco); --from says otherwise")


def test_what_no_form_looks_like_is_told_with_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("1,2,3\n", encoding="utf-8")
    with pytest.raises(ChoiceError, match=r"not recognised as annotations of a form that is read; .* --from FORM"):
        prepare(tmp_path / "a.csv", out=tmp_path / "out")
    with pytest.raises(ChoiceError, match="no such file or folder"):
        prepare(tmp_path / "b.csv", out=tmp_path / "out")
    with pytest.raises(ArgumentError, match="of which PATH"):
        prepare(form="coco", out=tmp_path / "out")


def test_forms_of_two_kinds_are_not_prepared_together(tmp_path: Path) -> None:
    of_form = examples(tmp_path)
    with pytest.raises(ArgumentError, match="annotations of several forms"):
        prepare(of_form["coco"], of_form["mot"], out=tmp_path / "out")


def test_ignored_regions_are_told_as_long_as_an_index_has_no_place_for_them(tmp_path: Path) -> None:
    line = "<sequence name='MVI_1'><ignored_region><box left='0' top='0' width='9' height='9'/></ignored_region>"
    target = "<target id='1'><box left='1' top='2' width='3' height='4'/><attribute vehicle_type='car'/></target>"
    frame = f"<frame density='1' num='1'><target_list>{target}</target_list></frame></sequence>"
    (tmp_path / "MVI_1.xml").write_text(line + frame, encoding="utf-8")
    (summary,) = prepare(tmp_path / "MVI_1.xml", out=tmp_path / "out")
    assert (summary.boxes, sum("ignored regions" in what for what in summary.counts)) == (1, 1)


def test_a_folder_with_one_json_is_read_as_that(tmp_path: Path) -> None:
    from tests.data.readers.test_label_studio import key, region, task

    text = json.dumps([task(region(key(1), key(4)))])
    (tmp_path / "export").mkdir()
    (tmp_path / "export" / "project-1.json").write_text(text, encoding="utf-8")
    assert form_of(tmp_path / "export") == "label-studio"
    (summary,) = prepare(tmp_path / "export", size=(200, 100), out=tmp_path / "out")
    assert summary.path.name == "export_all.h5"
    boxes = [{"id": 0, "type": "bbox", "label_id": 0, "bbox": [1, 2, 3, 4]}]
    labels = {"label": {"labels": [{"name": "car"}]}}
    items = [{"id": "a", "annotations": boxes, "image": {"path": "a.jpg", "size": [10, 20]}}]
    (tmp_path / "datum").mkdir()
    datum = {"dm_format_version": "1.0", "categories": labels, "items": items}
    (tmp_path / "datum" / "val.json").write_text(json.dumps(datum), encoding="utf-8")
    assert form_of(tmp_path / "datum") == "datumaro"
    assert prepare(tmp_path / "datum", out=tmp_path / "out")[0].boxes == 1
