"""A page of text, tables and pictures: as Markdown that names its pictures, and as HTML that holds them."""

import re
from base64 import b64encode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from vidkit.safe_text import printable, printable_lines


@dataclass(frozen=True)
class Heading:
    """The title of a section."""

    text: str


@dataclass(frozen=True)
class Paragraph:
    """A paragraph; `loud` is for what must not be overlooked."""

    text: str
    loud: bool = False


@dataclass(frozen=True)
class CodeBlock:
    """Lines that are shown as they are: commands."""

    lines: tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """Cells of text; the first `left` columns are aligned to the left, the others, numbers mostly, to the right."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    left: int = 1


@dataclass(frozen=True)
class Picture:
    """A PNG, `width` inches wide on paper."""

    path: Path
    text: str
    """What it shows, for whoever doesn't see it."""
    width: float = 3.5


Block = Heading | Paragraph | CodeBlock | Table | Picture


def to_markdown(title: str, blocks: Iterable[Block], folder: Path) -> str:
    """A page for `folder`, to which the paths of its pictures are made relative."""
    return "\n".join([f"# {_inline(title)}\n", *(_markdown(block, folder) for block in blocks)])


def _markdown(block: Block, folder: Path) -> str:
    match block:
        case Heading(text):
            return f"## {_inline(text)}\n"
        case Paragraph(text, loud):
            return f"**{_inline(text)}**\n" if loud else f"{_inline(text)}\n"
        case CodeBlock(lines):
            return "```\n" + "".join(f"{printable(line)}\n" for line in lines) + "```\n"
        case Picture(path, text):
            return f"![{_inline(text)}]({path.relative_to(folder).as_posix()})\n"
        case Table():
            return table_to_markdown(block)


def table_to_markdown(table: Table) -> str:
    """A table alone."""
    rule = ["---"] * table.left + ["---:"] * (len(table.columns) - table.left)
    lines = [[_inline(cell) for cell in line] for line in (table.columns, *table.rows)]
    lines.insert(1, rule)
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _inline(text: str) -> str:
    """Text that Markdown shows as it is: in one line, with nothing of its own in it."""
    return re.sub(r"([\\`*_<>\[\]|])", r"\\\1", printable(" ".join(text.split())))


def _shown(text: str) -> str:
    """Text that HTML shows as it is; line ends stay."""
    return escape(printable_lines(text))


def to_html(title: str, blocks: Iterable[Block]) -> str:
    """A page in one piece: style and pictures are part of it. OSError if a picture can't be read."""
    body = "\n".join(_html(block) for block in blocks)
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{_shown(title)}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n"
        f"<h1>{_shown(title)}</h1>\n{body}\n</body>\n</html>\n"
    )


STYLE = """\
body { font: 16px/1.5 system-ui, sans-serif; color: #111; background: #fff; max-width: 60rem; margin: 2rem auto;
       padding: 0 1rem; }
h1 { font-size: 1.6rem; line-height: 1.25; }
h2 { font-size: 1.2rem; margin-top: 2.2rem; border-bottom: 1px solid #ccc; break-after: avoid; }
div.table { overflow-x: auto; margin: 1rem 0; }
table { border-collapse: collapse; font-size: 0.9rem; font-variant-numeric: tabular-nums; }
th, td { padding: 0.2rem 0.7rem 0.2rem 0; text-align: right; vertical-align: top; border-bottom: 1px solid #ddd; }
th { border-bottom: 1px solid #555; vertical-align: bottom; }
th.left, td.left { text-align: left; }
td.left { overflow-wrap: break-word; max-width: 28rem; }
th.number, td.number { white-space: nowrap; }
tr { break-inside: avoid; }
img { max-width: 100%; height: auto; display: block; margin: 1rem 0; }
pre { font-size: 0.75rem; line-height: 1.4; background: #f5f5f5; padding: 0.7rem; white-space: pre-wrap;
      overflow-wrap: anywhere; }
p.loud { font-weight: bold; border: 2px solid #D55E00; padding: 0.5rem 0.8rem; }
@page { size: A4; margin: 1.8cm 1.5cm; }
@media print { body { font-size: 10pt; max-width: none; margin: 0; padding: 0; } table { font-size: 7.5pt; }
               th, td { padding-right: 0.5rem; } pre { font-size: 6pt; }
               div.table { overflow: visible; break-inside: avoid; }
               img { max-height: 23cm; object-fit: contain; object-position: left; } }
"""


def _html(block: Block) -> str:
    match block:
        case Heading(text):
            return f"<h2>{_shown(text)}</h2>"
        case Paragraph(text, loud):
            return f"<p class='loud'>{_shown(text)}</p>" if loud else f"<p>{_shown(text)}</p>"
        case CodeBlock(lines):
            return f"<pre>{_shown(chr(10).join(lines))}</pre>"
        case Picture(path, text, width):
            data = b64encode(path.read_bytes()).decode("ascii")
            return f'<img src="data:image/png;base64,{data}" alt="{_shown(text)}" style="width: {width:g}in">'
        case Table(columns, rows, left):
            head = _row("th", columns, left)
            return (
                f'<div class="table"><table>\n<thead>{head}</thead>\n<tbody>\n'
                + "\n".join(_row("td", row, left) for row in rows)
                + "\n</tbody></table></div>"
            )


def _row(cell: str, values: Sequence[str], left: int) -> str:
    kinds = ["left" if place < left else "number" for place in range(len(values))]
    cells = (f'<{cell} class="{kind}">{_shown(value)}</{cell}>' for kind, value in zip(kinds, values, strict=True))
    return f"<tr>{''.join(cells)}</tr>"
