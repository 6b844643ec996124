"""The pages that lead a reviewer from a sentence to the formula, and through the library."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from html import escape
from itertools import groupby
from pathlib import Path

from missing_lib.book import trail
from missing_lib.book.backwards import Code
from missing_lib.book.findings import answers
from missing_lib.book.known_answers import OF_ALL_FINDINGS, KnownAnswer
from missing_lib.book.shown_tests import shown_test
from missing_lib.book.sources import Definition, Sources
from missing_lib.book.trail import Step, Trail
from missing_lib.book.weave import escaped
from missing_lib.book.written import (
    as_it_stands,
    coloured,
    definition,
    fold,
    paragraphs,
    quoted,
    source,
)
from missing_lib.release.registry import PLACEHOLDER, ChapterRecords
from missing_lib.study.findings import CLAIMS

#: Title of a chapter, below its front matter.
_TITLE = re.compile(r"\A---\n.*?^---\n.*?^# ([^\n]+)$", re.M | re.S)
#: Deeper steps are set in no further.
DEEPEST = 4


@dataclass(frozen=True)
class Facts:
    """What these pages are written from.

    Attributes
    ----------
    tests : Path
        Folder of the tests, there or not.
    population : str
    published : mapping
        Registry of each chapter that ran, by name.
    texts : mapping
        Text of each of these chapters, as it is written.
    labels : frozenset of str
        Of the cells that this edition shows, see :func:`.trail.places`.
    banner, colophon : str
        MyST text under the title of a page of figures, and at the end of each page.
    """

    tests: Path
    population: str
    published: Mapping[str, ChapterRecords]
    texts: Mapping[str, str]
    labels: frozenset[str]
    banner: str
    colophon: str

    @cached_property
    def sources(self) -> Sources:
        """The library, and the tests where there are any."""
        return trail.sources_of(self.tests)

    @cached_property
    def chapters(self) -> dict[str, Code]:
        """The code of the chapters."""
        return trail.codes(self.texts)

    @cached_property
    def findings(self) -> list[Trail]:
        """The ways of the findings."""
        return trail.of_findings(self.chapters, self.sources)

    @cached_property
    def models(self) -> list[Trail]:
        """The ways of the models that this edition shows."""
        tables = {(c, r["name"]) for c, of in self.published.items() for r in of.of_kind("table")}
        ways = trail.of_models(self.chapters, self.sources)
        return [one for one in ways if (one.chapter, one.published[0]) in tables]

    @cached_property
    def start(self) -> Trail:
        """What every chapter starts from."""
        return Trail("", ("start",), (), (), trail.start(self.sources))

    @cached_property
    def parts(self) -> dict[str, str]:
        """Label of the part of these pages that is about a cell, by the label of the cell."""
        found = {trail.label(claim.id): _part(claim.id) for claim in CLAIMS}
        names = [(one.chapter, one.published[0]) for one in self.models]
        return found | {trail.label(*name): _part(*name) for name in names}

    @cached_property
    def homes(self) -> dict[str, Trail]:
        """The way under which the source of a function stands, by name: the first that it is on."""
        ways = reversed([self.start, *self.findings, *self.models])
        return {step.definition.name: one for one in ways for step in one.steps}

    @cached_property
    def homes_of_tests(self) -> dict[str, Trail]:
        """The same for tests."""
        ways = reversed([self.start, *self.findings, *self.models])
        return {answer.test: one for one in ways for answer in one.answers}

    @cached_property
    def answers(self) -> dict[str, dict[str, str]]:
        """What the findings page says of each finding."""
        return {one["id"]: one for one in answers(self.published, "", self.population)}


#: The two that chapters and findings lead to.
CODE_PAGES = {"trail", "models"}


def write(name: str, text: str, facts: Facts) -> str:
    """One of these pages.

    Parameters
    ----------
    name : {"trail", "models", "library"}
    text : str
        As it is written, with the names of its parts as placeholders.
    facts : Facts
    """
    parts = _PAGES[name] | {"banner": lambda f: f.banner, "colophon": lambda f: f.colophon}
    return PLACEHOLDER.sub(lambda found: parts[found[1]](facts), text)


# --- from finding to test ----------------------------------------------------------------------


def _overview(facts: Facts) -> str:
    rows = []
    for one in facts.findings:
        ids = ", ".join(f"[{claim.id}](#{_part(claim.id)})" for claim in one.claims)
        kinds = dict.fromkeys(answer.kind for answer in one.answers)
        rows.append((ids, _chapter_link(one, facts), f"`{one.claims[0].code}`", ", ".join(kinds)))
    return _table(
        "Where each finding is computed, and what its functions are held against",
        "trail-overview",
        ("Finding", "Chapter", "Computed by", "Held against"),
        rows,
    )


def _start(facts: Facts) -> str:
    way = facts.start
    return as_it_stands("\n".join([*_steps(way.steps, way, facts), *_tests(way, facts)]))


def _of_all(facts: Facts) -> str:
    return as_it_stands("\n".join(_test(test, "Every figure", facts) for test in OF_ALL_FINDINGS))


def _findings(facts: Facts) -> str:
    return "\n\n".join(_finding(one, facts) for one in facts.findings)


def _finding(one: Trail, facts: Facts) -> str:
    steps = [step for step in one.steps if facts.homes[step.definition.name] != facts.start]
    return "\n\n".join(
        [
            f"## {', '.join(one.published)}",
            *(_claim(facts.answers[claim.id]) for claim in one.claims),
            "{.trail-part}\nIn the chapter",
            f"These lines of {_chapter_link(one, facts)} lead to the sentence:",
            as_it_stands(coloured(_lines(one))),
            "{.trail-part}\nFunctions",
            as_it_stands("\n".join(_steps(steps, one, facts))),
            "{.trail-part}\nTests",
            as_it_stands("\n".join(_tests(one, facts))),
        ]
    )


def _part(*names: str) -> str:
    """Label of the part that is about a finding, or about a model of a chapter."""
    return trail.label(*names).replace("computed", "trail", 1)


def _claim(answer: dict[str, str]) -> str:
    """What the study found and what this edition finds."""
    return "\n".join(
        [
            f"({_part(answer['id'])})=",
            ":::::{div} finding",
            f"[{answer['id']}]{{.finding-id}} **{escaped(answer['claim'])}**",
            "",
            "::::{div} finding-figures",
            f"[The study]{{.finding-label}} {escaped(answer['published'])}",
            "",
            f"[This edition]{{.finding-label}} {escaped(answer['sentence'])}",
            "::::",
            ":::::",
        ]
    )


def _chapter_link(one: Trail, facts: Facts) -> str:
    """To the cell that publishes it; to the chapter where that stopped before."""
    records = facts.published[one.chapter]
    title = _TITLE.search(facts.texts[one.chapter])
    words = escaped(records.filled(title[1]) if title else one.chapter)
    first = one.published[0]
    place = trail.label(first) if one.claims else trail.label(one.chapter, first)
    return f"[{words}](#{place})" if place in facts.labels else f"[{words}]({one.chapter})"


def _lines(one: Trail) -> str:
    """The lines of code, with a gap between cells."""
    written: list[str] = []
    cell = one.lines[0].cell if one.lines else 0
    for line in one.lines:
        if line.cell != cell:
            written.append("")
        cell = line.cell
        written.append(line.source)
    return "\n".join(written)


def _steps(steps: Iterable[Step], way: Trail, facts: Facts) -> Iterator[str]:
    """Functions: what each computes, and its source folded, or where that stands."""
    for step in steps:
        one, depth = step.definition, min(step.depth, DEEPEST)
        first, *more = definition(one.doc) or [""]
        name = f"{quoted(one.short)} {first}"
        kind = f'class="trail-step trail-depth-{depth}"'
        if facts.homes[one.name] != way:
            shown = paragraphs([name, *more[:-1], " ".join([*more[-1:], _source_link(one, facts)])])
            yield f"<div {kind}>{shown}</div>"
            continue
        said = paragraphs([name, *more]) if more else ""
        title = "" if more else name
        kind = f'id="{_place(one)}" {kind}'
        yield f"<div {kind}>{said}{source(one, step.constants, title)}</div>"


def _place(one: Definition) -> str:
    """Where its source stands."""
    return f"source-{one.name.removeprefix(trail.STUDY)}"


def _source_link(one: Definition, facts: Facts) -> str:
    """To where the source of a function stands."""
    home = facts.homes[one.name]
    return f'<a href="{_page(home)}#{_place(one)}">Source {_where(home, facts)}</a>'


def _page(home: Trail) -> str:
    """Where the source and the tests of a way stand."""
    return "trail.html" if home.claims or not home.chapter else "models.html"


def _where(home: Trail, facts: Facts) -> str:
    if home == facts.start:
        return "at the start"
    return f"under {', '.join(home.published)}" if home.claims else "on the page of models"


def _tests(way: Trail, facts: Facts) -> Iterator[str]:
    """Tests that hold the functions of a way, folded, or where they stand."""
    for answer in way.answers:
        home = facts.homes_of_tests[answer.test]
        if home == way:
            yield _test(answer.test, _held(answer), facts)
            continue
        link = f'<a href="{_page(home)}#{answer.test}">{escape(_words(answer.name))}</a>'
        where = _where(home, facts)
        yield f'<p class="trail-named">{_held(answer)}: {link} ({where})</p>'


def _held(answer: KnownAnswer) -> str:
    return f"{quoted(answer.code)}, {answer.kind}"


def _test(test: str, what: str, facts: Facts) -> str:
    """A test, folded; only its name where the tests are not there."""
    file, _, name = test.partition("::")
    title = f"{what}: {escape(_words(name))}"
    shown = shown_test(test, facts.sources, facts.tests)
    if shown is None:
        named = f"{title} ({quoted(f'tests/{file}')}, {quoted(name)})"
        return f'<p class="trail-named" id="{test}">{named}</p>'
    place = f"{escape(shown.test.file)}, line {shown.test.line}:"
    parts = [paragraphs([place]), coloured(shown.code)]
    for one in shown.scripts:
        where = escape(f"{facts.tests.name}/reference/{one.case}: {one.about}")
        parts += [paragraphs([where]), coloured(one.text, "r")]
    return f'<div id="{test}">{fold(title, *parts)}</div>'


def _words(name: str) -> str:
    return name.removeprefix("test_").replace("_", " ")


# --- models ------------------------------------------------------------------------------------


def _models(facts: Facts) -> str:
    by_chapter = groupby(facts.models, key=lambda one: one.chapter)
    return "\n\n".join(
        f"## {chapter.capitalize()}\n\n" + "\n\n".join(_model(one, facts) for one in ways)
        for chapter, ways in by_chapter
    )


def _model(one: Trail, facts: Facts) -> str:
    new = [step for step in one.steps if facts.homes[step.definition.name] == one]
    old = [step for step in one.steps if step not in new and step.depth == 0]
    mine = [answer for answer in one.answers if facts.homes_of_tests[answer.test] == one]
    shown = [
        coloured(_lines(one)),
        *_steps([*old, *new], one, facts),
        *(_test(answer.test, _held(answer), facts) for answer in mine),
    ]
    return "\n\n".join(
        [
            f"({_part(one.chapter, *one.published)})=\n### {_title(one, facts)}",
            f"These lines of {_chapter_link(one, facts)} lead to it:",
            as_it_stands("\n".join(shown)),
        ]
    )


def _title(one: Trail, facts: Facts) -> str:
    """Title of a model's table."""
    records = facts.published[one.chapter]
    tables = {r["name"]: r["title"] for r in records.of_kind("table")}
    title = records.filled(tables[one.published[0]])
    return escaped(title[:1].upper() + title[1:])


