"""Sphinx configuration: `make docs` builds the pages into build/docs."""

project = "vidkit"
author = "The vidkit authors"
extensions = ["myst_parser"]
html_theme = "furo"
myst_enable_extensions = ["dollarmath", "colon_fence"]
myst_heading_anchors = 3
