import pytest

from vidkit.classes import ObjectClass
from vidkit.data.readers.chosen_classes import ClassRows, choose_classes, named_classes
from vidkit.data.readers.found_boxes import OTHER
from vidkit.errors import AnnotationError

KNOWN = {3: ObjectClass("dog", "n02084071"), 7: ObjectClass("car", "car"), 9: ObjectClass("fox", "fox")}


def test_all_classes_are_taken_in_the_order_of_the_source() -> None:
    chosen = choose_classes("f", KNOWN)
    assert [c.name for c in chosen.classes] == ["dog", "car", "fox"]
    assert (chosen.ids, chosen.row) == (("3", "7", "9"), {3: 0, 7: 1, 9: 2})


def test_wanted_classes_are_joined_by_name_or_wnid() -> None:
    chosen = choose_classes("f", KNOWN, [ObjectClass("cat", "cat"), *named_classes(["car", "n02084071"])])
    assert (chosen.ids, chosen.row) == (("", "7", "3"), {3: 2, 7: 1, 9: OTHER})
    assert choose_classes("f", KNOWN, [ObjectClass("hound", "n02084071")]).row[3] == 0


def test_no_class_in_common_is_refused_with_both_lists() -> None:
    with pytest.raises(AnnotationError, match=r"f: has the classes dog, car, fox; none .*\(Car, Dog\) is among them"):
        choose_classes("f", KNOWN, named_classes(["Car", "Dog"]))
    with pytest.raises(AnnotationError, match=r"c0, .*, c9 and 30 more; none"):
        choose_classes("f", dict(enumerate(named_classes([f"c{n}" for n in range(40)]))), named_classes(["Car"]))


def test_more_classes_than_an_index_can_number_are_refused() -> None:
    with pytest.raises(AnnotationError, match="f: 40000 classes, wanted at most 32767"):
        choose_classes("f", dict.fromkeys(range(40_000), ObjectClass("a", "a")))


def test_a_source_without_classes_has_none() -> None:
    assert choose_classes("f", {}).classes == ()
    assert choose_classes("f", {}, named_classes(["car"])).ids == ("",)


def test_classes_that_are_named_as_the_source_goes() -> None:
    rows = ClassRows("f", None)
    assert [rows.row(name) for name in ("dog", "car", "dog")] == [0, 1, 0]
    assert rows.rows(["fox", "car"]).tolist() == [2, 1]
    assert rows.chosen({"car": "7"}).ids == ("", "7", "")
    assert rows.chosen().classes == named_classes(["dog", "car", "fox"])
    rows = ClassRows("f", [ObjectClass("hound", "dog"), ObjectClass("cat", "cat")])
    assert rows.rows(["fox", "dog"]).tolist() == [OTHER, 0]
    assert rows.chosen({"dog": "5", "fox": "6"}).ids == ("5", "")
    assert ClassRows("f", named_classes(["car"])).chosen().ids == ("",)
    rows = ClassRows("f", named_classes(["Car"]))
    rows.row("car")
    with pytest.raises(AnnotationError, match=r"f: has the classes car; none .*\(Car\) is among them"):
        rows.chosen()