# --- the library -------------------------------------------------------------------------------


def _library(facts: Facts) -> str:
    folder = Path(__file__).parents[1] / "study"
    files = sorted(path.relative_to(folder) for path in folder.rglob("*.py"))
    modules = [".".join(path.with_suffix("").parts) for path in files if path.name != "__init__.py"]
    return "\n\n".join(_module(name, facts) for name in modules)


def _module(name: str, facts: Facts) -> str:
    module = trail.full_name(name)
    return "\n\n".join(
        [
            f"## `{name}`",
            as_it_stands(_entry_box(paragraphs(definition(facts.sources.doc_of(module))))),
            *(_entry(one, facts) for one in facts.sources.public_of(module)),
        ]
    )


def _entry(one: Definition, facts: Facts) -> str:
    """How a public function is called, what it computes, and its source or where that stands."""
    said = paragraphs(definition(one.doc))
    shown = paragraphs([_source_link(one, facts)]) if one.name in facts.homes else source(one)
    # The signature is the page's own text, so that a search finds the name.
    return f"{{.library-signature}}\n`{one.signature or one.own}`\n\n" + as_it_stands(
        _entry_box(said + shown)
    )


def _entry_box(html: str) -> str:
    return f'<div class="library-entry">{html}</div>'


def _table(title: str, name: str, header: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [header, tuple(":--" for _ in header), *rows]
    body = "\n".join("| " + " | ".join(line) + " |" for line in lines)
    return f"```{{table}} {title}\n:name: {name}\n\n{body}\n```"


_PAGES: dict[str, dict[str, Callable[[Facts], str]]] = {
    "trail": {
        "overview": _overview,
        "start": _start,
        "of_all_findings": _of_all,
        "findings": _findings,
    },
    "models": {"models": _models},
    "library": {"library": _library},
}
