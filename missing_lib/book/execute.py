"""Run one chapter through papermill and keep of it only what the gate let through.

The chapter runs in a process of its own: in a forked child of a parent that has imported the
stack already, where the system can fork safely, and in an ordinary kernel elsewhere.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jupytext
import nbformat
import papermill
from papermill.exceptions import PapermillExecutionError

from missing_lib.book import engines
from missing_lib.book.layout import (
    FORCES_VARIABLE,
    MEMBERS_VARIABLE,
    REGISTRY_VARIABLE,
    ROOT_VARIABLE,
    Edition,
    Layout,
)
from missing_lib.book.scrub import scrub
from missing_lib.force.errors import (
    BookError,
    ContractError,
    DisclosureError,
    ExecutionError,
    trace_of,
)
from missing_lib.force.places import make_restricted_folder
from missing_lib.release.registry import read

#: The last cell of every chapter, which no page shows.
CLOSE = "from missing_lib.book.chapter import close_chapters\n\nclose_chapters()"


@dataclass(frozen=True)
class Task:
    """One chapter of one edition to run.

    Attributes
    ----------
    parameters : dict
        Values for the parameters cell.
    engine : str
        Papermill engine, see :mod:`missing_lib.book.engines`.
    """

    layout: Layout
    edition: Edition
    chapter: str
    parameters: dict[str, Any]
    engine: str


def run_chapter(task: Task) -> None:
    """Execute, scrub and put the result in its place, all or nothing.

    Raises
    ------
    ExecutionError
        Names chapter and cell; the log says where, and quotes no value.
    DisclosureError
        If a cell left something behind that did not pass the gate.
    """
    edition, chapter = task.edition, task.chapter
    for folder in (edition.notebooks, edition.registry, edition.logs):
        folder.mkdir(parents=True, exist_ok=True)
    log = edition.logs / f"{chapter}.log"
    log.unlink(missing_ok=True)
    with (
        tempfile.TemporaryDirectory(dir=edition.folder, prefix=f".{chapter}-") as made,
        _members(task) as members,
    ):
        registry = Path(made) / f"{chapter}.jsonl"
        os.environ |= {
            ROOT_VARIABLE: str(task.layout.root),
            FORCES_VARIABLE: str(task.layout.forces),
            REGISTRY_VARIABLE: str(registry),
            MEMBERS_VARIABLE: str(members or ""),
        }
        try:
            executed = _execute(task)
            published = read(Path(made), [chapter])[chapter]
            clean = scrub(executed, published, chapter, task.parameters)
        except BookError as problem:
            _append(log, trace_of(problem))
            raise
        except Exception as problem:
            _append(log, trace_of(problem))
            raise ExecutionError([f"{chapter}: {type(problem).__name__}"]) from None
        notebook = Path(made) / f"{chapter}.ipynb"
        nbformat.write(clean, notebook)
        if members is not None:
            members.replace(str(edition.members_of(chapter)))
        shutil.move(registry, edition.registry / registry.name)
        shutil.move(notebook, edition.notebooks / notebook.name)


@contextmanager
def _members(task: Task) -> Iterator[Path | None]:
    """Where the chapter writes what it counts: in the restricted folder, gone if it fails."""
    place = task.edition.members_of(task.chapter)
    if place is None:
        yield None
        return
    make_restricted_folder(task.layout.forces / task.edition.force)
    place.parent.mkdir(parents=True, exist_ok=True)
    unfinished = place.with_name(f".{place.name}")
    try:
        yield unfinished
    finally:
        unfinished.unlink(missing_ok=True)


def _execute(task: Task) -> nbformat.NotebookNode:
    source = task.layout.source(task.chapter)
    notebook = jupytext.read(source)
    notebook.cells.append(nbformat.v4.new_code_cell(CLOSE))
    kept = engines.register()
    output = f"{kept.scheme}{task.chapter}.ipynb"
    try:
        papermill.execute_notebook(
            notebook,
            output,
            parameters=task.parameters,
            engine_name=task.engine,
            kernel_name="python3",
            cwd=str(task.layout.root),
            progress_bar=False,
            log_output=False,
        )
    except PapermillExecutionError as problem:
        if problem.ename != "StopChapter":
            _append(task.edition.logs / f"{task.chapter}.log", problem.traceback)
            raise _in_plain_words(task.chapter, problem) from None
    done = nbformat.reads(kept.read(output), as_version=4)
    del done.cells[-1]
    return done


def _in_plain_words(chapter: str, problem: PapermillExecutionError) -> BookError:
    """Chapter, cell and kind of error; its message may quote data and is written nowhere.

    Our own errors quote none and are said in full.
    """
    place = f"chapter {chapter}, cell {problem.cell_index + 1}"
    if problem.ename in (ContractError.__name__, DisclosureError.__name__):
        kind = ContractError if problem.ename == ContractError.__name__ else DisclosureError
        return kind([f"{place}: {line}" for line in problem.evalue.splitlines()])
    return ExecutionError([f"{place}: {problem.ename}"])


def _append(log: Path, lines: list[str]) -> None:
    with log.open("a", encoding="utf-8") as file:
        file.writelines(f"{line}\n" for line in lines)
