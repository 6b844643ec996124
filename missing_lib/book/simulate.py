"""Run experiments on simulated worlds: in blocks, side by side, and on from where they stopped.

Data set k of an experiment is made from seed k, so that results depend neither on the number of
processes nor on what was run before. A finished block of data sets is a file in
``_build/controls``; when all blocks are there, their summary goes into ``data/controls``.
"""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, astuple, dataclass
from pathlib import Path
from typing import Any

from missing_lib.book.code_state import of_experiments
from missing_lib.book.engines import IN_PROCESS, default_engine
from missing_lib.book.experiments import EXPERIMENTS
from missing_lib.book.layout import Layout
from missing_lib.book.workers import run_all
from missing_lib.force.errors import BookError, ContractError, suggestion
from missing_lib.study.controls.criteria import Experiment
from missing_lib.study.controls.summary import Estimate, Summary, by_quantity

#: Data sets that one process makes before it writes them down.
BLOCK = 50
#: Digits that every machine writes the same.
_DIGITS = 6

#: Says one status line: experiment, data sets, how it went, seconds.
Say = Callable[[str, str, str, float], None]


@dataclass(frozen=True)
class Block:
    """Some data sets of one experiment: seeds from ``first`` up to before ``end``.

    Attributes
    ----------
    code : str
        State of the code that makes them.
    folder : Path
        Where the experiment's blocks are kept.
    """

    experiment: str
    first: int
    end: int
    code: str
    folder: Path

    @property
    def file(self) -> Path:
        """Where its estimates are written."""
        return self.folder / f"{self.first:06d}.json"


@dataclass(frozen=True)
class Result:
    """What an experiment gave, as it is kept.

    Attributes
    ----------
    code : str
        State of the code that it was made with.
    replicates : int
    found : dict of Summary
        By quantity.
    """

    code: str
    replicates: int
    found: dict[str, Summary]


def wanted(names: Iterable[str]) -> tuple[Experiment, ...]:
    """The experiments of these names; all if none is named.

    Raises
    ------
    ContractError
        For every name that is not one, with a suggestion.
    """
    given = list(dict.fromkeys(names))
    problems = [
        f"no experiment {name!r}{suggestion(name, EXPERIMENTS)}; there are: "
        f"{', '.join(EXPERIMENTS)}"
        for name in given
        if name not in EXPERIMENTS
    ]
    if problems:
        raise ContractError(problems)
    return tuple(EXPERIMENTS[name] for name in given or EXPERIMENTS)


def simulate(
    layout: Layout, experiments: Sequence[Experiment], replicates: int, workers: int, say: Say
) -> list[BookError]:
    """Run experiments and write the summary of each that is finished.

    Parameters
    ----------
    layout : Layout
    experiments : sequence of Experiment
    replicates : int
        Data sets for each.
    workers : int
        Processes at a time.
    say : callable
        Called once for each experiment.

    Returns
    -------
    list of BookError
        What went wrong; empty if every summary is there.
    """
    codes = of_experiments(experiments, layout.root)
    left: dict[str, list[Block]] = {}
    for one in experiments:
        if _up_to_date(read(layout.controls, one.name), codes[one.name], replicates):
            say(one.name, "", "up to date", 0)
            continue
        left[one.name] = [b for b in _blocks(layout, one.name, codes, replicates) if not _done(b)]
    problems: list[BookError] = []
    started = time.monotonic()

    def finish(name: str) -> None:
        """Write an experiment's summary once nothing of it is left."""
        made = [_read_block(b) for b in _blocks(layout, name, codes, replicates)]
        found = by_quantity([row for rows in made for row in rows][:replicates])
        write(layout.controls, name, Result(codes[name], replicates, found))
        say(name, f"{replicates} data sets", "done", time.monotonic() - started)

    for name in [n for n, blocks in left.items() if not blocks]:
        finish(name)
    tasks = [block for blocks in left.values() for block in blocks]
    fork = default_engine() == IN_PROCESS
    if fork:
        for name in {block.experiment: None for block in tasks}:
            EXPERIMENTS[name].run(0)  # what the first call compiles, forked processes inherit
    for outcome in run_all(run_block, tasks, workers, fork=fork):
        block = outcome.task
        if outcome.problem is not None:
            lines = [f"{block.experiment}: {line}" for line in outcome.problem.problems]
            problems.append(type(outcome.problem)(lines))
            continue
        left[block.experiment].remove(block)
        if not left[block.experiment]:
            finish(block.experiment)
    return problems


def run_block(block: Block) -> None:
    """Make the data sets of a block and write down what was estimated, all or nothing."""
    one = EXPERIMENTS[block.experiment]
    rows = [
        {name: [float(v) for v in astuple(e)] for name, e in one.run(seed).items()}
        for seed in range(block.first, block.end)
    ]
    _put(block.file, json.dumps({"code": block.code, "estimates": rows}))


def write(folder: Path, name: str, result: Result) -> None:
    """Keep a result as a small file that is the same on every machine."""
    content = {
        "experiment": name,
        "code": result.code,
        "replicates": result.replicates,
        "quantities": {
            quantity: {key: _rounded(value) for key, value in asdict(found).items()}
            for quantity, found in result.found.items()
        },
    }
    _put(folder / f"{name}.json", json.dumps(content, indent=1) + "\n")


def read(folder: Path, name: str) -> Result | None:
    """A kept result, or None where the experiment was never run to its end."""
    path = folder / f"{name}.json"
    if not path.is_file():
        return None
    content = json.loads(path.read_text(encoding="utf-8"))
    found = {
        quantity: Summary(**_numbers(given)) for quantity, given in content["quantities"].items()
    }
    return Result(content["code"], content["replicates"], found)


def _numbers(given: Mapping[str, Any]) -> dict[str, Any]:
    return {key: math.nan if value is None else value for key, value in given.items()}


def _up_to_date(kept: Result | None, code: str, replicates: int) -> bool:
    return kept is not None and kept.code == code and kept.replicates >= replicates


def _blocks(layout: Layout, name: str, codes: Mapping[str, str], replicates: int) -> list[Block]:
    folder = layout.build / "controls" / name
    return [
        Block(name, first, min(first + BLOCK, replicates), codes[name], folder)
        for first in range(0, replicates, BLOCK)
    ]


def _done(block: Block) -> bool:
    """Whether a block's file holds all its data sets, made with today's code."""
    if not block.file.is_file():
        return False
    kept = json.loads(block.file.read_text(encoding="utf-8"))
    return kept["code"] == block.code and len(kept["estimates"]) >= block.end - block.first


def _read_block(block: Block) -> list[dict[str, Estimate]]:
    rows = json.loads(block.file.read_text(encoding="utf-8"))["estimates"]
    return [{name: Estimate(*values) for name, values in row.items()} for row in rows]


def _put(path: Path, text: str) -> None:
    """Write a file so that it is there whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_suffix(f".{os.getpid()}.half")
    half.write_text(text, encoding="utf-8", newline="\n")
    half.replace(path)


def _rounded(value: Any) -> Any:
    if isinstance(value, int):
        return value
    return None if math.isnan(value) else float(f"{value:.{_DIGITS}g}")
