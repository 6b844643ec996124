"""The start page over all editions; plain text work, so that it costs no imports."""

from __future__ import annotations

import html
from pathlib import Path
from string import Template

from missing_lib.book.layout import Layout

#: The template, beside the style sheets.
START_PAGE = "start.html"


def write_start_page(layout: Layout, titles: dict[str, str]) -> Path:
    """One page over all editions that have been built.

    Parameters
    ----------
    titles : dict
        Folder name of an edition to what stands on the page.
    """
    template = Template((layout.root / "_static" / START_PAGE).read_text(encoding="utf-8"))
    items = "\n".join(_item(folder, title) for folder, title in sorted(titles.items()))
    page = layout.build / "index.html"
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(template.substitute(editions=items), encoding="utf-8", newline="\n")
    return page


def _item(folder: str, title: str) -> str:
    mark = "<span>Made-up data: nobody in it exists.</span>" if "(synthetic)" in title else ""
    address = f"{html.escape(folder)}/html/index.html"
    return f'<li><a href="{address}">{html.escape(title)}</a>{mark}</li>'
