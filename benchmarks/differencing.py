"""Time the check of what published counts tell together, beside integer programs alone.

Takes the editions of a force that have been built, given as FORCE POPULATION ...
"""

from __future__ import annotations

import sys
import time

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp

from missing_lib.book.layout import find_layout
from missing_lib.book.toc import read_toc
from missing_lib.release.counted import load
from missing_lib.release.differencing.consistent import Worlds
from missing_lib.release.differencing.counts import Source
from missing_lib.release.differencing.protected import Question, questions
from missing_lib.release.differencing.system import System
from missing_lib.release.differencing.told import look
from missing_lib.release.policy import Policy

#: Questions that are put to integer programs alone; the others would only take longer.
SAMPLE = 20
SECONDS = 5.0


def main(force: str, *populations: str) -> None:
    """Print how long the check takes for one, two, ... of the editions together."""
    layout = find_layout()
    chapters, policy = read_toc(layout.root).chapters, Policy()
    for number in range(1, len(populations) + 1):
        editions = [layout.edition(force, p) for p in populations[:number]]
        sources = [
            Source(
                e.name,
                False,
                policy,
                tuple(one for c in chapters for one in load(e.folder_of_members / f"{c}.npz")),
            )
            for e in editions
        ]
        cells = sum(len(one.cells) for source in sources for one in source.counted)
        started = time.perf_counter()
        _, system = look(sources)
        asked = questions(system, policy)
        worlds = Worlds(system, policy)
        told = [q for q in asked if not worlds.safe(q)]
        seconds = time.perf_counter() - started
        print(
            f"{number} editions, {cells} cells, {len(asked)} protected sizes, {len(told)} told: "
            f"{seconds:.1f} s, {1000 * seconds / cells:.1f} s per 1,000 cells"
        )
        if asked:
            alone = programs_alone(system, asked[:: max(1, len(asked) // SAMPLE)])
            times = alone * len(asked) / seconds
            print(f"  integer programs alone: {times:.1f} times as long")


def programs_alone(system: System, asked: list[Question]) -> float:
    """Seconds for each of some questions, if its least and greatest value are computed."""
    started = time.perf_counter()
    n = len(system.truth)
    for question in asked:
        goal = np.zeros(n)
        goal[question.columns] = 1
        near = LinearConstraint(goal[None, :], 0, system.truth[question.columns].sum() + 4)
        for sign in (1, -1):
            milp(
                sign * goal,
                constraints=[LinearConstraint(system.rows, system.low, system.high), near],
                integrality=np.ones(n),
                bounds=Bounds(0, np.inf),
                options={"time_limit": SECONDS},
            )
    return (time.perf_counter() - started) / len(asked)


if __name__ == "__main__":
    main(*sys.argv[1:])
