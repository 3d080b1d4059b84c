"""One annotation file of ILSVRC (PASCAL VOC's XML form): bytes → size and objects.

There are two readers of the same rules. The fast one is a regular expression over the bytes that recognises a *whole*
file in the form in which the data set was written (whatever the order of the elements in an object) or nothing; all
else goes to the slow one, over ElementTree, which also words the errors. Both give the texts of the same elements, and
what a text may be is written down once, in the patterns below, so that the fast reader can't accept what the slow one
would read otherwise.
"""

import os
import re
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import NamedTuple

from vidkit.errors import AnnotationError

MAX_BYTES = 1 << 20
"""Larger files are refused unread; the largest of ILSVRC has some ten thousand bytes."""
MAX_COORDINATE = 1e6
_FIRST_READ = 1 << 14
_OPEN_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0)  # opening a pipe mustn't wait for someone to write into it

Text = bytes | None


class BadAnnotation(AnnotationError):
    """A file that isn't an annotation at all; `kind` says in a word why."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class ObjectTexts(NamedTuple):
    """The texts of one `<object>`, checked but not converted; None where an optional element is absent."""

    trackid: Text
    name: bytes
    xmax: bytes
    xmin: bytes
    ymax: bytes
    ymin: bytes
    occluded: Text
    generated: Text
    subcategory: Text


class Annotation(NamedTuple):
    """What one file says: `size` is width, height (0 where it isn't told); objects in the order of the file."""

    size: tuple[int, int]
    objects: list[tuple[Text, ...]]  # fields of ObjectTexts; plain tuples, because there are millions


def read_bytes(name: str | Path, folder: int | None = None, limit: int = MAX_BYTES) -> bytes:
    """The content of a file; `name` is relative to the open folder `folder` if that is given.

    Raises AnnotationError, without the path, if it isn't a readable plain file of at most `limit` bytes. No more than
    that is ever read; the size is asked for only where a first small read doesn't reach the end, which saves a third of
    the time for the files of ILSVRC.
    """
    try:
        file = os.open(name, _OPEN_FLAGS, dir_fd=folder)
    except OSError as error:
        raise BadAnnotation("unreadable", f"can't be read: {error.strerror}") from None
    try:
        data = os.read(file, _FIRST_READ)
        if len(data) < _FIRST_READ:
            return data
        size = os.fstat(file).st_size
        if size > limit:
            what = f"{size / 1e6:.1f} MB; a file of this kind has at most {limit / 1e6:.1f} MB"
            raise BadAnnotation("too-large", what)
        return data + os.read(file, max(size - len(data), 0) + 1)
    except OSError as error:
        raise BadAnnotation("unreadable", f"can't be read: {error.strerror}") from None
    finally:
        os.close(file)


def read_annotation(path: Path) -> Annotation:
    """What the annotation file at `path` says. Raises AnnotationError."""
    try:
        return parse_annotation(read_bytes(path))
    except AnnotationError as error:
        raise AnnotationError(f"{path}: {error}") from None


def parse_annotation(data: bytes) -> Annotation:
    """What the bytes of one annotation file say. Raises AnnotationError, without a path."""
    return _parse_canonical(data) or parse_any(data)


# -- the texts ---------------------------------------------------------------------------------------------------------

# Runs of characters are possessive (a + behind the quantifier): what they took is never given back, which is faster.
_COORDINATE = rb"\d{1,6}+(?:\.\d{1,17}+)?"
_TRACK, _FLAG, _LENGTH, _NAME = rb"\d{1,9}+", rb"[01]", rb"\d{1,6}+", rb"[\w.-]{1,64}+"
_TEXT = {
    "trackid": (_TRACK, "a whole number from 0 to 999999999"),
    "occluded": (_FLAG, "0 or 1"),
    "generated": (_FLAG, "0 or 1"),
    "width": (_LENGTH, "a whole number of pixels"),
    "height": (_LENGTH, "a whole number of pixels"),
    # The slow reader also takes signs, exponents and names in other scripts: rare, and none of the fast one's business.
    "name": (rb"[^\x00-\x1f]{1,256}", "a name of at most 256 bytes"),
    "subcategory": (rb"[^\x00-\x1f]{1,256}", "a name of at most 256 bytes"),
}
_NUMBER = rb"[+-]?(?:\d{1,20}(?:\.\d{0,30})?|\.\d{1,30})(?:[eE][+-]?\d{1,3})?"

# -- the fast reader ---------------------------------------------------------------------------------------------------

_S = rb"[ \t\r\n]*+"


def _leaf(tag: str, text: bytes) -> bytes:
    return rb"<%b>(%b)</%b>" % (tag.encode(), text, tag.encode())


def _any_of(*patterns: bytes) -> bytes:
    return rb"(?:" + rb"|".join(patterns) + rb")"


_OPTIONAL_WORDS = rb"(?:<%b>[\w./ :-]{0,256}+</%b>" + _S + rb")?"
_HEAD = re.compile(
    rb"""(?:<\?xml version=["']1\.0["'](?: encoding=["'](?:utf|UTF)-8["'])?\?>)?"""
    + _S
    + rb"<annotation>"
    + _S
    + _OPTIONAL_WORDS % (b"folder", b"folder")
    + _OPTIONAL_WORDS % (b"filename", b"filename")
    + rb"(?:<source>%b%b</source>%b)?" % (_S, _OPTIONAL_WORDS % (b"database", b"database"), _S)
    + rb"(?:<size>%b%b%b%b%b(?:<depth>\d{1,3}+</depth>%b)?</size>%b)?"
    % (_S, _leaf("width", _LENGTH), _S, _leaf("height", _LENGTH), _S, _S, _S)
    + rb"(?:<segmented>[01]</segmented>%b)?" % _S
)
_CORNER_ORDER = ("xmax", "xmin", "ymax", "ymin")
# An object in the order in which VID is written, which is most of the data: no choices to make, each element once.
_OBJECT_OF_VID = re.compile(
    _S.join(
        (
            rb"<object>",
            _leaf("trackid", _TRACK),
            _leaf("name", _NAME),
            rb"<bndbox>",
            *(_leaf(tag, _COORDINATE) for tag in _CORNER_ORDER),
            rb"</bndbox>",
            _leaf("occluded", _FLAG),
            _leaf("generated", _FLAG),
            rb"(?:%b)?" % _leaf("subcategory", _NAME),
            rb"</object>",
            rb"",
        )
    )
)
# Four corners in four groups, each at most once because there are four in all. The other elements may be any; that none
# stands twice is seen from the number of closing tags.
_CORNERS = rb"(?:%b%b){4}" % (_any_of(*(_leaf(tag, _COORDINATE) for tag in _CORNER_ORDER)), _S)
_OBJECT = re.compile(
    rb"<object>%b(?:%b%b){2,6}</object>%b"
    % (
        _S,
        _any_of(
            _leaf("trackid", _TRACK),
            _leaf("name", _NAME),
            rb"<bndbox>%b%b</bndbox>" % (_S, _CORNERS),
            _leaf("occluded", _FLAG),
            _leaf("generated", _FLAG),
            _leaf("subcategory", _NAME),
        ),
        _S,
        _S,
    )
)
_TAIL = re.compile(rb"</annotation>" + _S)
_CLOSING_TAGS_BESIDE_LEAVES = 2  # </bndbox>, </object>


def _parse_canonical(data: bytes) -> Annotation | None:
    """What the file says if it has the usual form from the first to the last byte, else None."""
    head = _HEAD.match(data)
    if head is None:
        return None
    objects, at = [], head.end()
    while True:
        if found := _OBJECT_OF_VID.match(data, at):
            objects.append(found.groups())
        elif found := _OBJECT.match(data, at):
            texts = found.groups()
            absent = texts.count(None)
            if data.count(b"</", at, found.end()) != len(texts) - absent + _CLOSING_TAGS_BESIDE_LEAVES:
                return None  # an element stands twice
            if absent and None in texts[1:6]:
                return None  # a name or a corner is missing
            objects.append(texts)
        else:
            break
        at = found.end()
    if _TAIL.fullmatch(data, at) is None:
        return None
    width, height = head.groups()
    return Annotation((int(width or 0), int(height or 0)), objects)


# -- the slow reader ---------------------------------------------------------------------------------------------------


def parse_any(data: bytes) -> Annotation:
    """The same as `parse_annotation` for any well-formed file, by ElementTree alone."""
    root = _root(data)
    size = _only(root, "size")
    lengths = (0, 0) if size is None else tuple(int(_text(size, side) or 0) for side in ("width", "height"))
    objects: list[tuple[Text, ...]] = []
    for number, element in enumerate(root.findall("object")):
        try:
            objects.append(_object_texts(element))
        except AnnotationError as error:
            raise AnnotationError(f"object {number}: {error}") from None
    return Annotation((lengths[0], lengths[1]), objects)


def _root(data: bytes) -> ET.Element:
    """The root of an annotation, refusing what is no XML, or XML that could do more than hold annotations."""
    if not data.strip():
        raise BadAnnotation("empty", "empty file")
    if b"\0" in data:
        what = "binary data, or text in an encoding other than UTF-8; XML in UTF-8 was wanted"
        raise BadAnnotation(_kind_of_bytes(data), what)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadAnnotation(_kind_of_bytes(data), f"not UTF-8 at byte {error.start}") from None
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise BadAnnotation("entities", "declares a document type or entities; annotations have none")
    declared = re.match(r"""\ufeff?<\?xml[^>]*encoding=["']([^"']*)""", text)
    if declared and declared[1].lower() not in ("utf-8", "utf8", "us-ascii", "ascii"):
        raise BadAnnotation("encoding", f"declares the encoding {declared[1]!r}; UTF-8 was wanted")
    try:
        root = ET.fromstring(data)
    except (ET.ParseError, ValueError, LookupError) as error:
        cut = "<annotation" in text and "</annotation>" not in text
        what = f"not well-formed XML, or cut off: {error}"
        raise BadAnnotation("truncated" if cut else "malformed", what) from None
    if root.tag != "annotation":
        raise BadAnnotation("malformed", f"the root element is <{root.tag[:60]}>, wanted <annotation>")
    return root


def _kind_of_bytes(data: bytes) -> str:
    """Whether bytes that aren't UTF-8 text are text in another encoding, or none."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff", b"<\0", b"\0<")):
        return "encoding"  # UTF-16
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return "encoding" if b"<annotation" in data else "binary"
    return "binary"


def _object_texts(element: ET.Element) -> ObjectTexts:
    box = _only(element, "bndbox")
    name = _text(element, "name")
    if name is None or box is None:
        raise AnnotationError(f"has no <{'name' if name is None else 'bndbox'}>")
    return ObjectTexts(
        trackid=_text(element, "trackid"),
        name=name,
        xmax=_coordinate(box, "xmax"),
        xmin=_coordinate(box, "xmin"),
        ymax=_coordinate(box, "ymax"),
        ymin=_coordinate(box, "ymin"),
        occluded=_text(element, "occluded"),
        generated=_text(element, "generated"),
        subcategory=_text(element, "subcategory"),
    )


def _only(parent: ET.Element, tag: str) -> ET.Element | None:
    """The one child of this tag, None if there is none; an error if there are several."""
    found = parent.findall(tag)
    if len(found) > 1:
        raise AnnotationError(f"<{tag}> stands {len(found)} times")
    return found[0] if found else None


def _raw_text(parent: ET.Element, tag: str) -> bytes | None:
    element = _only(parent, tag)
    if element is None:
        return None
    if len(element):
        raise AnnotationError(f"<{tag}> holds other elements, wanted text")
    return (element.text or "").strip(" \t\r\n").encode()


def _text(parent: ET.Element, tag: str) -> bytes | None:
    text = _raw_text(parent, tag)
    pattern, wanted = _TEXT[tag]
    if text is not None and re.fullmatch(pattern, text) is None:
        raise AnnotationError(f"<{tag}> is {text[:60].decode(errors='replace')!r}, wanted {wanted}")
    return text


def _coordinate(box: ET.Element, tag: str) -> bytes:
    text = _raw_text(box, tag)
    if text is None:
        raise AnnotationError(f"<bndbox> has no <{tag}>")
    if re.fullmatch(_NUMBER, text) is None or abs(float(text)) > MAX_COORDINATE:
        raise AnnotationError(
            f"<{tag}> is {text[:60].decode(errors='replace')!r}, wanted a number of pixels within ±{MAX_COORDINATE:.0f}"
        )
    return text
