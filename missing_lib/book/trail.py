"""From the sentence of a finding to the formula: lines of the chapter, functions, tests."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from missing_lib.book.backwards import Code, Line, code_of, lines_behind, outputs
from missing_lib.book.known_answers import KNOWN_ANSWERS, KnownAnswer
from missing_lib.book.sources import Definition, Sources
from missing_lib.study.findings import CLAIMS, Claim

STUDY = "missing_lib.study."
#: Methods of the gate under which a chapter publishes what a model says.
MODELS = ("estimates", "statistics")


@dataclass(frozen=True)
class Step:
    """A function or class on the way to a figure.

    Attributes
    ----------
    definition : Definition
    constants : tuple of Definition
        Named constants of the study that it reads.
    depth : int
        0 where the chapter calls it, one more for each function in between.
    """

    definition: Definition
    constants: tuple[Definition, ...]
    depth: int


@dataclass(frozen=True)
class Trail:
    """The way from what is published to the formulas.

    Attributes
    ----------
    chapter : str
        Short name.
    published : tuple of str
        Identifiers of findings, or the name of a model's table.
    claims : tuple of Claim
        The findings; empty for a model.
    lines : tuple of Line
        What of the chapter's code leads to it.
    steps : tuple of Step
        Functions and classes of the study, each before what it rests on.
    """

    chapter: str
    published: tuple[str, ...]
    claims: tuple[Claim, ...]
    lines: tuple[Line, ...]
    steps: tuple[Step, ...]

    @property
    def answers(self) -> tuple[KnownAnswer, ...]:
        """Tests of its functions, in the order of the functions, each once."""
        order = {step.definition.name: n for n, step in enumerate(self.steps)}
        mine = [one for one in KNOWN_ANSWERS if full_name(one.code) in order]
        mine.sort(key=lambda one: order[full_name(one.code)])
        return tuple({one.test: one for one in reversed(mine)}.values())[::-1]


def sources_of(tests: Path) -> Sources:
    """The library that runs, and the tests of a checkout, where there are any."""
    return Sources(Path(__file__).parents[1], tests)


def full_name(code: str) -> str:
    """A name of the study with its package.

    Examples
    --------
    >>> full_name("cox.fit.fit_cox")
    'missing_lib.study.cox.fit.fit_cox'
    """
    return STUDY + code


def codes(texts: Mapping[str, str]) -> dict[str, Code]:
    """The code of chapters, by name, from their texts."""
    return {name: code_of(text) for name, text in texts.items()}


def of_findings(chapters: Mapping[str, Code], sources: Sources) -> list[Trail]:
    """Ways of the findings, those that one function computes together, in their order."""
    together = groupby(CLAIMS, key=lambda claim: (claim.chapter, claim.code))
    found = []
    for (chapter, _), group in together:
        claims = tuple(group)
        ids = tuple(claim.id for claim in claims)
        found.append(_trail(chapter, ids, claims, chapters[chapter], sources, ("finding",)))
    return found


def of_models(chapters: Mapping[str, Code], sources: Sources) -> list[Trail]:
    """Ways of everything that a chapter publishes of a model, in the order of the chapters."""
    return [
        _trail(chapter, (name,), (), code, sources, MODELS)
        for chapter, code in chapters.items()
        for line in code.lines
        for name in outputs(line.node, *MODELS)
        if name
    ]


def start(sources: Sources) -> tuple[Step, ...]:
    """What every chapter starts from: who and what is counted."""
    return _steps([full_name("cohort.select")], sources)


def places(cells: Iterable[str], chapter: str) -> dict[int, list[str]]:
    """Labels of the cells of a chapter that publish a finding or a model, by number of the cell."""
    parsed = [ast.parse(cell) for cell in cells]
    known = [claim.id for claim in CLAIMS if claim.chapter == chapter]
    said = {name for tree in parsed for name in outputs(tree, "finding")}
    computed = [id_ for id_ in known if id_ not in said]
    found: dict[int, list[str]] = {}
    for number, tree in enumerate(parsed):
        names = outputs(tree, "finding")
        ids = [n for n in names if n] + (computed if "" in names else [])
        labels = [label(id_) for id_ in ids]
        labels += [label(chapter, name) for name in outputs(tree, *MODELS) if name]
        if labels:
            found[number] = list(dict.fromkeys(labels))
    return found


def label(*parts: str) -> str:
    """Where in a chapter something is computed.

    Examples
    --------
    >>> label("F3"), label("network", "by_steps")
    ('computed-f3', 'computed-network-by-steps')
    """
    return "-".join(["computed", *parts]).lower().replace("_", "-")


def _trail(
    chapter: str,
    published: tuple[str, ...],
    claims: tuple[Claim, ...],
    code: Code,
    sources: Sources,
    methods: tuple[str, ...],
) -> Trail:
    said = {name: line for line in code.lines for name in outputs(line.node, *methods)}
    begin = [line for line in code.lines if set(outputs(line.node, *methods)) & set(published)]
    if not begin and "" in said:
        begin = [said[""]]
    lines = lines_behind(code, begin)
    names = [name for line in lines for name in sources.names_in(line.node, code.bindings)]
    return Trail(chapter, published, claims, lines, _steps(names, sources))


def _steps(names: Iterable[str], sources: Sources) -> tuple[Step, ...]:
    found = sources.closure(names, STUDY)
    return tuple(Step(d, _constants(d, sources), n) for d, n in found if d.kind != "constant")


def _constants(one: Definition, sources: Sources) -> tuple[Definition, ...]:
    below = [sources.find(name) for name in one.rests_on]
    return tuple(b for b in below if b and b.kind == "constant" and b.name.startswith(STUDY))
