from pathlib import Path

from vidkit.classes import ObjectClass
from vidkit.data.class_list import classes_of


def test_a_tree_may_bring_its_own_classes(tmp_path: Path) -> None:
    assert classes_of(None) is None
    assert classes_of(tmp_path) is None
    (tmp_path / "classes.txt").write_text("s0000002 2 ring\ns0000001 1 stripe\n")
    assert classes_of(tmp_path) == (ObjectClass("stripe", "s0000001"), ObjectClass("ring", "s0000002"))
