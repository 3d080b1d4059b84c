import os
import re
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.makers import make_index
from vidkit.check.findings import KINDS, Findings
from vidkit.check.indices import check_index
from vidkit.check.instances import Instances, instance_faults
from vidkit.check.known_counts import KNOWN_LISTS, KNOWN_SPLITS, KnownList, KnownSplit
from vidkit.check.listing import list_tree
from vidkit.check.split_counts import CheckReport
from vidkit.check.trees import check_tree
from vidkit.data.index import FOLDER, FrameFiles
from vidkit.errors import AnnotationError

SIZE = (64, 48)
TRAIN = "train/ILSVRC2015_VID_train_0000/ILSVRC2015_train_00000000"
VAL = "val/ILSVRC2015_val_00000000"
DOG, CAR = "n02084071", "n02958343"
FRAMES = 6


def object_xml(track: int = 0, name: str = DOG, box: tuple[float, ...] = (3, 4, 20, 30), extra: str = "") -> str:
    x1, y1, x2, y2 = box
    return (
        f"\t<object>\n\t\t<trackid>{track}</trackid>\n\t\t<name>{name}</name>\n\t\t<bndbox>\n\t\t\t<xmax>{x2}</xmax>\n"
        f"\t\t\t<xmin>{x1}</xmin>\n\t\t\t<ymax>{y2}</ymax>\n\t\t\t<ymin>{y1}</ymin>\n\t\t</bndbox>\n"
        f"\t\t<occluded>0</occluded>\n\t\t<generated>0</generated>\n{extra}\t</object>\n"
    )


def annotation_xml(stem: str, *objects: str, size: tuple[int, int] = SIZE, folder: str = "x") -> str:
    return (
        f"<annotation>\n\t<folder>{folder}</folder>\n\t<filename>{stem}</filename>\n\t<source>\n"
        "\t\t<database>ILSVRC_2015</database>\n\t</source>\n"
        f"\t<size>\n\t\t<width>{size[0]}</width>\n\t\t<height>{size[1]}</height>\n\t</size>\n"
        f"{''.join(objects)}</annotation>\n"
    )


def write(path: Path, content: str | bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())


def make_tree(root: Path) -> Path:
    """Two training and two validation snippets of six frames, a DET folder, and a list of each form in use."""
    image = root / "image.JPEG"
    root.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", SIZE, (90, 120, 60)).save(image, "JPEG")
    for video in (TRAIN, f"{TRAIN[:-1]}1", VAL, f"{VAL[:-1]}1"):
        for number in range(FRAMES):
            stem = f"{number:06d}"
            objects = [object_xml(0, box=(3 + number, 4, 20 + number, 48)), object_xml(1, CAR, (40, 10, 64, 20.5))]
            write(root / "Annotations/VID" / video / f"{stem}.xml", annotation_xml(stem, *objects[: 2 * (number > 0)]))
            write(root / "Data/VID" / video / f"{stem}.JPEG", image.read_bytes())
    det = "train/ILSVRC2014_train_0000/ILSVRC2014_train_00000001"
    still = annotation_xml(
        "ILSVRC2014_train_00000001", object_xml(name="n07749582").replace("\t\t<trackid>0</trackid>\n", "")
    )
    write(root / "Annotations/DET" / f"{det}.xml", still)
    write(root / "Data/DET" / f"{det}.JPEG", image.read_bytes())
    write(root / "Data/DET/train/ILSVRC2013_train_extra0/ILSVRC2013_train_00000007.JPEG", image.read_bytes())
    lists = root / "ImageSets/VID"
    write(
        lists / "VID_train_15frames.txt", "".join(f"{TRAIN[:-1]}{v} 1 {f} {FRAMES}\n" for v in (0, 1) for f in (1, 4))
    )
    write(lists / "VID_val_videos.txt", f"{VAL} 1 0 {FRAMES}\n{VAL[:-1]}1 {FRAMES + 1} 0 {FRAMES}\n")
    rows = [f"{VAL[:-1]}{v}/{f:06d} {v * FRAMES + f + 1}\n" for v in (0, 1) for f in range(FRAMES)]
    write(lists / "VID_val_frames.txt", "".join(rows))
    write(lists / "val.txt", "".join(row.removeprefix("val/") for row in rows))
    write(lists / "train_9.txt", f"{TRAIN.removeprefix('train/')} 1\n{TRAIN[:-1].removeprefix('train/')}1 -1\n")
    write(lists / "DET_train_30classes.txt", f"{det} 1")
    image.unlink()
    return root


