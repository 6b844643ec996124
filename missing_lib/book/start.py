"""The start page over all editions; plain text work, so that it costs no imports."""

from __future__ import annotations

import html
from string import Template

from missing_lib.book.layout import Edition, Layout
from missing_lib.force.spec import ForceFile

#: The template, beside the style sheets.
START_PAGE = "start.html"

#: What is said under the title of an edition, by the kind of its force file.
NOTES = {
    "synthetic": "Made-up data: nobody in it exists.",
    "official": "Official statistics on looked-after children; no police records.",
}


def people_of(force: ForceFile, population: str) -> str:
    """Whom or what an edition is about.

    Examples
    --------
    >>> people_of(ForceFile(code="england", name="England", kind="official"), "children")
    'national context'
    """
    return "national context" if force.official else population


def write_title(edition: Edition, force: ForceFile) -> None:
    """Keep beside a book what the start page says of it: its title, and its kind."""
    title = f"{force.name}: {people_of(force, edition.population)}"
    (edition.folder / "title").write_text(f"{title}\n{force.kind}", encoding="utf-8")


def write_start_page(layout: Layout) -> None:
    """One page over all editions that have a book; none where there is no book yet."""
    titles = {
        p.parent.name: p.read_text(encoding="utf-8")
        for p in layout.build.glob("*/title")
        if (p.parent / "html" / "index.html").exists()
    }
    if not titles:
        return
    template = Template((layout.root / "_static" / START_PAGE).read_text(encoding="utf-8"))
    forces_first = sorted(titles.items(), key=lambda one: (one[1].endswith("\nofficial"), one))
    items = "\n".join(_item(folder, title) for folder, title in forces_first)
    page = layout.build / "index.html"
    page.write_text(template.substitute(editions=items), encoding="utf-8", newline="\n")


def _item(folder: str, about: str) -> str:
    title, _, kind = about.partition("\n")
    note = f'<span class="{kind}">{NOTES[kind]}</span>' if kind in NOTES else ""
    address = f"{html.escape(folder)}/html/index.html"
    return f'<li><a href="{address}">{html.escape(title)}</a>{note}</li>'
