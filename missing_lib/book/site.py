"""Make the HTML of an edition from its woven pages, check it, and move it into its place."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import nbformat
import yaml

from missing_lib.book.layout import Edition, Layout
from missing_lib.book.start import START_PAGE, people_of
from missing_lib.book.toc import Toc
from missing_lib.book.trail import places
from missing_lib.book.trail_pages import CODE_PAGES, Facts, write
from missing_lib.book.weave import Place, weave
from missing_lib.force.errors import ExecutionError
from missing_lib.force.spec import ForceFile
from missing_lib.release.registry import ChapterRecords, read

SYNTHETIC_BANNER = """```{{admonition}} Made-up data
:class: warning
Nobody on this page exists.
The data of {name} are synthetic.
They were made to agree with published totals and are evidence about no person and no force.
```"""

OFFICIAL_BANNER = """```{{admonition}} Official statistics
:class: note
This page shows published official statistics about real authorities.
The data of {name} in the other chapters are synthetic.
```"""

BOTH_BANNER = """```{{admonition}} Official statistics, and made-up data
:class: warning
This page shows published official statistics about real authorities.
What stands beside them as the records of {name} is synthetic: those children do not exist.
Whether the two agree says nothing about anybody.
```"""

#: Where the numbers of a page come from, by the kind of the force file.
_DATA = {
    "synthetic": "synthetic",
    "real": "recorded by the force",
    "official": "official statistics",
}

#: What is left of the making, and which no page reads.
_LITTER = (".buildinfo", "objects.inv", "_static/*webpack-macros.html")


@dataclass(frozen=True)
class About:
    """What the colophon of every page says.

    Attributes
    ----------
    version, code_state : str
        Of the library.
    python : str
    packages : str
        Versions of the packages that compute.
    """

    version: str
    code_state: str
    python: str
    packages: str


def make_source(layout: Layout, toc: Toc, edition: Edition, force: ForceFile, about: About) -> None:
    """Write the pages of an edition for jupyter-book, from scratch."""
    shutil.rmtree(edition.source, ignore_errors=True)
    edition.source.mkdir(parents=True)
    published = read(edition.registry, toc.computed)
    notebooks = {
        name: nbformat.read(edition.notebooks / f"{name}.ipynb", as_version=4)
        for name in toc.computed
    }
    labels = {name: places(_code(notebook), name) for name, notebook in notebooks.items()}
    facts = Facts(
        tests=layout.tests,
        population=edition.population,
        published=published,
        texts={name: layout.source(name).read_text(encoding="utf-8") for name in toc.chapters},
        labels=frozenset(
            label for cells in labels.values() for of in cells.values() for label in of
        ),
        banner=_banner(force, ChapterRecords("", ())),
        colophon=_colophon(force, about),
    )
    # A book may be without the pages that the links to the code lead to.
    leads = set(toc.from_code) >= CODE_PAGES
    for page in toc.pages:
        name = Path(page).name
        target = edition.source / f"{toc.place(page)}.ipynb"
        target.parent.mkdir(parents=True, exist_ok=True)
        if name in toc.computed:
            woven = weave(
                notebooks[name],
                published[name],
                edition.source / "pictures",
                _banner(force, published[name]),
                facts.colophon,
                _placed(labels[name], facts) if leads else None,
            )
            nbformat.write(woven, target)
            continue
        text = (layout.root / f"{page}.md").read_text(encoding="utf-8")
        made = write(name, text, facts) if name in toc.from_code else text
        target.with_suffix(".md").write_text(made, encoding="utf-8", newline="\n")
    _write_config(layout, edition, force)
    (edition.source / "_toc.yml").write_text(toc.as_yaml(), encoding="utf-8", newline="\n")
    shutil.copyfile(layout.root / "references.bib", edition.source / "references.bib")
    not_of_an_edition = shutil.ignore_patterns(START_PAGE)
    shutil.copytree(layout.root / "_static", edition.source / "_static", ignore=not_of_an_edition)


def _placed(labels: Mapping[int, list[str]], facts: Facts) -> dict[int, Place]:
    """Cells that the reviewers' pages refer to, each with the first part that is about it."""
    parts = facts.parts
    return {
        number: Place(tuple(of), next((parts[label] for label in of if label in parts), ""))
        for number, of in labels.items()
    }


