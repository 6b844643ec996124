"""Tests as a reviewer sees them: with what they use, and how R computed the known answer."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from missing_lib.book.known_answers import KNOWN_ANSWERS, OF_ALL_FINDINGS, test_files
from missing_lib.book.sources import Definition, Sources

_CASE = re.compile(r"[a-z][a-z0-9_]+")


@dataclass(frozen=True)
class Script:
    """How R computed the known answers of a case.

    Attributes
    ----------
    case : str
        Folder under ``tests/reference``.
    about : str
        What was computed, from which data, and with which version of R.
    text : str
    """

    case: str
    about: str
    text: str


@dataclass(frozen=True)
class ShownTest:
    """A test and what belongs to it.

    Attributes
    ----------
    test : Definition
    code : str
        The test, and below it what of its file it uses.
    scripts : tuple of Script
    """

    test: Definition
    code: str
    scripts: tuple[Script, ...]

    @property
    def texts(self) -> tuple[str, ...]:
        """Everything of it that a page shows."""
        return (self.code, *(text for s in self.scripts for text in (s.about, s.text)))


def test_name(test: str) -> str:
    """A test, as Python would import it.

    Examples
    --------
    >>> test_name("test_cox.py::test_it_agrees_with_r")
    'tests.test_cox.test_it_agrees_with_r'
    """
    file, _, name = test.partition("::")
    return f"tests.{file.removesuffix('.py')}.{name}"


def shown_test(test: str, sources: Sources, tests: Path) -> ShownTest | None:
    """A test by the name that pytest knows; None where its file is not there.

    Parameters
    ----------
    test : str
    sources : Sources
        Of the tests among others.
    tests : Path
        Their folder.
    """
    found = sources.find(test_name(test))
    if found is None:
        return None
    module = found.name.rpartition(".")[0]
    used = [one for one, _ in sources.closure([found.name], f"{module}.")]
    written = "\n\n\n".join(one.source for one in used)
    return ShownTest(found, written, tuple(_scripts(used, tests / "reference")))


def texts_shown(sources: Sources, tests: Path) -> Iterator[str]:
    """All that the pages show of tests, which is the same for every force."""
    for name in dict.fromkeys([*(one.test for one in KNOWN_ANSWERS), *OF_ALL_FINDINGS]):
        shown = shown_test(name, sources, tests)
        yield from shown.texts if shown else ()


def files_shown(tests: Path) -> list[Path]:
    """Files of which the pages show parts, there or not."""
    reference = tests / "reference"
    return [
        *(tests / name for name in test_files()),
        *(p for name in ("how.R", "expected.json") for p in reference.glob(f"*/{name}")),
    ]


def _scripts(used: Iterable[Definition], reference: Path) -> Iterator[Script]:
    """Of the cases that a test names."""
    named = dict.fromkeys(
        node.value
        for one in used
        for node in ast.walk(ast.parse(one.source))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )
    for case in filter(_CASE.fullmatch, named):
        script = reference / case / "how.R"
        if script.is_file():
            told = json.loads((reference / case / "expected.json").read_text(encoding="utf-8"))
            about = f"{told['title']}; data: {told['source']}; {told['r_version']}"
            yield Script(case, about, script.read_text(encoding="utf-8").rstrip())
