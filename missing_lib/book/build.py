"""Build editions: take in, run what is stale, write the findings, make the book."""

from __future__ import annotations

import importlib
import os
import platform
import time
from collections.abc import Callable, Iterable
from dataclasses import astuple, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from missing_lib import __version__
from missing_lib.book import fingerprint, telling
from missing_lib.book.layout import Edition, Layout
from missing_lib.book.shown_tests import files_shown
from missing_lib.book.start import write_start_page, write_title
from missing_lib.book.toc import Toc, parameters_of, read_toc
from missing_lib.force.errors import BookError, ContractError, suggestion
from missing_lib.force.places import put_back
from missing_lib.force.spec import ForceFile, check_population, find_force, known_forces
from missing_lib.release.mends import Mends

if TYPE_CHECKING:
    from missing_lib.book.execute import Task
    from missing_lib.book.site import About

COMPUTING = ("numpy", "pandas", "scipy", "statsmodels", "lifelines", "networkx", "matplotlib")
STACK = (*COMPUTING, "matplotlib.pyplot", "seaborn", "papermill", "statsmodels.api")

#: Says one status line: edition, step, how it went, seconds.
Say = Callable[[str, str, str, float], None]


@dataclass(frozen=True)
class Wish:
    """What a build is asked for.

    Attributes
    ----------
    editions : tuple of Edition
    parameters : dict
        Values for chapters that have a parameter of that name.
    jobs : int
        Processes at a time.
    engine : str
        Empty for the system's default.
    together : bool
        Whether the editions of a force are to leave together, and so must be safe together.
    """

    editions: tuple[Edition, ...]
    parameters: dict[str, Any]
    jobs: int
    engine: str = ""
    together: bool = False


def wanted_editions(layout: Layout, names: Iterable[str]) -> tuple[Edition, ...]:
    """Editions named ``force`` or ``force/population``; by default the children of every force.

    Raises
    ------
    ContractError
        For every name that is not one, with a suggestion.
    """
    given = list(names) or known_forces(layout.forces)
    if not given:
        raise ContractError(["there is no force yet: forces/<code>/force.yml describes one"])
    editions: list[Edition] = []
    problems: list[str] = []
    for name in given:
        code, _, population = name.partition("/")
        try:
            force = find_force(layout.forces, code)
            check_population(population or "children")
            if force.official and population not in ("", "children"):
                raise ContractError(
                    [f"{name}: official statistics are of looked-after children; build {code!r}"]
                )
            editions.append(layout.edition(code, population or "children", force.official))
        except ContractError as problem:
            problems += problem.problems
    if problems:
        raise ContractError(problems)
    return tuple(dict.fromkeys(editions))


def check_parameters(layout: Layout, given: dict[str, Any]) -> None:
    """Every given parameter is one of some chapter, and not one that the builder sets.

    Raises
    ------
    ContractError
        With a suggestion for a misspelt name.
    """
    toc = read_toc(layout.root)
    known = {n for c in toc.computed for n in parameters_of(layout.source(c)) or {}}
    known -= {"force", "population"}
    problems = [
        f"no chapter has a parameter {n!r}{suggestion(n, known)}; there are: "
        f"{', '.join(sorted(known)) or 'none'}"
        for n in given
        if n not in known
    ]
    if problems:
        raise ContractError(problems)


def build(layout: Layout, wish: Wish, say: Say) -> list[BookError]:
    """Build editions and return what went wrong; what went well stays.

    Parameters
    ----------
    layout : Layout
    wish : Wish
    say : callable
        Called once for each step.

    Returns
    -------
    list of BookError
        Empty if every edition has been built.
    """
    library = fingerprint.library(layout.root)
    open_, data, problems = _take_in_all(layout, wish, say)
    tocs = {e: read_toc(layout.root, without_rows=f.official) for e, f in open_.items()}
    work = telling.Work(keys={}, mends={})

    def run(editions: Iterable[Edition]) -> bool:
        """Run what is stale of these with the mends they have by now; whether all went well."""
        for e in editions:
            given, mends = wish.parameters, work.mends[e]
            work.keys[e] = _chapter_keys(layout, tocs[e], e, library, data[e], given, mends)
        problems.extend(_run_stale(layout, {e: work.keys[e] for e in editions}, wish, say))
        return all(_all_fresh(e, work.keys[e]) for e in editions)

    for edition in open_:
        basis = fingerprint.of_values(data=data[edition], library=library)
        work.mends[edition] = telling.mends_of(edition, basis)
    run(open_)
    keys = work.keys
    open_ = {e: f for e, f in open_.items() if _all_fresh(e, keys[e])}
    for group in telling.checked_together(open_, wish.together):
        refused = telling.make_safe(layout, tocs[group[0]], open_[group[0]], group, work, run, say)
        if refused is not None:
            problems.append(refused)
            open_ = {e: f for e, f in open_.items() if e not in group}
    open_ = {e: f for e, f in open_.items() if _all_fresh(e, keys[e])}
    last = {e: _last_keys(layout, tocs[e], keys[e]) for e in open_}
    problems += _run_stale(layout, last, wish, say)
    for edition, force in open_.items():
        if _all_fresh(edition, last[edition]):
            made = keys[edition] | last[edition]
            problems += _make_book(layout, tocs[edition], edition, force, made, library, say)
    write_start_page(layout)
    return problems