@pytest.fixture(scope="module")
def sound_tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tree(tmp_path_factory.mktemp("sound") / "ILSVRC2015")


@pytest.fixture
def tree(sound_tree: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(sound_tree, tmp_path / "ILSVRC2015"))


def check(root: Path, decode: bool = False, whole: bool = False, **known: object) -> CheckReport:
    findings = Findings()
    return check_tree(root, findings, decode=decode, whole=whole, **known)  # type: ignore[arg-type]


def test_a_sound_tree_gives_no_findings(sound_tree: Path) -> None:
    report = check(sound_tree, decode=True)
    assert list(report.findings) == []
    counts = {f"{s.kind} {s.name}": (s.folders, s.frames, s.empty_frames, s.boxes) for s in report.splits}
    assert counts["VID train"] == counts["VID val"] == (2, 2 * FRAMES, 2, 4 * (FRAMES - 1))
    assert counts["DET train"][1:] == (1, 0, 1)
    assert {s.name: s.boxes_of_class for s in report.splits}["val"] == {"car": 10, "dog": 10}


# -- planted faults, one by one ----------------------------------------------------------------------------------------


def xml(root: Path, number: int = 2, video: str = VAL) -> Path:
    return root / "Annotations/VID" / video / f"{number:06d}.xml"


def jpeg(root: Path, number: int = 2, video: str = VAL) -> Path:
    return root / "Data/VID" / video / f"{number:06d}.JPEG"


def edit(old: str, new: str, path: Callable[[Path], Path] = xml) -> Callable[[Path], object]:
    def plant(root: Path) -> None:
        text = path(root).read_text()
        assert old in text
        path(root).write_text(text.replace(old, new, 1))

    return plant


def listed(name: str) -> Callable[[Path], Path]:
    return lambda root: root / "ImageSets/VID" / name


def put(content: str | bytes, path: Callable[[Path], Path] = xml) -> Callable[[Path], object]:
    return lambda root: write(path(root), content)


def cut(path: Callable[[Path], Path], share: float = 0.6) -> Callable[[Path], object]:
    def plant(root: Path) -> None:
        content = path(root).read_bytes()
        path(root).write_bytes(content[: int(len(content) * share)])

    return plant


def plant_resized_image(root: Path) -> None:
    Image.new("RGB", (32, 24)).save(jpeg(root))


def plant_resized_frame(root: Path) -> None:
    Image.new("RGB", (80, 60)).save(jpeg(root))
    edit("<width>64</width>\n\t\t<height>48</height>", "<width>80</width>\n\t\t<height>60</height>")(root)


def plant_frame_removed(root: Path) -> None:
    xml(root).unlink()
    jpeg(root).unlink()


def plant_copied_snippet(root: Path) -> None:
    for part in ("Annotations", "Data"):
        shutil.copytree(root / part / "VID" / VAL, root / part / "VID/train/ILSVRC2015_VID_train_0000" / VAL[4:])
    rows = "".join(f"train/ILSVRC2015_VID_train_0000/{VAL[4:]} 1 {f} {FRAMES}\n" for f in (1, 4))
    path = root / "ImageSets/VID/VID_train_15frames.txt"
    path.write_text(path.read_text() + rows)


def plant_other_year(root: Path) -> None:
    for name in ("VID_val_videos.txt",):
        path = root / "ImageSets/VID" / name
        path.write_text(path.read_text().replace("ILSVRC2015", "ILSVRC2017"))


def plant_empty_snippet(root: Path) -> None:
    for part in ("Annotations", "Data"):
        (root / part / "VID/train/ILSVRC2015_VID_train_0000/ILSVRC2015_train_00000099").mkdir()


