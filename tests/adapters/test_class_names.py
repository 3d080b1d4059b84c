import numpy as np
import pytest

from vidkit.adapters.class_names import SYNONYMS, labels_of, match, read_labels, read_pairs
from vidkit.classes import VID_CLASSES, ObjectClass
from vidkit.errors import DetectorError

INDEX = tuple(ObjectClass(name, f"n{number:08d}") for number, name in enumerate(("car", "domestic_cat", "watercraft")))
EMPTY = np.zeros((0, 4), np.float32), np.zeros(0, np.float32), np.zeros(0, np.int64)


def ids(labels, classes=INDEX, pairs=None):
    return match(labels, classes, pairs).ids.tolist()


def test_names_are_matched_whatever_their_order_capitals_and_joints():
    assert ids(["Domestic-Cat", "tree", "CAR", "watercraft"]) == [1, -1, 0, 2]


def test_synonyms_and_wordnet_ids_are_matched():
    assert ids(["boat", "cat", "n00000000"]) == [2, 1, 0]


def test_labels_that_are_no_class_are_neither_matched_nor_said_to_be_dropped():
    found = match(["__background__", "car", "N/A", "dog"], INDEX)
    assert found.ids.tolist() == [-1, 0, -1, -1]
    assert (found.matched, found.dropped) == ((("car", "car"),), ("dog",))
    assert found.missing == ("domestic_cat", "watercraft")


def test_it_is_said_aloud():
    said = match(["car", "boat", "dog"], INDEX).describe()
    assert said == {
        "classes_matched": "car, boat → watercraft",
        "classes_missing": "domestic_cat",
        "classes_dropped": "dog",
    }


def test_of_long_lists_some_are_said_and_how_many_there_are():
    said = match(["car", *(f"thing {n}" for n in range(1000))], INDEX).describe()["classes_dropped"]
    assert said.startswith("thing 0, thing 1, ") and said.endswith("thing 39, … (1000 in all)")


def test_pairs_win_over_names():
    assert ids(["car", "truck", "boat"], pairs={"truck": "car", "car": "", "boat": "domestic_cat"}) == [-1, 0, 1]


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        ({"trcuk": "car"}, r"the detector has no class 'trcuk' \(did you mean 'truck'\?\)"),
        ({"truck": "cra"}, r"the index has no class 'cra' \(did you mean 'car'\?\)"),
    ],
)
def test_pairs_of_something_unknown(pairs, message):
    with pytest.raises(DetectorError, match=message):
        match(["truck", "car"], INDEX, pairs)


def test_no_class_at_all_is_an_error_that_tells_both_sides():
    with pytest.raises(DetectorError, match=r"\(dog, tree\) is one of the index's \(car, domestic_cat, watercraft\)"):
        match(["dog", "tree"], INDEX)
    assert match(["dog"], INDEX, may_miss=True).ids.tolist() == [-1]


def test_two_classes_that_a_name_may_mean():
    twice = (ObjectClass("big cat", "a"), ObjectClass("Big_Cat", "b"))
    with pytest.raises(DetectorError, match="may be 'big cat', 'Big_Cat' of the index"):
        match(["BIG CAT"], twice)
    assert ids(["Big_Cat", "big cat"], twice) == [1, 0]


def test_every_class_of_vid_is_itself_and_no_synonym_means_two_of_them():
    assert ids([each.name for each in VID_CLASSES], VID_CLASSES) == list(range(30))
    names = {each.name.replace("_", " ") for each in VID_CLASSES}
    assert all(len(names & group) <= 1 for group in SYNONYMS)
    assert sum(map(len, SYNONYMS)) == len(set().union(*SYNONYMS))


def test_detections_are_translated_and_clipped():
    names = match(["car", "dog", "boat"], INDEX)
    boxes = np.array([[-5, 2, 30, 40], [0, 0, 5, 5], [10, 10, 200, 90]], np.float32)
    found = names.detections(boxes, np.array([0.9, 0.8, 0.7], np.float32), np.array([0, 1, 2]), 100, 80)
    assert found.boxes.tolist() == [[0, 2, 30, 40], [10, 10, 100, 80]]
    assert found.class_ids.tolist() == [0, 2]
    assert found.scores == pytest.approx([0.9, 0.7])


def test_boxes_outside_the_frame_are_left_out_and_what_is_no_number_stays_to_be_seen():
    boxes = np.array([[110, 2, 130, 40], [np.nan, 0, 5, 5], [30, 3, 20, 9]], np.float32)
    found = match(["car"], INDEX).detections(boxes, np.ones(3, np.float32), np.zeros(3, np.int64), 100, 80)
    assert len(found) == 2
    assert np.isnan(found.boxes[0, 0]) and found.boxes[1].tolist() == [30, 3, 20, 9]


def test_detections_that_two_labels_of_one_class_made_equal_are_one():
    names = match(["car", "truck"], INDEX, {"truck": "car"})
    boxes = np.array([[0, 0, 5, 5]] * 3, np.float32)
    found = names.detections(boxes, np.array([0.5, 0.5, 0.4], np.float32), np.array([0, 1, 1]), 100, 80)
    assert found.scores == pytest.approx([0.5, 0.4])


@pytest.mark.parametrize("label", [-1, 1])
def test_a_label_without_a_name(label):
    with pytest.raises(DetectorError, match=f"label {label}; names are known for the labels 0 … 0"):
        match(["car"], INDEX).detections(np.ones((1, 4)), np.ones(1), np.array([label]), 9, 9)


def test_no_detections():
    assert len(match(["car"], INDEX).detections(*EMPTY, 9, 9)) == 0


# -- files -------------------------------------------------------------------------------------------------------------


def test_a_file_of_pairs(tmp_path):
    file = tmp_path / "pairs.txt"
    file.write_text("# ours = theirs\n\ntruck = car\n  dog =\n", encoding="utf-8")
    assert read_pairs(file) == {"truck": "car", "dog": ""}
    assert read_pairs(None) == {}


@pytest.mark.parametrize(
    ("text", "message"),
    [("truck", "line 1: 'truck'; wanted"), ("= car", "line 1"), ("a = b\na = c", "line 2: 'a' is named twice")],
)
def test_a_damaged_file_of_pairs(tmp_path, text, message):
    file = tmp_path / "pairs.txt"
    file.write_text(text)
    with pytest.raises(DetectorError, match=message):
        read_pairs(file)


def test_files_of_labels(tmp_path):
    file = tmp_path / "labels.txt"
    file.write_text("__background__\ncar\n\ndog\n")
    assert read_labels(file) == ("__background__", "car", "", "dog")
    assert labels_of(file, INDEX) == read_labels(file)
    assert labels_of("index", INDEX) == ("car", "domestic_cat", "watercraft")
    assert labels_of(None, INDEX) is None


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"", "empty"), (b"\xff\xfe\x00", "not UTF-8"), (b"a\n" * 600_000, "no list of class names")],
)
def test_files_that_are_no_labels(tmp_path, content, message):
    file = tmp_path / "labels.txt"
    file.write_bytes(content)
    with pytest.raises(DetectorError, match=message):
        read_labels(file)
    with pytest.raises(DetectorError, match="No such file"):
        read_labels(tmp_path / "absent.txt")


def test_without_an_index_labels_are_classes_of_their_own():
    found = match(["__background__", "car", "N/A", "dog"], ())
    assert found.ids.tolist() == [-1, 0, -1, 1]
    assert [each.name for each in found.own] == ["car", "dog"]
    assert (found.missing, found.dropped) == ((), ())
    assert match(["car", "boat"], INDEX).own == ()