def _code(notebook: nbformat.NotebookNode) -> list[str]:
    return [cell.source for cell in notebook.cells if cell.cell_type == "code"]


def _banner(force: ForceFile, records: ChapterRecords) -> str:
    """What a page of a synthetic force says at its top; other forces have none."""
    if not force.synthetic:
        return ""
    units = {r.get("unit") for r in records.of_kind("number")}
    public = {r.get("filter") for r in records.of_kind("table")} <= {"public"}
    banner = SYNTHETIC_BANNER
    if "official" in units:
        banner = OFFICIAL_BANNER if public and units == {"official"} else BOTH_BANNER
    return banner.format(name=force.name)


def _colophon(force: ForceFile, about: About) -> str:
    policy = force.policy
    rounded = (
        f"Disclosure policy: nothing below {policy.threshold}, "
        f"counts to the nearest {policy.rounding}. "
    )
    return "\n".join(
        [
            "```{admonition} How this page was made",
            ":class: colophon dropdown",
            f"missing-lib {about.version}, code state `{about.code_state}`, "
            f"Python {about.python}; {about.packages}.",
            "",
            f"{'' if force.official else rounded}Data: {_DATA[force.kind]}.",
            "```",
        ]
    )


def _write_config(layout: Layout, edition: Edition, force: ForceFile) -> None:
    config = yaml.safe_load((layout.root / "_config.yml").read_text(encoding="utf-8"))
    config["title"] = f"{config['title']}: {force.name}, {people_of(force, edition.population)}"
    text = yaml.safe_dump(config, sort_keys=True, allow_unicode=True)
    (edition.source / "_config.yml").write_text(text, encoding="utf-8", newline="\n")


def make_html(edition: Edition, let_out: Callable[[Path], None]) -> None:
    """Build the HTML clean, warnings as errors, and put it in its place if all is well.

    Parameters
    ----------
    edition : Edition
    let_out : callable
        Looks through the finished folder, and raises where something in it may not leave.

    Raises
    ------
    ExecutionError
        With the first warnings of jupyter-book.
    DisclosureError
        From ``let_out``.
    """
    made = edition.folder / ".book"
    shutil.rmtree(made, ignore_errors=True)
    try:
        site = _made_html(edition, made)
        let_out(site)
        _swap(site, edition.html)
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _made_html(edition: Edition, made: Path) -> Path:
    start = "from jupyter_book.cli.main import main; main()"
    command = [sys.executable, "-c", start, "build", str(edition.source)]
    command += ["--path-output", str(made), "-W", "--keep-going", "-q"]
    environment = os.environ | {"PYTHONHASHSEED": "0", "SOURCE_DATE_EPOCH": "0"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    log = edition.logs / "book.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    said = (done.stdout + done.stderr).replace(str(edition.folder) + os.sep, "")
    log.write_text(said, encoding="utf-8")
    site = made / "_build" / "html"
    if done.returncode or not (site / "index.html").exists():
        raise ExecutionError([f"the book could not be built: {w}" for w in _warnings(log, edition)])
    for pattern in _LITTER:
        for litter in site.glob(pattern):
            litter.unlink()
    return site


def _warnings(log: Path, edition: Edition) -> list[str]:
    lines = [ln for ln in log.read_text(encoding="utf-8").splitlines() if "WARNING" in ln]
    short = [ln.replace(edition.source.name + os.sep, "", 1) for ln in lines]
    return [re.sub(r"\x1b\[[0-9;]*m", "", ln) for ln in short[:3]] or ["see its log"]


def _swap(new: Path, place: Path) -> None:
    """Replace a folder in two renames, so that a good book is never half gone."""
    old = place.with_name(".old-" + place.name)
    shutil.rmtree(old, ignore_errors=True)
    if place.exists():
        place.rename(old)
    new.rename(place)
    shutil.rmtree(old, ignore_errors=True)