def _take_in_all(
    layout: Layout, wish: Wish, say: Say
) -> tuple[dict[Edition, ForceFile], dict[Edition, str], list[BookError]]:
    """Each edition's force file, what its tables are made from, and what went wrong."""
    open_: dict[Edition, ForceFile] = {}
    data: dict[Edition, str] = {}
    problems: list[BookError] = []
    taken: dict[str, str] = {}
    for edition in wish.editions:
        try:
            force = find_force(layout.forces, edition.force)
            if edition.force not in taken:
                taken[edition.force] = _take_in(layout, edition, force, say)
            data[edition], open_[edition] = taken[edition.force], force
        except BookError as problem:
            say(edition.name, "intake", "failed", 0)
            problems.append(problem)
    return open_, data, problems


def _take_in(layout: Layout, edition: Edition, force: ForceFile, say: Say) -> str:
    """Make canonical tables, if any, where stale; return the digest of what they are made from."""
    folder = layout.forces / edition.force
    put_back(folder)
    key = fingerprint.of_extract(force, folder)
    remembered = fingerprint.extract_key(folder)
    if not force.official and fingerprint.remembered(remembered) != key:
        started = time.monotonic()
        intake = importlib.import_module("missing_lib.force.intake")
        store = importlib.import_module("missing_lib.force.store")
        taken = intake.take_in(force, folder)
        store.save(taken, folder)
        fingerprint.remember(remembered, key)
        say(edition.name, "intake", "done", time.monotonic() - started)
        if taken.caveats or taken.accounts["quarantined"].any():
            say(edition.name, "intake", f"has notes: missing-book check {force.code}", 0)
    return key


def _chapter_keys(
    layout: Layout,
    toc: Toc,
    edition: Edition,
    library: str,
    data: str,
    given: dict[str, Any],
    mends: Mends,
) -> dict[str, str]:
    shipped = [p for f in (layout.official, layout.controls) for p in f.rglob("*") if p.is_file()]
    beside = fingerprint.of_files(shipped, layout.root)
    return {
        chapter: fingerprint.of_values(
            text=fingerprint.of_files([layout.source(chapter)], layout.root),
            library=library,
            data=data,
            beside=beside,
            parameters=parameters_for(layout, chapter, edition, given),
            mends=[astuple(m) for m in mends.of(chapter)],
        )
        for chapter in toc.chapters
    }


def _last_keys(layout: Layout, toc: Toc, keys: dict[str, str]) -> dict[str, str]:
    """Keys of the pages that read what the chapters published, by name."""
    return {
        page: fingerprint.of_values(
            text=fingerprint.of_files([layout.source(page)], layout.root), chapters=keys
        )
        for page in toc.last
    }


def parameters_for(
    layout: Layout, chapter: str, edition: Edition, given: dict[str, Any]
) -> dict[str, Any]:
    """Values for a chapter's parameters cell."""
    known = parameters_of(layout.source(chapter)) or {}
    mine = {name: value for name, value in given.items() if name in known}
    return {"force": edition.force, "population": edition.population, **mine}


def _key_file(edition: Edition, name: str) -> Path:
    return edition.keys / name


def _all_fresh(edition: Edition, keys: dict[str, str]) -> bool:
    return all(_fresh(edition, chapter, key) for chapter, key in keys.items())


def _fresh(edition: Edition, chapter: str, key: str) -> bool:
    """Whether a chapter's result was made from this, and what it counts was kept."""
    members = edition.members_of(chapter)
    kept = members is None or members.is_file()
    return kept and fingerprint.remembered(_key_file(edition, chapter)) == key


