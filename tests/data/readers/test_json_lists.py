import json
from pathlib import Path

import pytest

from vidkit.data.readers.json_lists import category, new_id, objects_of
from vidkit.errors import AnnotationError


def read(folder: Path, value: object) -> list[tuple[str, object]]:
    (folder / "a.json").write_text(json.dumps(value))
    return [(name, fields.values) for name, fields in objects_of(folder / "a.json", ("images", "videos"))]


def test_the_objects_of_the_named_lists_come_in_their_order(tmp_path: Path) -> None:
    value = {"videos": [{"id": 1}], "info": 3, "images": [{"id": 2}, {"id": 3}], "other": [4]}
    assert read(tmp_path, value) == [("videos", {"id": 1}), ("images", {"id": 2}), ("images", {"id": 3})]


def test_null_is_no_list_and_all_else_is_refused(tmp_path: Path) -> None:
    assert read(tmp_path, {"videos": None, "images": []}) == []
    with pytest.raises(AnnotationError, match=r"a\.json: videos, which is no list: 3, wanted an object"):
        read(tmp_path, {"videos": 3})
    with pytest.raises(AnnotationError, match=r"a\.json: videos\[1\]: 3, wanted an object"):
        read(tmp_path, {"videos": [{}, 3]})


def test_ids_stand_once_and_categories_have_names(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"images": [{"id": 1, "name": "car"}]}')
    ((_, fields),) = objects_of(tmp_path / "a.json", ("images",))
    assert (new_id(fields, {2}), category(fields).name) == (1, "car")
    with pytest.raises(AnnotationError, match=r"images\[0\]: id 1, wanted an id that stands once"):
        new_id(fields, {1})
