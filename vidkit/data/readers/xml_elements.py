"""Large XML files of strangers, one element at a time, and nothing in them that could do more than hold annotations."""

import io
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path

from vidkit.data.annotation import read_bytes
from vidkit.errors import AnnotationError
from vidkit.reading_door import reading

MAX_BYTES = 1 << 30
_ENCODING = re.compile(rb"""(?:\xef\xbb\xbf)?\s*<\?xml[^>]*encoding=["']([^"']*)""")


def elements_of(path: Path, root_tag: str) -> Iterator[ET.Element]:
    """The elements right below the root of the XML file at `path`; each is emptied once the next is asked for.

    Raises AnnotationError for what isn't well-formed XML in UTF-8 with this root element, and for document types and
    entities, before a parser sees them.
    """
    with reading(path, AnnotationError, f"XML with the root element <{root_tag}>"):
        data = read_bytes(path, limit=MAX_BYTES)
        declared = _ENCODING.match(data)
        if b"\0" in data or (declared and declared[1].lower() not in (b"utf-8", b"utf8", b"us-ascii", b"ascii")):
            raise AnnotationError("not in UTF-8")
        if b"<!DOCTYPE" in data or b"<!ENTITY" in data:
            raise AnnotationError("declares a document type or entities; annotations have none")
        depth, root = 0, ET.Element("")
        for event, element in ET.iterparse(io.BytesIO(data), ("start", "end")):
            depth += 1 if event == "start" else -1
            if depth == 1 and event == "start":
                root = element
                if root.tag != root_tag:
                    raise AnnotationError(f"the root element is <{root.tag[:60]}>")
            elif depth == 1:
                yield element
                root.clear()
