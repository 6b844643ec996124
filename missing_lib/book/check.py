"""``missing-book check``: everything that is wrong with a force, and then its account."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from missing_lib.book import fingerprint
from missing_lib.book.layout import Layout
from missing_lib.book.lock import only_one
from missing_lib.force.errors import ContractError
from missing_lib.force.intake import Intake, take_in
from missing_lib.force.proposal.written import MARK
from missing_lib.force.report import said
from missing_lib.force.spec import ForceFile, find_force
from missing_lib.force.store import save
from missing_lib.study import official


def check(layout: Layout, code: str) -> Iterator[str]:
    """Take an extract in and say what became of it, line by line.

    Raises
    ------
    ContractError
        With all problems of the force file's authorities and of the extract.
    """
    force = find_force(layout.forces, code)
    if force.official:
        _check_authorities(layout, force)
        yield (
            f"{force.name} has no extract, so there is nothing to check: "
            f"missing-book build {code} makes its book of official statistics."
        )
        return
    folder = layout.forces / code
    key = fingerprint.of_extract(force, folder)
    intake = _taken_in(layout, force, folder)
    with only_one(layout.build):
        save(intake, folder)
        fingerprint.remember(fingerprint.extract_key(folder), key)
    yield from _open_marks(folder / "force.yml")
    yield from said(intake)


def _taken_in(layout: Layout, force: ForceFile, folder: Path) -> Intake:
    """The intake, or the problems of it and of the authorities together."""
    problems: list[str] = []
    try:
        _check_authorities(layout, force)
    except ContractError as problem:
        problems += [f"local_authorities: {line}" for line in problem.problems]
    try:
        intake = take_in(force, folder)
    except ContractError as problem:
        problems += problem.problems
    if problems:
        raise ContractError(problems)
    return intake


def _check_authorities(layout: Layout, force: ForceFile) -> None:
    if force.local_authorities:
        table = official.load(layout.official / "looked-after-missing")
        official.check_authorities(table, force.local_authorities)


def _open_marks(path: Path) -> Iterator[str]:
    marks = path.read_text(encoding="utf-8").count(MARK)
    if marks:
        lines = "1 line is" if marks == 1 else f"{marks} lines are"
        yield f"{lines} still marked CHECK in {path.name}: look at each, and take its mark away"
