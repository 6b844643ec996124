"""What a folder is scanned for before it may leave, and what the book holds for any force."""

from __future__ import annotations

import datetime as dt
import filecmp
import importlib.util
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from missing_lib.book.layout import Edition, Layout
from missing_lib.book.shown_tests import texts_shown
from missing_lib.book.sources import Sources
from missing_lib.force import traces
from missing_lib.force.errors import DisclosureError
from missing_lib.force.places import restricted_folder
from missing_lib.force.spec import ForceFile
from missing_lib.release import scan
from missing_lib.release.machine import this_machine

#: What a page is made of beside the text of the chapters, by package: templates and writers.
_THEMES = {
    "sphinx_book_theme": ("*.html", "*.py"),
    "pydata_sphinx_theme": ("*.html", "*.py"),
    "sphinx": ("*.html", "writers/*.py", "themes/**/*.js*", "themes/**/*.css*", "search/*.py"),
    "sphinx_design": ("*.py",),
    "sphinx_togglebutton": ("*.py", "*.js", "*.css"),
    "myst_nb": ("*.py", "*.css"),
    "docutils": ("writers/_html_base.py", "writers/html5_polyglot/*.py"),
    "pygments": ("styles/default.py", "lexers/python.py"),
    "matplotlib": ("backends/backend_svg.py", "font_manager.py"),
}
#: Bounds of years are no dates of a person, from this year on.
FIRST_YEAR = 1980
_WRITTEN = ("%Y-%m-%d", "%d/%m/%Y", "%d.%m.%Y", "%d-%m-%Y", "%Y%m%d", "%d %B %Y", "%d %b %Y")
_CELL = re.compile(r"[,\n]")
_TEXTS = {".md", ".yml", ".py", ".bib", ".css", ".html", ".csv", ".txt", ".toml", ".lock", ""}


def check_folder(layout: Layout, force: ForceFile, folder: Path) -> None:
    """Let a folder out, or say what in it may not leave.

    Parameters
    ----------
    layout : Layout
    force : ForceFile
        Whose extract the folder was made from; it has been taken in.
    folder : Path
        A book, a release, logs.

    Raises
    ------
    DisclosureError
        Names file and kind of each finding, and no value.
    """
    scan.check(folder, _sought(layout, force), _Brought(layout))


@contextmanager
def withdrawn_if_refused(
    layout: Layout, edition: Edition, force: ForceFile
) -> Iterator[Callable[[Path], None]]:
    """Check the results of an edition's chapters, and give a function that lets a folder out.

    Where either is refused, results of chapters that hold what may not leave are deleted, and so
    are the pages made of them; they are computed again when the chapters have been mended.
    """
    sought, same = _sought(layout, force), _Brought(layout)
    try:
        for folder in (edition.notebooks, edition.registry):
            scan.check(folder, sought, same)
        yield lambda folder: scan.check(folder, sought, same)
    except DisclosureError:
        shutil.rmtree(edition.source, ignore_errors=True)
        _take_away(edition, sought)
        raise


def _take_away(edition: Edition, sought: scan.Wanted) -> None:
    """Delete results of chapters that hold what may not leave, so that they count as stale."""
    for folder in (edition.notebooks, edition.registry):
        for path in sorted(folder.iterdir()):
            if any(scan.in_content(path.name, path.read_bytes(), sought)):
                path.unlink()
                (edition.keys / path.stem).unlink(missing_ok=True)


def _sought(layout: Layout, force: ForceFile) -> scan.Wanted:
    place = restricted_folder(layout.forces / force.code)
    extract = None if force.official else traces.load(place)
    machine = this_machine(layout.root, layout.forces)
    return scan.wanted(extract, machine, [*_said_by(force), *_own_texts(layout)])


def _said_by(force: ForceFile) -> Iterator[str]:
    """What the force file says of the force and what it turns codes into, but not the codes.

    Also the bounds of the study and of every year, which tables of eras show.
    """
    page = force.model_dump(exclude={"sources"})
    yield from _leaves(page)
    for source in force.sources.values():
        for _, one in source.each():
            if one.shared is not None:
                yield f"{one.shared.tie_type}\n{one.shared.agency or ''}"
            for column in (one.columns or {}).values():
                targets = (column.recode or {}).values()
                yield from _leaves([column.value, column.otherwise, *targets])
    if force.official:
        return
    years = range(FIRST_YEAR, force.study.end.year + 2)
    bounds = [dt.date(year, *day) for year in years for day in ((1, 1), (12, 31))]
    for day in (*bounds, force.study.start, force.study.end):
        yield from (day.strftime(form) for form in _WRITTEN)
        yield f"{day.day} {day:%B %Y}"


def _leaves(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        value = [*value.values(), *value]
    if isinstance(value, (list, tuple)):
        for one in value:
            yield from _leaves(one)
    elif value is not None:
        yield str(value)


def _own_texts(layout: Layout) -> Iterator[str]:
    """The sources of the book, its statistics, the library, tests that it shows, the theme."""
    root = layout.root
    own = [p for p in root.iterdir() if p.is_file()]
    for folder in (root / "chapters", root / "_static", layout.official, Path(__file__).parents[1]):
        own += [p for p in folder.rglob("*") if p.is_file() and "mathjax" not in p.parts]
    own = [p for p in own if p.suffix in _TEXTS]
    for name, patterns in _THEMES.items():
        own += [p for f in _package(name) for pattern in patterns for p in f.rglob(pattern)]
    for path in sorted(own):
        text = path.read_text(encoding="utf-8", errors="replace")
        yield "\n".join(set(_CELL.split(text))) if path.suffix == ".csv" else text
    yield from texts_shown(Sources(Path(__file__).parents[1], layout.tests), layout.tests)


@cache
def _package(name: str) -> tuple[Path, ...]:
    found = importlib.util.find_spec(name)
    return tuple(map(Path, found.submodule_search_locations or ())) if found else ()


class _Brought:
    """Whether a file is, byte for byte, one that the book or its theme brings for any force."""

    def __init__(self, layout: Layout) -> None:
        names = ("sphinx", "sphinx_book_theme", "pydata_sphinx_theme", "sphinx_design", "myst_nb")
        more = ("sphinx_togglebutton", "sphinx_copybutton", "sphinx_thebe", "jupyter_book")
        folders = [f for name in (*names, *more) for f in _package(name)]
        self._known: dict[tuple[str, int], list[Path]] = {}
        for folder in (layout.root / "_static", *folders):
            for path in folder.rglob("*"):
                if path.is_file() and path.suffix not in (".py", ".pyc"):
                    self._known.setdefault((path.name, path.stat().st_size), []).append(path)

    def __call__(self, path: Path) -> bool:
        near = self._known.get((path.name, path.stat().st_size), ())
        return any(filecmp.cmp(path, one, shallow=False) for one in near)
