"""The annotation of a frame as ILSVRC writes it: XML, inclusive corners in whole pixels from 0, xmax before xmin."""

from collections.abc import Iterable
from typing import NamedTuple
from xml.sax.saxutils import escape


class XmlObject(NamedTuple):
    """An object of a frame."""

    track: int  # -1: none
    wnid: str
    box: tuple[int, int, int, int]  # vidkit's convention: x2, y2 exclusive
    occluded: bool
    generated: bool = False


def annotation_xml(
    folder: str, filename: str, database: str, size: tuple[int, int], objects: Iterable[XmlObject]
) -> str:
    """The file of a frame whose image is `filename` in `folder`, of `size` (width, height) in pixels."""
    return (
        "<annotation>\n"
        f"\t<folder>{escape(folder)}</folder>\n"
        f"\t<filename>{escape(filename)}</filename>\n"
        f"\t<source>\n\t\t<database>{escape(database)}</database>\n\t</source>\n"
        f"\t<size>\n\t\t<width>{size[0]}</width>\n\t\t<height>{size[1]}</height>\n\t</size>\n"
        + "".join(_xml(item) for item in objects)
        + "</annotation>\n"
    )


def _xml(item: XmlObject) -> str:
    x1, y1, x2, y2 = item.box
    track = f"\t\t<trackid>{item.track}</trackid>\n" if item.track >= 0 else ""
    return (
        f"\t<object>\n{track}"
        f"\t\t<name>{escape(item.wnid)}</name>\n"
        "\t\t<bndbox>\n"
        f"\t\t\t<xmax>{x2 - 1}</xmax>\n\t\t\t<xmin>{x1}</xmin>\n\t\t\t<ymax>{y2 - 1}</ymax>\n\t\t\t<ymin>{y1}</ymin>\n"
        "\t\t</bndbox>\n"
        f"\t\t<occluded>{int(item.occluded)}</occluded>\n"
        f"\t\t<generated>{int(item.generated)}</generated>\n"
        "\t</object>\n"
    )
