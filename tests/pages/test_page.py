from html.parser import HTMLParser
from pathlib import Path

import pytest
from PIL import Image

from vidkit.pages.page import CodeBlock, Heading, Paragraph, Picture, Table, to_html, to_markdown

TABLE = Table(("name", "what", "number"), (("a", "b", "1"), ("c", "", "22")), left=2)


class Balance(HTMLParser):
    """Tags that are opened must be closed, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, _attributes: object) -> None:
        if tag not in ("meta", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_html_is_well_formed_and_holds_its_pictures(tmp_path):
    Image.new("RGB", (4, 3)).save(tmp_path / "p.png")
    blocks = [
        Heading("A < B"),
        Paragraph("loud & clear", loud=True),
        TABLE,
        CodeBlock(("x > y", "z")),
        Picture(tmp_path / "p.png", "a"),
    ]
    page = to_html("A & B", blocks)
    balance = Balance()
    balance.feed(page)
    assert balance.open == []
    assert "<title>A &amp; B</title>" in page
    assert "x &gt; y\nz" in page
    assert 'src="data:image/png;base64,iVBOR' in page


def test_columns_are_aligned_as_told():
    page = to_html("t", [TABLE])
    assert '<td class="left">a</td><td class="left">b</td><td class="number">1</td>' in page
    assert to_markdown("t", [TABLE], Path()).splitlines()[3] == "| --- | --- | ---: |"


def test_markdown_names_pictures_relative_to_its_folder():
    assert "![so](figures/p.png)" in to_markdown("t", [Picture(Path("/out/figures/p.png"), "so")], Path("/out"))


@pytest.mark.parametrize("text", ["a|b", "a\nb", "*a*", "[a](b)", "<a>", "`a`"])
def test_cells_never_break_a_markdown_table(text):
    lines = to_markdown("t", [Table(("x",), ((text,),))], Path()).splitlines()
    assert len(lines) == 5
    assert lines[-1].startswith("| ")
    assert lines[-1].replace("\\|", "").count("|") == 2


def test_a_picture_that_is_missing_is_an_error(tmp_path):
    with pytest.raises(OSError, match=r"none\.png"):
        to_html("t", [Picture(tmp_path / "none.png", "gone")])
