"""Run tasks in processes of their own, some at a time, and hear how each ended."""

from __future__ import annotations

import multiprocessing
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Generic, TypeVar

from missing_lib.force.errors import BookError, ExecutionError, trace_of

T = TypeVar("T")


@dataclass(frozen=True)
class Outcome(Generic[T]):
    """How one task ended.

    Attributes
    ----------
    task : T
    seconds : float
        Wall time of its process.
    problem : BookError or None
        None if it went well.
    """

    task: T
    seconds: float
    problem: BookError | None


def run_all(
    function: Callable[[T], None], tasks: Sequence[T], workers: int, fork: bool
) -> Iterator[Outcome[T]]:
    """Run a function on every task, each in its own process; yield outcomes as they come.

    Parameters
    ----------
    function : callable
        Importable; raises a :class:`BookError` that says what went wrong.
    tasks : sequence
    workers : int
        Processes at a time.
    fork : bool
        Fork from this process, with all it has imported; else start afresh.
    """
    context = multiprocessing.get_context("fork" if fork else "spawn")
    waiting = list(tasks)
    running: dict[Connection, tuple[BaseProcess, T, float]] = {}
    while waiting or running:
        while waiting and len(running) < workers:
            task = waiting.pop(0)
            ours, theirs = context.Pipe(duplex=False)
            process = context.Process(  # type: ignore[attr-defined]
                target=_child, args=(function, task, theirs)
            )
            process.start()
            theirs.close()
            running[ours] = (process, task, time.monotonic())
        for connection in wait(list(running)):
            assert isinstance(connection, Connection)
            process, task, started = running.pop(connection)
            problem = _heard(connection)
            process.join()
            yield Outcome(task, time.monotonic() - started, problem)


def _child(function: Callable[[T], None], task: T, report: Connection) -> None:
    try:
        _say_nothing()
        function(task)
        report.send(None)
    except BookError as problem:
        report.send((type(problem), problem.problems))
    except Exception as problem:
        *_, place = trace_of(problem)
        report.send((ExecutionError, (f"{type(problem).__name__} at{place[1:]}",)))
    finally:
        sys.stdout.flush()
        report.close()


def _say_nothing() -> None:
    """Whatever the task or a library beneath it writes to the screen may quote a value."""
    sys.stdout.flush()
    sys.stderr.flush()
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for screen in (1, 2):
        os.dup2(nowhere, screen)
    os.close(nowhere)


def _heard(connection: Connection) -> BookError | None:
    """What the child said; one that died without a word was killed or ran out of memory."""
    try:
        said = connection.recv()
    except EOFError:
        return ExecutionError(["the process was ended from outside (out of memory?)"])
    finally:
        connection.close()
    if said is None:
        return None
    kind, problems = said
    error: BookError = kind(problems)
    return error