def _run_stale(
    layout: Layout,
    keys: dict[Edition, dict[str, str]],
    wish: Wish,
    say: Say,
) -> list[BookError]:
    """Run the chapters whose result was made from something else, each in its own process."""
    stale = [
        (edition, chapter)
        for edition, mine in keys.items()
        for chapter, key in mine.items()
        if not _fresh(edition, chapter, key)
    ]
    if not stale:
        return []
    from missing_lib.book import engines, execute, workers

    engine = wish.engine or engines.default_engine()
    forked = engine == engines.IN_PROCESS
    if forked:
        _import_stack()
    tasks: list[Task] = [
        execute.Task(layout, e, c, parameters_for(layout, c, e, wish.parameters), engine)
        for e, c in stale
    ]
    problems: list[BookError] = []
    for outcome in workers.run_all(execute.run_chapter, tasks, wish.jobs, fork=forked):
        edition, chapter = outcome.task.edition, outcome.task.chapter
        if outcome.problem is None:
            fingerprint.remember(_key_file(edition, chapter), keys[edition][chapter])
            say(edition.name, chapter, "done", outcome.seconds)
            continue
        say(edition.name, chapter, "failed", outcome.seconds)
        log = (edition.logs / f"{chapter}.log").relative_to(layout.root)
        lines = [f"{edition.name}: {line}" for line in outcome.problem.problems]
        problems.append(type(outcome.problem)([*lines, f"details: {log.as_posix()}"]))
    return problems


def _import_stack() -> None:
    """Import once what every chapter needs, so that forked chapters start at once."""
    for name in STACK:
        importlib.import_module(name)
    study = Path(__file__).parents[1]
    for room in ("study", "figures"):
        for module in sorted((study / room).glob("[a-z]*.py")):
            importlib.import_module(f"missing_lib.{room}.{module.stem}")


def _make_book(
    layout: Layout,
    toc: Toc,
    edition: Edition,
    force: ForceFile,
    keys: dict[str, str],
    library: str,
    say: Say,
) -> list[BookError]:
    pages = [layout.root / f"{page}.md" for page in toc.pages]
    looks = [p for p in (layout.root / "_static").rglob("*") if p.is_file()]
    frame = [layout.root / n for n in ("_config.yml", "_toc.yml", "references.bib")]
    files = [*pages, *looks, *frame, *(files_shown(layout.tests) if toc.from_code else ())]
    key = fingerprint.of_values(chapters=keys, files=fingerprint.of_files(files, layout.root))
    remembered = edition.keys / "book"
    if fingerprint.remembered(remembered) == key and (edition.html / "index.html").exists():
        say(edition.name, "book", "up to date", 0)
        return []
    from missing_lib.book import letting_out, site

    started = time.monotonic()
    try:
        with letting_out.withdrawn_if_refused(layout, edition, force) as let_out:
            site.make_source(layout, toc, edition, force, about(library))
            site.make_html(edition, let_out)
    except BookError as problem:
        say(edition.name, "book", "failed", time.monotonic() - started)
        log = (edition.logs / "book.log").relative_to(layout.root).as_posix()
        lines = [f"{edition.name}: {line}" for line in problem.problems]
        return [type(problem)([*lines, f"details: {log}"])]
    fingerprint.remember(remembered, key)
    write_title(edition, force)
    say(edition.name, "book", "done", time.monotonic() - started)
    return []


def about(library: str) -> About:
    """What made a book, given the digest of the library."""
    from missing_lib.book.site import About

    return About(
        version=__version__,
        code_state=library[:12],
        python=platform.python_version(),
        packages=", ".join(f"{name} {version(name)}" for name in COMPUTING),
    )


def default_jobs() -> int:
    """As many processes as the system lends us."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def run_one(
    layout: Layout,
    edition: Edition,
    chapter: str,
    parameters: dict[str, Any],
    engine: str,
    say: Say,
) -> list[BookError]:
    """Run one chapter, fresh or not.

    Raises
    ------
    ContractError
        If there is no such chapter.
    """
    force = find_force(layout.forces, edition.force)
    toc = read_toc(layout.root, without_rows=force.official)
    if chapter not in toc.computed:
        page = chapter in {Path(page).name for page in toc.pages}
        near = suggestion(chapter, toc.computed)
        said = f"{chapter!r} is a page without code" if page else f"no chapter {chapter!r}{near}"
        raise ContractError([f"{said}; there are: {', '.join(toc.computed)}"])
    _take_in(layout, edition, force, say)
    _key_file(edition, chapter).unlink(missing_ok=True)
    wish = Wish((edition,), parameters, jobs=1, engine=engine)
    key = fingerprint.of_values(alone=True)
    return _run_stale(layout, {edition: {chapter: key}}, wish, say)