TWIN = object_xml(7, CAR, (40, 10, 64, 20.5))
TRAIN_LIST, VAL_LIST = listed("VID_train_15frames.txt"), listed("VID_val_videos.txt")
BOMB = '<!DOCTYPE a [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]>\n'
SOUND = annotation_xml("000002", object_xml())
FIRST = "<trackid>0</trackid>\n\t\t<name>n02084071</name>"

# name: what is done to the tree, the kind that is found, words of its line
FAULTS: dict[str, tuple[Callable[[Path], object], str, str]] = {
    "missing image": (lambda r: jpeg(r).unlink(), "frame-without-image", r"000002\.xml: no image"),
    "missing XML": (lambda r: xml(r).unlink(), "image-without-annotation", r"000002\.JPEG: no 000002\.xml"),
    "missing frame": (plant_frame_removed, "frame-gap", "frame 000002 missing"),
    "missing images": (lambda r: shutil.rmtree(jpeg(r).parent), "video-without-images", "6 XML files, no images"),
    "missing annotations": (lambda r: shutil.rmtree(xml(r).parent), "video-without-annotations", "6 images, no XML"),
    "no images at all": (lambda r: shutil.rmtree(r / "Data/VID/val"), "no-images", "Data/VID/val: no such folder"),
    "no annotations at all": (lambda r: shutil.rmtree(r / "Annotations/VID/val"), "no-annotations", "VID/val: no such"),
    "empty snippet": (plant_empty_snippet, "empty-video", "train_00000099: holds no frames"),
    "snippet in two splits": (plant_copied_snippet, "duplicate-video", "same name"),
    "stray file": (put("hi", lambda r: xml(r).parent / "notes.txt"), "unexpected-file", r"notes\.txt"),
    "stray file above": (put("hi", lambda r: r / "Data/VID/val/README"), "unexpected-file", "README"),
    "second image": (lambda r: shutil.copy(jpeg(r), jpeg(r).with_suffix(".jpg")), "duplicate-frame", "same frame"),
    "empty XML": (put(b""), "xml-empty", "000002.xml: empty"),
    "blank XML": (put(b" \n\n"), "xml-empty", "000002.xml: empty"),
    "truncated XML": (cut(xml), "xml-truncated", "cut off"),
    "binary XML": (put(bytes(range(256)) * 9), "xml-binary", "binary"),
    "image as XML": (lambda r: shutil.copy(jpeg(r), xml(r)), "xml-binary", "000002.xml"),
    "entity bomb": (put(BOMB + SOUND), "xml-entities", "entities"),
    "Latin-1 XML": (put(SOUND.replace(">x<", ">é<").encode("latin-1")), "xml-encoding", "not UTF-8"),
    "UTF-16 XML": (put(SOUND.encode("utf-16")), "xml-encoding", "UTF-8"),
    "declared encoding": (put('<?xml version="1.0" encoding="latin-1"?>\n' + SOUND), "xml-encoding", "latin-1"),
    "100 MB XML": (put(SOUND.encode() + b" " * (100 << 20)), "xml-too-large", "104.9 MB"),
    "malformed XML": (edit("</bndbox>", "</box>"), "xml-malformed", "not well-formed"),
    "no XML": (put("hello"), "xml-malformed", "not well-formed"),
    "other XML": (put("<html></html>"), "xml-malformed", "wanted <annotation>"),
    "coordinate no number": (edit("<xmin>5</xmin>", "<xmin>five</xmin>"), "xml-field", "object 0: <xmin> is 'five'"),
    "coordinate nan": (edit("<xmin>5</xmin>", "<xmin>nan</xmin>"), "xml-field", "object 0: <xmin> is 'nan'"),
    "no box": (edit("<ymax>48</ymax>", ""), "xml-field", "object 0: <bndbox> has no <ymax>"),
    "no size": (lambda r: edit("<size>", "<sized>")(r) or edit("</size>", "</sized>")(r), "xml-field", "no size"),
    "flag no flag": (edit("<occluded>0<", "<occluded>7<"), "xml-field", "<occluded> is '7'"),
    "other file name": (edit("<filename>000002<", "<filename>000003<"), "xml-filename", "'000003'"),
    "unknown class": (edit(f"<name>{DOG}<", "<name>n99999999<"), "unknown-class", "object 0: class 'n99999999'"),
    "inverted box": (edit("<xmin>5</xmin>", "<xmin>30</xmin>"), "inverted-box", r"object 0: corners \(30, 4, 22, 48\)"),
    "flat box": (edit("<xmin>5</xmin>", "<xmin>22</xmin>"), "zero-area-box", r"object 0: corners \(22, 4, 22, 48\)"),
    "box outside": (edit("<xmax>22</xmax>", "<xmax>65</xmax>"), "box-outside-image", "image 64x48"),
    "box far outside": (edit("<ymin>4</ymin>", "<ymin>-3</ymin>"), "box-outside-image", "image 64x48"),
    "track changes class": (
        edit(FIRST, FIRST.replace(DOG, CAR), lambda r: xml(r, 5)),
        "track-changes-class",
        r"000005\.xml: object 0: track 0 was dog, is car",
    ),
    "track twice in a frame": (edit("<trackid>1<", "<trackid>0<"), "duplicate-track", "object 1: track 0"),
    "object twice": (edit("</annotation>", TWIN + "</annotation>"), "duplicate-box", "object 2: the same box of"),
    "no track id": (edit("\t\t<trackid>0</trackid>\n", ""), "missing-track", "object 0: no <trackid>"),
    "size not the image's": (edit("<width>64<", "<width>60<"), "size-differs-from-image", "60x48, its image is 64x48"),
    "image not the size's": (plant_resized_image, "size-differs-from-image", "64x48, its image is 32x24"),
    "empty image": (put(b"", jpeg), "image-unreadable", "000002.JPEG: empty file"),
    "text as image": (put("hello" * 99, jpeg), "image-unreadable", "not a JPEG or PNG"),
    "truncated image": (cut(jpeg), "image-truncated", "end is missing"),
    "list: duplicate row": (edit(f"{VAL} 1 0 6\n", f"{VAL} 1 0 6\n" * 2, VAL_LIST), "list-duplicate-row", "line 2"),
    "list: no such snippet": (
        lambda r: write(r / "ImageSets/VID/mine.txt", f"{VAL} 1 2 6\n{VAL[:-1]}7 1 2 6\n"),
        "list-without-files",
        "line 2: 'val/ILSVRC2015_val_00000007'",
    ),
    "list: other year": (plant_other_year, "list-wrong-year", "2 of 2 rows name another year: 'val/ILSVRC2017"),
    "list: length": (edit(" 4 6\n", " 4 9\n", TRAIN_LIST), "list-length", "9 frames, the tree has 6"),
    "list: frame": (edit(" 4 6\n", " 6 6\n", TRAIN_LIST), "list-length", "frame 6 of"),
    "list: first frame": (edit(" 7 0 6", " 8 0 6", VAL_LIST), "list-first-frame", "wanted 7"),
    "list: columns": (edit(" 7 0 6", " 7 0", VAL_LIST), "list-row", "line 2: 3 columns, wanted 4"),
    "list: no number": (edit(" 1 4 6", " 1 x 6", TRAIN_LIST), "list-row", "wanted whole numbers"),
    "list: empty": (put("", listed("mine.txt")), "list-row", "empty"),
    "list: binary": (put(b"\xff\x00\xfe", listed("mine.txt")), "list-row", "not UTF-8"),
    "list: leads out": (put("../../etc/passwd 1\n", listed("mine.txt")), "list-row", "leads out"),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
def test_a_planted_fault_is_found_and_nothing_else(tree: Path, name: str) -> None:
    plant, kind, words = FAULTS[name]
    plant(tree)
    findings = list(check(tree).findings)
    assert [f.kind for f in findings] == [kind], findings
    told = f"{findings[0].place}: {findings[0].found}"
    assert re.search(words, told), told
    assert "\n" not in told
    assert len(told) < 300


def test_a_frame_of_another_size_than_the_others_is_told_where_it_starts_and_ends(tree: Path) -> None:
    plant_resized_frame(tree)
    findings = list(check(tree).findings)
    assert [f.kind for f in findings] == ["size-changes"] * 2
    assert "000002.xml" in findings[0].place
    assert "80x60" in findings[0].found


def test_a_snippet_that_the_list_passes_over_is_told(tree: Path) -> None:
    edit(f"{VAL[:-1]}1 7 0 6\n", "", listed("VID_val_videos.txt"))(tree)
    assert [(f.kind, f.place) for f in check(tree).findings] == [
        ("video-not-listed", "ImageSets/VID/VID_val_videos.txt")
    ]


def test_a_list_out_of_order_is_told(tree: Path) -> None:
    write(listed("VID_val_videos.txt")(tree), f"{VAL[:-1]}1 1 0 6\n{VAL} 7 0 6\n")
    assert [f.kind for f in check(tree).findings] == ["list-order"]


def test_frames_that_are_not_named_by_six_digits_are_told(tree: Path) -> None:
    for path in (xml(tree), jpeg(tree)):
        path.rename(path.with_stem("2"))
    edit("<filename>000002<", "<filename>2<", lambda r: xml(r).with_stem("2"))(tree)
    assert [f.kind for f in check(tree).findings] == ["frame-name"]


def test_damaged_pixels_are_found_when_images_are_decoded(tree: Path) -> None:
    Image.new("RGB", SIZE).save(jpeg(tree), "PNG")
    sound = jpeg(tree).read_bytes()
    jpeg(tree).write_bytes(sound.replace(b"IDAT", b"IDAX", 1))
    assert [f.kind for f in check(tree, decode=True).findings] == ["image-unreadable"]


def test_what_stands_behind_the_end_of_an_image_is_no_fault(tree: Path) -> None:
    jpeg(tree).write_bytes(jpeg(tree).read_bytes() + bytes(9000))
    assert list(check(tree).findings) == []


def test_an_image_that_would_fill_the_memory_is_a_finding(tree: Path) -> None:
    content = bytearray(jpeg(tree).read_bytes())
    start = content.index(b"\xff\xc0") + 5
    content[start : start + 4] = (60_000).to_bytes(2, "big") * 2
    jpeg(tree).write_bytes(bytes(content))
    assert [f.kind for f in check(tree).findings] == ["image-unreadable"]


def test_many_faults_at_once_are_all_found(tree: Path) -> None:
    """Faults in places of their own, each in another frame."""
    planted = ["missing image", "inverted box", "stray file", "list: empty"]
    for number, name in enumerate(planted):
        if name == "inverted box":
            edit("<xmin>6</xmin>", "<xmin>30</xmin>", lambda r: xml(r, 3))(tree)
        else:
            FAULTS[name][0](tree)
        assert len(check(tree).findings) == number + 1


def test_the_2017_names_are_as_good(tmp_path: Path, sound_tree: Path) -> None:
    for path in sound_tree.rglob("*"):
        if path.is_file():
            to = (
                tmp_path
                / "ILSVRC2017"
                / "ILSVRC"
                / str(path.relative_to(sound_tree)).replace("ILSVRC2015", "ILSVRC2017")
            )
            content = path.read_bytes()
            write(to, content.replace(b"ILSVRC2015", b"ILSVRC2017") if path.suffix in (".xml", ".txt") else content)
    assert list(check(tmp_path / "ILSVRC2017").findings) == []


def test_frames_in_a_tar_are_checked_too(tree: Path) -> None:
    import tarfile

    folder = jpeg(tree).parent
    edit("<width>64<", "<width>60<", lambda r: xml(r, 4))(tree)
    (folder / "000003.JPEG").unlink()
    with tarfile.open(folder.with_suffix(".tar"), "w") as tar:
        tar.add(folder, arcname=folder.name)
    shutil.rmtree(folder)
    assert [(f.kind, f.place[-10:]) for f in check(tree).findings] == [
        ("frame-without-image", "000003.xml"),
        ("size-differs-from-image", "000004.xml"),
    ]


@pytest.mark.parametrize(
    ("plant", "kind"),
    [
        (lambda path: path.write_text("<annotation>"), "xml-truncated"),
        (lambda path: path.write_text(path.read_text().replace("<xmax>20", "<xmax>90")), "box-outside-image"),
        (lambda path: path.write_text(path.read_text().replace("n07749582", "banana")), "unknown-class"),
        (lambda path: path.write_text(path.read_text().replace("<width>64", "<width>65")), "size-differs-from-image"),
        (lambda path: path.with_suffix(".txt").write_text(""), "unexpected-file"),
    ],
)
def test_det_is_checked_too(tree: Path, plant: Callable[[Path], object], kind: str) -> None:
    plant(tree / "Annotations/DET/train/ILSVRC2014_train_0000/ILSVRC2014_train_00000001.xml")
    assert [f.kind for f in check(tree).findings] == [kind]


@pytest.mark.parametrize("what", ["pipe", "dead link"])
def test_what_is_no_plain_file_is_a_finding_and_never_waited_for(tree: Path, what: str) -> None:
    for path, kind in ((xml(tree, 1), "unreadable"), (jpeg(tree, 3), "image-unreadable")):
        path.unlink()
        if what == "pipe":
            os.mkfifo(path)
        else:
            path.symlink_to("nowhere")
        assert kind in {f.kind for f in check(tree).findings}


def test_a_link_that_leads_back_ends(tree: Path) -> None:
    (tree / "Annotations/VID/val/loop").symlink_to(tree / "Annotations/VID/val", target_is_directory=True)
    assert {f.kind for f in check(tree).findings} >= {"duplicate-video"}


# -- the known counts --------------------------------------------------------------------------------------------------

KNOWN = KnownSplit(
    videos=2, frames=12, boxes=20, empty_frames=2, boxes_of_class=tuple([10 * (c in (6, 8)) for c in range(30)])
)


def test_a_whole_split_is_held_against_the_known_counts(tree: Path) -> None:
    assert list(check(tree, known_splits={"val": KNOWN}).findings) == []
    plant_frame_removed(tree)
    told = [f.found for f in check(tree, known_splits={"val": KNOWN}).findings if f.kind == "count-differs"]
    assert told == [
        "11 frames, the official split has 12",
        "18 boxes, the official split has 20",
        "9 boxes of car, the official split has 10",
        "9 boxes of dog, the official split has 10",
    ]


def test_a_subset_is_counted_not_reproached_unless_it_should_be_whole(sound_tree: Path) -> None:
    report = check(sound_tree)
    assert {s.name: s.known for s in report.splits if s.kind == "VID"} == KNOWN_SPLITS
    told = [f.found for f in check(sound_tree, whole=True).findings]
    assert "2 snippets, the official split has 555" in told
    assert "2 snippets, the official split has 3,862" in told
    assert len(told) == 2 * 2 + 2 + 30


def test_a_tree_of_another_kind_is_not_the_whole_of_vid(sound_tree: Path, tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    for place in ("Annotations/VID/val", "Data/VID/val"):
        shutil.copytree(sound_tree / place / Path(VAL).name, tree / place / "mine_0")
    report = check(tree)
    assert {s.name: s.known for s in report.splits} == {"val": None} and list(report.findings) == []
    told = [(f.place, f.found) for f in check(tree, whole=True).findings]
    assert ("VID val", "1 snippets, the official split has 555") in told
    assert ("VID train", "no such split, the official one has 3,862 snippets") in told


def test_duplicates_of_the_official_list_are_a_note(tree: Path) -> None:
    path = tree / "ImageSets/VID/DET_train_30classes.txt"
    path.write_text(f"{path.read_text()}\n" * 3)
    assert [f.kind for f in check(tree).findings] == ["list-duplicate-row"] * 2
    report = check(tree, known_lists=KNOWN_LISTS | {path.name: KnownList(3, 1)})
    assert list(report.findings) == []
    assert "2 rows come twice or more, as in the official list" in report.notes[0]


# -- what is no tree ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("made", ["nothing", "file", "empty folder"])
def test_what_is_no_tree_is_refused(tmp_path: Path, made: str) -> None:
    root = tmp_path / "root"
    if made == "file":
        root.write_text("")
    elif made == "empty folder":
        root.mkdir()
    with pytest.raises(AnnotationError, match=r"root: .*ILSVRC"):
        list_tree(root, Findings())


# -- findings ----------------------------------------------------------------------------------------------------------


def test_all_findings_are_counted_and_the_first_are_kept() -> None:
    findings = Findings(keep=2)
    for number in range(5):
        findings.add("zero-area-box", f"place {number}", "x")
    findings.add("frame-gap", "p", "line\nbreak \udcff")
    assert len(findings) == 6
    assert findings.counts["zero-area-box"] == 5
    assert [f.place for f in findings] == ["p", "place 0", "place 1"]
    assert [f.severity for f in findings] == ["error", "warning", "warning"]
    assert findings.of("frame-gap")[0].found == r"line\nbreak \udcff"
    findings.add("list-row", "p" * 10_000, "f" * 1_000_000)
    assert [len(findings.of("list-row")[0].place), len(findings.of("list-row")[0].found)] == [301, 301]
    with pytest.raises(KeyError):
        findings.add("nonsense", "", "")


def test_every_kind_is_explained_in_the_docs() -> None:
    text = (Path(__file__).parents[2] / "docs" / "checking_data.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `([a-z-]+)` \|", text, re.MULTILINE)) == set(KINDS)


# -- boxes and tracks, against a loop ----------------------------------------------------------------------------------


def faults_naively(x: Instances, slack: float) -> Counter[tuple[str, int]]:
    found: Counter[tuple[str, int]] = Counter()
    last_class: dict[tuple[int, int], int] = {}
    changed, seen_tracks, seen_boxes = set(), set(), {}
    for row in range(len(x.class_id)):
        video, frame, track, class_id = int(x.video[row]), int(x.frame[row]), int(x.track_id[row]), int(x.class_id[row])
        x1, y1, x2, y2 = x.box[row].tolist()
        width, height = x.size[row].tolist()
        if not all(np.isfinite([x1, y1, x2, y2])):
            found["box-not-finite", row] += 1
        elif x2 < x1 or y2 < y1:
            found["inverted-box", row] += 1
        else:
            if x2 == x1 or y2 == y1:
                found["zero-area-box", row] += 1
            if width and height and (x1 < 0 or y1 < 0 or x2 > width + slack or y2 > height + slack):
                found["box-outside-image", row] += 1
        if track >= 0 and (video, frame, track) in seen_tracks:
            found["duplicate-track", row] += 1
        elif track >= 0 and class_id >= 0:
            before = last_class.setdefault((video, track), class_id)
            if before != class_id and (video, track) not in changed:
                changed.add((video, track))
                found["track-changes-class", row] += 1
            last_class[video, track] = class_id
        seen_tracks.add((video, frame, track))
        key = (video, frame, class_id, x1, y1, x2, y2)
        if class_id >= 0 and key in seen_boxes and (seen_boxes[key] != track or track < 0):
            found["duplicate-box", row] += 1
        seen_boxes[key] = track
    return found


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("n", [0, 1, 2, 60])
def test_faults_of_boxes_equal_those_of_a_loop(seed: int, n: int) -> None:
    rng = np.random.default_rng(seed)
    corner = rng.integers(-1, 8, (n, 2))
    box = np.concatenate([corner, corner + rng.integers(-1, 6, (n, 2))], axis=1).astype(np.float64)
    box[rng.random(n) < 0.05, rng.integers(4)] = rng.choice([np.nan, np.inf])
    video = np.sort(rng.integers(0, 2, n))
    frame = np.concatenate([np.sort(rng.integers(0, 5, int((video == v).sum()))) for v in (0, 1)]).astype(np.int64)
    x = Instances(
        video=video,
        frame=frame,
        box=box,
        class_id=rng.integers(-1, 3, n),
        track_id=rng.integers(-1, 3, n),
        size=rng.choice([0, 9, 12], (n, 1)).repeat(2, axis=1),
    )
    for slack in (0, 1):
        found = Counter((kind, row) for kind, row, _ in instance_faults(x, str, slack))
        assert found == faults_naively(x, slack)


# -- an index ----------------------------------------------------------------------------------------------------------


def test_a_sound_index_gives_no_findings() -> None:
    findings = Findings()
    report = check_index(make_index(), "i.h5", findings)
    assert {f.kind for f in findings} <= {"box-outside-image"}
    assert report.splits[0].boxes == make_index().n_instances
    assert report.notes == ("the index doesn't know where its frames are",)


def test_faults_of_an_index_are_found_at_their_place(tmp_path: Path) -> None:
    import dataclasses

    index = make_index()
    box, number, class_id = index.box.copy(), index.frame_number.copy(), index.class_id.copy()
    box[:] = [10, 10, 20, 20]
    box[3] = [30, 10, 20, 20]
    number[20:] += 4
    number[24:] -= 4
    (tmp_path / "a").mkdir()
    files = FrameFiles(str(tmp_path), (FOLDER, FOLDER, ""), ("a", "b", ""), ("{:06d}.JPEG",) * 3)
    track = np.arange(index.n_instances, dtype=np.int32)
    faulty = dataclasses.replace(index, box=box, frame_number=number, class_id=class_id, track_id=track, files=files)
    findings = Findings()
    report = check_index(faulty, "i.h5", findings)
    kinds = Counter(f.kind for f in findings)
    assert kinds.pop("duplicate-box", 0) >= 0  # where two of the equal boxes share frame and class
    assert kinds == {"inverted-box": 1, "frame-gap": 1, "source-missing": 1, "frame-without-image": 12}
    frame = index.instance_frame[3]
    place = (
        f"{index.video_name[index.frame_video[frame]]}, frame {number[frame]}, object {3 - index.instance_start[frame]}"
    )
    assert findings.of("inverted-box")[0].place == place
    assert findings.of("frame-gap")[0].found == "frames 8 to 11 missing"
    assert findings.of("source-missing")[0].place == "video_0001"
    assert report.notes == ("1 videos without known frames",)


def test_a_sampled_index_has_gaps_by_intent() -> None:
    import dataclasses

    index = make_index(tracks=0)
    findings = Findings()
    report = check_index(dataclasses.replace(index, frame_number=index.frame_number * 20 + 10), "i.h5", findings)
    assert list(findings) == []
    assert report.notes[0] == "3 videos hold sampled frames (3 with step 20): gaps in them are no findings"


def test_frames_of_an_index_are_decoded_when_asked_for(tree: Path) -> None:
    from vidkit.data.records import VideoFiles, VideoTable
    from vidkit.data.stack import build_index

    nothing = np.zeros(0, np.int16)
    table = VideoTable(
        name="a",
        frame_number=np.arange(FRAMES, dtype=np.int32),
        instance_count=np.zeros(FRAMES, np.int32),
        box=np.zeros((0, 4)),
        class_id=nothing,
        track_id=nothing,
        occluded=nothing.astype(bool),
        generated=nothing.astype(bool),
        size=SIZE,
        files=VideoFiles(FOLDER, f"Data/VID/{VAL}", "{:06d}.JPEG"),
    )
    index = build_index([table], (), "d", "s", str(tree))
    for decode in (False, True):
        findings = Findings()
        check_index(index, "i.h5", findings, decode=decode)
        assert list(findings) == []
    plant_resized_image(tree)
    check_index(index, "i.h5", findings, decode=True)
    assert [(f.kind, f.place) for f in findings] == [("image-unreadable", "a, frame 2")]


# -- real data ---------------------------------------------------------------------------------------------------------


def test_the_real_snippets_are_sound_and_their_lists_name_the_rest(shared_data: Path) -> None:
    report = check(shared_data / "ilsvrc", decode=True)
    assert {f"{s.name}": (s.folders, s.frames, s.boxes) for s in report.splits} == {
        "train": (1, 48, 48),
        "val": (1, 101, 101),
    }
    assert dict(report.findings.counts) == {"list-without-files": 3861 + 554, "list-length": 1}
    assert "53,237 still images" in report.notes[0]
